//! Microsoft Graph, as far as it revokes sessions
//! (<https://learn.microsoft.com/graph/api/user-revokesigninsessions>).

use serde_json::json;

use crate::log::digest;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::State;

/// Revokes every refresh token of whoever the bearer's token is of.
pub(crate) fn answer(state: &mut State, request: &Request) -> Reply {
    if request.method != "POST" || request.tenant() != "v1.0" {
        return refused(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        );
    }
    let now = state.now();
    // The log holds a digest in place of the header, and so does the memory of what was issued.
    let presented = request.headers.get("authorization");
    let held = presented.and_then(|digest| state.graph_tokens.get(digest));
    let Some(token) = held.filter(|token| token.expires_at > now) else {
        return refused(401, "InvalidAuthenticationToken", "Access token validation failure.");
    };
    if !state.rules.may_revoke_sessions {
        return refused(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        );
    }
    let username = token.username.clone();
    let _revoked = state.refresh_tokens.revoke(|token| token.username == username);
    let context = format!("{}/v1.0/$metadata#Edm.Boolean", request.origin);
    Reply::json(200, json!({"@odata.context": context, "value": true}))
}

/// By what a token is found again.
pub(crate) fn bearer(token: &str) -> String {
    digest(&format!("Bearer {token}"))
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, json!({"error": {"code": code, "message": message}}))
}
