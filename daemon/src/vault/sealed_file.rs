//! The sealed file's format: a header in clear, then the body under XChaCha20-Poly1305.
//!
//! The header is the cipher's associated data, so that not one byte of the file can change unnoticed. Its
//! numbers are big-endian:
//!
//! | Bytes | Holds |
//! | --- | --- |
//! | 8 | magic `entradv\n` |
//! | 2 | format version, 1 |
//! | 1 | home of the key: 1 Secret Service, 2 passphrase, 3 Keychain, 4 DPAPI (255 memory, never on disk) |
//! | 1 | zero |
//! | 16 | key id |
//! | 116 | passphrase only: Argon2id's memory (KiB), passes, lanes (4 each), salt (16), nonce (24), sealed key (48) |
//! | 2 + n | DPAPI only: the length n of the protected key, 1 to 2,048, and the protected key |
//! | 24 | nonce, fresh for every write |
//! | rest | the body's JSON, sealed, with the tag (16) |

use std::fmt;
use std::io::{self, Write};

use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::home::HomeKind;
use super::locked_key::LockedKey;
use super::record::Body;

/// The header but for the body's nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Which key sealed the file.
    pub(super) key_id: KeyId,
    /// Where that key is.
    pub(super) slot: KeySlot,
}

/// The random name of a key, so that a new key never takes the place of an old one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId(pub(super) [u8; 16]);

/// Where the key is, with what its home needs to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KeySlot {
    Dpapi(ProtectedKey),
    Keychain,
    Memory,
    Passphrase(WrappedKey),
    SecretService,
}

/// A key as DPAPI protects it: 1 to 2,048 bytes, some 300 in practice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProtectedKey(Vec<u8>);

/// A key sealed under another one that is stretched from a passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WrappedKey {
    pub(super) cost: Cost,
    pub(super) salt: [u8; 16],
    pub(super) nonce: [u8; 24],
    pub(super) sealed: [u8; 48],
}

/// What stretching a passphrase costs (Argon2id, RFC 9106 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

/// The bytes are no vault this build can open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// They are not what was once written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// A later entrad wrote them.
    #[error("it has format version {version}, and this build knows {VERSION}")]
    Newer {
        /// The file's version.
        version: u16,
    },
    /// Its key is somewhere this build cannot look.
    #[error("its key is in a home (number {code}) that this build does not know")]
    UnknownHome {
        /// The home's number.
        code: u8,
    },
}

/// What is wrong with a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The seal is whole and the text within is not ours.
    #[error("its contents are not the expected JSON")]
    BadJson,
    /// The seal is broken.
    #[error("its authentication failed: it is damaged or sealed under another key")]
    NotAuthentic,
    /// The first bytes are not ours.
    #[error("it does not begin as a vault does")]
    NotAVault,
    /// It ends early.
    #[error("it is too short ({length} bytes)")]
    TooShort {
        /// Its length in bytes.
        length: usize,
    },
}

impl Header {
    /// Reads the header; the second value is where the body's nonce begins.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), FormatError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.array::<8>()? != *MAGIC {
            return Err(Damage::NotAVault.into());
        }
        match u16::from_be_bytes(reader.array()?) {
            VERSION => {}
            0 => return Err(Damage::NotAVault.into()),
            version => return Err(FormatError::Newer { version }),
        }
        let [code, zero] = reader.array()?;
        if zero != 0 {
            return Err(Damage::NotAVault.into());
        }
        let key_id = KeyId(reader.array()?);
        let slot = match HomeKind::from_code(code) {
            Some(HomeKind::Dpapi) => KeySlot::Dpapi(reader.protected_key()?),
            Some(HomeKind::Keychain) => KeySlot::Keychain,
            Some(HomeKind::Memory) => KeySlot::Memory,
            Some(HomeKind::Passphrase) => KeySlot::Passphrase(reader.wrapped_key()?),
            Some(HomeKind::SecretService) => KeySlot::SecretService,
            None => return Err(FormatError::UnknownHome { code }),
        };
        Ok((Self { key_id, slot }, reader.at))
    }

    /// The home of its key.
    pub(super) fn home(&self) -> HomeKind {
        match self.slot {
            KeySlot::Dpapi(_) => HomeKind::Dpapi,
            KeySlot::Keychain => HomeKind::Keychain,
            KeySlot::Memory => HomeKind::Memory,
            KeySlot::Passphrase(_) => HomeKind::Passphrase,
            KeySlot::SecretService => HomeKind::SecretService,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = self.key_id.first_bytes(self.home());
        match &self.slot {
            KeySlot::Dpapi(protected) => {
                let [.., high, low] = protected.as_bytes().len().to_be_bytes();
                bytes.extend([high, low]);
                bytes.extend(protected.as_bytes());
            }
            KeySlot::Passphrase(wrapped) => {
                bytes.extend(wrapped.cost.encode());
                bytes.extend(wrapped.salt);
                bytes.extend(wrapped.nonce);
                bytes.extend(wrapped.sealed);
            }
            KeySlot::Keychain | KeySlot::Memory | KeySlot::SecretService => {}
        }
        bytes
    }
}

