//! The way out of this machine: which proxy, whose certificates are trusted, and the certificate that we show.
//!
//! [`NetworkSettings`] is what the configuration says. At the time a client is built it is put together with the
//! environment and the files that it names, and what was read is remembered by its `stamp`, so that a change of a
//! file is noticed at the next request. Invariants: nothing here can switch verification off, every certificate that is
//! trusted is trusted beside the system's, and no password or key is in a message.

mod client_certificate;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod key;
mod no_proxy;
mod proxies;
mod proxy_look;
mod proxy_url;
mod settings;
mod stamp;
mod trust;
mod watched;

use std::ffi::OsString;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use reqwest::{Certificate, ClientBuilder, Proxy};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use url::Url;
use zeroize::Zeroizing;

use client_certificate::Pair;
pub use error::{NetworkError, Place};
pub use proxies::{Proxies, Way};
pub(super) use proxy_look::look;
pub use proxy_url::ProxyFault;
pub use settings::NetworkSettings;
pub(super) use stamp::Stamp;

/// Looks a variable up.
pub type Variable<'a> = dyn Fn(&str) -> Option<OsString> + 'a;

/// All that a client is built from.
pub(super) struct Network {
    /// Which proxy.
    pub(super) proxies: Arc<Proxies>,
    /// What could not be read, and is done without: whole sentences.
    pub(super) warnings: Vec<String>,
    certificates: Vec<CertificateDer<'static>>,
    pair: Option<Pair>,
}

impl Network {
    /// Reads the environment and the files that it and the settings name. `passphrase` is that of the client's key, where
    /// there is one.
    ///
    /// # Errors
    /// [`NetworkError`] where the settings cannot be followed. An extra certificate that cannot be read is a warning only.
    pub(super) fn read(
        settings: &NetworkSettings,
        variable: &Variable<'_>,
        passphrase: Option<&Zeroizing<Vec<u8>>>,
    ) -> Result<Self, NetworkError> {
        settings.check()?;
        let proxies = Arc::new(Proxies::choose(settings, variable)?);
        let trust = trust::read(&trust::sources(settings, variable));
        let pair = client_certificate::read(settings, passphrase)?;
        let mut warnings = trust.warnings;
        warnings.extend(proxies.warnings());
        Ok(Self { proxies, warnings, certificates: trust.certificates, pair })
    }

    /// A builder that goes this way. A request to loopback never goes to a proxy.
    pub(super) fn apply(&self, builder: ClientBuilder, is_loopback: bool) -> ClientBuilder {
        // Each was read as one before.
        let certificates = self.certificates.iter().filter_map(|der| Certificate::from_der(der).ok());
        let builder = builder.tls_certs_merge(certificates);
        let builder = match &self.pair {
            Some(pair) => builder.identity(pair.identity.clone()),
            None => builder,
        };
        self.by_proxy(builder, is_loopback)
    }

    /// The same where `witness` looks on as certificates are verified.
    pub(super) fn apply_watched(
        &self,
        builder: ClientBuilder,
        is_loopback: bool,
        witness: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
    ) -> Option<ClientBuilder> {
        let tls = watched::tls(&self.certificates, self.pair.as_ref(), witness)?;
        Some(self.by_proxy(builder.tls_backend_preconfigured(tls), is_loopback))
    }

    fn by_proxy(&self, builder: ClientBuilder, is_loopback: bool) -> ClientBuilder {
        let builder = builder.no_proxy();
        if is_loopback {
            return builder;
        }
        let proxies = Arc::clone(&self.proxies);
        builder.proxy(Proxy::custom(move |url: &Url| proxies.way_to(url).map(|way| way.url())))
    }
}

/// The state of every file that a client would be built from.
pub(super) fn stamp(settings: &NetworkSettings, variable: &Variable<'_>) -> Stamp {
    let mut paths: Vec<_> =
        trust::sources(settings, variable).into_iter().map(|source| source.path).collect();
    paths.extend(settings.client_certificate.clone());
    paths.extend(settings.client_key.clone());
    paths.extend(settings.client_key_passphrase_file.clone());
    Stamp::of(&paths)
}

/// Whether the client's key is encrypted, so that its passphrase is needed.
pub(super) fn needs_passphrase(settings: &NetworkSettings) -> bool {
    client_certificate::key_file(settings).is_some_and(key::is_encrypted)
}

/// Where the passphrase of the client's key is had from: the rooms above know, which may ask the vault.
pub trait Passphrases: Send + Sync {
    /// The passphrase: what `file` holds where the settings name one, else what is kept; nothing where there is none.
    fn passphrase<'a>(&'a self, file: Option<&'a Path>) -> PassphraseFuture<'a>;
}

/// See [`Passphrases::passphrase`]. The error says why it cannot be had, as a part of a sentence.
pub type PassphraseFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Zeroizing<Vec<u8>>>, String>> + Send + 'a>>;
