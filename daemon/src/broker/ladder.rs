//! Which way of signing in comes first, and which after one that was refused.
//!
//! A code works on every machine, so it is the first rung unless configured otherwise. Policies that forbid it, or that a
//! code cannot meet, leave the browser on this machine, which proves more: whose device it is, and who sits there.

use entra_proto::account::Flow;
use entra_proto::error::{ErrorBody, ErrorCode};

use crate::config::Flows;

/// The rungs that a sign-in may stand on, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ladder {
    rungs: Vec<Flow>,
    /// Why the browser is not among them, in case a code is refused.
    above: Above,
}

/// How the rung above a code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Above {
    /// It is allowed, but not from here: the caller has no browser, or named the code.
    ByHand,
    /// The setting forbids it.
    Forbidden,
    /// It is taken, or there is none.
    Taken,
}

impl Ladder {
    /// What is allowed and possible. A flow that the person names is the only one, also without a browser of the caller's:
    /// the page can be opened by hand. An account whose sign-in by a code a policy has ended does not begin with one.
    ///
    /// # Errors
    /// When the named flow is forbidden, or none is left.
    pub(super) fn of(
        flows: &Flows,
        named: Option<Flow>,
        has_browser: bool,
        is_code_refused: bool,
    ) -> Result<Self, ErrorBody> {
        if let Some(named) = named {
            if !flows.allow(named) {
                let sentence =
                    format!("Sign-in by {} is forbidden by the setting `flows`.", named.describe());
                return Err(ErrorBody::new(ErrorCode::Refused, sentence).with_hint(
                    "Run `entra login` without naming a way; the setting is yours or your administrator's.",
                ));
            }
            return Ok(Self { above: Above::of(flows, named == Flow::Browser), rungs: vec![named] });
        }
        let mut rungs: Vec<Flow> =
            flows.iter().filter(|flow| has_browser || *flow != Flow::Browser).collect();
        if is_code_refused && rungs.contains(&Flow::Browser) {
            rungs.retain(|flow| *flow == Flow::Browser);
        }
        if rungs.is_empty() {
            let sentence =
                "Only sign-in by browser is allowed (setting `flows`), and there is no desktop here.";
            return Err(ErrorBody::new(ErrorCode::Refused, sentence).with_hint(BY_HAND));
        }
        Ok(Self { above: Above::of(flows, rungs.contains(&Flow::Browser)), rungs })
    }

    /// The first.
    pub(super) fn first(&self) -> Flow {
        self.rungs.first().copied().unwrap_or(Flow::DeviceCode)
    }

    /// The next one, if this refusal is one that it may escape.
    pub(super) fn after(&self, flow: Flow, error: &ErrorBody) -> Option<Flow> {
        let next = self.rungs.iter().skip_while(|rung| **rung != flow).nth(1).copied()?;
        (flow == Flow::DeviceCode && is_against_codes(error)).then_some(next)
    }

    /// The refusal, with what a desktop, or an administrator of this machine, could do about it. `login` is the command that
    /// signs in.
    pub(super) fn explained(&self, flow: Flow, mut error: ErrorBody, login: &str) -> ErrorBody {
        let way_out = match self.above {
            Above::ByHand => BY_HAND,
            Above::Forbidden => FORBIDDEN,
            Above::Taken => return error,
        };
        if flow == Flow::DeviceCode && is_against_codes(&error) {
            let hint = error.hint.get_or_insert_default();
            if !hint.is_empty() {
                hint.push(' ');
            }
            hint.push_str(&way_out.replace("`entra login", &format!("`{login}")));
        }
        error
    }
}

impl Above {
    fn of(flows: &Flows, is_taken: bool) -> Self {
        match (is_taken, flows.allow(Flow::Browser)) {
            (true, _) => Self::Taken,
            (false, true) => Self::ByHand,
            (false, false) => Self::Forbidden,
        }
    }
}

/// Whether a policy refused the code, and may let a browser pass (Microsoft: error codes of Conditional Access and security
/// defaults).
pub(super) fn is_against_codes(error: &ErrorBody) -> bool {
    error.aadsts.is_some_and(|number| AGAINST_CODES.contains(&number))
}

