//! Loopback HTTP for tools that cannot speak to the socket: each in the dialect that it knows.
//!
//! Any process of any user of this machine, and any web page, can reach a loopback port. So a request is let in by a lease's
//! secret alone, a browser is turned away before that is looked at, and whatever is wrong is answered as that dialect says
//! no. What may be asked for is the lease's (`access/lease`), how it is got the broker's.

mod azd;
mod door;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use axum::body::to_bytes;
    use axum::http::Request;
    use axum::http::header::{CONTENT_TYPE, HOST};
    use rstest::rstest;
    use tower::ServiceExt;

    use super::*;
    use crate::access::lease::Leases;
    use crate::broker::{Broker, Parts};
    use crate::entra::Entra;

    /// Without an account and without a lease.
    fn door() -> Door {
        let parts = Parts::empty(Entra::new());
        let leases = Arc::new(Leases::new(parts.vault.clone(), Arc::clone(&parts.clock)));
        let broker = Broker::new(parts);
        Door::new(broker, leases)
    }

    #[rstest]
    #[case("GET", "/msi/token")]
    #[case("GET", "/msi/token?resource=%ff")]
    #[case("GET", "/lease/%ff/msi/token?resource=foundry")]
    #[case("GET", "/lease//msi/token")]
    #[case("GET", "/lease/a%2fb/msi/token")]
    #[case("DELETE", "/msi/token")]
    #[case("GET", "/azd/token")]
    #[case("GET", "/")]
    #[tokio::test]
    async fn whatever_is_asked_is_refused_as_sdks_read_it(#[case] method: &str, #[case] path: &str) {
        let request = Request::builder().method(method).uri(path).header(HOST, "127.0.0.1:8080");
        let response = router(door(), 8080).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[CONTENT_TYPE]),
            (403, &"application/json".parse().unwrap())
        );
        let body = to_bytes(response.into_body(), 4096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(body["message"].as_str().is_some_and(|message| message.starts_with("entrad: ")), "{body}");
    }
}
