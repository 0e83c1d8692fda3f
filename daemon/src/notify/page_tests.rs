//! The page in every state, and with whatever texts the world can put on it.

use entra_proto::account::{Flow, Health, Provenance};
use entra_proto::secret::{AuthorizationUrl, UserCode};
use proptest::prelude::*;
use rstest::rstest;

use super::super::parts::SCRIPT;
use super::super::words::ENGLISH;
use super::*;

fn code() -> CodeShown {
    CodeShown {
        user_code: UserCode::new("BL6XB575V".to_owned()),
        verification_uri: "https://microsoft.com/devicelogin".to_owned(),
        is_trusted_uri: true,
        expires_on: 1_795_231_440,
        expires_in: 900,
        message: String::new(),
        flow: Flow::DeviceCode,
        profile: "default".to_owned(),
        cloud: Cloud::Public,
        tenant: "contoso.example".to_owned(),
        client_id: "00000000-0000-0000-0000-00000000c11e".to_owned(),
        app_name: None,
        program: "entra (process 42)".to_owned(),
        scopes: Vec::new(),
        correlation_id: String::new(),
    }
}

fn waiting(code: CodeShown) -> Scene {
    Scene::Waiting { code: Box::new(code), notice: None }
}

fn authorization() -> Scene {
    let shown = AuthorizationShown {
        url: AuthorizationUrl::new("https://login.example/authorize?state=secret".to_owned()),
        expires_on: 1_795_231_440,
        expires_in: 300,
        profile: "default".to_owned(),
        cloud: Cloud::Public,
        tenant: "contoso.example".to_owned(),
        client_id: "00000000-0000-0000-0000-00000000c11e".to_owned(),
        app_name: None,
        program: "entra (process 42)".to_owned(),
        scopes: Vec::new(),
        correlation_id: String::new(),
    };
    Scene::Authorization { shown: Box::new(shown), refused: Some("A policy forbids codes.".to_owned()) }
}

fn signed_in(username: &str) -> Scene {
    Scene::SignedIn(Box::new(AccountInfo {
        id: "a.b".parse().unwrap(),
        username: username.to_owned(),
        name: None,
        profile: "default".to_owned(),
        cloud: Cloud::Public,
        tenant: "contoso.example".to_owned(),
        client_id: String::new(),
        provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: 1 },
        health: Health::Good,
    }))
}

fn ended(code: ErrorCode) -> Scene {
    let error = ErrorBody::new(code, "It was so.").with_hint("Run `entra login`.");
    Scene::Ended(Box::new(ErrorBody { correlation_id: Some("c0ffee".to_owned()), ..error }))
}

fn subject() -> Subject {
    Subject {
        account: Some("ada@example.com".to_owned()),
        tenant: Some("organizations".to_owned()),
        application: Some("Contoso tools".to_owned()),
        profile: "default".to_owned(),
        reason: Some("The last sign-in is too old.".to_owned()),
        program: Some("az".to_owned()),
        opener: "/usr/bin/entra (process 42)".to_owned(),
        ..Subject::default()
    }
}

fn document(scene: &Scene, subject: &Subject) -> String {
    let has_end = matches!(scene, Scene::Waiting { .. } | Scene::Authorization { .. });
    let left = has_end.then_some(Duration::from_secs(839));
    View { words: &ENGLISH, subject, scene, serial: 7, left }.document()
}

fn scenes() -> [Scene; 8] {
    [
        Scene::Begin,
        Scene::Starting,
        waiting(code()),
        authorization(),
        signed_in("ada@example.com"),
        ended(ErrorCode::SignInCancelled),
        ended(ErrorCode::SignInExpired),
        ended(ErrorCode::AskAdmin),
    ]
}

/// The tags, without what stands between them and in their quotes.
fn tags(html: &str) -> String {
    let mut tags = String::new();
    let (mut is_tag, mut is_quoted) = (false, false);
    for char in html.chars() {
        match char {
            '<' if !is_quoted => is_tag = true,
            '"' if is_tag => is_quoted = !is_quoted,
            _ => {}
        }
        if is_tag && (!is_quoted || char == '"') {
            tags.push(char);
        }
        if char == '>' && !is_quoted {
            is_tag = false;
        }
    }
    tags
}

