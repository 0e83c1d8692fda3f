//! Kills the daemon with SIGKILL, at random moments and at each system call of a persist, and sees what is left.
//!
//! usage: `kill_campaign [KILLS [SEED]]`. Lanes run side by side, for each of the two ways in which the simulator may
//! treat an old refresh token. Every start after a kill must prove the sign-in by a refresh. Prints one PASS or
//! FAIL line a claim and the numbers as tables; fails when a claim does.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};

use entra_tests::Programs;

use self::lane::{AuditLog, Lane, Rotation};
use self::moments::Moments;
use self::report::Report;
use self::steps::Steps;

mod callers;
mod lane;
mod moments;
mod report;
mod steps;
mod window;

/// What was found under one kind of rotation.
pub(crate) struct Found {
    rotation: Rotation,
    moments: Moments,
    steps: Steps,
}

pub(crate) fn main() -> ExitCode {
    let Some((kills, seed)) = arguments() else {
        return report::usage();
    };
    let mut report = Report::begin(kills, seed);
    // While nothing else runs.
    let windows = window::measure(&programs());
    let running =
        [Rotation::Entra, Rotation::Strict].map(|rotation| (rotation, Running::start(rotation, kills, seed)));
    let all = running.map(|(rotation, running)| running.end(rotation));
    report.claims(&all, kills);
    report.tables(&all, &windows);
    report.status()
}

/// The lanes of one kind of rotation. A sign-in after a loss is mostly waiting, so there are more than processors.
struct Running {
    moments: Vec<JoinHandle<Moments>>,
    steps: JoinHandle<Steps>,
}

impl Running {
    fn start(rotation: Rotation, kills: usize, seed: u64) -> Self {
        let steps = thread::spawn(move || {
            let (mut lane, daemon) = Lane::begin(&programs(), rotation, AuditLog::Off);
            steps::run(&mut lane, daemon)
        });
        // Each lane draws a sequence of its own.
        let mut seeds = fastrand::Rng::with_seed(seed ^ rotation as u64);
        let moments = (0..LANES).map(|number| {
            let share = kills * (number + 1) / LANES - kills * number / LANES;
            let mut random = seeds.fork();
            thread::spawn(move || {
                let (mut lane, daemon) = Lane::begin(&programs(), rotation, AuditLog::Kept);
                let mut found = moments::run(&mut lane, daemon, share, &mut random);
                found.faults.extend(lane.fault_of_log());
                found
            })
        });
        Self { moments: moments.collect(), steps }
    }

    fn end(self, rotation: Rotation) -> Found {
        let mut moments = Moments::default();
        for lane in self.moments {
            match lane.join() {
                Ok(more) => moments.add(more),
                Err(_) => moments.faults.push(BROKE_OFF.to_owned()),
            }
        }
        let broken = |_| Steps { faults: vec![BROKE_OFF.to_owned()], ..Steps::default() };
        Found { rotation, moments, steps: self.steps.join().unwrap_or_else(broken) }
    }
}

fn arguments() -> Option<(usize, u64)> {
    let mut given = std::env::args().skip(1);
    let kills = given.next().map_or(Some(KILLS), |kills| kills.parse().ok()).filter(|kills| *kills > 0)?;
    let seed = given.next().map_or_else(|| Some(fastrand::u64(..)), |seed| seed.parse().ok())?;
    given.next().is_none().then_some((kills, seed))
}

/// Cargo puts the programs under test beside this one.
fn programs() -> Programs {
    let own = std::env::current_exe().expect("a path");
    let beside = |name: &str| -> PathBuf { own.with_file_name(name) };
    Programs { entra: beside("entra-under-test"), entrad: beside("entrad-under-test") }
}

/// What is known of a lane that ended early.
const BROKE_OFF: &str = "a lane panicked; standard error has more";

/// Lanes that share the kills at random moments.
const LANES: usize = 3;

/// Kills at random moments under each kind of rotation.
const KILLS: usize = 500;
