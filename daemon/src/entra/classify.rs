//! What kind of failure an error of the HTTP library was.
//!
//! TLS tells by its own type, which travels inside I/O errors. What a proxy did is not told at all, so it is asked a second time.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::no_reply::{NoReply, TlsTrouble};

/// The kind. `shows_certificate` is whether we have one to show.
pub(super) fn classify(error: &reqwest::Error, shows_certificate: bool) -> NoReply {
    if let Some(trouble) = error.source().and_then(tls_in).and_then(|tls| trouble(tls, shows_certificate)) {
        return NoReply::Tls(trouble);
    }
    if error.is_timeout() {
        NoReply::TimeOut
    } else if error.is_connect() && error.source().is_some_and(is_garbled) {
        NoReply::Tls(TlsTrouble::Protocol)
    } else if error.is_connect() {
        NoReply::Connect
    } else if error.is_builder() {
        NoReply::Client
    } else {
        NoReply::Broken
    }
}

/// nginx says under 400 what others say by an alert: whether a certificate was missing, or not to its liking. The rest of its
/// page is not read.
pub(super) fn said_of_certificate(status: u16, body: &[u8]) -> Option<TlsTrouble> {
    if status != 400 {
        return None;
    }
    let body = &body[..body.len().min(PAGE_START)];
    let says = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
    if says("No required SSL certificate was sent") {
        Some(TlsTrouble::ClientCertificateWanted)
    } else if says("The SSL certificate error") {
        Some(TlsTrouble::ClientCertificateRefused)
    } else {
        None
    }
}

/// The error of TLS among the causes. `source()` skips what an `io::Error` wraps, so those are unwrapped.
fn tls_in<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.and_then(|inner| tls_in(inner)).or_else(|| error.source().and_then(tls_in))
}

/// Whether TLS could not be spoken at all, of which tokio-rustls says so by the kind of the I/O error.
fn is_garbled(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|io| io.kind() == io::ErrorKind::InvalidData)
        || io.and_then(io::Error::get_ref).is_some_and(|inner| is_garbled(inner))
        || error.source().is_some_and(is_garbled)
}

fn trouble(error: &rustls::Error, shows_certificate: bool) -> Option<TlsTrouble> {
    Some(match error {
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => TlsTrouble::ClientCertificateWanted,
            AlertDescription::AccessDenied
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::UnsupportedCertificate => match shows_certificate {
                true => TlsTrouble::ClientCertificateRefused,
                false => TlsTrouble::ClientCertificateWanted,
            },
            AlertDescription::CloseNotify | AlertDescription::UserCanceled => return None,
            _ => TlsTrouble::Protocol,
        },
        rustls::Error::InvalidCertificate(error) => match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsTrouble::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsTrouble::NotYetValid
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                TlsTrouble::WrongName
            }
            _ => TlsTrouble::UnknownIssuer,
        },
        _ => TlsTrouble::Protocol,
    })
}

/// Where nginx's page has said it.
const PAGE_START: usize = 1024;

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
