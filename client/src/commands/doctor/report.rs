//! Checks in words, and the exit status that they come to.

use entra_proto::doctor::{Check, CheckResult, DoctorAnswer};
use entra_proto::error::exit;

use crate::print::Stream;
use crate::text::plain;

/// One calm line a check; what is not good says why, and what to do.
pub(super) fn of(stream: &Stream, answer: &DoctorAnswer) -> String {
    let mut lines = String::new();
    for check in &answer.checks {
        let about = check.about.as_deref().map(|about| format!(" {}", stream.dim(&plain(about))));
        let result = format!("{:<7}", word(check.result));
        let result = match check.result {
            CheckResult::Good => stream.success(&result),
            CheckResult::Skipped => stream.dim(&result),
            CheckResult::Warning => stream.caution(&result),
            CheckResult::Failed => stream.alarm(&result),
        };
        lines.push_str(&format!("{result} {}{}\n", plain(&check.name), about.unwrap_or_default()));
        if check.result == CheckResult::Good {
            continue;
        }
        lines.push_str(&stream.flow(INDENT, &plain(&check.evidence)));
        if let Some(remedy) = &check.remedy {
            lines.push_str(&stream.flow(INDENT, &format!("{} {}", stream.bold("Hint:"), plain(remedy))));
        }
    }
    lines.push_str(&format!("\n{}\n", summary(&answer.checks)));
    lines
}

fn summary(checks: &[Check]) -> String {
    let count = |result| checks.iter().filter(|check| check.result == result).count();
    let results = [CheckResult::Good, CheckResult::Skipped, CheckResult::Warning, CheckResult::Failed];
    let parts: Vec<String> = results
        .into_iter()
        .map(|result| (count(result), word(result)))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    format!("{} checks: {}.", checks.len(), parts.join(", "))
}

/// The first that failed decides: causes stand before their effects. Warnings are for people, not for scripts.
pub(super) fn exit_status(answer: &DoctorAnswer) -> u8 {
    let failed = answer.checks.iter().find(|check| check.result == CheckResult::Failed);
    failed.map_or(exit::GOOD, |check| status_of(&check.name))
}

fn status_of(name: &str) -> u8 {
    let status = STATUSES.iter().find(|(family, _)| name.starts_with(family));
    status.map_or(exit::MISCONFIGURED, |(_, status)| *status)
}

fn word(result: CheckResult) -> &'static str {
    match result {
        CheckResult::Good => "good",
        CheckResult::Skipped => "skipped",
        CheckResult::Warning => "warning",
        CheckResult::Failed => "failed",
    }
}

/// What a failure comes to, by how the check's name begins; all others are for whoever configures the machine.
const STATUSES: [(&str, u8); 10] = [
    ("account.", exit::SIGN_IN_NEEDED),
    ("client.daemon", exit::NO_DAEMON),
    ("client.report", exit::LATER),
    ("client.service", exit::LATER),
    ("loopback.", exit::LATER),
    ("network.clock", exit::MISCONFIGURED),
    ("network.proxy", exit::MISCONFIGURED),
    ("network.tls", exit::MISCONFIGURED),
    ("network.", exit::LATER),
    ("store.", exit::LATER),
];

/// Under the checks' names.
const INDENT: usize = 8;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn check(name: &str, result: CheckResult) -> Check {
        Check {
            name: name.to_owned(),
            about: (name == "network.dns").then(|| "login.example.com".to_owned()),
            result,
            evidence: "So it is.".to_owned(),
            remedy: (result > CheckResult::Skipped).then(|| "Do this.".to_owned()),
            took_ms: 1,
            limit_ms: 2,
        }
    }

    #[test]
    fn good_news_take_a_line_and_others_say_why() {
        let checks = vec![
            check("client.daemon", CheckResult::Good),
            check("network.dns", CheckResult::Failed),
            check("foundry.address", CheckResult::Skipped),
        ];
        assert_eq!(
            of(&Stream::plain(), &DoctorAnswer { checks }),
            "good    client.daemon\nfailed  network.dns login.example.com\n        So it is.\n        Hint: Do this.\n\
             skipped foundry.address\n        So it is.\n\n3 checks: 1 good, 1 skipped, 1 failed.\n"
        );
    }

    #[rstest]
    #[case(&[], exit::GOOD)]
    #[case(&[("environment.proxy", CheckResult::Warning)], exit::GOOD)]
    #[case(&[("client.daemon", CheckResult::Failed), ("network.dns", CheckResult::Failed)], exit::NO_DAEMON)]
    #[case(&[("network.dns", CheckResult::Failed), ("account.health", CheckResult::Failed)], exit::LATER)]
    #[case(&[("network.clock", CheckResult::Failed)], exit::MISCONFIGURED)]
    #[case(&[("network.proxy", CheckResult::Failed)], exit::MISCONFIGURED)]
    #[case(&[("account.signed_in", CheckResult::Failed)], exit::SIGN_IN_NEEDED)]
    #[case(&[("foundry.ai", CheckResult::Failed)], exit::MISCONFIGURED)]
    #[case(&[("from.the_future", CheckResult::Failed)], exit::MISCONFIGURED)]
    fn the_first_that_failed_decides(#[case] checks: &[(&str, CheckResult)], #[case] status: u8) {
        let checks = checks.iter().map(|(name, result)| check(name, *result)).collect();
        assert_eq!(exit_status(&DoctorAnswer { checks }), status);
    }
}
