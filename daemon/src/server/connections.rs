//! Accepting and serving connections, within limits.
//!
//! One thread has them all, so what matters is in which order: what others have waiting never stands between a caller and its
//! answer for longer than a few of them take.

use std::convert::Infallible;
use std::future::{Future, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use entra_proto::agent::HEADER;
use entra_proto::error::ErrorBody;
use entra_proto::limits::{MAX_CONNECTIONS, MAX_HEAD, TAKE_TIMEOUT};
use entra_proto::token::TokenRequest;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

use super::listen::{Waiting, is_gone};
use super::places::{Gone, Holder, Place, Places};
use super::steps::give_way_at_times;
use super::turns::Turns;
use super::{Listener, Rooms, guard, reply, router};
use crate::access::caller::{Caller, Peer, Stranger};
use crate::broker::{Asker, Broker};
use crate::harden;
use crate::metrics::{Listener as Kind, METRICS};

/// Serves until `stop` completes; then takes no further connection and lets running requests end, for a
/// few seconds at most.
pub async fn serve(mut listener: Listener, rooms: Rooms, stop: impl Future<Output = ()>) {
    let broker = Arc::clone(&rooms.broker);
    let router = router(rooms);
    let connections = Connections::at_most(MAX_CONNECTIONS, Kind::Socket);
    let mut strangers = 0_u64;
    let mut turns: Turns<(Peer, Place)> = Turns::new();
    let begin = |(peer, place): (Peer, Place)| {
        let (caller, stream) = peer.caller();
        let (router, broker) = (router.clone(), Arc::clone(&broker));
        let unserved = unserved(&broker, &caller);
        connections.begin(place, stream, move |request| {
            respond(request, caller.clone(), unserved.clone(), Arc::clone(&broker), router.clone())
        });
    };
    let mut stop = pin!(stop);
    loop {
        // Whoever waits is served in turn, once the system's queue is empty or was emptied for long enough.
        let round = Instant::now();
        let mut taken = 0;
        while taken < MOST_BEGUN || round.elapsed() < LONGEST_ROUND {
            let waiting = if taken < MOST_BEGUN {
                tokio::select! {
                    biased;
                    () = &mut stop => {
                        while let Some(next) = turns.next() {
                            begin(next);
                        }
                        drop(listener);
                        return connections.end().await;
                    }
                    stream = listener.accept() => Waiting::Caller(stream),
                    () = ready(()), if !turns.is_empty() || taken > 0 => Waiting::Nobody,
                }
            } else {
                listener.accept_waiting()
            };
            if matches!(waiting, Waiting::Nobody) {
                break;
            }
            taken += 1;
            let Waiting::Caller(stream) = waiting else { continue };
            match Peer::of(stream) {
                Ok(peer) => {
                    let holder = peer.process();
                    if let Some((place, gone)) = connections.place(holder) {
                        if let Gone::Waiting(other) = gone {
                            drop(turns.send_away(other));
                        }
                        turns.add(holder, (peer, place));
                    }
                }
                Err(stranger) => note(&stranger, &mut strangers),
            }
        }
        let is_crowd = taken > MOST_BEGUN || turns.waiting() > MOST_BEGUN;
        // Of one process no more than one of each other that waits.
        let most = if is_crowd { MOST_BEGUN.min(turns.rows()) } else { MOST_BEGUN };
        let mut begun = 0;
        while begun < most {
            let Some(next) = turns.next() else { break };
            if is_crowd && is_gone(next.0.stream()) {
                if round.elapsed() > LONGEST_ROUND + LONGEST_ROUND / 2 {
                    break;
                }
                continue;
            }
            begin(next);
            begun += 1;
        }
        if is_crowd {
            yield_now().await;
        }
    }
}

/// So many connections are begun before those that have been go on: each costs about as much as an answer.
const MOST_BEGUN: usize = 4;

/// For so long connections are taken from the system's queue before others go on: most of the time where somebody connects without
/// end, since who is in that queue waits for all before it.
const LONGEST_ROUND: Duration = Duration::from_micros(500);

/// So many are told of each for itself.
const FIRST_NOTED: u64 = 32;

/// Another user who tries without end must not fill the log.
fn note(stranger: &Stranger, before: &mut u64) {
    *before += 1;
    if *before <= FIRST_NOTED || before.is_power_of_two() {
        tracing::warn!(%stranger, times = *before, "a connection was closed");
    }
}

/// Why this caller is not served, where it comes from another machine and an administrator wants none of these.
fn unserved(broker: &Broker, caller: &Caller) -> Option<ErrorBody> {
    let error = broker.rules().bounds().allow_forwarding().err()?;
    caller.is_from_elsewhere().then_some(error)
}

/// The connections of one listener.
pub(super) struct Connections {
    kind: Kind,
    places: Arc<Places>,
    stopping: watch::Sender<bool>,
}

impl Connections {
    /// None yet, and never more than this, or than the process may have descriptors for.
    pub(super) fn at_most(most: usize, kind: Kind) -> Self {
        let places = Places::new(harden::room_for_connections(most));
        Self { kind, places, stopping: watch::Sender::new(false) }
    }

    /// A place for a connection of this process, as [`Places::take`].
    pub(super) fn place(&self, holder: Holder) -> Option<(Place, Gone)> {
        self.places.take(holder)
    }

    /// Serves one in a task of its own.
    pub(super) fn begin<S, R, F>(&self, place: Place, stream: S, respond: R)
    where
        S: Opening + AsyncRead + AsyncWrite + Send + Sync + 'static,
        R: Fn(Request<Incoming>) -> F + Send + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let (stopped, kind) = (self.stopping.subscribe(), self.kind);
        let place = Arc::new(place);
        let served = Arc::clone(&place);
        let task = tokio::spawn(async move {
            let _connected = METRICS.connected(kind);
            from_the_first_byte(stream, respond, stopped, served).await;
        });
        place.serve_by(task.abort_handle());
    }

    /// Lets running requests end.
    pub(super) async fn end(&self) {
        self.stopping.send_replace(true);
        if timeout(FAREWELL, self.places.all_left()).await.is_err() {
            tracing::info!("stopping with requests still open");
        }
    }
}

