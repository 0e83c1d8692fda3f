//! The export to a collector, against a small one that speaks HTTP and keeps what it is sent: in a build with the feature `otlp`.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::log::{LogCaller, LogEntry, LogEvent};
use entrad::logging::{self, LogSettings};
use entrad::metrics::{METRICS, Now, Refreshed};
use entrad::otlp::Otlp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point;
use prost::Message as _;

/// What one request was: its path, and its body.
type Sent = (String, Vec<u8>);

/// Takes each request, and says that all is well.
fn collector() -> (String, Receiver<Sent>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, sent) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || serve(&stream, &sender));
        }
    });
    (endpoint, sent)
}

fn serve(stream: &TcpStream, sender: &Sender<Sent>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut start = String::new();
        if reader.read_line(&mut start).unwrap_or_default() == 0 {
            return;
        }
        let (mut length, mut is_protobuf) = (0, false);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            let line = line.trim_end().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            is_protobuf |= line == "content-type: application/x-protobuf";
        }
        assert!(is_protobuf, "{start}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let path = start.split(' ').nth(1).unwrap().to_owned();
        (&*stream).write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
        if sender.send((path, body)).is_err() {
            return;
        }
    }
}

fn entry() -> LogEntry {
    LogEntry {
        sequence: 7,
        caller: Some(LogCaller {
            program: Some("/usr/bin/git".to_owned()),
            pid: Some(4711),
            ..LogCaller::default()
        }),
        profile: Some("default".to_owned()),
        account: Some("u.t".to_owned()),
        tenant: Some("t".to_owned()),
        resource: Some("https://vault.azure.net".to_owned()),
        scopes: vec!["https://vault.azure.net/.default".to_owned()],
        uti: Some("abc".to_owned()),
        previous: "0".repeat(64),
        hash: "1".repeat(64),
        ..LogEntry::new(LogEvent::Issued, 1_795_200_000_123)
    }
}

/// What a request of the logs holds.
fn records((path, body): &Sent) -> Vec<LogRecord> {
    if path != "/v1/logs" {
        return Vec::new();
    }
    let request = ExportLogsServiceRequest::decode(&body[..]).unwrap();
    let of_scopes = request.resource_logs.into_iter().flat_map(|of_resource| of_resource.scope_logs);
    of_scopes.flat_map(|of_scope| of_scope.log_records).collect()
}

fn text(value: Option<&opentelemetry_proto::tonic::common::v1::AnyValue>) -> &str {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        other => panic!("{other:?} is no text"),
    }
}

