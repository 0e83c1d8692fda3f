//! Sends metrics, the log and the audit log to an OpenTelemetry collector, by OTLP over HTTP with Protocol Buffers.
//!
//! Only in a build with the feature `otlp`. The library's own threads do the work: each signal has a bounded queue or is read once
//! a minute, and each request has ten seconds. A collector that is away costs what was to be sent, and nothing else. What is
//! sent holds no token: the log and the audit log never do, and metrics know closed sets of words alone.
//!
//! Wire: "OTLP/HTTP" of the OpenTelemetry protocol specification, 1.x; the two signals go to `/v1/logs` and `/v1/metrics` below the
//! endpoint. Whatever the collector wants besides, as an API key, is taken from `OTEL_EXPORTER_OTLP_HEADERS`.

mod client;
mod instruments;

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use entra_proto::log::LogEntry;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::metrics::MeterProvider as _;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, MetricExporter, Protocol, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use serde_json::Value;

use crate::logging::Reader;
use crate::metrics::Now;

/// A running export.
#[derive(Debug)]
pub struct Otlp {
    logs: SdkLoggerProvider,
    audit: SdkLogger,
    metrics: SdkMeterProvider,
}

/// Why nothing is exported.
#[derive(Debug, thiserror::Error)]
pub enum OtlpError {
    /// The endpoint.
    #[error(
        "`otlp_endpoint` must be an https address, or an http one on loopback, without a user name and a query; for instance https://collector.example.com:4318."
    )]
    Endpoint,
    /// The HTTP client.
    #[error(
        "Nothing can be sent to the collector: no trusted certificates were found, or the proxy settings cannot be read."
    )]
    Client,
    /// The exporter, by what it was about.
    #[error("Nothing can be sent to the collector: {0}.")]
    Exporter(#[from] ExporterBuildError),
}

impl Otlp {
    /// Starts the threads; sends nothing yet. `endpoint` is the collector's address, to which the signals' paths are added. To be
    /// called outside of a runtime, and once the process is confined.
    ///
    /// # Errors
    /// [`OtlpError`].
    pub fn start(endpoint: &str) -> Result<Self, OtlpError> {
        let base = client::base(endpoint).ok_or(OtlpError::Endpoint)?;
        let http = client::build(&base).map_err(|_| OtlpError::Client)?;
        let resource = Resource::builder()
            .with_service_name("entrad")
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let logs = LogExporter::builder()
            .with_http()
            .with_http_client(http.clone())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(client::signal(&base, "logs"))
            .with_timeout(client::LIMIT)
            .build()?;
        let metrics = MetricExporter::builder()
            .with_http()
            .with_http_client(http)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(client::signal(&base, "metrics"))
            .with_timeout(client::LIMIT)
            .build()?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MOST_WAITING)
            .with_max_export_batch_size(MOST_AT_ONCE)
            .with_scheduled_delay(LOG_INTERVAL)
            .build();
        let batches = BatchLogProcessor::builder(logs).with_batch_config(batches).build();
        let logs =
            SdkLoggerProvider::builder().with_resource(resource.clone()).with_log_processor(batches).build();
        let reader = PeriodicReader::builder(metrics).with_interval(METRICS_INTERVAL).build();
        let metrics = SdkMeterProvider::builder().with_resource(resource).with_reader(reader).build();
        Ok(Self { audit: logs.logger("entrad.audit"), logs, metrics })
    }

    /// Who reads the log; to be given to it.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Box::new(OpenTelemetryTracingBridge::new(&self.logs))
    }

    /// Sends the numbers of this process from now on. `now` tells those that are looked up, from a thread of its own.
    pub fn count(&self, now: impl Fn() -> Now + Send + Sync + 'static) {
        instruments::register(&self.metrics.meter("entrad"), now);
    }

    /// Sends an entry of the audit log: its line as the body, so that the chain can be verified from it, and its fields as
    /// attributes. Never waits; an entry that finds the queue full is lost to the collector.
    pub fn entry(&self, entry: &LogEntry) {
        let Ok(line) = serde_json::to_string(entry) else { return };
        let mut record = self.audit.create_log_record();
        record.set_event_name("entrad.audit");
        record.set_timestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(entry.time));
        let (severity, text) = match entry.error {
            Some(_) => (Severity::Warn, "WARN"),
            None => (Severity::Info, "INFO"),
        };
        record.set_severity_number(severity);
        record.set_severity_text(text);
        if let Ok(Value::Object(fields)) = serde_json::from_str(&line) {
            record.add_attributes(
                fields
                    .into_iter()
                    .filter_map(|(name, value)| Some((format!("entrad.audit.{name}"), attribute(value)?))),
            );
        }
        record.set_body(AnyValue::from(line));
        self.audit.emit(record);
    }

    /// Sends what waits, for three seconds at most, and ends. To be called outside of a runtime.
    pub fn stop(&self) {
        let (logs, metrics) = (self.logs.clone(), self.metrics.clone());
        let (done, ended) = channel();
        // The library bounds the end of one signal and not of the other, so each has a thread that may be left behind. A
        // collector that is away gets nothing, and there is nobody left to tell.
        for work in [
            Box::new(move || drop(logs.shutdown_with_timeout(STOP_LIMIT))) as Box<dyn FnOnce() + Send>,
            Box::new(move || drop(metrics.shutdown_with_timeout(STOP_LIMIT))),
        ] {
            let done = done.clone();
            thread::spawn(move || {
                work();
                // Nobody waits any more where it took too long.
                let _late = done.send(());
            });
        }
        let begun = Instant::now();
        for _ in 0..2 {
            let left = STOP_LIMIT.saturating_sub(begun.elapsed());
            let _late = ended.recv_timeout(left);
        }
    }
}

fn attribute(value: Value) -> Option<AnyValue> {
    match value {
        Value::Null => None,
        Value::Bool(is_so) => Some(AnyValue::Boolean(is_so)),
        Value::Number(number) => Some(match number.as_i64() {
            Some(number) => AnyValue::Int(number),
            None => AnyValue::Double(number.as_f64()?),
        }),
        Value::String(text) => Some(AnyValue::from(text)),
        Value::Array(values) => {
            Some(AnyValue::ListAny(Box::new(values.into_iter().filter_map(attribute).collect())))
        }
        Value::Object(fields) => Some(AnyValue::Map(Box::new(
            fields.into_iter().filter_map(|(name, value)| Some((name.into(), attribute(value)?))).collect(),
        ))),
    }
}

/// Most lines and entries that wait for a collector: an hour of a busy day.
const MOST_WAITING: usize = 4_096;

/// Most in one request.
const MOST_AT_ONCE: usize = 512;

/// How long a line waits for others at most.
const LOG_INTERVAL: Duration = Duration::from_secs(5);

const METRICS_INTERVAL: Duration = Duration::from_secs(60);

/// For both signals together when the daemon stops.
const STOP_LIMIT: Duration = Duration::from_secs(3);