/// How long running requests may take to end once the daemon is told to stop.
const FAREWELL: Duration = Duration::from_secs(3);

/// A connection of which it is known without a buffer when it says something first.
pub(super) trait Opening {
    /// Waits for that, or for its end: whether it said something.
    fn opened(&self) -> impl Future<Output = bool> + Send;
}

/// Serves a caller once it says something, if it does in time. Until then a connection costs little more than its descriptor.
async fn from_the_first_byte<S, R, F>(
    stream: S,
    respond: R,
    mut stopped: watch::Receiver<bool>,
    place: Arc<Place>,
) where
    S: Opening + AsyncRead + AsyncWrite + Send + Sync + 'static,
    R: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let is_opened = {
        let told_to_stop = async {
            drop(stopped.wait_for(|stopped| *stopped).await);
            sleep(UNREAD_PATIENCE).await;
        };
        tokio::select! {
            // Who has said something already is kept by no timer, which would have the daemon wake itself.
            biased;
            is_opened = stream.opened() => is_opened,
            () = told_to_stop => false,
            () = sleep(place.patience()) => false,
        }
    };
    if is_opened {
        boxed(stream, respond, stopped, place).await;
    }
}

/// Made when it is needed: the thousands that only wait have no room for it.
fn boxed<S, R, F>(
    stream: S,
    respond: R,
    stopped: watch::Receiver<bool>,
    place: Arc<Place>,
) -> Pin<Box<dyn Future<Output = ()> + Send>>
where
    S: AsyncRead + AsyncWrite + Send + 'static,
    R: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    Box::pin(connection(stream, respond, stopped, place))
}

/// A caller writes its request right after connecting, unless the system lets other programs run in between.
const UNREAD_PATIENCE: Duration = Duration::from_millis(500);

pub(super) async fn connection<S, R, F>(
    stream: S,
    respond: R,
    mut stopped: watch::Receiver<bool>,
    place: Arc<Place>,
) where
    S: AsyncRead + AsyncWrite,
    R: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    let mut stream = Box::pin(TimeoutWriter::new(stream));
    stream.as_mut().set_timeout_pinned(Some(TAKE_TIMEOUT));
    let (asked, patience) = (Arc::new(Notify::new()), place.patience());
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |request| {
            asked.notify_one();
            let row = place.begin();
            let (response, place) = (respond(request), Arc::clone(&place));
            async move {
                give_way_at_times().await;
                let response = match row {
                    Some(row) => row.take(response).await,
                    None => response.await,
                };
                // A stream goes on for as long as its reader.
                if response.as_ref().is_ok_and(|response| response.body().size_hint().exact().is_some()) {
                    place.rest();
                }
                response
            }
        })
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(MAX_HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // The borrow that `wait_for` returns must not live across an await.
    let told_to_stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = told_to_stop => {
            // hyper would close at once on a caller whom it has not read yet. Who was taken from the queue a moment ago
            // has most likely asked, and nobody else will answer.
            let first = timeout(UNREAD_PATIENCE, asked.notified());
            tokio::select! {
                served = connection.as_mut() => served,
                _asked_or_late = first => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = served {
        // Hang-ups and time-outs of callers are their own affair.
        tracing::debug!(%error, "a connection ended early");
    }
}

pub(super) async fn respond(
    mut request: Request<Incoming>,
    caller: Caller,
    unserved: Option<ErrorBody>,
    broker: Arc<Broker>,
    router: Router,
) -> Result<Response<Body>, Infallible> {
    let refusal = guard::refusal(request.version(), request.uri(), request.headers()).or(unserved);
    let mut response = match refusal {
        Some(error) => {
            tracing::warn!(%caller, "a request was refused: {}", error.message);
            broker.note_refusal(&Asker::Caller(caller), &TokenRequest::default(), &error);
            reply::failure(&error)
        }
        None => {
            let agent = request.headers().get(HEADER).map(|name| name.to_str().unwrap_or_default());
            let caller = caller.saying(agent);
            request.extensions_mut().insert(caller);
            router.oneshot(request.map(Body::new)).await?
        }
    };
    reply::sign(&mut response);
    Ok(response)
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;
