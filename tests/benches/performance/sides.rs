//! Two daemons with one token each, asked in turn.
//!
//! What decides is the median of the ratios of short batches, with the threads that answer on one core and whoever asks on another:
//! no side is placed better than the other. A daemon's other threads, such as the audit log's, run where the kernel puts them.
//! Besides stand the best times, which a busy machine moves least; the same with those that answer and whoever asks on one core;
//! and the daemons' processor time, in which every thread of theirs counts.

use std::path::PathBuf;
use std::time::Instant;

use super::Effort;
use super::connection::{Connection, token_request};
use super::figures::{Figures, Pairs};
use super::processes;
use super::procfs::processor_time;
use super::stage::{Place, TARGET, Workstation, put};

pub(crate) struct Sides<'a> {
    /// The two, with a stroke between.
    pub(crate) what: &'a str,
    pub(crate) ours: &'a Workstation,
    pub(crate) theirs: &'a Workstation,
    /// The ratio that must not be above it.
    pub(crate) target: f64,
    pub(crate) effort: Effort,
}

impl Sides<'_> {
    /// `entra token` as a process.
    pub(crate) fn whole(&self, figures: &mut Figures) {
        let args = [&["token"], TARGET].concat();
        let (mut ours, mut theirs) =
            (self.ours.env.entra_command(&args), self.theirs.env.entra_command(&args));
        self.measure(figures, "entra token", processes::BATCH, |rounds| {
            processes::alternate(rounds, &mut ours, &mut theirs)
        });
    }

    /// An answer from memory, each over a new connection, and each over the same one.
    pub(crate) fn answers(&self, figures: &mut Figures) {
        let request = token_request(r#"{"resource":"graph"}"#);
        let (ours, theirs) = (self.ours.env.socket(), self.theirs.env.socket());
        let fresh = |socket: &PathBuf| {
            let start = Instant::now();
            Connection::open(socket).ask(&request);
            start.elapsed()
        };
        self.measure(figures, "an answer, new connection", Pairs::BATCH, |rounds| {
            Pairs::alternate(rounds, || fresh(&ours), || fresh(&theirs))
        });
        let (mut ours, mut theirs) = (Connection::open(&ours), Connection::open(&theirs));
        self.measure(figures, "an answer, kept connection", Pairs::BATCH, |rounds| {
            Pairs::alternate(rounds, || ours.time(&request), || theirs.time(&request))
        });
    }

    fn measure(
        &self,
        figures: &mut Figures,
        asked: &str,
        batch: usize,
        mut measured: impl FnMut(usize) -> Pairs,
    ) {
        let daemons = [self.ours.daemon.pid(), self.theirs.daemon.pid()];
        let rounds = if self.effort.is_quick { 300 } else { 2000 };
        for (place, name) in [(Place::Apart, "two cores"), (Place::Together, "one core")] {
            put(&daemons, place);
            let before = daemons.map(processor_time);
            let pairs = measured(rounds);
            let after = daemons.map(processor_time);
            put(&daemons, Place::Anywhere);
            let title = format!("{asked}, {name}, {}", self.what);
            if matches!(place, Place::Apart) {
                figures.target(&title, pairs.ratio(), "", self.target);
            } else {
                figures.note(&title, pairs.ratio(), "");
            }
            let (best, median) = (pairs.micros(BEST), pairs.micros(0.5));
            figures.note("  the same, the best fiftieth", best.0 / best.1, "");
            figures.note("  ours, p50", median.0, "µs");
            figures.note("  theirs, p50", median.1, "µs");
            for (side, at) in [("ours", 0), ("theirs", 1)] {
                let spent = after[at].saturating_sub(before[at]).as_secs_f64() * 1e6;
                figures.note(
                    &format!("  {side}, the daemon's processor time"),
                    spent / (rounds * batch) as f64,
                    "µs",
                );
            }
        }
    }
}

/// As good as the best, and not a single lucky one.
const BEST: f64 = 0.02;