impl ProtectedKey {
    /// `None` for a length that no file may have.
    pub(super) fn new(bytes: Vec<u8>) -> Option<Self> {
        (1..=MAX_PROTECTED).contains(&bytes.len()).then_some(Self(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl KeyId {
    /// The header's first bytes, which a wrapped key is bound to as well.
    pub(super) fn first_bytes(&self, home: HomeKind) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend([home.code(), 0]);
        bytes.extend(self.0);
        bytes
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl Cost {
    pub(super) fn encode(self) -> Vec<u8> {
        [self.memory_kib, self.passes, self.lanes].into_iter().flat_map(u32::to_be_bytes).collect()
    }
}

/// Seals the body under a nonce that the caller has just drawn.
pub(super) fn seal(
    header: &Header,
    nonce: [u8; 24],
    key: &LockedKey,
    body: &Body,
) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Count(0);
    serde_json::to_writer(&mut length, body)?;
    let mut clear = header.encode();
    clear.extend(nonce);
    // Of the right size from the start: growing it would leave the tokens behind in the freed half.
    let mut bytes = Zeroizing::new(Vec::with_capacity(clear.len() + length.0 + TAG));
    bytes.extend(&clear);
    serde_json::to_writer(&mut *bytes, body)?;
    let tag = XChaCha20Poly1305::new(key.expose().into())
        .encrypt_inout_detached(&XNonce::from(nonce), &clear, bytes[clear.len()..].as_mut().into())
        .map_err(|_| serde::ser::Error::custom("the body is too long for the cipher"))?;
    bytes.extend(tag);
    Ok(bytes)
}

/// Opens the body in place.
pub(super) fn unseal(mut bytes: Zeroizing<Vec<u8>>, key: &LockedKey) -> Result<Body, FormatError> {
    let (_, nonce_at) = Header::parse(&bytes)?;
    let length = bytes.len();
    let body_at = nonce_at + NONCE;
    if length < body_at + TAG {
        return Err(Damage::TooShort { length }.into());
    }
    let (clear, rest) = bytes.split_at_mut(body_at);
    let (body, tag) = rest.split_at_mut(length - body_at - TAG);
    let nonce = XNonce::try_from(&clear[nonce_at..]).map_err(|_| Damage::NotAVault)?;
    let tag = Tag::try_from(&*tag).map_err(|_| Damage::NotAVault)?;
    XChaCha20Poly1305::new(key.expose().into())
        .decrypt_inout_detached(&nonce, clear, (&mut *body).into(), &tag)
        .map_err(|_| Damage::NotAuthentic)?;
    serde_json::from_slice(body).map_err(|_| Damage::BadJson.into())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let rest = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk);
        let array = *rest.ok_or(Damage::TooShort { length: self.bytes.len() })?;
        self.at += N;
        Ok(array)
    }

    fn protected_key(&mut self) -> Result<ProtectedKey, Damage> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        let rest = self.bytes.get(self.at..).and_then(|rest| rest.get(..length.min(MAX_PROTECTED + 1)));
        let protected = rest.ok_or(Damage::TooShort { length: self.bytes.len() })?.to_vec();
        self.at += length;
        ProtectedKey::new(protected).ok_or(Damage::NotAVault)
    }

    fn wrapped_key(&mut self) -> Result<WrappedKey, Damage> {
        let cost = Cost {
            memory_kib: u32::from_be_bytes(self.array()?),
            passes: u32::from_be_bytes(self.array()?),
            lanes: u32::from_be_bytes(self.array()?),
        };
        Ok(WrappedKey { cost, salt: self.array()?, nonce: self.array()?, sealed: self.array()? })
    }
}

/// Counts what is written and keeps none of it.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Ends in a line feed so that `head -1` and `file` show the name and stop.
const MAGIC: &[u8; 8] = b"entradv\n";

/// Bumped whenever an older build could not read the file.
const VERSION: u16 = 1;

/// Far more than a protected key takes, and too little to fill anybody's memory.
const MAX_PROTECTED: usize = 2048;

/// XChaCha20's nonce: long enough to be drawn at random for ever (draft-irtf-cfrg-xchacha-03 §1).
const NONCE: usize = 24;

/// Poly1305's tag (RFC 8439 §2.8).
const TAG: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::record::tests::record;
    use super::*;

