//! What a lease lets a tool do over loopback, and what it does not: through the real daemon, against the simulator.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use entra_sim::{Fault, Leg};
use entra_tests::loopback::{Answer, Lease, ask, exchange, get};
use entra_tests::{Daemon, Env, programs, raw};
use rstest::rstest;
use serde_json::{Value, json};

fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    (env, daemon)
}

/// The one form in which every SDK takes a refusal, with these words in its sentence.
fn is_refused(answer: &Answer, words: &str) {
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
    let body = &answer.body;
    let sentence = body["message"].as_str().unwrap();
    assert!(sentence.starts_with("entrad: ") && sentence.contains(words), "{sentence}");
    assert_eq!(body["error_description"], body["message"]);
    assert_eq!(body["statusCode"], 403);
    assert!(body["error"].is_string() && body["correlationId"].as_str().unwrap().len() == 36, "{body}");
    assert!(!sentence.contains("unreachable"), "JavaScript's SDK takes that word for a network fault");
}

fn strangers(env: &Env) -> Value {
    raw::get(&env.socket(), "/v1/leases").body["strangers"].clone()
}

#[test]
fn a_token_comes_in_the_form_that_the_strictest_readers_take() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    let answer = lease.identity("https%3A%2F%2Fai.azure.com");
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = env.token(&["--for", "foundry"]);
    let expires_on = token["expires_on"].as_u64().unwrap();
    let left: u64 = answer.body["expires_in"].as_str().unwrap().parse().unwrap();
    assert!(left > 900 && left <= 5_400, "{left}");
    // The order counts: .NET takes the last of the two times.
    let expected = format!(
        r#"{{"access_token":{},"expires_in":"{left}","expires_on":"{expires_on}","resource":"https://ai.azure.com","token_type":"Bearer","client_id":{}}}"#,
        token["access_token"], token["account"]
    );
    assert_eq!(answer.text, expected);
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
}

#[rstest]
#[case("https://ai.azure.com")]
#[case("https%3a%2f%2fai.azure.com%2f")]
#[case("https://ai.azure.com&client_id=80faf920-1908-4b52-b5ef-a8e7bedfc67a")]
#[case("https://ai.azure.com&client_id=x&mi_res_id=/subscriptions/y&object_id=z")]
#[case("499b84ac-1321-427f-aa17-267ca6975798")]
fn what_clients_write_is_understood(#[case] resource: &str) {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry", "devops"]);
    let answer = lease.identity(resource);
    assert_eq!(answer.status, 200, "{answer:?}");
    let old = format!("/msi/token?api-version=2017-09-01&resource={resource}");
    assert_eq!(get(lease.port, &old, &[("secret", &lease.secret)]).status, 200);
    let form = ask(lease.port, "POST", &old, &[("x-identity-header", &lease.secret)], "");
    assert_eq!(form.status, 200, "{form:?}");
}

#[test]
fn a_lease_gives_what_it_is_for_and_nothing_else() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "claude-code", &["foundry", "cognitive"]);
    assert_eq!(lease.identity("https://cognitiveservices.azure.com").status, 200);
    is_refused(&lease.identity("https://management.azure.com/"), "The lease `claude-code` is not for");
    is_refused(&lease.identity("https://ai.azure.com.evil.example"), "is not for");
    is_refused(&lease.identity("https://graph.microsoft.com/User.Read"), "is not for");
    is_refused(&lease.identity(""), "names no `resource`");
    let narrow = |resource: &str| {
        raw::post(&env.socket(), "/v1/token", &json!({"resource": resource, "lease": lease.secret}))
    };
    assert_eq!(narrow("foundry").status, 200);
    assert_eq!((narrow("arm").status, narrow("arm").body["code"].clone()), (403, json!("refused")));
    let asked = env.sim().control().requests_on(Leg::Refresh);
    assert!(!asked.iter().any(|request| format!("{request:?}").contains("management")), "{asked:?}");
    let listed = raw::get(&env.socket(), "/v1/leases").body;
    assert_eq!(
        (&listed["leases"][0]["name"], &listed["leases"][0]["uses"]),
        (&json!("claude-code"), &json!(8))
    );
    assert!(listed["leases"][0]["used_on"].as_u64().is_some_and(|on| on > 1_700_000_000), "{listed}");
    assert!(!listed.to_string().contains(&lease.secret));
}

