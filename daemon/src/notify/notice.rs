//! What a notification says: who is to sign in, who wants what, and why. Plain text, and never a code or a secret.

use entra_proto::consent::{ConsentQuestion, ConsentWord};
use entra_proto::prompt::{Need, Prompt};

use super::desktop::{Notice, Press};
use super::words::Words;

/// The notification of a prompt.
#[must_use]
pub fn of(prompt: &Prompt, words: &Words) -> Notice {
    let title = match prompt.need {
        Need::Now => words.notice_title,
        Need::Expected => words.notice_title_expected,
    };
    let wants = match (&prompt.program, &prompt.wanted) {
        (Some(program), Some(wanted)) => Some(filled(words.notice_wants, &[short(program), wanted])),
        (Some(program), None) => Some(filled(words.notice_wants_something, &[short(program)])),
        _ => None,
    };
    let waiting = (prompt.waiting > 1).then(|| filled(words.notice_waiting, &[&prompt.waiting.to_string()]));
    let lines = [Some(filled("{}", &[&prompt.username])), wants, Some(prompt.reason.clone()), waiting];
    Notice {
        title: title.to_owned(),
        body: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
        buttons: vec![(Press::SignIn, words.notice_sign_in), (Press::Later, words.notice_later)],
        on_click: Press::SignIn,
        by_hand: words.notice_by_hand,
    }
}

/// The notification of a question: nothing is allowed but by a button that says so. Where it has a page, a click on the text opens
/// that, and allows nothing.
#[must_use]
pub fn asking(question: &ConsentQuestion, has_page: bool, words: &Words) -> Notice {
    let username = question.matter.username.as_deref();
    let lines = [
        Some(filled(words.notice_wants, &[&question.who, &question.wanted])),
        username.map(|username| filled(words.consent_as, &[username])),
        Some(filled(words.consent_why, &[&question.rule])),
    ];
    let buttons = [
        (ConsentWord::Once, Press::AllowOnce, words.consent_once),
        (ConsentWord::Session, Press::AllowSession, words.consent_session),
        (ConsentWord::Deny, Press::Deny, words.consent_deny),
    ];
    let offered = buttons.into_iter().filter(|(word, ..)| question.answers.contains(word));
    let choices = has_page.then_some((Press::Choices, words.consent_choices));
    Notice {
        title: words.consent_title.to_owned(),
        body: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
        buttons: offered.map(|(_, press, label)| (press, label)).chain(choices).collect(),
        on_click: choices.map_or(Press::Closed, |(press, _)| press),
        by_hand: words.consent_by_hand,
    }
}

/// The same once the page could not be opened.
#[must_use]
pub fn not_opened(prompt: &Prompt, words: &Words) -> Notice {
    let body = format!("{} {}", words.notice_not_opened, words.notice_by_hand);
    Notice { body, ..of(prompt, words) }
}

/// A program's name without its folder and its process; the page has all of it.
fn short(program: &str) -> &str {
    let path = program.rsplit_once(" (process ").map_or(program, |(path, _)| path);
    path.rsplit(['/', '\\']).next().filter(|name| !name.is_empty()).unwrap_or(path)
}

/// What is put in holds no control characters, is not long, and is not looked at for places again.
fn filled(pattern: &str, values: &[&str]) -> String {
    let mut text = String::new();
    let mut values = values.iter();
    for (at, part) in pattern.split("{}").enumerate() {
        if at > 0 {
            text.extend(values.next().unwrap_or(&"").chars().filter(|char| !char.is_control()).take(LONGEST));
        }
        text.push_str(part);
    }
    text
}

/// More than any program's path that a person reads.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use entra_proto::consent::{ConsentMatter, ConsentState};

    use super::super::words::ENGLISH;
    use super::*;

    fn prompt() -> Prompt {
        Prompt {
            account: "u.t".parse().unwrap(),
            username: "ada@example.com".to_owned(),
            profile: "default".to_owned(),
            need: Need::Now,
            reason: "The password was changed (AADSTS50173).".to_owned(),
            program: Some("/usr/bin/git (process 42)".to_owned()),
            wanted: Some("Azure DevOps".to_owned()),
            refused: 7,
            waiting: 2,
            since: 0,
            shown_on: None,
            held_back: None,
        }
    }

    #[test]
    fn it_says_who_what_and_why() {
        let notice = of(&prompt(), &ENGLISH);
        assert_eq!(notice.title, "Sign in to Microsoft");
        let lines = [
            "ada@example.com",
            "git wants Azure DevOps.",
            "The password was changed (AADSTS50173).",
            "Waiting for it now: 2.",
        ];
        assert_eq!(notice.body, lines.join("\n"));
        assert_eq!(notice.buttons, [(Press::SignIn, "Sign in"), (Press::Later, "Later")]);
    }

    #[test]
    fn a_question_says_who_what_and_why_and_nothing_is_allowed_by_a_click_on_it() {
        let question = ConsentQuestion {
            id: "0123abcd".to_owned(),
            state: ConsentState::Asked,
            who: "/opt/to\u{1b}ol (process 7)".to_owned(),
            parents: Vec::new(),
            wanted: "Microsoft Graph".to_owned(),
            matter: ConsentMatter {
                username: Some("ada@example.com".to_owned()),
                ..ConsentMatter::default()
            },
            rule: "`ask resource=graph` (/x:1, line 1)".to_owned(),
            asked_on: 0,
            until: 120,
            waiting: 1,
            answers: ConsentWord::ALL.to_vec(),
        };
        let notice = asking(&question, false, &ENGLISH);
        let lines = [
            "/opt/tool (process 7) wants Microsoft Graph.",
            "As ada@example.com.",
            "Asked by the rule `ask resource=graph` (/x:1, line 1).",
        ];
        assert_eq!(notice.body, lines.join("\n"));
        let presses: Vec<_> = notice.buttons.iter().map(|(press, _)| *press).collect();
        assert_eq!(presses, [Press::AllowOnce, Press::AllowSession, Press::Deny]);
        assert_eq!(notice.on_click, Press::Closed);
        let narrow = ConsentQuestion { answers: vec![ConsentWord::Once, ConsentWord::Deny], ..question };
        assert_eq!(asking(&narrow, false, &ENGLISH).buttons.len(), 2);
        let paged = asking(&narrow, true, &ENGLISH);
        assert_eq!(paged.buttons.last(), Some(&(Press::Choices, "More choices…")));
        assert_eq!(paged.on_click, Press::Choices);
    }

    #[test]
    fn what_is_not_known_is_not_said_and_what_is_put_in_is_no_pattern() {
        let bare = Prompt { program: None, wanted: None, waiting: 0, ..prompt() };
        assert_eq!(of(&bare, &ENGLISH).body, format!("ada@example.com\n{}", bare.reason));
        let odd = Prompt { program: Some("{}\u{1b}[1m".to_owned()), ..prompt() };
        assert!(of(&odd, &ENGLISH).body.contains("\n{}[1m wants Azure DevOps."));
        for (program, name) in [
            ("C:\\Tools\\az.exe (process 7)", "az.exe"),
            ("the lease `git`", "the lease `git`"),
            ("process 9", "process 9"),
        ] {
            assert_eq!(short(program), name);
        }
        let expected = Prompt { need: Need::Expected, ..prompt() };
        assert!(of(&expected, &ENGLISH).title.starts_with("Soon: "));
        assert!(not_opened(&prompt(), &ENGLISH).body.contains("`entra login`"));
    }
}
