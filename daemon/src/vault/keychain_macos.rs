//! The login keychain as the key's home: one item, which holds the key and nothing else.
//!
//! An item belongs to the program that made it: another one, or a later build that is not signed by the same
//! developer, makes the system ask. In the background nothing may appear, so the system is told not to ask for as
//! long as such a call lasts; that is a setting of the process, and the vault makes one call at a time.

use std::collections::HashMap;

use apple_native_keyring_store::keychain::Store;
use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use security_framework::base::Error as SecurityError;
use security_framework::os::macos::keychain::{KeychainUserInteractionLock, SecKeychain};
use zeroize::Zeroizing;

use super::error::HomeError;
use super::home::{Access, Home, HomeKind, random};
use super::key_text_unix::{decode, encode};
use super::locked_key::{KEY_BYTES, LockedKey};
use super::sealed_file::{Header, KeyId, KeySlot};

/// The home of this system.
pub(super) const KIND: HomeKind = HomeKind::Keychain;

/// See the module.
#[derive(Debug)]
pub(super) struct SystemHome;

impl Home for SystemHome {
    fn check(&self) -> Result<(), HomeError> {
        SecKeychain::default().map(drop).map_err(|error| translate_code(error.code()))
    }

    fn fetch(&self, header: &Header, access: Access) -> Result<LockedKey, HomeError> {
        let _quiet = quiet(access)?;
        decode(Zeroizing::new(entry(header.key_id)?.get_password().map_err(translate)?))
    }

    fn create(&self, key_id: KeyId, access: Access) -> Result<(LockedKey, KeySlot), HomeError> {
        let _quiet = quiet(access)?;
        let mut key = Zeroizing::new(random::<KEY_BYTES>()?);
        let text = encode(&key);
        let entry = entry(key_id)?;
        entry.set_password(&text).map_err(translate)?;
        // Nothing may be sealed under a key that the keychain took and did not keep.
        if Zeroizing::new(entry.get_password().map_err(translate)?) != text {
            return Err(HomeError::BadKey);
        }
        Ok((LockedKey::take(&mut key)?, KeySlot::Keychain))
    }

    fn erase(&self, header: &Header) -> Result<(), HomeError> {
        let _quiet = quiet(Access::Silent)?;
        entry(header.key_id)?.delete_credential().map_err(translate)
    }
}

/// Keeps the system from asking anybody, for as long as the result lives.
fn quiet(access: Access) -> Result<Option<KeychainUserInteractionLock>, HomeError> {
    match access {
        Access::MayPrompt => Ok(None),
        Access::Silent => {
            SecKeychain::disable_user_interaction().map(Some).map_err(|error| translate_code(error.code()))
        }
    }
}

fn entry(key_id: KeyId) -> Result<Entry, HomeError> {
    let store = Store::new().map_err(translate)?;
    store.build(SERVICE, &format!("vault-key-{key_id}"), None::<&HashMap<&str, &str>>).map_err(translate)
}

/// By value, since some of the store's errors hold what was stored.
fn translate(error: keyring_core::Error) -> HomeError {
    match error {
        keyring_core::Error::NoEntry => HomeError::NoKey,
        keyring_core::Error::PlatformFailure(cause) | keyring_core::Error::NoStorageAccess(cause) => {
            match cause.downcast_ref::<SecurityError>() {
                Some(error) => translate_code(error.code()),
                None => HomeError::Garbled,
            }
        }
        _ => HomeError::BadKey,
    }
}

/// The codes of SecBase.h.
fn translate_code(code: i32) -> HomeError {
    match code {
        USER_CANCELED => HomeError::Cancelled,
        AUTH_FAILED | INTERACTION_NOT_ALLOWED | INTERACTION_REQUIRED => HomeError::Locked,
        NO_SUCH_KEYCHAIN | NO_DEFAULT_KEYCHAIN => HomeError::NoCollection,
        ITEM_NOT_FOUND => HomeError::NoKey,
        code => HomeError::Denied { name: format!("OSStatus {code}") },
    }
}

const USER_CANCELED: i32 = -128;
const AUTH_FAILED: i32 = -25293;
const NO_SUCH_KEYCHAIN: i32 = -25294;
const ITEM_NOT_FOUND: i32 = -25300;
const NO_DEFAULT_KEYCHAIN: i32 = -25307;
const INTERACTION_NOT_ALLOWED: i32 = -25308;
const INTERACTION_REQUIRED: i32 = -25315;

/// The attribute `service` of our items, which is also how a person sees them.
const SERVICE: &str = "entrad";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keychains_errors_become_states() {
        let failure =
            |code| translate(keyring_core::Error::PlatformFailure(Box::new(SecurityError::from_code(code))));
        assert!(matches!(failure(INTERACTION_NOT_ALLOWED), HomeError::Locked));
        assert!(matches!(failure(USER_CANCELED), HomeError::Cancelled));
        assert!(matches!(failure(NO_DEFAULT_KEYCHAIN), HomeError::NoCollection));
        assert!(matches!(failure(-1), HomeError::Denied { .. }));
        assert!(matches!(translate(keyring_core::Error::NoEntry), HomeError::NoKey));
    }
}
