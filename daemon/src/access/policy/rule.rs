//! A rule, and whether it fits.

use std::fmt;

use entra_proto::policy::Effect;

use super::Wants;
use super::condition::{Condition, Test};
use super::subject::Subject;
use super::truth::Truth;
use crate::access::interpreter::is_interpreter;

/// What happens to requests of which all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) effect: Effect,
    pub(super) conditions: Vec<Condition>,
}

/// Whether a rule fits, and the condition that says so: the first that does not hold, or that was not needed.
#[derive(Debug)]
pub(super) enum Fit<'a> {
    /// All that must hold does, or may.
    Fits { unknown: Option<&'a Condition> },
    /// This condition does not.
    DoesNot { condition: &'a Condition, truth: Truth },
}

impl Rule {
    /// Holds the rule against all that is known. What is not known never lets in, and never lets out of a refusal.
    pub(super) fn fit(&self, subject: &Subject) -> Fit<'_> {
        self.fit_of(subject, |_| true)
    }

    /// The same with the conditions alone that look at the request, before anything of the caller is looked up.
    pub(super) fn may_fit(&self, subject: &Subject) -> bool {
        matches!(self.fit_of(subject, |condition| condition.wants().is_none()), Fit::Fits { .. })
    }

    /// What is to be found out of the caller for it, if anything.
    pub(super) fn wants(&self) -> Option<Wants> {
        self.conditions.iter().filter_map(Condition::wants).max()
    }

    fn fit_of(&self, subject: &Subject, is_asked: impl Fn(&Condition) -> bool) -> Fit<'_> {
        let mut unknown = None;
        for condition in self.conditions.iter().filter(|condition| is_asked(condition)) {
            let truth = self.truth(condition, subject);
            let does_not = match self.effect {
                Effect::Allow => truth != Truth::Yes,
                Effect::Ask | Effect::Deny => truth == Truth::No,
            };
            if does_not {
                return Fit::DoesNot { condition, truth };
            }
            if truth == Truth::Unknown {
                unknown = unknown.or(Some(condition));
            }
        }
        Fit::Fits { unknown }
    }

    fn truth(&self, condition: &Condition, subject: &Subject) -> Truth {
        let is_own = matches!(condition.test, Test::Program(_) | Test::Hash(_));
        if is_own && self.trusts_programs_alone() && !is_itself(subject) {
            return Truth::Unknown;
        }
        condition.truth(subject)
    }

    /// Whether it lets a program in for what it is, whatever that runs.
    pub(super) fn trusts_programs_alone(&self) -> bool {
        self.effect == Effect::Allow && !self.conditions.iter().any(Condition::binds)
    }
}

/// Whether the caller's program does what it was written for, and not what somebody else wrote.
fn is_itself(subject: &Subject) -> bool {
    let program = subject.known_caller().and_then(|facts| facts.program.as_deref());
    program.is_some_and(|program| !is_interpreter(program))
}

impl Condition {
    /// Whether it says what an interpreter runs, or for whom.
    pub(super) fn binds(&self) -> bool {
        !self.is_negated && matches!(self.test, Test::Script(_) | Test::Parent(_))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.effect.word())?;
        self.conditions.iter().try_for_each(|condition| write!(f, " {condition}"))
    }
}
