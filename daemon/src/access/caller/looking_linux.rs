//! The life of the looker: a process without a secret, that can open a file only to say which it is, can say where a link leads, and
//! can do nothing else.
//!
//! It parts from the daemon without becoming another program, since a service of ours executes none. What it runs neither allocates
//! nor takes a lock. It ends with the daemon, whichever way that ends, and no signal but the kernel's last one ends it before.
//! Source: fork(2), `PR_SET_PDEATHSIG(2const)`, seccomp(2).
#![expect(unsafe_code, reason = "fork, prctl and close_range have no safe interface")]

use std::convert::Infallible;
use std::ffi::CStr;
use std::io::{self, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat_raw};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};
use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};

use super::links::{FLAGS, Link};

/// What it is asked of a process, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Where this link of its leads.
    Link(u32, Link),
    /// Whether this socket is one of its descriptors, of which this is the highest.
    Socket(u32, u64, u32),
}

impl Question {
    pub(super) fn bytes(self) -> [u8; QUESTION] {
        let (pid, kind, socket, highest) = match self {
            Self::Link(pid, link) => (pid, link as u8, 0, 0),
            Self::Socket(pid, socket, highest) => (pid, SOCKET_KIND, socket, highest),
        };
        let mut bytes = [0; QUESTION];
        bytes[..4].copy_from_slice(&pid.to_ne_bytes());
        bytes[4..12].copy_from_slice(&socket.to_ne_bytes());
        bytes[12..16].copy_from_slice(&highest.to_ne_bytes());
        bytes[16] = kind;
        bytes
    }

    fn of(bytes: [u8; QUESTION]) -> Option<Self> {
        let [a, b, c, d, socket @ .., e, f, g, h, kind] = bytes;
        let (pid, highest) = (u32::from_ne_bytes([a, b, c, d]), u32::from_ne_bytes([e, f, g, h]));
        if kind == SOCKET_KIND {
            return Some(Self::Socket(pid, u64::from_ne_bytes(socket), highest));
        }
        Link::ALL.into_iter().find(|known| *known as u8 == kind).map(|link| Self::Link(pid, link))
    }
}

const QUESTION: usize = 17;
const SOCKET_KIND: u8 = u8::MAX;

/// Its word where the answer is no handle.
pub(super) const YES: u8 = 1;
const NO: u8 = 0;

/// Parts with a looker, which is asked over `socket`; it ends with this thread, or when the other end of the socket is closed.
///
/// # Errors
/// Where the system makes no process.
pub(super) fn part(socket: OwnedFd) -> io::Result<Pid> {
    part_to(&socket, live)
}

fn part_to(socket: &OwnedFd, live: fn(&OwnedFd) -> io::Result<Infallible>) -> io::Result<Pid> {
    let heard = hear(&no_signal()?)?;
    // SAFETY: the child does what a signal handler may: it allocates nothing, takes no lock and never returns.
    let parted = unsafe { libc::fork() };
    if parted == 0 {
        let Err(_ended) = live(socket);
        // SAFETY: it takes a number.
        unsafe { libc::_exit(0) }
    }
    let process = Pid::from_raw(parted).filter(|_| parted > 0).ok_or_else(io::Error::last_os_error);
    hear(&heard)?;
    process
}

/// The set that blocks every signal there is. A manager sends its signals to all processes of a service, and this one is to stay for
/// the last requests: it is deaf from its first moment, since they may come in that.
fn no_signal() -> io::Result<libc::sigset_t> {
    let mut all = MaybeUninit::uninit();
    // SAFETY: the set is ours to write.
    done(unsafe { libc::sigfillset(all.as_mut_ptr()) }.into())?;
    // SAFETY: it was filled.
    Ok(unsafe { all.assume_init() })
}

