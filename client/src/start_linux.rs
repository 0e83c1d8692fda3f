//! What a program relies on before it does anything: three open streams, and a closed pipe that is an error
//! and not the end.
//!
//! The standard library's entry would do both; `main_linux.rs` says why it is not used.

use std::fs::OpenOptions;
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::stdio::{stderr, stdin, stdout};
use signal_hook::consts::SIGPIPE;

/// Prepares the process. What the system refuses is left as it is: the write that needs it will say so.
pub(crate) fn prepare() {
    open_streams();
    // Unlike a signal that is ignored, one that is handled does not stay so in programs that we start.
    let _refused = signal_hook::flag::register(SIGPIPE, Arc::new(AtomicBool::new(false)));
}

/// From now on other programs of the user's can neither read this process's memory nor trace it, and it leaves no core (prctl(2),
/// `PR_SET_DUMPABLE`). Called when there is a token to hold, and not before: it also keeps entrad from seeing which program
/// asks. What this process becomes or starts is as any other program.
pub(crate) fn close_memory() {
    // Where the kernel refuses, there is nobody to tell: the token is what was asked for.
    let _refused = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Opens `/dev/null` for each standard stream that is closed. Otherwise the socket would become that
/// stream, and a token could be written to it.
fn open_streams() {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let streams = [stdin(), stdout(), stderr()];
    let mut polled = streams.each_ref().map(|stream| PollFd::new(stream, PollFlags::empty()));
    if poll(&mut polled, Some(&at_once)).is_err() {
        return;
    }
    // The lowest free number is taken, so these become the closed ones, in order.
    for _ in polled.iter().filter(|stream| stream.revents().contains(PollFlags::NVAL)) {
        if let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
            let _kept_open = null.into_raw_fd();
        }
    }
}
