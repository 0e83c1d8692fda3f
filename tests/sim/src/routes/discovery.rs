//! OpenID configuration, instance discovery and keys.

use serde_json::json;
use url::Url;

use crate::directory::Realm;
use crate::errors::EntraError;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::State;

/// Serves a discovery document.
pub(super) fn answer(state: &State, request: &Request) -> Reply {
    match request.rest().as_slice() {
        ["discovery", "instance"] => instance(state, request),
        // Nothing is signed, so there is no key.
        ["discovery", ..] => Reply::json(200, json!({"keys": []})),
        _ => configuration(state, request),
    }
}

fn configuration(state: &State, request: &Request) -> Reply {
    let tenant = match state.directory.realm(request.tenant()) {
        Ok(Realm::Tenant(tenant)) => tenant,
        Ok(Realm::Consumers) => crate::CONSUMERS_TENANT.to_owned(),
        // Entra leaves the placeholder for clients to fill in.
        Ok(Realm::Common | Realm::Organizations) => "{tenantid}".to_owned(),
        Err(error) => {
            let error = EntraError { error: "invalid_tenant".to_owned(), ..error };
            return super::refuse(&error, request, state.now());
        }
    };
    let (origin, segment) = (&request.origin, request.tenant());
    let document = json!({
        "authorization_endpoint": format!("{origin}/{segment}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{origin}/{segment}/oauth2/v2.0/token"),
        "device_authorization_endpoint": format!("{origin}/{segment}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{origin}/{segment}/discovery/v2.0/keys"),
        "issuer": format!("{origin}/{tenant}/v2.0"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["none"],
        "token_endpoint_auth_methods_supported": ["none"],
        "request_uri_parameter_supported": false,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver", "email"
        ],
    });
    Reply::json(200, document).with_header("cache-control", "max-age=86400, private")
}

/// Tells whether a host is one of the cloud's: this simulator's own, or one of Microsoft's.
fn instance(state: &State, request: &Request) -> Reply {
    let asked = request.query.one("authorization_endpoint").and_then(|url| Url::parse(url).ok());
    let host = asked.as_ref().and_then(Url::host_str).unwrap_or_default();
    let origin = asked.as_ref().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    if origin != request.origin && !MICROSOFT.contains(&host) {
        let text = "The authorization_endpoint is not that of a known instance.";
        let error = EntraError::new("invalid_instance", 50_049, text);
        return super::refuse(&error, request, state.now());
    }
    let network = request.origin.split_once("://").map_or("", |(_, host)| host);
    let tenant = asked.as_ref().and_then(|url| url.path_segments()?.next()).unwrap_or("common");
    let document = json!({
        "tenant_discovery_endpoint": format!("{}/{tenant}/v2.0/.well-known/openid-configuration", request.origin),
        "api-version": "1.1",
        "metadata": [{"preferred_network": network, "preferred_cache": network, "aliases": [network]}],
    });
    Reply::json(200, document).with_header("cache-control", "max-age=86400, private")
}

/// Hosts of the public cloud
/// (<https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>).
const MICROSOFT: [&str; 4] =
    ["login.microsoftonline.com", "login.windows.net", "login.microsoft.com", "sts.windows.net"];
