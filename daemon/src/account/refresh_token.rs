//! The refresh token: the one secret the daemon exists to keep.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A refresh token, opaque to us (RFC 6749 §1.5). It has no `Clone`, no serde and no `Display`: it goes from
/// Entra's answer to the vault, and from the vault into a request to the authority that issued it.
#[derive(PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RefreshToken(String);

impl RefreshToken {
    /// Takes ownership of the text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the request and for sealing.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({} bytes)", self.0.len())
    }
}
