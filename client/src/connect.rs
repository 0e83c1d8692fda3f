//! Where the daemon listens, and a connection to it.
//!
//! Who is behind the address is checked by the platform's `open` before a byte is sent.

use std::path::PathBuf;
use std::time::Duration;

use entra_proto::client::Client;
use entra_proto::endpoint::{EndpointError, checked, socket_path};
use entra_proto::error::exit;
use entra_proto::limits::{ANSWER_TIMEOUT, CLIENT_TIMEOUT};

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
        Ok(Client::new(platform::open(&self.0, send, receive)?))
    }
}

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
