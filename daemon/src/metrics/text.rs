//! The numbers as OpenMetrics text, version 1.0.0 (prometheus/OpenMetrics, `specification/OpenMetrics.md`), written by the
//! project's own library. It keeps no numbers of ours: its own metrics look labels up behind a lock at each count.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::Metrics;
use super::families::{Family, Now, Values};

/// What the text is, for the head of an answer.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

impl Metrics {
    /// The text, which ends with `# EOF`.
    ///
    /// # Errors
    /// None that can happen: memory takes what is written.
    pub fn text(&self, now: &Now) -> Result<String, fmt::Error> {
        let mut registry = Registry::with_prefix("entrad");
        registry.register_collector(Box::new(Families(self.families(now))));
        let mut text = String::with_capacity(ROOM);
        prometheus_client::encoding::text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// What is written once.
#[derive(Debug)]
struct Families(Vec<Family>);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in &self.0 {
            let kind = match family.values {
                Values::Counter(_) => MetricType::Counter,
                Values::Gauge(_) | Values::Share(_) => MetricType::Gauge,
                Values::Histogram(_) => MetricType::Histogram,
            };
            let unit = family.unit.map(|unit| Unit::Other(unit.to_owned()));
            let samples = encoder.encode_descriptor(family.name, family.help, unit.as_ref(), kind)?;
            write(family, samples)?;
        }
        Ok(())
    }
}

fn write(family: &Family, mut samples: MetricEncoder<'_>) -> fmt::Result {
    let label = |word| family.label.map(|name| [(name, word)]);
    match &family.values {
        Values::Counter(numbers) => numbers.iter().try_for_each(|(word, number)| match label(*word) {
            Some(label) => samples.encode_family(&label)?.encode_counter::<NoLabelSet, _, f64>(number, None),
            None => samples.encode_counter::<NoLabelSet, _, f64>(number, None),
        }),
        Values::Gauge(numbers) => numbers.iter().try_for_each(|(word, number)| match label(*word) {
            Some(label) => samples.encode_family(&label)?.encode_gauge(number),
            None => samples.encode_gauge(number),
        }),
        Values::Share(share) => share.iter().try_for_each(|share| samples.encode_gauge(share)),
        Values::Histogram(measured) => {
            samples.encode_histogram::<NoLabelSet>(measured.sum, measured.count(), &measured.buckets, None)
        }
    }
}

/// What it is in a daemon that has just started, and some room.
const ROOM: usize = 12 * 1024;
