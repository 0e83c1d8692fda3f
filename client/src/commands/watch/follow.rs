//! The daemon's events, over as many connections as it takes.
//!
//! A daemon that restarts, or is not there yet, is tried again after growing pauses; one that is somebody else's, or
//! knows no prompts, is not.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use entra_proto::error::exit;
use entra_proto::limits::{ANSWER_TIMEOUT, CLIENT_TIMEOUT};

use super::Happening;
use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;

/// Follows in a thread of its own, which ends with the process.
pub(super) fn start(socket: Socket, tell: Sender<Happening>) {
    thread::spawn(move || {
        let mut pauses = Pauses::default();
        loop {
            let failure = follow(&socket, &tell, &mut pauses);
            if !may_pass(&failure) {
                let _ = tell.send(Happening::Failed(failure));
                return;
            }
            let _ = tell.send(Happening::Lost(failure));
            thread::sleep(pauses.next());
        }
    });
}

/// Passes on the events of one connection, and says why there are no more.
fn follow(socket: &Socket, tell: &Sender<Happening>, pauses: &mut Pauses) -> Failure {
    let mut followed = || -> Result<(), Failure> {
        let said = socket.connect_within(ANSWER_TIMEOUT, CLIENT_TIMEOUT)?.prompt_and_consent_events()?;
        let mut events = heard(said)?;
        let _ = tell.send(Happening::Connected);
        while let Some(event) = events.next_event()? {
            *pauses = Pauses::default();
            let _ = tell.send(Happening::Event(event));
        }
        Ok(())
    };
    let ended = || Failure::new(exit::NO_DAEMON, "connection_lost", "entrad has stopped.");
    followed().err().unwrap_or_else(ended)
}

/// Whether it is another matter as soon as a daemon runs, or has time.
fn may_pass(failure: &Failure) -> bool {
    matches!(failure.exit(), exit::LATER | exit::NO_DAEMON)
}

/// The pauses between tries.
#[derive(Debug)]
struct Pauses(Duration);

impl Pauses {
    fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = (pause * 2).min(LONGEST_PAUSE);
        pause
    }
}

impl Default for Pauses {
    fn default() -> Self {
        Self(FIRST_PAUSE)
    }
}

/// A restart takes less.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Often enough for a daemon that a person starts by hand, and nothing to a processor.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_minute() {
        let mut pauses = Pauses::default();
        let taken: Vec<u64> = (0..8).map(|_| pauses.next().as_secs()).collect();
        assert_eq!(taken, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn only_what_passes_is_tried_again() {
        for (status, passes) in
            [(exit::NO_DAEMON, true), (exit::LATER, true), (exit::REFUSED, false), (exit::INTERNAL, false)]
        {
            assert_eq!(may_pass(&Failure::new(status, "x", "It is so.")), passes, "{status}");
        }
    }
}
