//! The control interface, in the process and over HTTP.

use std::time::Duration;

use entra_sim::{ADA, ControlError, Leg, Options, Sim, StartError, digest};
use serde_json::{Value, json};

use crate::client::{Answer, Bench, GRAPH};

async fn call(bench: &Bench, method: &str, path: &str, body: Value) -> Answer {
    let url = format!("{}/_sim/{path}", bench.sim.origin());
    let request = bench.http.request(method.parse().unwrap(), url);
    let request = if body.is_null() { request } else { request.body(body.to_string()) };
    Answer::read(request.send().await.unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_sign_in_by_curl_alone() {
    let bench = Bench::new().await;
    let (device_code, user_code) = bench.device_code(GRAPH).await;
    let codes = call(&bench, "GET", "codes", Value::Null).await;
    assert_eq!(
        (&codes.json[0]["user_code"], &codes.json[0]["status"]),
        (&json!(user_code), &json!("pending"))
    );
    let approve = json!({"user_code": user_code, "user": ADA});
    assert_eq!(call(&bench, "POST", "approve", approve.clone()).await.status, 200);
    let again = call(&bench, "POST", "approve", approve).await;
    assert_eq!((again.status, again.field("problem")), (409, "This device code was decided before."));
    let tokens = bench.poll(&device_code).await;

    let requests = call(&bench, "GET", "requests?leg=poll", Value::Null).await;
    let poll = &requests.json[0];
    assert_eq!((&poll["status"], &poll["leg"]), (&json!(200), &json!("poll")));
    assert_eq!(poll["form"]["device_code"], digest(&device_code));
    assert!(!requests.text.contains(&device_code), "secrets stay out of the log");
    assert_eq!(call(&bench, "GET", "requests?leg=nonsense", Value::Null).await.status, 400);

    let revoked =
        call(&bench, "POST", "revoke", json!({"refresh_token": tokens.field("refresh_token")})).await;
    assert_eq!(revoked.json, json!({"revoked": 1}));
    assert_eq!(call(&bench, "POST", "revoke", json!({"user": ADA})).await.json, json!({"revoked": 0}));
    assert_eq!(call(&bench, "POST", "revoke", json!({"all": true})).await.json, json!({"revoked": 0}));
    assert_eq!(bench.refresh(tokens.field("refresh_token"), GRAPH).await.refusal().2, 50_173);

    let (declined, user_code) = bench.device_code(GRAPH).await;
    assert_eq!(call(&bench, "POST", "decline", json!({"user_code": user_code})).await.status, 200);
    assert_eq!(bench.poll(&declined).await.refusal().1, "authorization_declined");
}

#[tokio::test]
async fn faults_options_and_time_by_curl() {
    let bench = Bench::new().await;
    let fault = json!({"leg": "devicecode", "times": 2, "actions": [{"kind": "status", "status": 503}]});
    assert_eq!(call(&bench, "POST", "faults", fault.clone()).await.json[0]["times"], 2);
    assert_eq!(call(&bench, "POST", "faults", json!([fault])).await.json.as_array().map(Vec::len), Some(2));
    assert_eq!(bench.post("devicecode", &[("scope", GRAPH)]).await.status, 503);
    assert_eq!(call(&bench, "DELETE", "faults", Value::Null).await.status, 200);
    assert_eq!(call(&bench, "GET", "faults", Value::Null).await.json, json!([]));

    let changed = call(&bench, "POST", "options", json!({"interval": 1, "access_token_life": 60})).await;
    assert_eq!((&changed.json["interval"], &changed.json["device_code_life"]), (&json!(1), &json!(900)));
    let wrong = call(&bench, "POST", "options", json!({"intervall": 1})).await;
    assert!(wrong.status == 400 && wrong.field("problem").contains("intervall"));

    let (device_code, _) = bench.device_code(GRAPH).await;
    assert_eq!(
        call(&bench, "POST", "clock", json!({"advance": 901})).await.json["clock_offset_seconds"],
        901
    );
    assert_eq!(bench.poll(&device_code).await.refusal().1, "expired_token");
    let token = call(&bench, "POST", "refresh-token", json!({"user": ADA})).await;
    assert_eq!(bench.refresh(token.field("refresh_token"), GRAPH).await.json["expires_in"], 60);

    assert_eq!(call(&bench, "DELETE", "requests", Value::Null).await.status, 200);
    assert_eq!(call(&bench, "GET", "requests", Value::Null).await.json, json!([]));
    assert_eq!(call(&bench, "DELETE", "state", Value::Null).await.status, 200);
    let state = call(&bench, "GET", "state", Value::Null).await;
    assert_eq!(
        (&state.json["clock_offset_seconds"], &state.json["access_tokens_issued"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(call(&bench, "GET", "options", Value::Null).await.json["interval"], 5);
}

#[tokio::test]
async fn mistakes_are_told_and_pages_are_refused() {
    let bench = Bench::new().await;
    assert_eq!(call(&bench, "GET", "nonsense", Value::Null).await.status, 404);
    assert_eq!(call(&bench, "POST", "approve", json!({"user_code": "X"})).await.status, 400);
    let unknown =
        call(&bench, "POST", "approve", json!({"user_code": "X", "user": "nobody@example.com"})).await;
    assert_eq!(unknown.field("problem"), "There is no user 'nobody@example.com'.");
    let url = format!("{}/_sim/state", bench.sim.origin());
    let page = bench.http.get(url).header("origin", "http://evil.example").send().await.unwrap();
    assert_eq!(page.status(), 403);
    assert!(bench.sim.control().requests().is_empty(), "control requests are not logged");
}

#[tokio::test]
async fn waits_end_with_the_event_or_the_limit() {
    let bench = Bench::with(Options { wait_limit: Duration::from_millis(50), ..Options::default() }).await;
    let control = bench.sim.control();
    assert!(matches!(control.next_user_code().await, Err(ControlError::TimedOut { .. })));
    let (_, first) = bench.device_code(GRAPH).await;
    let (_, second) = bench.device_code(GRAPH).await;
    assert_eq!(control.next_user_code().await.unwrap(), first);
    assert_eq!(control.next_user_code().await.unwrap(), second);
    assert!(control.next_user_code().await.is_err());
    let (device_code, third) = bench.device_code(GRAPH).await;
    assert_eq!(control.approve_next(ADA).await.unwrap(), third);
    assert_eq!(bench.poll(&device_code).await.status, 200);
    let served = control.wait_for_requests(Leg::Devicecode, 2).await.unwrap();
    assert_eq!(served[1].scopes(), ["User.Read", "openid", "profile", "offline_access"]);
}

#[test]
fn without_tokio() {
    use std::io::{Read, Write};
    let sim = Sim::start_blocking(Options::default()).unwrap();
    let address = sim.origin().trim_start_matches("http://").to_owned();
    let control = sim.control().clone();
    let waiting = std::thread::spawn(move || control.approve_next_blocking(ADA).unwrap());
    let body = format!("client_id={}&scope=openid", entra_sim::DEFAULT_CLIENT);
    let mut socket = std::net::TcpStream::connect(&address).unwrap();
    write!(
        socket,
        "POST /common/oauth2/v2.0/devicecode HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(&waiting.join().unwrap()), "{answer}");
    sim.control().wait_for_requests_blocking(Leg::Devicecode, 1).unwrap();
    sim.control().wait_for_arrival_blocking(Leg::Devicecode, 1).unwrap();
    drop(sim);
    assert!(std::net::TcpStream::connect(&address).is_err(), "a dropped simulator is gone");
}

#[tokio::test]
async fn only_loopback() {
    let options = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
    assert!(matches!(Sim::start(options).await, Err(StartError::NotLoopback { .. })));
    let taken = Bench::new().await;
    let listen = taken.sim.origin().trim_start_matches("http://").parse().unwrap();
    let options = Options { listen, ..Options::default() };
    assert!(matches!(Sim::start_blocking(options), Err(StartError::Listen { .. })));
}
