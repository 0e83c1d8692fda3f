//! Accepting and serving connections, within limits.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use entra_proto::error::ErrorBody;
use entra_proto::limits::{HEAD_TIMEOUT, MAX_CONNECTIONS, MAX_HEAD, TAKE_TIMEOUT};
use entra_proto::token::TokenRequest;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

use super::{Listener, Rooms, guard, reply, router};
use crate::access::caller::Caller;
use crate::broker::{Asker, Broker};
use crate::harden;
use crate::metrics::{Listener as Kind, METRICS};

/// Serves until `stop` completes; then takes no further connection and lets running requests end, for a
/// few seconds at most.
pub async fn serve(mut listener: Listener, rooms: Rooms, stop: impl Future<Output = ()>) {
    let broker = Arc::clone(&rooms.broker);
    let router = router(rooms);
    let connections = Connections::at_most(MAX_CONNECTIONS, Kind::Socket);
    let mut stop = pin!(stop);
    loop {
        let accepted = async { (connections.place().await, listener.accept().await) };
        let (place, stream) = tokio::select! {
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let caller = match Caller::of(&stream) {
            Ok(caller) => caller,
            Err(stranger) => {
                tracing::warn!(%stranger, "a connection was closed");
                continue;
            }
        };
        let router = router.clone();
        let unserved = unserved(&broker, &caller);
        let broker = Arc::clone(&broker);
        connections.begin(place, stream, move |request| {
            respond(request, caller.clone(), unserved.clone(), Arc::clone(&broker), router.clone())
        });
    }
    drop(listener);
    connections.end().await;
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
    /// None yet, and never more than this.
    pub(super) fn at_most(most: usize, kind: Kind) -> Self {
        Self { kind, places: Arc::new(Places::new(most)), stopping: watch::Sender::new(false) }
    }

    /// Waits for a free place.
    pub(super) async fn place(&self) -> Place {
        self.places.take().await
    }

    /// Serves one in a task of its own.
    pub(super) fn begin<S, R, F>(&self, place: Place, stream: S, respond: R)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        R: Fn(Request<Incoming>) -> F + Send + 'static,
        F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
    {
        let stopped = self.stopping.subscribe();
        let kind = self.kind;
        tokio::spawn(async move {
            let _connected = METRICS.connected(kind);
            connection(stream, respond, stopped).await;
            drop(place);
        });
    }

    /// Lets running requests end.
    pub(super) async fn end(&self) {
        self.stopping.send_replace(true);
        if tokio::time::timeout(FAREWELL, self.places.all_left()).await.is_err() {
            tracing::info!("stopping with requests still open");
        }
    }
}

/// How long running requests may take to end once the daemon is told to stop.
const FAREWELL: Duration = Duration::from_secs(3);

/// The places for connections.
struct Places {
    most: usize,
    free: Arc<Semaphore>,
    /// There were many connections at once, and most of them are still there.
    is_crowded: AtomicBool,
}

impl Places {
    fn new(most: usize) -> Self {
        Self { most, free: Arc::new(Semaphore::new(most)), is_crowded: AtomicBool::new(false) }
    }

    /// Waits for a free place.
    async fn take(self: &Arc<Self>) -> Place {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.free).acquire_owned().await.ok();
        if self.taken() > CROWD {
            self.is_crowded.store(true, Ordering::Relaxed);
        }
        Place { permit, places: Arc::clone(self) }
    }

    fn taken(&self) -> usize {
        self.most - self.free.available_permits()
    }

    async fn all_left(&self) {
        let all = u32::try_from(self.most).unwrap_or(u32::MAX);
        drop(self.free.acquire_many(all).await);
    }
}

/// A connection's place, which is free again when this is dropped.
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    places: Arc<Places>,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        let places = &self.places;
        if places.taken() <= CROWD / 8 && places.is_crowded.swap(false, Ordering::Relaxed) {
            harden::give_back_memory();
        }
    }
}

/// So many connections at once leave megabytes behind.
const CROWD: usize = 512;

/// A caller writes its request right after connecting, unless the system lets other programs run in between.
const UNREAD_PATIENCE: Duration = Duration::from_millis(500);

pub(super) async fn connection<S, R, F>(stream: S, respond: R, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite,
    R: Fn(Request<Incoming>) -> F,
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    let mut stream = Box::pin(TimeoutWriter::new(stream));
    stream.as_mut().set_timeout_pinned(Some(TAKE_TIMEOUT));
    let asked = Arc::new(Notify::new());
    let service = {
        let asked = Arc::clone(&asked);
        service_fn(move |request| {
            asked.notify_one();
            respond(request)
        })
    };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEAD);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // The borrow that `wait_for` returns must not live across an await.
    let told_to_stop = async { drop(stopped.wait_for(|stopped| *stopped).await) };
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = told_to_stop => {
            // hyper would close at once on a caller whom it has not read yet. Who was taken from the queue a moment ago
            // has most likely asked, and nobody else will answer.
            let first = tokio::time::timeout(UNREAD_PATIENCE, asked.notified());
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
            request.extensions_mut().insert(caller);
            router.oneshot(request.map(Body::new)).await?
        }
    };
    reply::sign(&mut response);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    async fn answer(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        Ok(Response::new(Body::from("good")))
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_accepted_before_the_stop_and_not_read_yet_is_answered() {
        let connections = Connections::at_most(1, Kind::Socket);
        let (mut caller, ours) = duplex(1024);
        connections.begin(connections.place().await, ours, answer);
        let ending = async { connections.end().await };
        let asking = async {
            tokio::time::sleep(UNREAD_PATIENCE / 2).await;
            caller.write_all(b"GET / HTTP/1.1\r\nHost: entrad\r\n\r\n").await.unwrap();
            let mut said = String::new();
            caller.read_to_string(&mut said).await.unwrap();
            said
        };
        let ((), said) = tokio::join!(ending, asking);
        assert!(said.ends_with("good"), "{said}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_nothing_does_not_hold_up_the_stop() {
        let connections = Connections::at_most(1, Kind::Socket);
        let (mut caller, ours) = duplex(1024);
        connections.begin(connections.place().await, ours, answer);
        let begun = tokio::time::Instant::now();
        connections.end().await;
        assert!(begun.elapsed() < FAREWELL);
        assert_eq!(caller.read(&mut [0]).await.unwrap(), 0);
    }
}
