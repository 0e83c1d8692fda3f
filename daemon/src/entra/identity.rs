//! Who signed in, read from `client_info` and the id token.
//!
//! Both come over TLS straight from the token endpoint, so the signature need not be checked (OpenID Connect
//! Core §3.1.3.7); what they say must still fit what was asked: `aud` the client id, `tid` the tenant where
//! that was named by its id. The answer is a name for an account, never a proof for anybody else.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use entra_proto::account::AccountId;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::lenient::Lenient;
use super::target::Target;
use super::text::plain;
use crate::account::outcome::Identity;

/// Reads who signed in. `None` where the answer does not say, or not readably.
///
/// # Errors
/// [`IdentityError`] when the id token is for another app or from another tenant than asked.
pub fn read(
    target: &Target,
    id_token: Option<&str>,
    client_info: Option<&str>,
) -> Result<Option<Identity>, IdentityError> {
    let claims = id_token.and_then(payload).and_then(decode::<IdClaims>).unwrap_or_default();
    let text =
        |field: &Lenient| field.clone().text().map(|text| plain(&text, 256)).filter(|text| !text.is_empty());
    if id_token.is_some() && claims.aud != Lenient::Nothing {
        let audience = text(&claims.aud).unwrap_or_default();
        if !audience.eq_ignore_ascii_case(target.client_id.as_str()) {
            return Err(IdentityError::OtherApp);
        }
    }
    let tenant = text(&claims.tid).map(|tenant| tenant.to_ascii_lowercase());
    if let Some(tenant) = &tenant
        && target.authority.names_tenant_id()
        && tenant != target.authority.tenant()
    {
        let name = claims.names().find_map(text).map_or("Somebody".to_owned(), |name| format!("`{name}`"));
        let (came, asked) = (tenant.clone(), target.authority.tenant().to_owned());
        return Err(IdentityError::OtherTenant { name, came, asked });
    }
    let home = client_info.and_then(decode::<ClientInfo>).and_then(|info| info.home());
    let Some(id) = home.or_else(|| text(&claims.sub).and_then(|sub| sub.parse().ok())) else {
        return Ok(None);
    };
    let username = claims.names().find_map(text).unwrap_or_else(|| id.to_string());
    Ok(Some(Identity { id, username, name: text(&claims.name), tenant }))
}

/// Whether the account is a guest in the tenant that issued the token: its home is another.
#[must_use]
pub fn is_guest(identity: &Identity) -> bool {
    let home = identity.id.as_str().split_once('.').map(|(_, utid)| utid);
    matches!((home, &identity.tenant), (Some(home), Some(tenant)) if home != tenant)
}

/// Why an id token was refused, and the tokens beside it with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// `aud` is not our client id.
    #[error("The tokens are for another app than was asked for; they were dropped.")]
    OtherApp,
    /// `tid` is not the tenant asked.
    #[error(
        "{name} signed in to the tenant {came}, but the tenant {asked} was expected; the tokens were dropped."
    )]
    OtherTenant {
        /// The user name between backticks, or "Somebody".
        name: String,
        /// The tenant of the tokens.
        came: String,
        /// The tenant asked.
        asked: String,
    },
}

impl IdentityError {
    /// Our own word for it, for [`crate::account::outcome::Fault::error`].
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::OtherApp => WRONG_APP,
            Self::OtherTenant { .. } => WRONG_TENANT,
        }
    }
}

/// [`IdentityError::OtherApp`] as a word.
pub(super) const WRONG_APP: &str = "wrong_app";

/// [`IdentityError::OtherTenant`] as a word.
pub(super) const WRONG_TENANT: &str = "wrong_tenant";

/// The claims that name an account (Microsoft: id token claims).
#[derive(Default, Deserialize)]
#[serde(default)]
struct IdClaims {
    aud: Lenient,
    name: Lenient,
    preferred_username: Lenient,
    sub: Lenient,
    tid: Lenient,
    unique_name: Lenient,
    upn: Lenient,
}

impl IdClaims {
    /// What people call the account, best first.
    fn names(&self) -> impl Iterator<Item = &Lenient> {
        [&self.preferred_username, &self.upn, &self.unique_name].into_iter()
    }
}

/// `client_info`: the account's object id and tenant at home.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ClientInfo {
    uid: Lenient,
    utid: Lenient,
}

impl ClientInfo {
    fn home(self) -> Option<AccountId> {
        let (uid, utid) = (self.uid.text()?, self.utid.text()?);
        if uid.is_empty() || utid.is_empty() || uid.contains('.') {
            return None;
        }
        format!("{uid}.{utid}").parse().ok()
    }
}

/// The middle part of a JWT (RFC 7519 §3).
pub(super) fn payload(token: &str) -> Option<&str> {
    token.split('.').nth(1)
}

