//! The looker: a process of ours that follows the links of proc(5) for us, where Landlock does not let us.
//!
//! Who is confined by Landlock may look into no process outside its confinement (landlock(7), "Ptrace restrictions"), and so is not
//! shown what program another process runs. The looker parts from us before that. It is asked with the number of a process and the
//! name of a link, and answers with where the link leads, opened so that it can be told and not read; or whether a process holds a
//! socket. Nothing it says is taken for more than our own look: whether the number was the caller's all the while is asked after it
//! has answered.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags,
    SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::links::Link;
use super::looking::{self, Question};

/// Parts with the looker. Called before there is a secret or a second thread, by whoever will be confined later.
///
/// # Errors
/// Where the system makes no process. Then callers are known as far as Landlock leaves them to be seen.
pub fn start_looker() -> io::Result<()> {
    let looker = Looker::start()?;
    *LOOKER.lock().unwrap_or_else(PoisonError::into_inner) = Some(looker);
    Ok(())
}

/// Where the link leads, by the looker. It takes no longer than [`ANSWER_TIMEOUT`].
pub(super) fn follow(pid: u32, link: Link) -> Option<OwnedFd> {
    ask(Question::Link(pid, link))?.end
}

/// Whether the process holds this socket, by the looker; `highest` is the highest of its descriptors' numbers. It takes no longer
/// than [`ANSWER_TIMEOUT`].
pub(super) fn holds(pid: u32, socket: u64, highest: u32) -> bool {
    ask(Question::Socket(pid, socket, highest)).is_some_and(|answer| answer.is_yes)
}

fn ask(question: Question) -> Option<Answer> {
    let mut looker = LOOKER.lock().unwrap_or_else(PoisonError::into_inner);
    match looker.as_mut()?.ask(question) {
        Ok(answer) => Some(answer),
        Err(Silence::Late) => None,
        Err(Silence::Ended) => {
            *looker = None;
            tracing::warn!("{LOST}");
            None
        }
    }
}

static LOOKER: Mutex<Option<Looker>> = Mutex::new(None);

/// It ends as its socket is closed. One that has ended already is noted; another is when we end.
impl Drop for Looker {
    fn drop(&mut self) {
        let _noted = waitpid(Some(self.process), WaitOptions::NOHANG);
    }
}

const LOST: &str = "the process that looks at callers for entrad is gone; until entrad is started anew it is not known which \
                    program a caller runs";

struct Looker {
    socket: OwnedFd,
    process: Pid,
    asked: u64,
    answered: u64,
}

/// What it says.
#[derive(Debug)]
struct Answer {
    is_yes: bool,
    end: Option<OwnedFd>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// There may be one yet.
    Late,
    Ended,
}

impl Looker {
    fn start() -> io::Result<Self> {
        let (ours, its) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let process = looking::part(its)?;
        Ok(Self { socket: ours, process, asked: 0, answered: 0 })
    }

    /// Nobody waits a second time for one that is late: until all that it owes has come, it counts as away.
    fn ask(&mut self, question: Question) -> Result<Answer, Silence> {
        while self.answered < self.asked {
            drop(self.answer(Duration::ZERO)?);
        }
        let question = question.bytes();
        let (sent, flags) = ([IoSlice::new(&question)], SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
        sendmsg(&self.socket, &sent, &mut SendAncillaryBuffer::default(), flags)
            .map_err(|_| Silence::Ended)?;
        self.asked += 1;
        self.answer(ANSWER_TIMEOUT)
    }

    fn answer(&mut self, limit: Duration) -> Result<Answer, Silence> {
        let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
        let mut waiting = [PollFd::new(&self.socket, PollFlags::IN)];
        match poll(&mut waiting, Some(&limit)) {
            Ok(0) | Err(Errno::INTR) => return Err(Silence::Late),
            Ok(_) => {}
            Err(_) => return Err(Silence::Ended),
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let (mut ends, mut word) = (RecvAncillaryBuffer::new(&mut space), [0]);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let told = recvmsg(&self.socket, &mut [IoSliceMut::new(&mut word)], &mut ends, flags);
        if !told.is_ok_and(|told| told.bytes > 0) {
            return Err(Silence::Ended);
        }
        self.answered += 1;
        let end = ends.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut ends) => ends.next(),
            _ => None,
        });
        Ok(Answer { is_yes: word == [looking::YES], end })
    }
}

/// How long an answer is waited for. It is a system call, so only a machine that stands still takes longer.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(500);

#[cfg(test)]
#[path = "looker_linux_tests.rs"]
mod tests;
