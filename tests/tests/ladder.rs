//! The ladder: each refusal of a code leads to the browser where there is one, says what a desktop could do where there
//! is none, and whoever moves up keeps the old sign-in until the new one works.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use entra_sim::{ADA, BOB, Fault, Leg};
use entra_tests::{Env, browser, finish, programs};
use rstest::rstest;

/// What a desktop's session sets, with a browser that opens nothing.
const DESKTOP: [(&str, &str); 2] = [("DISPLAY", ":0"), ("BROWSER", "/bin/true")];

/// What sshd sets, with a display that is forwarded: its browser would be on another machine.
const SSH: [(&str, &str); 2] =
    [("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22"), ("DISPLAY", "localhost:10.0")];

/// A session without any display.
const HEADLESS: [(&str, &str); 0] = [];

/// Whether the refresh token in the vault is still good at Entra.
fn is_good(env: &Env) -> bool {
    env.entra(&["token", "--for", "arm", "--force-refresh"]).status == 0
}

#[rstest]
#[case("invalid_request", 530_035)]
#[case("invalid_grant", 530_036)]
#[case("access_denied", 53003)]
#[case("interaction_required", 53000)]
#[case("invalid_grant", 530_003)]
#[case("interaction_required", 530_033)]
#[case("invalid_grant", 50097)]
#[case("invalid_request", 50005)]
fn a_refused_code_leads_to_the_browser_where_there_is_one(
    #[case] error: &str,
    #[case] number: u32,
    #[values(Leg::Devicecode, Leg::Poll)] leg: Leg,
) {
    let env = Env::new(programs!());
    env.sim().control().set_rules(|rules| rules.interval = Duration::from_secs(1));
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(leg).times(3).refuse(error, number));
    for headless in [&SSH[..], &HEADLESS] {
        // A display of its own is how Linux tells that there is a desktop; elsewhere there always is one.
        if headless.is_empty() && !cfg!(target_os = "linux") {
            env.sim().control().clear_faults();
            env.sim().control().script(Fault::on(leg).refuse(error, number));
            continue;
        }
        let (last, ran) = env.login_with(&["--open"], headless).end();
        assert_eq!((&last["event"], &last["error"]["aadsts"]), (&"failed".into(), &number.into()), "{last}");
        assert_ne!(ran.status, 0);
        assert!(last["error"]["hint"].as_str().unwrap().contains("`entra login --browser`"), "{last}");
        assert_ne!(last["error"]["code"], "sign_in_cancelled", "nobody said no");
    }
    if cfg!(target_os = "linux") {
        let login = env.login_with(&["--open"], &DESKTOP);
        let switched = login.event_where(|event| event["event"] == "switched");
        assert_eq!((&switched["from"], &switched["to"]), (&"device_code".into(), &"browser".into()));
        assert_eq!(switched["error"]["aadsts"], number);
        let why = switched["error"]["message"].as_str().unwrap();
        assert!(why.ends_with(&format!("(AADSTS{number}).")), "{why}");
        assert_eq!(browser::visit(&env, &browser::page(&login), ADA).status, 200);
        let (last, ran) = login.end();
        assert_eq!((ran.status, &last["account"]["provenance"]["flow"]), (0, &"browser".into()), "{last}");
        assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    }
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "would open a browser")]
fn a_person_reads_why_it_goes_on_in_the_browser() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(Leg::Devicecode).refuse("invalid_request", 530_035));
    let mut command = env.entra_command(&["login"]);
    let mut child = command.envs(DESKTOP).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let why = lines.find(|line| line.contains("AADSTS530035")).unwrap();
    assert!(why.contains("security defaults") && why.contains("Going on by browser"), "{why}");
    let url = lines.find(|line| line.starts_with("http://")).unwrap();
    assert_eq!(browser::visit_at(&env, &url, ADA).status, 200);
    assert!(lines.any(|line| line.contains("Signed in as ada@example.com")));
    assert_eq!(finish(child).status, 0);
}

#[test]
fn without_a_desktop_a_sign_in_stays_on_the_code_and_says_what_a_desktop_could_do() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let mut command = env.entra_command(&["login"]);
    let child = command.envs(SSH).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let code = env.sim().control().next_user_code_blocking().unwrap();
    env.sim().control().approve(&code, ADA).unwrap();
    let ran = finish(child);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("`entra login --reroot`") && ran.stdout.contains("desktop"), "{ran:?}");
    assert_eq!(browser::flows(&env), ["device_code"]);
}

