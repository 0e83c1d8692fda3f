//! What entra asks of Windows, one file a matter. `platform_linux` and `platform_macos` offer the same names.

mod become_windows;
mod browser_windows;
mod clock_windows;
mod connect_windows;
mod dialog_windows;
mod ended_windows;
mod interrupt_windows;
#[cfg(test)]
#[path = "../tests/support/listen_windows.rs"]
#[allow(dead_code, reason = "the tests in `tests/` use the rest")]
mod listen;
mod next_windows;
mod outlet_windows;
mod pipe_windows;
mod place_windows;
mod service_windows;
mod sid_windows;
mod start_windows;

use self::pipe_windows as pipe;
use self::service_windows as service;
use self::sid_windows as sid;

pub(crate) use self::become_windows::{become_program, located};
pub(crate) use self::browser_windows::set_apart;
pub(crate) use self::clock_windows::since_boot;
pub(crate) use self::connect_windows::open;
pub(crate) use self::dialog_windows::dialog;
pub(crate) use self::ended_windows::{end, until_ended};
pub(crate) use self::interrupt_windows::on_interrupt;
pub(crate) use self::next_windows::{PROGRAM_SUFFIXES, continue_as, is_program};
pub(crate) use self::outlet_windows::Outlet;
pub(crate) use self::pipe_windows::Stream;
pub(crate) use self::place_windows::lookup;
pub(crate) use self::service_windows::HOW_TO_RESTART;
pub(crate) use self::start_windows::{close_memory, prepare};

/// The variables that name a desktop's display: none, there always is one.
pub(crate) const DISPLAYS: &[&str] = &[];

/// What help says of `--open`.
pub(crate) const OPEN_HELP: &str = "Open the page in the browser";

/// What help says of `--socket`.
pub(crate) const SOCKET_HELP: &str =
    r"entrad's pipe [default: $ENTRAD_SOCKET, else \\.\pipe\entrad-<your SID>]";

/// The shell of a person whose environment names none.
pub(crate) const USUAL_SHELL: &str = "powershell";
