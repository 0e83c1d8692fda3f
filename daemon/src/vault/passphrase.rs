//! Where a passphrase comes from, and the home that keeps the key under one.
//!
//! The passphrase does not seal the file: Argon2id stretches it to a key that seals the random key, and the
//! result is kept in the file's header. So the passphrase is needed once a start, not at each write, and the
//! key may later move to another home. A header is not trusted: its costs have upper bounds.

use std::env;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::error::HomeError;
use super::home::{Access, Home, HomeKind, random};
use super::locked_key::{KEY_BYTES, LockedKey};
use super::sealed_file::{Cost, Header, KeyId, KeySlot, WrappedKey};
use crate::files::{
    CLOSE_FILE, Fault, credential_fault, open_descriptor, open_outside, read_bounded, secret_fault,
};

/// Where the passphrase is read from. At most [`MAX_PASSPHRASE`] bytes; one line end after it is not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PassphraseSource {
    /// An open descriptor of this process, read to its end. Good for one reading, so it is remembered.
    Descriptor(i32),
    /// A file of ours that nobody else may read.
    File(PathBuf),
    /// The terminal; only where a person started it.
    Prompt,
    /// `entrad-passphrase` in systemd's `$CREDENTIALS_DIRECTORY` (systemd.exec(5), Credentials).
    SystemdCredential,
}

/// Why there is no passphrase, or why it does not fit.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// The two entries of a new passphrase were not the same.
    #[error("the two passphrases differ")]
    Differ,
    /// Nothing was given.
    #[error("the passphrase is empty")]
    Empty,
    /// The header asks for more work than this build will do.
    #[error("the vault's header asks for more memory or time than is allowed")]
    Excessive,
    /// It must be typed, and this call may not ask.
    #[error("the passphrase must be typed at a terminal")]
    NeedsPerson,
    /// systemd passed no credentials.
    #[error("systemd passed no credential `{CREDENTIAL}`")]
    NoCredential,
    /// It could not be read.
    #[error("the passphrase could not be read from {place}: {source}")]
    Read {
        /// From where.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// It is longer than it may be.
    #[error("the passphrase is longer than {MAX_PASSPHRASE} bytes")]
    TooLong,
    /// The file is not private.
    #[error("the passphrase file {} is refused: {fault}", path.display())]
    Unsafe {
        /// The file.
        path: PathBuf,
        /// Why.
        fault: Fault,
    },
    /// It does not open the vault.
    #[error("the passphrase does not open the vault")]
    Wrong,
}

impl PassphraseError {
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Differ => "Try again and type the same passphrase twice.",
            Self::Empty | Self::TooLong => "Put one line of 1 to 1024 bytes there.",
            Self::Excessive => "The vault's file was changed by another program; restore it from a backup.",
            Self::NeedsPerson => "Start entrad at a terminal, or set `passphrase_file` in config.toml.",
            Self::NoCredential => {
                "Add `LoadCredentialEncrypted=entrad-passphrase` to entrad's unit, or set `passphrase_file`."
            }
            Self::Read { .. } => "See whether the place is right and readable for you.",
            Self::Unsafe { .. } => CLOSE_FILE,
            Self::Wrong => "Give the passphrase with which the vault was made. Nothing was changed.",
        }
    }
}

/// The home.
pub(super) struct Passphrase {
    source: PassphraseSource,
    cost: Cost,
    descriptor_text: Mutex<Option<Zeroizing<Vec<u8>>>>,
}

impl Passphrase {
    pub(super) fn new(source: PassphraseSource) -> Self {
        Self { source, cost: COST, descriptor_text: Mutex::default() }
    }

