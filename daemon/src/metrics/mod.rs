//! What the daemon counts: requests, refusals, refreshes, sign-ins, prompts, leases, and how long things took.
//!
//! The one hard idea is that counting must cost the answer of a token nothing worth measuring: a number is an atomic whose place is
//! known when the program is built, and words are made only when somebody reads. What is told apart is told apart by closed
//! sets ([`words`]): no account, program, id or address is ever among them, so the text may be sent anywhere. There is one set of
//! numbers for the process ([`METRICS`]), since rooms that share nothing else count; tests make their own.

mod count;
mod families;
mod text;
pub mod words;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::status::MetricsStatus;
use entra_proto::token::{Source, TokenAnswer};

pub use count::Measured;
use count::{BOUNDS, Counts, Histogram};
pub use families::{Family, Now, Values};
pub use text::CONTENT_TYPE;
pub use words::{AccountHealth, Answered, Dialect, Listener, Refreshed, SignInEnd, Word};
use words::{CODES, Code, Only};

/// The numbers of this process.
pub static METRICS: Metrics = Metrics::new();

/// A set of numbers, all of them since the start.
#[derive(Debug)]
pub struct Metrics {
    answered: Counts<Answered, 5>,
    refused: Counts<Code, CODES>,
    refreshes: Counts<Refreshed, 7>,
    sign_ins_started: Counts<Only, 1>,
    sign_ins_ended: Counts<SignInEnd, 3>,
    prompts_raised: Counts<Only, 1>,
    prompts_settled: Counts<Only, 1>,
    leases_made: Counts<Only, 1>,
    leases_ended: AtomicU64,
    dialects: Counts<Dialect, 3>,
    audit_lost: AtomicU64,
    log_lost: AtomicU64,
    connections: Counts<Listener, 3>,
    from_cache: Histogram,
    by_refresh: Histogram,
    entra: Histogram,
    mirror: OnceLock<fn(Latency, Duration)>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// A token from memory, from the request's head to its answer.
    Cache,
    /// One request to Entra or a registry and its answer.
    Entra,
    /// A token that the request waited for.
    Refresh,
}

