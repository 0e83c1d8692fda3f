//! How long the window is: from Entra's answer until the new refresh token is on the disk.
//!
//! Seen from beside the daemon, so that nothing slows it: the simulator tells when it has answered, the kernel
//! (inotify) when the new file has its name, and the caller when its token came, before which the folder was
//! flushed. A kill can hit the time until the name; a power cut the time until the flush.

use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::Leg;
use entra_tests::{Env, Programs, raw};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::time::Timespec;

use super::lane::{AuditLog, Lane, Rotation, wanted};

/// One refresh.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// From Entra's answer to the new name.
    pub(crate) renamed_after: Duration,
    /// From Entra's answer to the caller's token.
    pub(crate) flushed_within: Duration,
}

/// Times refreshes, one after the other, on a workstation of its own.
pub(crate) fn measure(programs: &Programs) -> Vec<Window> {
    let (lane, mut daemon) = Lane::begin(programs, Rotation::Strict, AuditLog::Kept);
    let mut windows = Vec::new();
    for _ in 0..STARTS {
        windows.extend((0..REFRESHES).map(|number| measure_one(&lane.env, number)));
        daemon.kill();
        daemon = lane.env.start();
    }
    windows
}

fn measure_one(env: &Env, number: usize) -> Window {
    let wanted = wanted(&format!("https://window-{number}.example"));
    let watch = inotify::init(CreateFlags::CLOEXEC).expect("inotify");
    inotify::add_watch(&watch, env.state_dir(), WatchFlags::MOVED_TO).expect("a watch");
    let control = env.sim().control();
    control.clear_requests();
    thread::scope(|scope| {
        let entra = scope.spawn(|| {
            control.wait_for_requests_blocking(Leg::Refresh, 1).expect("a refresh");
            Instant::now()
        });
        let disk = scope.spawn(|| {
            let limit = Timespec::try_from(LIMIT).expect("a short time");
            let ready = poll(&mut [PollFd::new(&watch, PollFlags::IN)], Some(&limit)).expect("a wait");
            let at = Instant::now();
            assert_eq!(ready, 1, "something is renamed");
            assert!(is_vault(&watch), "the vault is what was renamed");
            at
        });
        let answer = raw::post(&env.socket(), "/v1/token", &wanted);
        let told_at = Instant::now();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let (answered_at, renamed_at) = (entra.join().expect("a wait"), disk.join().expect("a wait"));
        Window {
            // Whoever watches the disk may be woken later than the caller.
            renamed_after: renamed_at.min(told_at).saturating_duration_since(answered_at),
            flushed_within: told_at.saturating_duration_since(answered_at),
        }
    })
}

fn is_vault(watch: impl AsFd) -> bool {
    let mut space = [MaybeUninit::uninit(); 1024];
    let mut events = Reader::new(watch, &mut space);
    let event = events.next().expect("an event");
    event.file_name().is_some_and(|name| name.to_bytes() == b"vault.sealed")
}

/// Refreshes in one life of a daemon: below its budget of 60 in five minutes.
const REFRESHES: usize = 50;
const STARTS: usize = 4;

/// Above the daemon's own limits.
const LIMIT: Duration = Duration::from_secs(30);