    pub(super) fn read(&self, access: Access, is_new: bool) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
        let text = match &self.source {
            PassphraseSource::Descriptor(number) => self.read_descriptor(*number)?,
            PassphraseSource::File(path) => read_file(path, secret_fault)?,
            PassphraseSource::SystemdCredential => read_file(&credential_path()?, credential_fault)?,
            PassphraseSource::Prompt if access == Access::Silent => return Err(PassphraseError::NeedsPerson),
            PassphraseSource::Prompt => ask(is_new)?,
        };
        trim(text)
    }

    fn read_descriptor(&self, number: i32) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
        let mut kept = self.descriptor_text.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = &*kept {
            return Ok(text.clone());
        }
        let place = format!("/dev/fd/{number}");
        let text = open_descriptor(number)
            .and_then(|file| read_bounded(file, MAX_READ, MAX_READ))
            .map_err(|source| PassphraseError::Read { place, source })?
            .ok_or(PassphraseError::TooLong)?;
        Ok(kept.insert(text).clone())
    }
}

impl Home for Passphrase {
    fn check(&self) -> Result<(), HomeError> {
        match self.source {
            PassphraseSource::Prompt => Ok(()),
            _ => Ok(self.read(Access::Silent, false).map(drop)?),
        }
    }

    fn fetch(&self, header: &Header, access: Access) -> Result<LockedKey, HomeError> {
        if !matches!(header.slot, KeySlot::Passphrase(_)) {
            return Err(HomeError::NoKey);
        }
        unwrap(header, &self.read(access, false)?)
    }

    fn create(&self, key_id: KeyId, access: Access) -> Result<(LockedKey, KeySlot), HomeError> {
        let text = self.read(access, true)?;
        let mut wrapped =
            WrappedKey { cost: self.cost, salt: random()?, nonce: random()?, sealed: [0; KEY_BYTES + 16] };
        let cipher = stretch(&text, &wrapped)?;
        let mut key = Zeroizing::new(random::<KEY_BYTES>()?);
        let (sealed, tag) = wrapped.sealed.split_at_mut(KEY_BYTES);
        sealed.copy_from_slice(&*key);
        let nonce = XNonce::from(wrapped.nonce);
        let made = cipher
            .encrypt_inout_detached(&nonce, &bound(key_id, wrapped.cost, &wrapped.salt), sealed.into())
            .map_err(|_| PassphraseError::Excessive)?;
        tag.copy_from_slice(&made);
        Ok((LockedKey::take(&mut key)?, KeySlot::Passphrase(wrapped)))
    }

    fn forget(&self) {
        *self.descriptor_text.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The key of a file that is sealed by this passphrase.
pub(super) fn unwrap(header: &Header, passphrase: &[u8]) -> Result<LockedKey, HomeError> {
    let KeySlot::Passphrase(wrapped) = &header.slot else { return Err(HomeError::NoKey) };
    let cipher = stretch(passphrase, wrapped)?;
    let (sealed, tag) = wrapped.sealed.split_at(KEY_BYTES);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(sealed);
    let tag = Tag::try_from(tag).map_err(|_| PassphraseError::Wrong)?;
    cipher
        .decrypt_inout_detached(
            &XNonce::from(wrapped.nonce),
            &bound_to(header.key_id, wrapped),
            key.as_mut_slice().into(),
            &tag,
        )
        .map_err(|_| PassphraseError::Wrong)?;
    Ok(LockedKey::take(&mut key)?)
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").field("source", &self.source).finish_non_exhaustive()
    }
}

fn bound_to(key_id: KeyId, wrapped: &WrappedKey) -> Vec<u8> {
    bound(key_id, wrapped.cost, &wrapped.salt)
}

/// The associated data of the wrapped key: everything of the header that comes before its nonce.
fn bound(key_id: KeyId, cost: Cost, salt: &[u8]) -> Vec<u8> {
    [key_id.first_bytes(HomeKind::Passphrase), cost.encode(), salt.to_vec()].concat()
}

fn stretch(passphrase: &[u8], wrapped: &WrappedKey) -> Result<XChaCha20Poly1305, HomeError> {
    let params = params(wrapped.cost)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, &wrapped.salt, key.as_mut_slice())
        .map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

/// What a header asks for, where that is no more than is allowed.
pub(super) fn params(cost: Cost) -> Result<Params, PassphraseError> {
    let Cost { memory_kib, passes, lanes } = cost;
    if memory_kib > MAX_COST.memory_kib || passes > MAX_COST.passes || lanes > MAX_COST.lanes {
        return Err(PassphraseError::Excessive);
    }
    Params::new(memory_kib, passes, lanes, Some(KEY_BYTES)).map_err(|_| PassphraseError::Excessive)
}

/// The passphrase in a file of ours that nobody else may read, for whatever it opens.
///
/// # Errors
/// [`PassphraseError`] where the file is not private, or cannot be read.
pub fn passphrase_in_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    trim(read_file(path, secret_fault)?)
}

