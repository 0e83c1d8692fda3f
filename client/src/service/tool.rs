//! Running a program of the system's to its end, and what it says.
//!
//! The wait is bounded: the end of its output is waited for and then its own, and a program that takes too long is ended.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Said {
    /// Whether its exit status was zero.
    pub(crate) is_good: bool,
    /// Its exit status; none where a signal ended it.
    pub(crate) status: Option<i32>,
    /// What it printed.
    pub(crate) output: String,
    /// What it complained of.
    pub(crate) errors: String,
}

/// Runs it.
///
/// # Errors
/// When it cannot be started, or has not ended within [`LIMIT`].
pub(super) fn said_by(program: &OsStr, words: &[&str]) -> io::Result<Said> {
    let mut command = Command::new(program);
    command.args(words);
    said_within(command, LIMIT)
}

/// The same for a command with this limit.
///
/// # Errors
/// As [`said_by`].
pub(crate) fn said_within(mut command: Command, limit: Duration) -> io::Result<Said> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (output, errors) = (read(child.stdout.take()), read(child.stderr.take()));
    let end = Instant::now() + limit;
    let wait = |pipe: &Receiver<Vec<u8>>| pipe.recv_timeout(end.saturating_duration_since(Instant::now()));
    let (Ok(output), Ok(errors)) = (wait(&output), wait(&errors)) else {
        return Err(ended(child));
    };
    // Whoever has closed its output is as good as gone, but need not go.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            return Err(ended(child));
        }
        thread::sleep(A_MOMENT);
    };
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ok(Said { is_good: status.success(), status: status.code(), output: text(output), errors: text(errors) })
}

/// Ends what took too long.
fn ended(mut child: Child) -> io::Error {
    // It may have ended just now.
    let _ended = child.kill();
    let _ended = child.wait();
    io::ErrorKind::TimedOut.into()
}

/// Everything that comes, once it has ended.
fn read(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is all there is.
        let _ended = pipe.map(|pipe| pipe.take(MOST).read_to_end(&mut bytes));
        // Nobody waits any more after the limit.
        let _late = tell.send(bytes);
    });
    told
}

/// Longer than the units give entrad to start and to stop.
const LIMIT: Duration = Duration::from_secs(100);

/// What a process takes from the end of its output to its own.
const A_MOMENT: Duration = Duration::from_millis(1);

/// No answer is so long.
const MOST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_heard_and_its_status_seen() {
        let own = std::env::current_exe().unwrap();
        let said = said_by(own.as_os_str(), &["--list", "no-such-test"]).unwrap();
        assert!(said.is_good && said.output.contains("0 tests"), "{said:?}");
        let said = said_by(own.as_os_str(), &["--no-such-option"]).unwrap();
        assert!(!said.is_good && !said.errors.is_empty(), "{said:?}");
        assert!(said_by(OsStr::new("no-such-program-of-entra"), &[]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_says_nothing_more_and_stays_is_ended() {
        for script in ["exec sleep 60", "exec >&- 2>&-; exec sleep 60"] {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let begun = Instant::now();
            let error = said_within(command, Duration::from_millis(300)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
            assert!(begun.elapsed() < Duration::from_secs(30), "{script}");
        }
    }
}
