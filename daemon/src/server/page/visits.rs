//! Who comes to a page's port: it is opened, and connections are taken in until the page is good no more.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;

use axum::body::Body;
use axum::http::{Request, Response};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::MAX_PAGE_CONNECTIONS;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;

use super::address::Address;
use crate::access::neighbour;
use crate::metrics::Listener;
use crate::server::connections::Connections;
use crate::server::loopback::accept;

/// The two ends of a connection: which one a process at the other end holds is told by both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) ours: SocketAddr,
    pub(super) theirs: SocketAddr,
}

impl Ends {
    fn of(stream: &TcpStream) -> Option<Self> {
        Some(Self { ours: stream.local_addr().ok()?, theirs: stream.peer_addr().ok()? })
    }
}

/// A port of its own, and a page's address there.
///
/// # Errors
/// `internal`, as the system says.
pub(super) async fn open_port(folder: &'static str) -> Result<(TcpListener, Address), ErrorBody> {
    let failed =
        |error: String| ErrorBody::new(ErrorCode::Internal, format!("No page can be opened: {error}."));
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| failed(error.to_string()))?;
    let port = listener.local_addr().map_err(|error| failed(error.to_string()))?.port();
    let address = Address::new(port, folder).map_err(|error| failed(error.to_string()))?;
    Ok((listener, address))
}

/// Serves whoever comes until it is over, but for those of another user; then takes no more. `what` names the page in the log.
pub(super) async fn take_in<R, F>(
    listener: TcpListener,
    over: impl Future<Output = ()>,
    what: &str,
    respond: R,
) -> Connections
where
    R: Fn(Ends, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let connections = Connections::at_most(MAX_PAGE_CONNECTIONS, Listener::Page);
    let mut over = pin!(over);
    loop {
        let stream = tokio::select! {
            stream = accept(&listener) => stream,
            () = &mut over => return connections,
        };
        // One that is gone already has no ends.
        let Some(ends) = Ends::of(&stream) else { continue };
        if let Some(user) = neighbour::stranger(ends.ours, ends.theirs) {
            tracing::warn!("a process of user {user} connected to a {what} page; it was sent away");
            continue;
        }
        let Some((place, _gone)) = connections.place(None) else { continue };
        let respond = respond.clone();
        connections.begin(place, stream, move |request| respond(ends, request));
        yield_now().await;
    }
}
