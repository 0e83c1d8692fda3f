//! A window with text on macOS: AppleScript, read from standard input.

use std::process::Command;

/// The program and what it reads; it ends well with the good button alone (a cancelled dialog is an error of the script).
pub(crate) fn dialog(lines: &[String]) -> (Command, String) {
    let mut osascript = Command::new("/usr/bin/osascript");
    osascript.arg("-");
    let text: Vec<String> = lines.iter().map(|line| format!("\"{line}\"")).collect();
    let script = format!(
        "display dialog ({}) with title \"Sign in for Claude\" buttons {{\"Cancel\", \"OK\"}} \
         default button \"OK\" cancel button \"Cancel\"\n",
        text.join(" & return & ")
    );
    (osascript, script)
}
