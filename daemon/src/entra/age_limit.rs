//! What Entra's refusals say about the age at which a person is needed.
//!
//! The numbers come from `error_codes`. How old a sign-in may become stands in the description only, in words that are not
//! promised to anybody: they are searched for leniently, and whoever asks must do without them. Seen in answers:
//! "The token was issued on 2022-01-15T22:57:51.2550000Z and the maximum allowed lifetime for this request is 32400." with
//! 70043, in seconds; "… and was inactive for 90.00:00:00." with 700082, as .NET writes a time span.

use crate::account::demand::Kind;
use crate::account::outcome::Fault;

/// What kind of demand for a person the refusal is, and the longest age that it says is allowed, in seconds. `None` for
/// refusals that have nothing to do with age.
#[must_use]
pub fn demand(fault: &Fault) -> Option<(Kind, Option<u64>)> {
    let kind = fault.codes.iter().find_map(|code| match *code {
        // "Expired or revoked": unused where it says so.
        EXPIRED_OR_REVOKED => says(fault, "inactiv").then_some(Kind::Inactivity),
        code => Kind::ALL.into_iter().find(|kind| kind.code() == code),
    })?;
    let seconds = match kind {
        Kind::SignInFrequency => seconds_after(&fault.description, "lifetime for this request is"),
        Kind::Inactivity => seconds_after(&fault.description, "inactive for"),
        Kind::SecondFactor | Kind::Revocation => None,
    };
    Some((kind, seconds))
}

fn says(fault: &Fault, word: &str) -> bool {
    fault.description.to_ascii_lowercase().contains(word)
}

/// The time span that follows these words: seconds, or days, hours, minutes and seconds as `d.hh:mm:ss`.
fn seconds_after(text: &str, words: &str) -> Option<u64> {
    let text = text.to_ascii_lowercase();
    let (_, rest) = text.split_once(words)?;
    let span = rest.trim_start().split(|char: char| !matches!(char, '0'..='9' | '.' | ':')).next()?;
    let span = span.trim_end_matches('.');
    let seconds = match span.split_once(':') {
        None => span.split('.').next()?.parse().ok()?,
        Some((days_and_hours, rest)) => {
            let (days, hours) = days_and_hours.split_once('.').unwrap_or(("0", days_and_hours));
            let (minutes, seconds) = rest.split_once(':')?;
            let whole = [days, hours, minutes, seconds.split('.').next()?].map(str::parse::<u64>);
            let [Ok(days), Ok(hours), Ok(minutes), Ok(seconds)] = whole else { return None };
            let hours = days.checked_mul(24)?.checked_add(hours)?;
            hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60)?.checked_add(seconds)?
        }
    };
    (1..=LONGEST).contains(&seconds).then_some(seconds)
}

/// `ExpiredOrRevokedGrant` (Microsoft: "Microsoft Entra authentication and authorization error codes").
const EXPIRED_OR_REVOKED: u32 = 70_008;

/// Ten years: no policy reaches so far, and sums with it do not overflow.
const LONGEST: u64 = 10 * 365 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn fault(code: u32, description: &str) -> Fault {
        Fault { codes: vec![code], description: description.to_owned(), ..Fault::default() }
    }

    const FREQUENCY: &str = "AADSTS70043: The refresh token has expired or is invalid due to sign-in frequency checks by conditional access. The token was issued on 2022-01-15T22:57:51.2550000Z and the maximum allowed lifetime for this request is";

    #[rstest]
    #[case(" 32400. Trace ID: 05c5", Some(32_400))]
    #[case(" 28800", Some(28_800))]
    #[case(" 7.00:00:00. Trace ID: 05c5", Some(604_800))]
    #[case(" 08:00:00", Some(28_800))]
    #[case(" 08:00:00.5000000.", Some(28_800))]
    #[case(" 0.", None)]
    #[case(" {time}. Trace ID: 05c5", None)]
    #[case("", None)]
    #[case(" 8:00.", None)]
    #[case(" 1.2.3:4:5", None)]
    #[case(" 99999999999999999999", None)]
    #[case(" 99999999999999999.00:00:00", None)]
    fn the_longest_age_is_found_where_it_is_said(#[case] rest: &str, #[case] expected: Option<u64>) {
        let told = demand(&fault(70_043, &format!("{FREQUENCY}{rest}")));
        assert_eq!(told, Some((Kind::SignInFrequency, expected)));
    }

    #[rstest]
    #[case(700_082, Some((Kind::Inactivity, Some(90 * 86_400))))]
    #[case(70_008, Some((Kind::Inactivity, Some(90 * 86_400))))]
    #[case(50_173, Some((Kind::Revocation, None)))]
    #[case(50_078, Some((Kind::SecondFactor, None)))]
    #[case(50_076, None)]
    fn the_number_says_what_it_is_about(#[case] code: u32, #[case] expected: Option<(Kind, Option<u64>)>) {
        let text = "The refresh token has expired due to inactivity. The token was issued on 2021-02-20T02:58:17.0350262Z and was inactive for 90.00:00:00. Trace ID: d";
        assert_eq!(demand(&fault(code, text)), expected);
    }

    #[test]
    fn an_authorization_code_that_expired_is_no_demand() {
        assert_eq!(demand(&fault(70_008, "The provided authorization code has expired.")), None);
        assert_eq!(demand(&Fault::default()), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(rest: String) {
            let told = demand(&fault(70_043, &format!("{FREQUENCY} {rest}")));
            proptest::prop_assert!(told.is_some_and(|(_, age)| age.is_none_or(|age| (1..=LONGEST).contains(&age))));
        }
    }
}
