//! The systemd units, from the templates in `service-files/`.
//!
//! The templates are units that work as they are; what differs between machines is one line each. A path is quoted as
//! systemd.syntax(7) wants it, and its percent signs are not specifiers.

use std::path::{Path, PathBuf};

use super::ours::Comment;

/// The unit of the daemon.
pub(super) fn service(program: &Path) -> Result<String, Unwritable> {
    Ok(SERVICE.replace(PROGRAM_LINE, &format!("ExecStart={}", quoted(program)?)))
}

/// The drop-in that puts the daemon into systemd's own sandbox, where it may write to this folder alone.
pub(super) fn sandbox(state_dir: &Path) -> Result<String, Unwritable> {
    Ok(SANDBOX.replace(STATE_LINE, &format!("ReadWritePaths={}", quoted(state_dir)?)))
}

/// The unit of the local socket.
pub(super) fn socket() -> String {
    SOCKET.to_owned()
}

/// The unit of the loopback port.
pub(super) fn loopback(port: u16) -> String {
    LOOPBACK.replace(PORT_LINE, &format!("ListenStream=127.0.0.1:{port}"))
}

/// A path that no unit can name.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0:?} holds characters that a systemd unit cannot name.")]
pub(super) struct Unwritable(PathBuf);

fn quoted(path: &Path) -> Result<String, Unwritable> {
    // In a program's name systemd takes none of these, however they are written.
    let is_refused = |c: char| c.is_control() || "\"'\\".contains(c);
    let text = path.to_str().filter(|text| !text.contains(is_refused));
    let text = text.ok_or_else(|| Unwritable(path.to_owned()))?;
    let text = text.replace('%', "%%");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+%".contains(c);
    if text.chars().all(is_plain) {
        return Ok(text);
    }
    Ok(format!("\"{text}\""))
}

/// How comments are written.
pub(super) const COMMENT: Comment = Comment { open: "# ", close: "" };

const SERVICE: &str = include_str!("../../../service-files/entrad.service");
const SANDBOX: &str = include_str!("../../../service-files/entrad-sandbox.conf");
const SOCKET: &str = include_str!("../../../service-files/entrad.socket");
const LOOPBACK: &str = include_str!("../../../service-files/entrad-loopback.socket");

const PROGRAM_LINE: &str = "ExecStart=%h/.local/bin/entrad";
const STATE_LINE: &str = "ReadWritePaths=%h/.local/state/entrad";
const PORT_LINE: &str = "ListenStream=127.0.0.1:14310";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_template_has_each_line_once() {
        for (template, lines) in [
            (SERVICE, &[PROGRAM_LINE][..]),
            (SANDBOX, &[STATE_LINE]),
            (&socket(), &["ListenStream=%t/entrad/entrad.sock", "SocketMode=0600", "DirectoryMode=0700"]),
            (LOOPBACK, &[PORT_LINE, "Service=entrad.service"]),
        ] {
            for line in lines {
                assert_eq!(template.matches(line).count(), 1, "{line}");
            }
        }
    }

    #[test]
    fn what_differs_is_filled_in_and_the_rest_stays() {
        let unit = service(Path::new("/opt/entrad")).unwrap();
        assert_eq!(unit, SERVICE.replace("%h/.local/bin/entrad", "/opt/entrad"));
        let drop_in = sandbox(Path::new("/s d")).unwrap();
        assert_eq!(drop_in, SANDBOX.replace("%h/.local/state/entrad", "\"/s d\""));
        assert!(loopback(20_000).contains("\nListenStream=127.0.0.1:20000\n"));
        assert!(!loopback(20_000).contains("14310"));
    }

    #[test]
    fn nothing_makes_a_user_namespace_unasked() {
        // systemd.exec(5): each of these implies PrivateUsers= for a user's service, in one version or another.
        let lines = SERVICE.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            for word in [
                "Private",
                "Protect",
                "ReadWritePaths",
                "ReadOnlyPaths",
                "InaccessiblePaths",
                "Bind",
                "Temporary",
                "Root",
                "StateDirectory",
            ] {
                assert!(!line.starts_with(word), "{line}");
            }
        }
    }

    #[test]
    fn odd_paths_are_quoted_and_impossible_ones_refused() {
        assert_eq!(quoted(Path::new("/a b/100%/$x")).unwrap(), r#""/a b/100%%/$x""#);
        assert_eq!(quoted(Path::new("/a%h")).unwrap(), "/a%%h");
        for path in ["/a\nb", "/a\"b", "/a'b", "/a\\b"] {
            assert_eq!(quoted(Path::new(path)), Err(Unwritable(path.into())));
        }
    }
}
