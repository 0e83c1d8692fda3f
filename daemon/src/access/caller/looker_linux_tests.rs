//! The looker, asked, stopped and killed.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Instant;

use rustix::process::{Signal, kill_process};

use super::super::digest;
use super::super::elsewhere::is_in_container;
use super::super::holders;
use super::super::links::End;
use super::super::pidfd::Handle;
use super::super::process::{Process, file_at};
use super::*;
use crate::harden::{Own, confine};

struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }

    /// It has the connection for its input.
    fn with(connection: TcpStream) -> Self {
        Self(Command::new("sleep").arg("60").stdin(OwnedFd::from(connection)).spawn().unwrap())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The file of `sleep`, without links.
fn sleep() -> PathBuf {
    fs::canonicalize("/bin/sleep").unwrap()
}

fn handle_of(looker: &Looker) -> Handle {
    Handle::of(u32::try_from(looker.process.as_raw_pid()).unwrap()).unwrap()
}

fn program_of(pid: u32) -> Question {
    Question::Link(pid, Link::Program)
}

/// Its answer, however long a machine that is held up takes for it.
fn answered(looker: &mut Looker, question: Question) -> Answer {
    let begun = Instant::now();
    loop {
        match looker.ask(question) {
            Ok(answer) => return answer,
            Err(silence) => assert_eq!(silence, Silence::Late),
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "it does not answer");
        thread::sleep(Duration::from_millis(5));
    }
}

fn await_end(handle: &Handle) {
    let begun = Instant::now();
    while handle.is_running() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is there still");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_is_confined_is_shown_by_the_looker_what_others_run_and_hold() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (ours, theirs) = (near.peer_addr().unwrap(), near.local_addr().unwrap());
    let (sleeper, folder) = (Sleeper::with(near), tempfile::tempdir().unwrap());
    let pid = sleeper.0.id();
    let confined = thread::spawn(move || {
        start_looker().unwrap();
        confine(&Own { written: vec![folder.path().to_owned()], ..Own::default() });
        if fs::read_link(format!("/proc/{pid}/exe")).is_ok() {
            // A kernel without Landlock, where there is nothing to see.
            return;
        }
        let end = End::of(pid, Link::Program).unwrap();
        assert_eq!((end.path(), end.file()), (Some(sleep()), file_at(&sleep())));
        assert!(digest::of_program(pid, end.file().unwrap()).is_some());
        assert!(Link::ALL.into_iter().all(|link| End::of(pid, link).is_some()));
        assert_eq!(End::of(pid, Link::Root).unwrap().path().as_deref(), Some(Path::new("/")));
        assert_eq!(End::of(pid, Link::Folder).unwrap().path(), std::env::current_dir().ok());
        assert!(!is_in_container(pid));
        let process = Process::numbered(pid, 0);
        assert_eq!(process.program.and_then(|program| program.file), file_at(&sleep()));
        assert!(End::of(u32::MAX, Link::Program).is_none());
        let holds = || holders::of(ours, theirs).iter().any(|process| process.pid == Some(pid));
        assert!(holds());
        // Without it the process's own word is left.
        *LOOKER.lock().unwrap() = None;
        assert!(!holds());
        assert!(End::of(pid, Link::Program).is_none());
        let program = Process::numbered(pid, 0).program.unwrap();
        assert_eq!((program.path, program.file), ("sleep".into(), None));
    });
    confined.join().unwrap();
}

#[test]
fn it_ends_with_its_socket_and_with_the_thread_that_parted_with_it() {
    let looker = Looker::start().unwrap();
    let handle = handle_of(&looker);
    assert!(handle.is_running());
    drop(looker);
    await_end(&handle);

    // One that has answered will hear of the end of its thread.
    let (give, take) = channel();
    let parted = thread::spawn(move || {
        let mut looker = Looker::start().unwrap();
        answered(&mut looker, program_of(1));
        give.send(looker)
    });
    let looker = take.recv().unwrap();
    parted.join().unwrap().unwrap();
    await_end(&handle_of(&looker));
}

#[test]
fn it_hears_no_signal_but_the_last_and_has_given_up_what_it_could() {
    let (mut looker, sleeper) = (Looker::start().unwrap(), Sleeper::new());
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1] {
        kill_process(looker.process, signal).unwrap();
    }
    assert!(answered(&mut looker, program_of(sleeper.0.id())).end.is_some());
    let status = fs::read_to_string(format!("/proc/{}/status", looker.process.as_raw_pid())).unwrap();
    for line in ["Name:\tentrad-looker", "NoNewPrivs:\t1", "Seccomp:\t2", "Threads:\t1"] {
        assert!(status.lines().any(|it| it == line), "no {line} in {status}");
    }
    // Whose folder is root's is not dumpable; as root nothing is to be seen of that. An answer is closed after it has come.
    let open = || fs::read_dir(format!("/proc/{}/fd", looker.process.as_raw_pid())).map(Iterator::count);
    let begun = Instant::now();
    while open().is_ok_and(|open| open > 1) {
        assert!(begun.elapsed() < Duration::from_secs(20), "more than its socket is open");
        thread::sleep(Duration::from_millis(5));
    }
    kill_process(looker.process, Signal::KILL).unwrap();
    await_end(&handle_of(&looker));
    assert_eq!(looker.ask(program_of(sleeper.0.id())).unwrap_err(), Silence::Ended);
}

#[test]
fn one_that_is_late_is_waited_for_once_until_it_has_caught_up() {
    let (mut looker, sleeper) = (Looker::start().unwrap(), Sleeper::new());
    // Stopped sooner, it would hold what other tests have open.
    assert!(answered(&mut looker, program_of(sleeper.0.id())).end.is_some());
    let asked = looker.asked;
    kill_process(looker.process, Signal::STOP).unwrap();
    let begun = Instant::now();
    assert_eq!(looker.ask(program_of(sleeper.0.id())).unwrap_err(), Silence::Late);
    assert!(begun.elapsed() >= ANSWER_TIMEOUT);
    for _ in 0..1000 {
        assert_eq!(looker.ask(program_of(sleeper.0.id())).unwrap_err(), Silence::Late);
    }
    assert_eq!(looker.asked, asked + 1, "nobody asks who is late");
    kill_process(looker.process, Signal::CONT).unwrap();
    let end = answered(&mut looker, program_of(sleeper.0.id())).end.unwrap();
    let path = fs::read_link(format!("/proc/self/fd/{}", end.as_raw_fd()));
    assert_eq!(path.unwrap(), sleep());
    assert!(answered(&mut looker, program_of(u32::MAX)).end.is_none(), "an answer of nothing is one");
}
