//! Starting and stopping a simulator in the process of a test.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::control::Control;
use crate::options::Options;
use crate::server::Server;
use crate::service::Core;

/// A running simulator. It stops when it is dropped.
#[derive(Debug)]
pub struct Sim {
    origin: String,
    tenant: String,
    control: Control,
    runner: Runner,
}

impl Sim {
    /// Starts a simulator on the current tokio runtime, which needs its I/O and time drivers.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let server = Server::bind(options.listen, options.tls.as_ref()).await?;
        let (origin, tenant) = (server.origin(), options.tenant.clone());
        let core = Arc::new(Core::new(options));
        let control = Control::new(Arc::clone(&core));
        let runner = Runner::Task(tokio::spawn(server.run(core)));
        Ok(Self { origin, tenant, control, runner })
    }

    /// Starts a simulator on a thread of its own, for tests without tokio.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start_blocking(options: Options) -> Result<Self, StartError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let tenant = options.tenant.clone();
        let (stop, stopped) = oneshot::channel();
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("entra-sim".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let server = match Server::bind(options.listen, options.tls.as_ref()).await {
                        Ok(server) => server,
                        Err(error) => return drop(ready.send(Err(error))),
                    };
                    let core = Arc::new(Core::new(options));
                    drop(ready.send(Ok((server.origin(), Control::new(Arc::clone(&core))))));
                    tokio::select! {
                        () = server.run(core) => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(StartError::Thread)?;
        let (origin, control) =
            started.recv().map_err(|_| StartError::Thread(io::ErrorKind::BrokenPipe.into()))??;
        Ok(Self {
            origin,
            tenant,
            control,
            runner: Runner::Thread { stop: Some(stop), thread: Some(thread) },
        })
    }

    /// Scheme, host and port, for example `http://127.0.0.1:18080`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The authority of the tenant at home here: origin and tenant.
    pub fn authority(&self) -> String {
        format!("{}/{}", self.origin, self.tenant)
    }

    /// Scripting and inspection.
    pub fn control(&self) -> &Control {
        &self.control
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        match &mut self.runner {
            Runner::Task(task) => task.abort(),
            Runner::Thread { stop, thread } => {
                drop(stop.take());
                if let Some(thread) = thread.take() {
                    // A thread that panicked has stopped as well.
                    let _ = thread.join();
                }
            }
        }
    }
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or forbidden.
    #[error("Cannot listen on {address}.")]
    Listen {
        /// The address that was asked.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The simulator trusts everybody and so serves this machine alone.
    #[error("{address} is not a loopback address; use 127.0.0.1 or [::1].")]
    NotLoopback {
        /// The address that was asked.
        address: SocketAddr,
    },
    /// A PEM file cannot be read or holds no such item.
    #[error("Cannot read a certificate or key from {}.", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls_pki_types::pem::Error,
    },
    /// The thread or its runtime could not be made.
    #[error("Cannot start the simulator's thread.")]
    Thread(#[source] io::Error),
    /// Certificate and key do not fit.
    #[error("The certificate and the key do not make a TLS server.")]
    Tls(#[source] tokio_rustls::rustls::Error),
}

#[derive(Debug)]
enum Runner {
    Task(JoinHandle<()>),
    Thread { stop: Option<oneshot::Sender<()>>, thread: Option<thread::JoinHandle<()>> },
}
