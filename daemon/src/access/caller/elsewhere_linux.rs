//! Who speaks for another machine or container: SSH's server, which holds the near end of a forwarded socket (sshd(8)), and
//! processes of another process namespace (pid_namespaces(7)) or with other files (mount_namespaces(7)), which is how containers
//! come.
//!
//! It fails closed: a process that cannot be looked at is taken for one from elsewhere.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::links::{Link, leads_to};
use super::process::Process;
use super::program;

/// Whether the process behind a connection is one of these. The kernel gives no number, or 0, for one that our namespace
/// does not hold.
pub(super) fn is_from(process: &Process) -> bool {
    let Some(pid) = process.pid.filter(|_| process.mark.is_some()) else { return true };
    has_forwarded(process, pid) || is_in_other_processes(pid) || !process.is_still_there()
}

/// Whether it is certain that it is none of these, and that it has the same files around it.
pub(super) fn is_from_here(process: &Process) -> bool {
    let Some(pid) = process.pid.filter(|_| process.mark.is_some()) else { return false };
    !has_forwarded(process, pid) && !is_in_container(pid) && process.is_still_there()
}

/// By the program that connected, and by the name that it goes by now.
fn has_forwarded(process: &Process, pid: u32) -> bool {
    process.program.as_ref().is_some_and(|program| is_ssh_server(&program.path)) || is_named_ssh_server(pid)
}

/// Whether it is an SSH server's process: by its program, and by the name that it goes by.
pub(super) fn is_forwarded(pid: u32) -> bool {
    program::link_of(pid).is_some_and(|program| is_ssh_server(&program)) || is_named_ssh_server(pid)
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
    let ours = if namespace == Link::Mounts { &OUR_FILES } else { &OUR_PROCESSES };
    Some(*ours.as_ref()? != leads_to(pid, namespace)?)
}

/// We stay where we are.
static OUR_FILES: LazyLock<Option<PathBuf>> = LazyLock::new(|| leads_to(std::process::id(), Link::Mounts));
static OUR_PROCESSES: LazyLock<Option<PathBuf>> =
    LazyLock::new(|| leads_to(std::process::id(), Link::Processes));

fn is_ssh_server(program: &Path) -> bool {
    program.file_name().is_some_and(|name| is_ssh_servers(name.as_bytes()))
}

/// By the kernel's own name for it, which is its program's until it chooses another.
fn is_named_ssh_server(pid: u32) -> bool {
    program::is_named(pid, is_ssh_servers).unwrap_or(true)
}

/// `sshd-session` has the connections since OpenSSH 9.8; `sshd` had them before, and `sshd-auth` has none.
fn is_ssh_servers(name: &[u8]) -> bool {
    matches!(name, b"sshd" | b"sshd-session" | b"dropbear")
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
        assert!(is_ssh_server(Path::new("/usr/sbin/sshd")) && is_ssh_servers(b"sshd-session"));
        assert!(
            !is_ssh_server(Path::new("/sshd/ssh"))
                && !is_ssh_server(Path::new("/"))
                && !is_ssh_servers(b"bash")
        );
        assert!(!is_named_ssh_server(std::process::id()) && is_named_ssh_server(u32::MAX));
    }
}
