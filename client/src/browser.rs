//! Opens one of Microsoft's pages in the person's browser.
//!
//! The opening runs in a second process of this program: with its standard streams closed and set apart from
//! our terminal, a browser can neither write to it nor die of the Ctrl-C that ends the wait.

use std::io;
use std::process::{Command, Stdio};

use entra_proto::error::exit;

use crate::failure::Failure;
use crate::platform::set_apart;

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
        return Err(Failure::new(exit::USAGE, "bad_page", "Only an https page is opened."));
    }
    webbrowser::open(page).map_err(|error| {
        Failure::new(exit::INTERNAL, "no_browser", "No browser could be opened.").because(&error)
    })
}

/// Whether the page may be given to a browser at all: https, and nothing that needs quoting on the way.
pub(crate) fn is_openable(page: &str) -> bool {
    page.starts_with("https://") && page.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_https_is_opened() {
        assert!(is_openable("https://microsoft.com/devicelogin"));
        for page in ["http://127.0.0.1/", "file:///etc/passwd", "--help", "https://a b", "javascript:1", ""] {
            assert!(!is_openable(page), "{page}");
        }
    }
}
