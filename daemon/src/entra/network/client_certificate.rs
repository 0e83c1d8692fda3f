//! The certificate that we show to a server that asks for one, with its key.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Identity;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::error::NetworkError;
use super::key::{self, Key};
use super::settings::NetworkSettings;

/// The file of the key: its own, or the certificate's.
pub(super) fn key_file(settings: &NetworkSettings) -> Option<&Path> {
    let certificate = settings.client_certificate.as_deref()?;
    Some(settings.client_key.as_deref().unwrap_or(certificate))
}

/// Reads both; nothing where no certificate is set.
///
/// # Errors
/// [`NetworkError`] where they are no pair, or cannot be read: a server that asks for them would turn us away.
pub(super) fn read(
    settings: &NetworkSettings,
    passphrase: Option<&Zeroizing<Vec<u8>>>,
) -> Result<Option<Pair>, NetworkError> {
    let (Some(certificate), Some(key_file)) = (&settings.client_certificate, key_file(settings)) else {
        return Ok(None);
    };
    let chain = chain(certificate)?;
    let key = key::read(key_file, passphrase)?;
    check_pair(&chain, &key, certificate, key_file)?;
    let refused =
        |_| NetworkError::BadKey { path: key_file.to_owned(), reason: "TLS has no use for it".to_owned() };
    let identity = Identity::from_pem(&pem(&chain, &key)).map_err(refused)?;
    Ok(Some(Pair { identity, chain, key }))
}

/// A certificate and its key, which belong together.
pub(super) struct Pair {
    /// Both, as the HTTP client takes them.
    pub(super) identity: Identity,
    chain: Vec<CertificateDer<'static>>,
    key: Key,
}

impl fmt::Debug for Pair {
    /// The key is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pair({} certificates)", self.chain.len())
    }
}

impl Pair {
    /// Both, as TLS takes them. The key's copy is TLS's own.
    pub(super) fn for_tls(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        (self.chain.clone(), self.key.for_tls())
    }
}

/// Our certificate, then those between it and its root.
fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, NetworkError> {
    let bytes = key::read_bounded(path)?;
    let bad = |number, reason: &str| NetworkError::BadCertificate {
        path: path.to_owned(),
        number,
        reason: reason.to_owned(),
    };
    let mut chain = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let number = chain.len() + 1;
        let certificate = certificate.map_err(|_| bad(number, "its text is damaged"))?;
        ParsedCertificate::try_from(&certificate).map_err(|_| bad(number, "it is not X.509"))?;
        chain.push(certificate);
    }
    if chain.is_empty() {
        return Err(NetworkError::NoCertificate { path: path.to_owned() });
    }
    Ok(chain)
}

fn check_pair(
    chain: &[CertificateDer<'static>],
    key: &Key,
    certificate: &Path,
    key_file: &Path,
) -> Result<(), NetworkError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    match CertifiedKey::from_der(chain.to_vec(), key.for_tls(), &provider) {
        Ok(_) => Ok(()),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(NetworkError::Mismatch { certificate: certificate.to_owned(), key: key_file.to_owned() })
        }
        Err(_) => Err(NetworkError::BadKey {
            path: key_file.to_owned(),
            reason: "it is damaged, or of a kind that TLS has no use for".to_owned(),
        }),
    }
}

/// Both in PEM, the one form that the HTTP client takes.
fn pem(chain: &[CertificateDer<'static>], key: &Key) -> Zeroizing<Vec<u8>> {
    let length: usize = chain.iter().map(|certificate| certificate.len()).sum();
    // Base64 takes four characters for three bytes, and the labels some more: it never grows.
    let mut pem =
        Zeroizing::new(String::with_capacity(2 * (length + key.der.len()) + 128 * (chain.len() + 1)));
    let sections = chain.iter().map(|certificate| ("CERTIFICATE", certificate.as_ref()));
    for (label, der) in sections.chain([(key.form.label(), key.der.as_slice())]) {
        for part in ["-----BEGIN ", label, "-----\n"] {
            pem.push_str(part);
        }
        BASE64_STANDARD.encode_string(der, &mut pem);
        for part in ["\n-----END ", label, "-----\n"] {
            pem.push_str(part);
        }
    }
    Zeroizing::new(std::mem::take(&mut *pem).into_bytes())
}

#[cfg(test)]
#[path = "client_certificate_tests.rs"]
mod tests;
