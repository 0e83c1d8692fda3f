//! Who comes to a page's port: it is opened, and connections are taken in until the page is good no more.

use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::MAX_PAGE_CONNECTIONS;
use hyper::body::Incoming;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OnceCell;
use tokio::task::{spawn_blocking, yield_now};

use super::address::{Address, Wanted};
use crate::access::neighbour;
use crate::metrics::Listener;
use crate::server::connections::Connections;
use crate::server::loopback::accept_some;

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

/// A connection to a page's port.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) ends: Ends,
    page: &'static str,
    is_strangers: Arc<OnceCell<bool>>,
}

impl Visit {
    #[cfg(test)]
    pub(super) fn scripted(is_strangers: bool) -> Self {
        let ours = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let is_strangers = Arc::new(OnceCell::new_with(Some(is_strangers)));
        Self { ends: Ends { ours, theirs: ours }, page: "scripted", is_strangers }
    }

    /// What is wanted by somebody who knows the page's address, unless that is another user.
    pub(super) async fn let_in(&self, wanted: Option<Wanted>) -> Option<Wanted> {
        let wanted = wanted?;
        (!self.is_strangers().await).then_some(wanted)
    }

    /// Whether another user made it. The kernel's table of all connections is read for that, once, on a thread of its own; so it is
    /// asked only where somebody knows the page's address.
    async fn is_strangers(&self) -> bool {
        let found_out = async {
            let Ends { ours, theirs } = self.ends;
            match spawn_blocking(move || neighbour::stranger(ours, theirs)).await {
                Ok(None) => false,
                Ok(Some(user)) => {
                    let page = self.page;
                    tracing::warn!("a process of user {user} asked for a {page} page; it was sent away");
                    true
                }
                Err(_) => true,
            }
        };
        *self.is_strangers.get_or_init(|| found_out).await
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

/// Serves whoever comes until it is over; then takes no more. `page` names it in the log.
pub(super) async fn take_in<R, F>(
    listener: TcpListener,
    over: impl Future<Output = ()>,
    page: &'static str,
    respond: R,
) -> Connections
where
    R: Fn(Visit, Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    let connections = Connections::at_most(MAX_PAGE_CONNECTIONS, Listener::Page);
    let mut over = pin!(over);
    loop {
        let streams = tokio::select! {
            streams = accept_some(&listener, MOST_TAKEN) => streams,
            () = &mut over => return connections,
        };
        for stream in streams {
            // One that is gone already has no ends.
            let Some(ends) = Ends::of(&stream) else { continue };
            let Some((place, _gone)) = connections.place(None) else { continue };
            let respond = respond.clone();
            let visit = Visit { ends, page, is_strangers: Arc::default() };
            connections.begin(place, stream, move |request| respond(visit.clone(), request));
        }
        yield_now().await;
    }
}

/// So many are taken from the system's queue at once: far fewer than there are places, so that what somebody has asked is read before
/// those who come next have them make room.
const MOST_TAKEN: usize = MAX_PAGE_CONNECTIONS / 8;