#[test]
fn a_revoked_lease_is_refused_at_once_and_so_is_one_that_is_over() {
    let (env, _daemon) = signed_in();
    let revoked = Lease::make(&env.socket(), "one", &["foundry"]);
    assert_eq!(revoked.identity("https://ai.azure.com").status, 200);
    let path = format!("/v1/leases/{}", revoked.id);
    let done = raw::exchange(&env.socket(), &raw::request("DELETE", &path, &[], ""));
    assert_eq!((done.status, &done.body["leases"]), (200, &json!([])));
    is_refused(&revoked.identity("https://ai.azure.com"), "revoked");
    let again = raw::exchange(&env.socket(), &raw::request("DELETE", &path, &[], ""));
    assert_eq!((again.status, &again.body["code"]), (404, &json!("not_found")));
    let request = json!({"name": "two", "resources": ["foundry"], "expires_in": 0});
    let over = Lease::of(&env.socket(), &request);
    is_refused(&over.identity("https://ai.azure.com"), "is over");
}

#[rstest]
#[case(json!({"name": "", "resources": ["arm"]}), "name")]
#[case(json!({"name": "a", "resources": []}), "between 1 and 64")]
#[case(json!({"name": "a", "resources": ["arm"], "process": 0}), "process 0")]
#[case(json!({"name": "a", "resources": ["arm"], "account": "nobody@example.com"}), "not signed in")]
#[case(json!({"name": "a", "resources": ["arm"], "more": 1}), "more")]
fn a_lease_that_makes_no_sense_is_not_made(#[case] request: Value, #[case] words: &str) {
    let (env, _daemon) = signed_in();
    let answer = raw::post(&env.socket(), "/v1/leases", &request);
    assert!(answer.status >= 400 && answer.body["message"].as_str().unwrap().contains(words), "{answer:?}");
    assert_eq!(raw::get(&env.socket(), "/v1/leases").body["leases"], json!([]));
}

#[test]
fn a_lease_speaks_for_its_account_alone() {
    let (env, _daemon) = signed_in();
    let ada = env.token(&["--for", "graph"])["account"].clone();
    env.sign_in_as("bob@example.com", &[]);
    let both = Lease::make(&env.socket(), "unnamed", &["foundry"]);
    is_refused(&both.identity("https://ai.azure.com"), "Several accounts");
    let request = json!({"name": "ada", "resources": ["foundry"], "account": "ADA@example.com"});
    let lease = Lease::of(&env.socket(), &request);
    assert_eq!(lease.identity("https://ai.azure.com").body["client_id"], ada);
    let asked = json!({"resource": "foundry", "account": "bob@example.com", "lease": lease.secret});
    assert_eq!(raw::post(&env.socket(), "/v1/token", &asked).body["code"], "refused");
}

#[test]
fn nobody_without_a_secret_gets_anything_and_nobody_is_told_to_try_again() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    let (port, path) = (lease.port, "/msi/token?api-version=2019-08-01&resource=https://ai.azure.com");
    let mine: (&str, &str) = ("X-IDENTITY-HEADER", &lease.secret);
    is_refused(&get(port, path, &[]), "no lease's");
    is_refused(&get(port, path, &[("X-IDENTITY-HEADER", "wrong")]), "no lease's");
    is_refused(&get(port, path, &[mine, ("Origin", "https://evil.example")]), "browser");
    is_refused(&get(port, path, &[mine, ("Referer", "http://127.0.0.1/")]), "browser");
    is_refused(&ask(port, "OPTIONS", path, &[mine], ""), "browser");
    is_refused(&ask(port, "DELETE", path, &[mine], ""), "no such endpoint");
    is_refused(&get(port, "/", &[mine]), "no such endpoint");
    is_refused(&get(port, "/v1/status", &[mine]), "no such endpoint");
    is_refused(&get(port, "/v1/leases", &[mine]), "no such endpoint");
    for host in ["evil.example".to_owned(), format!("evil.example:{port}"), "127.0.0.1".to_owned()] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-IDENTITY-HEADER: {}\r\nConnection: close\r\n\r\n",
            lease.secret
        );
        is_refused(&exchange(port, &request), "Host");
    }
    let in_path = format!("/lease/{}/msi/token?resource=https://ai.azure.com", lease.secret);
    is_refused(&get(port, &in_path, &[]), "may not stand in a path");
    let other: Vec<_> = (2..=9).map(|last| Ipv4Addr::new(127, 0, 0, last)).collect();
    assert!(other.iter().all(|address| TcpStream::connect((*address, port)).is_err()), "one address alone");
}

