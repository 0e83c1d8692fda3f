//! Windows' data protection (DPAPI) as the key's home: what it gives for the key goes into the file's header.
//!
//! The key is protected under the user's own secret, which the system derives from their sign-in; nobody is ever
//! asked. It protects from other users and from a copied disk, not from programs of the same user. Our own entropy
//! binds the wrapped key to this use and to the key's id, so that no other blob of the user can be put in its place.
//! Source: learn.microsoft.com, "CryptProtectData function".
#![expect(unsafe_code, reason = "data protection has no safe interface")]

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_INVALID_DATA, LocalFree};
use windows_sys::Win32::Security::Cryptography::{
    CRYPT_INTEGER_BLOB, CRYPTPROTECT_UI_FORBIDDEN, CryptProtectData, CryptUnprotectData,
};
use zeroize::{Zeroize, Zeroizing};

use super::error::HomeError;
use super::home::{Access, Home, HomeKind, random};
use super::locked_key::{KEY_BYTES, LockedKey};
use super::sealed_file::{Header, KeyId, KeySlot, ProtectedKey};

/// The home of this system.
pub(super) const KIND: HomeKind = HomeKind::Dpapi;

/// See the module.
#[derive(Debug)]
pub(super) struct SystemHome;

impl Home for SystemHome {
    fn check(&self) -> Result<(), HomeError> {
        Ok(())
    }

    fn fetch(&self, header: &Header, _: Access) -> Result<LockedKey, HomeError> {
        let KeySlot::Dpapi(protected) = &header.slot else { return Err(HomeError::NoKey) };
        let text = unprotect(protected.as_bytes(), &entropy(header.key_id)).map_err(translate)?;
        let mut key =
            Zeroizing::new(<[u8; KEY_BYTES]>::try_from(text.as_slice()).map_err(|_| HomeError::BadKey)?);
        Ok(LockedKey::take(&mut key)?)
    }

    fn create(&self, key_id: KeyId, _: Access) -> Result<(LockedKey, KeySlot), HomeError> {
        let mut key = Zeroizing::new(random::<KEY_BYTES>()?);
        let protected = protect(key.as_slice(), &entropy(key_id)).map_err(translate)?;
        // Nothing may be sealed under a key that could not be had back.
        if *unprotect(&protected, &entropy(key_id)).map_err(translate)? != *key {
            return Err(HomeError::BadKey);
        }
        let protected = ProtectedKey::new(protected).ok_or(HomeError::BadKey)?;
        Ok((LockedKey::take(&mut key)?, KeySlot::Dpapi(protected)))
    }
}

/// No secret; it is everything of the header that comes before the wrapped key.
fn entropy(key_id: KeyId) -> Vec<u8> {
    [ENTROPY, &key_id.first_bytes(HomeKind::Dpapi)].concat()
}

fn protect(text: &[u8], entropy: &[u8]) -> io::Result<Vec<u8>> {
    let (text, entropy, mut protected) = (blob(text)?, blob(entropy)?, EMPTY);
    // SAFETY: both inputs point to bytes that outlive the call and are only read; the output is ours to write.
    let is_done = unsafe {
        CryptProtectData(
            &raw const text,
            null(),
            &raw const entropy,
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut protected,
        )
    };
    if is_done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the output is ours to read and free.
    Ok(unsafe { take(protected) }.to_vec())
}

fn unprotect(protected: &[u8], entropy: &[u8]) -> io::Result<Zeroizing<Vec<u8>>> {
    let (protected, entropy, mut text) = (blob(protected)?, blob(entropy)?, EMPTY);
    // SAFETY: as in `protect`; no description is asked for.
    let is_done = unsafe {
        CryptUnprotectData(
            &raw const protected,
            null_mut(),
            &raw const entropy,
            null(),
            null(),
            CRYPTPROTECT_UI_FORBIDDEN,
            &raw mut text,
        )
    };
    if is_done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the output is ours to read and free.
    Ok(unsafe { take(text) })
}

/// The input is not changed, although the structure could.
fn blob(bytes: &[u8]) -> io::Result<CRYPT_INTEGER_BLOB> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok(CRYPT_INTEGER_BLOB { cbData: length, pbData: bytes.as_ptr().cast_mut() })
}

/// Copies an output, wipes it and frees it.
///
/// # Safety
/// The output came from a call that succeeded, and is not used again.
unsafe fn take(output: CRYPT_INTEGER_BLOB) -> Zeroizing<Vec<u8>> {
    let length = usize::try_from(output.cbData).unwrap_or(0);
    let mut copy = Zeroizing::new(Vec::with_capacity(length));
    if !output.pbData.is_null() {
        // SAFETY: as above, these bytes are initialised and ours.
        let bytes = unsafe { std::slice::from_raw_parts_mut(output.pbData, length) };
        copy.extend_from_slice(bytes);
        bytes.zeroize();
        // SAFETY: as above, it was allocated with `LocalAlloc`.
        unsafe { LocalFree(output.pbData.cast()) };
    }
    copy
}

/// A blob that this user's secret or our entropy does not open will never open; anything else may pass.
fn translate(error: io::Error) -> HomeError {
    match error.raw_os_error() {
        Some(code) if code == ERROR_INVALID_DATA.cast_signed() => HomeError::NoKey,
        Some(code) => HomeError::Denied { name: format!("Windows error {code:#x}") },
        None => HomeError::System(error),
    }
}

const EMPTY: CRYPT_INTEGER_BLOB = CRYPT_INTEGER_BLOB { cbData: 0, pbData: null_mut() };

/// What the entropy begins with.
const ENTROPY: &[u8] = b"entrad: key of the sealed sign-ins\0";

#[cfg(test)]
mod tests {
    use super::*;

    fn fetch(key_id: KeyId, slot: KeySlot) -> Result<LockedKey, HomeError> {
        SystemHome.fetch(&Header { key_id, slot }, Access::Silent)
    }

    #[test]
    fn a_key_comes_back_for_its_own_id_alone() {
        let key_id = KeyId([1; 16]);
        let (key, slot) = SystemHome.create(key_id, Access::Silent).unwrap();
        assert_eq!(fetch(key_id, slot.clone()).unwrap().expose(), key.expose());
        assert!(matches!(fetch(KeyId([2; 16]), slot.clone()), Err(HomeError::NoKey)));
        let KeySlot::Dpapi(protected) = slot else { panic!("another slot") };
        assert!(protected.as_bytes().len() < 1024, "{}", protected.as_bytes().len());
        assert!(!protected.as_bytes().windows(KEY_BYTES).any(|window| window == key.expose()));
    }

    #[test]
    fn what_is_no_wrapped_key_does_not_open() {
        let key_id = KeyId([1; 16]);
        let (_, slot) = SystemHome.create(key_id, Access::Silent).unwrap();
        let KeySlot::Dpapi(protected) = slot else { panic!("another slot") };
        let protected = protected.as_bytes().to_vec();
        let slot = |bytes| KeySlot::Dpapi(ProtectedKey::new(bytes).unwrap());
        let mut changed = protected.clone();
        *changed.last_mut().unwrap() ^= 1;
        for bad in [changed, protected[..protected.len() / 2].to_vec(), b"x".to_vec()] {
            assert!(fetch(key_id, slot(bad)).is_err());
        }
        let short = protect(&[7; KEY_BYTES - 1], &entropy(key_id)).unwrap();
        assert!(matches!(fetch(key_id, slot(short)), Err(HomeError::BadKey)));
        assert!(matches!(fetch(key_id, KeySlot::Memory), Err(HomeError::NoKey)));
    }
}
