//! Windows has no signal for it: settings are read anew when their file changes.

use std::io;

/// Nothing comes.
pub struct Reload;

/// There is nothing to catch.
///
/// # Errors
/// None.
pub fn told_to_reload() -> io::Result<Reload> {
    Ok(Reload)
}

impl Reload {
    /// Never completes.
    pub async fn recv(&mut self) {
        std::future::pending::<()>().await;
    }
}
