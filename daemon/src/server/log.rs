//! `/v1/log`: the audit log as a stream, and whether it is whole.
//!
//! The files are read on a thread of their own, no faster than the reader takes them, so that a log of any length costs a few
//! chunks of memory.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Response;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::ANSWER_TIMEOUT;
use entra_proto::log::Verification;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Rooms;
use super::reply::{answer, failure, lines};
use super::routes::within;
use crate::audit::{self, Audit, AuditError, Opened};
use crate::broker::Broker;

/// The query of a look at the log.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    since: Option<u64>,
    program: Option<String>,
    account: Option<String>,
}

/// The stream ends with the entries that were there when it began.
pub(super) async fn entries(
    State(rooms): State<Rooms>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Response<Body> {
    let Ok(Query(Wanted { since, program, account })) = wanted else {
        let error =
            ErrorBody::new(ErrorCode::BadRequest, "The query may hold `since`, `program` and `account`.");
        return failure(&error.with_hint("`since` is a number: milliseconds since 1970."));
    };
    let work = async {
        let opened = with_log(&rooms, Audit::open).await?;
        let account = match account {
            Some(account) => Some(id_of(&rooms.broker, account).await),
            None => None,
        };
        Ok((opened, account))
    };
    let (opened, account) = match within(ANSWER_TIMEOUT, work).await {
        Ok(found) => found,
        Err(error) => return failure(&error),
    };
    let (tell, told) = mpsc::channel(CHUNKS);
    let query = audit::Query { since, program, account };
    tokio::task::spawn_blocking(move || read(opened, &query, &tell));
    // An error breaks the answer off, so that nobody takes half of a log for the whole.
    lines(Body::from_stream(stream::unfold(told, async |mut told| {
        let chunk: Result<Bytes, AuditError> = told.recv().await?;
        Some((chunk, told))
    })))
}

pub(super) async fn verification(State(rooms): State<Rooms>) -> Response<Body> {
    let verified: Result<Verification, _> = within(ANSWER_TIMEOUT, with_log(&rooms, Audit::verify)).await;
    answer(verified)
}

/// Does what waits for the disk on a thread of its own.
async fn with_log<T: Send + 'static>(
    rooms: &Rooms,
    work: fn(&Audit) -> Result<T, AuditError>,
) -> Result<T, ErrorBody> {
    let audit = rooms.broker.audit().clone();
    let done = tokio::task::spawn_blocking(move || work(&audit)).await;
    let done = done.map_err(|_| {
        ErrorBody::new(ErrorCode::Internal, "The audit log was not read, by a defect of entrad.")
            .with_hint("Try again; entrad's own log has more.")
    })?;
    done.map_err(|error| refused(&error))
}

/// Entries name an account by its id, people by its user name. One that is signed out is known by its id alone.
async fn id_of(broker: &Arc<Broker>, account: String) -> String {
    let found = broker.account_named(&account, None).await;
    found.map_or(account, |(id, _)| id.as_str().to_owned())
}

fn read(opened: Opened, query: &audit::Query, tell: &mpsc::Sender<Result<Bytes, AuditError>>) {
    let mut chunk = Vec::with_capacity(CHUNK);
    let taken = opened.read(query, |line| {
        chunk.extend_from_slice(line);
        chunk.push(b'\n');
        if chunk.len() < CHUNK {
            return ControlFlow::Continue(());
        }
        // A reader that hangs up ends the reading.
        match tell.blocking_send(Ok(std::mem::take(&mut chunk).into())) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    });
    match taken {
        Ok(()) if !chunk.is_empty() => drop(tell.blocking_send(Ok(chunk.into()))),
        Ok(()) => {}
        Err(error) => {
            tracing::warn!(%error, "a look at the audit log ended early");
            drop(tell.blocking_send(Err(error)));
        }
    }
}

fn refused(error: &AuditError) -> ErrorBody {
    match error {
        AuditError::NoFiles => ErrorBody::new(ErrorCode::NotFound, "The audit log is not kept in files.")
            .with_hint(
                "Set `audit_sinks` so that it has `file`; what went to the system's own log is there.",
            ),
        AuditError::Unreadable { folder, source } => {
            let sentence = format!("The audit log in {} cannot be read: {source}.", folder.display());
            ErrorBody::new(ErrorCode::Internal, sentence)
                .with_hint("See that the folder and its files are yours and readable.")
        }
    }
}

/// What a reader is sent at once.
const CHUNK: usize = 32 * 1024;

/// What waits for a slow reader.
const CHUNKS: usize = 4;
