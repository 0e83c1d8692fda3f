//! The sealing key as the text that a keyring keeps: its bytes in base64, and nothing else.
//!
//! Keyrings keep passwords, which are text. Space around it is no part of it. Invariant: what is not exactly one key is
//! refused whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::HomeError;
use super::locked_key::{KEY_BYTES, LockedKey};

/// The key as text, which is wiped when it goes.
pub(super) fn encode(key: &[u8; KEY_BYTES]) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(key))
}

/// The key that the text is. The text is wiped.
///
/// # Errors
/// `BadKey` for what is no base64 or no key, and the system's own when there is no memory for it.
pub(super) fn decode(text: Zeroizing<String>) -> Result<LockedKey, HomeError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    match STANDARD.decode_slice(text.trim().as_bytes(), key.as_mut_slice()) {
        Ok(KEY_BYTES) => Ok(LockedKey::take(&mut key)?),
        _ => Err(HomeError::BadKey),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_written_and_through_space_around_it() {
        let text = encode(&[7; KEY_BYTES]);
        let spaced = Zeroizing::new(format!(" {}\n", *text));
        for text in [text, spaced] {
            assert_eq!(decode(text).unwrap().expose(), &[7; KEY_BYTES]);
        }
    }

    #[test]
    fn stored_text_that_is_no_key_is_refused() {
        let text = |bytes: &[u8]| Zeroizing::new(STANDARD.encode(bytes));
        for bad in [text(&[7; 31]), text(&[7; 33]), Zeroizing::new("no key".to_owned()), text(&[])] {
            assert!(matches!(decode(bad), Err(HomeError::BadKey)));
        }
    }
}
