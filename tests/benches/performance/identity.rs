//! The managed-identity endpoint, its token in memory, against a bare axum handler on the same loopback with the same bytes.
//!
//! As `answer.rs` does for the socket: one caller asks both in turn, all three on one core.

use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, header};
use axum::routing::get;
use entra_tests::loopback::Lease;

use super::Effort;
use super::answer::shape;
use super::connection::{Connection, body};
use super::figures::{Figures, Pairs};
use super::server::{self, Server};
use super::stage::{Stage, hold_to_one_core};

/// The word that makes this program the bare side.
pub(crate) const BARE: &str = "serve-bare-identity";

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    hold_to_one_core(&[workstation.daemon.pid()], true);
    let lease = Lease::make(&workstation.env.socket(), "bench", &["graph"]);
    let request = |port: u16| {
        // What Azure's Python SDK sends.
        format!(
            "GET /msi/token?api-version=2019-08-01&resource=https://graph.microsoft.com HTTP/1.1\r\n\
             Host: 127.0.0.1:{port}\r\nUser-Agent: azsdk-python-identity/1.27.0\r\nAccept-Encoding: gzip, deflate\r\n\
             Accept: */*\r\nConnection: keep-alive\r\nX-IDENTITY-HEADER: {}\r\nMetadata: true\r\n\r\n",
            lease.secret
        )
        .into_bytes()
    };
    let (ours, folder) = (lease.port, workstation.env.folder());
    let whole = Connection::to_port(ours).ask(&request(ours)).to_vec();
    std::fs::write(folder.join("answer"), body(&whole)).unwrap();
    let place = folder.join("port");
    let bare = Server::start(&[BARE.as_ref(), place.as_os_str(), folder.join("answer").as_os_str()]);
    let theirs: u16 = std::fs::read_to_string(&place).unwrap().parse().unwrap();
    let (ask_ours, ask_theirs) = (request(ours), request(theirs));
    assert_eq!(
        shape(&whole),
        shape(Connection::to_port(theirs).ask(&ask_theirs)),
        "both sides send the same"
    );

    let rounds = if effort.is_quick { 100 } else { 1000 };
    let (mut kept_ours, mut kept_theirs) = (Connection::to_port(ours), Connection::to_port(theirs));
    let kept = Pairs::alternate(rounds, || kept_ours.time(&ask_ours), || kept_theirs.time(&ask_theirs));
    report(figures, "kept connection", &kept);
    let fresh = |port: u16, request: &[u8]| {
        let start = Instant::now();
        Connection::to_port(port).ask(request);
        start.elapsed()
    };
    let fresh = Pairs::alternate(rounds, || fresh(ours, &ask_ours), || fresh(theirs, &ask_theirs));
    report(figures, "new connection", &fresh);
    drop(bare);
    hold_to_one_core(&[workstation.daemon.pid()], false);
}

fn report(figures: &mut Figures, kind: &str, pairs: &Pairs) {
    figures.target(&format!("managed identity, cached, {kind} / bare axum, p50"), pairs.ratio(), "", 1.3);
    for (name, at) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = pairs.micros(at);
        figures.note(&format!("  {kind}, entrad, {name}"), ours, "µs");
        figures.note(&format!("  {kind}, bare axum, {name}"), theirs, "µs");
    }
}

/// The bare side: serves until it is killed, and writes its port into a file.
pub(crate) fn serve_bare(place: &str, answer: &str) {
    let body = Bytes::from(std::fs::read(answer).unwrap());
    let handler = async move || {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, body)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        std::fs::write(place, listener.local_addr().unwrap().port().to_string()).unwrap();
        server::say_listening();
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| stream.set_nodelay(true).unwrap());
        axum::serve(listener, Router::new().route("/msi/token", get(handler))).await.unwrap();
    });
}
