//! Medians and the lines of the report.

use std::time::Duration;

/// What was measured so far. Each figure is printed as soon as it is known.
#[derive(Default)]
pub(crate) struct Figures {
    is_missed: bool,
}

impl Figures {
    /// A figure that must not be above its target.
    pub(crate) fn target(&mut self, name: &str, value: f64, unit: &str, target: f64) {
        let is_met = value <= target;
        self.is_missed |= !is_met;
        let verdict = if is_met { "met" } else { "MISSED" };
        println!("{name:<58} {} target {target}  {verdict}", quantity(value, unit));
    }

    /// A figure without a target.
    pub(crate) fn note(&mut self, name: &str, value: f64, unit: &str) {
        println!("{name:<58} {}", quantity(value, unit));
    }

    /// A figure that could not be had, which is said loudly since a target may depend on it.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        println!("{name:<58} SKIPPED: {reason}");
    }

    /// Whether any target was missed.
    pub(crate) fn is_missed(&self) -> bool {
        self.is_missed
    }
}

fn quantity(value: f64, unit: &str) -> String {
    let decimals = if unit.is_empty() {
        3
    } else if value.fract() == 0.0 {
        0
    } else {
        1
    };
    format!("{value:>11.decimals$} {unit:<5}")
}

/// Times of two sides that took turns.
#[derive(Default)]
pub(crate) struct Pairs {
    ours: Vec<f64>,
    theirs: Vec<f64>,
    ratios: Vec<f64>,
}

impl Pairs {
    /// Short, so that both sides see the same machine.
    pub(crate) const BATCH: usize = 20;

    /// Times both sides in turn, in short batches. Who goes first changes, and the first round only warms up.
    pub(crate) fn alternate(
        rounds: usize,
        mut ours: impl FnMut() -> Duration,
        mut theirs: impl FnMut() -> Duration,
    ) -> Self {
        let mut pairs = Self::default();
        for round in 0..=rounds {
            let mut first = Vec::with_capacity(Self::BATCH);
            let mut second = Vec::with_capacity(Self::BATCH);
            first.extend((0..Self::BATCH).map(|_| if round % 2 == 0 { ours() } else { theirs() }));
            second.extend((0..Self::BATCH).map(|_| if round % 2 == 0 { theirs() } else { ours() }));
            match (round, round % 2) {
                (0, _) => {}
                (_, 0) => pairs.add(&first, &second),
                _ => pairs.add(&second, &first),
            }
        }
        pairs
    }

    /// Adds one batch of each side.
    pub(crate) fn add(&mut self, ours: &[Duration], theirs: &[Duration]) {
        let micros = |times: &[Duration]| times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        let (ours, theirs): (Vec<f64>, Vec<f64>) = (micros(ours), micros(theirs));
        self.ratios.push(quantile(&ours, 0.5) / quantile(&theirs, 0.5));
        self.ours.extend(ours);
        self.theirs.extend(theirs);
    }

    /// The median of the batches' ratios.
    pub(crate) fn ratio(&self) -> f64 {
        quantile(&self.ratios, 0.5)
    }

    /// A quantile of all times of each side, in microseconds: ours, theirs.
    pub(crate) fn micros(&self, at: f64) -> (f64, f64) {
        (quantile(&self.ours, at), quantile(&self.theirs, at))
    }
}

/// The value below which this share of the values lies.
pub(crate) fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * at).round() as usize]
}
