//! Checks that are made on this side, in the shape of the daemon's.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::doctor::{Check, CheckResult};

/// A check by its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// The name.
    pub(super) name: &'static str,
    /// How long it may take, in milliseconds.
    pub(super) limit_ms: u64,
}

impl Named {
    pub(super) const fn new(name: &'static str, limit_ms: u64) -> Self {
        Self { name, limit_ms }
    }

    /// What was found.
    pub(super) fn found(self, finding: Finding, took: Duration) -> Check {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Check {
            name: self.name.to_owned(),
            about: finding.about,
            result: finding.result,
            evidence: finding.evidence,
            remedy: finding.remedy,
            took_ms: took_ms.min(self.limit_ms),
            limit_ms: self.limit_ms,
        }
    }

    /// What a look came to that waits for nothing.
    pub(super) fn at_once(self, look: impl FnOnce() -> Finding) -> Check {
        let begun = Instant::now();
        let finding = look();
        self.found(finding, begun.elapsed())
    }

    /// Begins a look on a thread of its own.
    pub(super) fn begin(self, look: impl FnOnce() -> Finding + Send + 'static) -> Begun {
        let (tell, told) = channel();
        let begun = Instant::now();
        thread::spawn(move || {
            // Nobody listens any more after the limit.
            let _late = tell.send((look(), begun.elapsed()));
        });
        Begun { named: self, begun, told }
    }
}

/// A look under way.
pub(super) struct Begun {
    named: Named,
    begun: Instant,
    told: Receiver<(Finding, Duration)>,
}

impl Begun {
    /// Waits for it, for no longer than its limit.
    pub(super) fn end(self) -> Check {
        let limit = Duration::from_millis(self.named.limit_ms);
        match self.told.recv_timeout(limit.saturating_sub(self.begun.elapsed())) {
            Ok((finding, took)) => self.named.found(finding, took),
            Err(RecvTimeoutError::Timeout) => {
                let evidence = format!("Nothing was heard within {} ms.", self.named.limit_ms);
                self.named.found(Finding::failed(evidence, "Try again; the system may be busy."), limit)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let finding = Finding::failed("The look ended in a defect of entra.", "Please report it.");
                self.named.found(finding, self.begun.elapsed())
            }
        }
    }
}

/// How a check ended.
#[derive(Debug)]
pub(super) struct Finding {
    about: Option<String>,
    pub(super) result: CheckResult,
    evidence: String,
    remedy: Option<String>,
}

impl Finding {
    fn new(result: CheckResult, evidence: impl Into<String>, remedy: Option<String>) -> Self {
        Self { about: None, result, evidence: evidence.into(), remedy }
    }

    pub(super) fn good(evidence: impl Into<String>) -> Self {
        Self::new(CheckResult::Good, evidence, None)
    }

    pub(super) fn skipped(evidence: impl Into<String>) -> Self {
        Self::new(CheckResult::Skipped, evidence, None)
    }

    pub(super) fn warning(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(CheckResult::Warning, evidence, Some(remedy.into()))
    }

    pub(super) fn failed(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(CheckResult::Failed, evidence, Some(remedy.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_takes_too_long_has_failed_for_that() {
        let (hold, held) = channel::<()>();
        let slow = Named::new("a.slow_one", 20).begin(move || {
            // Ends with the test.
            let _over = held.recv();
            Finding::good("late")
        });
        let check = slow.end();
        drop(hold);
        assert_eq!((check.result, check.took_ms), (CheckResult::Failed, 20));
        assert_eq!(check.evidence, "Nothing was heard within 20 ms.");
    }
}
