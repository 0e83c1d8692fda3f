//! A running daemon.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::system;

/// A daemon that is ready. It is killed when this is dropped.
pub struct Daemon {
    child: Child,
    said: Receiver<String>,
}

/// Opening a passphrase takes a second on a slow machine.
const READY_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(15);

impl Daemon {
    /// Starts the command and waits for its ready line.
    ///
    /// # Panics
    /// When it does not get ready; its log says why.
    pub(crate) fn launch(command: &mut Command, log: File) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the daemon starts");
        let stdout = child.stdout.take().expect("a pipe");
        let (said, heard) = mpsc::channel();
        let daemon = Self { child, said: heard };
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if said.send(line).is_err() {
                    break;
                }
            }
        });
        match daemon.said.recv_timeout(READY_LIMIT) {
            Ok(line) => assert!(line.starts_with("ready "), "{line}"),
            Err(_) => panic!("the daemon did not get ready; see its log"),
        }
        daemon
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as a service manager does, and returns its exit status.
    ///
    /// # Panics
    /// When it does not stop.
    pub fn stop(self) -> i32 {
        self.stop_and_listen().0
    }

    /// The same, with what it printed after its ready line.
    ///
    /// # Panics
    /// When it does not stop.
    #[must_use]
    pub fn stop_and_listen(mut self) -> (i32, String) {
        system::stop(self.child.id()).expect("it was asked");
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                let said: Vec<String> = self.said.iter().collect();
                return (status.code().unwrap_or(-1), said.join("\n"));
            }
            assert!(Instant::now() < deadline, "the daemon did not stop");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it, as a power cut would.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("a status");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
