//! Every fault, as a client meets it.

use std::time::{Duration, Instant, SystemTime};

use entra_sim::{ADA, Action, Fault, Leg, RetryAfter};
use rstest::rstest;
use serde_json::json;

use crate::client::{Bench, GRAPH};

#[tokio::test]
async fn a_fault_meets_its_leg_only_and_then_is_gone() {
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Poll).status(503).after(1).times(2));
    let (device_code, _) = bench.device_code(GRAPH).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(bench.poll(&device_code).await.status);
    }
    assert_eq!(statuses, [400, 503, 503, 400]);
    assert!(bench.sim.control().waiting_faults().is_empty());
    assert_eq!(bench.sim.control().requests_on(Leg::Poll)[1].faults, ["status"]);
}

#[tokio::test]
async fn throttling_in_seconds_and_by_date() {
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Devicecode).throttle(7));
    let by_date = Action::Status { status: 503, retry_after: Some(RetryAfter::DateIn(60)) };
    bench.sim.control().script(Fault::on(Leg::Devicecode).act(by_date));
    let throttled = bench.post("devicecode", &[("scope", "openid")]).await;
    assert_eq!((throttled.status, throttled.header("retry-after")), (429, Some("7")));
    let later = bench.post("devicecode", &[("scope", "openid")]).await;
    let at = httpdate::parse_http_date(later.header("retry-after").unwrap()).unwrap();
    let ahead = at.duration_since(SystemTime::now()).unwrap();
    assert!(ahead > Duration::from_secs(50) && ahead <= Duration::from_secs(60), "{ahead:?}");
}

#[tokio::test]
async fn refusals_as_written() {
    let bench = Bench::new().await;
    let token = bench.sim.control().issue_refresh_token(ADA).unwrap();
    let challenge = r#"{"access_token":{"capolids":{"essential":true,"values":["7f3c"]}}}"#;
    bench.sim.control().script(Fault::on(Leg::Refresh).refuse_with(
        "invalid_grant",
        53_003,
        Some("message_only"),
        Some(challenge),
    ));
    let answer = bench.refresh(&token, GRAPH).await;
    assert_eq!(answer.refusal(), (400, "invalid_grant", 53_003));
    assert_eq!((answer.field("suberror"), answer.field("claims")), ("message_only", challenge));
    bench.sim.control().script(Fault::on(Leg::Refresh).act(Action::Refuse {
        error: "invalid_client".to_owned(),
        code: 7_000_218,
        status: 200,
        suberror: None,
        claims: None,
        description: Some("\r\n\u{1b}[31mred".to_owned()),
    }));
    let answer = bench.refresh(&token, GRAPH).await;
    assert_eq!(answer.refusal(), (200, "invalid_client", 7_000_218));
    assert!(answer.field("error_description").contains("\r\n\u{1b}[31mred"));
    assert_eq!(bench.refresh(&token, GRAPH).await.status, 200, "the refusals left the token alone");
}

#[tokio::test]
async fn pages_redirects_and_slow_down() {
    let bench = Bench::new().await;
    let (device_code, _) = bench.device_code(GRAPH).await;
    bench.sim.control().script(Fault::on(Leg::Poll).act(Action::Html { status: 200, body: None }));
    bench.sim.control().script(
        Fault::on(Leg::Any).act(Action::Redirect { location: "https://elsewhere.example/".to_owned() }),
    );
    bench.sim.control().script(Fault::on(Leg::Poll).act(Action::SlowDown));
    let page = bench.poll(&device_code).await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let redirect = bench.poll(&device_code).await;
    assert_eq!((redirect.status, redirect.header("location")), (302, Some("https://elsewhere.example/")));
    assert_eq!(bench.poll(&device_code).await.refusal().1, "slow_down");
}

