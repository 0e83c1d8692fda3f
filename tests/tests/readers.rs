//! The requests of tools that do not run here, as they write them, and their readers, as strict as they are.
//!
//! The requests are those of azure-identity 1.27.0 (Python), @azure/identity 4.14.1 and 4.10.1 (as Claude Code has it),
//! azure_identity 1.0.0 (Rust) and Azure CLI 2.91.0 on the wire; of MSAL.NET, MSAL Go 1.9.0, MSAL4J and go-azure-sdk as
//! their sources write them. The readers follow the same sources.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_tests::loopback::{Answer, Lease, exchange};
use entra_tests::{Daemon, Env, programs};
use rstest::rstest;
use serde_json::{Map, Value, json};

fn signed_in() -> (Env, Daemon, Lease) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    let request = json!({"name": "any", "resources": ["cognitive", "arm"], "in_path": true});
    let lease = Lease::of(&env.socket(), &request);
    (env, daemon, lease)
}

/// The request with our port and secret in it, and closed after its answer.
fn send(lease: &Lease, request: &str) -> Answer {
    let request = request.replace("18080", &lease.port.to_string()).replace("s3cr3t", &lease.secret);
    let request = request.replace("Connection: keep-alive\n", "").replace("connection: keep-alive\n", "");
    exchange(lease.port, &format!("{}\nConnection: close\n\n", request.trim_end()).replace('\n', "\r\n"))
}

const PYTHON: &str =
    "GET /msi/token?api-version=2019-08-01&resource=https://cognitiveservices.azure.com HTTP/1.1
Host: 127.0.0.1:18080
User-Agent: azsdk-python-identity/1.27.0 Python/3.11.7 (Linux)
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
X-IDENTITY-HEADER: s3cr3t
Metadata: true
x-ms-client-request-id: 3440b5a8-e54a-11f1-ad14-a9f2c6204dcb";

const JAVASCRIPT: &str =
    "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com HTTP/1.1
X-IDENTITY-HEADER: s3cr3t
Content-Type: application/x-www-form-urlencoded;charset=utf-8
Accept-Encoding: gzip,deflate
User-Agent: azsdk-js-identity/4.14.1 core-rest-pipeline/1.24.0 Node/22.23.3 (Linux; x64)
x-ms-client-request-id: d3b576dc-866a-423a-b524-355d23cc5497
Host: 127.0.0.1:18080
Connection: keep-alive";

const CLAUDE_CODE: &str =
    "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com HTTP/1.1
X-IDENTITY-HEADER: s3cr3t
Content-Type: application/x-www-form-urlencoded;charset=utf-8
User-Agent: azsdk-js-identity/4.10.1 core-rest-pipeline/1.21.0 Bun/1.4.4 OS/(x64-Linux)
Host: localhost:18080
Connection: keep-alive";

const RUST: &str =
    "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com HTTP/1.1
x-identity-header: s3cr3t
user-agent: azsdk-rust-identity/1.0.0 (1.95.0; linux; x86_64)
metadata: true
x-ms-client-request-id: 19f1a4b1-cf16-4174-983e-23e848104447
accept: */*
host: 127.0.0.1:18080";

const AZURE_CLI: &str =
    "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com%2F HTTP/1.1
Host: 127.0.0.1:18080
User-Agent: python-requests/2.34.2
Accept-Encoding: gzip, deflate
Accept: */*
Connection: keep-alive
X-IDENTITY-HEADER: s3cr3t
Metadata: true";

const DOTNET: &str =
    "GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fcognitiveservices.azure.com HTTP/1.1
Host: 127.0.0.1:18080
X-IDENTITY-HEADER: s3cr3t
x-client-SKU: MSAL.NetCore";

const GO: &str = "GET /msi/token?api-version=2019-08-01&client_id=80faf920-1908-4b52-b5ef-a8e7bedfc67a&resource=https%3A%2F%2Fcognitiveservices.azure.com HTTP/1.1
Host: 127.0.0.1:18080
User-Agent: Go-http-client/1.1
X-Identity-Header: s3cr3t
Accept-Encoding: gzip";

/// With the slash that Java's library appends.
const JAVA: &str =
    "GET /msi/token?resource=https%3A%2F%2Fcognitiveservices.azure.com%2F&api-version=2019-08-01 HTTP/1.1
User-Agent: Java/21.0.2
Host: 127.0.0.1:18080
Accept: text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2
Connection: keep-alive
X-IDENTITY-HEADER: s3cr3t";

const TERRAFORM: &str = "GET /lease/s3cr3t/msi/token?api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.azure.com%2F HTTP/1.1
Host: 127.0.0.1:18080
User-Agent: Go-http-client/1.1
Metadata: true
Accept-Encoding: gzip";