/// The elements that are open at the end, and whatever was closed that was not open last.
fn unbalanced(html: &str) -> Vec<String> {
    let tags = tags(html);
    let (mut open, mut wrong) = (Vec::new(), Vec::new());
    for tag in
        tags.split(['<', '>']).filter(|tag| !tag.is_empty() && !tag.starts_with('!') && !tag.ends_with('/'))
    {
        let name = tag.split(' ').next().unwrap();
        match name.strip_prefix('/') {
            Some(name) if open.last() == Some(&name) => drop(open.pop()),
            Some(_) => wrong.push(tag.to_owned()),
            None if ["meta", "link"].contains(&name) => {}
            None => open.push(name),
        }
    }
    wrong.extend(open.into_iter().map(str::to_owned));
    wrong
}

#[test]
fn what_is_opened_is_closed() {
    for scene in scenes() {
        assert_eq!(unbalanced(&document(&scene, &subject())), Vec::<String>::new(), "{scene:?}");
    }
    assert_eq!(unbalanced(&refusal(&ENGLISH)), Vec::<String>::new());
    assert_eq!(unbalanced("<p><b class=\"x>\">x</p>"), ["/p", "p", "b"]);
}

#[test]
fn every_state_has_its_own_heading_and_the_same_frame() {
    let documents = scenes().map(|scene| document(&scene, &subject()));
    let mut titles = std::collections::BTreeSet::new();
    for html in &documents {
        assert_eq!(html.matches("<h1").count(), 1);
        for once in ["<html lang=\"en\">", "<header>", "<main", "<footer>", "role=\"status\"", "id=\"title\""]
        {
            assert_eq!(html.matches(once).count(), 1, "{once} in {html}");
        }
        titles.insert(html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap());
    }
    assert_eq!(titles.len(), documents.len());
}

#[test]
fn who_asks_for_what_and_why_is_said_before_anything_begins() {
    let html = document(&Scene::Begin, &subject());
    for told in [
        "ada@example.com",
        "Contoso tools",
        "az",
        "/usr/bin/entra (process 42)",
        "The last sign-in is too old.",
    ] {
        assert!(html.contains(told), "{told}");
    }
    assert!(html.contains(ENGLISH.caution));
    assert!(html.contains("name=\"do\" value=\"begin\""));
    assert!(!html.contains("http-equiv"), "nobody is interrupted while reading");
}

#[test]
fn the_code_is_shown_with_the_caution_and_the_way() {
    let html = document(&waiting(code()), &subject());
    assert!(html.contains(">BL6XB575V</output>"));
    assert!(html.contains(ENGLISH.caution));
    assert!(
        html.contains("href=\"https://microsoft.com/devicelogin\"")
            && html.contains("rel=\"noopener noreferrer\"")
    );
    assert!(html.contains("data-left=\"839\"") && html.contains(">13:59</span>"));
    assert!(html.contains("<noscript><meta http-equiv=\"refresh\""));
    assert!(html.contains("contoso.example"), "the tenant that was asked in the end");
}

#[test]
fn the_way_to_the_browser_holds_no_address_and_says_why() {
    let html = document(&authorization(), &subject());
    assert!(html.contains("href=\"?onward\"") && html.contains("target=\"_blank\""), "{html}");
    assert!(html.contains(ENGLISH.caution) && html.contains("A policy forbids codes."), "{html}");
    assert!(html.contains("13:59") && html.contains("contoso.example"), "{html}");
    assert!(!html.contains("login.example") && !html.contains("secret"), "{html}");
}

#[rstest]
#[case("https://evil.example/devicelogin", false)]
#[case("javascript:alert(1)", true)]
#[case("data:text/html,x", true)]
fn an_address_that_is_not_microsofts_is_no_link(#[case] address: &str, #[case] is_trusted_uri: bool) {
    let code = CodeShown { verification_uri: address.to_owned(), is_trusted_uri, ..code() };
    let html = document(&waiting(code), &subject());
    assert!(!html.contains("<a ") && !html.contains(ENGLISH.waiting_title), "{html}");
    assert!(html.contains(address) && html.contains(ENGLISH.strange_note));
}

#[test]
fn the_code_is_gone_when_the_sign_in_is_over() {
    for scene in scenes() {
        let is_waiting = matches!(scene, Scene::Waiting { .. });
        assert_eq!(document(&scene, &subject()).contains("BL6XB575V"), is_waiting, "{scene:?}");
    }
}

