//! The secret of a lease: its id, which finds it, and 32 random bytes, which prove it.
//!
//! Only a digest is kept. The secret has more bits than can be guessed, so one round of SHA-256 is as good as a
//! thousand; what is compared are digests of fixed length, in constant time.

use std::fmt;

use entra_proto::secret::LeaseSecret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The id of a lease, in twelve characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LeaseId(String);

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SecretDigest([u8; 32]);

/// A new id, its secret, and what is to be kept of it.
///
/// # Errors
/// When the system gives no random bytes.
pub(super) fn issue() -> Result<(LeaseId, LeaseSecret, SecretDigest), getrandom::Error> {
    let (mut name, mut bytes) = ([0; ID_BYTES], [0; SECRET_BYTES]);
    getrandom::fill(&mut name)?;
    getrandom::fill(&mut bytes)?;
    let id = LeaseId(hex(&name));
    let secret = LeaseSecret::new(format!("{}{id}_{}", LeaseSecret::PREFIX, hex(&bytes)));
    let digest = SecretDigest::of(&secret);
    Ok((id, secret, digest))
}

impl LeaseId {
    /// The id that a presented secret begins with, if it has a secret's form.
    #[must_use]
    pub(super) fn in_secret(secret: &LeaseSecret) -> Option<Self> {
        let (id, rest) = secret.expose().strip_prefix(LeaseSecret::PREFIX)?.split_once('_')?;
        let is_hex = |text: &str, bytes: usize| {
            text.len() == 2 * bytes && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        (is_hex(id, ID_BYTES) && is_hex(rest, SECRET_BYTES)).then(|| Self(id.to_owned()))
    }

    /// The id as it was written down.
    #[must_use]
    pub(super) fn written(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl SecretDigest {
    /// Of this secret.
    #[must_use]
    pub(super) fn of(secret: &LeaseSecret) -> Self {
        Self(Sha256::digest(secret.expose().as_bytes()).into())
    }

    /// As it was written down, in hexadecimal digits.
    #[must_use]
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// To be written down.
    #[must_use]
    pub(super) fn write(&self) -> String {
        hex(&self.0)
    }

    /// Whether it is this secret's, in a time that says nothing.
    #[must_use]
    pub(super) fn is_of(&self, secret: &LeaseSecret) -> bool {
        self.0.ct_eq(&Self::of(secret).0).into()
    }
}

/// A digest is no secret, and of no use to a reader of logs.
impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretDigest")
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Enough that no two leases of a person have the same.
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_finds_its_lease_and_proves_it() {
        let (id, secret, digest) = issue().unwrap();
        assert_eq!(LeaseId::in_secret(&secret), Some(id.clone()));
        assert!(digest.is_of(&secret));
        assert_eq!(SecretDigest::read(&digest.write()), Some(digest.clone()));
        let (other, another, _) = issue().unwrap();
        assert!(other != id && !digest.is_of(&another));
        let text = secret.expose();
        assert!(
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "fit for headers and paths"
        );
        for length in 0..text.len() {
            assert!(!digest.is_of(&LeaseSecret::new(text[..length].to_owned())));
        }
    }

    #[test]
    fn what_has_not_a_secrets_form_finds_nothing() {
        let (_, secret, _) = issue().unwrap();
        let text = secret.expose();
        for wrong in [
            "",
            "entra_lease_",
            &text[1..],
            &text[..text.len() - 1],
            &text.to_uppercase(),
            &format!("{text}0"),
        ] {
            assert_eq!(LeaseId::in_secret(&LeaseSecret::new(wrong.to_owned())), None, "{wrong}");
        }
        assert_eq!(SecretDigest::read("00"), None);
        assert_eq!(SecretDigest::read(&"\u{e4}".repeat(32)), None);
    }
}