#[tokio::test]
async fn answers_that_lie_about_their_form() {
    let bench = Bench::new().await;
    let control = bench.sim.control();
    control.script(Fault::on(Leg::Devicecode).without(["interval"]).act(Action::NumbersAsStrings));
    let code = bench.post("devicecode", &[("scope", GRAPH)]).await;
    assert_eq!((code.json.get("interval"), &code.json["expires_in"]), (None, &json!("900")));
    control.script(Fault::on(Leg::Devicecode).with("verification_uri", "https://evil.example/x"));
    let code = bench.post("devicecode", &[("scope", GRAPH)]).await;
    assert_eq!(code.field("verification_uri"), "https://evil.example/x");

    let token = control.issue_refresh_token(ADA).unwrap();
    control.script(Fault::on(Leg::Refresh).without(["refresh_token", "client_info"]));
    let answer = bench.refresh(&token, GRAPH).await;
    assert!(answer.json.get("refresh_token").is_none() && answer.json.get("client_info").is_none());
    control.script(Fault::on(Leg::Refresh).act(Action::Oversize { bytes: 1 << 20 }));
    let answer = bench.refresh(&token, GRAPH).await;
    assert!(answer.status == 200 && answer.text.len() > 1 << 20);
}

#[rstest]
#[case::reset(Action::Reset)]
#[case::half(Action::HalfBody)]
#[case::dropped(Action::DropAnswer)]
#[tokio::test]
async fn answers_that_never_arrive(#[case] action: Action) {
    let bench = Bench::new().await;
    let mut rules = bench.sim.control().rules();
    rules.strict_rotation = true;
    bench.sim.control().set_rules(|current| *current = rules);
    let token = bench.sim.control().issue_refresh_token(ADA).unwrap();
    bench.sim.control().script(Fault::on(Leg::Refresh).act(action.clone()));
    let form = [("grant_type", "refresh_token"), ("refresh_token", token.as_str()), ("scope", GRAPH)];
    bench.send("token", &form).await.unwrap_err();
    let entry = bench.sim.control().wait_for_requests(Leg::Refresh, 1).await.unwrap().remove(0);
    assert_eq!(entry.status, (action == Action::HalfBody).then_some(200));
    // A reset comes before the service has done anything; otherwise the token was rotated and the client never knew.
    let again = bench.send("token", &form).await.unwrap();
    let expected = if action == Action::Reset { (200, "", 0) } else { (400, "invalid_grant", 70_000) };
    assert_eq!(again.refusal(), expected);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Discovery).reset());
    let address = bench.sim.origin().trim_start_matches("http://").to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET /common/discovery/v2.0/keys HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let error = socket.read(&mut [0; 1]).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn half_a_body_is_a_true_beginning() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Discovery).act(Action::HalfBody));
    let address = bench.sim.origin().trim_start_matches("http://").to_owned();
    let mut socket = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request =
        format!("GET /common/v2.0/.well-known/openid-configuration HTTP/1.1\r\nHost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(body.len(), promised.parse::<usize>().unwrap() / 2);
    assert!(body.starts_with('{'));
}

#[tokio::test]
async fn late_answers_and_none_at_all() {
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Devicecode).delay(Duration::from_millis(300)));
    let started = Instant::now();
    assert_eq!(bench.post("devicecode", &[("scope", "openid")]).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(300));

    bench.sim.control().set_rules(|rules| rules.hang_limit = Duration::from_secs(1));
    bench.sim.control().script(Fault::on(Leg::Devicecode).act(Action::Hang));
    let started = Instant::now();
    bench.send("devicecode", &[("scope", "openid")]).await.unwrap_err();
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn dates_that_are_missing_or_wrong() {
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Devicecode).act(Action::OmitDate));
    bench.sim.control().script(Fault::on(Leg::Devicecode).act(Action::SkewDate { seconds: -3_600 }));
    assert_eq!(bench.post("devicecode", &[("scope", "openid")]).await.header("date"), None);
    let skewed = bench.post("devicecode", &[("scope", "openid")]).await;
    let date = httpdate::parse_http_date(skewed.header("date").unwrap()).unwrap();
    assert!(SystemTime::now().duration_since(date).unwrap() > Duration::from_secs(3_590));
}

#[tokio::test]
async fn a_hanging_request_can_be_awaited() {
    let bench = Bench::new().await;
    bench.sim.control().script(Fault::on(Leg::Devicecode).act(Action::Hang));
    let form = [("scope", "openid")];
    let asking = bench.send("devicecode", &form);
    let control = bench.sim.control();
    tokio::select! {
        answer = asking => panic!("the hang answered: {answer:?}"),
        arrived = control.wait_for_arrival(Leg::Devicecode, 1) => arrived.unwrap(),
    }
    assert!(!control.requests()[0].done);
}