pub(super) fn decode<T: DeserializeOwned>(base64: &str) -> Option<T> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(base64.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use entra_proto::cloud::Cloud;

    use super::*;
    use crate::entra::authority::Authority;

    fn target(tenant: &str, client_id: &str) -> Target {
        Target::new(Authority::built_in(Cloud::Public, tenant).unwrap(), client_id.parse().unwrap())
    }

    fn token(claims: &str) -> String {
        format!("eyJhbGciOiJub25lIn0.{}.", BASE64_URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn vector_16_a_guest_is_named_by_home_and_user_name() {
        for tenant in ["organizations", "99999999-8888-7777-6666-555555555555"] {
            let target = target(tenant, CLIENT_ID);
            let identity = read(&target, Some(ID_TOKEN), Some(CLIENT_INFO)).unwrap().unwrap();
            assert_eq!(
                identity.id.as_str(),
                "11111111-2222-3333-4444-555555555555.aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
            );
            assert_eq!(identity.username, "ada@example.com");
            assert_eq!(identity.name.as_deref(), Some("Ada Example"));
            assert_eq!(identity.tenant.as_deref(), Some("99999999-8888-7777-6666-555555555555"));
            assert!(is_guest(&identity));
        }
    }

    #[test]
    fn tokens_of_another_app_or_tenant_are_refused() {
        let other_app = target("organizations", "00000000-0000-0000-0000-000000000001");
        assert_eq!(read(&other_app, Some(ID_TOKEN), Some(CLIENT_INFO)), Err(IdentityError::OtherApp));
        let other_tenant = target("aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", CLIENT_ID);
        let refused = read(&other_tenant, Some(ID_TOKEN), None).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`ada@example.com` signed in to the tenant 99999999-8888-7777-6666-555555555555, but the tenant \
             aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee was expected; the tokens were dropped."
        );
        let list = token(&format!(r#"{{"aud":["{CLIENT_ID}"],"sub":"s"}}"#));
        assert_eq!(read(&target("t", CLIENT_ID), Some(&list), None), Err(IdentityError::OtherApp));
    }

    #[test]
    fn without_client_info_the_subject_is_the_key() {
        let target = target("organizations", CLIENT_ID);
        let identity = read(&target, Some(ID_TOKEN), None).unwrap().unwrap();
        assert_eq!(identity.id.as_str(), "pairwise-sub");
        assert!(!is_guest(&identity));
    }

    #[test]
    fn older_user_names_and_hostile_names_are_read() {
        let target = target("organizations", CLIENT_ID);
        let old = token(r#"{"upn":"old@example.com","name":"\u001b[31mRed\r\n","sub":"s"}"#);
        let identity = read(&target, Some(&old), None).unwrap().unwrap();
        assert_eq!((identity.username.as_str(), identity.name.as_deref()), ("old@example.com", Some("Red")));
        let bare = read(&target, None, Some(CLIENT_INFO)).unwrap().unwrap();
        assert_eq!(bare.username, bare.id.to_string());
    }

    #[test]
    fn unreadable_parts_name_nobody() {
        let target = target("organizations", CLIENT_ID);
        for (id_token, client_info) in
            [(None, None), (Some("x"), Some("x")), (Some("a.b.c"), Some("e30")), (Some(""), Some(""))]
        {
            assert_eq!(read(&target, id_token, client_info), Ok(None));
        }
        let slash = BASE64_URL_SAFE_NO_PAD.encode(r#"{"uid":"../x","utid":"y"}"#);
        assert_eq!(read(&target, None, Some(&slash)), Ok(None));
    }

    const CLIENT_ID: &str = "00000000-0000-0000-0000-00000000c11e";
    const CLIENT_INFO: &str = "eyJ1aWQiOiIxMTExMTExMS0yMjIyLTMzMzMtNDQ0NC01NTU1NTU1NTU1NTUiLCJ1dGlkIjoiYWFhYWFhYWEtYmJiYi1jY2NjLWRkZGQtZWVlZWVlZWVlZWVlIn0";
    const ID_TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJhdWQiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMGMxMWUiLCJpc3MiOiJodHRwczovL2xvZ2luLm1pY3Jvc29mdG9ubGluZS5jb20vOTk5OTk5OTktODg4OC03Nzc3LTY2NjYtNTU1NTU1NTU1NTU1L3YyLjAiLCJvaWQiOiIxMTExMTExMS0yMjIyLTMzMzMtNDQ0NC0wMDAwMDAwMDAwMDEiLCJ0aWQiOiI5OTk5OTk5OS04ODg4LTc3NzctNjY2Ni01NTU1NTU1NTU1NTUiLCJwcmVmZXJyZWRfdXNlcm5hbWUiOiJhZGFAZXhhbXBsZS5jb20iLCJuYW1lIjoiQWRhIEV4YW1wbGUiLCJzdWIiOiJwYWlyd2lzZS1zdWIiLCJ2ZXIiOiIyLjAifQ.";
}
