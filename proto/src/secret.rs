//! Secrets that cross the socket: redacted when printed, wiped when dropped.
//!
//! The type is the promise. There is no `Display`, `Debug` shows a length only, and the one way to the text
//! is [`expose`](AccessToken::expose), which a reader can search for.

use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{ZeroizeOnDrop, optimization_barrier};

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(String);

        impl $name {
            /// Takes ownership of the text; nothing else holds it afterwards.
            #[must_use]
            pub fn new(text: String) -> Self {
                Self(text)
            }

            /// The text itself, for the place that must send or print it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // The text never shrinks, so there is nothing behind its end.
                wipe(&mut std::mem::take(&mut self.0).into_bytes());
            }
        }

        impl ZeroizeOnDrop for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self)
            }
        }
    };
}

secret! {
    /// An access token, opaque to us (RFC 6749 §1.4): never parsed, handed only to the caller that asked.
    AccessToken
}

secret! {
    /// What a request over loopback presents: whoever has it may ask what its lease allows.
    LeaseSecret
}

impl LeaseSecret {
    /// What each begins with, so that scanners of source code and logs can find one that leaked.
    pub const PREFIX: &str = "entra_lease_";
}

secret! {
    /// A container registry's own refresh token, which docker presents as a password. It is good for that registry alone
    /// and for about three hours.
    RegistryToken
}

secret! {
    /// The page of a sign-in in a browser, with the `state` that its answer must bring back (RFC 6749 §4.1.1). Whoever reads it
    /// while it lives could end the sign-in with an account of their own.
    AuthorizationUrl
}

secret! {
    /// What opens an encrypted private key.
    Passphrase
}

secret! {
    /// The address of a page for signing in. Whoever has it while the page is open may begin the sign-in and read its code.
    PageAddress
}

secret! {
    /// The short code a person types on Microsoft's page (RFC 8628 §3.2). Whoever reads it while it lives
    /// can finish the sign-in, so it goes to the terminal or page that asked and nowhere else.
    UserCode
}

/// Bytes on their way, wiped on drop.
#[derive(Debug)]
pub(crate) struct WipedBytes(Vec<u8>);

impl WipedBytes {
    /// Takes ownership of `bytes`; nothing else holds them afterwards.
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl Drop for WipedBytes {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl Deref for WipedBytes {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for WipedBytes {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// Writes zeros that the compiler may not leave out although nobody reads them. `Zeroizing` writes a vector
/// twice, one volatile byte after the other; that was a third of all instructions of a small program that
/// asks for one token.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    optimization_barrier(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_a_length_only() {
        let token = AccessToken::new("eyJ0eXAi.secret".to_owned());
        assert_eq!(format!("{token:?}"), "AccessToken(15 bytes)");
    }

    #[test]
    fn wiping_leaves_zeros() {
        let mut bytes = *b"eyJ0eXAi";
        wipe(&mut bytes);
        assert_eq!(bytes, [0; 8]);
    }

    #[test]
    fn the_wire_carries_the_text() {
        let token: AccessToken = serde_json::from_str("\"abc\"").unwrap();
        assert_eq!(token.expose(), "abc");
        assert_eq!(serde_json::to_string(&token).unwrap(), "\"abc\"");
    }
}
