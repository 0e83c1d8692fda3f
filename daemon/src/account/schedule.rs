//! When to refresh and how long to stay away: pure functions of numbers.

use std::time::Duration;

/// A number drawn once per decision, 0 to 1 in 65,536 steps, so that many machines and many keys do not
/// act in the same second.
#[derive(Clone, Copy, Debug)]
pub struct Jitter(pub u16);

impl Jitter {
    /// The share of `whole` that the draw stands for.
    fn of(self, whole: Duration) -> Duration {
        whole.mul_f64(f64::from(self.0) / 65_536.0)
    }
}

/// How long after receipt a token should be renewed, ahead of need.
///
/// Entra's own `refresh_in` where it gave one. Else half the life of a long token (two hours or more:
/// MSAL .NET's rule), or ten minutes before the end of a short one, never before half its life. Tokens of an hour and more are
/// renewed up to a minute earlier still, by jitter.
#[must_use]
pub fn soft_expiry(expires_in: Duration, refresh_in: Option<Duration>, jitter: Jitter) -> Duration {
    let half = expires_in / 2;
    let due = match refresh_in {
        Some(refresh_in) => refresh_in,
        None if expires_in >= LONG_LIFE => half,
        None => half.max(expires_in.saturating_sub(REFRESH_AHEAD)),
    };
    if expires_in >= JITTER_FROM { due.saturating_sub(jitter.of(MAX_JITTER)) } else { due }
}

/// How long to stay away after the `attempt`th failure in a row (from 1): what Entra asked for, at most an
/// hour, else 5 seconds doubled up to 60, and up to a fifth more by jitter.
#[must_use]
pub fn back_off(attempt: u32, retry_after: Option<Duration>, jitter: Jitter) -> Duration {
    if let Some(asked) = retry_after {
        return asked.clamp(FIRST_BACK_OFF, MAX_RETRY_AFTER);
    }
    let base = doubled(attempt).min(MAX_BACK_OFF);
    base + jitter.of(base / 5)
}

fn doubled(attempt: u32) -> Duration {
    FIRST_BACK_OFF * 2_u32.pow(attempt.saturating_sub(1).min(8))
}

/// How long the schedule stays away after the `attempt`th try in a row (from 1) found the way to Entra closed:
/// what Entra asked for, at most an hour, else 5 seconds doubled up to the limit, and up to a fifth more by jitter.
#[must_use]
pub fn probe_back_off(
    attempt: u32,
    retry_after: Option<Duration>,
    limit: ProbeLimit,
    jitter: Jitter,
) -> Duration {
    if retry_after.is_some() {
        return back_off(attempt, retry_after, jitter);
    }
    let base = doubled(attempt).min(match limit {
        ProbeLimit::NothingToLose => Duration::from_secs(900),
        ProbeLimit::Entra => Duration::from_secs(180),
        ProbeLimit::Network => Duration::from_secs(30),
    });
    base + jitter.of(base / 5)
}

/// How rare the probes of an outage may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeLimit {
    /// Requests get as far as Entra, and somebody wants a token: three minutes.
    Entra,
    /// They do not, as in a network that wants a person to sign in first; nothing tells when that is done, and
    /// trying costs nobody anything: half a minute.
    Network,
    /// Nobody asks, and the tokens that could be renewed in time are gone: a quarter of an hour.
    NothingToLose,
}

/// How long after its last use a refresh token is used for its own sake: three days less up to twelve hours, so
/// that a machine that is on for a moment every few weeks keeps its sign-in as well.
#[must_use]
pub fn exercise_after(jitter: Jitter) -> Duration {
    EXERCISE.saturating_sub(jitter.of(EXERCISE_JITTER))
}

const EXERCISE: Duration = Duration::from_secs(3 * 24 * 3600);
const EXERCISE_JITTER: Duration = Duration::from_secs(12 * 3600);

/// How long after an exercise that wants a person it is tried again.
pub const EXERCISE_AGAIN: Duration = Duration::from_secs(24 * 3600);

/// How long "a person is needed" is remembered for a key: two minutes, as MSAL .NET does.
pub const REMEMBER_REFUSAL: Duration = Duration::from_secs(120);

/// A refresh token dies after 90 days without use (Microsoft: refresh tokens, token lifetimes).
pub const REFRESH_TOKEN_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

const LONG_LIFE: Duration = Duration::from_secs(2 * 3600);
const REFRESH_AHEAD: Duration = Duration::from_secs(600);
const JITTER_FROM: Duration = Duration::from_secs(3600);

/// Entra itself draws the lives of tokens at random between 60 and 90 minutes, so a minute is enough.
const MAX_JITTER: Duration = Duration::from_secs(60);

const FIRST_BACK_OFF: Duration = Duration::from_secs(5);
const MAX_BACK_OFF: Duration = Duration::from_secs(60);

/// MSAL .NET's cap on `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(3600, None, 0, 3000)]
    #[case(3600, None, 65_535, 2940)]
    #[case(900, None, 65_535, 450)]
    #[case(86_400, None, 0, 43_200)]
    #[case(86_400, Some(40_000), 0, 40_000)]
    #[case(600, Some(100), 0, 100)]
    fn soft_expiry_follows_entra_then_our_rule(
        #[case] life: u64,
        #[case] refresh_in: Option<u64>,
        #[case] jitter: u16,
        #[case] due: u64,
    ) {
        let soft =
            soft_expiry(Duration::from_secs(life), refresh_in.map(Duration::from_secs), Jitter(jitter));
        assert_eq!(soft.as_secs_f64().round(), due as f64);
    }

    #[rstest]
    #[case(1, None, 5)]
    #[case(2, None, 10)]
    #[case(4, None, 40)]
    #[case(5, None, 60)]
    #[case(4_000_000_000, None, 60)]
    #[case(1, Some(120), 120)]
    #[case(1, Some(0), 5)]
    #[case(1, Some(99_999), 3600)]
    fn back_off_doubles_to_a_minute_and_obeys_entra(
        #[case] attempt: u32,
        #[case] retry_after: Option<u64>,
        #[case] seconds: u64,
    ) {
        assert_eq!(back_off(attempt, retry_after.map(Duration::from_secs), Jitter(0)).as_secs(), seconds);
    }

    #[rstest]
    #[case(1, ProbeLimit::Network, 5)]
    #[case(9, ProbeLimit::Network, 30)]
    #[case(9, ProbeLimit::Entra, 180)]
    #[case(5, ProbeLimit::NothingToLose, 80)]
    #[case(4_000_000_000, ProbeLimit::NothingToLose, 900)]
    fn probes_are_rare_once_there_is_nothing_to_lose(
        #[case] attempt: u32,
        #[case] limit: ProbeLimit,
        #[case] seconds: u64,
    ) {
        assert_eq!(probe_back_off(attempt, None, limit, Jitter(0)).as_secs(), seconds);
        assert_eq!(probe_back_off(attempt, Some(at(30)), limit, Jitter(0)), at(30));
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    proptest! {
        #[test]
        fn soft_expiry_lies_within_the_life(life in 0_u64..200_000, draw: u16) {
            let life = Duration::from_secs(life);
            prop_assert!(soft_expiry(life, None, Jitter(draw)) <= life);
        }

        #[test]
        fn back_off_is_bounded(attempt: u32, draw: u16) {
            let wait = back_off(attempt, None, Jitter(draw));
            prop_assert!(wait >= FIRST_BACK_OFF && wait <= MAX_BACK_OFF + MAX_BACK_OFF / 5);
        }
    }
}
