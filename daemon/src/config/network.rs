//! What the settings say of the network: proxies, trust, and who we are to it.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::layer::Layers;
use super::redact;
use super::source::{Setting, Source};

/// The network's settings, as they are written; nothing has been read or resolved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// The proxy for https addresses.
    pub https_proxy: Option<Setting<Proxy>>,
    /// The proxy for http addresses.
    pub http_proxy: Option<Setting<Proxy>>,
    /// The proxy for every address that has none of its own.
    pub all_proxy: Option<Setting<Proxy>>,
    /// What is reached without one: hosts, domains, addresses, networks, or `*`.
    pub no_proxy: Option<Setting<Vec<String>>>,
    /// Files and folders of certificates that are trusted besides the system's, absolute.
    pub ca_certificates: Option<Setting<Vec<PathBuf>>>,
    /// The chain that is shown to who asks for one.
    pub client_certificate: Option<Setting<PathBuf>>,
    /// Its private key.
    pub client_key: Option<Setting<PathBuf>>,
    /// The file with the key's passphrase.
    pub client_key_passphrase_file: Option<Setting<PathBuf>>,
}

impl Network {
    pub(super) fn read(layers: &Layers) -> Result<Self, super::LayerError> {
        let proxy = |key: &str| layers.text(key).map(|setting| setting.map(Proxy::new));
        Ok(Self {
            https_proxy: proxy("https_proxy"),
            http_proxy: proxy("http_proxy"),
            all_proxy: proxy("all_proxy"),
            no_proxy: layers.list("no_proxy"),
            ca_certificates: layers.paths("ca_certificates"),
            client_certificate: layers.path("client_certificate")?,
            client_key: layers.path("client_key")?,
            client_key_passphrase_file: layers.path("client_key_passphrase_file")?,
        })
    }
}

impl Network {
    /// Where the setting of this key stands, if it is one of the network and set.
    #[must_use]
    pub fn source_of(&self, key: &str) -> Option<&Source> {
        match key {
            "https_proxy" => self.https_proxy.as_ref().map(|setting| &setting.source),
            "http_proxy" => self.http_proxy.as_ref().map(|setting| &setting.source),
            "all_proxy" => self.all_proxy.as_ref().map(|setting| &setting.source),
            "no_proxy" => self.no_proxy.as_ref().map(|setting| &setting.source),
            "client_key" => self.client_key.as_ref().map(|setting| &setting.source),
            _ => None,
        }
    }
}

/// A proxy's address, perhaps with a user and a password. It is shown without the password, and wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Zeroizing<String>);

impl Proxy {
    /// An address that passed the check of its key.
    #[must_use]
    pub fn new(address: String) -> Self {
        Self(Zeroizing::new(address))
    }

    /// The address with its password, for who connects.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Proxy {
    fn from(address: String) -> Self {
        Self::new(address)
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact::redacted(&self.0))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_password() {
        for address in ["http://ada:s3cret@proxy:3128", "ada:s3cret@proxy", "http://ada:s3cret@proxy:port"] {
            let proxy = Proxy::new(address.to_owned());
            let all_proxy = Some(Setting::built_in(proxy.clone()));
            let network = Network { all_proxy, ..Network::default() };
            let printed = format!("{proxy} {proxy:?} {network:?}");
            assert!(!printed.contains("s3cret") && printed.contains("proxy"), "{printed}");
            assert_eq!(proxy.expose(), address);
        }
    }
}
