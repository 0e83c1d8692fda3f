//! Every metric by its name, with what it means: the one place from which text, export and documentation are made.

use std::sync::atomic::Ordering;

use super::Metrics;
use super::count::Measured;
use super::words::{AccountHealth, Answered, Word};

/// What is not counted but looked up when somebody reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// When the daemon started, in seconds since 1970.
    pub started_on: u64,
    /// Accounts that get tokens.
    pub good: u64,
    /// Accounts that need a person.
    pub sign_in_needed: u64,
}

/// A metric and its numbers.
#[derive(Clone, Debug)]
pub struct Family {
    /// Its name, without the unit and without `_total`.
    pub name: &'static str,
    /// `seconds`, where it has one; it stands behind the name.
    pub unit: Option<&'static str>,
    /// What it means, in a sentence.
    pub help: &'static str,
    /// By what its numbers are told apart, where they are.
    pub label: Option<&'static str>,
    /// The numbers.
    pub values: Values,
}

/// Numbers, each with its word.
#[derive(Clone, Debug)]
pub enum Values {
    /// Only ever grow.
    Counter(Vec<(&'static str, u64)>),
    /// Rise and fall.
    Gauge(Vec<(&'static str, u64)>),
    /// A share between 0 and 1; nothing where nothing was counted yet.
    Share(Option<f64>),
    /// How long things took.
    Histogram(Measured),
}

impl Values {
    /// Its kind, as OpenMetrics calls it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Counter(_) => "counter",
            Self::Gauge(_) | Self::Share(_) => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Family {
    /// The name of its samples, as a query has it; a histogram's have endings besides.
    #[must_use]
    pub fn sample_name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let ending = if matches!(self.values, Values::Counter(_)) { "_total" } else { "" };
        format!("entrad_{}{unit}{ending}", self.name)
    }

    fn labelled(mut self, label: &'static str) -> Self {
        self.label = Some(label);
        self
    }

    fn in_seconds(mut self) -> Self {
        self.unit = Some("seconds");
        self
    }
}

fn counter(name: &'static str, help: &'static str, numbers: Vec<(&'static str, u64)>) -> Family {
    family(name, help, Values::Counter(numbers))
}

fn gauge(name: &'static str, help: &'static str, numbers: Vec<(&'static str, u64)>) -> Family {
    family(name, help, Values::Gauge(numbers))
}

fn histogram(name: &'static str, help: &'static str, measured: Measured) -> Family {
    family(name, help, Values::Histogram(measured)).in_seconds()
}

fn family(name: &'static str, help: &'static str, values: Values) -> Family {
    Family { name, unit: None, help, label: None, values }
}

impl Metrics {
    /// Every metric as it is now.
    #[must_use]
    pub fn families(&self, now: &Now) -> Vec<Family> {
        let lost = |number: &std::sync::atomic::AtomicU64| vec![("", number.load(Ordering::Relaxed))];
        let accounts = vec![
            (AccountHealth::Good.text(), now.good),
            (AccountHealth::SignInNeeded.text(), now.sign_in_needed),
        ];
        vec![
            // A gauge: the text format of old, which node_exporter reads, knows no `info`.
            gauge(
                "build_info",
                "The version of entrad that runs; always 1.",
                vec![(env!("CARGO_PKG_VERSION"), 1)],
            )
            .labelled("version"),
            gauge("start_time", "When entrad started, in seconds since 1970.", vec![("", now.started_on)])
                .in_seconds(),
            counter("token_requests", "Requests for a token, by what became of them.", self.answered.read())
                .labelled("result"),
            counter(
                "refusals",
                "Requests for a token that were refused, by the error's code.",
                self.refused.read(),
            )
            .labelled("code"),
            family(
                "cache_share",
                "Tokens from memory as a share of all that were handed out, between 0 and 1; absent before the first.",
                Values::Share(self.cache_share()),
            ),
            histogram(
                "token_from_cache_duration",
                "Time from a request's head to its token, where that came from memory.",
                self.from_cache.read(),
            ),
            histogram(
                "token_by_refresh_duration",
                "Time from a request's head to its token, where that waited for Entra and not for a person.",
                self.by_refresh.read(),
            ),
            histogram(
                "entra_duration",
                "Time of one request to Entra or a container registry, where an answer came.",
                self.entra.read(),
            ),
            counter("refreshes", "Refreshes, by what they came to.", self.refreshes.read())
                .labelled("outcome"),
            counter("sign_ins_started", "Sign-ins that were begun.", self.sign_ins_started.read()),
            counter("sign_ins_ended", "Sign-ins that ended, by how.", self.sign_ins_ended.read())
                .labelled("result"),
            counter(
                "prompts_raised",
                "How often a person was shown that a sign-in is needed.",
                self.prompts_raised.read(),
            ),
            counter(
                "prompts_settled",
                "Accounts that a person was shown and that need nobody any more.",
                self.prompts_settled.read(),
            ),
            counter("leases_made", "Leases that were made.", self.leases_made.read()),
            counter(
                "leases_ended",
                "Leases that were revoked or replaced, or were found to be over.",
                lost(&self.leases_ended),
            ),
            counter("dialect_requests", "Requests of tools in their own dialects.", self.dialects.read())
                .labelled("dialect"),
            gauge("accounts", "Accounts that are signed in, by whether they get tokens.", accounts)
                .labelled("health"),
            gauge("connections", "Connections that are open.", self.connections.read()).labelled("listener"),
            counter(
                "audit_entries_lost",
                "Entries of the audit log that could not be written anywhere.",
                lost(&self.audit_lost),
            ),
            counter("log_lines_lost", "Lines of the log that a sink was too slow for.", lost(&self.log_lost)),
        ]
    }

    fn cache_share(&self) -> Option<f64> {
        let (cache, refresh) = (self.answered.of(Answered::Cache), self.answered.of(Answered::Refresh));
        let all = cache.saturating_add(refresh);
        (all > 0).then(|| cache as f64 / all as f64)
    }
}