/// Blocks these signals for this thread and no other. Returns those that were blocked before.
fn hear(blocked: &libc::sigset_t) -> io::Result<libc::sigset_t> {
    let mut before = MaybeUninit::uninit();
    // SAFETY: one set is read, the other ours to write.
    match unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, blocked, before.as_mut_ptr()) } {
        // SAFETY: it was written.
        0 => Ok(unsafe { before.assume_init() }),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn live(socket: &OwnedFd) -> io::Result<Infallible> {
    confine(socket.as_raw_fd())?;
    // SAFETY: it was put there, and nothing closes it.
    let socket = unsafe { BorrowedFd::borrow_raw(SOCKET) };
    loop {
        let mut question = [0; QUESTION];
        let (length, _) = recv(socket, &mut question, RecvFlags::empty())?;
        if length != QUESTION {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match Question::of(question) {
            Some(Question::Link(pid, link)) => {
                let end = end_of(pid, link);
                answer(socket, NO, end.as_ref().map(AsFd::as_fd))?;
                if let Some(end) = end {
                    close(end);
                }
            }
            Some(Question::Socket(pid, wanted, highest)) => {
                let does_hold =
                    (0..=highest.min(MOST_DESCRIPTORS)).any(|number| is_socket(pid, number, wanted));
                answer(socket, if does_hold { YES } else { NO }, None)?;
            }
            None => answer(socket, NO, None)?,
        }
    }
}

/// More than a browser has; so many are looked at within some tenths of a second.
const MOST_DESCRIPTORS: u32 = 65_535;

/// Where the link leads.
fn end_of(pid: u32, link: Link) -> Option<OwnedFd> {
    let mut path = [0; 32];
    write!(&mut path[..], "/proc/{pid}/{}\0", link.name()).ok()?;
    openat(CWD, CStr::from_bytes_until_nul(&path).ok()?, FLAGS, Mode::empty()).ok()
}

/// Whether the descriptor of this number is that socket, as proc_pid_fd(5) writes it.
fn is_socket(pid: u32, number: u32, socket: u64) -> bool {
    let look = || {
        let (mut path, mut wanted, mut end) = ([0; 32], [0; 32], [MaybeUninit::uninit(); 32]);
        write!(&mut path[..], "/proc/{pid}/fd/{number}\0").ok()?;
        write!(&mut wanted[..], "socket:[{socket}]\0").ok()?;
        let (path, wanted) =
            (CStr::from_bytes_until_nul(&path).ok()?, CStr::from_bytes_until_nul(&wanted).ok()?);
        let (end, _) = readlinkat_raw(CWD, path, &mut end[..]).ok()?;
        Some(*end == *wanted.to_bytes())
    };
    look().unwrap_or(false)
}

/// Each question has one answer, if an empty one.
fn answer(socket: BorrowedFd<'_>, word: u8, end: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ends = SendAncillaryBuffer::new(&mut space);
    if let Some(end) = &end {
        ends.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(end)));
    }
    sendmsg(socket, &[IoSlice::new(&[word])], &mut ends, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// A build with debug assertions makes another system call than this one where a handle is dropped.
fn close(end: OwnedFd) {
    // SAFETY: nobody else has it.
    unsafe { rustix::io::close(end.into_raw_fd()) };
}

/// Gives up all that it does not need.
fn confine(socket: libc::c_int) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // SAFETY: they are numbers; what was open as `SOCKET` is closed by it.
    done(unsafe { libc::dup2(socket, SOCKET) }.into())?;
    // SAFETY: nobody uses or drops what is closed by it, since this process never returns.
    done(unsafe { libc::syscall(libc::SYS_close_range, SOCKET + 1, libc::c_int::MAX, 0) })?;
    // SAFETY: it is a text of C's, no longer than a process's name may be.
    done(unsafe { libc::prctl(libc::PR_SET_NAME, c"entrad-looker".as_ptr()) }.into())?;
    // SAFETY: they are numbers.
    done(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }.into())?;
    let mut filter = FILTER;
    let filter = libc::sock_fprog { len: LENGTH, filter: filter.as_mut_ptr() };
    // SAFETY: the filter is as long as it says, and copied by the call.
    done(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const filter) }.into())
}

fn done(result: libc::c_long) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

const SOCKET: libc::c_int = 0;

/// The system calls that are left, by seccomp's `struct seccomp_data`: to be asked, to answer, to close, to end, to say where a link
/// leads, and to open with `O_PATH`, by which nothing can be read, written or made. At any other the kernel ends the process.
const FILTER: [libc::sock_filter; LENGTH as usize] = [
    load(ARCHITECTURE),
    go_on_if(libc::BPF_JEQ, MACHINE, 10),
    load(NUMBER),
    allow(libc::SYS_recvfrom, 7),
    allow(libc::SYS_sendmsg, 6),
    allow(libc::SYS_close, 5),
    allow(libc::SYS_readlinkat, 4),
    allow(libc::SYS_exit_group, 3),
    go_on_if(libc::BPF_JEQ, word(libc::SYS_openat), 3),
    load(THIRD_ARGUMENT),
    go_on_if(libc::BPF_JSET, OFlags::PATH.bits(), 1),
    step(libc::BPF_RET, libc::SECCOMP_RET_ALLOW, 0, 0),
    step(libc::BPF_RET, libc::SECCOMP_RET_KILL_PROCESS, 0, 0),
];
const LENGTH: libc::c_ushort = 13;

