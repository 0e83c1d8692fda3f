//! The loopback port, for tools that cannot speak to the socket.
//!
//! Tools remember the port for weeks, in settings files and in running processes, so it is chosen once, remembered beside the
//! sealed file, and never another one is taken in its stead. It is opened when the first lease is made: who has none offers
//! nothing there. What is said on it is the dialects'.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::MAX_LOOPBACK_CONNECTIONS;
use entra_proto::status::LoopbackStatus;
use futures_util::FutureExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, yield_now};
use tower::ServiceExt;

use super::connections::{Connections, Opening};
use super::port::listen;
use crate::config::LoopbackChoice;
use crate::files::Folder;
use crate::metrics::Listener;

/// The port: open, or not yet.
pub struct Loopback {
    choice: LoopbackChoice,
    /// Where the number is remembered.
    state_dir: PathBuf,
    /// What is said there, given the number.
    dialects: Box<dyn Fn(u16) -> Router + Send + Sync>,
    /// A listener that the service manager has opened for us.
    handed: Mutex<Option<std::net::TcpListener>>,
    open: tokio::sync::Mutex<Option<u16>>,
    status: Mutex<Option<LoopbackStatus>>,
    connections: Connections,
    /// Takes connections.
    serving: Mutex<Option<AbortHandle>>,
}

/// Why the port is not open. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// It is configured so.
    #[error("The setting `loopback` is `off`, so tools have no endpoint.")]
    Off,
    /// Another program has it.
    #[error(
        "Port {0}, where tools ask for tokens, is taken by another program. End that program; or name another port by the setting `loopback` and set the tools up anew."
    )]
    Taken(u16),
    /// None could be found.
    #[error("No free port was found on loopback; name one by the setting `loopback`.")]
    NoneFree,
    /// The system.
    #[error("The loopback port cannot be opened: {0}.")]
    Io(#[from] io::Error),
}

impl Loopback {
    /// Not open yet. The number is remembered in the state folder.
    #[must_use]
    pub fn new(
        choice: LoopbackChoice,
        state_dir: PathBuf,
        handed: Option<std::net::TcpListener>,
        dialects: impl Fn(u16) -> Router + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            choice,
            state_dir,
            dialects: Box::new(dialects),
            handed: Mutex::new(handed),
            open: tokio::sync::Mutex::new(None),
            status: Mutex::new(None),
            connections: Connections::at_most(MAX_LOOPBACK_CONNECTIONS, Listener::Loopback),
            serving: Mutex::new(None),
        })
    }

    /// Opens the port if tools were ever told of one. Where another program has it, it is tried until it is free: tools
    /// cannot be told of another.
    pub async fn resume(self: &Arc<Self>) {
        let is_held = self.handed().is_some();
        if is_held && self.choice == LoopbackChoice::Off {
            tracing::warn!(
                "the setting `loopback` is `off`, but systemd holds the port: who asks there waits in vain; disable entrad-loopback.socket"
            );
        }
        let is_known = is_held || self.remembered().is_some();
        let is_wanted = match self.choice {
            LoopbackChoice::Off => false,
            LoopbackChoice::Port(_) => true,
            LoopbackChoice::Auto => is_known,
        };
        if !is_wanted {
            return;
        }
        if let Err(error) = self.port().await {
            tracing::warn!("{error}");
            let this = Arc::clone(self);
            tokio::spawn(async move {
                while this.port().await.is_err() {
                    tokio::time::sleep(RETRY).await;
                }
                tracing::info!("the loopback port is open now");
            });
        }
    }

    /// The port, which is opened if it was not.
    ///
    /// # Errors
    /// [`LoopbackError`].
    pub async fn port(self: &Arc<Self>) -> Result<u16, LoopbackError> {
        let mut open = self.open.lock().await;
        if let Some(port) = *open {
            return Ok(port);
        }
        let opened = self.listen().await;
        let fault = opened.as_ref().err().map(ToString::to_string);
        let port = match &opened {
            Ok((_, port)) => Some(*port),
            Err(LoopbackError::Taken(port)) => Some(*port),
            Err(_) => None,
        };
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(LoopbackStatus { port, fault });
        let (listener, port) = opened?;
        *open = Some(port);
        let router = (self.dialects)(port);
        let this = Arc::clone(self);
        let serving = tokio::spawn(async move { this.serve(listener, router).await }).abort_handle();
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
        Ok(port)
    }

    /// How it is, where it was ever wanted since the start.
    #[must_use]
    pub fn status(&self) -> Option<LoopbackStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes no further connection, and lets running requests end.
    pub async fn close(&self) {
        if let Some(serving) = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take() {
            serving.abort();
        }
        self.connections.end().await;
    }

    async fn serve(&self, listener: TcpListener, router: Router) {
        loop {
            for stream in accept_some(&listener, MOST_TAKEN).await {
                // The system does not tell whose it is.
                let Some((place, _gone)) = self.connections.place(None) else { continue };
                let router = router.clone();
                self.connections
                    .begin(place, stream, move |request| router.clone().oneshot(request.map(Body::new)));
            }
            yield_now().await;
        }
    }

    async fn listen(&self) -> Result<(TcpListener, u16), LoopbackError> {
        if self.choice == LoopbackChoice::Off {
            return Err(LoopbackError::Off);
        }
        let (listener, port) = match (self.handed(), self.choice, self.remembered()) {
            (Some(handed), ..) => {
                handed.set_nonblocking(true)?;
                let port = handed.local_addr()?.port();
                (TcpListener::from_std(handed)?, port)
            }
            (None, LoopbackChoice::Port(port), _) | (None, _, Some(port)) => (bind(port)?, port),
            (None, _, None) => choose().await?,
        };
        self.remember(port)?;
        Ok((listener, port))
    }

    /// A copy of what the service manager handed over: it stays open for a second try.
    fn handed(&self) -> Option<std::net::TcpListener> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).as_ref()?.try_clone().ok()
    }

    fn remembered(&self) -> Option<u16> {
        let bytes = Folder::open(&self.state_dir)
            .and_then(|folder| folder.map_or(Ok(None), |folder| folder.read(MEMORY, LONGEST_NUMBER)));
        let reason = match bytes.map_err(|error| error.to_string()) {
            Ok(None) => return None,
            Ok(Some(bytes)) => {
                match std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok()) {
                    Some(0) | None => "it holds no port".to_owned(),
                    port => return port,
                }
            }
            Err(reason) => reason,
        };
        let file = self.state_dir.join(MEMORY);
        tracing::warn!(file = %file.display(), reason, "the remembered port cannot be read");
        None
    }

    fn remember(&self, port: u16) -> io::Result<()> {
        if self.remembered() == Some(port) {
            return Ok(());
        }
        let folder = Folder::create(&self.state_dir)?;
        folder.clean(MEMORY)?;
        // As a whole: half a number would be another port.
        Ok(folder.replace(MEMORY, format!("{port}\n").as_bytes(), None)?)
    }
}

