//! The forms that go to Entra.
//!
//! The oauth2 crate writes them where it can be had without its loop and its answers: it is asked to send,
//! and the request is taken from its hands. Its device-code loop is not used, since it drops `suberror`,
//! `claims` and `Retry-After`, ends on a single HTML page and counts by the wall clock; and its answers are
//! not, since their errors print the body. The poll has no request of its own there, so it is written here.

use std::cell::RefCell;
use std::fmt;

use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;
use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, CsrfToken, DeviceAuthorizationUrl, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse, TokenUrl,
};
use zeroize::Zeroizing;

use super::target::Target;
use crate::account::refresh_token::RefreshToken;

/// An encoded form. Wiped on drop; the copies its encoder made are freed heap, which the allocator wipes.
pub(super) struct Form(Zeroizing<Vec<u8>>);

impl Form {
    /// Asks for a device code (RFC 8628 §3.1). `claims` go here and with the polls: Microsoft's libraries
    /// send them on both legs.
    pub(super) fn device_code(target: &Target, scopes: &Scopes, claims: Option<&str>) -> Self {
        let client = client(target).set_device_authorization_url(DeviceAuthorizationUrl::from_url(
            target.authority.device_code_endpoint(),
        ));
        let mut request = client.exchange_device_code().add_scopes(all_scopes(scopes));
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims);
        }
        take(|send| {
            let _: Result<StandardDeviceAuthorizationResponse, RequestTokenError<Taken, BasicErrorResponse>> =
                request.request(&send);
        })
    }

    /// Asks whether the person has finished (RFC 8628 §3.4).
    pub(super) fn poll(target: &Target, device_code: &str, claims: Option<&str>) -> Self {
        let room = 256 + 3 * (device_code.len() + claims.map_or(0, str::len));
        let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(room));
        form.append_pair("grant_type", "urn:ietf:params:oauth:grant-type:device_code")
            .append_pair("client_id", target.client_id.as_str())
            .append_pair("device_code", device_code)
            .append_pair("client_info", "1");
        if let Some(claims) = claims {
            form.append_pair("claims", claims);
        }
        Self(Zeroizing::new(form.finish().into_bytes()))
    }

    /// Asks for tokens with what a browser brought back (RFC 6749 §4.1.3, RFC 7636 §4.5).
    pub(super) fn authorization_code(
        target: &Target,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        scopes: &Scopes,
        claims: Option<&str>,
    ) -> Self {
        let client = client(target).set_token_uri(TokenUrl::from_url(target.authority.token_endpoint()));
        let scopes: Vec<String> = all_scopes(scopes).map(|scope| scope.to_string()).collect();
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .add_extra_param("redirect_uri", redirect_uri)
            .add_extra_param("scope", scopes.join(" "))
            .add_extra_param("client_info", "1");
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims);
        }
        take(|send| {
            let _ = request.request(&send);
        })
    }

    /// Asks for an access token with a refresh token (RFC 6749 §6).
    pub(super) fn refresh(
        target: &Target,
        token: &RefreshToken,
        scopes: &Scopes,
        claims: Option<&str>,
    ) -> Self {
        let client = client(target).set_token_uri(TokenUrl::from_url(target.authority.token_endpoint()));
        let token = oauth2::RefreshToken::new(token.expose().to_owned());
        let mut request = client
            .exchange_refresh_token(&token)
            .add_scopes(all_scopes(scopes))
            .add_extra_param("client_info", "1");
        if let Some(claims) = claims {
            request = request.add_extra_param("claims", claims);
        }
        take(|send| {
            let _ = request.request(&send);
        })
    }

    /// Asks a container registry for a refresh token of its own (Azure Container Registry: "Calling `POST
    /// /oauth2/exchange` to get an ACR refresh token").
    pub(super) fn registry_exchange(service: &str, tenant: Option<&str>, token: &AccessToken) -> Self {
        let room = 256 + 3 * (service.len() + tenant.map_or(0, str::len) + token.expose().len());
        let mut form = url::form_urlencoded::Serializer::new(String::with_capacity(room));
        form.append_pair("grant_type", "access_token").append_pair("service", service);
        if let Some(tenant) = tenant {
            form.append_pair("tenant", tenant);
        }
        form.append_pair("access_token", token.expose());
        Self(Zeroizing::new(form.finish().into_bytes()))
    }

    /// The encoded bytes.
    pub(super) fn into_body(mut self) -> Vec<u8> {
        std::mem::take(&mut *self.0)
    }

    /// The decoded pairs, for tests of what is sent.
    #[cfg(test)]
    pub(super) fn pairs(&self) -> std::collections::BTreeMap<String, String> {
        url::form_urlencoded::parse(&self.0).into_owned().collect()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({} bytes)", self.0.len())
    }
}

/// What a page is asked for.
pub(super) struct PageRequest<'a> {
    /// Where the browser is sent back to.
    pub(super) redirect_uri: &'a str,
    /// For what.
    pub(super) scopes: &'a Scopes,
    /// The `claims` parameter.
    pub(super) claims: Option<&'a str>,
    /// The user name that is expected.
    pub(super) hint: Option<&'a str>,
    /// For the sign-in logs.
    pub(super) correlation_id: &'a str,
}

