//! `/v1/token` from memory against a bare axum handler with the same bytes.
//!
//! The bare side is what the daemon would be without guards, limits, broker and JSON: `axum::serve` on a
//! Unix socket and a current-thread runtime in a process of its own, whose handler ignores the request and
//! returns the daemon's own headers and body. One caller asks both in turn, all three on one core.

use std::path::PathBuf;
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::post;

use super::Effort;
use super::connection::{Connection, body, head_end, token_request};
use super::figures::{Figures, Pairs};
use super::server::{self, Server};
use super::stage::{Stage, hold_to_one_core};

/// The word that makes this program the bare side.
pub(crate) const BARE: &str = "serve-bare";

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    hold_to_one_core(&[workstation.daemon.pid()], true);
    let request = token_request(r#"{"resource":"graph"}"#);
    let folder = workstation.env.folder();
    let (ours, theirs) = (workstation.env.socket(), folder.join("bare.sock"));
    let whole = Connection::open(&ours).ask(&request).to_vec();
    std::fs::write(folder.join("answer"), body(&whole)).unwrap();
    let bare = Server::start(&[BARE.as_ref(), theirs.as_os_str(), folder.join("answer").as_os_str()]);
    assert_eq!(shape(&whole), shape(Connection::open(&theirs).ask(&request)), "both sides send the same");

    let rounds = if effort.is_quick { 100 } else { 1000 };
    let (mut kept_ours, mut kept_theirs) = (Connection::open(&ours), Connection::open(&theirs));
    let kept = Pairs::alternate(rounds, || kept_ours.time(&request), || kept_theirs.time(&request));
    report(figures, "kept connection", &kept);
    let fresh = |socket: &PathBuf| {
        let start = Instant::now();
        Connection::open(socket).ask(&request);
        start.elapsed()
    };
    let fresh = Pairs::alternate(rounds, || fresh(&ours), || fresh(&theirs));
    report(figures, "new connection", &fresh);
    drop(bare);
    hold_to_one_core(&[workstation.daemon.pid()], false);
}

fn report(figures: &mut Figures, kind: &str, pairs: &Pairs) {
    figures.target(&format!("/v1/token, cached, {kind} / bare axum, p50"), pairs.ratio(), "", 1.3);
    let (ours, theirs) = pairs.micros(0.99);
    figures.note(&format!("/v1/token, cached, {kind} / bare axum, p99"), ours / theirs, "");
    for (name, at) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = pairs.micros(at);
        figures.note(&format!("  {kind}, entrad, {name}"), ours, "µs");
        figures.note(&format!("  {kind}, bare axum, {name}"), theirs, "µs");
    }
}

/// What both sides must have in common: the names of the headers and the body's length. The date differs,
/// and the daemon's `expires_on` may count a second less.
pub(crate) fn shape(answer: &[u8]) -> (Vec<String>, usize) {
    let head = String::from_utf8_lossy(&answer[..head_end(answer).unwrap()]).into_owned();
    let mut names: Vec<_> =
        head.lines().skip(1).filter_map(|line| Some(line.split_once(": ")?.0.to_owned())).collect();
    names.sort();
    (names, body(answer).len())
}

/// The bare side: serves until it is killed.
pub(crate) fn serve_bare(socket: &str, answer: &str) {
    let body = Bytes::from(std::fs::read(answer).unwrap());
    let handler = async move || {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (
                HeaderName::from_static(entra_proto::version::HEADER),
                HeaderValue::from_static(entra_proto::version::VERSION),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, body)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::UnixListener::bind(socket).unwrap();
        server::say_listening();
        axum::serve(listener, Router::new().route("/v1/token", post(handler))).await.unwrap();
    });
}