#[rstest]
#[case::python(PYTHON, python)]
#[case::javascript(JAVASCRIPT, javascript)]
#[case::claude_code(CLAUDE_CODE, javascript)]
#[case::rust(RUST, rust)]
#[case::azure_cli(AZURE_CLI, azure_cli)]
#[case::dotnet(DOTNET, dotnet)]
#[case::go(GO, go)]
#[case::java(JAVA, java)]
#[case::terraform(TERRAFORM, terraform)]
fn each_tool_is_understood_and_understands(#[case] request: &str, #[case] reader: fn(&str) -> Option<Read>) {
    let (env, _daemon, lease) = signed_in();
    let answer = send(&lease, request);
    assert_eq!(answer.status, 200, "{answer:?}");
    let read = reader(&answer.text).unwrap_or_else(|| panic!("its reader refuses {}", answer.text));
    let resource = if request.contains("management") { "https://management.azure.com/" } else { "cognitive" };
    // Java's slash and ours name the same service; Entra issues a token for either spelling.
    let resource = if request == JAVA { "https://cognitiveservices.azure.com/" } else { resource };
    let held = env.token(&["--resource", resource]);
    assert_eq!(held["access_token"], json!(read.token));
    let expires_on = held["expires_on"].as_u64().unwrap();
    assert!(read.expires_on.abs_diff(expires_on) <= 2, "{} is read for {expires_on}", read.expires_on);
}

#[rstest]
#[case::python(PYTHON)]
#[case::dotnet(DOTNET)]
#[case::go(GO)]
#[case::java(JAVA)]
#[case::terraform(TERRAFORM)]
fn each_tool_reads_a_refusal_as_one(#[case] request: &str) {
    let (env, _daemon, lease) = signed_in();
    assert_eq!(env.entra(&["logout"]).status, 0);
    let answer = send(&lease, request);
    // Not one of those that any of them retries, an object that each can parse, and a sentence under each one's name for it.
    assert_eq!(answer.status, 403, "{answer:?}");
    let body = object(&answer.text).unwrap();
    for name in ["message", "error_description"] {
        assert!(body[name].as_str().unwrap().contains("entra login"), "{name} in {body:?}");
    }
    assert!(body["error"].is_string() && body["statusCode"].is_number() && body["correlationId"].is_string());
}

/// What a reader takes from a good answer.
struct Read {
    token: String,
    expires_on: u64,
}

fn read(token: &Value, expires_on: u64) -> Option<Read> {
    let token = token.as_str().filter(|token| !token.is_empty())?.to_owned();
    Some(Read { token, expires_on })
}

fn object(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(text).ok()
}

fn digits(value: &Value) -> Option<u64> {
    value.as_str()?.parse().ok()
}

/// Takes whole seconds as a number or digits, and needs `access_token` and `expires_on`.
fn python(text: &str) -> Option<Read> {
    let body = object(text)?;
    let expires_on = body.get("expires_on")?;
    read(body.get("access_token")?, expires_on.as_u64().or_else(|| digits(expires_on))?)
}

fn javascript(text: &str) -> Option<Read> {
    python(text)
}

/// All four as strings, the time as digits in one.
fn rust(text: &str) -> Option<Read> {
    let body = object(text)?;
    body.get("token_type")?.as_str()?;
    body.get("resource")?.as_str()?;
    read(body.get("access_token")?, digits(body.get("expires_on")?)?)
}

/// As Python's, and the token must be a JWT that names a tenant.
fn azure_cli(text: &str) -> Option<Read> {
    let it = python(text)?;
    let payload = it.token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok()?["tid"].as_str()?;
    Some(it)
}

/// Both times are written into one field, and the last in the text wins; a number of fewer than ten digits is a span.
fn dotnet(text: &str) -> Option<Read> {
    let body = object(text)?;
    if body.values().any(|value| !value.is_string()) {
        return None;
    }
    let (within, at) = (text.find("\"expires_in\"")?, text.find("\"expires_on\"")?);
    let last = if within > at { "expires_in" } else { "expires_on" };
    read(&body["access_token"], digits(&body[last])?)
}

/// `expires_on` first, as a string or a number.
fn go(text: &str) -> Option<Read> {
    python(text)
}

/// Its members are strings.
fn java(text: &str) -> Option<Read> {
    let body = object(text)?;
    read(body.get("access_token")?, digits(body.get("expires_on")?)?)
}

/// `expires_in` alone counts, from now, and a type must be named.
fn terraform(text: &str) -> Option<Read> {
    let body = object(text)?;
    body.get("token_type")?.as_str().filter(|kind| !kind.is_empty())?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().ok()?.as_secs();
    read(body.get("access_token")?, now + digits(body.get("expires_in")?)?)
}
