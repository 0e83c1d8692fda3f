//! The test environment: a throw-away home, a simulator of Entra on loopback, and the real programs in it.
//!
//! Nothing of the machine leaks in: the environment of every process is cleared, and homes, sockets and
//! state live in a temporary folder that goes away with the [`Env`].

pub mod browser;
mod certificates;
mod daemon;
mod env;
pub mod kept;
mod login;
pub mod loopback;
pub mod raw;
mod relay;
pub mod secrets;
#[cfg_attr(unix, path = "system_unix.rs")]
#[cfg_attr(windows, path = "system_windows.rs")]
pub mod system;
mod wiretap;

pub use certificates::Certificates;
pub use daemon::Daemon;
pub use env::{Env, PERSON, Programs, Ran, finish, run};
pub use login::Login;
pub use relay::{Relay, Weather};
pub use wiretap::Wiretap;

/// The programs under test, as Cargo built them for the test that asks.
#[macro_export]
macro_rules! programs {
    () => {
        $crate::Programs {
            entra: env!("CARGO_BIN_EXE_entra-under-test").into(),
            entrad: env!("CARGO_BIN_EXE_entrad-under-test").into(),
        }
    };
}
