//! `/v1/agents`: AI agents, that they stop, and that they may ask again.
//!
//! Whoever may ask may stop them. To let them ask again is for a person, as far as anybody can tell.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use entra_proto::agent::{AgentsAnswer, AgentsRequest, is_name};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::ANSWER_TIMEOUT;
use entra_proto::log::LogEvent;

use super::Rooms;
use super::reply::answer;
use super::routes::{read, to_the_end, within};
use crate::access::agent::Agents;
use crate::access::caller::Caller;
use crate::access::person;
use crate::audit::Event;

pub(super) async fn list(State(rooms): State<Rooms>) -> Response<Body> {
    answer(within(ANSWER_TIMEOUT, async { Ok(listed(&rooms).await) }).await)
}

pub(super) async fn stop(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    change(Change::Stop, rooms, caller, request).await
}

pub(super) async fn resume(
    State(rooms): State<Rooms>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response<Body> {
    change(Change::Resume, rooms, caller, request).await
}

#[derive(Clone, Copy)]
enum Change {
    Stop,
    Resume,
}

async fn change(change: Change, rooms: Rooms, caller: Caller, request: Request) -> Response<Body> {
    let work = async {
        let name = named(request).await?;
        to_the_end(async move {
            match change {
                Change::Stop => stop_them(&rooms, &caller, name).await?,
                Change::Resume => resume_them(&rooms, &caller, name).await?,
            }
            Ok(listed(&rooms).await)
        })
        .await
    };
    answer(within(ANSWER_TIMEOUT, work).await)
}

async fn stop_them(rooms: &Rooms, caller: &Caller, name: Option<String>) -> Result<(), ErrorBody> {
    // Before it is done: the caller may be gone by then.
    let event = Event::new(LogEvent::AgentsStopped).by(Some(caller.noted())).agent(name.as_deref());
    let stopped = name.clone();
    let noted = off_thread(rooms, move |agents| agents.stop(stopped.as_deref())).await;
    let revoked = rooms.leases.revoke_of_agents(name.as_deref()).await;
    let sentence = match &revoked {
        Ok(leases) if leases.is_empty() => "They had no lease.".to_owned(),
        Ok(leases) => format!("Their leases are void: {}.", leases.join(", ")),
        Err(_) => "Their leases could not be revoked.".to_owned(),
    };
    rooms.broker.audit().record(event.now().detail(sentence));
    noted?;
    revoked.map_err(unrevoked).map(|_| ())
}

async fn resume_them(rooms: &Rooms, caller: &Caller, name: Option<String>) -> Result<(), ErrorBody> {
    let noted = caller.noted();
    let event = |event| Event::new(event).by(Some(noted.clone())).agent(name.as_deref());
    let agents = rooms.gatekeeper.agents();
    if let Err(error) = person::line_of(caller, &rooms.leases, agents, refused).await {
        let refused = event(LogEvent::Refused).failed(&error);
        rooms.broker.audit().record(refused.detail("AI agents were to be let ask again."));
        return Err(error);
    }
    let event = event(LogEvent::AgentsResumed);
    off_thread(rooms, move |agents| agents.resume(name.as_deref())).await?;
    rooms.broker.audit().record(event.now());
    Ok(())
}

async fn listed(rooms: &Rooms) -> AgentsAnswer {
    // Where the vault is closed, what is known without it has to do.
    let leases = rooms.leases.list().await.map(|answer| answer.leases).unwrap_or_default();
    let mut of_agents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for lease in leases {
        if let Some(agent) = lease.agent {
            of_agents.entry(agent).or_default().push(lease.id);
        }
    }
    rooms.gatekeeper.agents().answer(of_agents)
}

async fn named(request: Request) -> Result<Option<String>, ErrorBody> {
    let AgentsRequest { name } = read(request).await?;
    if name.as_deref().is_some_and(|name| !is_name(name)) {
        let sentence = "An agent's name is at most 64 letters, digits, `-`, `_` and `.`.";
        return Err(ErrorBody::new(ErrorCode::BadRequest, sentence));
    }
    Ok(name.map(|name| name.to_ascii_lowercase()))
}

fn refused(who: &str) -> ErrorBody {
    let sentence = format!("Only a person may let AI agents ask again, and not this program: it is {who}.");
    ErrorBody::new(ErrorCode::Refused, sentence).with_hint(
        "Run `entra agents resume` yourself, on the machine where entrad runs and in a terminal that neither an agent nor `entra run` \
         started; `entra whoami` shows whom entrad sees.",
    )
}

fn unrevoked(error: ErrorBody) -> ErrorBody {
    let message = format!("The agents are stopped, but their leases could not be revoked: {}", error.message);
    ErrorBody { message, ..error }
}

/// A disk may take its time.
async fn off_thread(
    rooms: &Rooms,
    work: impl FnOnce(&Agents) -> Result<(), ErrorBody> + Send + 'static,
) -> Result<(), ErrorBody> {
    let agents = rooms.gatekeeper.agents().clone();
    let defect = |_| ErrorBody::new(ErrorCode::Internal, "The work was not done, by a defect of entrad.");
    tokio::task::spawn_blocking(move || work(&agents)).await.map_err(defect)?
}
