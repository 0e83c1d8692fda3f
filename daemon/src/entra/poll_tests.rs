//! The poll's schedule, exact to the second under paused time.

use rstest::rstest;

use super::super::Entra;
use super::super::script::{CODE, PENDING, SUCCESS, Script, target};
use super::*;
use crate::entra::no_reply::{NoReply, TlsTrouble};
use entra_proto::scope::Scopes;

async fn start(script: &Arc<Script>, code: &str) -> Poll {
    let entra = Entra::over(script.clone());
    let first = Script::new();
    first.json(200, code);
    let scopes = Scopes::of_resource("s").unwrap();
    let code = Entra::over(first.clone()).request_code(&target(), &scopes, None, false).await.unwrap();
    entra.poll(code)
}

/// Polls to the end; the seconds at which each poll went out, and the end.
async fn run(script: &Arc<Script>, poll: &mut Poll) -> (Vec<u64>, SignInEnd) {
    let started_at = Instant::now();
    loop {
        if let Step::Ended(end) = poll.next().await {
            let asked = script.asked().into_iter();
            return (asked.map(|asked| (asked.at - started_at).as_secs()).collect(), end);
        }
    }
}

async fn play(script: &Arc<Script>) -> (Vec<u64>, SignInEnd) {
    let mut poll = start(script, CODE).await;
    run(script, &mut poll).await
}

#[tokio::test(start_paused = true)]
async fn vector_06_three_pending_then_success() {
    let script = Script::new();
    script.json(400, PENDING).json(400, PENDING).json(400, PENDING).json(200, SUCCESS);
    let (times, end) = play(&script).await;
    assert_eq!(times, [5, 10, 15, 20]);
    let SignInEnd::Granted(grant) = end else { panic!("{end:?}") };
    assert_eq!(grant.access_token.expose(), "at-secret");
    assert_eq!(grant.scopes, ["s/read"]);
}

