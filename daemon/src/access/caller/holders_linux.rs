//! Who holds the other end of a loopback connection.
//!
//! The kernel's table of connections has the number of the socket there, and each process that holds it has a link to it among its
//! descriptors (proc_pid_fd(5)). A process that closes itself to others is not seen; nor is who has passed the socket on and holds it
//! no more.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use super::HOLDERS_TIMEOUT;
use super::looker;
use super::process::Process;
use super::program;
use crate::access::neighbour;

/// Whether it can be told on this system.
pub(super) const ARE_TOLD: bool = true;

/// All of them that are seen; none where that took too long, or there are more than a few.
pub(super) fn of(ours: SocketAddr, theirs: SocketAddr) -> Vec<Process> {
    let until = Instant::now() + HOLDERS_TIMEOUT;
    let Some(socket) = neighbour::socket(ours, theirs) else { return Vec::new() };
    let mut found = Vec::new();
    for pid in processes_of_ours() {
        if Instant::now() > until || found.len() > MOST {
            return Vec::new();
        }
        if holds(pid, socket) {
            let process = Process::numbered(pid, program::now());
            // Asked again: the number was one process's from the first time until now.
            if process.is_still_there() && holds(pid, socket) {
                found.push(process);
            }
        }
    }
    found
}

/// The processes that run as our user and are not closed to others: those are root's for the look.
fn processes_of_ours() -> impl Iterator<Item = u32> {
    let us = rustix::process::geteuid().as_raw();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        entry.metadata().is_ok_and(|told| told.uid() == us).then_some(pid)
    })
}

/// Whether one of the process's descriptors is this socket. Confined we see that it has descriptors, and not what they are of.
fn holds(pid: u32, socket: u64) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let wanted = format!("socket:[{socket}]");
    let (mut highest, mut are_closed) = (0, false);
    for descriptor in descriptors.flatten() {
        let number = descriptor.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        highest = highest.max(number.unwrap_or_default());
        match fs::read_link(descriptor.path()) {
            Ok(end) if end == Path::new(&wanted) => return true,
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => are_closed = true,
            Ok(_) | Err(_) => {}
        }
    }
    are_closed && looker::holds(pid, socket, highest)
}

/// A browser's process, and those that it has just parted with to become other programs.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::os::fd::OwnedFd;
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    fn pids(ours: SocketAddr, theirs: SocketAddr) -> Vec<u32> {
        of(ours, theirs).into_iter().filter_map(|process| process.pid).collect()
    }

    #[test]
    fn who_connected_is_found_and_nobody_once_it_is_closed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, theirs) = (near.peer_addr().unwrap(), near.local_addr().unwrap());
        assert!(pids(ours, theirs).contains(&std::process::id()));
        assert!(pids(theirs, theirs).is_empty(), "there is no such connection");
        drop(near);
        let begun = Instant::now();
        // A child of another test's has it until it has become its program.
        while !pids(ours, theirs).is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(20), "somebody holds it still");
        }
    }

    #[test]
    fn everybody_who_holds_it_is_found() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, theirs) = (near.peer_addr().unwrap(), near.local_addr().unwrap());
        let passed_on = OwnedFd::from(near.try_clone().unwrap());
        let mut child = Command::new("sleep").arg("60").stdin(passed_on).spawn().unwrap();
        let found = pids(ours, theirs);
        drop(near);
        let left = pids(ours, theirs);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.contains(&std::process::id()) && found.contains(&child.id()), "{found:?}");
        assert!(left.contains(&child.id()), "{left:?}");
    }
}
