//! The socket and what is said over it: `/v1` of PROTOCOL.md.
//!
//! The one idea is that nothing reaches a route before three guards: the peer runs as our user, the request
//! comes from no browser, and each of its parts is within its limit. One connection's fault costs that
//! connection alone.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, post};

use crate::broker::Broker;

mod connections;
mod guard;
#[cfg_attr(unix, path = "listen_unix.rs")]
#[cfg_attr(windows, path = "listen_windows.rs")]
mod listen;
mod reply;
mod routes;

pub use connections::serve;
pub use listen::{ListenError, Listener};

fn router(broker: Arc<Broker>) -> Router {
    Router::new()
        .route("/v1/accounts", get(routes::accounts))
        .route("/v1/accounts/{id}", delete(routes::sign_out))
        .route("/v1/accounts/{id}/revive", post(routes::revive))
        .route("/v1/registry-token", post(routes::registry_token))
        .route("/v1/sign-ins", post(routes::start_sign_in))
        .route("/v1/sign-ins/{id}", delete(routes::cancel_sign_in))
        .route("/v1/sign-ins/{id}/events", get(routes::sign_in_events))
        .route("/v1/status", get(routes::status))
        .route("/v1/token", post(routes::token))
        .fallback(routes::not_found)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .with_state(broker)
}
