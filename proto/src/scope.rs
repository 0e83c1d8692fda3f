//! Scopes, and the rule that turns a v1 resource into one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_NAME, MAX_SCOPES};

/// The OpenID scopes, which belong to no resource and may accompany any (OpenID Connect Core §3.1.2.1, §11).
pub const OPENID_SCOPES: [&str; 4] = ["openid", "profile", "offline_access", "email"];

/// A checked set of scopes for one resource, in the caller's spelling and order, without repeats.
///
/// Entra compares scopes without regard to case and as a set; two `Scopes` are equal when Entra would see
/// them so, and [`key`](Scopes::key) is that common form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Checks and gathers scopes. OpenID scopes are dropped: the daemon adds them itself.
    ///
    /// # Errors
    /// [`ScopeError`] when nothing is left, when there are more than [`MAX_SCOPES`], when one is longer than
    /// [`MAX_NAME`] bytes or has a character that RFC 6749 §3.3 forbids, or when `.default` is mixed with
    /// named permissions (Entra answers that with AADSTS70011).
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(scopes: I) -> Result<Self, ScopeError> {
        let mut kept: Vec<String> = Vec::new();
        for scope in scopes {
            let scope = scope.into();
            if scope.is_empty() || scope.len() > MAX_NAME || !scope.bytes().all(is_scope_byte) {
                return Err(ScopeError::Malformed(shown(scope)));
            }
            let is_openid = OPENID_SCOPES.iter().any(|openid| openid.eq_ignore_ascii_case(&scope));
            if !is_openid && !kept.iter().any(|other| other.eq_ignore_ascii_case(&scope)) {
                kept.push(scope);
            }
            if kept.len() > MAX_SCOPES {
                return Err(ScopeError::TooMany);
            }
        }
        let defaults = kept.iter().filter(|scope| is_default(scope)).count();
        if kept.is_empty() {
            return Err(ScopeError::Empty);
        }
        if defaults > 1 || (defaults == 1 && kept.len() > 1) {
            return Err(ScopeError::MixedDefault);
        }
        Ok(Self(kept))
    }

    /// The scope of a v1 resource: the resource, **every slash kept**, and `/.default`. The double slash in
    /// `https://management.azure.com//.default` is wanted: the token's audience must equal the resource's
    /// own spelling (Microsoft: "v2.0 scopes, trailing slash").
    ///
    /// # Errors
    /// As [`Scopes::new`].
    pub fn of_resource(resource: &str) -> Result<Self, ScopeError> {
        if resource.is_empty() {
            return Err(ScopeError::Empty);
        }
        if is_default(resource) {
            return Self::new([resource]);
        }
        Self::new([format!("{resource}/.default")])
    }

    /// The scopes, as given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The common form: lower case, sorted, joined by spaces.
    #[must_use]
    pub fn key(&self) -> String {
        let mut scopes: Vec<String> = self.0.iter().map(|scope| scope.to_ascii_lowercase()).collect();
        scopes.sort_unstable();
        scopes.join(" ")
    }
}

impl PartialEq for Scopes {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Scopes {}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl TryFrom<Vec<String>> for Scopes {
    type Error = ScopeError;

    fn try_from(scopes: Vec<String>) -> Result<Self, ScopeError> {
        Self::new(scopes)
    }
}

impl From<Scopes> for Vec<String> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

/// Why a list of scopes was refused before anything was sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// No scope of a resource is left.
    #[error("At least one scope of a resource is needed, such as https://management.azure.com/.default.")]
    Empty,
    /// A scope has a space, a quote or another forbidden character, or is too long.
    #[error("`{0}` is not a scope: it is empty, too long, or has a space, quote or control character.")]
    Malformed(String),
    /// `.default` together with other scopes.
    #[error(
        "`.default` asks for all permitted scopes and cannot be mixed with others; ask for one or the other."
    )]
    MixedDefault,
    /// More than [`MAX_SCOPES`].
    #[error("More than {MAX_SCOPES} scopes in one request; ask for one resource at a time.")]
    TooMany,
}

/// What is told of it: the beginning alone where it is long, since somebody may have put a token in its place.
fn shown(scope: String) -> String {
    if scope.len() <= MOST_SHOWN { scope } else { scope.chars().take(SHOWN_OF_LONG).chain(['…']).collect() }
}

/// Longer than any scope that somebody mistyped.
const MOST_SHOWN: usize = 80;

/// Enough to recognise it.
const SHOWN_OF_LONG: usize = 12;

/// Whether the scope is `.default`, of a resource or alone.
fn is_default(scope: &str) -> bool {
    scope.eq_ignore_ascii_case(".default") || scope.to_ascii_lowercase().ends_with("/.default")
}

/// RFC 6749 §3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
fn is_scope_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://management.azure.com", "https://management.azure.com/.default")]
    #[case("https://management.azure.com/", "https://management.azure.com//.default")]
    #[case("https://management.core.windows.net/", "https://management.core.windows.net//.default")]
    #[case("https://database.windows.net/", "https://database.windows.net//.default")]
    #[case("499b84ac-1321-427f-aa17-267ca6975798", "499b84ac-1321-427f-aa17-267ca6975798/.default")]
    #[case("https://api.spaces.skype.com/", "https://api.spaces.skype.com//.default")]
    #[case("https://vault.azure.net/.default", "https://vault.azure.net/.default")]
    fn a_resource_keeps_every_slash(#[case] resource: &str, #[case] scope: &str) {
        assert_eq!(Scopes::of_resource(resource).unwrap().to_string(), scope);
    }

    #[test]
    fn vector_27_order_and_case_do_not_matter() {
        assert_eq!(Scopes::new(["A", "B"]).unwrap(), Scopes::new(["b", "a", "A"]).unwrap());
        assert_eq!(Scopes::new(["A", "B"]).unwrap().key(), "a b");
    }

    #[test]
    fn openid_scopes_are_the_daemons_to_add() {
        let scopes = Scopes::new(["openid", "User.Read", "Offline_Access"]).unwrap();
        assert_eq!(scopes.to_string(), "User.Read");
    }

    #[rstest]
    #[case(&[], ScopeError::Empty)]
    #[case(&["openid"], ScopeError::Empty)]
    #[case(&["eyJhbGciOiJub25lIn0.eyJhIjoxfQ.sig sig sig sig sig sig sig sig sig sig sig sig sig sig sig sig"], ScopeError::Malformed("eyJhbGciOiJu…".to_owned()))]
    #[case(&["a b"], ScopeError::Malformed("a b".to_owned()))]
    #[case(&["a\"b"], ScopeError::Malformed("a\"b".to_owned()))]
    #[case(&["x/.default", "x/read"], ScopeError::MixedDefault)]
    #[case(&["x/.default", "y/.default"], ScopeError::MixedDefault)]
    fn bad_lists_are_refused_with_a_reason(#[case] scopes: &[&str], #[case] error: ScopeError) {
        assert_eq!(Scopes::new(scopes.iter().copied()).unwrap_err(), error);
    }

    #[test]
    fn too_many_scopes_are_refused() {
        let scopes = (0..=MAX_SCOPES).map(|n| format!("s{n}"));
        assert_eq!(Scopes::new(scopes).unwrap_err(), ScopeError::TooMany);
    }
}
