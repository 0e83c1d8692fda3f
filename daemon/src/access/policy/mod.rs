//! Who may ask for what: rules, of which the first that fits decides.
//!
//! An administrator's rules stand first, then the user's, and last those that are built in (`built_in`).
//! The one hard idea is what is not known. A condition whose fact is not known never makes an `allow` fit, and never keeps a
//! `deny` or an `ask` from fitting; so forgetting something about a caller can cost it a token, and can never get it one.
//!
//! All but the [`Gatekeeper`] is pure: rules are held against plain facts.

mod ask;
mod built_in;
mod condition;
mod explain;
mod fault;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gatekeeper;
mod parse;
#[cfg(test)]
mod properties;
mod rule;
mod subject;
mod truth;
mod wild;

use std::fmt;
use std::sync::Arc;

use entra_proto::config::{Layer, Origin};
use entra_proto::policy::{Effect, PolicyAnswer, PolicyFault, RuleInfo};

pub(in crate::access) use self::ask::EXPLAIN;
pub use self::ask::{Answer, Ask, Question};
pub use self::fault::RuleFault;
pub use self::gatekeeper::Gatekeeper;
use self::rule::{Fit, Rule};
pub use self::subject::{Account, Subject, Tenant};
use crate::config::{PolicyPart, Source};

/// The rules in force, in their order. Clones share them.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Arc<[Placed]>,
}

/// A rule with its place among all.
#[derive(Debug, PartialEq, Eq)]
struct Placed {
    number: u32,
    rule: Rule,
    origin: Origin,
    line: Option<usize>,
    /// Why it stands in the place of rules that cannot be used.
    instead_of: Option<String>,
}

/// Why a text of rules is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyError {
    /// Where the text stands.
    pub source: Source,
    /// Everything that is wrong with it.
    pub faults: Vec<RuleFault>,
}

/// What is to be found out of a caller before it can be decided, from the cheapest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wants {
    /// Whether it is from elsewhere, or an agent.
    Place,
    /// Which program it is, and who started it.
    Program,
    /// That, and what is in the program's file.
    Hash,
}

impl Policy {
    /// The rules of these texts.
    ///
    /// # Errors
    /// [`PolicyError`] of the first text that has a fault, with all of its faults.
    pub fn of(parts: &[PolicyPart]) -> Result<Self, PolicyError> {
        let mut all = Vec::new();
        for part in parts {
            match part {
                PolicyPart::Lines(text) => {
                    let parsed = parse::parse(text.value.iter().map(String::as_str));
                    let rules =
                        parsed.map_err(|faults| PolicyError { source: text.source.clone(), faults })?;
                    let origin = text.source.origin();
                    all.extend(
                        rules.into_iter().map(|(line, rule)| (rule, origin.clone(), Some(line), None)),
                    );
                }
                PolicyPart::Unread { layer, place, reason } => {
                    let origin = Origin { layer: *layer, place: place.clone() };
                    all.push((shut(), origin, None, Some(reason.clone())));
                }
            }
        }
        let built_in = built_in::rules().into_iter();
        all.extend(built_in.map(|rule| (rule, Source::BuiltIn.origin(), None, None)));
        let placed = (1..).zip(all).map(|(number, (rule, origin, line, instead_of))| Placed {
            number,
            rule,
            origin,
            line,
            instead_of,
        });
        Ok(Self { rules: placed.collect() })
    }

    /// What is wrong with a text of rules, each with its place in it.
    #[must_use]
    pub fn faults_in(text: &str, place: &str) -> Vec<PolicyFault> {
        let faults = parse::parse(text.lines()).err().unwrap_or_default();
        faults.into_iter().map(|fault| fault.told(place)).collect()
    }

    /// The rules, as the wire tells them.
    #[must_use]
    pub fn answer(&self) -> PolicyAnswer {
        let faults = self.rules.iter().filter_map(|placed| {
            let what = placed.instead_of.clone()?;
            Some(PolicyFault { place: placed.origin.place.clone(), line: None, column: None, what })
        });
        PolicyAnswer { rules: self.rules.iter().map(Placed::info).collect(), faults: faults.collect() }
    }

    /// The rule that decides. There is always one: the last fits everything.
    fn decide(&self, subject: &Subject) -> &Placed {
        let fits = |placed: &&Placed| matches!(placed.rule.fit(subject), Fit::Fits { .. });
        self.rules.iter().find(fits).unwrap_or(&self.rules[self.rules.len() - 1])
    }

    /// The rule that decides where nothing of the caller is needed for that; else what is to be found out.
    fn decide_unseen(&self, subject: &Subject) -> Result<&Placed, Wants> {
        let mut wants: Option<Wants> = None;
        for placed in self.rules.iter().filter(|placed| placed.rule.may_fit(subject)) {
            match placed.rule.wants() {
                Some(more) => wants = wants.max(Some(more)),
                None => return wants.map_or(Ok(placed), Err),
            }
        }
        Err(wants.unwrap_or(Wants::Place))
    }
}

impl Default for Policy {
    /// As where nobody wrote a rule.
    fn default() -> Self {
        let placed = |(number, rule)| {
            let origin = Source::BuiltIn.origin();
            Placed { number, rule, origin, line: None, instead_of: None }
        };
        Self { rules: (1..).zip(built_in::rules()).map(placed).collect() }
    }
}

/// What stands for rules that cannot be read: they may have refused anything.
fn shut() -> Rule {
    Rule { effect: Effect::Deny, conditions: Vec::new() }
}

impl Placed {
    fn info(&self) -> RuleInfo {
        RuleInfo {
            number: self.number,
            effect: self.rule.effect,
            text: self.rule.to_string(),
            origin: self.origin.clone(),
            line: self.line.and_then(|line| line.try_into().ok()),
            instead_of: self.instead_of.clone(),
        }
    }

    /// Whether it was written, and is not one of those that are there without.
    fn is_written(&self) -> bool {
        self.origin.layer != Layer::BuiltIn
    }

    fn asks(&self) -> bool {
        self.rule.effect == Effect::Ask
    }

    /// Whether only an administrator can put a rule before it.
    fn is_administrators(&self) -> bool {
        matches!(self.origin.layer, Layer::Machine | Layer::Managed)
    }
}

impl fmt::Display for Placed {
    /// As refusals and the audit log name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({}", self.rule, self.origin.place)?;
        match self.line {
            Some(line) => write!(f, ", line {line})"),
            None => f.write_str(")"),
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `policy` cannot be used", self.source)?;
        for (at, fault) in self.faults.iter().enumerate() {
            write!(f, "{} {fault}", if at == 0 { ":" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}

/// Rules of one text: more than anybody can oversee.
const MAX_RULES: usize = 1000;

#[cfg(test)]
mod tests;
