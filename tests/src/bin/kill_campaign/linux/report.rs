//! What the campaign says: a line a claim, and the numbers.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is where it is said")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::Found;
use super::lane::{OnDisk, Rotation};
use super::steps::Step;
use super::window::Window;

/// Counts the claims that failed.
pub(crate) struct Report {
    begun: Instant,
    failed: usize,
}

/// How to call it.
pub(crate) fn usage() -> ExitCode {
    eprintln!("usage: kill_campaign [KILLS [SEED]]");
    ExitCode::from(2)
}

impl Report {
    /// Says what is to come.
    pub(crate) fn begin(kills: usize, seed: u64) -> Self {
        println!("{kills} kills at random moments under each kind of rotation; seed {seed}");
        Self { begun: Instant::now(), failed: 0 }
    }

    /// What must hold.
    pub(crate) fn claims(&mut self, all: &[Found; 2], kills: usize) {
        for Found { rotation, moments, steps } in all {
            let mut faults = moments.faults.clone();
            if moments.kills() != kills {
                faults.push(format!("there were {} kills", moments.kills()));
            }
            let lost_at = steps.done.iter().filter(|step| !step.is_kept).count();
            let (random, stepwise) = match rotation {
                Rotation::Entra => (", 0 sign-ins lost".to_owned(), ", 0 sign-ins lost".to_owned()),
                Rotation::Strict => (
                    format!(", {} sign-ins lost, each by a kill in the window", moments.lost),
                    format!(", the sign-in lost at the {lost_at} up to the rename and at none after it"),
                ),
            };
            self.claim(*rotation, &format!("{kills} kills at random moments{random}"), &faults);
            let calls = steps.done.len();
            self.claim(
                *rotation,
                &format!("a kill at each of the {calls} calls of a persist{stepwise}"),
                &steps.faults,
            );
        }
    }

    /// The numbers.
    pub(crate) fn tables(&self, all: &[Found; 2], measured: &[Window]) {
        windows(measured);
        for found in all {
            numbers(found);
        }
        let [one, other] = all.each_ref().map(|found| &found.steps.done);
        // Both are the same persist, unless a lane broke off.
        if one.iter().map(|step| &step.call).eq(other.iter().map(|step| &step.call)) {
            steps(one, other);
        }
        println!("\n{} s in all", self.begun.elapsed().as_secs());
    }

    /// The exit status.
    pub(crate) fn status(&self) -> ExitCode {
        ExitCode::from(u8::from(self.failed > 0))
    }

    fn claim(&mut self, rotation: Rotation, claim: &str, faults: &[String]) {
        if faults.is_empty() {
            println!("PASS kill: under {rotation}: {claim}");
            return;
        }
        self.failed += 1;
        println!("FAIL kill: under {rotation}: {claim}: {} faults", faults.len());
        for fault in faults.iter().take(SHOWN) {
            println!("     {fault}");
        }
    }
}

fn numbers(found: &Found) {
    let moments = &found.moments;
    let row = |name: &str, value: String| println!("  {name:<62} {value:>11}");
    println!("\nUnder {}, at random moments", found.rotation);
    row("kills while refreshing", moments.refreshing.to_string());
    row("  when all was done already", moments.idle.to_string());
    row("kills while starting", moments.starting.to_string());
    row("starts that had to prove the sign-in", moments.proofs.to_string());
    row("kills that left an unfinished file, cleaned by the next start", moments.leftovers.to_string());
    row("kills in the window, after Entra's answer, before the rename", moments.in_window.to_string());
    row("sign-ins lost", moments.lost.to_string());
    let share = |count: usize| format!("{:.1} %", 100.0 * count as f64 / moments.refreshing.max(1) as f64);
    row("  of the kills while refreshing", share(moments.lost));
}

fn windows(windows: &[Window]) {
    println!("\nThe window: from Entra's answer, of {} refreshes on loopback", windows.len());
    let row = |name: &str, of: fn(&Window) -> Duration| {
        let mut spans: Vec<_> = windows.iter().map(of).collect();
        spans.sort();
        let median = spans.get(spans.len() / 2).copied().unwrap_or_default();
        let max = spans.last().copied().unwrap_or_default();
        println!("  {name:<62} median {:>7}   max {:>7}", milliseconds(median), milliseconds(max));
    };
    row("to the rename (what a kill can hit)", |window| window.renamed_after);
    row("to the flush of the folder, at most (what a power cut can hit)", |window| window.flushed_within);
}

fn steps(entra: &[Step], strict: &[Step]) {
    println!("\nKilled at the entry of each call of a persist (the call is not carried out)");
    println!(
        "  {:>2} {:<12} {:<18} {:<15} {:<16} strict rotation",
        "", "call", "unfinished file", "token on disk", "Entra's rotation"
    );
    for (at, (entra, strict)) in entra.iter().zip(strict).enumerate() {
        let fate = |step: &Step| if step.is_kept { "kept" } else { "lost" };
        let leftover = if entra.has_leftover { "left" } else { "" };
        let token = match entra.on_disk {
            OnDisk::Newest => "new",
            OnDisk::OneBefore => "old",
            OnDisk::Wrong => "wrong",
        };
        println!(
            "  {:>2} {:<12} {leftover:<18} {token:<15} {:<16} {}",
            at + 1,
            entra.call,
            fate(entra),
            fate(strict)
        );
    }
}

fn milliseconds(span: Duration) -> String {
    format!("{:.2} ms", span.as_secs_f64() * 1_000.0)
}

/// Faults that are printed; the first ones tell most.
const SHOWN: usize = 10;
