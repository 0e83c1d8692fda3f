//! TLS as every request has it, with somebody who looks on: for the doctor, which names who issued a certificate.
//!
//! The verifier is the platform's with the same certificates beside it; the HTTP library would make the same one, and lets
//! nobody look.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;

use super::client_certificate::Pair;

/// Nothing where this system has no trusted certificates.
pub(super) fn tls(
    certificates: &[CertificateDer<'static>],
    pair: Option<&Pair>,
    witness: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Option<ClientConfig> {
    let provider = CryptoProvider::get_default().cloned();
    let provider = provider.unwrap_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    let extra = certificates.iter().cloned();
    let real = rustls_platform_verifier::Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).ok()?;
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(witness(Arc::new(real)));
    let mut tls = match pair.map(Pair::for_tls) {
        Some((chain, key)) => tls.with_client_auth_cert(chain, key).ok()?,
        None => tls.with_no_client_auth(),
    };
    tls.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    Some(tls)
}
