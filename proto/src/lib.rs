//! The contract between `entrad`, the daemon, and everyone who asks it for a token.
//!
//! Everything both ends must agree on lives here and nowhere else: the wire types, the limits, the one
//! table of errors, where the socket is, the names of well-known resources, and a small bounded HTTP/1
//! exchange with a blocking [`client::Client`] over anything that reads and writes. The crate opens no
//! file and no socket of its own.
//!
//! `PROTOCOL.md` at the root of the repository says the same in prose.
#![forbid(unsafe_code)]

pub mod aadsts;
pub mod account;
pub mod agent;
pub mod caller;
pub mod client;
pub mod cloud;
pub mod config;
pub mod consent;
pub mod doctor;
pub mod endpoint;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http1;
pub mod lease;
pub mod limits;
pub mod lock;
pub mod log;
pub mod page;
pub mod policy;
pub mod prompt;
pub mod registry;
pub mod resource;
pub mod scope;
pub mod secret;
pub mod sign_in;
pub mod status;
pub mod token;
pub mod version;

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;