#[test]
fn a_secret_in_the_path_serves_clients_without_headers_where_that_was_asked_for() {
    let (env, _daemon) = signed_in();
    let request = json!({"name": "terraform", "resources": ["arm"], "in_path": true});
    let lease = Lease::of(&env.socket(), &request);
    let endpoint = lease.grant["path_endpoint"].as_str().unwrap();
    let path = endpoint.strip_prefix(&format!("http://127.0.0.1:{}", lease.port)).unwrap();
    let query = format!("{path}?api-version=2018-02-01&resource=https://management.azure.com/");
    let answer = get(lease.port, &query, &[("Metadata", "true")]);
    assert_eq!(answer.status, 200, "{answer:?}");
    // All that Terraform reads.
    assert!(answer.body["expires_in"].as_str().unwrap().parse::<u64>().unwrap() > 900, "{}", answer.body);
    assert!(!env.log().contains(&lease.secret), "paths are not logged");
    is_refused(&get(lease.port, &query.replace("entra_lease_", "entra_lease_0"), &[]), "no lease's");
}

#[test]
fn azd_is_always_answered_well_and_told_in_the_body() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "azd", &["arm"]);
    let scopes = json!({"scopes": ["https://management.azure.com//.default"]});
    let answer = lease.azd(&scopes);
    assert_eq!((answer.status, &answer.body["status"]), (200, &json!("success")), "{answer:?}");
    let expires_on = answer.body["expiresOn"].as_str().unwrap();
    // Go's, Python's and Java's readers take this form alone.
    assert!(expires_on.len() == 20 && expires_on.ends_with('Z') && expires_on.contains('T'), "{expires_on}");
    assert!(answer.body["token"].as_str().unwrap().starts_with("ey"));
    let told = |answer: &Answer, code: &str, words: &str| {
        assert_eq!((answer.status, &answer.body["status"]), (200, &json!("error")), "{answer:?}");
        assert_eq!(answer.body["code"], code);
        assert!(answer.body["message"].as_str().unwrap().contains(words), "{answer:?}");
    };
    told(&lease.azd(&json!({"scopes": ["https://vault.azure.net/.default"]})), "GetTokenError", "not for");
    told(&lease.azd(&json!({"scopes": []})), "GetTokenError", "entrad: ");
    told(&lease.azd(&json!({"scopes": "x"})), "GetTokenError", "does not parse");
    told(&ask(lease.port, "POST", "/azd/token", &[], "{}"), "GetTokenError", "no lease's");
    assert_eq!(env.entra(&["logout"]).status, 0);
    told(&lease.azd(&scopes), "NotSignedInError", "entra login");
}

#[test]
fn the_signed_out_are_told_what_to_do_at_once() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    let begun = Instant::now();
    let answer = lease.identity("https://ai.azure.com");
    is_refused(&answer, "entra login");
    assert_eq!(answer.body["error"], "interaction_required");
    // A second on a machine that nothing else holds up: tests/real/sdks and the benchmarks look at that.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn a_tool_does_not_wait_for_a_slow_entra() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_secs(6)));
    let begun = Instant::now();
    is_refused(&lease.identity_once("https://ai.azure.com"), "has not answered yet");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // The request went on, and whoever may wait gets its token.
    assert_eq!(env.token(&["--for", "foundry"])["source"], "refresh");
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
    assert_eq!(env.sim().control().requests_on(Leg::Refresh).len(), 1);
}

#[test]
fn port_and_secret_survive_a_restart() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    let before = lease.identity("https://ai.azure.com").body["access_token"].clone();
    assert_eq!(daemon.stop(), 0);
    assert!(TcpStream::connect(("127.0.0.1", lease.port)).is_err());
    let daemon = env.start();
    let after = lease.identity("https://ai.azure.com");
    assert!(after.status == 200 && after.body["access_token"] != before, "{after:?}");
    let kept = env.files().into_iter().any(|(_, bytes)| {
        let half = lease.secret.as_bytes();
        bytes.windows(40).any(|window| window == &half[half.len() - 40..])
    });
    assert!(!kept, "no secret of a lease is on disk");
    daemon.kill();
    let _daemon = env.start();
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
}

