//! Sign-ins by browser: the page, what comes back from it, and how a sign-in gets there when a policy refuses codes.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use entra_sim::{ADA, BOB, Fault, Leg};
use entra_tests::loopback::{Answer, exchange};
use entra_tests::{Env, programs, raw};
use rstest::rstest;
use serde_json::Value;

/// What a browser does at the page: the person picks this account, and the answer is brought back.
fn visit(env: &Env, page: &Value, who: &str) -> Answer {
    env.authorize(page["url"].as_str().unwrap(), who)
}

fn page(login: &entra_tests::Login) -> Value {
    login.event_where(|event| event["event"] == "authorization")
}

fn flows(env: &Env) -> Vec<Value> {
    let accounts = raw::get(&env.socket(), "/v1/accounts").body;
    accounts["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|account| account["provenance"]["flow"].clone())
        .collect()
}

#[test]
fn a_person_signs_in_by_browser() {
    let env = Env::new(programs!());
    let daemon = env.start();
    let login = env.login(&["--browser"]);
    let shown = page(&login);
    assert!((290..=300).contains(&shown["expires_in"].as_u64().unwrap()), "{shown}");
    assert_eq!((&shown["profile"], &shown["tenant"]), (&"default".into(), &"organizations".into()));
    let end = visit(&env, &shown, ADA);
    assert!(end.status == 200 && end.text.contains("You are signed in as ada@example.com."), "{end:?}");
    let (last, ran) = login.end();
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""));
    assert_eq!((&last["event"], &last["account"]["username"]), (&"signed_in".into(), &ADA.into()));
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(flows(&env), ["browser"]);
}

#[test]
fn another_account_than_the_expected_is_refused_and_the_page_says_so() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--browser", "--account", ADA]);
    let shown = page(&login);
    assert!(shown["url"].as_str().unwrap().contains("login_hint=ada%40example.com"), "{shown}");
    let end = visit(&env, &shown, BOB);
    assert!(end.text.contains("Not signed in") && end.text.contains("was expected"), "{end:?}");
    let (last, ran) = login.end();
    assert_eq!((ran.status, &last["error"]["code"]), (4, &"account_mismatch".into()), "{last}");
    assert_eq!(flows(&env), [""; 0]);
}

#[test]
fn who_says_no_on_the_page_is_not_signed_in() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let login = env.login(&["--browser"]);
    let shown = page(&login);
    let url = shown["url"].as_str().unwrap();
    let state = url.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let redirect = url.split(['?', '&']).find_map(|pair| pair.strip_prefix("redirect_uri=")).unwrap();
    let port: u16 = redirect.rsplit_once("%3A").unwrap().1.parse().unwrap();
    let body = format!(
        "error=access_denied&error_description=AADSTS65004%3A+User+declined+to+consent.&state={state}"
    );
    let forged = body.replace(state, "another");
    let post = |body: &str| {
        let length = body.len();
        exchange(
            port,
            &format!("POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {length}\r\n\r\n{body}"),
        )
    };
    assert_eq!(post(&forged).status, 400);
    assert!(post(&body).text.contains("Not signed in"));
    let (last, ran) = login.end();
    assert_eq!((ran.status, &last["error"]["aadsts"]), (8, &65004.into()), "{last}");
}

#[rstest]
#[case(Leg::Devicecode, "invalid_request", 530_035)]
#[case(Leg::Poll, "invalid_grant", 530_036)]
#[case(Leg::Poll, "access_denied", 53003)]
#[case(Leg::Poll, "invalid_grant", 53000)]
#[case(Leg::Poll, "invalid_grant", 530_003)]
#[case(Leg::Poll, "interaction_required", 530_033)]
#[case(Leg::Poll, "invalid_grant", 50097)]
#[case(Leg::Poll, "invalid_request", 50005)]
fn a_refused_code_leads_to_the_browser_where_there_is_one(
    #[case] leg: Leg,
    #[case] error: &str,
    #[case] number: u32,
) {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(leg).times(2).refuse(error, number));
    // Without a desktop it ends, and says what one could do.
    let (last, _) = env.login_with(&["--open"], &[("SSH_TTY", "/dev/pts/1"), ("DISPLAY", ":0")]).end();
    assert_eq!(last["error"]["aadsts"], number, "{last}");
    assert!(last["error"]["hint"].as_str().unwrap().contains("entra login --browser"), "{last}");

    if cfg!(target_os = "linux") {
        let login = env.login_with(&["--open"], &[("DISPLAY", ":0"), ("BROWSER", "/bin/true")]);
        let switched = login.event_where(|event| event["event"] == "switched");
        assert_eq!((&switched["from"], &switched["to"]), (&"device_code".into(), &"browser".into()));
        assert_eq!(switched["error"]["aadsts"], number);
        assert_eq!(visit(&env, &page(&login), ADA).status, 200);
        assert_eq!(login.end().0["account"]["provenance"]["flow"], "browser");
    }
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
fn an_account_moves_up_and_keeps_its_sign_in_until_then() {
    let env = Env::new(programs!());
    let daemon = env.start();
    let (last, ran) = env.login(&["--reroot"]).end();
    assert_eq!((ran.status, &last["error"]["code"]), (2, &"nothing_to_reroot".into()), "{last}");
    env.sign_in();
    let login = env.login(&["--reroot"]);
    visit(&env, &page(&login), BOB);
    assert_eq!(login.end().0["error"]["code"], "account_mismatch");
    assert_eq!(flows(&env), ["device_code"]);
    assert_eq!(env.token(&["--for", "arm", "--force-refresh"])["source"], "refresh");
    let login = env.login(&["--reroot"]);
    let shown = page(&login);
    assert!(shown["url"].as_str().unwrap().contains("login_hint=ada%40example.com"), "{shown}");
    visit(&env, &shown, ADA);
    assert_eq!(login.end().0["event"], "signed_in");
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(flows(&env), ["browser"]);
    assert_eq!(env.token(&["--for", "arm", "--force-refresh"])["source"], "refresh");
}
