//! `/v1/leases`: made, listed and revoked over the socket, where the kernel says who asks.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::Response;
use entra_proto::account::AccountId;
use entra_proto::error::ErrorBody;
use entra_proto::lease::{
    AZD_PATH, EVERY_RESOURCE, IDENTITY_PATH, LEASE_PATH, LeaseGrant, LeaseInfo, LeaseRequest, LeasesAnswer,
};
use entra_proto::limits::{ANSWER_TIMEOUT, MAX_LEASE_RESOURCES};
use entra_proto::log::LogEvent;
use entra_proto::policy::ExplainRequest;
use entra_proto::secret::LeaseSecret;

use super::Rooms;
use super::policy;
use super::reply::answer;
use super::routes::{read, to_the_end, within};
use crate::access::caller::Caller;
use crate::access::policy::Subject;
use crate::audit::Event;

pub(super) async fn make(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    let work = async {
        let request: LeaseRequest = read(request).await?;
        // Before it is done: the caller may be gone by then.
        let (noted, name) = (caller.noted(), request.fault().is_none().then(|| request.name.clone()));
        to_the_end(async move {
            let event = |event| Event::new(event).by(Some(noted)).lease(name.as_deref());
            let grant = grant(&rooms, &caller, request).await;
            rooms.broker.audit().record(match &grant {
                Ok(grant) => {
                    let lease = &grant.lease;
                    event(LogEvent::LeaseMade).agent(lease.agent.as_deref()).detail(terms(lease))
                }
                Err(error) => event(LogEvent::Refused).failed(error).detail("A lease was asked for."),
            });
            grant
        })
        .await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

pub(super) async fn list(State(rooms): State<Rooms>) -> Response<Body> {
    answer(within(ANSWER_TIMEOUT, listed(&rooms)).await)
}

pub(super) async fn revoke(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    Path(named): Path<String>,
) -> Response<Body> {
    let work = async {
        let event = Event::new(LogEvent::LeaseRevoked).by(Some(caller.noted())).lease(Some(&named));
        to_the_end(async move {
            rooms.leases.revoke(&named).await?;
            rooms.broker.audit().record(event.now());
            listed(&rooms).await
        })
        .await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

async fn listed(rooms: &Rooms) -> Result<LeasesAnswer, ErrorBody> {
    let identity_endpoint = rooms.loopback.status().and_then(|status| status.port).map(identity_endpoint);
    Ok(LeasesAnswer { identity_endpoint, ..rooms.leases.list().await? })
}

async fn grant(rooms: &Rooms, caller: &Caller, mut request: LeaseRequest) -> Result<LeaseGrant, ErrorBody> {
    let rules = rooms.broker.rules();
    rules.bounds().allow_leases()?;
    request.expires_in = rules.bounds().lease_life(request.expires_in)?;
    rooms.leases.know_agents().await;
    // What an agent makes is its own, whatever it says.
    let label = rooms.gatekeeper.agents().label(caller);
    let known_by = label.as_ref().map(|label| label.known_by);
    request.agent = label.map(|label| label.name.to_string()).or(request.agent);
    if let Some(agent) = &mut request.agent {
        agent.make_ascii_lowercase();
        rooms.gatekeeper.agents().must_not_be_stopped(agent)?;
    }
    if request.agent.is_some() || !rooms.gatekeeper.lends_freely(caller) {
        let each = each(rooms, &request).await?;
        rooms.gatekeeper.may_lend(caller, request.agent.as_deref(), each).await?;
    }
    let (account, profile) = match (&request.account, &request.profile) {
        (None, profile) => (None, profile.clone()),
        (Some(account), profile) => {
            let (account, profile) = rooms.broker.account_named(account, profile.as_deref()).await?;
            (Some(account), Some(profile))
        }
    };
    let port = rooms.loopback.port().await?;
    let is_in_path = request.in_path;
    let (lease, secret) = rooms.leases.make_known_by(known_by, request, account, profile).await?;
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

/// What the lease would let its bearer ask for, each resource by itself.
async fn each(rooms: &Rooms, request: &LeaseRequest) -> Result<Vec<Subject>, ErrorBody> {
    let mut each = Vec::with_capacity(request.resources.len());
    for resource in request.resources.iter().take(MAX_LEASE_RESOURCES) {
        let asked = ExplainRequest {
            account: request.account.clone(),
            profile: request.profile.clone(),
            resource: Some(resource.clone()).filter(|resource| resource != EVERY_RESOURCE),
            ..ExplainRequest::default()
        };
        each.push(policy::meant(rooms, &asked).await?);
    }
    Ok(each)
}

/// What the lease lets its bearer do, in a sentence.
fn terms(lease: &LeaseInfo) -> String {
    let ends = match (lease.process, lease.expires_on) {
        (Some(pid), _) => format!("with process {pid}"),
        (None, Some(expires_on)) => format!("on {expires_on} (seconds since 1970)"),
        (None, None) => "when revoked".to_owned(),
    };
    let account = lease.account.as_ref().map_or("any account", AccountId::as_str);
    format!("{}: for {} of {account}; it ends {ends}.", lease.id, lease.resources.join(", "))
}

fn identity_endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}{IDENTITY_PATH}")
}
