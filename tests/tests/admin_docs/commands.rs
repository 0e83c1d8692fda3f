//! Command lines of `entra` and `entrad` in the pages, held against the programs themselves.
//!
//! Nothing is done by them: each is parsed as far as `--help` behind its words, which the programs print instead of acting.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use entra_tests::{Env, programs, run};

use super::pages::Block;

/// A program's name and its words.
pub(crate) type Command = Vec<String>;

/// What is typed behind a prompt (`$ `) of a block, with its line.
pub(crate) fn typed(block: &Block) -> Vec<(usize, Command)> {
    let joined = block.text.replace("\\\n", " ").replace("$$", "4711"); // as a shell does
    let lines = joined.lines().enumerate().filter_map(|(at, line)| Some((at, line.strip_prefix("$ ")?)));
    lines.flat_map(|(at, line)| calls(line).into_iter().map(move |call| (block.line + at, call))).collect()
}

/// The programs that a command line of the shell runs, where they are ours.
fn calls(line: &str) -> Vec<Command> {
    let starts = line.match_indices("entra").map(|(at, _)| at).filter(|at| {
        let before = line[..*at].trim_end();
        let after = line[*at..].strip_prefix("entrad").unwrap_or(&line[*at + "entra".len()..]);
        let is_word = after.is_empty() || after.starts_with(' ');
        is_word
            && (before.is_empty() || ["|", ";", "&&", "$("].iter().any(|operator| before.ends_with(operator)))
    });
    starts.map(|at| words(&line[at..])).collect()
}

/// What a sentence names in backticks; `a|b` is both, and `[a]` is there all the same.
pub(crate) fn named(span: &str) -> Vec<Command> {
    if !["entra", "entrad"].contains(&span.split(' ').next().unwrap_or_default()) {
        return Vec::new();
    }
    let mut commands = vec![Command::new()];
    for word in words(&span.replace('|', "\u{1}").replace(['[', ']'], "")) {
        let choices: Vec<&str> = word.split('\u{1}').collect();
        commands = choices
            .into_iter()
            .flat_map(|choice| commands.iter().map(|command| [&command[..], &[choice.to_owned()]].concat()))
            .collect();
    }
    commands
}

/// The words up to the end of the command: an operator, a comment, or another program's own words.
fn words(line: &str) -> Command {
    let (mut words, mut word, mut quote) = (Command::new(), String::new(), None);
    let mut is_begun = false;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => word.push(letter),
            (None, '\'' | '"') => (quote, is_begun) = (Some(letter), true),
            (None, '#') if word.is_empty() && !is_begun => break,
            (None, '|' | ';' | '&' | '>' | ')' | '…') => break,
            (None, ' ') if word.is_empty() && !is_begun => {}
            (None, ' ') => {
                words.push(std::mem::take(&mut word));
                is_begun = false;
            }
            (None, _) => word.push(letter),
        }
    }
    words.extend((is_begun || !word.is_empty()).then_some(word));
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.truncate(end);
    words
}

/// Every option in a help text, as `--name` or `-n`.
pub(crate) fn options(help: &str) -> BTreeSet<String> {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let lists = help.lines().filter(|line| line.trim_start().starts_with('-'));
    let words = lists.flat_map(|line| line.split(|letter: char| !is_of_a_name(letter)));
    words.filter(|word| word.starts_with('-')).map(str::to_owned).collect()
}

/// The programs, and what their help says.
pub(crate) struct Programs<'a> {
    env: &'a Env,
    helps: RefCell<BTreeMap<Command, String>>,
}

impl<'a> Programs<'a> {
    pub(crate) fn new(env: &'a Env) -> Self {
        Self { env, helps: RefCell::default() }
    }

    /// Why the program does not take these words.
    pub(crate) fn refuse(&self, command: &[String]) -> Option<String> {
        let is_anothers = |word: &String| word == "--run"; // all that follows is a program's
        let end = command.iter().position(is_anothers).unwrap_or(command.len());
        let ran = self.run(&command[..end]);
        (ran.status != 0).then(|| ran.stderr.lines().next().unwrap_or_default().to_owned())
    }

    /// The subcommand or option that there is not.
    pub(crate) fn miss(&self, command: &[String]) -> Option<String> {
        let mut path = vec![command[0].clone()];
        for (at, word) in command.iter().enumerate().skip(1) {
            let help = self.help(&path);
            let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
            let below = listed(&help);
            if name.starts_with('-') && name.len() > 1 {
                let is_known = options(&help).contains(name) || name == "--help";
                if !is_known {
                    return Some(format!("`{}` has no option `{name}`", path.join(" ")));
                }
                if name == "--run" {
                    break;
                }
            } else if below.contains(word) {
                path.push(word.clone());
            } else if is_placeholder(word) && !below.is_empty() {
                let meant =
                    |name: &String| [&path[..], std::slice::from_ref(name), &command[at + 1..]].concat();
                return below.iter().map(|name| self.miss(&meant(name))).min()?; // that which fits best
            } else if help.lines().any(|line| line.starts_with("Usage:") && line.contains("<COMMAND>")) {
                return Some(format!("`{}` has no command `{word}`", path.join(" ")));
            }
        }
        None
    }

    fn help(&self, path: &[String]) -> String {
        if let Some(help) = self.helps.borrow().get(path) {
            return help.clone();
        }
        let help = self.run(path).stdout;
        self.helps.borrow_mut().insert(path.to_owned(), help.clone());
        help
    }

    fn run(&self, command: &[String]) -> entra_tests::Ran {
        let programs = programs!();
        let program = if command[0] == "entrad" { &programs.entrad } else { &programs.entra };
        let mut started = self.env.command(program);
        started.args(&command[1..]).arg("--help");
        run(started)
    }
}

/// The subcommands of a help text, or the tools that `entra setup` knows.
fn listed(help: &str) -> BTreeSet<String> {
    let lines = help.lines().skip_while(|line| !["Commands:", "Tools:"].contains(line)).skip(1);
    let names = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    });
    names.collect()
}

fn is_placeholder(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}
