//! Where the daemon listens, and a connection to it.
//!
//! Who is behind the address is checked by the platform's `open` before a byte is sent. What may be asked twice is asked
//! again where the daemon ended in the middle: under a service manager the next one is there at once.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use entra_proto::client::Client;
use entra_proto::endpoint::{EndpointError, checked, socket_path};
use entra_proto::error::exit;
use entra_proto::http1::ExchangeError;
use entra_proto::limits::{ANSWER_TIMEOUT, CLIENT_TIMEOUT};

use crate::agent;
use crate::failure::Failure;
use crate::platform::{self, Stream};

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub(crate) struct Socket(PathBuf);

impl Socket {
    /// The socket that `--socket` names, else the environment's or the user's own.
    pub(crate) fn find(named: Option<PathBuf>) -> Result<Self, Failure> {
        let found = match named {
            Some(path) => checked(path),
            None => socket_path(platform::lookup),
        };
        found.map(Self).map_err(Failure::from)
    }

    /// Its path, or the pipe's name.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// A fresh connection with the limits of a token request.
    pub(crate) fn connect(&self) -> Result<Client<Stream>, Failure> {
        self.connect_within(ANSWER_TIMEOUT, CLIENT_TIMEOUT)
    }

    /// A fresh connection: `send` bounds the connecting and each write, `receive` each read.
    pub(crate) fn connect_within(
        &self,
        send: Duration,
        receive: Duration,
    ) -> Result<Client<Stream>, Failure> {
        let client = Client::new(platform::open(&self.0, send, receive)?);
        Ok(client.for_agent(agent::told(|name| std::env::var_os(name))))
    }

    /// An exchange that may be repeated without harm, such as asking for a token, with the limits of one.
    pub(crate) fn ask<T>(
        &self,
        exchange: impl Fn(Client<Stream>) -> Result<T, ExchangeError>,
    ) -> Result<T, Failure> {
        self.ask_within(ANSWER_TIMEOUT, CLIENT_TIMEOUT, exchange)
    }

    /// The same within `receive` in all.
    pub(crate) fn ask_within<T>(
        &self,
        send: Duration,
        receive: Duration,
        exchange: impl Fn(Client<Stream>) -> Result<T, ExchangeError>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let mut patience = receive;
        for _ in 0..REPEATS {
            match exchange(self.connect_within(send, patience)?) {
                Err(error) if is_broken_off(&error) => {}
                done => return done.map_err(|error| Failure::of_exchange(&error, receive)),
            }
            patience = receive.saturating_sub(begun.elapsed()).max(LEAST_PATIENCE);
        }
        exchange(self.connect_within(send, patience)?).map_err(|error| Failure::of_exchange(&error, receive))
    }
}

/// Whether the daemon was there and ended before its answer did.
fn is_broken_off(error: &ExchangeError) -> bool {
    match error {
        ExchangeError::Io(error) => {
            matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof
            )
        }
        ExchangeError::Truncated => true,
        ExchangeError::Malformed(_) | ExchangeError::TooLong(_) => false,
    }
}

/// A daemon that ends in the middle of three exchanges in a row is not being updated.
const REPEATS: usize = 2;

/// The system takes no limit of nothing.
const LEAST_PATIENCE: Duration = Duration::from_millis(100);

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        let exit = match error {
            EndpointError::NoPlace => exit::MISCONFIGURED,
            EndpointError::NotAPipe(_) | EndpointError::Relative(_) | EndpointError::TooLong(_) => {
                exit::USAGE
            }
        };
        Self::new(exit, "no_socket", error.to_string())
    }
}
