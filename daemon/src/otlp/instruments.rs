//! The daemon's numbers as OpenTelemetry's instruments.
//!
//! Counters and gauges are read when the library asks, once a minute; only what is measured has to be told as it happens, since the
//! library keeps its own histograms.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter};

use crate::metrics::{Family, Latency, METRICS, Now, Values};

/// Makes an instrument of each metric.
pub(super) fn register(meter: &Meter, now: impl Fn() -> Now + Send + Sync + 'static) {
    let now: Arc<dyn Fn() -> Now + Send + Sync> = Arc::new(now);
    for family in METRICS.families(&Now::default()) {
        let name = format!("entrad.{}", family.name);
        let unit = if family.unit == Some("seconds") { "s" } else { "1" };
        let (place, now) = (family.name, Arc::clone(&now));
        match family.values {
            // The library holds on to each by its meter.
            Values::Counter(_) => drop(
                meter
                    .u64_observable_counter(name)
                    .with_unit(unit)
                    .with_description(family.help)
                    .with_callback(move |to| observe(place, &*now, to))
                    .build(),
            ),
            Values::Gauge(_) => drop(
                meter
                    .u64_observable_gauge(name)
                    .with_unit(unit)
                    .with_description(family.help)
                    .with_callback(move |to| observe(place, &*now, to))
                    .build(),
            ),
            Values::Share(_) => drop(
                meter
                    .f64_observable_gauge(name)
                    .with_unit(unit)
                    .with_description(family.help)
                    .with_callback(move |to| {
                        if let Some(Family { values: Values::Share(Some(share)), .. }) = named(place, &now())
                        {
                            to.observe(share, &[]);
                        }
                    })
                    .build(),
            ),
            Values::Histogram(measured) => {
                let bounds =
                    measured.buckets.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite());
                let histogram = meter
                    .f64_histogram(name)
                    .with_unit(unit)
                    .with_description(family.help)
                    .with_boundaries(bounds.collect())
                    .build();
                // Where the export was started twice, the first one is told.
                let _first = histogram_of(place).map(|slot| slot.set(histogram));
            }
        }
    }
    METRICS.mirror(|what, took: Duration| {
        let slot = match what {
            Latency::Cache => &FROM_CACHE,
            Latency::Entra => &ENTRA,
            Latency::Refresh => &BY_REFRESH,
        };
        if let Some(histogram) = slot.get() {
            histogram.record(took.as_secs_f64(), &[]);
        }
    });
}

static FROM_CACHE: OnceLock<Histogram<f64>> = OnceLock::new();
static BY_REFRESH: OnceLock<Histogram<f64>> = OnceLock::new();
static ENTRA: OnceLock<Histogram<f64>> = OnceLock::new();

fn histogram_of(name: &str) -> Option<&'static OnceLock<Histogram<f64>>> {
    match name {
        "token_from_cache_duration" => Some(&FROM_CACHE),
        "token_by_refresh_duration" => Some(&BY_REFRESH),
        "entra_duration" => Some(&ENTRA),
        _ => None,
    }
}

fn observe(name: &str, now: &dyn Fn() -> Now, to: &dyn AsyncInstrument<u64>) {
    let Some(family) = named(name, &now()) else { return };
    if let Values::Counter(numbers) | Values::Gauge(numbers) = family.values {
        for (word, number) in numbers {
            match family.label {
                Some(label) => to.observe(number, &[KeyValue::new(label, word)]),
                None => to.observe(number, &[]),
            }
        }
    }
}

fn named(name: &str, now: &Now) -> Option<Family> {
    METRICS.families(now).into_iter().find(|family| family.name == name)
}
