//! `entra run` and `entra env`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use entra_proto::resource::named;

use super::lease::{Terms, lifetime, resource};
use crate::surroundings::{CONFLICTS, is_ours};

#[derive(Args, Debug)]
#[group(skip)]
#[command(override_usage = RUN_USAGE, after_help = RUN_EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) means: Means,
    /// What `entra lease` calls it; the program's name when not given
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The program and its own words
    #[arg(value_name = "CMD", required = true, num_args = 1.., trailing_var_arg = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(override_usage = ENV_USAGE, after_help = ENV_EXAMPLES)]
pub(crate) struct EnvArgs {
    #[command(flatten)]
    pub(crate) means: Means,
    /// What `entra lease` calls it; one of this name that stands by itself is replaced
    #[arg(long, value_name = "NAME", default_value = "env")]
    pub(crate) name: String,
    /// When it ends by itself, such as 30m, 8h or 7d from now; when it is revoked if not given
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) expires_in: Option<u64>,
    /// End it with this process, such as a shell's own `$$`; nothing is replaced then
    #[arg(long, value_name = "PID", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) process: Option<u32>,
    /// Who is to read it; your shell when not given
    #[arg(long, value_enum, value_name = "SHELL")]
    pub(crate) shell: Option<Shell>,
}

// What both commands put around a program. A doc comment here, or on what else is flattened into a command, would become
// the text of the command's help.
#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct Means {
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// Put a token into a variable, for tools that take one as a password; may be repeated
    #[arg(long, value_name = "VAR=RESOURCE", value_parser = token_variable)]
    pub(crate) env: Vec<TokenVariable>,
    /// Leave a variable that leads tools past entrad; may be repeated
    #[arg(long, value_name = "VAR", value_parser = kept)]
    pub(crate) keep: Vec<&'static str>,
}

impl Means {
    /// Whether no resource is named.
    pub(crate) fn is_for_nothing(&self) -> bool {
        self.terms.is_for_nothing() && self.env.is_empty()
    }
}

/// A variable, and the resource whose token it is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenVariable {
    /// The variable's name: letters, digits and `_`, and no digit first.
    pub(crate) name: String,
    /// A short name or a resource.
    pub(crate) resource: String,
}

/// Who reads what `entra env` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// bash, and every shell that speaks POSIX
    #[value(alias = "sh", alias = "dash", alias = "ksh")]
    Bash,
    /// systemd's user services and a desktop that it starts: a file for ~/.config/environment.d
    #[value(name = "environment.d")]
    EnvironmentD,
    /// fish
    Fish,
    /// A program: one JSON object of what to set and what to unset
    Json,
    /// macOS applications of this session: lines for sh
    Launchctl,
    /// PowerShell
    #[value(alias = "pwsh")]
    Powershell,
    /// Windows programs that start from now on: lines for a command file
    Setx,
    /// zsh
    Zsh,
}

fn token_variable(text: &str) -> Result<TokenVariable, String> {
    let wrong = || "give a variable and a resource, such as PGPASSWORD=postgres".to_owned();
    let (name, wanted) = text.split_once('=').ok_or_else(wrong)?;
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if name.is_empty() || !is_plain || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("a variable's name is letters, digits and `_`".to_owned());
    }
    if is_ours(name) {
        return Err(format!("{name} is set by entra itself"));
    }
    let resource = match named(wanted) {
        Some(known) => known.name.to_owned(),
        None => resource(wanted)?,
    };
    Ok(TokenVariable { name: name.to_owned(), resource })
}

fn kept(name: &str) -> Result<&'static str, String> {
    let known = CONFLICTS.iter().find(|known| known.eq_ignore_ascii_case(name));
    known.copied().ok_or_else(|| format!("those that entra unsets are {}", CONFLICTS.join(", ")))
}

const RUN_USAGE: &str =
    "entra run (--for NAME | --resource R | --all-resources | --env VAR=RESOURCE)... [OPTIONS] -- CMD...";

pub(super) const RUN_EXAMPLES: &str = "Examples:
  entra run --for foundry --for cognitive -- claude
  entra run --for arm -- python deploy.py
  entra run --for arm --in-path -- terraform plan
  entra run --agent --for foundry --for cognitive -- claude
  entra run --env PGPASSWORD=postgres -- psql -h db.example.com -U ada@contoso.com