#[test]
fn a_port_that_another_program_took_is_told_of_and_taken_back() {
    let env = Env::new(programs!());
    let daemon = env.start();
    env.sign_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    assert_eq!(daemon.stop(), 0);
    let squatter = TcpListener::bind(("127.0.0.1", lease.port)).unwrap();
    let _daemon = env.start();
    let status = raw::get(&env.socket(), "/v1/status").body;
    let fault = status["loopback"]["fault"].as_str().unwrap();
    assert!(fault.contains(&lease.port.to_string()) && fault.contains("another program"), "{fault}");
    let refused = raw::post(&env.socket(), "/v1/leases", &json!({"name": "two", "resources": ["arm"]}));
    assert_eq!(refused.body["code"], "misconfigured", "{refused:?}");
    assert_eq!(env.token(&["--for", "arm"])["token_type"], "Bearer", "the socket serves as ever");
    drop(squatter);
    let _open = env.status_where(|status| status["loopback"]["fault"].is_null());
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
}

#[test]
fn who_has_no_lease_offers_no_port_and_who_wants_none_gets_none() {
    let env = Env::new(programs!());
    let daemon = env.start_with(&["--loopback", "off"]);
    let refused = raw::post(&env.socket(), "/v1/leases", &json!({"name": "one", "resources": ["arm"]}));
    assert_eq!((refused.status, &refused.body["code"]), (403, &json!("refused")));
    assert_eq!(daemon.stop(), 0);
    let daemon = env.start();
    assert_eq!(raw::get(&env.socket(), "/v1/status").body["loopback"], Value::Null);
    assert!(!env.state_dir().join("loopback-port").exists());
    assert_eq!(daemon.stop(), 0);
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let _daemon = env.start_with(&["--loopback", &free.to_string()]);
    assert_eq!(raw::get(&env.socket(), "/v1/status").body["loopback"]["port"], free);
    assert_eq!(get(free, "/", &[]).status, 403);
}

#[test]
fn ten_thousand_wrong_secrets_change_nothing_but_a_counter_and_the_log() {
    let (env, _daemon) = signed_in();
    let lease = Lease::make(&env.socket(), "one", &["foundry"]);
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
    let asked = env.sim().control().requests().len();
    let (before, listed) = (env.log().lines().count(), raw::get(&env.socket(), "/v1/leases").body);
    for batch in 0..20 {
        let mut stream = TcpStream::connect(("127.0.0.1", lease.port)).unwrap();
        let mut requests = String::new();
        for number in 0..500 {
            // As near as a guess can come: the right id, and all but a few digits.
            let guess = &lease.secret[..lease.secret.len() - 6];
            let close = if number == 499 { "Connection: close\r\n" } else { "" };
            requests.push_str(&format!(
                "GET /msi/token?resource=https://ai.azure.com HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\
                 X-IDENTITY-HEADER: {guess}{:06x}\r\n{close}\r\n",
                lease.port,
                batch * 500 + number
            ));
        }
        let mut reader = stream.try_clone().unwrap();
        let answers = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        stream.write_all(requests.as_bytes()).unwrap();
        let answers = answers.join().unwrap().unwrap();
        assert_eq!(answers.matches("HTTP/1.1 403").count(), 500);
    }
    assert_eq!(strangers(&env), 10_000);
    let lines = env.log().lines().count() - before;
    assert!((1..=14).contains(&lines), "{lines} lines of the log");
    let mut after = raw::get(&env.socket(), "/v1/leases").body;
    after["strangers"] = listed["strangers"].clone();
    assert_eq!(after, listed);
    assert_eq!(env.sim().control().requests().len(), asked);
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
}

#[test]
fn a_lease_of_a_process_ends_with_it() {
    let (env, _daemon) = signed_in();
    // Any process that stays: this one waits for a person.
    let mut child = env.entra_command(&["login", "--json"]).stdout(Stdio::null()).spawn().unwrap();
    let request = json!({"name": "run", "resources": ["foundry"], "process": child.id()});
    let lease = Lease::of(&env.socket(), &request);
    assert_eq!(lease.identity("https://ai.azure.com").status, 200);
    child.kill().unwrap();
    child.wait().unwrap();
    is_refused(&lease.identity("https://ai.azure.com"), "is over");
    assert_eq!(raw::get(&env.socket(), "/v1/leases").body["leases"], json!([]));
}
