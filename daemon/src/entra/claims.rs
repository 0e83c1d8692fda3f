//! Claims challenges: what a resource or a policy wants proven before it accepts a token.
//!
//! A challenge comes from outside as JSON or as base64 of it in whichever alphabet the caller's library
//! kept, goes out as JSON merged with our capabilities, and is never echoed back in an error.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use entra_proto::limits::MAX_CLAIMS;

use super::json::Json;

/// A checked challenge in one common form, so that equal challenges are equal keys.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Claims(String);

impl Claims {
    /// Reads a JSON object, or base64 of one: standard or URL-safe alphabet, with or without padding.
    ///
    /// # Errors
    /// [`ClaimsError`], which never holds the input.
    pub fn parse(text: &str) -> Result<Self, ClaimsError> {
        let text = text.trim();
        if text.len() > MAX_CLAIMS.div_ceil(3) * 4 {
            return Err(ClaimsError::TooLong);
        }
        let json = if text.starts_with('{') { text.as_bytes().to_vec() } else { decode(text)? };
        if json.len() > MAX_CLAIMS {
            return Err(ClaimsError::TooLong);
        }
        let json = std::str::from_utf8(&json).map_err(|_| ClaimsError::NotAnObject)?;
        let object = Json::parse(json).filter(|json| matches!(json, Json::Object(_)));
        let claims = object.and_then(|object| object.print()).map(Self).ok_or(ClaimsError::NotAnObject)?;
        // What is sent has the limit, and with our capability it is longer than what came.
        if claims.merged(true).len() > MAX_CLAIMS {
            return Err(ClaimsError::TooLong);
        }
        Ok(claims)
    }

    /// The `claims` parameter of a request that carries this challenge; with `cae`, merged with the
    /// capability `cp1` ("handles claims challenges"). Objects are merged in depth and the challenge wins
    /// on equal keys (Microsoft: claims challenges, client capabilities).
    #[must_use]
    pub fn merged(&self, cae: bool) -> String {
        let merged = || {
            let mut merged = Json::parse(CAPABILITIES)?;
            merged.overlay(Json::parse(&self.0)?);
            merged.print()
        };
        // Both were read before.
        if cae { merged().unwrap_or_else(|| self.0.clone()) } else { self.0.clone() }
    }

    /// The challenge as JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A short number for the same challenge, to notice that it failed before. The same in every run of one
    /// build; not for storage.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({} bytes)", self.0.len())
    }
}

/// Why a challenge was refused before anything was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// Neither JSON nor base64 of it.
    #[error(
        "The claims are not a JSON object, nor base64 of one; pass the challenge's `claims` value unchanged."
    )]
    NotAnObject,
    /// Over the limit.
    #[error("The claims are longer than {MAX_CLAIMS} bytes; pass the challenge's `claims` value alone.")]
    TooLong,
}

/// The `claims` parameter of a request: none without a challenge and without `cae`.
pub(super) fn parameter(claims: Option<&Claims>, cae: bool) -> Option<String> {
    match claims {
        Some(claims) => Some(claims.merged(cae)),
        None => cae.then(|| CAPABILITIES.to_owned()),
    }
}

fn decode(text: &str) -> Result<Vec<u8>, ClaimsError> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let is_url_safe = text.contains(['-', '_']);
    let alphabet = if is_url_safe { &URL_SAFE } else { &STANDARD };
    GeneralPurpose::new(alphabet, config).decode(text).map_err(|_| ClaimsError::NotAnObject)
}