impl Metrics {
    /// All zero.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            answered: Counts::new(),
            refused: Counts::new(),
            refreshes: Counts::new(),
            sign_ins_started: Counts::new(),
            sign_ins_ended: Counts::new(),
            prompts_raised: Counts::new(),
            prompts_settled: Counts::new(),
            leases_made: Counts::new(),
            leases_ended: AtomicU64::new(0),
            dialects: Counts::new(),
            audit_lost: AtomicU64::new(0),
            log_lost: AtomicU64::new(0),
            connections: Counts::new(),
            from_cache: Histogram::new(&CACHE_BOUNDS),
            by_refresh: Histogram::new(&NETWORK_BOUNDS),
            entra: Histogram::new(&NETWORK_BOUNDS),
            mirror: OnceLock::new(),
        }
    }

    /// A request for a token has come; what is returned is told how it ended.
    pub fn asked(&self) -> Asked<'_> {
        Asked { metrics: self, begun: Instant::now(), is_counted: false }
    }

    /// A refresh has ended.
    pub fn refresh_ended(&self, how: Refreshed) {
        self.refreshes.add(how);
    }

    /// A sign-in has begun.
    pub fn sign_in_started(&self) {
        self.sign_ins_started.add(Only::All);
    }

    /// A sign-in has ended.
    pub fn sign_in_ended(&self, how: SignInEnd) {
        self.sign_ins_ended.add(how);
    }

    /// A person is asked.
    pub fn prompt_raised(&self) {
        self.prompts_raised.add(Only::All);
    }

    /// What a person was asked for is needed no more.
    pub fn prompt_settled(&self) {
        self.prompts_settled.add(Only::All);
    }

    /// A lease was made.
    pub fn lease_made(&self) {
        self.leases_made.add(Only::All);
    }

    /// So many leases have ended: revoked, replaced, or found to be over.
    pub fn leases_ended(&self, count: usize) {
        self.leases_ended.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// A tool has asked in its dialect.
    pub fn dialect_asked(&self, dialect: Dialect) {
        self.dialects.add(dialect);
    }

    /// So many entries of the audit log could not be written anywhere.
    pub fn audit_entries_lost(&self, count: u64) {
        self.audit_lost.fetch_add(count, Ordering::Relaxed);
    }

    /// A line of the log could not be handed to a sink.
    pub fn log_line_lost(&self) {
        self.log_lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody has connected, and is until what is returned is dropped.
    #[must_use]
    pub fn connected(&self, to: Listener) -> Connected<'_> {
        self.connections.add(to);
        Connected { metrics: self, to }
    }

    /// How long a request to Entra took, where it had an answer.
    pub fn entra_answered(&self, took: Duration) {
        self.measure(Latency::Entra, took);
    }

    /// Tells another store of measurements of each one from now on; only the first to ask is told. It is called on the way
    /// of a token, so it must not wait.
    pub fn mirror(&self, tell: fn(Latency, Duration)) {
        // A second one is none of today's callers.
        let _first = self.mirror.set(tell);
    }

    /// What `/v1/status` has of it.
    #[must_use]
    pub fn summary(&self) -> MetricsStatus {
        let refreshed = self.refreshes.of(Refreshed::Refreshed);
        MetricsStatus {
            requests: self.answered.sum(),
            from_cache: self.answered.of(Answered::Cache),
            by_refresh: self.answered.of(Answered::Refresh),
            refused: self.answered.of(Answered::Refused),
            refreshed,
            refreshes_failed: self.refreshes.sum().saturating_sub(refreshed),
            prompts: self.prompts_raised.sum(),
            sign_ins: self.sign_ins_started.sum(),
        }
    }

    fn measure(&self, what: Latency, took: Duration) {
        match what {
            Latency::Cache => self.from_cache.observe(took),
            Latency::Entra => self.entra.observe(took),
            Latency::Refresh => self.by_refresh.observe(took),
        }
        if let Some(tell) = self.mirror.get() {
            tell(what, took);
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// A request for a token that is under way. One that is dropped untold was abandoned.
#[derive(Debug)]
pub struct Asked<'a> {
    metrics: &'a Metrics,
    begun: Instant,
    is_counted: bool,
}

impl Asked<'_> {
    /// It was answered. What waited for a person is counted and not measured.
    pub fn answered(mut self, answer: &Result<TokenAnswer, ErrorBody>, waited_for_a_person: bool) {
        let latency = match answer.as_ref().map(|answer| answer.source) {
            Ok(Source::Cache) => self.count(Answered::Cache, Latency::Cache),
            Ok(Source::Refresh) => self.count(Answered::Refresh, Latency::Refresh),
            Err(error) => return self.refused(&error.code),
        };
        if !waited_for_a_person {
            self.metrics.measure(latency, self.begun.elapsed());
        }
    }

    /// It was a container registry's, and was answered.
    pub fn exchanged<T>(mut self, answer: &Result<T, ErrorBody>) {
        match answer {
            Ok(_) => {
                self.count(Answered::Exchanged, Latency::Entra);
            }
            Err(error) => self.refused(&error.code),
        }
    }

    fn refused(mut self, code: &ErrorCode) {
        self.metrics.refused.add(Code::of(code));
        self.count(Answered::Refused, Latency::Entra);
    }

    fn count(&mut self, how: Answered, latency: Latency) -> Latency {
        self.is_counted = true;
        self.metrics.answered.add(how);
        latency
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if !self.is_counted {
            self.metrics.answered.add(Answered::Abandoned);
        }
    }
}

/// A connection that stands.
#[derive(Debug)]
pub struct Connected<'a> {
    metrics: &'a Metrics,
    to: Listener,
}

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.metrics.connections.take(self.to);
    }
}

/// Seconds: memory answers within a tenth of a millisecond, a thousand callers at once within ten.
const CACHE_BOUNDS: [f64; BOUNDS] =
    [0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.01, 0.1, 1.0];

/// Seconds: Entra answers within two, a token's caller waits for 75 at most.
const NETWORK_BOUNDS: [f64; BOUNDS] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 75.0];

#[cfg(test)]
mod tests;
