//! What entrad promises about speed, memory and silence, measured on the programs as they ship.
//!
//! Every time is a ratio to something that cannot be faster for the same reason: a whole `entra token` to
//! `/bin/true`, an answer of the daemon to the same bytes from a bare axum handler. Both sides alternate in
//! batches within one run, each batch gives one ratio, and the median of the ratios counts, so that a busy
//! machine slows both sides and moves the result little.
//!
//! `cargo bench -p entra-tests` prints; with `-- --check` it fails when a target is missed, and with
//! `-- --quick` it takes fewer rounds and a shorter look at the idle daemon. `ENTRAD_BUILT` names a folder with programs that were
//! built before. A part's name (`processes`,
//! `answer`, `audit`, `policy`, `identity`, `herd`, `hostile`, `growth` or `idle`) measures that part alone; `beside` measures against another build
//! of the daemon, which `ENTRAD_BESIDE` names, and `trace` lists the functions on the way of
//! `entra token`, for `packaging/build` to lay side by side.
#![expect(clippy::print_stdout, reason = "printing the figures is the job")]
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on ends with the reason")]

mod answer;
mod audit;
mod beside;
mod connection;
mod crowd;
mod figures;
mod growth;
mod herd;
mod hostile;
mod identity;
mod idle;
mod keys;
mod policy;
mod processes;
mod procfs;
mod server;
mod sides;
mod stage;
mod trace;

use std::process::ExitCode;

use figures::Figures;
use stage::Stage;

/// How long to measure.
#[derive(Clone, Copy)]
struct Effort {
    is_quick: bool,
}

pub(crate) fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if serve(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        return ExitCode::SUCCESS;
    }
    let (mut is_check, mut effort) = (false, Effort { is_quick: false });
    let mut wanted: Vec<Part> = Vec::new();
    for word in &words {
        match word.as_str() {
            // Cargo's own.
            "--bench" => {}
            "--check" => is_check = true,
            "--quick" => effort.is_quick = true,
            word => match PARTS.iter().find(|(name, _)| *name == word) {
                Some((_, part)) => wanted.push(*part),
                None => {
                    println!(
                        "{word} is not known; there are --check, --quick, processes, answer, audit, policy, identity, herd, hostile, growth, idle, beside and trace."
                    );
                    return ExitCode::from(2);
                }
            },
        }
    }
    if wanted.is_empty() {
        wanted.extend(
            PARTS.iter().filter(|(name, _)| !matches!(*name, "beside" | "trace")).map(|(_, part)| *part),
        );
    }
    let mut figures = Figures::default();
    let stage = Stage::set();
    for part in wanted {
        part(&stage, effort, &mut figures);
    }
    if is_check && figures.is_missed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Whether the words made this program the other side of a comparison, which serves until it is killed.
fn serve(words: &[&str]) -> bool {
    match words {
        [answer::BARE, socket, answer] => answer::serve_bare(socket, answer),
        [identity::BARE, place, answer] => identity::serve_bare(place, answer),
        [herd::ECHO, socket, answer, count, length] => herd::serve_echo(socket, answer, count, length),
        [hostile::ATTACK, kind, place, count, tally] => hostile::serve_attack(kind, place, count, tally),
        [keys::KEYS, socket, origin, refresh_token, first, count] => {
            keys::serve(socket, origin, refresh_token, first, count);
        }
        _ => return false,
    }
    true
}

type Part = fn(&Stage, Effort, &mut Figures);

const PARTS: [(&str, Part); 11] = [
    ("processes", processes::measure),
    ("answer", answer::measure),
    ("audit", audit::measure),
    ("policy", policy::measure),
    ("identity", identity::measure),
    ("herd", herd::measure),
    ("hostile", hostile::measure),
    ("growth", growth::measure),
    ("idle", idle::measure),
    ("beside", beside::measure),
    ("trace", trace::measure),
];
