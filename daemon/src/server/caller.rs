//! `GET /v1/caller`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use entra_proto::caller::CallerAnswer;

use super::Rooms;
use super::reply::answer;
use crate::access::caller::Caller;

/// It takes no longer than a look at a caller may.
pub(super) async fn told(State(rooms): State<Rooms>, Extension(caller): Extension<Caller>) -> Response<Body> {
    rooms.leases.know_agents().await;
    let label = rooms.gatekeeper.agents().label(&caller);
    let (agent, agent_known_by) = label.map(|label| (label.name.to_string(), label.known_by)).unzip();
    answer(Ok(CallerAnswer { agent, agent_known_by, ..caller.told().await }))
}