#[test]
fn an_administrators_choice_of_ways_is_said_where_it_stands_in_the_way() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&["--flows", "device_code"]);
    env.sim().control().script(Fault::on(Leg::Devicecode).refuse("invalid_request", 530_035));
    let (last, _) = env.login_with(&["--open"], &DESKTOP).end();
    let hint = last["error"]["hint"].as_str().unwrap();
    assert!(hint.contains("`flows`") && !hint.contains("--browser"), "{hint}");
}

#[test]
fn an_end_by_policy_is_told_by_status_and_the_next_sign_in_begins_in_the_browser() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    let before = env.entra(&["status"]).stdout;
    assert!(before.contains("AADSTS530036") && before.contains("`entra login --reroot`"), "{before}");
    env.sim().control().script(Fault::on(Leg::Refresh).refuse("invalid_grant", 530_036));
    assert_eq!(env.entra(&["token", "--for", "arm", "--force-refresh"]).status, 3);
    let status = env.entra(&["status"]).stdout;
    let words = status.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("sign-in needed") && words.contains("which a policy has since forbidden"),
        "{words}"
    );
    assert_eq!(daemon.stop(), 0);

    // The verdict outlives a restart, and the code is not even asked for; without a desktop it is all there is.
    let _daemon = env.start();
    let told = env.entra(&["status"]).stdout;
    assert!(told.contains("which a policy has since"), "{told}\n{}", env.log());
    let codes = || env.sim().control().requests_on(Leg::Devicecode).len();
    let asked = codes();
    if cfg!(target_os = "linux") {
        let login = env.login_with(&["--open"], &DESKTOP);
        let first = login.event();
        assert_eq!(first["event"], "authorization", "{first}");
        drop(login);
    }
    assert_eq!(codes(), asked);
    let login = env.login_with(&["--open"], &SSH);
    assert_eq!(login.event()["event"], "code");
    drop(login);
    let login = env.login(&["--browser"]);
    assert_eq!(browser::visit(&env, &browser::page(&login), ADA).status, 200);
    assert_eq!(login.end().0["event"], "signed_in");
    assert_eq!(browser::flows(&env), ["browser"]);
    assert!(!env.entra(&["status"]).stdout.contains("AADSTS530036"));
}

#[test]
fn an_interrupted_reroot_loses_nothing() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in();
    // While it waits for the person, tokens flow.
    let login = env.login(&["--reroot"]);
    let _page = browser::page(&login);
    assert!(is_good(&env));
    login.interrupt();
    let (_, ran) = login.end();
    assert_eq!(ran.status, 8, "{ran:?}");
    assert!(is_good(&env));
}

#[test]
fn a_reroot_that_comes_to_nothing_loses_nothing() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();

    // Refused on the page, refused at the token endpoint, and ended by the wrong person.
    let login = env.login(&["--reroot"]);
    let shown = browser::page(&login);
    let refused = "error=access_denied&error_description=AADSTS53003%3A+Access+has+been+blocked.";
    assert!(browser::answer(&shown, refused).text.contains("Not signed in"));
    let (last, ran) = login.end();
    assert_eq!(
        (ran.status, &last["error"]["code"], &last["error"]["aadsts"]),
        (5, &"ask_admin".into(), &53003.into()),
        "{last}"
    );
    env.sim().control().script(Fault::on(Leg::Code).refuse("invalid_grant", 50105));
    let login = env.login(&["--reroot"]);
    browser::visit(&env, &browser::page(&login), ADA);
    assert_eq!(login.end().0["error"]["aadsts"], 50105);
    let login = env.login(&["--reroot"]);
    browser::visit(&env, &browser::page(&login), BOB);
    assert_eq!(login.end().0["error"]["code"], "account_mismatch");
    assert!(is_good(&env));
    assert_eq!(browser::flows(&env), ["device_code"]);

    // The daemon goes away in the middle of one.
    let login = env.login(&["--reroot"]);
    let _page = browser::page(&login);
    daemon.stop();
    assert_ne!(login.end().1.status, 0);
    let daemon = env.start();
    assert_eq!(browser::flows(&env), ["device_code"]);
    assert!(is_good(&env));

    let login = env.login(&["--reroot"]);
    browser::visit(&env, &browser::page(&login), ADA);
    assert_eq!(login.end().0["event"], "signed_in");
    daemon.stop();
    let _daemon = env.start();
    assert_eq!(browser::flows(&env), ["browser"]);
    assert!(is_good(&env));
}
