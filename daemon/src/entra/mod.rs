//! Talking to Entra, and to the container registries that take its tokens in exchange. The only room that names reqwest and
//! oauth2.
//!
//! A request goes out as a form, and an answer comes back as an
//! [outcome](crate::account::outcome::Outcome): data for the account's machine, not an error to be thrown.
//! Nothing here keeps a token, decides when to refresh or waits for a person, except a [poll](poll::Poll) that
//! its owner drives and can drop.

use std::sync::Arc;

pub mod age_limit;
mod answer;
pub mod authority;
pub mod browser;
pub mod claims;
mod classify;
mod client;
pub mod device;
mod form;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod grant;
mod http;
pub mod identity;
mod json;
mod lenient;
pub mod network;
mod no_reply;
pub mod poll;
pub mod probe;
#[cfg_attr(target_os = "linux", path = "receipt_linux.rs")]
#[cfg_attr(target_os = "macos", path = "receipt_macos.rs")]
#[cfg_attr(windows, path = "receipt_windows.rs")]
mod receipt;
pub mod redirect;
pub mod refresh;
pub mod registry;
mod remedies;
mod reply;
#[cfg(test)]
pub(crate) mod script;
pub mod sessions;
mod sort;
pub mod target;
mod text;
pub mod words;

use http::Http;
use network::{NetworkError, NetworkSettings, Passphrases, Way};
use reply::Exchange;
use url::Url;

/// The way to Entra: one HTTP client for every profile, built at the first need. Clones share it.
#[derive(Clone)]
pub struct Entra {
    exchange: Arc<dyn Exchange>,
    http: Arc<Http>,
}

impl Entra {
    /// A way to Entra. Costs nothing until the first request: building the client reads the system's
    /// certificates and proxy settings.
    #[must_use]
    pub fn new() -> Self {
        let http = Arc::new(Http::default());
        Self { exchange: http.clone(), http }
    }

    /// Puts other settings of the network in force, at the next request; those under way end as they are. Nothing happens where
    /// they are the same.
    pub fn configure(&self, settings: NetworkSettings) {
        self.http.configure(settings);
    }

    /// Names the rooms that have the passphrase of the client's key.
    pub fn ask_for_passphrases(&self, passphrases: Arc<dyn Passphrases>) {
        self.http.ask_for_passphrases(passphrases);
    }

    /// The proxy that a request to `url` goes to by the settings and the environment as they are now; nothing where it goes
    /// straight there.
    ///
    /// # Errors
    /// [`NetworkError::Proxy`] where the address of the proxy is none.
    pub fn way_to(&self, url: &Url) -> Result<Option<Way>, NetworkError> {
        self.http.way_to(url)
    }

    /// What of the settings and the environment could not be read when a client was built last, and is done without: whole
    /// sentences.
    #[must_use]
    pub fn network_warnings(&self) -> Vec<String> {
        self.http.warnings()
    }

    /// Seconds that Entra's clock is ahead of this machine's, from the last answer's `Date`; `None` before
    /// the first. For diagnostics only: expiry is counted from receipt.
    #[must_use]
    pub fn skew(&self) -> Option<i64> {
        self.http.skew()
    }

    /// Drops the HTTP client, its connections and its reading of proxy and resolver settings; the next
    /// request builds another. For a network that changed or a machine that woke up.
    pub fn rebuild(&self) {
        self.http.rebuild();
    }

    /// A way to a script, for tests of other rooms.
    #[cfg(test)]
    pub(crate) fn scripted(script: &Arc<script::Script>) -> Self {
        Self::over(script.clone())
    }

    #[cfg(any(test, fuzzing))]
    fn over(exchange: Arc<dyn Exchange>) -> Self {
        Self { exchange, http: Arc::default() }
    }
}

impl Default for Entra {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Entra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entra").finish_non_exhaustive()
    }
}
