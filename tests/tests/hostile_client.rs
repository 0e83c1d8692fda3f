//! Callers without manners: each limit of `limits.rs` that the daemon enforces is exceeded, each guard is
//! tried, and after all of it an honest caller is served as before and the daemon has not grown.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::limits::{
    BODY_TIMEOUT, HEAD_TIMEOUT, MAX_CLAIMS, MAX_CONNECTIONS, MAX_HEAD, MAX_REQUEST_BODY, MAX_SCOPES,
    TAKE_TIMEOUT,
};
use entra_sim::Leg;
use entra_tests::loopback::Lease;
use entra_tests::{Daemon, Env, programs, raw, system};
use serde_json::{Value, json};

fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    (env, daemon)
}

/// Sends bytes as they are and says what came: the status and the error's code.
fn sent(env: &Env, bytes: &[u8]) -> (u16, Value) {
    let answer = raw::exchange(&env.socket(), bytes);
    (answer.status, answer.body["code"].clone())
}

fn is_served(env: &Env) {
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
}

/// A head of HTTP/1.1 that closes after its answer, and the rest.
fn http11(method: &str, path: &str, rest: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n{rest}").into_bytes()
}

#[test]
fn browsers_and_strangers_are_refused() {
    let (env, _daemon) = signed_in();
    let ask = |headers: &[(&str, &str)]| sent(&env, &raw::request("GET", "/v1/status", headers, ""));
    let refused = (403, json!("refused"));
    for origin in ["https://evil.example", "null", "http://localhost"] {
        assert_eq!(ask(&[("Origin", origin)]), refused, "{origin}");
    }
    assert_eq!(ask(&[("Referer", "https://evil.example/")]), refused);
    let host = |line: &str| sent(&env, &http11("GET", "/v1/status", &format!("{line}\r\n\r\n")));
    for foreign in ["evil.example", "localhost.evil.example", "127.0.0.1", "localhost:80", "entrad.evil"] {
        assert_eq!(host(&format!("Host: {foreign}")), refused, "{foreign}");
    }
    assert_eq!(host("Host: entrad\r\nHost: evil.example"), (400, json!("bad_request")));
    assert_eq!(host("X-None: 1"), (400, json!("bad_request")), "no Host at all");
    let absolute = http11("GET", "http://evil.example/v1/status", "Host: entrad\r\n\r\n");
    assert_eq!(sent(&env, &absolute), refused);
    assert_eq!(host("Host: localhost").0, 200);
    // A page that posts a form cannot say application/json without asking first, which it is refused.
    let form =
        "Host: entrad\r\nContent-Type: text/plain\r\nContent-Length: 20\r\n\r\n{\"resource\":\"graph\"}";
    assert_eq!(sent(&env, &http11("POST", "/v1/token", form)), (400, json!("bad_request")));
    let preflight = http11("OPTIONS", "/v1/token", "Host: entrad\r\nOrigin: https://evil.example\r\n\r\n");
    assert_eq!(sent(&env, &preflight), refused);
    is_served(&env);
}

