//! What a check is: a name that stays, a limit, and how it ended.
//!
//! Each is cut off at its limit, and being cut off is its evidence. So the whole takes no longer than the longest row of
//! checks that wait for each other, whatever the network does.

use std::time::{Duration, Instant};

use entra_proto::doctor::{Check, CheckResult};
use entra_proto::error::ErrorBody;

/// A check by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: &'static str,
    /// How long it may take, in milliseconds.
    pub limit_ms: u64,
}

impl Named {
    pub(super) const fn new(name: &'static str, limit_ms: u64) -> Self {
        Self { name, limit_ms }
    }

    /// Looks, for no longer than the limit.
    pub(super) async fn run(self, about: Option<&str>, look: impl Future<Output = Finding>) -> Check {
        self.run_or(about, || None, look).await
    }

    /// The same where more can be said than that it was cut off.
    pub(super) async fn run_or(
        self,
        about: Option<&str>,
        cut_off: impl FnOnce() -> Option<Finding>,
        look: impl Future<Output = Finding>,
    ) -> Check {
        let begun = Instant::now();
        let limit = Duration::from_millis(self.limit_ms);
        match tokio::time::timeout(limit, look).await {
            // As it was: a look that kept the thread for longer than its limit is a defect, and must not look like none.
            Ok(finding) => {
                let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.check(about, finding, took_ms)
            }
            Err(_) => self.check(about, cut_off().unwrap_or_else(|| self.cut_off()), self.limit_ms),
        }
    }

    /// What was found without a wait.
    pub(super) fn found(self, about: Option<&str>, finding: Finding) -> Check {
        self.check(about, finding, 0)
    }

    /// Looks on a thread where the look may hang in the system, such as on a file.
    pub(super) async fn run_aside(
        self,
        about: Option<&str>,
        look: impl FnOnce() -> Finding + Send + 'static,
    ) -> Check {
        let looked = async {
            let looked = tokio::task::spawn_blocking(look).await;
            looked.unwrap_or_else(|_| {
                Finding::failed(
                    "The look ended in a defect of entrad.",
                    "Look into entrad's log and report it.",
                )
            })
        };
        self.run(about, looked).await
    }

    fn cut_off(self) -> Finding {
        Finding::failed(
            format!("Nothing was heard within {} ms.", self.limit_ms),
            "See what stands before it in this list; if all is well there, try again.",
        )
    }

    fn check(self, about: Option<&str>, finding: Finding, took_ms: u64) -> Check {
        Check {
            name: self.name.to_owned(),
            about: about.map(str::to_owned),
            result: finding.result,
            evidence: finding.evidence,
            remedy: finding.remedy,
            took_ms,
            limit_ms: self.limit_ms,
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    result: CheckResult,
    evidence: String,
    remedy: Option<String>,
}

impl Finding {
    pub(super) fn good(evidence: impl Into<String>) -> Self {
        Self { result: CheckResult::Good, evidence: evidence.into(), remedy: None }
    }

    pub(super) fn skipped(evidence: impl Into<String>) -> Self {
        Self { result: CheckResult::Skipped, evidence: evidence.into(), remedy: None }
    }

    pub(super) fn warning(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { result: CheckResult::Warning, evidence: evidence.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn failed(evidence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { result: CheckResult::Failed, evidence: evidence.into(), remedy: Some(remedy.into()) }
    }

    /// An error that callers would be told as well.
    pub(super) fn of_error(error: &ErrorBody) -> Self {
        let number = error.aadsts.filter(|number| !error.message.contains(&format!("AADSTS{number}")));
        let number = number.map(|number| format!(" (AADSTS{number})")).unwrap_or_default();
        let remedy = error.hint.clone().unwrap_or_else(|| "`entra status` shows more.".to_owned());
        Self::failed(format!("{}{number}", error.message), remedy)
    }

    pub(super) fn is_failed(&self) -> bool {
        self.result == CheckResult::Failed
    }

    /// With a sentence more.
    pub(super) fn and(mut self, sentence: &str) -> Self {
        self.evidence = format!("{} {sentence}", self.evidence);
        self
    }
}

/// The check that waited in vain for another.
pub(super) fn waits_for(before: Named) -> Finding {
    Finding::skipped(format!("It cannot be looked at without {}.", before.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Named = Named::new("a.slow_one", 20);

    #[tokio::test(start_paused = true)]
    async fn a_check_that_runs_out_of_time_has_failed_for_that() {
        let check = SLOW.run(Some("somebody"), std::future::pending()).await;
        assert_eq!((check.result, check.limit_ms), (CheckResult::Failed, 20));
        assert_eq!(check.evidence, "Nothing was heard within 20 ms.");
        assert_eq!(check.about.as_deref(), Some("somebody"));
        assert!(check.remedy.is_some() && check.took_ms == 20);
    }

    #[tokio::test]
    async fn a_look_that_keeps_the_thread_is_seen_to_take_too_long() {
        let look = async {
            std::thread::sleep(Duration::from_millis(SLOW.limit_ms + 10));
            Finding::good("It is there.")
        };
        let check = SLOW.run(None, look).await;
        assert!(check.took_ms > check.limit_ms, "{check:?}");
    }

    #[tokio::test]
    async fn a_look_aside_is_heard_and_a_defect_in_it_is_told() {
        let check = SLOW.run_aside(None, || Finding::good("It is there.")).await;
        assert_eq!((check.result, check.remedy), (CheckResult::Good, None));
        let check = SLOW.run_aside(None, || panic!("a defect")).await;
        assert_eq!(check.result, CheckResult::Failed);
    }
}