/// `cp1` is the only capability there is.
const CAPABILITIES: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#,
        r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"xms_cc":{"values":["cp1"]}}}"#
    )]
    #[case(
        r#"{"access_token":{"acrs":{"essential":true,"value":"c25"}}}"#,
        r#"{"access_token":{"acrs":{"essential":true,"value":"c25"},"xms_cc":{"values":["cp1"]}}}"#
    )]
    #[case(
        r#"{"id_token":{"auth_time":{"essential":true}}}"#,
        r#"{"access_token":{"xms_cc":{"values":["cp1"]}},"id_token":{"auth_time":{"essential":true}}}"#
    )]
    #[case(
        r#"{"access_token":{"xms_cc":{"values":["cp9"]}}}"#,
        r#"{"access_token":{"xms_cc":{"values":["cp9"]}}}"#
    )]
    #[case(r#"{"access_token":null}"#, r#"{"access_token":null}"#)]
    #[case(
        r#"{"id_token":{"a":1e400,"b":1.10,"c":123456789012345678901}}"#,
        r#"{"access_token":{"xms_cc":{"values":["cp1"]}},"id_token":{"a":1e400,"b":1.10,"c":123456789012345678901}}"#
    )]
    fn vector_25_the_challenge_is_merged_with_cp1(#[case] challenge: &str, #[case] merged: &str) {
        let claims = Claims::parse(challenge).unwrap();
        assert_eq!(parameter(Some(&claims), true).unwrap(), merged);
        assert_eq!(parameter(Some(&claims), false).unwrap(), challenge);
    }

    #[test]
    fn vector_25_cp1_alone_and_nothing_at_all() {
        assert_eq!(parameter(None, true).unwrap(), r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#);
        assert_eq!(parameter(None, false), None);
    }

    #[rstest]
    #[case("eyJhY2Nlc3NfdG9rZW4iOnsieCI6eyJ2YWx1ZSI6IsO/In19fQ==")]
    #[case("eyJhY2Nlc3NfdG9rZW4iOnsieCI6eyJ2YWx1ZSI6IsO_In19fQ")]
    #[case("eyJhY2Nlc3NfdG9rZW4iOnsieCI6eyJ2YWx1ZSI6IsO/In19fQ")]
    #[case(r#" { "access_token" : { "x" : { "value" : "ÿ" } } } "#)]
    fn vector_26_both_alphabets_with_and_without_padding(#[case] text: &str) {
        let claims = Claims::parse(text).unwrap();
        assert_eq!(claims.as_str(), r#"{"access_token":{"x":{"value":"ÿ"}}}"#);
        assert_eq!(claims, Claims::parse(claims.as_str()).unwrap());
        assert_eq!(claims.fingerprint(), Claims::parse(claims.as_str()).unwrap().fingerprint());
    }

    #[rstest]
    #[case("")]
    #[case("{\"secret-word\":")]
    #[case("[1]")]
    #[case("WzFd")]
    #[case("secret-word!")]
    fn vector_26_broken_claims_are_refused_without_an_echo(#[case] text: &str) {
        let error = Claims::parse(text).unwrap_err();
        assert_eq!(error, ClaimsError::NotAnObject);
        assert!(!format!("{error} {error:?}").contains("secret-word"));
    }

    #[test]
    fn long_claims_are_refused() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_CLAIMS));
        assert_eq!(Claims::parse(&long), Err(ClaimsError::TooLong));
        assert_eq!(Claims::parse(&"A".repeat(MAX_CLAIMS * 2)), Err(ClaimsError::TooLong));
    }

    #[test]
    fn what_is_sent_is_never_longer_than_may_be_sent() {
        let challenge = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        let longest = MAX_CLAIMS - (CAPABILITIES.len() - 1);
        let claims = Claims::parse(&challenge(longest)).unwrap();
        assert_eq!(claims.merged(true).len(), MAX_CLAIMS);
        assert_eq!(Claims::parse(&challenge(longest + 1)), Err(ClaimsError::TooLong));
        // A number that is written out takes four times that.
        let many = format!("{{\"a\":[{}1e15]}}", "1e15,".repeat(MAX_CLAIMS / 5 - 20));
        assert!(Claims::parse(&many).unwrap().merged(true).len() <= MAX_CLAIMS);
    }

    #[test]
    fn different_challenges_have_different_fingerprints() {
        let one = Claims::parse(r#"{"access_token":{"a":null}}"#).unwrap();
        let two = Claims::parse(r#"{"access_token":{"b":null}}"#).unwrap();
        assert_ne!(one.fingerprint(), two.fingerprint());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = Claims::parse(&text).map(|claims| claims.merged(true));
        }
    }
}
