//! Opens one of Microsoft's pages, or one of entrad's own on loopback, in the person's browser.
//!
//! The opening runs in a second process of this program: with its standard streams closed and set apart from
//! our terminal, a browser can neither write to it nor die of the Ctrl-C that ends the wait.

use std::ffi::OsString;
use std::io;
use std::process::{Command, Stdio};

use entra_proto::error::exit;

use crate::failure::Failure;
use crate::platform::{DISPLAYS, set_apart};

/// Starts `entra open-page` and waits for it: a moment for a browser with windows.
///
/// # Errors
/// When this program cannot be started again or found no browser.
pub(crate) fn open_apart(page: &str) -> io::Result<()> {
    let mut opener = Command::new(std::env::current_exe()?);
    opener.args(["open-page", page]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    set_apart(&mut opener);
    let status = opener.status()?;
    if status.success() { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// Opens the page in `$BROWSER` or the desktop's browser.
pub(crate) fn open_page(page: &str) -> Result<(), Failure> {
    if !is_openable(page) {
        return Err(Failure::new(
            exit::USAGE,
            "bad_page",
            "Only an https page, or one of this machine, is opened.",
        ));
    }
    webbrowser::open(page).map_err(|error| {
        Failure::new(exit::INTERNAL, "no_browser", "No browser could be opened.").because(&error)
    })
}

/// Whether the page may be given to a browser at all: https or loopback, and nothing that needs quoting on the way.
pub(crate) fn is_openable(page: &str) -> bool {
    let starts = ["https://", "http://127.0.0.1:", "http://localhost:"];
    starts.iter().any(|start| page.starts_with(start)) && page.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a page that is opened here comes up before the person: there is a desktop, and they sit at it.
pub(crate) fn has_desktop(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let is_set = |name: &&str| variable(name).is_some_and(|value| !value.is_empty());
    let is_remote = REMOTE.iter().any(&is_set);
    !is_remote && (DISPLAYS.is_empty() || DISPLAYS.iter().any(is_set))
}

/// What sshd tells its sessions (sshd(8), sshd.environment).
const REMOTE: [&str; 3] = ["SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_https_and_loopback_is_opened() {
        for page in
            ["https://microsoft.com/devicelogin", "http://127.0.0.1:4711/sign-in/x", "http://localhost:1/"]
        {
            assert!(is_openable(page), "{page}");
        }
        for page in [
            "http://127.0.0.1/",
            "http://127.0.0.1.evil.example:1/",
            "http://localhost.evil.example/",
            "file:///etc/passwd",
            "--help",
            "https://a b",
            "javascript:1",
            "",
        ] {
            assert!(!is_openable(page), "{page}");
        }
    }

    #[test]
    fn a_desktop_is_a_display_of_this_machine() {
        let has = |set: &[(&str, &str)]| {
            has_desktop(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            })
        };
        let display = DISPLAYS.first().copied().unwrap_or("ANY");
        assert!(has(&[(display, ":0")]));
        assert_eq!(has(&[]), DISPLAYS.is_empty());
        assert_eq!(has(&[(display, "")]), DISPLAYS.is_empty());
        for remote in REMOTE {
            assert!(!has(&[(display, ":0"), (remote, "10.0.0.1 22")]));
        }
    }
}
