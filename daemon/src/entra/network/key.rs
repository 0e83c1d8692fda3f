//! The private key of our certificate, as administrators' tools write it.
//!
//! PEM or DER; PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915); and PKCS#8 under a passphrase, sealed as PBES2 says
//! (RFC 8018), which is what `openssl pkcs8 -topk8` and `openssl genpkey` write. Every buffer of a key is wiped.

use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{PemObject, SectionKind};
use zeroize::Zeroizing;

use super::error::{NetworkError, plain};
use crate::files::open_outside;

/// A key in DER, wiped when it is dropped.
pub(super) struct Key {
    pub(super) form: Form,
    pub(super) der: Zeroizing<Vec<u8>>,
}

impl Key {
    /// As TLS takes it, which makes the copy its own.
    pub(super) fn for_tls(&self) -> PrivateKeyDer<'static> {
        let der = self.der.to_vec();
        match self.form {
            Form::Pkcs1 => PrivateKeyDer::Pkcs1(der.into()),
            Form::Pkcs8 => PrivateKeyDer::Pkcs8(der.into()),
            Form::Sec1 => PrivateKeyDer::Sec1(der.into()),
        }
    }
}

/// What it is in PEM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Pkcs1,
    Pkcs8,
    Sec1,
}

impl Form {
    /// The label in PEM.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Pkcs1 => "RSA PRIVATE KEY",
            Self::Pkcs8 => "PRIVATE KEY",
            Self::Sec1 => "EC PRIVATE KEY",
        }
    }

    fn of(der: &[u8]) -> Option<Self> {
        match PrivateKeyDer::try_from(der).ok()? {
            PrivateKeyDer::Pkcs1(_) => Some(Self::Pkcs1),
            PrivateKeyDer::Sec1(_) => Some(Self::Sec1),
            PrivateKeyDer::Pkcs8(_) => Some(Self::Pkcs8),
            _ => None,
        }
    }
}

/// Whether the key in this file wants a passphrase. What cannot be read wants none yet.
pub(super) fn is_encrypted(path: &Path) -> bool {
    read_bounded(path).is_ok_and(|bytes| sealed_in(&bytes).is_some())
}

/// Reads the first key of a file.
///
/// # Errors
/// [`NetworkError`] says what is wrong with the file, or with the passphrase.
pub(super) fn read(path: &Path, passphrase: Option<&Zeroizing<Vec<u8>>>) -> Result<Key, NetworkError> {
    let bytes = read_bounded(path)?;
    if let Some(sealed) = sealed_in(&bytes) {
        let passphrase = passphrase.ok_or_else(|| NetworkError::NoPassphrase { path: path.to_owned() })?;
        return open(path, &sealed, passphrase);
    }
    if has(&bytes, OLD_ENCRYPTION) {
        return Err(bad(path, "it is encrypted in OpenSSL's own old form, which is not safe"));
    }
    if has(&bytes, BEGIN) {
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(&bytes) {
            let (kind, der) = section.map_err(|_| bad(path, "its text is damaged"))?;
            let der = Zeroizing::new(der);
            let form = match kind {
                SectionKind::PrivateKey => Form::Pkcs8,
                SectionKind::RsaPrivateKey => Form::Pkcs1,
                SectionKind::EcPrivateKey => Form::Sec1,
                _ => continue,
            };
            return Ok(Key { form, der });
        }
        return Err(NetworkError::NoKey { path: path.to_owned() });
    }
    let form = Form::of(&bytes).ok_or_else(|| NetworkError::NoKey { path: path.to_owned() })?;
    Ok(Key { form, der: bytes })
}

/// Opens a key that a passphrase seals.
fn open(path: &Path, sealed: &[u8], passphrase: &[u8]) -> Result<Key, NetworkError> {
    let sealed = EncryptedPrivateKeyInfoRef::try_from(sealed)
        .map_err(|_| bad(path, "how it is encrypted is not known here, or not safe any more"))?;
    let opened = sealed.decrypt(passphrase).map_err(|error| match error {
        pkcs8::Error::EncryptedPrivateKey(
            pkcs8::pkcs5::Error::UnsupportedAlgorithm { .. } | pkcs8::pkcs5::Error::NoPbes1CryptSupport,
        ) => bad(path, "how it is encrypted is not known here, or not safe any more"),
        // One in 256 wrong passphrases gives text that looks like padding, and no key.
        _ => NetworkError::WrongPassphrase { path: path.to_owned() },
    })?;
    let der = Zeroizing::new(opened.as_bytes().to_vec());
    match Form::of(&der) {
        Some(Form::Pkcs8) => Ok(Key { form: Form::Pkcs8, der }),
        _ => Err(NetworkError::WrongPassphrase { path: path.to_owned() }),
    }
}

/// The DER of a key under a passphrase, if this is one.
fn sealed_in(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let Some(begin) = position(bytes, SEALED_BEGIN) else {
        let is_sealed = !has(bytes, BEGIN) && EncryptedPrivateKeyInfoRef::try_from(bytes).is_ok();
        return is_sealed.then(|| Zeroizing::new(bytes.to_vec()));
    };
    let rest = &bytes[begin + SEALED_BEGIN.len()..];
    let text = &rest[..position(rest, b"-----")?];
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64_STANDARD.decode(text).ok().map(Zeroizing::new)
}

pub(super) fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, NetworkError> {
    let unreadable = |reason: String| NetworkError::Unreadable { path: path.to_owned(), reason };
    let refused = |error: std::io::Error| unreadable(plain(&error));
    let no_file = || unreadable("it is no plain file".to_owned());
    // Windows opens no folder.
    let file = open_outside(path).map_err(|error| if path.is_dir() { no_file() } else { refused(error) })?;
    // Of the very file that was opened, which no other can be put in place of.
    if !file.metadata().map_err(refused)?.is_file() {
        return Err(no_file());
    }
    // Room for all of it from the start, since a buffer that grows leaves a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES + 2));
    file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(refused)?;
    if bytes.len() > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

fn bad(path: &Path, reason: &str) -> NetworkError {
    NetworkError::BadKey { path: path.to_owned(), reason: reason.to_owned() }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    position(bytes, part).is_some()
}

fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Of any section in PEM.
const BEGIN: &[u8] = b"-----BEGIN ";

/// Of an encrypted PKCS#8 key (RFC 7468 §11).
const SEALED_BEGIN: &[u8] = b"-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Of a key that OpenSSL encrypted by its own means, with one round of MD5 over the passphrase.
const OLD_ENCRYPTION: &[u8] = b"Proc-Type: 4,ENCRYPTED";

/// A chain of certificates with a key takes some kilobytes.
const MAX_BYTES: usize = 256 * 1024;

#[cfg(test)]
#[path = "key_tests.rs"]
pub(super) mod tests;