#[test]
fn what_does_not_parse_is_refused_with_its_reason() {
    let (env, _daemon) = signed_in();
    let post = |body: &str| sent(&env, &raw::request("POST", "/v1/token", &[], body));
    let bad = (400, json!("bad_request"));
    let deep = format!("{}{}", "[".repeat(4_000), "]".repeat(4_000));
    let claims = json!({"resource": "arm", "claims": format!("{{\"a\":{deep}}}")}).to_string();
    let scopes: Vec<_> = (0..=MAX_SCOPES).map(|n| format!("api://x/{n}")).collect();
    let many = json!({ "scopes": scopes }).to_string();
    let long = json!({"resource": "arm", "account": "x".repeat(513)}).to_string();
    let challenge = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_CLAIMS));
    let challenge = json!({"resource": "arm", "claims": challenge}).to_string();
    let late = json!({"resource": "arm", "min_validity": 90_000}).to_string();
    for body in [
        "{",
        "[]",
        "[[\"api://x/y\"]]",
        "null",
        "\"x\"",
        "{}",
        "{\"resource\":1}",
        "{\"resource\":\"arm\",\"x\":1}",
        "{\"resource\":\"\"}",
        "{\"resource\":\"arm\"}{}",
        "{\"resource\":\"arm\",\"resource\":\"arm\"}",
        "{\"scopes\":[]}",
        "{\"scopes\":[\"a b\"]}",
        "{\"scopes\":[\"a\"],\"resource\":\"b\"}",
        "{\"resource\":\"nothing\"}",
        "{\"resource\":\"arm\",\"min_validity\":-1}",
        &deep,
        &claims,
        &many,
        &long,
        &challenge,
        &late,
    ] {
        assert_eq!(post(body), bad, "{}", &body[..body.len().min(80)]);
    }
    let long = json!({"account": "x".repeat(513)}).to_string();
    assert_eq!(sent(&env, &raw::request("POST", "/v1/sign-ins", &[], &long)), bad);
    let mut invalid = raw::request("POST", "/v1/token", &[], "{\"resource\":\"xx\"}");
    let at = invalid.len() - 3;
    invalid[at] = 0xff;
    assert_eq!(sent(&env, &invalid), bad, "not UTF-8");
    let answer = raw::post(&env.socket(), "/v1/token", &json!({"resource": "arm", "x": "secret-word"}));
    let sentence = answer.body["message"].as_str().unwrap();
    assert!(sentence.contains("unknown field `x`") && !sentence.contains("secret-word"), "{sentence}");

    let ask = |method: &str, path: &str| sent(&env, &raw::request(method, path, &[], ""));
    let (not_found, no_method) = ((404, json!("not_found")), (405, json!("method_not_allowed")));
    for path in ["/", "/v1", "/v1/tokens", "/v2/token", "/v1/token/", "/v1/../v1/status", "//v1/status", "*"]
    {
        assert_ne!(ask("GET", path).0, 200, "{path}");
    }
    assert_eq!(ask("GET", "/v1/nothing"), not_found);
    assert_eq!(ask("GET", "/v1/sign-ins/11111111-2222-3333-4444-555555555555/events"), not_found);
    assert_eq!(ask("DELETE", "/v1/sign-ins/x"), not_found);
    assert_eq!(ask("DELETE", "/v1/accounts/x"), not_found);
    assert_eq!(ask("DELETE", "/v1/accounts/x?all=1"), bad);
    for (method, path) in
        [("GET", "/v1/token"), ("POST", "/v1/status"), ("PUT", "/v1/token"), ("TRACE", "/v1/status")]
    {
        assert_eq!(ask(method, path), no_method, "{method} {path}");
    }
    assert!(env.sim().control().requests_on(Leg::Refresh).is_empty(), "nothing was sent to Entra");
    is_served(&env);
}

#[test]
fn sizes_are_bounded() {
    let (env, _daemon) = signed_in();
    let too_large = (413, json!("too_large"));
    let announced = format!(
        "POST /v1/token HTTP/1.1\r\nHost: entrad\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        MAX_REQUEST_BODY + 1
    );
    assert_eq!(sent(&env, announced.as_bytes()), too_large, "by its announcement, without its body");
    let huge = announced.replace(&(MAX_REQUEST_BODY + 1).to_string(), "99999999999999999999999999");
    assert_ne!(sent(&env, huge.as_bytes()).0, 200);
    let padded = json!({"resource": "graph", "account": "x".repeat(MAX_REQUEST_BODY)}).to_string();
    assert_eq!(sent(&env, &raw::request("POST", "/v1/token", &[], &padded)), too_large);
    let mut chunked = announced
        .replace(&format!("Content-Length: {}", MAX_REQUEST_BODY + 1), "Transfer-Encoding: chunked")
        .into_bytes();
    for _ in 0..=MAX_REQUEST_BODY / 4096 {
        chunked.extend_from_slice(b"1000\r\n");
        chunked.extend_from_slice(&[b' '; 4096]);
        chunked.extend_from_slice(b"\r\n");
    }
    assert_eq!(sent(&env, &chunked), too_large, "by its chunks");
    let mut fits = json!({"resource": "graph"}).to_string();
    fits.push_str(&" ".repeat(MAX_REQUEST_BODY - fits.len()));
    assert_eq!(sent(&env, &raw::request("POST", "/v1/token", &[], &fits)).0, 200, "the limit itself fits");

    let pad = "x".repeat(MAX_HEAD);
    let status = |bytes: Vec<u8>| sent(&env, &bytes).0;
    let long_header = status(raw::request("GET", "/v1/status", &[("X-Pad", &pad)], ""));
    assert!(matches!(long_header, 431 | 0), "{long_header}");
    let long_path = status(raw::request("GET", &format!("/v1/{pad}"), &[], ""));
    assert!(matches!(long_path, 414 | 431 | 0), "{long_path}");
    let many: String = (0..500).map(|n| format!("X-{n}: y\r\n")).collect();
    let many = status(http11("GET", "/v1/status", &format!("Host: entrad\r\n{many}\r\n")));
    assert!(matches!(many, 431 | 0), "{many}");
    is_served(&env);
}