CMD and every program that it starts can ask for tokens of these resources, until CMD ends. \
Its terminal, its signals and its exit status are its own; when it does not start, the status is 127 if there is no \
such program, 126 if it cannot be started, and otherwise one of entra's own.

A token that --env puts into a variable is not renewed there: it is good for about an hour.";

const ENV_USAGE: &str =
    "entra env (--for NAME | --resource R | --all-resources | --env VAR=RESOURCE)... [OPTIONS]";

pub(super) const ENV_EXAMPLES: &str = "Examples:
  eval \"$(entra env --for foundry)\"
  eval \"$(entra env --for foundry --process $$)\"
  entra env --for foundry | source
  entra env --for foundry | Out-String | Invoke-Expression
  entra env --for foundry --shell environment.d

The first is for bash and zsh, the third for fish, the fourth for PowerShell. The second is the same for one shell \
alone, as in ~/.bashrc: its lease ends with that shell. The last is a file for ~/.config/environment.d.

What is printed holds a secret: whoever has it can ask for tokens of these resources on this machine, until \
`entra lease revoke env`. Each call without --process makes that of the last one void.";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::args::Command;
    use crate::args::tests::{read, words};

    fn run(line: &str) -> RunArgs {
        let Command::Run(args) = read(line).unwrap().command else { panic!() };
        *args
    }

    #[rstest]
    #[case("entra run --for arm -- psql -h x --for y", &["psql", "-h", "x", "--for", "y"])]
    #[case("entra run --for arm psql -h x --socket y", &["psql", "-h", "x", "--socket", "y"])]
    #[case("entra run --for arm -- sh -- x", &["sh", "--", "x"])]
    #[case("entra run --for arm -- -x", &["-x"])]
    fn the_programs_words_are_its_own(#[case] line: &str, #[case] command: &[&str]) {
        let args = run(line);
        assert_eq!(args.command, command);
        assert_eq!(args.means.terms.for_names, ["arm"]);
    }

    #[test]
    fn a_token_in_a_variable_is_target_enough() {
        let args = run("entra run --env PGPASSWORD=Postgres --env X=api://a=b -- psql");
        let variable = |name: &str, resource: &str| TokenVariable {
            name: name.to_owned(),
            resource: resource.to_owned(),
        };
        assert_eq!(args.means.env, [variable("PGPASSWORD", "postgres"), variable("X", "api://a=b")]);
    }

    #[rstest]
    #[case("entra run -- psql", "--all-resources  ")]
    #[case("entra run -- psql", "--env VAR=RESOURCE")]
    #[case("entra run -- psql", "Usage: entra run (")]
    #[case("entra env", "--resource R")]
    #[case("entra env", "Usage: entra env (")]
    #[case("entra run --for arm", "CMD")]
    #[case("entra run --fro arm -- psql", "--for")]
    #[case("entra run --env PGPASSWORD -- psql", "PGPASSWORD=postgres")]
    #[case("entra run --env =arm -- psql", "letters")]
    #[case("entra run --env 1A=arm -- psql", "letters")]
    #[case("entra run --env A;B=arm -- psql", "letters")]
    #[case("entra run --env A= -- psql", "without spaces")]
    #[case("entra run --env A=* -- psql", "--all-resources")]
    #[case("entra run --env no_proxy=arm -- psql", "by entra itself")]
    #[case("entra run --for arm --keep PATH -- psql", "AZURE_CLIENT_SECRET")]
    #[case("entra env --for arm --shell tcsh", "environment.d")]
    #[case("entra env --for arm --process 0", "0")]
    fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] right: &str) {
        let said = words(line);
        assert!(said.contains(right), "{said}");
    }

    #[test]
    fn each_who_reads_is_known_by_name() {
        for name in ["bash", "sh", "zsh", "fish", "powershell", "pwsh", "environment.d", "launchctl", "setx"]
        {
            let Command::Env(args) = read(&format!("entra env --for arm --shell {name}")).unwrap().command
            else {
                panic!()
            };
            assert!(args.shell.is_some() && args.name == "env");
        }
    }

    #[test]
    fn help_has_examples_and_short_names() {
        for command in ["run", "env"] {
            let help = words(&format!("entra {command} --help"));
            assert!(help.starts_with("Run a program") || help.starts_with("Print the variables"), "{help}");
            assert!(help.contains("Examples:") && help.contains("https://ai.azure.com"), "{help}");
        }
    }
}
