//! Where the log goes and what never enters it.
//!
//! The log is for the person who runs the daemon: standard error, which a service manager collects. It
//! holds no token, code, request body or user name; the secret types redact themselves, and only our own
//! crate logs unless the filter names another.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging by `filter`, in `tracing` directives such as `entrad=debug`.
///
/// # Errors
/// [`BadFilter`] with the directive's fault.
pub fn start(filter: &str) -> Result<(), BadFilter> {
    let filter = EnvFilter::builder().parse(filter).map_err(|error| BadFilter(error.to_string()))?;
    let is_terminal = std::io::stderr().is_terminal();
    // A line that cannot be written, on a full disk for instance, is lost. Told on standard error that it was,
    // the library would panic there, amid a refresh.
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // A service manager adds the time itself.
    let done = if is_terminal {
        subscriber.with_target(false).try_init()
    } else {
        subscriber.with_ansi(false).without_time().try_init()
    };
    if done.is_err() {
        tracing::debug!("another subscriber is installed already");
    }
    Ok(())
}

/// The filter does not parse.
#[derive(Debug, thiserror::Error)]
#[error("`log` is no filter ({0}); write for instance entrad=debug.")]
pub struct BadFilter(String);
