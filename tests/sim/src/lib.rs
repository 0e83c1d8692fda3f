//! A simulator of Microsoft Entra ID's v2.0 sign-in endpoints, for tests.
//!
//! It signs people in by device code and by authorization code with PKCE, refreshes and rotates tokens, makes the
//! checks that the real service makes of a client, and misbehaves on request: slow, broken, throttled and lying
//! answers are scripted as [`Fault`]s. Microsoft's own client libraries sign in against it.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use entra_sim::{ADA, Fault, Leg, Options, Sim};
//!
//! let sim = Sim::start(Options::default()).await?;
//! // … point the client under test at sim.authority() and let it start a device code sign-in …
//! let user_code = sim.control().next_user_code().await?;
//! sim.control().script(Fault::on(Leg::Refresh).status(503).times(2));
//! sim.control().approve(&user_code, ADA)?;
//! # Ok(()) }
//! ```
//!
//! Nothing here is signed or secret: never let a real service trust a token of this simulator. It listens on
//! loopback addresses only.

mod clock;
mod control;
mod control_routes;
mod directory;
mod errors;
mod faults;
mod form;
mod issue;
mod jwt;
mod leg;
mod log;
mod options;
mod page;
mod reply;
mod request;
mod routes;
mod scope;
mod server;
mod service;
mod sim;
mod state;
mod stream;
mod view;
mod wire;

pub use control::Control;
pub use directory::{ADA, BOB, CONSUMERS_TENANT, DEFAULT_TENANT, GWEN, MIA, PARTNER_TENANT};
pub use faults::{Action, Fault, RetryAfter};
pub use jwt::{REFRESH_MARK, SECRET_MARK};
pub use leg::Leg;
pub use log::{LoggedRequest, digest};
pub use options::{AZURE_CLI_CLIENT, AccessTokenShape, DEFAULT_CLIENT, Options, Rules, Tls};
pub use sim::{Sim, StartError};
pub use view::{CodeStatus, CodeView, ControlError, StateView};

/// The README's example must compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
