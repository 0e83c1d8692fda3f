//! A sign-in by the client, watched while it runs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::env::{Env, Ran, finish};

/// A running `entra login --json`. It is killed when this is dropped before its end.
pub struct Login {
    child: Option<Child>,
    events: Receiver<Value>,
}

/// Far above what any step takes.
const LIMIT: Duration = Duration::from_secs(30);

impl Env {
    /// Starts a sign-in by the client with these further options.
    ///
    /// # Panics
    /// When the client does not start.
    #[must_use]
    pub fn login(&self, more: &[&str]) -> Login {
        self.login_with(more, &[])
    }

    /// The same with these variables.
    ///
    /// # Panics
    /// When the client does not start.
    #[must_use]
    pub fn login_with(&self, more: &[&str], variables: &[(&str, &str)]) -> Login {
        let mut command = self.entra_command(&["login", "--json"]);
        command.envs(variables.iter().copied()).args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let stdout = child.stdout.take().expect("a pipe");
        let (tell, events) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(event).is_err() {
                    break;
                }
            }
        });
        Login { child: Some(child), events }
    }
}

impl Login {
    /// Waits for the next event; null after the last.
    ///
    /// # Panics
    /// When none comes for a long time.
    #[must_use]
    pub fn event(&self) -> Value {
        match self.events.recv_timeout(LIMIT) {
            Ok(event) => event,
            Err(RecvTimeoutError::Disconnected) => Value::Null,
            Err(RecvTimeoutError::Timeout) => panic!("no event came"),
        }
    }

    /// Waits for the next event that is so.
    ///
    /// # Panics
    /// When the events end before.
    #[must_use]
    pub fn event_where(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.event();
            assert!(!event.is_null(), "the events ended");
            if is_so(&event) {
                return event;
            }
        }
    }

    /// Interrupts the client as Ctrl-C does.
    pub fn interrupt(&self) {
        if let Some(child) = &self.child {
            crate::system::interrupt(child.id());
        }
    }

    /// Waits for the end: the last event, and what the client left.
    ///
    /// # Panics
    /// When it does not end.
    pub fn end(mut self) -> (Value, Ran) {
        let ran = finish(self.child.take().expect("a child until here"));
        let last = self.events.iter().last().unwrap_or_default();
        (last, ran)
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}
