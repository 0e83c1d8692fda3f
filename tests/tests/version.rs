//! Client and daemon of different versions: each answer says which daemon wrote it, the client says when
//! that is not its own version, and what a newer daemon refuses with is told in that daemon's own words.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{Read, Write};
use std::thread;

use entra_proto::limits::MAX_REQUEST_BODY;
use entra_proto::version::{HEADER, VERSION};
use entra_tests::{Env, Ran, programs, raw, run};
use serde_json::json;

#[test]
fn every_answer_names_the_daemons_version() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let id = raw::post(&env.socket(), "/v1/sign-ins", &json!({})).body["id"].as_str().unwrap().to_owned();
    let large = "x".repeat(MAX_REQUEST_BODY + 1);
    let origin = [("Origin", "null")];
    // The last stream ends because the sign-in has been cancelled by then.
    let asked: [(u16, Vec<u8>); 9] = [
        (200, raw::request("GET", "/v1/status", &[], "")),
        (400, raw::request("POST", "/v1/token", &[], "{")),
        (401, raw::request("POST", "/v1/token", &[], "{\"resource\":\"arm\"}")),
        (403, raw::request("GET", "/v1/status", &origin, "")),
        (404, raw::request("GET", "/v1/nothing", &[], "")),
        (405, raw::request("PUT", "/v1/token", &[], "")),
        (413, raw::request("POST", "/v1/token", &[], &large)),
        (200, raw::request("DELETE", &format!("/v1/sign-ins/{id}"), &[], "")),
        (200, raw::request("GET", &format!("/v1/sign-ins/{id}/events"), &[], "")),
    ];
    for (status, request) in asked {
        let answer = raw::exchange(&env.socket(), &request);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.head.contains(&format!("\r\n{HEADER}: {VERSION}\r\n")), "{answer:?}");
        assert!(answer.head.contains("\r\ncache-control: no-store\r\n"), "{answer:?}");
    }
    assert!(!env.entra(&["status"]).stderr.contains("version"), "equal versions are no news");
}

/// Runs the client against something that gives this one answer to whatever it is asked.
fn against(answer: &str, args: &[&str]) -> Ran {
    let env = Env::new(programs!());
    let listener = raw::Listener::new(&env);
    let socket = listener.socket().to_owned();
    let answer = answer.to_owned();
    let speaker = thread::spawn(move || {
        let mut stream = listener.accept();
        let mut request = Vec::new();
        let mut piece = [0; 1024];
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            match stream.read(&mut piece).unwrap() {
                0 => break,
                count => request.extend_from_slice(&piece[..count]),
            }
        }
        stream.write_all(answer.as_bytes()).unwrap();
    });
    let mut command = env.entra_command(args);
    let ran =
        run(std::mem::replace(command.env("ENTRAD_SOCKET", &socket), std::process::Command::new("true")));
    speaker.join().unwrap();
    ran
}

fn answer(status: u16, version: &str, body: &str) -> String {
    format!("HTTP/1.0 {status} X\r\n{HEADER}: {version}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn a_daemon_of_another_version_is_named_with_the_remedy() {
    let ran = against(&answer(200, "9.8.7", "{\"accounts\":[]}"), &["accounts"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    for words in [VERSION, "9.8.7", "restart entrad"] {
        assert!(ran.stderr.contains(words), "{words}: {ran:?}");
    }
    let foreign = against("HTTP/1.0 200 OK\r\nContent-Length: 15\r\n\r\n{\"accounts\":[]}", &["accounts"]);
    assert!(foreign.stderr.contains("something other than entrad"), "{foreign:?}");
}

#[test]
fn an_error_from_the_future_is_told_in_its_own_words() {
    let body = r#"{"code":"from_the_future","message":"The moon is full.","hint":"Wait.","phase":8}"#;
    for args in [&["token", "--for", "arm"][..], &["accounts"], &["status"]] {
        let ran = against(&answer(418, VERSION, body), args);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains("The moon is full.") && ran.stderr.contains("Wait."), "{ran:?}");
    }
}

#[test]
fn what_is_not_entrad_is_said_to_be_so() {
    for noise in
        ["SSH-2.0-OpenSSH_9.9\r\n\r\n", "HTTP/1.0 200 OK\r\n\r\n<html>", &answer(500, VERSION, "oops")]
    {
        let ran = against(noise, &["token", "--for", "arm"]);
        assert_eq!((ran.status, ran.stdout.as_str()), (1, ""), "{ran:?}");
        assert!(ran.stderr.contains("does not answer as entrad does"), "{ran:?}");
    }
    let ran = against("", &["token", "--for", "arm"]);
    assert_eq!(ran.status, 7, "{ran:?}");
}