    fn key(byte: u8) -> LockedKey {
        LockedKey::take(&mut [byte; 32]).unwrap()
    }

    fn wrapped() -> KeySlot {
        let cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
        KeySlot::Passphrase(WrappedKey { cost, salt: [1; 16], nonce: [2; 24], sealed: [3; 48] })
    }

    fn protected(length: usize) -> KeySlot {
        KeySlot::Dpapi(ProtectedKey(vec![4; length]))
    }

    /// One for each shape of header.
    fn slots() -> [KeySlot; 4] {
        [KeySlot::SecretService, wrapped(), protected(300), KeySlot::Keychain]
    }

    fn sealed(slot: KeySlot) -> Vec<u8> {
        let mut body = Body::default();
        body.put(record("a.t", "rt-\"secret\"-1"));
        let header = Header { key_id: KeyId([5; 16]), slot };
        seal(&header, [6; 24], &key(1), &body).unwrap().to_vec()
    }

    fn open(bytes: &[u8]) -> Result<Body, FormatError> {
        unseal(Zeroizing::new(bytes.to_vec()), &key(1))
    }

    #[test]
    fn a_sealed_body_comes_back_and_shows_nothing() {
        for slot in slots() {
            let bytes = sealed(slot.clone());
            let (header, _) = Header::parse(&bytes).unwrap();
            assert_eq!(header, Header { key_id: KeyId([5; 16]), slot });
            let back = open(&bytes).unwrap().take(&record("a.t", "").entry.key).unwrap();
            assert_eq!(back.refresh_token.expose(), "rt-\"secret\"-1");
            assert_eq!(back.entry, record("a.t", "").entry);
            for clear in [&b"secret"[..], b"refresh_token", b"ada@"] {
                assert!(!bytes.windows(clear.len()).any(|window| window == clear));
            }
        }
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        for slot in slots() {
            let bytes = sealed(slot);
            for at in 0..bytes.len() {
                for bit in [0x01, 0x80, 0xff] {
                    let mut changed = bytes.clone();
                    changed[at] ^= bit;
                    assert!(open(&changed).is_err(), "byte {at} ^ {bit:#x}");
                }
            }
        }
    }

    #[test]
    fn every_truncation_is_noticed_and_so_is_an_addition() {
        for slot in slots() {
            let mut bytes = sealed(slot);
            for length in 0..bytes.len() {
                assert!(matches!(open(&bytes[..length]), Err(FormatError::Damaged(_))), "{length}");
            }
            bytes.push(0);
            assert_eq!(open(&bytes).unwrap_err(), Damage::NotAuthentic.into());
        }
    }

    #[test]
    fn another_key_does_not_open_it() {
        let bytes = Zeroizing::new(sealed(KeySlot::SecretService));
        assert_eq!(unseal(bytes, &key(2)).unwrap_err(), Damage::NotAuthentic.into());
    }

    #[test]
    fn a_newer_version_and_an_unknown_home_are_not_called_damage() {
        let mut bytes = sealed(KeySlot::SecretService);
        bytes[10] = 9;
        assert_eq!(Header::parse(&bytes), Err(FormatError::UnknownHome { code: 9 }));
        bytes[9] = 2;
        assert_eq!(Header::parse(&bytes), Err(FormatError::Newer { version: 2 }));
    }

    #[test]
    fn a_protected_key_of_no_length_or_a_huge_one_is_refused() {
        for length in [0, MAX_PROTECTED + 1] {
            let bytes = sealed(protected(length));
            assert_eq!(Header::parse(&bytes), Err(Damage::NotAVault.into()), "{length}");
        }
    }

    #[test]
    fn sealed_text_that_is_no_body_is_named() {
        let header = Header { key_id: KeyId([5; 16]), slot: KeySlot::SecretService };
        let mut clear = header.encode();
        clear.extend([6; 24]);
        let mut text = b"[1]".to_vec();
        let tag = XChaCha20Poly1305::new(key(1).expose().into())
            .encrypt_inout_detached(&XNonce::from([6; 24]), &clear, text.as_mut_slice().into())
            .unwrap();
        let bytes = [clear, text, tag.to_vec()].concat();
        assert_eq!(open(&bytes).unwrap_err(), Damage::BadJson.into());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(tail in proptest::collection::vec(any::<u8>(), 0..400), ours: bool) {
            let start = if ours { b"entradv\n\0\x01".as_slice() } else { b"" };
            prop_assert!(open(&[start, &tail].concat()).is_err());
        }
    }
}