impl From<LoopbackError> for ErrorBody {
    fn from(error: LoopbackError) -> Self {
        let code = match error {
            LoopbackError::Off => ErrorCode::Refused,
            LoopbackError::Taken(_) | LoopbackError::NoneFree => ErrorCode::Misconfigured,
            LoopbackError::Io(_) => ErrorCode::Internal,
        };
        Self::new(code, error.to_string())
    }
}

fn bind(port: u16) -> Result<TcpListener, LoopbackError> {
    listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => LoopbackError::Taken(port),
        _ => error.into(),
    })
}

/// A free port below those that systems give to outgoing connections: one of these would be taken now and then when the
/// daemon comes back.
async fn choose() -> Result<(TcpListener, u16), LoopbackError> {
    for _ in 0..TRIES {
        let mut chance = [0; 2];
        getrandom::fill(&mut chance).map_err(|error| io::Error::other(error.to_string()))?;
        let port = LOWEST + u16::from_le_bytes(chance) % (HIGHEST - LOWEST);
        match bind(port) {
            Err(LoopbackError::Taken(_)) => {}
            bound => return Ok((bound?, port)),
        }
    }
    Err(LoopbackError::NoneFree)
}

/// The next connections: those that wait by now, and no more than this. Whoever finds the system's queue full waits a second before
/// it tries again, so the queue is emptied faster than those in it are served.
pub(super) async fn accept_some(listener: &TcpListener, most: usize) -> Vec<TcpStream> {
    let mut taken = Vec::new();
    loop {
        let accepted = match listener.accept().now_or_never() {
            None if taken.is_empty() => listener.accept().await,
            None => return taken,
            Some(accepted) => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // An answer is one write; waiting for more to send would only delay it.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delay");
                }
                taken.push(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted on loopback");
                if taken.is_empty() {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                return taken;
            }
        }
        if taken.len() >= most {
            return taken;
        }
    }
}

impl Opening for TcpStream {
    async fn opened(&self) -> bool {
        self.peek(&mut [0]).await.is_ok_and(|count| count > 0)
    }
}

/// So many are taken from the system's queue at once.
const MOST_TAKEN: usize = 64;

/// Linux gives 32768 and up to outgoing connections, the other systems 49152 and up.
const LOWEST: u16 = 10_240;
const HIGHEST: u16 = 32_768;
const TRIES: usize = 32;

/// A program that took the port may end at any time, and nobody tells.
const RETRY: Duration = Duration::from_secs(5);

/// In the state folder.
const MEMORY: &str = "loopback-port";

/// More than any port has in bytes.
const LONGEST_NUMBER: u64 = 64;

/// Long enough for other connections to end and give descriptors back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
