//! Who speaks for another machine or container: SSH's server, which holds the near end of a forwarded socket (sshd(8)), and
//! processes of another process namespace (pid_namespaces(7)) or with other files (mount_namespaces(7)), which is how containers
//! come.
//!
//! It fails closed: a process that cannot be looked at is taken for one from elsewhere.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::links::{End, Link};
use super::process::Process;
use super::program;

/// Whether the process behind a connection is one of these. The kernel gives no number, or 0, for one that our namespace
/// does not hold.
pub(super) fn is_from(process: &Process) -> bool {
    let Some(pid) = process.pid.filter(|_| process.mark.is_some()) else { return true };
    is_forwarded(pid) || is_in_other_processes(pid) || !process.is_still_there()
}

/// Whether it is certain that it is none of these, and that it has the same files around it.
pub(super) fn is_from_here(process: &Process) -> bool {
    let Some(pid) = process.pid.filter(|_| process.mark.is_some()) else { return false };
    !is_forwarded(pid) && !is_in_container(pid) && process.is_still_there()
}

/// Whether it is an SSH server's process: by its program, and by the name that it goes by.
pub(super) fn is_forwarded(pid: u32) -> bool {
    let program = program::link_of(pid);
    let is_server =
        program.as_deref().and_then(Path::file_name).and_then(OsStr::to_str).is_some_and(is_ssh_server);
    is_server || name_of(pid).is_none_or(|name| is_ssh_server(&name))
}

/// Whether it has other processes around it than we have, or other files.
pub(super) fn is_in_container(pid: u32) -> bool {
    is_in_other_processes(pid) || has_other_files(pid)
}

/// Whether a path may lead it to another file than us. Where we are not told, nothing is known of its files anyway.
pub(super) fn has_other_files(pid: u32) -> bool {
    is_other(pid, Link::Mounts).unwrap_or(false)
}

/// The link may be read where the process may be traced; where it may not, the parent's word for its children has to do, and
/// a process of our own user that we see by number is one of our namespace or of one below.
fn is_in_other_processes(pid: u32) -> bool {
    is_other(pid, Link::Processes).unwrap_or_else(|| has_inner_number(pid))
}

fn is_other(pid: u32, namespace: Link) -> Option<bool> {
    let of = |pid| End::of(pid, namespace)?.path();
    Some(of(std::process::id())? != of(pid)?)
}

/// The kernel's own name for it, which is its program's until it chooses another; comm of proc(5) has no right to ask for.
fn name_of(pid: u32) -> Option<String> {
    // Of any bytes: a process may call itself as it likes.
    let name = fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&name).trim_end().to_owned())
}

/// `sshd-session` has the connections since OpenSSH 9.8; `sshd` had them before, and `sshd-auth` has none.
fn is_ssh_server(name: &str) -> bool {
    matches!(name, "sshd" | "sshd-session" | "dropbear")
}

/// Of a process in a namespace below ours, the kernel tells more than one number: `NSpid` of proc(5).
fn has_inner_number(pid: u32) -> bool {
    let Ok(status) = fs::read(format!("/proc/{pid}/status")) else { return true };
    let status = String::from_utf8_lossy(&status);
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_ascii_whitespace().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_is_from_here_and_nobody_is_not() {
        assert!(!is_from(&Process::ourselves()) && !is_in_container(std::process::id()));
        assert!(!has_inner_number(std::process::id()) || !is_in_other_processes(std::process::id()));
        assert!(is_from(&Process::numbered(u32::MAX, 0)) && is_from(&Process::numbered(0, 0)));
    }

    #[test]
    fn an_ssh_server_is_known_by_its_name() {
        assert!(is_ssh_server("sshd") && is_ssh_server("sshd-session"));
        assert!(!is_ssh_server("ssh") && !is_ssh_server("bash"));
    }
}
