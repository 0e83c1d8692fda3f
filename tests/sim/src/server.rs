//! Listening, TLS and connections.
//!
//! Connections are tasks of the accepting task and end with it, so dropping the simulator leaves nothing behind.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{self, ServerConfig};

use crate::options::Tls;
use crate::service::{Core, serve};
use crate::sim::StartError;
use crate::stream::{ResetSwitch, Stream};

/// A listener that is bound and ready.
pub(crate) struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    address: SocketAddr,
}

impl Server {
    /// Binds a loopback address.
    pub(crate) async fn bind(listen: SocketAddr, tls: Option<&Tls>) -> Result<Self, StartError> {
        if !listen.ip().is_loopback() {
            return Err(StartError::NotLoopback { address: listen });
        }
        let tls = tls.map(acceptor).transpose()?;
        let failed = |source| StartError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, tls, address })
    }

    /// The origin to tell clients.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.address)
    }

    /// Accepts until it is dropped.
    pub(crate) async fn run(self, core: Arc<Core>) {
        let scheme = self.scheme();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((tcp, _)) => {
                        connections.spawn(connection(tcp, self.tls.clone(), scheme, Arc::clone(&core)));
                    }
                    // Out of file descriptors, most likely: give the open connections time to end.
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

async fn connection(tcp: TcpStream, tls: Option<TlsAcceptor>, scheme: &'static str, core: Arc<Core>) {
    // Small answers; without this a client may wait for a delayed acknowledgement.
    let _ = tcp.set_nodelay(true);
    let switch = ResetSwitch::default();
    let stream = Stream::new(tcp, switch.clone());
    match tls {
        None => exchange(stream, switch, scheme, core).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await {
                exchange(stream, switch, scheme, core).await;
            }
        }
    }
}

async fn exchange<S>(stream: S, switch: ResetSwitch, scheme: &'static str, core: Arc<Core>)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(|request| serve(Arc::clone(&core), switch.clone(), scheme, request));
    // A connection that fails is the client's or the script's doing, and the client is told by its end.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE_LIMIT)
        .auto_date_header(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn acceptor(tls: &Tls) -> Result<TlsAcceptor, StartError> {
    let unreadable = |path: &std::path::Path| {
        let path = path.to_owned();
        move |source: pem::Error| StartError::Pem { path, source }
    };
    let chain = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(unreadable(&tls.certificate))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(unreadable(&tls.key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(StartError::Tls)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A loopback handshake takes milliseconds.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// How long a connection may stay open between requests; clients keep theirs for about a minute and a half.
const IDLE_LIMIT: Duration = Duration::from_secs(120);

/// Long enough for other connections to end, short enough for no test to notice.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Turns an I/O failure into one that says the script wanted it.
pub(crate) fn scripted_end() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "a scripted fault ends the connection")
}