/// A page, and what its answer is checked and redeemed by.
pub(super) struct Page {
    /// Its address.
    pub(super) url: String,
    /// What must come back with the answer.
    pub(super) state: Zeroizing<String>,
    /// What redeems the code.
    pub(super) verifier: Zeroizing<String>,
}

/// The page where a person signs in (RFC 6749 §4.1.1, RFC 7636 §4.3; Microsoft: authorization code flow). The answer comes as
/// a form, which leaves the code out of the browser's history.
pub(super) fn page_url(target: &Target, request: &PageRequest<'_>) -> Page {
    let client = client(target).set_auth_uri(AuthUrl::from_url(target.authority.authorize_endpoint()));
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut page = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(all_scopes(request.scopes))
        .set_pkce_challenge(challenge)
        .add_extra_param("redirect_uri", request.redirect_uri)
        .add_extra_param("response_mode", "form_post")
        .add_extra_param("client_info", "1")
        .add_extra_param("client-request-id", request.correlation_id);
    page = match request.hint {
        Some(hint) => page.add_extra_param("login_hint", hint),
        None => page.add_extra_param("prompt", "select_account"),
    };
    if let Some(claims) = request.claims {
        page = page.add_extra_param("claims", claims);
    }
    let (url, state) = page.url();
    Page {
        url: url.into(),
        state: Zeroizing::new(state.into_secret()),
        verifier: Zeroizing::new(verifier.into_secret()),
    }
}

/// A public client: without a secret, its id goes into the form (Microsoft: device authorization grant).
fn client(target: &Target) -> BasicClient {
    BasicClient::new(ClientId::new(target.client_id.as_str().to_owned())).set_auth_type(AuthType::RequestBody)
}

/// The resource's scopes, and those that bring an id token, a name and a refresh token.
fn all_scopes(scopes: &Scopes) -> impl Iterator<Item = Scope> {
    let openid = ["openid", "profile", "offline_access"];
    scopes.iter().chain(openid).map(|scope| Scope::new(scope.to_owned()))
}

/// Takes the request that oauth2 hands over for sending. Building it fails for a malformed address only, and
/// a [`Target`]'s addresses are well-formed; an empty form would be refused by Entra in clear words.
fn take(request: impl FnOnce(&dyn Fn(HttpRequest) -> Result<HttpResponse, Taken>)) -> Form {
    let taken = RefCell::new(Vec::new());
    request(&|request| {
        taken.replace(request.into_body());
        Err(Taken)
    });
    Form(Zeroizing::new(taken.into_inner()))
}

/// What oauth2 hears instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the request was taken before it was sent")]
struct Taken;

#[cfg(test)]
mod tests {
    use entra_proto::cloud::Cloud;

    use super::*;
    use crate::entra::authority::Authority;

    fn target() -> Target {
        let authority = Authority::built_in(Cloud::Public, "contoso.com").unwrap();
        Target::new(authority, "00000000-0000-0000-0000-00000000c11e".parse().unwrap())
    }

    fn pairs(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_device_code_is_asked_with_openid_scopes() {
        let scopes = Scopes::of_resource("https://vault.azure.net").unwrap();
        let form = Form::device_code(&target(), &scopes, Some(r#"{"a":1}"#));
        let expected = pairs(&[
            ("claims", r#"{"a":1}"#),
            ("client_id", "00000000-0000-0000-0000-00000000c11e"),
            ("scope", "https://vault.azure.net/.default openid profile offline_access"),
        ]);
        assert_eq!(form.pairs(), expected);
    }

    #[test]
    fn a_poll_names_the_grant_by_its_urn() {
        let form = Form::poll(&target(), "dev+code/=", None);
        let expected = pairs(&[
            ("client_id", "00000000-0000-0000-0000-00000000c11e"),
            ("client_info", "1"),
            ("device_code", "dev+code/="),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ]);
        assert_eq!(form.pairs(), expected);
        assert_eq!(format!("{form:?}"), format!("Form({} bytes)", form.0.len()));
    }

    #[test]
    fn vector_28_both_slashes_are_sent() {
        let scopes = Scopes::of_resource("https://management.core.windows.net/").unwrap();
        let form = Form::refresh(&target(), &RefreshToken::new("1.AX".to_owned()), &scopes, None);
        let expected = pairs(&[
            ("client_id", "00000000-0000-0000-0000-00000000c11e"),
            ("client_info", "1"),
            ("grant_type", "refresh_token"),
            ("refresh_token", "1.AX"),
            ("scope", "https://management.core.windows.net//.default openid profile offline_access"),
        ]);
        assert_eq!(form.pairs(), expected);
    }

    #[test]
    fn vector_27_scopes_go_out_in_the_callers_spelling() {
        let scopes = Scopes::new(["b", "A"]).unwrap();
        let form = Form::refresh(&target(), &RefreshToken::new("1.AX".to_owned()), &scopes, None);
        assert_eq!(form.pairs()["scope"], "b A openid profile offline_access");
    }
}
