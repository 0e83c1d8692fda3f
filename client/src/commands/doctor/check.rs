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

    /// What was found without a wait.
    pub(super) fn found(self, finding: Finding) -> Check {
        self.found_within(finding, Duration::ZERO)
    }

    fn found_within(self, finding: Finding, took: Duration) -> Check {
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Check {
            name: self.name.to_owned(),
            about: finding.about,
            result: finding.result,
            evidence: finding.evidence,
            remedy: finding.remedy,
            took_ms,
            limit_ms: self.limit_ms,
        }
    }

    /// Begins a look on a thread of its own.
    pub(super) fn begin(self, look: impl FnOnce() -> Finding + Send + 'static) -> Begun<()> {
        self.begin_with(move || (look(), ()))
    }

    /// The same for a look that finds more than a check says.
    pub(super) fn begin_with<T: Send + 'static>(
        self,
        look: impl FnOnce() -> (Finding, T) + Send + 'static,
    ) -> Begun<T> {
        let (tell, told) = channel();
        let begun = Instant::now();
        thread::spawn(move || {
            let (finding, more) = look();
            // Nobody listens any more after the limit.
            let _late = tell.send((finding, more, begun.elapsed()));
        });
        Begun { named: self, begun, told }
    }
}

/// A look under way.
pub(super) struct Begun<T> {
    named: Named,
    begun: Instant,
    told: Receiver<(Finding, T, Duration)>,
}

impl Begun<()> {
    /// Waits for it, for no longer than its limit.
    pub(super) fn end(self) -> Check {
        self.end_with().0
    }
}

impl<T> Begun<T> {
    /// The same with what was found besides, where the look came to its end.
    pub(super) fn end_with(self) -> (Check, Option<T>) {
        let limit = Duration::from_millis(self.named.limit_ms);
        match self.told.recv_timeout(limit.saturating_sub(self.begun.elapsed())) {
            Ok((finding, more, took)) if took <= limit => {
                (self.named.found_within(finding, took), Some(more))
            }
            // One that came too late may have been waited for by nobody.
            Ok(_) | Err(RecvTimeoutError::Timeout) => {
                let evidence = format!("Nothing was heard within {} ms.", self.named.limit_ms);
                let finding = Finding::failed(evidence, "Try again; the system may be busy.");
                (self.named.found_within(finding, limit), None)
            }
            Err(RecvTimeoutError::Disconnected) => {
                let finding = Finding::failed("The look ended in a defect of entra.", "Please report it.");
                (self.named.found(finding), None)
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
    fn what_was_found_besides_is_heard_unless_it_comes_too_late() {
        let look = |limit_ms: u64, pause: Duration| {
            let begun = Named::new("a.slow_one", limit_ms).begin_with(move || {
                thread::sleep(pause);
                (Finding::good("It is there."), 7)
            });
            // Whoever asks late hears of the lateness all the same.
            thread::sleep(2 * pause);
            begun.end_with()
        };
        let (check, more) = look(5000, Duration::ZERO);
        assert_eq!((check.result, more), (CheckResult::Good, Some(7)));
        let (check, more) = look(20, Duration::from_millis(60));
        assert_eq!((check.result, check.took_ms, more), (CheckResult::Failed, 20, None));
    }

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
