//! The socket and what is said over it, `/v1` of PROTOCOL.md; and the loopback port, where the dialects are spoken.
//!
//! The one idea is that nothing reaches a route before three guards: the peer runs as our user, the request
//! comes from no browser, and each of its parts is within its limit. One connection's fault costs that
//! connection alone.

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::{delete, get, post};

use crate::access::consent::Consents;
use crate::access::lease::Leases;
use crate::access::policy::Gatekeeper;
use crate::broker::Broker;
use crate::config::Told;
use crate::doctor::Doctor;
use crate::prompts::Prompts;

mod agents;
mod caller;
mod config;
mod connections;
mod consents;
mod doctor;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod guard;
mod leases;
#[cfg_attr(unix, path = "listen_unix.rs")]
#[cfg_attr(windows, path = "listen_windows.rs")]
mod listen;
mod lock;
mod log;
mod loopback;
mod page;
mod places;
mod policy;
#[cfg_attr(unix, path = "port_unix.rs")]
#[cfg_attr(windows, path = "port_windows.rs")]
mod port;
mod prompts;
mod reply;
mod routes;
mod steps;
mod turns;

pub use connections::serve;
pub use listen::{ListenError, Listener};
pub use loopback::{Loopback, LoopbackError};
pub use page::{Pages, QuestionPages};

/// What the routes stand on. Clones share it.
#[derive(Clone)]
pub struct Rooms {
    /// Accounts and tokens.
    pub broker: Arc<Broker>,
    /// What a rule wants a person's word for.
    pub consents: Consents,
    /// What finds the cause when something does not work.
    pub doctor: Arc<Doctor>,
    /// Who decides by rules.
    pub gatekeeper: Arc<Gatekeeper>,
    /// The leases.
    pub leases: Arc<Leases>,
    /// The port that leases are for.
    pub loopback: Arc<Loopback>,
    /// The pages for signing in.
    pub pages: Arc<Pages>,
    /// What a person is asked.
    pub prompts: Arc<Prompts>,
    /// The settings in force.
    pub told: Arc<Told>,
}

impl FromRef<Rooms> for Arc<Broker> {
    fn from_ref(rooms: &Rooms) -> Self {
        Self::clone(&rooms.broker)
    }
}

fn router(rooms: Rooms) -> Router {
    Router::new()
        .route("/v1/accounts", get(routes::accounts))
        .route("/v1/accounts/{id}", delete(routes::sign_out))
        .route("/v1/accounts/{id}/revive", post(routes::revive))
        .route("/v1/agents", get(agents::list))
        .route("/v1/agents/resume", post(agents::resume))
        .route("/v1/agents/stop", post(agents::stop))
        .route("/v1/caller", get(caller::told))
        .route("/v1/config", get(config::told))
        .route(
            "/v1/config/client-key-passphrase",
            post(routes::keep_key_passphrase).delete(routes::forget_key_passphrase),
        )
        .route("/v1/consents", get(consents::list))
        .route("/v1/consents/{id}", post(consents::say).delete(consents::revoke))
        .route("/v1/doctor", get(doctor::examine))
        .route("/v1/leases", get(leases::list).post(leases::make))
        .route("/v1/leases/{named}", delete(leases::revoke))
        .route("/v1/lock", post(lock::lock))
        .route("/v1/log", get(log::entries))
        .route("/v1/log/verification", get(log::verification))
        .route("/v1/metrics", get(routes::metrics))
        .route("/v1/pages", post(page::open))
        .route("/v1/panic", post(lock::panic))
        .route("/v1/policy", get(policy::told))
        .route("/v1/policy/explain", post(policy::explain))
        .route("/v1/prompts", get(prompts::list))
        .route("/v1/prompts/events", get(prompts::events))
        .route("/v1/prompts/snooze", post(prompts::snooze))
        .route("/v1/registry-token", post(routes::registry_token))
        .route("/v1/sign-ins", post(routes::start_sign_in))
        .route("/v1/sign-ins/{id}", delete(routes::cancel_sign_in))
        .route("/v1/sign-ins/{id}/events", get(routes::sign_in_events))
        .route("/v1/status", get(routes::status))
        .route("/v1/token", post(routes::token))
        .route("/v1/unlock", post(lock::unlock))
        .fallback(routes::not_found)
        .method_not_allowed_fallback(routes::method_not_allowed)
        .with_state(rooms)
}
