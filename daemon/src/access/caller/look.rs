//! What a look at a caller brings: the facts, and in words why they are no better.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use entra_proto::caller::{CallerAnswer, CallerParent, Certainty};

use super::ancestry::Ancestor;
use super::process::FileId;
use crate::access::facts::{Facts, Strength};
use crate::clock::{Clock, SystemClock};

/// A look at a caller: at the process that connected, or at the one behind it, where that is our client.
#[derive(Clone, Debug)]
pub struct Look {
    /// What rules are held against.
    pub facts: Facts,
    /// The process that the facts are of.
    pub(super) pid: Option<u32>,
    /// Its program's file.
    pub(super) file: Option<FileId>,
    /// Our client, where that connected for it.
    pub(super) through: Option<PathBuf>,
    /// The processes above it.
    pub(super) above: Vec<Ancestor>,
    /// Who signed its program, as the system verified it.
    pub(super) signer: Option<String>,
    pub(super) doubts: Vec<Doubt>,
}

/// Why a caller is not known better, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    words: Cow<'static, str>,
    /// Nothing that was seen can be relied on.
    is_grave: bool,
}

impl Doubt {
    pub(super) const NO_NUMBER: Self = Self::grave(
        "It has no number among this system's processes: it runs in a container that entrad cannot see into, or it ended at \
         once.",
    );
    pub(super) const GONE: Self =
        Self::grave("It ended, or became another program, while entrad looked at it.");
    pub(super) const CHANGED: Self = Self::grave("It runs another program than when it connected.");
    pub(super) const TOO_SLOW: Self = Self::grave("It could not be looked at in time.");
    pub(super) const BY_NUMBER: Self = Self::plain(
        "This system says who connected by a number alone, which another process may have had by the time entrad looked.",
    );
    pub(super) const OWN_FILE: Self =
        Self::plain("Whatever runs as you can put another program into its file.");

    /// Its program is not shown, and it may call itself as it likes.
    pub(super) fn own_word(word: Option<&Path>) -> Self {
        let why = "The system does not show its program, since entrad is confined (as a service) or the process is closed to \
                   others";
        match word {
            Some(word) => {
                Self::told(format!("{why}; it calls itself `{}`, as any program could.", word.display()))
            }
            None => Self::told(format!("{why}.")),
        }
    }

    /// It does what a script says.
    pub(super) fn interpreter(program: &Path) -> Self {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        Self::told(format!("`{name}` does what others wrote, and only it says what it was told to do."))
    }

    const fn grave(words: &'static str) -> Self {
        Self { words: Cow::Borrowed(words), is_grave: true }
    }

    pub(super) const fn plain(words: &'static str) -> Self {
        Self { words: Cow::Borrowed(words), is_grave: false }
    }

    pub(super) fn told(words: String) -> Self {
        Self { words: Cow::Owned(words), is_grave: false }
    }
}

impl Look {
    /// Nothing but why.
    pub(super) fn unknown(pid: Option<u32>, doubt: Doubt) -> Self {
        // Whoever cannot be looked at may be anywhere.
        let facts = Facts { container: true, forwarded: true, ..Facts::of_nobody() };
        Self::new(pid, facts, vec![doubt])
    }

    /// These facts, with these doubts, the gravest first.
    pub(super) fn new(pid: Option<u32>, mut facts: Facts, doubts: Vec<Doubt>) -> Self {
        facts.strength = match doubts.first() {
            _ if doubts.iter().any(|doubt| doubt.is_grave) => Strength::Unknown,
            Some(doubt) => Strength::Weak(doubt.words.to_string()),
            None => Strength::Strong,
        };
        Self { facts, pid, file: None, through: None, above: Vec::new(), signer: None, doubts }
    }

    /// The process that the facts are of.
    pub(in crate::access) fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// Whether a later request of the same connection may go by it.
    pub(super) fn may_be_kept(&self) -> bool {
        self.through.is_none() && self.facts.strength != Strength::Unknown
    }

    /// The same for the wire.
    #[must_use]
    pub fn told(&self, user: Option<String>) -> CallerAnswer {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let now = SystemClock.now().epoch();
        let since_boot = super::program::now();
        let parent = |ancestor: &Ancestor| CallerParent {
            program: text(&ancestor.program),
            started_on: now.saturating_sub(since_boot.saturating_sub(ancestor.started) / TICKS),
        };
        let facts = &self.facts;
        CallerAnswer {
            pid: self.pid,
            user,
            program: facts.program.as_deref().map(text),
            sha256: facts.program_hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect()),
            signer: self.signer.clone(),
            through: self.through.as_deref().map(text),
            script: facts.script.as_deref().map(text),
            parents: self.above.iter().map(parent).collect(),
            unit: facts.unit.clone(),
            container: facts.container,
            forwarded: facts.forwarded,
            agent: facts.agent.clone(),
            agent_known_by: None,
            certainty: match facts.strength {
                Strength::Strong => Certainty::Strong,
                Strength::Weak(_) => Certainty::Weak,
                Strength::Unknown => Certainty::Unknown,
            },
            reasons: self.doubts.iter().map(|doubt| doubt.words.to_string()).collect(),
        }
    }
}

/// Of [`super::program::now`] in a second.
const TICKS: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const GRAVE: [Doubt; 4] = [Doubt::NO_NUMBER, Doubt::GONE, Doubt::CHANGED, Doubt::TOO_SLOW];

    #[test]
    fn a_caller_is_as_strong_as_its_gravest_doubt_lets_it_be() {
        let of = |doubts: &[Doubt]| Look::new(Some(7), Facts::of_nobody(), doubts.to_vec()).facts.strength;
        assert_eq!(of(&[]), Strength::Strong);
        let first = Strength::Weak(Doubt::BY_NUMBER.words.to_string());
        assert_eq!(of(&[Doubt::BY_NUMBER, Doubt::OWN_FILE]), first);
        for grave in GRAVE {
            assert_eq!(of(&[Doubt::OWN_FILE, grave]), Strength::Unknown);
        }
    }

    #[test]
    fn who_is_not_known_may_be_anywhere_and_is_not_remembered() {
        let look = Look::unknown(None, Doubt::NO_NUMBER);
        assert!(look.facts.container && look.facts.forwarded && look.facts.program.is_none());
        assert!(!look.may_be_kept());
        let told = look.told(None);
        assert!(told.certainty == Certainty::Unknown && told.reasons.len() == 1);
        assert!(Look::new(Some(7), Facts::of_nobody(), vec![Doubt::OWN_FILE]).may_be_kept());
    }

    #[test]
    fn a_reason_is_a_sentence() {
        let path = Path::new("/usr/bin/sh");
        let others = [
            Doubt::own_word(None),
            Doubt::own_word(Some(path)),
            Doubt::interpreter(path),
            Doubt::BY_NUMBER,
            Doubt::OWN_FILE,
        ];
        for doubt in GRAVE.into_iter().chain(others) {
            assert!(doubt.words.ends_with('.') && !doubt.words.contains("  "), "{doubt:?}");
        }
    }
}
