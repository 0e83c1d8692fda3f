//! A window with text on Linux: `zenity`, which is there on most desktops and reads standard input.

use std::process::Command;

/// The program and what it reads; it ends well with the good button alone.
pub(crate) fn dialog(lines: &[String]) -> (Command, String) {
    let mut zenity = Command::new("zenity");
    zenity.args(["--text-info", "--title=Sign in for Claude", "--width=640", "--height=320"]);
    (zenity, lines.join("\n"))
}
