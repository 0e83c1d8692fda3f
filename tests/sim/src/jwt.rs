//! Tokens as strings.
//!
//! Nothing is signed: an id_token says `alg: none`, and an access token that looks like a JWT ends in noise. Clients
//! may not read access tokens, and may trust an id_token because it came straight from the token endpoint (OpenID
//! Connect Core, section 3.1.3.7).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// base64url without padding.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// An unsigned token with these claims.
pub(crate) fn unsigned(claims: &Value) -> String {
    let header = json!({"alg": "none", "typ": "JWT"});
    format!("{}.{}.", base64url(header.to_string()), base64url(claims.to_string()))
}

/// A token with these claims and a signature that is noise.
pub(crate) fn seemingly_signed(claims: &Value) -> String {
    let header = json!({"alg": "RS256", "kid": "entra-sim", "typ": "JWT"});
    let body = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
    let signature = noise(body.as_bytes(), 256);
    format!("{body}.{SECRET_MARK}{}", base64url(signature))
}

/// Stands in every secret that is issued, but for codes that a person types: whoever looks for it in logs finds what escaped. It
/// is base64url for whole bytes, so a token with it is as well formed as one without.
pub const SECRET_MARK: &str = "entraSECRET_";

/// Stands in every refresh token, again every 64 bytes: whoever looks for it in memory finds a piece of any of them.
pub const REFRESH_MARK: &str = "entraSECRET_refresh_";

/// So much noise with that mark in it, after `start`.
pub(crate) fn marked(start: &str, seed: &[u8], length: usize) -> String {
    let mut text = start.to_owned();
    for noise in base64url(noise(seed, length)).as_bytes().chunks(64 - REFRESH_MARK.len()) {
        text.push_str(REFRESH_MARK);
        text.extend(noise.iter().map(|&byte| char::from(byte)));
    }
    text.truncate(length);
    text
}

/// `length` bytes that depend on the seed alone.
pub(crate) fn noise(seed: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 32);
    let mut block = Sha256::digest(seed);
    while bytes.len() < length {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(length);
    bytes
}

/// 32 bytes that nobody else has.
pub(crate) fn unique() -> [u8; 32] {
    let mut bytes = [0; 32];
    let (first, second) = bytes.split_at_mut(16);
    first.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    second.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    bytes
}

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
pub(crate) fn challenge(verifier: &str) -> String {
    base64url(Sha256::digest(verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_rfc_7636() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn noise_is_stable_and_long_enough() {
        assert_eq!(noise(b"a", 100).len(), 100);
        assert_eq!(noise(b"a", 65_536)[..100], noise(b"a", 100));
        assert_ne!(noise(b"a", 10), noise(b"b", 10));
    }
}
