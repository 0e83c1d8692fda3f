//! Who speaks for another machine or container: SSH's server, which holds the near end of a forwarded socket (sshd(8)), and
//! processes of another process namespace (pid_namespaces(7)), which is how containers come.
//!
//! It fails closed: a process that cannot be looked at is taken for one from elsewhere.

use std::fs;
use std::path::Path;

/// Whether the process behind a connection is one of these. The kernel gives no number, or 0, for one that our namespace
/// does not hold.
pub(super) fn is_from(pid: Option<u32>) -> bool {
    let Some(pid) = pid.filter(|pid| *pid != 0) else { return true };
    let Some(name) = name_of(pid) else { return true };
    is_ssh_server(&name) || is_in_other_namespace(pid)
}

/// The kernel's own name for it, which is its program's until it chooses another; comm of proc(5) has no right to ask for.
fn name_of(pid: u32) -> Option<String> {
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// `sshd-session` has the connections since OpenSSH 9.8; `sshd` had them before, and `sshd-auth` has none.
fn is_ssh_server(name: &str) -> bool {
    matches!(name, "sshd" | "sshd-session" | "dropbear")
}

/// The link may be read where the process may be traced; where it may not, the parent's word for its children has to do, and
/// a process of our own user that we see by number is one of our namespace or of one below.
fn is_in_other_namespace(pid: u32) -> bool {
    let of = |who: &str| fs::read_link(Path::new("/proc").join(who).join("ns/pid")).ok();
    match (of("self"), of(&pid.to_string())) {
        (Some(ours), Some(theirs)) => ours != theirs,
        _ => has_inner_number(pid),
    }
}

/// Of a process in a namespace below ours, the kernel tells more than one number: `NSpid` of proc(5).
fn has_inner_number(pid: u32) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return true };
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_ascii_whitespace().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_process_is_from_here_and_nobody_is_not() {
        assert!(!is_from(Some(std::process::id())));
        assert!(!has_inner_number(std::process::id()) || !is_in_other_namespace(std::process::id()));
        assert!(is_from(None) && is_from(Some(0)) && is_from(Some(u32::MAX)));
    }

    #[test]
    fn an_ssh_server_is_known_by_its_name() {
        assert!(is_ssh_server("sshd") && is_ssh_server("sshd-session"));
        assert!(!is_ssh_server("ssh") && !is_ssh_server("bash"));
    }
}
