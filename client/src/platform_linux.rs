//! What entra asks of Linux, one file a matter. `platform_macos` and `platform_windows` offer the same names.

mod become_unix;
mod browser_unix;
mod clock_linux;
mod connect_unix;
mod dialog_linux;
mod ended_unix;
mod interrupt_unix;
mod next_unix;
mod outlet_unix;
mod peer_linux;
mod place_linux;
mod service_linux;
mod start_linux;

use self::peer_linux as peer;
use self::service_linux as service;

pub(crate) use self::become_unix::{become_program, located};
pub(crate) use self::browser_unix::set_apart;
pub(crate) use self::clock_linux::since_boot;
pub(crate) use self::connect_unix::{Stream, open};
pub(crate) use self::dialog_linux::dialog;
pub(crate) use self::ended_unix::{end, until_ended};
pub(crate) use self::interrupt_unix::on_interrupt;
pub(crate) use self::next_unix::{PROGRAM_SUFFIXES, continue_as, is_program};
pub(crate) use self::outlet_unix::Outlet;
pub(crate) use self::place_linux::lookup;
pub(crate) use self::service_linux::HOW_TO_RESTART;
pub(crate) use self::start_linux::{close_memory, prepare};

/// The variables that name a desktop's display; one of them is set where there is one.
pub(crate) const DISPLAYS: &[&str] = &["DISPLAY", "WAYLAND_DISPLAY"];

/// What help says of `--open`.
pub(crate) const OPEN_HELP: &str = "Open the page in the browser ($BROWSER is honoured)";

/// What help says of `--socket`.
pub(crate) const SOCKET_HELP: &str =
    "entrad's socket [default: $ENTRAD_SOCKET, else $XDG_RUNTIME_DIR/entrad/entrad.sock]";

/// The shell of a person whose environment names none.
pub(crate) const USUAL_SHELL: &str = "bash";
