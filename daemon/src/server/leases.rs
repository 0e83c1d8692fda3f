//! `/v1/leases`: made, listed and revoked over the socket, where the kernel says who asks.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use entra_proto::error::ErrorBody;
use entra_proto::lease::{AZD_PATH, IDENTITY_PATH, LEASE_PATH, LeaseGrant, LeaseRequest, LeasesAnswer};
use entra_proto::limits::ANSWER_TIMEOUT;
use entra_proto::secret::LeaseSecret;

use super::Rooms;
use super::reply::answer;
use super::routes::{read, within};

pub(super) async fn make(State(rooms): State<Rooms>, request: Request) -> Response<Body> {
    let work = async {
        let request = read(request).await?;
        grant(&rooms, request).await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn list(State(rooms): State<Rooms>) -> Response<Body> {
    answer(within(ANSWER_TIMEOUT, listed(&rooms)).await)
}

pub(super) async fn revoke(State(rooms): State<Rooms>, Path(named): Path<String>) -> Response<Body> {
    let work = async {
        rooms.leases.revoke(&named).await?;
        listed(&rooms).await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

async fn listed(rooms: &Rooms) -> Result<LeasesAnswer, ErrorBody> {
    let identity_endpoint = rooms.loopback.status().and_then(|status| status.port).map(identity_endpoint);
    Ok(LeasesAnswer { identity_endpoint, ..rooms.leases.list().await? })
}

async fn grant(rooms: &Rooms, request: LeaseRequest) -> Result<LeaseGrant, ErrorBody> {
    let (account, profile) = match (&request.account, &request.profile) {
        (None, profile) => (None, profile.clone()),
        (Some(account), profile) => {
            let (account, profile) = rooms.broker.account_named(account, profile.as_deref()).await?;
            (Some(account), Some(profile))
        }
    };
    let port = rooms.loopback.port().await?;
    let is_in_path = request.in_path;
    let (lease, secret) = rooms.leases.make(request, account, profile).await?;
    let origin = format!("http://127.0.0.1:{port}");
    let path_endpoint = is_in_path
        .then(|| LeaseSecret::new(format!("{origin}{LEASE_PATH}/{}{IDENTITY_PATH}", secret.expose())));
    Ok(LeaseGrant {
        lease,
        secret,
        identity_endpoint: identity_endpoint(port),
        azd_endpoint: format!("{origin}{AZD_PATH}"),
        path_endpoint,
    })
}

fn identity_endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}{IDENTITY_PATH}")
}