#[tokio::test(start_paused = true)]
async fn vector_07_slow_down_lasts() {
    let script = Script::new();
    script.json(400, PENDING).json(400, r#"{"error":"slow_down"}"#).json(400, PENDING).json(400, PENDING);
    script.json(400, r#"{"error":"slow_down"}"#).json(200, SUCCESS);
    assert_eq!(play(&script).await.0, [5, 10, 20, 30, 40, 55]);
}

#[tokio::test(start_paused = true)]
async fn vector_08_outages_are_survived_and_waited_out() {
    let script = Script::new();
    script.reply(503, None, "<html>busy</html>").reply(429, Some(7), "").silence(NoReply::Broken);
    script.reply(429, Some(100), r#"{"error":"invalid_grant"}"#).json(400, PENDING).json(400, PENDING);
    script.json(200, SUCCESS);
    let (times, end) = play(&script).await;
    // Waits of 10, 20 (more than Retry-After), 40, 100 (Retry-After), then the interval again.
    assert_eq!(times, [5, 15, 35, 75, 175, 180, 185]);
    assert!(matches!(end, SignInEnd::Granted(_)));
}

#[tokio::test(start_paused = true)]
async fn back_off_stops_growing_at_a_minute() {
    let script = Script::new();
    for why in [
        NoReply::Connect,
        NoReply::TimeOut,
        NoReply::Tls(TlsTrouble::Expired),
        NoReply::TooLarge,
        NoReply::Broken,
    ] {
        script.silence(why);
    }
    script.json(200, SUCCESS);
    assert_eq!(play(&script).await.0, [5, 15, 35, 75, 135, 195]);
}

#[rstest]
#[case("authorization_declined", 0)]
#[case("access_denied", 0)]
#[case("expired_token", 1)]
#[case("code_expired", 1)]
#[case("bad_verification_code", 2)]
#[case("invalid_client", 2)]
#[case("interaction_required", 2)]
#[case("from_the_future", 2)]
#[tokio::test(start_paused = true)]
async fn vectors_09_to_11_other_errors_end_it_at_once(#[case] error: &str, #[case] kind: u8) {
    let script = Script::new();
    script.json(400, &format!(r#"{{"error":"{error}"}}"#));
    let (times, end) = play(&script).await;
    assert_eq!(times, [5]);
    let found = match end {
        SignInEnd::Declined(fault) => (0, fault.error),
        SignInEnd::Expired(fault) => (1, fault.error),
        SignInEnd::Failed(Outcome::Misconfigured(fault) | Outcome::SignInNeeded(fault)) => (2, fault.error),
        other => panic!("{other:?}"),
    };
    assert_eq!(found, (kind, error.to_owned()));
}

#[rstest]
#[case(7_000_014)]
#[case(70000)]
#[tokio::test(start_paused = true)]
async fn vector_10_a_forgotten_code_is_expired(#[case] code: u32) {
    let script = Script::new();
    script.json(400, &format!(r#"{{"error":"invalid_grant","error_codes":[{code}]}}"#));
    assert!(matches!(play(&script).await.1, SignInEnd::Expired(_)));
}

#[tokio::test(start_paused = true)]
async fn vector_13_it_ends_at_the_monotonic_deadline() {
    let script = Script::new();
    let mut poll = start(&script, &CODE.replace("900", "12")).await;
    script.json(400, PENDING).json(400, PENDING);
    let started_at = Instant::now();
    let (times, end) = run(&script, &mut poll).await;
    assert_eq!(times, [5, 10]);
    assert_eq!(started_at.elapsed().as_secs(), 12);
    let SignInEnd::Expired(fault) = end else { panic!("{end:?}") };
    assert_eq!(fault.error, "code_expired");
}

#[tokio::test(start_paused = true)]
async fn vector_13_neither_retry_after_nor_a_hanging_answer_goes_beyond_the_deadline() {
    for hangs in [true, false] {
        let script = Script::new();
        let mut poll = start(&script, &CODE.replace("900", "12")).await;
        if hangs {
            script.hang()
        } else {
            script.reply(429, Some(3600), "")
        };
        let started_at = Instant::now();
        assert!(matches!(run(&script, &mut poll).await.1, SignInEnd::Expired(_)));
        assert_eq!(started_at.elapsed().as_secs(), 12);
    }
}

#[tokio::test(start_paused = true)]
async fn vector_14_without_a_refresh_token_the_access_token_is_good_once() {
    let script = Script::new();
    script.json(200, &SUCCESS.replace("refresh_token", "no_such_token"));
    let SignInEnd::GrantedOnce { grant, fault } = play(&script).await.1 else { panic!("not granted once") };
    assert_eq!(grant.access_token.expose(), "at-secret");
    assert!(fault.description.contains("offline_access"));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_keeps_the_rhythm_and_the_end_is_final() {
    let script = Script::new();
    script.json(400, PENDING).json(200, SUCCESS);
    let mut poll = start(&script, CODE).await;
    let started_at = Instant::now();
    assert!(tokio::time::timeout(Duration::from_secs(3), poll.next()).await.is_err());
    assert!(script.asked().is_empty());
    assert!(matches!(poll.next().await, Step::Waiting { notice: None }));
    assert_eq!(started_at.elapsed().as_secs(), 5);
    assert!(matches!(poll.next().await, Step::Ended(SignInEnd::Granted(_))));
    assert!(matches!(poll.next().await, Step::Ended(SignInEnd::Expired(_))));
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn claims_and_correlation_id_go_with_the_request_and_every_poll() {
    let script = Script::new();
    script.json(200, CODE).json(400, PENDING).json(200, SUCCESS);
    let entra = Entra::over(script.clone());
    let claims = super::super::claims::Claims::parse(r#"{"access_token":{"acrs":null}}"#).unwrap();
    let scopes = Scopes::of_resource("s").unwrap();
    let code = entra.request_code(&target(), &scopes, Some(&claims), true).await.unwrap();
    let correlation_id = code.correlation_id.clone();
    let mut poll = entra.poll(code);
    while !matches!(poll.next().await, Step::Ended(_)) {}
    let asked = script.asked();
    assert_eq!(asked.len(), 3);
    for asked in &asked {
        assert_eq!(asked.correlation_id, correlation_id);
        assert_eq!(asked.form["claims"], r#"{"access_token":{"acrs":null,"xms_cc":{"values":["cp1"]}}}"#);
    }
    assert!(asked[0].url.ends_with("/organizations/oauth2/v2.0/devicecode"));
    assert!(asked[1].url.ends_with("/organizations/oauth2/v2.0/token"));
    assert_eq!(asked[1].form["device_code"], "dev-secret");
}

#[rstest]
#[case(5, u64::MAX, 720)]
#[case(u64::MAX, u64::MAX, 0)]
#[case(u64::MAX, 900, 0)]
#[case(0, 3, 2)]
#[tokio::test(start_paused = true)]
async fn numbers_that_no_clock_can_hold_end_with_the_longest_life_of_a_code(
    #[case] interval: u64,
    #[case] life: u64,
    #[case] polls: usize,
) {
    let script = Script::new();
    (0..720).for_each(|_| {
        script.json(400, PENDING);
    });
    let code = CODE.replace(":5,", &format!(":{interval},")).replace(":900,", &format!(":{life},"));
    let mut poll = start(&script, &code).await;
    let begun = Instant::now();
    let (times, end) = run(&script, &mut poll).await;
    assert!(matches!(end, SignInEnd::Expired(_)), "{end:?}");
    assert!(times.len().abs_diff(polls) <= 1, "{times:?}");
    assert_eq!(begun.elapsed().as_secs(), life.min(3600));
}

#[tokio::test(start_paused = true)]
async fn notices_say_what_is_wrong_in_plain_text() {
    let script = Script::new();
    script
        .reply(503, None, "<h1>\u{1b}[31mdown</h1>")
        .json(400, r#"{"error":"slow_down"}"#)
        .json(200, SUCCESS);
    let mut poll = start(&script, CODE).await;
    let Step::Waiting { notice: Some(notice) } = poll.next().await else { panic!("no notice") };
    assert_eq!(
        notice,
        "login.microsoftonline.com answered with HTTP status 503. It says: <h1>down</h1> Asking again in 10 seconds."
    );
    let Step::Waiting { notice: Some(notice) } = poll.next().await else { panic!("no notice") };
    assert!(notice.contains("10 seconds"), "{notice}");
}

#[tokio::test(start_paused = true)]
async fn debug_shows_no_secret() {
    let script = Script::new();
    script.json(200, SUCCESS);
    let mut poll = start(&script, CODE).await;
    let text = format!("{poll:?} {:?}", poll.next().await);
    for secret in ["BL6XB575V", "dev-secret", "at-secret", "rt-secret"] {
        assert!(!text.contains(secret), "{text}");
    }
}
