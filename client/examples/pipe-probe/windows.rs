//! The two parts, in the house's own terms of pipes: a file that is opened by its name, and ends that are made.
#![expect(unsafe_code, reason = "pipes are served with functions of Windows")]
#![expect(clippy::print_stdout, reason = "what was seen is what it is for")]

use std::env::args;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write, stdout};
use std::os::windows::io::AsRawHandle;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use entra_proto::http1::{Answer, write_request};
use entra_proto::limits::HEAD_TIMEOUT;
use entra_proto::token::{TokenAnswer, TokenRequest};
use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;
use windows_sys::Win32::System::Pipes::DisconnectNamedPipe;

use super::pipe_end::{new_end, wait_for_caller};

type Failure = Box<dyn std::error::Error>;

pub(super) fn main() -> ExitCode {
    let words: Vec<_> = args().skip(1).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let done = match *words {
        ["crowd", pipe, count] => count.parse().map_err(Failure::from).and_then(|count| crowd(pipe, count)),
        ["hold", pipe, owner, ends] => {
            ends.parse().map_err(Failure::from).and_then(|ends| hold(pipe, owner, ends))
        }
        _ => Err("say: crowd PIPE COUNT, or hold PIPE OWNER ENDS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Opens the connections one after the other, asks over each, and only then reads the answers.
fn crowd(pipe: &str, count: usize) -> Result<(), Failure> {
    let begun = Instant::now();
    let mut callers = (0..count).map(|_| open(pipe)).collect::<io::Result<Vec<_>>>()?;
    let opened = begun.elapsed();
    // Whoever has not asked by then is sent away.
    if opened >= HEAD_TIMEOUT {
        return Err(format!("opening {count} connections took {opened:?}").into());
    }
    say(&format!("opened {count} {}", opened.as_millis()));
    let request = TokenRequest { resource: Some("graph".to_owned()), ..TokenRequest::default() };
    let request = serde_json::to_vec(&request)?;
    let begun = Instant::now();
    for caller in &mut callers {
        write_request(caller, "POST", "/v1/token", None, Some(&request))?;
    }
    let mut tokens = Vec::new();
    for caller in callers {
        let mut answer = Answer::new(caller);
        let head = answer.head()?;
        let body = answer.body(&head)?;
        if head.status != 200 {
            return Err(format!("one was answered {}: {}", head.status, String::from_utf8_lossy(body)).into());
        }
        tokens.push(serde_json::from_slice::<TokenAnswer>(body)?.access_token);
    }
    say(&format!("answered {} {}", tokens.len(), begun.elapsed().as_millis()));
    Ok(())
}

/// A free end may be lacking for a moment, as the daemon makes the next one when one is taken.
fn open(pipe: &str) -> io::Result<File> {
    let end = Instant::now() + HEAD_TIMEOUT;
    loop {
        match OpenOptions::new().read(true).write(true).open(pipe) {
            Err(error) if is(&error, ERROR_PIPE_BUSY) && Instant::now() < end => {
                thread::sleep(Duration::from_millis(1));
            }
            opened => return opened,
        }
    }
}

/// Takes the name, and serves whoever comes until it is ended itself.
fn hold(pipe: &str, owner: &str, ends: u32) -> Result<(), Failure> {
    let mut taken = new_end(pipe, &format!("O:{owner}D:P(A;;GA;;;WD)"), ends)?;
    say(&format!("holding {}", std::process::id()));
    loop {
        wait_for_caller(&taken)?;
        let mut heard = Vec::new();
        // However the caller leaves, what came before counts.
        let _left = taken.read_to_end(&mut heard);
        say(&format!("heard {}", heard.len()));
        // SAFETY: the pipe is open. The end stays, and with it the name.
        if unsafe { DisconnectNamedPipe(taken.as_raw_handle()) } == 0 {
            return Err(io::Error::last_os_error().into());
        }
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

fn say(line: &str) {
    println!("{line}");
    // Without a reader there is nobody to fail for.
    let _unheard = stdout().flush();
}
