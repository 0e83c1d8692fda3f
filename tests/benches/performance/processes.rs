//! `entra token` as a whole process against `/bin/true`: what it costs a tool to ask each time.
//!
//! Both are started by `posix_spawn` with the same environment and the same null streams, and timed from
//! the call to the end of the wait. Instructions come from callgrind, which counts the same on every run.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Effort;
use super::figures::{Figures, Pairs};
use super::stage::{Stage, TARGET, hold_to_one_core};

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    let args = [&["token"], TARGET].concat();
    let mut entra = workstation.env.entra_command(&args);
    let mut nothing = workstation.env.command(NOTHING.as_ref());
    let rounds = if effort.is_quick { 150 } else { 1000 };
    let free = alternate(rounds, &mut entra, &mut nothing);
    figures.target("entra token, cached, whole process / true", free.ratio(), "", 1.0);
    report(figures, "", &free);
    hold_to_one_core(&[workstation.daemon.pid()], true);
    let held = alternate(rounds, &mut entra, &mut nothing);
    hold_to_one_core(&[workstation.daemon.pid()], false);
    figures.note("the same with daemon and client on one core / true", held.ratio(), "");
    report(figures, ", one core", &held);
    for (name, command) in [("entra token", &entra), ("true", &nothing)] {
        let name = format!("  {name}, instructions");
        match instructions(command) {
            Ok(count) => figures.note(&name, count, ""),
            Err(reason) => figures.skip(&name, &reason),
        }
    }
}

fn report(figures: &mut Figures, place: &str, pairs: &Pairs) {
    for (name, at) in [("p50", 0.5), ("p99", 0.99)] {
        let (ours, theirs) = pairs.micros(at);
        figures.note(&format!("  entra token{place}, {name}"), ours, "µs");
        figures.note(&format!("  true{place}, {name}"), theirs, "µs");
    }
}

/// Times whole processes of both in turn.
pub(crate) fn alternate(rounds: usize, entra: &mut Command, nothing: &mut Command) -> Pairs {
    let mut pairs = Pairs::default();
    for round in 0..rounds {
        // Who goes first changes, since the second may find a warmer machine.
        let (ours, theirs) = if round % 2 == 0 {
            let ours = batch(entra);
            (ours, batch(nothing))
        } else {
            let theirs = batch(nothing);
            (batch(entra), theirs)
        };
        pairs.add(&ours, &theirs);
    }
    pairs
}

const NOTHING: &str = "/bin/true";

/// Short, so that both sides see the same machine.
pub(crate) const BATCH: usize = 5;

fn batch(command: &mut Command) -> Vec<Duration> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    (0..BATCH)
        .map(|_| {
            let start = Instant::now();
            let status = command.status().unwrap();
            let took = start.elapsed();
            assert!(status.success(), "{command:?}: {status}");
            took
        })
        .collect()
}

fn instructions(command: &Command) -> Result<f64, String> {
    let mut counted = Command::new("valgrind");
    counted.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    counted.arg(command.get_program()).args(command.get_args()).env_clear();
    counted.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = counted.output().map_err(|error| format!("valgrind does not start: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
        .ok_or_else(|| format!("valgrind counted nothing: {said}"))
}
