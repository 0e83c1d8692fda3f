//! A window with a few lines of text, by a program of the desktop's.
//!
//! The text goes to the program's standard input: what stands among a program's arguments, everybody on the machine may
//! read. It may hold what others wrote, and two of the systems take it as part of a script, so only characters without a
//! meaning in any script get there.

use std::io::{self, Read, Write};
use std::process::{Child, Stdio};

use zeroize::Zeroizing;

use crate::platform::{dialog, set_apart};
use crate::sign_in_watch::{Happening, Watch};

/// A window that is shown.
#[derive(Debug)]
pub(crate) struct Dialog(Child);

impl Dialog {
    /// Shows the lines.
    ///
    /// # Errors
    /// When the desktop's program cannot be started.
    pub(crate) fn show(text: &str) -> io::Result<Self> {
        let lines: Vec<String> = text.lines().map(harmless).collect();
        let (mut program, input) = dialog(&lines);
        let input = Zeroizing::new(input);
        set_apart(&mut program);
        let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        // It is shorter than a pipe's buffer. A program that has ended already is noticed by its end.
        let _ended = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
        Ok(Self(child))
    }

    /// Has the watch told of the window's end.
    pub(crate) fn tell_when_closed(&mut self, watch: &Watch) {
        let output = self.0.stdout.take();
        watch.tell_after(Happening::DialogClosed, move || {
            // The pipe closes with the program. What it may say there is its own affair.
            let _ended = output.map(|output| io::copy(&mut output.take(MOST_SAID), &mut io::sink()));
        });
    }

    /// Whether the person put the window away with its good button; it has been closed.
    pub(crate) fn was_agreed_to(mut self) -> bool {
        self.0.wait().is_ok_and(|status| status.success())
    }

    /// Takes the window away.
    pub(crate) fn close(mut self) {
        // It may have been closed by the person just now.
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// The line with a question mark for each character that a script could mean something by.
fn harmless(line: &str) -> String {
    let is_harmless = |c: &char| c.is_alphanumeric() || " .,:;/_-@?=()".contains(*c);
    line.chars().map(|c| if is_harmless(&c) { c } else { '?' }).collect()
}

/// No dialog says so much.
const MOST_SAID: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_has_a_meaning_in_a_script() {
        assert_eq!(
            harmless("Open https://microsoft.com/devicelogin, gr\u{fc}n_1-2"),
            "Open https://microsoft.com/devicelogin, gr\u{fc}n_1-2"
        );
        assert_eq!(harmless("a'b\"c\\d$e`f\u{2019}g<h>\u{1b}(i)|&\t"), "a?b?c?d?e?f?g?h??(i)???");
    }
}