/// Where they stand; of the argument the lower half, as both machines write numbers.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const THIRD_ARGUMENT: u32 = 32;

const fn load(from: u32) -> libc::sock_filter {
    step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, from, 0, 0)
}

/// Otherwise so many steps further, where the process is ended.
const fn go_on_if(test: u32, value: u32, to_the_end: u8) -> libc::sock_filter {
    step(libc::BPF_JMP | libc::BPF_K | test, value, 0, to_the_end)
}

const fn allow(call: libc::c_long, to_allowed: u8) -> libc::sock_filter {
    step(libc::BPF_JMP | libc::BPF_K | libc::BPF_JEQ, word(call), to_allowed, 0)
}

#[expect(clippy::cast_possible_truncation, reason = "steps are numbered below 256")]
const fn step(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt, jf, k }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "calls are numbered from 0, below 1,000"
)]
const fn word(call: libc::c_long) -> u32 {
    call as u32
}

/// `AUDIT_ARCH_*` of linux/audit.h. On a machine that is not known here the looker is ended at once.
#[cfg(target_arch = "x86_64")]
const MACHINE: u32 = 0xC000_003E;
#[cfg(target_arch = "aarch64")]
const MACHINE: u32 = 0xC000_00B7;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const MACHINE: u32 = 0;

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket, socketpair};
    use rustix::process::{WaitOptions, getppid, waitpid};

    use super::*;

    /// The signal that ends a process that does this once it is confined.
    fn ended_by(does: fn(&OwnedFd) -> io::Result<Infallible>) -> Option<i32> {
        let (_near, far) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let pid = part_to(&far, does).unwrap();
        waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap().1.terminating_signal()
    }

    #[test]
    fn it_can_open_nothing_for_reading_and_make_no_socket() {
        for (does, expected) in [
            (opens_to_know_which as fn(&OwnedFd) -> io::Result<Infallible>, None),
            (asks_where_a_link_leads, None),
            (opens_to_read, Some(libc::SIGSYS)),
            (makes_a_socket, Some(libc::SIGSYS)),
            (asks_who_started_it, Some(libc::SIGSYS)),
        ] {
            assert_eq!(ended_by(does), expected);
        }
    }

    #[test]
    fn what_is_asked_is_understood() {
        let socket = Question::Socket(7, u64::MAX - 1, 12);
        let links = Link::ALL.map(|link| Question::Link(u32::MAX, link));
        for question in links.into_iter().chain([socket]) {
            assert_eq!(Question::of(question.bytes()), Some(question));
        }
        assert_eq!(Question::of([9; QUESTION]), None);
    }

    fn opens_to_know_which(socket: &OwnedFd) -> io::Result<Infallible> {
        confine(socket.as_raw_fd())?;
        close(openat(CWD, "/", FLAGS, Mode::empty())?);
        Err(io::ErrorKind::Other.into())
    }

    fn asks_where_a_link_leads(socket: &OwnedFd) -> io::Result<Infallible> {
        confine(socket.as_raw_fd())?;
        assert!(!is_socket(1, 0, 7));
        Err(io::ErrorKind::Other.into())
    }

    fn opens_to_read(socket: &OwnedFd) -> io::Result<Infallible> {
        confine(socket.as_raw_fd())?;
        drop(openat(CWD, "/", OFlags::RDONLY, Mode::empty())?);
        Err(io::ErrorKind::Other.into())
    }

    fn makes_a_socket(its: &OwnedFd) -> io::Result<Infallible> {
        confine(its.as_raw_fd())?;
        drop(socket(AddressFamily::UNIX, SocketType::STREAM, None)?);
        Err(io::ErrorKind::Other.into())
    }

    fn asks_who_started_it(socket: &OwnedFd) -> io::Result<Infallible> {
        confine(socket.as_raw_fd())?;
        assert_ne!(getppid(), None);
        Err(io::ErrorKind::Other.into())
    }
}
