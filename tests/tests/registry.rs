//! A registry's own token, from docker's helper to the registry and back.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use entra_sim::Leg;
use entra_tests::{Env, programs, raw};
use serde_json::{Value, json};

/// The longest any wait of a test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// `{"iat":1497988712,"exp":1497999512}`: three hours.
const GRANTED: &str = "e30.eyJpYXQiOjE0OTc5ODg3MTIsImV4cCI6MTQ5Nzk5OTUxMn0.sig";

/// A registry that takes every token; ends with the test's process.
fn registry() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let (tell, heard) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let (mut request, mut piece) = (String::new(), [0; 16 * 1024]);
            while !request.contains("access_token=ey") {
                let count = stream.read(&mut piece).unwrap();
                assert!(count > 0, "a request ended early: {request}");
                request.push_str(std::str::from_utf8(&piece[..count]).unwrap());
            }
            let body = json!({ "refresh_token": GRANTED }).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
            tell.send(request).unwrap();
        }
    });
    (host, heard)
}

/// What docker is told about a registry.
fn docker_asks(mut helper: Command, registry: &str) -> (Option<i32>, String) {
    helper.env("ENTRA_LOOPBACK_HOSTS", registry).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut helper = helper.spawn().unwrap();
    helper.stdin.take().unwrap().write_all(registry.as_bytes()).unwrap();
    let output = helper.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn docker_signs_in_with_the_token_that_the_registry_gave_for_entra_s() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in();
    let (registry, heard) = registry();
    let get = || env.entra_command(&["helper", "docker-credential-entra", "get"]);
    for _ in 0..3 {
        let (status, text) = docker_asks(get(), &registry);
        assert_eq!(status, Some(0), "{text}");
        let credentials: Value = serde_json::from_str(&text).unwrap();
        let nobody = "00000000-0000-0000-0000-000000000000";
        assert_eq!(credentials, json!({ "ServerURL": registry, "Username": nobody, "Secret": GRANTED }));
    }
    let request = heard.recv_timeout(PATIENCE).unwrap();
    assert!(request.starts_with("POST /oauth2/exchange HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("grant_type=access_token&service=127.0.0.1%3A"), "{request}");
    assert!(heard.try_recv().is_err(), "one pull is one exchange");
    let refreshes = env.sim().control().requests_on(Leg::Refresh);
    assert_eq!(refreshes.len(), 1);
    assert!(refreshes[0].scopes().contains(&"https://containerregistry.azure.net/.default"));
}

#[test]
fn who_signed_out_has_no_registry_s_token_either() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in();
    let (registry, _heard) = registry();
    let ask = || raw::post(&env.socket(), "/v1/registry-token", &json!({ "registry": registry }));
    let answer = ask();
    assert_eq!((answer.status, &answer.body["refresh_token"]), (200, &json!(GRANTED)));
    assert!(answer.body["expires_on"].is_u64());
    assert_eq!(env.entra(&["logout"]).status, 0);
    assert_eq!((ask().status, &ask().body["code"]), (401, &json!("sign_in_needed")));
}