/// One test for all, since a process has one log.
#[test]
fn metrics_log_and_audit_log_arrive_as_they_are() {
    let (endpoint, sent) = collector();
    let settings = LogSettings { filter: "entrad=info,otlp=info".to_owned(), sinks: Vec::new() };
    let log = logging::start(&settings).unwrap();
    let otlp = Otlp::start(&endpoint).unwrap();
    log.read_by(otlp.reader());
    otlp.count(|| Now { started_on: 5, good: 2, sign_in_needed: 1 });

    METRICS.refresh_ended(Refreshed::Refreshed);
    METRICS.entra_answered(Duration::from_millis(300));
    tracing::warn!(target: "entrad::broker", "something happened");
    tracing::warn!(target: "hyper", "a library's");
    tracing::debug!(target: "entrad::broker", "too much");
    otlp.entry(&entry());
    otlp.stop();

    let all: Vec<Sent> = sent.try_iter().collect();
    let records: Vec<LogRecord> = all.iter().flat_map(records).collect();
    assert_eq!(records.len(), 2, "{records:#?}");
    let audit = records.iter().find(|record| record.event_name == "entrad.audit").unwrap();
    let line = text(audit.body.as_ref());
    assert_eq!(serde_json::from_str::<LogEntry>(line).unwrap(), entry());
    assert_eq!(audit.time_unix_nano, 1_795_200_000_123_000_000);
    let attribute = |name: &str| {
        let found = audit.attributes.iter().find(|attribute| attribute.key == name);
        found.unwrap_or_else(|| panic!("{name} is not in {audit:#?}")).value.as_ref()
    };
    assert_eq!(text(attribute("entrad.audit.event")), "issued");
    assert_eq!(text(attribute("entrad.audit.account")), "u.t");
    let other = records.iter().find(|record| record.event_name != "entrad.audit").unwrap();
    assert_eq!(text(other.body.as_ref()), "something happened");

    let metrics: Vec<_> = all
        .iter()
        .filter(|(path, _)| path == "/v1/metrics")
        .map(|(_, body)| ExportMetricsServiceRequest::decode(&body[..]).unwrap())
        .flat_map(|request| request.resource_metrics)
        .inspect(|of_resource| {
            let resource = of_resource.resource.as_ref().unwrap();
            let name = resource.attributes.iter().find(|attribute| attribute.key == "service.name").unwrap();
            assert_eq!(text(name.value.as_ref()), "entrad");
        })
        .flat_map(|of_resource| of_resource.scope_metrics)
        .flat_map(|of_scope| of_scope.metrics)
        .collect();
    let data = |name: &str| {
        let found = metrics.iter().find(|metric| metric.name == name);
        found.unwrap_or_else(|| panic!("{name} is not in {metrics:#?}")).data.as_ref().unwrap()
    };
    let Data::Sum(refreshes) = data("entrad.refreshes") else { panic!("no counter") };
    assert!(refreshes.is_monotonic);
    let good =
        refreshes.data_points.iter().find(|point| text(point.attributes[0].value.as_ref()) == "refreshed");
    assert_eq!(good.unwrap().value, Some(number_data_point::Value::AsInt(1)));
    let Data::Gauge(accounts) = data("entrad.accounts") else { panic!("no gauge") };
    assert_eq!(accounts.data_points.len(), 2);
    let Data::Histogram(took) = data("entrad.entra_duration") else { panic!("no histogram") };
    assert_eq!((took.data_points[0].count, took.data_points[0].explicit_bounds.len()), (1, 10));

    a_collector_that_is_away_holds_nothing_up();
}

fn a_collector_that_is_away_holds_nothing_up() {
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let otlp = Otlp::start(&format!("http://{}", silent.local_addr().unwrap())).unwrap();
    otlp.count(Now::default);
    let begun = Instant::now();
    for _ in 0..20_000 {
        otlp.entry(&entry());
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let begun = Instant::now();
    otlp.stop();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn the_daemon_sends_the_lines_of_its_audit_log_as_they_are_on_disk() {
    let (endpoint, sent) = collector();
    let home = tempfile::tempdir().unwrap();
    let socket = match cfg!(windows) {
        true => format!(r"\\.\pipe\entrad-test-otlp-{}", std::process::id()).into(),
        false => home.path().join("run").join("socket"),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrad"));
    command.arg("--state-dir").arg(home.path()).arg("--socket").arg(socket);
    command.env("ENTRAD_STORE", "memory").env("ENTRAD_OTLP_ENDPOINT", endpoint);
    let mut daemon = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let line = loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let request = sent.recv_timeout(left).unwrap();
        let record = records(&request).into_iter().find(|record| record.event_name == "entrad.audit");
        if let Some(record) = record {
            break text(record.body.as_ref()).to_owned();
        }
    };
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    let file = fs::read_to_string(home.path().join("audit").join("audit.jsonl")).unwrap();
    assert_eq!(file.lines().next(), Some(&*line));
    assert_eq!(serde_json::from_str::<LogEntry>(&line).unwrap().event, LogEvent::Started);
}

#[test]
fn an_endpoint_that_is_not_safe_is_refused() {
    let error = Otlp::start("http://collector.example.com:4318").unwrap_err().to_string();
    assert!(error.contains("`otlp_endpoint` must be an https address"), "{error}");
}
