//! What the configuration says about the way out.

use std::ffi::OsString;
use std::path::PathBuf;

use super::error::NetworkError;
use super::no_proxy::NoProxy;
use super::proxies::Proxies;
use crate::config::{self, Proxy};

/// The settings of the network; all are optional. What is not set comes from the environment, then from the system.
///
/// Where one of the three proxies is set, the environment's variables for proxies are not read, `NO_PROXY` among them: all
/// of it comes from one place. `no_proxy = "*"` turns every proxy off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkSettings {
    /// `https_proxy`: the proxy for https, such as `http://user:password@proxy.example:3128`.
    pub https_proxy: Option<Proxy>,
    /// `http_proxy`: the proxy for http. entrad speaks http to this machine only, which needs none.
    pub http_proxy: Option<Proxy>,
    /// `all_proxy`: the proxy for whatever has none of its own.
    pub all_proxy: Option<Proxy>,
    /// `no_proxy`: hosts that are reached without a proxy, with commas or spaces between them.
    pub no_proxy: Option<String>,
    /// `ca_certificates`: files and folders of certificates (PEM or DER) that are trusted beside the system's.
    pub ca_certificates: Vec<PathBuf>,
    /// `client_certificate`: our certificate and those between it and its root (PEM), for servers that ask for one.
    pub client_certificate: Option<PathBuf>,
    /// `client_key`: its key (PEM or DER; PKCS#8, PKCS#1 or SEC1); absent where the same file has both.
    pub client_key: Option<PathBuf>,
    /// `client_key_passphrase_file`: what opens an encrypted key. Absent: the passphrase that the vault keeps.
    pub client_key_passphrase_file: Option<PathBuf>,
}

impl From<&config::Network> for NetworkSettings {
    fn from(network: &config::Network) -> Self {
        let proxy =
            |setting: &Option<config::Setting<Proxy>>| setting.as_ref().map(|proxy| proxy.value.clone());
        let path = |setting: &Option<config::Setting<PathBuf>>| setting.as_ref().map(|it| it.value.clone());
        Self {
            https_proxy: proxy(&network.https_proxy),
            http_proxy: proxy(&network.http_proxy),
            all_proxy: proxy(&network.all_proxy),
            no_proxy: network.no_proxy.as_ref().map(|hosts| hosts.value.join(",")),
            ca_certificates: network.ca_certificates.as_ref().map(|it| it.value.clone()).unwrap_or_default(),
            client_certificate: path(&network.client_certificate),
            client_key: path(&network.client_key),
            client_key_passphrase_file: path(&network.client_key_passphrase_file),
        }
    }
}

impl NetworkSettings {
    /// Whether these can be followed as far as can be told without the environment and without reading a file: for refusing
    /// a configuration at the time it is read.
    ///
    /// # Errors
    /// [`NetworkError`] names the setting, and never the password in it.
    pub fn check(&self) -> Result<(), NetworkError> {
        Proxies::choose(self, &|_: &str| None::<OsString>)?;
        if let Some(entry) = self.no_proxy.as_deref().and_then(|list| NoProxy::parse(list).into_unknown()) {
            return Err(NetworkError::NoProxyEntry { entry });
        }
        if self.client_certificate.is_none() && self.client_key.is_some() {
            return Err(NetworkError::KeyAlone);
        }
        Ok(())
    }
}