/// Forbidden by security defaults (530035) or by a policy on authentication flows, at once (53003) or later (530036); or what
/// is asked of the device (50005, 50097, 53000, 53001, 530002, 530003, 530033), which a code cannot show.
const AGAINST_CODES: [u32; 10] =
    [50005, 50097, 53000, 53001, 53003, 530_002, 530_003, 530_033, 530_035, 530_036];

const BY_HAND: &str = "Where this machine has a desktop, run `entra login --browser` there: a browser is allowed more often than a code.";

const FORBIDDEN: &str = "A browser is allowed more often than a code, but the setting `flows` forbids it here; whoever set it can allow it.";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn error(number: u32) -> ErrorBody {
        ErrorBody { aadsts: Some(number), ..ErrorBody::new(ErrorCode::AskAdmin, "No.").with_hint("Ask.") }
    }

    fn ladder(flows: &str, named: Option<Flow>, has_browser: bool, is_refused: bool) -> Option<Vec<Flow>> {
        Ladder::of(&flows.parse().unwrap(), named, has_browser, is_refused).ok().map(|ladder| ladder.rungs)
    }

    const CODE: Flow = Flow::DeviceCode;
    const PAGE: Flow = Flow::Browser;

    #[rstest]
    #[case("device_code,browser", None, true, false, Some(vec![CODE, PAGE]))]
    #[case("browser,device_code", None, true, false, Some(vec![PAGE, CODE]))]
    #[case("device_code,browser", None, false, false, Some(vec![CODE]))]
    #[case("device_code,browser", None, true, true, Some(vec![PAGE]))]
    #[case("device_code,browser", None, false, true, Some(vec![CODE]))]
    #[case("device_code", None, true, true, Some(vec![CODE]))]
    #[case("browser", None, false, false, None)]
    #[case("browser", Some(PAGE), false, false, Some(vec![PAGE]))]
    #[case("device_code,browser", Some(CODE), true, true, Some(vec![CODE]))]
    #[case("device_code", Some(PAGE), true, false, None)]
    fn what_is_allowed_and_possible_is_tried_in_order(
        #[case] flows: &str,
        #[case] named: Option<Flow>,
        #[case] has_browser: bool,
        #[case] is_refused: bool,
        #[case] rungs: Option<Vec<Flow>>,
    ) {
        assert_eq!(ladder(flows, named, has_browser, is_refused), rungs);
    }

    #[rstest]
    #[case(530_035)]
    #[case(530_036)]
    #[case(53003)]
    #[case(53000)]
    #[case(530_003)]
    #[case(530_033)]
    #[case(50097)]
    #[case(50005)]
    fn a_policy_against_codes_leads_to_the_browser(#[case] number: u32) {
        let flows = Flows::default();
        let ladder = Ladder::of(&flows, None, true, false).unwrap();
        assert_eq!(ladder.after(CODE, &error(number)), Some(PAGE));
        assert_eq!(ladder.after(PAGE, &error(number)), None);
        assert_eq!(ladder.explained(CODE, error(number), "entra login"), error(number));
        let headless = Ladder::of(&flows, None, false, false).unwrap();
        assert_eq!(headless.after(CODE, &error(number)), None);
        let hint = headless.explained(CODE, error(number), "entra login").hint.unwrap();
        assert!(hint.starts_with("Ask. ") && hint.contains("entra login --browser"), "{hint}");
        let named = Ladder::of(&flows, Some(CODE), true, false).unwrap();
        assert!(
            named
                .explained(CODE, error(number), "entra login")
                .hint
                .unwrap()
                .contains("entra login --browser")
        );
        let forbidden = Ladder::of(&"device_code".parse().unwrap(), None, true, false).unwrap();
        assert_eq!(forbidden.after(CODE, &error(number)), None);
        let hint = forbidden.explained(CODE, error(number), "entra login").hint.unwrap();
        assert!(hint.contains("`flows`") && !hint.contains("--browser"), "{hint}");
    }

    #[test]
    fn other_refusals_end_it() {
        let ladder = Ladder::of(&Flows::default(), None, true, false).unwrap();
        for number in [65004, 7_000_218, 70043] {
            assert_eq!(ladder.after(CODE, &error(number)), None);
        }
        assert_eq!(ladder.after(CODE, &ErrorBody::new(ErrorCode::SignInCancelled, "No.")), None);
    }
}
