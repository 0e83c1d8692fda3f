//! What persons said for good about who may ask for what: in the sealed file, where nobody can write who has not its key.

use entra_proto::consent::ConsentMatter;
use serde::{Deserialize, Serialize};

use super::worker::Worker;
use super::{Access, Vault, VaultError};

/// What a person said for good about who may ask for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// Its name, to revoke it by.
    pub id: String,
    /// Whether it allows that, or refuses it.
    pub is_allowed: bool,
    /// About whom and what.
    pub matter: ConsentMatter,
    /// When it was said, in seconds since 1970.
    pub since: u64,
}

impl Vault {
    /// What persons said for good.
    ///
    /// # Errors
    /// Where the vault cannot be opened.
    pub async fn consents(&self) -> Result<Vec<ConsentRecord>, VaultError> {
        let silent = Access::Silent;
        self.ask(silent, move |worker| Ok(worker.load(silent)?.unwrap_or_default().into_consents())).await
    }

    /// Keeps what persons said for good; it is on disk when this returns.
    ///
    /// # Errors
    /// Where the vault cannot be opened or written; the old file is then as it was.
    pub async fn set_consents(&self, consents: Vec<ConsentRecord>) -> Result<(), VaultError> {
        self.ask(Access::Silent, move |worker| worker.set_consents(consents)).await
    }
}

impl Worker {
    /// Keeps what persons said for good; nothing is written where nothing changes. The first may begin a vault.
    pub(super) fn set_consents(&mut self, consents: Vec<ConsentRecord>) -> Result<(), VaultError> {
        match self.load(Access::Silent)? {
            Some(mut body) => {
                if body.set_consents(consents) {
                    self.save(body, None)
                } else {
                    Ok(())
                }
            }
            None if consents.is_empty() => Ok(()),
            None => self.add(Access::Silent, |body| {
                body.set_consents(consents);
            }),
        }
    }
}
