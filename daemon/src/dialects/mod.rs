//! Loopback HTTP for tools that cannot speak to the socket: each in the dialect that it knows.
//!
//! Any process of any user of this machine, and any web page, can reach a loopback port. So a request is let in by a lease's
//! secret alone, a browser is turned away before that is looked at, and whatever is wrong is answered as that dialect says
//! no. What may be asked for is the lease's (`access/lease`), how it is got the broker's.

mod azd;
mod door;
mod guard;
mod identity;
mod reply;

use axum::Router;
use axum::body::Body;
use axum::http::Response;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::lease::{AZD_PATH, IDENTITY_PATH, LEASE_PATH};

pub use door::Door;

/// Every dialect, for a listener on this port.
pub fn router(door: Door, port: u16) -> Router {
    Router::new()
        .route(IDENTITY_PATH, get(identity::token).post(identity::token))
        .route(&format!("{LEASE_PATH}/{{secret}}{IDENTITY_PATH}"), get(identity::token_by_path))
        .route(&format!("{AZD_PATH}/token"), post(azd::token))
        .fallback(no_such_door)
        .method_not_allowed_fallback(no_such_door)
        .layer(from_fn_with_state(port, guard::pass))
        .with_state(door)
}

/// Not 404: SDKs take that for a service that is starting, and ask again for twenty seconds.
async fn no_such_door() -> Response<Body> {
    let error = ErrorBody::new(ErrorCode::NotFound, "There is no such endpoint here.");
    reply::refused(&error.with_hint("`entra env` prints the endpoints."))
}
