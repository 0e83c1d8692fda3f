//! What any process of the machine can say to the loopback port.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{Request, Response};
use entra_proto::lease::{AZD_PATH, IDENTITY_PATH, LEASE_PATH, LeaseRequest};
use serde_json::Value;
use tower::ServiceExt;

use super::{Door, router};
use crate::access::lease::Leases;
use crate::broker::fuzzing::Stage;

/// What is asked, by the first byte: a query with a lease's secret, a body for azd with one, a path that is to hold one with a
/// query behind it, or a header in a secret's place.
pub fn loopback(data: &[u8]) {
    thread_local! {
        // A runtime cannot be dropped with its thread.
        static STAGE: &'static Loopback = Box::leak(Box::new(Loopback::new()));
    }
    let Some((&how, rest)) = data.split_first() else { return };
    STAGE.with(|stage| {
        let request = Request::builder().header(HOST, "127.0.0.1:8080");
        let request = match how % 4 {
            0 => request
                .uri([IDENTITY_PATH.as_bytes(), b"?", rest].concat().as_slice())
                .header("x-identity-header", &stage.secret)
                .body(Body::empty()),
            1 => request
                .method("POST")
                .uri(format!("{AZD_PATH}/token"))
                .header(AUTHORIZATION, format!("Bearer {}", stage.secret))
                .body(Body::from(rest.to_vec())),
            2 => {
                let at = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let (named, query) = rest.split_at(at);
                let secret = if named.is_empty() { stage.secret.as_bytes() } else { named };
                let query = query.get(1..).unwrap_or_default();
                let path = [LEASE_PATH.as_bytes(), b"/", secret, IDENTITY_PATH.as_bytes(), b"?", query];
                request.uri(path.concat().as_slice()).body(Body::empty())
            }
            _ => request
                .uri(format!("{IDENTITY_PATH}?resource=arm"))
                .header("secret", rest)
                .body(Body::empty()),
        };
        // What is no request at all never gets this far.
        if let Ok(request) = request {
            stage.check(request, how % 4 == 1);
        }
    });
}

struct Loopback {
    stage: Stage,
    router: Router,
    /// Of a lease for everything.
    secret: String,
}

impl Loopback {
    fn new() -> Self {
        let stage = Stage::new();
        let leases = Arc::new(Leases::new(stage.vault.clone(), Arc::clone(&stage.clock)));
        let request = LeaseRequest {
            name: "all".to_owned(),
            resources: vec!["*".to_owned()],
            in_path: true,
            ..LeaseRequest::default()
        };
        let Ok((_, secret)) = stage.runtime.block_on(leases.make(request, None, None)) else {
            panic!("there is no lease")
        };
        let router = router(Door::new(Arc::clone(&stage.broker), leases), 8080);
        Self { stage, router, secret: secret.expose().to_owned() }
    }

    /// There is no token for anybody, and that is said so that SDKs and azd can read it.
    fn check(&self, request: Request<Body>, is_azd: bool) {
        let (status, body) = self.stage.runtime.block_on(async {
            let Ok(response): Result<Response<Body>, _> = self.router.clone().oneshot(request).await;
            let status = response.status().as_u16();
            (status, to_bytes(response.into_body(), 64 * 1024).await)
        });
        let Ok(body) = body else { panic!("an answer has no end") };
        let said = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        let is_told = said["message"].as_str().is_some_and(|message| message.starts_with("entrad: "));
        let is_refused = if is_azd { status == 200 && said["status"] == "error" } else { status == 403 };
        assert!(is_told && is_refused, "{status} {said}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all("entrad::dialects::fuzzing", &[("loopback", loopback)]);
    }

    #[test]
    fn who_has_the_secret_comes_as_far_as_the_account() {
        let stage = Loopback::new();
        let request = Request::builder()
            .uri(format!("{IDENTITY_PATH}?resource=arm"))
            .header(HOST, "127.0.0.1:8080")
            .header("x-identity-header", &stage.secret);
        let asked = stage.router.clone().oneshot(request.body(Body::empty()).unwrap());
        let body =
            stage.stage.runtime.block_on(async { to_bytes(asked.await.unwrap().into_body(), 4096).await });
        let said = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert!(said.contains("interaction_required"), "{said}");
    }
}