#[test]
fn slow_and_broken_callers_are_cut_off() {
    let (env, _daemon) = signed_in();
    let limit = HEAD_TIMEOUT.max(BODY_TIMEOUT) + Duration::from_secs(5);
    let post = "POST /v1/token HTTP/1.0\r\nHost: entrad\r\nContent-Type: application/json\r\n";
    let half_body = format!("{post}Content-Length: 100\r\n\r\n{{\"resource\"");
    let half_chunk = format!("{}Transfer-Encoding: chunked\r\n\r\n5\r\n{{", post.replace("1.0", "1.1"));
    let begun = ["", "GET /v1/sta", "GET /v1/status HTTP/1.0\r\nHost: ent", &half_body, &half_chunk];
    // Bytes that are no HTTP, or another one.
    let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let noise: Vec<u8> = (0..20_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let foreign =
        [&tls[..], &noise, &preface[..], b"\r\n\r\n\r\n", b"GET /v1/status\r\n\r\n", b"\0\0\0\0\r\n\r\n"];
    thread::scope(|scope| {
        for bytes in foreign {
            let env = &env;
            scope.spawn(move || {
                let status = sent(env, bytes).0;
                assert!(status == 0 || (400..600).contains(&status), "{status}");
            });
        }
        let callers = begun.map(|bytes| {
            let env = &env;
            scope.spawn(move || {
                let mut stream = raw::connect(&env.socket());
                stream.write_all(bytes.as_bytes()).unwrap();
                let started = Instant::now();
                let answer = raw::read_answer(&mut stream);
                (bytes, answer, started.elapsed())
            })
        });
        // One byte a second never completes a head in time either.
        let trickle = scope.spawn(|| {
            let mut stream = raw::connect(&env.socket());
            let started = Instant::now();
            for byte in "GET /v1/status HTTP/1.0\r\nHost: entrad\r\n\r\n".bytes() {
                if stream.write_all(&[byte]).is_err() {
                    break;
                }
                thread::sleep(Duration::from_secs(1));
            }
            started.elapsed()
        });
        is_served(&env);
        for caller in callers {
            let (bytes, answer, took) = caller.join().unwrap();
            assert!(took < limit, "{bytes}: {took:?}");
            assert!(matches!(answer.status, 0 | 408 | 504), "{bytes}: {answer:?}");
            let is_body = bytes.starts_with("POST");
            assert_eq!(answer.body["code"] == "timed_out", is_body, "{bytes}: {answer:?}");
        }
        assert!(trickle.join().unwrap() < limit);
    });
    // Hanging up in the middle.
    for bytes in [&b""[..], b"G", half_body.as_bytes(), half_chunk.as_bytes()] {
        raw::connect(&env.socket()).write_all(bytes).unwrap();
    }
    is_served(&env);
}

#[test]
fn a_caller_that_never_reads_is_cut_off() {
    let (env, _daemon) = signed_in();
    let port = Lease::make(&env.socket(), "one", &["foundry"]).port;
    let limit = TAKE_TIMEOUT + Duration::from_secs(5);
    thread::scope(|scope| {
        // Of a pipe Windows keeps the write under way until its caller reads or ends; its place is free before.
        let of_socket = cfg!(unix)
            .then(|| scope.spawn(|| asks_and_never_reads(&mut raw::connect(&env.socket()), "entrad")));
        let of_port = scope.spawn(|| {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            stream.set_write_timeout(Some(limit)).unwrap();
            asks_and_never_reads(&mut stream, &format!("127.0.0.1:{port}"))
        });
        for took in of_socket.into_iter().chain([of_port]) {
            let took = took.join().unwrap();
            assert!(took < limit, "{took:?}");
        }
    });
    is_served(&env);
}

/// Writes requests until the daemon takes no more and hangs up; how long the last of them was under way. How long it takes to fill
/// what lies in between says nothing of the daemon.
fn asks_and_never_reads(stream: &mut impl Write, host: &str) -> Duration {
    let requests = format!("GET /v1/accounts HTTP/1.1\r\nHost: {host}\r\n\r\n").repeat(64);
    loop {
        let started = Instant::now();
        if stream.write_all(requests.as_bytes()).is_err() {
            return started.elapsed();
        }
    }
}

#[test]
fn pipelined_requests_are_each_answered() {
    let (env, _daemon) = signed_in();
    let one = "GET /v1/accounts HTTP/1.1\r\nHost: entrad\r\n\r\n";
    let last = "GET /v1/accounts HTTP/1.1\r\nHost: entrad\r\nConnection: close\r\n\r\n";
    let mut stream = raw::connect(&env.socket());
    stream.write_all(format!("{}{last}", one.repeat(20)).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 21);
    // What is smuggled behind a body is a request of its own, and is guarded as one.
    let smuggled = "POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\nContent-Length: 20\r\n\r\n{\"resource\":\"graph\"}GET /v1/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let mut stream = raw::connect(&env.socket());
    stream.write_all(smuggled.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!((text.matches(" 200 OK").count(), text.matches(" 403 Forbidden").count()), (1, 1), "{text}");
    let both = "POST /v1/token HTTP/1.1\r\nHost: entrad\r\nContent-Type: application/json\r\nContent-Length: 20\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /v1/status HTTP/1.1\r\nHost: entrad\r\n\r\n";
    assert_ne!(sent(&env, both.as_bytes()).0, 200, "two lengths");
}

#[test]
fn a_crowd_does_not_starve_an_honest_caller() {
    let _room = system::room_for(ROOM);
    let (env, daemon) = signed_in();
    let before = system::resident(daemon.pid());
    let started = raw::post(&env.socket(), "/v1/sign-ins", &json!({})).body;
    let events =
        raw::request("GET", &format!("/v1/sign-ins/{}/events", started["id"].as_str().unwrap()), &[], "");
    let mut crowd: Vec<raw::Connection> = (0..1_000).map(|_| raw::connect(&env.socket())).collect();
    for stream in &mut crowd[..500] {
        stream.write_all(b"GET /v1/status HTTP/1.1\r\nHost: ").unwrap();
    }
    let deaf: Vec<raw::Connection> = (0..64)
        .map(|_| {
            let mut stream = raw::connect(&env.socket());
            stream.write_all(&events).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        let asked = Instant::now();
        let answer = raw::post(&env.socket(), "/v1/token", &json!({"resource": "graph"}));
        assert_eq!(answer.status, 200);
        assert!(asked.elapsed() < AT_ONCE, "{:?}", asked.elapsed());
    }
    is_served(&env);
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh");
    let grown = system::resident(daemon.pid()).saturating_sub(before);
    assert!(grown < 64 * 1024, "{grown} KiB for {} connections", crowd.len() + deaf.len());
    drop((crowd, deaf));
    let control = env.sim().control();
    control.approve(&control.next_user_code_blocking().unwrap(), entra_tests::PERSON).unwrap();
    let _ended = env.status_where(|status| status["open_sign_ins"] == 0);
    assert_eq!(daemon.stop(), 0);
}

#[test]
fn where_all_places_are_taken_the_longest_silent_one_makes_room() {
    let room = system::room_for(ROOM);
    if room < MAX_CONNECTIONS as u64 + 512 {
        eprintln!("SKIPPED: {room} descriptors are too few for {MAX_CONNECTIONS} connections");
        return;
    }
    let (env, daemon) = signed_in();
    let before = system::resident(daemon.pid());
    let mut crowd: Vec<raw::Connection> = (0..MAX_CONNECTIONS).map(|_| raw::connect(&env.socket())).collect();
    assert_eq!(raw::get(&env.socket(), "/v1/accounts").status, 200, "nobody waits for a silent one");
    let mut first = crowd.swap_remove(0);
    first.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "it has made room");
    is_served(&env);
    let grown = system::resident(daemon.pid()).saturating_sub(before);
    assert!(grown < 128 * 1024, "{grown} KiB for those who say nothing");
    drop(crowd);
    is_served(&env);
    assert_eq!(daemon.stop(), 0);
}

/// Elsewhere freed memory stays with the process, for its next crowd.
#[cfg(target_os = "linux")]
#[test]
fn what_a_crowd_took_is_given_back() {
    let _room = system::room_for(ROOM);
    let (env, daemon) = signed_in();
    let resident = || system::resident(daemon.pid());
    let before = resident();
    let half = format!("GET /v1/status HTTP/1.1\r\nHost: entrad\r\nX-Half: {}", "x".repeat(MAX_HEAD / 2));
    let crowd: Vec<raw::Connection> = (0..2_000)
        .map(|_| {
            let mut stream = raw::connect(&env.socket());
            stream.write_all(half.as_bytes()).unwrap();
            stream
        })
        .collect();
    let (mut most, mut deadline) = (before, Instant::now() + Duration::from_secs(60));
    // Half of what it sent, so that a daemon that keeps none of it until a head is whole would be noticed here.
    while most < before + 2_000 * MAX_HEAD as u64 / 4 / 1024 {
        assert!(
            Instant::now() < deadline,
            "{before} KiB and {most} KiB: the crowd took nothing that could be given back"
        );
        thread::sleep(Duration::from_millis(20));
        most = most.max(resident());
    }
    is_served(&env);
    drop(crowd);
    deadline = Instant::now() + Duration::from_secs(60);
    // The one that asks is open too.
    let is_alone =
        || env.entra(&["metrics"]).stdout.contains("\nentrad_connections{listener=\"socket\"} 1\n");
    while !is_alone() || resident() > before + (most - before) / 3 {
        assert!(
            Instant::now() < deadline,
            "{} KiB of {before} to {most}: {}",
            resident(),
            env.entra(&["metrics"]).stdout
        );
        thread::sleep(Duration::from_millis(20));
    }
    is_served(&env);
    assert_eq!(daemon.stop(), 0);
}

/// A daemon with room for about 300 callers, of which one process asks for streams without an end.
#[cfg(target_os = "linux")]
#[test]
fn a_process_that_has_all_places_gives_one_up_for_another_process() {
    let env = Env::new(programs!());
    let bare = env.bare_daemon_command();
    let mut command = std::process::Command::new("prlimit");
    command.arg("--nofile=600:600").arg(bare.get_program()).env_clear();
    command.envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args([&format!("--authority={}", env.sim().origin()), "--store=memory"]);
    command.arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT));
    let daemon = env.launch(command);
    env.sign_in();
    let events = raw::request("GET", "/v1/prompts/events", &[], "");
    let readers: Vec<raw::Connection> = (0..500)
        .filter_map(|_| {
            let mut stream = raw::connect(&env.socket());
            // Where all places are its own, a further one is sent away.
            stream.write_all(&events).ok().map(|()| stream)
        })
        .collect();
    for resource in ["graph", "arm", "keyvault"] {
        assert!(env.token(&["--for", resource])["access_token"].is_string(), "{resource}");
    }
    env.sign_in();
    assert!(!env.log().contains("no connection could be accepted"), "{}", env.log());
    drop(readers);
    is_served(&env);
    assert_eq!(daemon.stop(), 0);
}

/// What a crowd needs.
const ROOM: u64 = 16_384;

/// Less than the crowd is waited for, also on a machine that is held up; how long it is elsewhere the benchmark says (`hostile`).
const AT_ONCE: Duration = Duration::from_secs(5);
