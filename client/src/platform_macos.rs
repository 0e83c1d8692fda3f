//! What entra asks of macOS, one file a matter. `platform_linux` and `platform_windows` offer the same names.

mod become_unix;
mod browser_unix;
mod clock_macos;
mod connect_unix;
mod dialog_macos;
mod ended_unix;
mod interrupt_unix;
mod next_unix;
mod outlet_unix;
mod peer_macos;
mod place_macos;
mod service_macos;
mod start_macos;

use self::peer_macos as peer;
use self::service_macos as service;

pub(crate) use self::become_unix::{become_program, located};
pub(crate) use self::browser_unix::set_apart;
pub(crate) use self::clock_macos::since_boot;
pub(crate) use self::connect_unix::{Stream, open};
pub(crate) use self::dialog_macos::dialog;
pub(crate) use self::ended_unix::{end, until_ended};
pub(crate) use self::interrupt_unix::on_interrupt;
pub(crate) use self::next_unix::{PROGRAM_SUFFIXES, continue_as, is_program};
pub(crate) use self::outlet_unix::Outlet;
pub(crate) use self::place_macos::lookup;
pub(crate) use self::service_macos::HOW_TO_RESTART;
pub(crate) use self::start_macos::{close_memory, prepare};

/// The variables that name a desktop's display: none, there always is one.
pub(crate) const DISPLAYS: &[&str] = &[];

/// What help says of `--open`.
pub(crate) const OPEN_HELP: &str = "Open the page in the browser";

/// What help says of `--socket`.
pub(crate) const SOCKET_HELP: &str = "entrad's socket [default: $ENTRAD_SOCKET, else entrad/entrad.sock in your cache folder, `getconf DARWIN_USER_CACHE_DIR`]";

/// The shell of a person whose environment names none.
pub(crate) const USUAL_SHELL: &str = "zsh";
