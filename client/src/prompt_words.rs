//! A prompt in words: who asked for the account, how often in vain, and what holds the prompt back.
//!
//! Its texts were written by Entra, by a tenant or by a program, so each is made safe to show here.

use entra_proto::prompt::{HeldBack, Holder, Prompt};

use crate::text::plain;
use crate::when::{relative, utc};

/// Who, with the profile where it is not the usual one: `ada@example.com (profile work)`.
pub(crate) fn who(username: &str, profile: &str) -> String {
    if profile == USUAL_PROFILE {
        plain(username).into_owned()
    } else {
        format!("{} (profile {})", plain(username), plain(profile))
    }
}

/// How the prompt stands, a line each without its end: what was asked and refused, when it was shown, what holds it back.
pub(crate) fn standing(prompt: &Prompt, now: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut asked = asked(prompt).unwrap_or_default();
    for part in [refused(prompt.refused), waiting(prompt.waiting)].into_iter().flatten() {
        if !asked.is_empty() {
            asked.push_str("; ");
        }
        asked.push_str(&part);
    }
    if !asked.is_empty() {
        lines.push(asked);
    }
    if let Some(on) = prompt.shown_on {
        lines.push(format!("you were last asked {}", relative(now, on)));
    }
    if let Some(held) = &prompt.held_back {
        lines.push(held_back(held, now));
    }
    lines
}

/// `first asked for by /usr/bin/git (process 42), for Azure DevOps`, as far as it is known.
pub(crate) fn asked(prompt: &Prompt) -> Option<String> {
    match (&prompt.program, &prompt.wanted) {
        (Some(program), Some(wanted)) => {
            Some(format!("first asked for by {}, for {}", plain(program), plain(wanted)))
        }
        (Some(program), None) => Some(format!("first asked for by {}", plain(program))),
        (None, Some(wanted)) => Some(format!("first asked for {}", plain(wanted))),
        (None, None) => None,
    }
}

/// Why it is not shown, and until when.
pub(crate) fn held_back(held: &HeldBack, now: u64) -> String {
    let until = held.until.map(|until| format!(" until {} ({})", utc(until), relative(now, until)));
    let until = until.unwrap_or_default();
    match held.by {
        Holder::DailyLimit => format!("not shown{until}: it was shown as often as it may be in a day"),
        Holder::NoDesktop => {
            "not shown: there is no desktop, or notifications are off; `entra watch` tells of it".to_owned()
        }
        Holder::QuietHours => format!("not shown{until}: these are quiet hours"),
        Holder::ScreenLock => "not shown until the screen is unlocked".to_owned(),
        Holder::Snooze => format!("not shown again{until}; `entra snooze --off` ends that"),
    }
}

/// `once` or `7 times`.
pub(crate) fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn refused(count: u64) -> Option<String> {
    (count > 0).then(|| format!("refused {}", times(count)))
}

fn waiting(count: u32) -> Option<String> {
    match count {
        0 => None,
        1 => Some("one program waits".to_owned()),
        count => Some(format!("{count} programs wait")),
    }
}

/// The profile of whoever names none.
const USUAL_PROFILE: &str = "default";

#[cfg(test)]
pub(crate) mod tests {
    use entra_proto::prompt::Need;
    use rstest::rstest;

    use super::*;

    pub(crate) fn prompt(need: Need) -> Prompt {
        Prompt {
            account: "u.t".parse().unwrap(),
            username: "ada@example.com".to_owned(),
            profile: "default".to_owned(),
            need,
            reason: "The password was changed.".to_owned(),
            program: Some("/usr/bin/git (process 42)".to_owned()),
            wanted: Some("Azure DevOps".to_owned()),
            refused: 7,
            waiting: 2,
            since: 60,
            shown_on: None,
            held_back: None,
        }
    }

    #[test]
    fn a_prompt_says_who_asked_and_what_holds_it_back() {
        let held = HeldBack { by: Holder::QuietHours, until: Some(7260) };
        let prompt = Prompt { shown_on: Some(30), held_back: Some(held), ..prompt(Need::Now) };
        assert_eq!(
            standing(&prompt, 60),
            [
                "first asked for by /usr/bin/git (process 42), for Azure DevOps; refused 7 times; 2 programs wait",
                "you were last asked 30 s ago",
                "not shown until 1970-01-01 02:01 UTC (in 2 h): these are quiet hours",
            ]
        );
    }

    #[test]
    fn a_prompt_that_nobody_asked_for_says_nothing() {
        let prompt = Prompt { program: None, wanted: None, refused: 0, waiting: 0, ..prompt(Need::Expected) };
        assert!(standing(&prompt, 60).is_empty());
        assert_eq!(standing(&Prompt { refused: 1, ..prompt.clone() }, 60), ["refused once"]);
        assert_eq!(standing(&Prompt { waiting: 1, ..prompt }, 60), ["one program waits"]);
    }

    #[rstest]
    #[case(Holder::DailyLimit, "as often as it may be in a day")]
    #[case(Holder::NoDesktop, "`entra watch`")]
    #[case(Holder::ScreenLock, "unlocked")]
    #[case(Holder::Snooze, "`entra snooze --off`")]
    fn each_holder_is_told_with_what_to_do(#[case] by: Holder, #[case] words: &str) {
        let text = held_back(&HeldBack { by, until: None }, 0);
        assert!(text.contains(words), "{text}");
    }

    #[test]
    fn a_name_from_elsewhere_moves_no_cursor() {
        assert_eq!(who("ada\u{1b}[2J", "default"), "ada");
        assert_eq!(who("ada", "work"), "ada (profile work)");
    }
}
