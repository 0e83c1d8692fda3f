//! Sign-ins by browser: the page, what comes back from it, and how a sign-in gets there when a policy refuses codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use entra_sim::{ADA, BOB, Fault, Leg};
use entra_tests::{Env, browser, programs};
use rstest::rstest;

#[test]
fn a_person_signs_in_by_browser() {
    let env = Env::new(programs!());
    let daemon = env.start();
    let login = env.login(&["--browser"]);
    let shown = browser::page(&login);
    assert!((290..=300).contains(&shown["expires_in"].as_u64().unwrap()), "{shown}");
    assert_eq!((&shown["profile"], &shown["tenant"]), (&"default".into(), &"organizations".into()));
    let end = browser::visit(&env, &shown, ADA);
    assert!(end.status == 200 && end.text.contains("You are signed in as ada@example.com."), "{end:?}");
    let (last, ran) = login.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!((&last["event"], &last["account"]["username"]), (&"signed_in".into(), &ADA.into()));
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(browser::flows(&env), ["browser"]);
}

#[test]
fn another_account_than_the_expected_is_refused_and_the_page_says_so() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--browser", "--account", ADA]);
    let shown = browser::page(&login);
    assert!(shown["url"].as_str().unwrap().contains("login_hint=ada%40example.com"), "{shown}");
    let end = browser::visit(&env, &shown, BOB);
    assert!(end.text.contains("Not signed in") && end.text.contains("was expected"), "{end:?}");
    let (last, ran) = login.end();
    assert_eq!((ran.status, &last["error"]["code"]), (4, &"account_mismatch".into()), "{last}");
    assert_eq!(browser::flows(&env), [""; 0]);
}

#[test]
fn who_says_no_on_the_page_is_not_signed_in() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--browser"]);
    let shown = browser::page(&login);
    let body = "error=access_denied&error_description=AADSTS65004%3A+User+declined+to+consent.";
    assert_eq!(browser::post(&shown, &format!("{body}&state=another")).status, 400);
    assert!(browser::answer(&shown, body).text.contains("Not signed in"));
    let (last, ran) = login.end();
    assert_eq!((ran.status, &last["error"]["aadsts"]), (8, &65004.into()), "{last}");
}

#[test]
fn a_flow_that_is_named_is_the_only_one() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(Leg::Devicecode).refuse("invalid_request", 530_035));
    let (last, _) =
        env.login_with(&["--device-code", "--open"], &[("DISPLAY", ":0"), ("BROWSER", "/bin/true")]).end();
    assert_eq!((&last["event"], &last["error"]["aadsts"]), (&"failed".into(), &530_035.into()));
}

#[test]
fn a_flow_that_is_forbidden_is_not_taken() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&["--flows", "device_code"]);
    let (last, ran) = env.login(&["--browser"]).end();
    assert_eq!((ran.status, &last["error"]["code"]), (4, &"refused".into()), "{last}");
    assert!(last["error"]["message"].as_str().unwrap().contains("`flows`"), "{last}");
    let login = env.login_with(&["--open"], &[("DISPLAY", ":0"), ("BROWSER", "/bin/true")]);
    assert_eq!(login.event()["event"], "code");
}

#[test]
fn there_must_be_something_to_move_up() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let (last, ran) = env.login(&["--reroot"]).end();
    assert_eq!((ran.status, &last["error"]["code"]), (2, &"nothing_to_reroot".into()), "{last}");
    env.sign_in();
    let login = env.login(&["--reroot"]);
    let shown = browser::page(&login);
    assert!(shown["url"].as_str().unwrap().contains("login_hint=ada%40example.com"), "{shown}");
}

#[rstest]
#[case(
    "access_denied",
    "AADSTS90094: Admin consent is required.",
    90094,
    "ask_admin",
    "/adminconsent?client_id="
)]
#[case("consent_required", "AADSTS65001: No consent.", 65001, "sign_in_needed", "/adminconsent?client_id=")]
#[case(
    "interaction_required",
    "AADSTS50105: Not assigned.",
    50105,
    "ask_admin",
    "Users and groups > Add user/group"
)]
#[case("unauthorized_client", "AADSTS700016: No such app.", 700_016, "misconfigured", "`client_id`")]
#[case(
    "invalid_request",
    "AADSTS9002325: Proof Key.",
    9_002_325,
    "misconfigured",
    "Mobile and desktop applications"
)]
fn what_an_administrator_must_do_is_told_on_the_page_and_to_the_caller(
    #[case] error: &str,
    #[case] description: &str,
    #[case] number: u32,
    #[case] code: &str,
    #[case] words: &str,
) {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--browser"]);
    // Whoever writes the answer's text writes to a terminal and a page: neither is theirs.
    let hostile = format!("{description}%1B%5B31m%3Cscript%3E%0D%0ATrace+ID%3A+t");
    let fields =
        format!("error={error}&error_description={}", hostile.replace(": ", "%3A+").replace(' ', "+"));
    let end = browser::answer(&browser::page(&login), &fields);
    assert!(end.text.contains("Not signed in") && end.text.contains(&format!("AADSTS{number}")), "{end:?}");
    assert!(end.text.contains(&words.replace('>', "&gt;")), "{end:?}");
    assert!(!end.text.contains("<script") && !end.text.contains('\u{1b}'), "{end:?}");
    let (last, ran) = login.end();
    assert_eq!((&last["error"]["code"], &last["error"]["aadsts"]), (&code.into(), &number.into()), "{last}");
    let hint = last["error"]["hint"].as_str().unwrap();
    assert!(hint.contains(words) && hint.contains("`entra "), "{hint}");
    assert!(!ran.stdout.contains("\\u001b") && !ran.stdout.contains("script"), "{ran:?}");
}
