//! The page of a question in every state, and with whatever texts whoever asks can put on it.

use entra_proto::consent::ConsentState;
use entra_proto::error::ErrorCode;
use proptest::prelude::*;

use super::super::words::ENGLISH;
use super::*;

fn question(text: &str, answers: &[ConsentWord]) -> ConsentQuestion {
    let some = || Some(text.to_owned());
    ConsentQuestion {
        id: "0123abcd".to_owned(),
        state: ConsentState::Asked,
        who: format!("{text} (process 7)"),
        parents: vec![text.to_owned(); 2],
        wanted: text.to_owned(),
        matter: ConsentMatter {
            program: some(),
            hash: some(),
            script: some(),
            agent: some(),
            lease: some(),
            forwarded: true,
            username: some(),
            profile: some(),
            tenant: some(),
            resources: vec![text.to_owned()],
            ..ConsentMatter::default()
        },
        rule: text.to_owned(),
        asked_on: 0,
        until: 120,
        waiting: 1,
        answers: answers.to_vec(),
    }
}

fn document(question: &ConsentQuestion, standing: Standing<'_>) -> String {
    QuestionView { words: &ENGLISH, question, standing, left: Duration::from_secs(95) }.document()
}

/// Its marks, without what stands in their attributes.
fn marks(document: &str) -> Vec<&str> {
    document.split('<').skip(1).map(|rest| rest.split([' ', '>', '\n']).next().unwrap_or_default()).collect()
}

#[test]
fn it_says_who_what_and_why_and_has_the_buttons_that_are_offered() {
    let offered = [ConsentWord::Once, ConsentWord::Deny];
    let question = question("/opt/tool", &offered);
    let html = document(&question, Standing::Open { key: "the-key", trouble: None });
    for told in [
        "<strong>/opt/tool (process 7)</strong> wants <strong>/opt/tool</strong>.",
        "another machine",
        "<dt>Started by</dt><dd>/opt/tool, /opt/tool</dd>",
        "1:35",
    ] {
        assert!(html.contains(told), "{told} in {html}");
    }
    assert!(html.contains("name=\"key\" value=\"the-key\""), "{html}");
    for word in ConsentWord::ALL {
        let button = format!("name=\"do\" value=\"{}\"", word.word());
        assert_eq!(html.contains(&button), offered.contains(&word), "{button}");
    }
    assert!(html.contains("data-serial=\"0\"") && told(false, Duration::ZERO).starts_with("{\"serial\":0,"));
}

#[test]
fn who_may_not_answer_and_who_comes_late_have_no_button() {
    let question = question("/opt/tool", &ConsentWord::ALL);
    let error = ErrorBody::new(ErrorCode::Refused, "Not from here.").with_hint("Run `entra consent`.");
    let html = document(&question, Standing::ReadOnly(&error));
    assert!(
        html.contains("Not from here. Run <code>entra consent</code>.") && !html.contains("<form"),
        "{html}"
    );
    for (answer, title) in [
        (Some(ConsentWord::Once), "Allowed once"),
        (Some(ConsentWord::Never), "Refused until you take it back"),
        (None, "Nobody answered in time"),
    ] {
        let html = document(&question, Standing::Over(answer));
        assert!(html.contains(&format!(">{title}</h1>")) && !html.contains("<form"), "{html}");
        assert!(
            !html.contains("data-serial") && !html.contains("http-equiv=\"refresh\""),
            "it changes no more"
        );
    }
    let html = document(&question, Standing::Open { key: "k", trouble: Some(&error) });
    assert!(html.contains("Not from here.") && html.contains("value=\"always\""), "{html}");
}

proptest! {
    #[test]
    fn no_text_of_who_asks_becomes_markup(text in any::<String>()) {
        let error = ErrorBody::new(ErrorCode::Refused, text.replace('`', "'"));
        let (odd, plain) = (question(&text, &ConsentWord::ALL), question("x", &ConsentWord::ALL));
        let plain_error = ErrorBody::new(ErrorCode::Refused, "x");
        for (of_odd, of_plain) in [
            (Standing::Open { key: "k", trouble: Some(&error) }, Standing::Open { key: "k", trouble: Some(&plain_error) }),
            (Standing::ReadOnly(&error), Standing::ReadOnly(&plain_error)),
            (Standing::Over(None), Standing::Over(None)),
        ] {
            let (odd, plain) = (document(&odd, of_odd), document(&plain, of_plain));
            prop_assert_eq!(marks(&odd), marks(&plain));
        }
    }
}