#[test]
fn what_failed_is_told_with_what_to_do_and_can_be_tried_again() {
    let html = document(&ended(ErrorCode::AskAdmin), &subject());
    assert!(
        html.contains("It was so.")
            && html.contains("Run <code>entra login</code>.")
            && html.contains("c0ffee")
    );
    assert!(html.contains(ENGLISH.again_button));
    let cancelled = document(&ended(ErrorCode::SignInCancelled), &subject());
    assert!(cancelled.contains(ENGLISH.again_button) && !cancelled.contains("c0ffee"));
}

#[test]
fn a_page_that_is_done_listens_no_more() {
    assert!(!document(&signed_in("ada@example.com"), &subject()).contains("data-serial"));
    assert!(document(&ended(ErrorCode::SignInExpired), &subject()).contains("data-serial=\"7\""));
}

#[test]
fn news_is_one_line() {
    let scene = Scene::Waiting { code: Box::new(code()), notice: Some("Entra\nis slow.".to_owned()) };
    let view = View {
        words: &ENGLISH,
        subject: &subject(),
        scene: &scene,
        serial: 3,
        left: Some(Duration::from_secs(9)),
    };
    assert_eq!(view.news(), r#"{"serial":3,"said":"Entra\nis slow.","left":9}"#);
    let scene = Scene::Begin;
    assert_eq!(View { scene: &scene, left: None, ..view }.news(), r#"{"serial":3,"said":""}"#);
}

#[test]
fn the_style_and_the_script_stand_as_the_policy_counts_them() {
    for scene in scenes() {
        let html = document(&scene, &subject());
        for (tag, text) in [("style", &STYLE), ("script", &SCRIPT)] {
            assert_eq!(html.matches(&format!("<{tag}>{}</{tag}>", text.as_str())).count(), 1);
            assert_eq!(html.matches(&format!("<{tag}")).count(), 1);
        }
    }
}

#[test]
fn nothing_is_fetched_from_anywhere() {
    for scene in scenes() {
        let html = document(&scene, &subject());
        for fetching in [" src=", "@import", "url(", "<iframe", "<object", " style=", " onclick"] {
            assert!(!html.contains(fetching), "{fetching}");
        }
    }
}

#[test]
fn the_refusal_says_nothing_of_what_is_there() {
    let html = refusal(&ENGLISH);
    assert!(!html.contains("<form") && !html.contains("<script") && !html.contains("data-"));
    assert!(html.contains("<h1>") && !html.contains("entra"), "not even whose it is: {html}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a text holds, the document has the tags that it has with plain words.
    #[test]
    fn no_text_changes_the_documents_tags(any in "[^`\\p{Cc}]{0,40}|[<>\"'&/= a-z]{0,40}", which in 0_usize..8) {
        let text = |text: &str| {
            let subject = Subject {
                account: Some(text.to_owned()),
                tenant: Some(text.to_owned()),
                cloud: Cloud::China,
                application: Some(text.to_owned()),
                profile: format!("p{text}"),
                reason: Some(text.to_owned()),
                program: Some(text.to_owned()),
                opener: text.to_owned(),
            };
            let mut scene = scenes()[which].clone();
            match &mut scene {
                Scene::Waiting { code, notice } => {
                    **code = CodeShown {
                        user_code: UserCode::new(text.to_owned()),
                        verification_uri: format!("https://microsoft.com/{text}"),
                        tenant: format!("t{text}"),
                        client_id: text.to_owned(),
                        app_name: Some(text.to_owned()),
                        ..code.as_ref().clone()
                    };
                    *notice = Some(text.to_owned());
                }
                Scene::Authorization { shown, refused } => {
                    **shown = AuthorizationShown {
                        tenant: format!("t{text}"),
                        client_id: text.to_owned(),
                        app_name: Some(text.to_owned()),
                        ..shown.as_ref().clone()
                    };
                    *refused = Some(text.to_owned());
                }
                Scene::SignedIn(account) => account.username = text.to_owned(),
                Scene::Ended(error) => {
                    error.message = text.to_owned();
                    error.hint = Some(text.to_owned());
                    error.correlation_id = Some(text.to_owned());
                }
                Scene::Begin | Scene::Starting => {}
            }
            tags(&document(&scene, &subject))
        };
        prop_assert_eq!(text(&any), text("plain"));
    }
}
