//! `entra log`: which entries of the audit log.

use clap::Args;

use super::lease::seconds;
use crate::when;

#[derive(Args, Debug)]
#[group(skip)]
#[command(after_help = "Examples:
  entra log --since 1h
  entra log --since 2026-11-21T08:00 --program git --account ada@example.com
  entra log --verify")]
pub(crate) struct LogArgs {
    /// From then on: so long ago, such as 30m, 2h or 7d, or a time in UTC, such as 2026-11-21 or 2026-11-21T08:00
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<Since>,
    /// Only what a program asked for that has this in its path
    #[arg(long, value_name = "TEXT")]
    pub(crate) program: Option<String>,
    /// Only of this account, by its id, or by its user name while it is signed in
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// Print the entries as JSON, one a line
    #[arg(long)]
    pub(crate) json: bool,
    /// Read the whole log and say whether anything of it is missing or was changed; the exit status is 1 if so
    #[arg(long, conflicts_with_all = ["since", "program", "account"])]
    pub(crate) verify: bool,
}

/// Since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    /// So many seconds ago.
    Ago(u64),
    /// At so many seconds since 1970.
    At(u64),
}

impl Since {
    /// In milliseconds since 1970; `now` is in seconds.
    pub(crate) fn millis(self, now: u64) -> u64 {
        let at = match self {
            Self::Ago(seconds) => now.saturating_sub(seconds),
            Self::At(seconds) => seconds,
        };
        at.saturating_mul(1000)
    }
}

fn since(text: &str) -> Result<Since, String> {
    if let Some(at) = when::read_utc(text) {
        return Ok(Since::At(at));
    }
    seconds(text).map(Since::Ago).map_err(|_| {
        "give a time such as 30m, 2h or 7d, or 2026-11-21 or 2026-11-21T08:00:00Z, which are in UTC"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_ago_or_of_the_calendar() {
        assert_eq!(since("2h").unwrap().millis(10_000), 2_800_000);
        assert_eq!(since("2h").unwrap().millis(1), 0);
        assert_eq!(since("1970-01-02"), Ok(Since::At(86_400)));
        for wrong in ["", "yesterday", "2026-13-01", "2026-11-21T25:00"] {
            assert!(since(wrong).unwrap_err().contains("30m"), "{wrong}");
        }
    }
}
