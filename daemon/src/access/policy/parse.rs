//! The text of rules: one a line, blanks between its words, `#` before a comment.
//!
//! It is read whole: every fault is told, and with one fault there are no rules.

use entra_proto::policy::Effect;

use super::condition::{Condition, Test};
use super::fault::{Fault, RuleFault};
use super::rule::Rule;
use crate::access::interpreter::is_interpreters_name;
use crate::config::most_like;

/// The rules of these lines, each with its line's number from 1.
///
/// # Errors
/// Every fault, in the order of the lines.
pub(super) fn parse<'a>(
    lines: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<(usize, Rule)>, Vec<RuleFault>> {
    let (mut rules, mut faults) = (Vec::new(), Vec::new());
    for (line, text) in (1..).zip(lines) {
        match rule(text) {
            Ok(Some(_)) if rules.len() >= super::MAX_RULES => {
                faults.push(RuleFault { line, column: 1, what: Fault::TooMany });
                break;
            }
            Ok(rule) => rules.extend(rule.map(|rule| (line, rule))),
            Err(found) => {
                faults.extend(found.into_iter().map(|(column, what)| RuleFault { line, column, what }));
            }
        }
    }
    if faults.is_empty() { Ok(rules) } else { Err(faults) }
}

/// What is wrong, each with its column from 1.
type Faults = Vec<(usize, Fault)>;

/// The rule of a line; nothing where it has none.
fn rule(line: &str) -> Result<Option<Rule>, Faults> {
    let words = words(line).map_err(|fault| vec![fault])?;
    let Some((first, rest)) = words.split_first() else { return Ok(None) };
    let mut faults = Faults::new();
    let effect = Effect::ALL.into_iter().find(|effect| effect.word() == first.text);
    if effect.is_none() {
        let nearest = most_like(first.text, Effect::ALL.map(Effect::word));
        let nearest = Effect::ALL.into_iter().find(|effect| Some(effect.word()) == nearest);
        let word = first.text.chars().take(40).collect();
        let nearest = nearest.unwrap_or(Effect::Deny);
        faults.push((first.column, Fault::UnknownEffect { word, nearest }));
    }
    let mut conditions: Vec<(usize, Condition)> = Vec::new();
    for word in rest {
        match Condition::parse(word.text) {
            Ok(condition) => conditions.push((word.column, condition)),
            Err(fault) => faults.push((word.column, fault)),
        }
    }
    faults.extend(twice(&conditions));
    if let Some(effect) = effect {
        faults.extend(unsafe_ones(effect, &conditions));
    }
    faults.sort_by_key(|(column, _)| *column);
    match effect {
        Some(effect) if faults.is_empty() => {
            let conditions = conditions.into_iter().map(|(_, condition)| condition).collect();
            Ok(Some(Rule { effect, conditions }))
        }
        _ => Err(faults),
    }
}

/// Conditions that can never hold together. A caller has several parents, and may be none of several things.
fn twice(conditions: &[(usize, Condition)]) -> impl Iterator<Item = (usize, Fault)> {
    let is_one = |condition: &Condition| !condition.is_negated && !matches!(condition.test, Test::Parent(_));
    conditions.iter().enumerate().filter_map(move |(at, (column, condition))| {
        let is_it = |(_, other): &(usize, Condition)| is_one(other) && other.name() == condition.name();
        let is_second = is_one(condition) && conditions[..at].iter().any(is_it);
        is_second.then(|| (*column, Fault::Twice { name: condition.name() }))
    })
}

/// Conditions that say less than they seem to.
fn unsafe_ones(effect: Effect, conditions: &[(usize, Condition)]) -> impl Iterator<Item = (usize, Fault)> {
    let is_bound = conditions.iter().any(|(_, condition)| condition.binds());
    conditions.iter().filter_map(move |(column, condition)| {
        let lets_in = effect == Effect::Allow && !condition.is_negated;
        let name = condition.name();
        let fault = match &condition.test {
            Test::Program(path) | Test::Script(path) | Test::Parent(path)
                if lets_in && path.is_anywhere() =>
            {
                Some(Fault::AnyFolder { name })
            }
            Test::Program(path) if lets_in && !is_bound && is_interpreters_name(path.name()) => {
                Some(Fault::Interpreter { program: path.name().to_owned() })
            }
            Test::Tenant(_, is_id) if !lets_in && !is_id => Some(Fault::TenantByName),
            _ => None,
        };
        fault.map(|fault| (*column, fault))
    })
}

struct Word<'a> {
    /// Of its first character, from 1.
    column: usize,
    text: &'a str,
}

/// The words of a line, up to its comment. A blank within quotes is part of its word.
fn words(line: &str) -> Result<Vec<Word<'_>>, (usize, Fault)> {
    if line.len() > MAX_LINE {
        return Err((1, Fault::TooLong));
    }
    let mut words = Vec::new();
    let mut begun: Option<(usize, usize)> = None;
    let mut open_quote = None;
    for (column, (at, char)) in (1..).zip(line.char_indices()) {
        match char {
            '#' if begun.is_none() => return Ok(words),
            ' ' | '\t' if open_quote.is_none() => {
                words.extend(begun.take().map(|(column, from)| Word { column, text: &line[from..at] }));
            }
            char if is_hidden(char) => return Err((column, Fault::Hidden)),
            char => {
                begun.get_or_insert((column, at));
                if char == '"' {
                    open_quote = if open_quote.is_none() { Some(column) } else { None };
                }
            }
        }
    }
    if let Some(column) = open_quote {
        return Err((column, Fault::OpenQuote));
    }
    words.extend(begun.map(|(column, from)| Word { column, text: &line[from..] }));
    Ok(words)
}

/// Controls, and marks that reorder or hide text (Unicode TR 36 section 2.5): a rule is what it looks like.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Bytes of a line.
pub(super) const MAX_LINE: usize = 4096;

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