fn read_file(
    path: &Path,
    fault: fn(&File) -> io::Result<Option<Fault>>,
) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    let failed = |source| PassphraseError::Read { place: path.display().to_string(), source };
    let file = open_outside(path).map_err(failed)?;
    if let Some(fault) = fault(&file).map_err(failed)? {
        return Err(PassphraseError::Unsafe { path: path.to_owned(), fault });
    }
    read_bounded(file, MAX_READ, MAX_READ).map_err(failed)?.ok_or(PassphraseError::TooLong)
}

fn credential_path() -> Result<PathBuf, PassphraseError> {
    let folder = env::var_os("CREDENTIALS_DIRECTORY").ok_or(PassphraseError::NoCredential)?;
    Ok(Path::new(&folder).join(CREDENTIAL))
}

fn ask(is_new: bool) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    let prompt = |text| {
        rpassword::prompt_password(text)
            .map(|line| Zeroizing::new(line.into_bytes()))
            .map_err(|source| PassphraseError::Read { place: "the terminal".to_owned(), source })
    };
    let first = prompt("Passphrase of entrad's vault: ")?;
    if is_new && *first != *prompt("The same passphrase again: ")? {
        return Err(PassphraseError::Differ);
    }
    Ok(first)
}

/// Takes one line end away.
fn trim(mut text: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, PassphraseError> {
    for end in [b'\n', b'\r'] {
        if text.last() != Some(&end) {
            break;
        }
        text.pop();
    }
    match text.len() {
        0 => Err(PassphraseError::Empty),
        length if length > MAX_PASSPHRASE => Err(PassphraseError::TooLong),
        _ => Ok(text),
    }
}

/// The longest passphrase: far more than a person types, and no file given by mistake.
pub const MAX_PASSPHRASE: usize = 1024;

/// As much as is read: the passphrase and its line end.
const MAX_READ: u64 = MAX_PASSPHRASE as u64 + 2;

/// The credential's name in the unit.
const CREDENTIAL: &str = "entrad-passphrase";

/// RFC 9106 §4, second recommended option: 64 MiB, three passes, four lanes.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

/// What a header may ask for: four times ours in memory, so that a later build may raise it, and no more, so
/// that a planted file cannot eat the machine.
const MAX_COST: Cost = Cost { memory_kib: 256 * 1024, passes: 16, lanes: 16 };

#[cfg(test)]
pub(in crate::vault) mod tests {
    use std::fs;

    use rstest::rstest;

    use super::*;
    use crate::files::tests::close_to_others;

    const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

    pub(in crate::vault) fn file(text: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        close_to_others(file.path());
        file
    }

    pub(in crate::vault) fn home(source: PassphraseSource) -> Passphrase {
        Passphrase { cost: CHEAP, ..Passphrase::new(source) }
    }

    pub(in crate::vault) fn file_home(file: &tempfile::NamedTempFile) -> Passphrase {
        home(PassphraseSource::File(file.path().to_owned()))
    }

    fn fetch(home: &Passphrase, key_id: KeyId, slot: &KeySlot) -> Result<LockedKey, HomeError> {
        home.fetch(&Header { key_id, slot: slot.clone() }, Access::Silent)
    }

    #[test]
    fn the_right_passphrase_unwraps_and_a_wrong_one_does_not() {
        let (right, wrong) = (file(b"pass phrase\n"), file(b"pass phrase \n"));
        let key_id = KeyId([1; 16]);
        let (key, slot) = file_home(&right).create(key_id, Access::Silent).unwrap();
        assert_eq!(fetch(&file_home(&right), key_id, &slot).unwrap().expose(), key.expose());
        for (home, key_id) in [(file_home(&wrong), key_id), (file_home(&right), KeyId([2; 16]))] {
            let error = fetch(&home, key_id, &slot).unwrap_err();
            assert!(matches!(error, HomeError::Passphrase(PassphraseError::Wrong)), "{error}");
        }
    }

    #[test]
    fn every_changed_byte_of_the_wrapped_key_is_noticed() {
        let text = file(b"x");
        let home = file_home(&text);
        let (_, slot) = home.create(KeyId([1; 16]), Access::Silent).unwrap();
        let KeySlot::Passphrase(wrapped) = slot else { panic!("another slot") };
        let changes: [fn(&mut WrappedKey, usize); 3] = [
            |wrapped, at| wrapped.salt[at % 16] ^= 1,
            |wrapped, at| wrapped.nonce[at % 24] ^= 1,
            |wrapped, at| wrapped.sealed[at % 48] ^= 1,
        ];
        for (change, at) in changes.iter().flat_map(|change| (0..48).map(move |at| (change, at))) {
            let mut changed = wrapped.clone();
            change(&mut changed, at);
            assert!(fetch(&home, KeyId([1; 16]), &KeySlot::Passphrase(changed)).is_err());
        }
    }

    #[rstest]
    #[case::memory(Cost { memory_kib: u32::MAX, ..CHEAP })]
    #[case::passes(Cost { passes: u32::MAX, ..CHEAP })]
    #[case::lanes(Cost { lanes: 17, memory_kib: 1024, ..CHEAP })]
    #[case::none(Cost { memory_kib: 0, passes: 0, lanes: 0 })]
    fn a_hostile_header_costs_nothing(#[case] cost: Cost) {
        let text = file(b"x");
        let wrapped = WrappedKey { cost, salt: [0; 16], nonce: [0; 24], sealed: [0; 48] };
        let error = fetch(&file_home(&text), KeyId([1; 16]), &KeySlot::Passphrase(wrapped)).unwrap_err();
        assert!(matches!(error, HomeError::Passphrase(PassphraseError::Excessive)), "{error}");
    }

    #[rstest]
    #[case::plain(b"abc", b"abc")]
    #[case::one_line_end(b"abc\n\n", b"abc\n")]
    #[case::windows_line_end(b"abc\r\n", b"abc")]
    #[case::carriage_return_alone(b" abc\r", b" abc\r")]
    fn one_line_end_is_taken_away(#[case] text: &[u8], #[case] expected: &[u8]) {
        let file = file(text);
        assert_eq!(**file_home(&file).read(Access::Silent, false).unwrap(), *expected);
    }

    #[test]
    fn empty_and_endless_passphrases_are_refused() {
        for text in [&b""[..], b"\n", b"\r\n"] {
            let file = file(text);
            let read = file_home(&file).read(Access::Silent, false);
            assert!(matches!(read, Err(PassphraseError::Empty)));
        }
        let longest = [&[b'x'; MAX_PASSPHRASE][..], b"\r\n"].concat();
        assert!(file_home(&file(&longest)).read(Access::Silent, false).is_ok());
        for length in [MAX_PASSPHRASE + 1, MAX_PASSPHRASE * 100] {
            let file = file(&vec![b'x'; length]);
            let read = file_home(&file).read(Access::Silent, false);
            assert!(matches!(read, Err(PassphraseError::TooLong)), "{length}");
        }
    }

    #[test]
    fn the_terminal_is_left_alone_in_the_background() {
        let read = home(PassphraseSource::Prompt).read(Access::Silent, false);
        assert!(matches!(read, Err(PassphraseError::NeedsPerson)));
    }
}
