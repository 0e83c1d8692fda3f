//! The systemd units, from the templates in `service-files/`.
//!
//! The templates are units that work as they are; what differs between machines is one line each. A path is quoted as
//! systemd.syntax(7) wants it, and its percent signs are not specifiers.

use std::path::{Path, PathBuf};

use super::ours::Comment;

/// The unit of the daemon.
pub(super) fn service(program: &Path, state_dir: &Path, has_namespaces: bool) -> Result<String, Unwritable> {
    let unit = SERVICE.replace(PROGRAM_LINE, &format!("ExecStart={}", quoted(program)?));
    if !has_namespaces {
        let is_end = |at: usize| at + NAMESPACES_END.len();
        let (Some(begin), Some(end)) = (unit.find(NAMESPACES_BEGIN), unit.find(NAMESPACES_END).map(is_end))
        else {
            return Ok(unit);
        };
        return Ok(format!("{}{}", unit[..begin].trim_end(), &unit[end..]));
    }
    Ok(unit.replace(STATE_LINE, &format!("ReadWritePaths={}", quoted(state_dir)?)))
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
const SOCKET: &str = include_str!("../../../service-files/entrad.socket");
const LOOPBACK: &str = include_str!("../../../service-files/entrad-loopback.socket");

const PROGRAM_LINE: &str = "ExecStart=%h/.local/bin/entrad";
const STATE_LINE: &str = "ReadWritePaths=%h/.local/state/entrad";
const PORT_LINE: &str = "ListenStream=127.0.0.1:14310";
const NAMESPACES_BEGIN: &str = "# What follows needs a user namespace.";
const NAMESPACES_END: &str = "# End of what needs a user namespace.\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_template_has_each_line_once() {
        for (template, lines) in [
            (SERVICE, &[PROGRAM_LINE, STATE_LINE, NAMESPACES_BEGIN, NAMESPACES_END][..]),
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
        let unit = service(Path::new("/opt/entrad"), Path::new("/s"), true).unwrap();
        assert_eq!(
            unit,
            SERVICE.replace("%h/.local/bin/entrad", "/opt/entrad").replace("%h/.local/state/entrad", "/s")
        );
        assert!(loopback(20_000).contains("\nListenStream=127.0.0.1:20000\n"));
        assert!(!loopback(20_000).contains("14310"));
    }

    #[test]
    fn without_namespaces_the_rest_is_a_whole_unit() {
        let unit = service(Path::new("/opt/entrad"), Path::new("/s"), false).unwrap();
        for gone in ["PrivateUsers", "ProtectSystem", "\nReadWritePaths", "CapabilityBoundingSet"] {
            assert!(!unit.contains(gone), "{unit}");
        }
        for kept in ["NoNewPrivileges=yes\n", "SystemCallFilter=~@privileged @resources\n", "[Install]\n"] {
            assert!(unit.contains(kept), "{unit}");
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
