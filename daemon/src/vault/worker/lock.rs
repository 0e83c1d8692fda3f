//! Dropping the key, fetching it again for somebody who unlocks, and erasing everything.

use std::sync::Arc;

use entra_proto::secret::Passphrase;

use super::super::error::{HomeError, VaultError};
use super::super::home::{Access, HomeKind};
use super::super::lock::{Erased, Locked};
use super::super::passphrase::unwrap;
use super::super::sealed_file::{Header, unseal};
use super::{OpenKey, Worker};

impl Worker {
    /// Refuses while it is locked.
    pub(in crate::vault) fn must_be_unlocked(&self) -> Result<(), VaultError> {
        if self.locked.is_set() { Err(VaultError::Locked) } else { Ok(()) }
    }

    /// Whether it is locked, for whoever does not wait for this thread.
    pub(in crate::vault) fn locked(&self) -> Arc<Locked> {
        Arc::clone(&self.locked)
    }

    /// Drops the keys, and what homes remember. With the key that is nowhere else the sealed bytes go too: nobody could
    /// open them again.
    pub(in crate::vault) fn lock(&mut self) {
        self.locked.set();
        self.key = None;
        self.spare = None;
        if let Some(passphrase) = &self.homes.passphrase {
            passphrase.forget();
        }
        self.storage.forget_memory();
    }

    /// The key comes back, and fits; then it is unlocked.
    pub(in crate::vault) fn unlock(
        &mut self,
        given: Option<Passphrase>,
        access: Access,
    ) -> Result<(), VaultError> {
        let opened = match self.header() {
            Some(header) if header.home() == HomeKind::Passphrase => self.open_by(header, given),
            // Without a file there is nothing to keep from anybody.
            _ => self.load(access).map(drop),
        };
        match opened {
            Err(error) if !error.is_mended_by_sign_in() => {
                self.lock();
                Err(error)
            }
            _ => {
                self.locked.clear();
                Ok(())
            }
        }
    }

    /// Opens the file with the passphrase that a person gave, and not with one that lies about.
    fn open_by(&mut self, header: Header, given: Option<Passphrase>) -> Result<(), VaultError> {
        let home = HomeKind::Passphrase;
        let failed = |source| VaultError::Home { home, source };
        let Some(given) = given else { return Err(VaultError::PassphraseNeeded) };
        let asked = header.clone();
        let unwrapped = self.call(home, Access::Silent, move || unwrap(&asked, given.expose().as_bytes()));
        let key = unwrapped.map_err(failed)?;
        let gone = || failed(HomeError::NoKey);
        let bytes = self.storage.read()?.ok_or_else(gone)?;
        unseal(bytes, &key).map_err(|cause| self.refused(cause))?;
        self.key = Some(OpenKey { header, key });
        Ok(())
    }

    /// The file's header, where there is one that can be read.
    pub(in crate::vault) fn header(&mut self) -> Option<Header> {
        let bytes = self.storage.read().ok()??;
        Header::parse(&bytes).ok().map(|(header, _)| header)
    }

    /// The file first: what is slow or refuses comes after it.
    pub(in crate::vault) fn erase(&mut self) -> Erased {
        let header = self.header();
        self.lock();
        let mut erased = self.storage.erase();
        let Some(header) = header else { return erased };
        let kind = header.home();
        let Ok(home) = self.home_of(kind) else { return erased };
        match self.call(kind, Access::Silent, move || home.erase(&header)) {
            Ok(()) | Err(HomeError::NoKey) => {}
            Err(source) => erased.left.push(format!(
                "The key of the erased file is still in its home ({kind}): {source}. It opens nothing but a copy of that file."
            )),
        }
        erased
    }
}
