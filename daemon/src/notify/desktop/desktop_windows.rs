//! Windows: there is no way to the desktop yet.

use entra_proto::secret::PageAddress;

use super::{Notice, Press, Trouble};

/// The desktop of the person.
#[derive(Debug, Default)]
pub struct Desktop;

impl Desktop {
    /// Costs nothing: it is connected when first used.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Shows the notification and waits for what the person does, for [`super::PATIENCE`] at most. Dropping the future
    /// closes it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn show(&self, _notice: &Notice) -> Result<Press, Trouble> {
        Err(Trouble::NoDesktop)
    }

    /// Has the desktop open the page; the daemon executes nothing.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(&self, _page: &PageAddress) -> Result<(), Trouble> {
        Err(Trouble::NoDesktop)
    }

    /// The screen's lock, where the system tells.
    pub async fn is_locked(&self) -> Option<bool> {
        None
    }

    /// Returns when it is unlocked next; never where the system does not tell.
    pub async fn unlocked(&self) {
        std::future::pending().await
    }
}
