//! A verifier that notes which certificate it was shown and what the real one made of it.
//!
//! It decides nothing: each question goes to the real verifier, and its word is passed on as it is. So a look at the way
//! trusts what every other request trusts, and sees the issuer of what is not trusted as well.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::issuer::Issuer;

/// What a server showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Who issued its certificate.
    pub issuer: Issuer,
    /// Why it is not trusted, where it is not.
    pub distrust: Option<Distrust>,
}

/// Why a certificate is not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// It is for other names.
    OtherName,
    /// Nobody whom this machine trusts issued it.
    UnknownIssuer,
    /// It was revoked.
    Revoked,
    /// It is broken, or not for servers.
    Unusable,
}

impl Distrust {
    fn of(error: &Error) -> Self {
        let Error::InvalidCertificate(error) = error else { return Self::Unusable };
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::OtherName
            }
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::Revoked => Self::Revoked,
            _ => Self::Unusable,
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "it has expired",
            Self::NotYetValid => "it is not valid yet",
            Self::OtherName => "it is for another name",
            Self::UnknownIssuer => "this machine does not trust its issuer",
            Self::Revoked => "it was revoked",
            Self::Unusable => "it cannot be used",
        })
    }
}

/// What was seen of the one host that is looked at; a proxy that speaks TLS itself has another name.
pub(super) type Seen = Arc<Mutex<Option<Shown>>>;

/// The verifier.
#[derive(Debug)]
pub(super) struct Witness {
    real: Arc<dyn ServerCertVerifier>,
    host: ServerName<'static>,
    seen: Seen,
}

impl Witness {
    pub(super) fn new(real: Arc<dyn ServerCertVerifier>, host: ServerName<'static>, seen: Seen) -> Self {
        Self { real, host, seen }
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.real.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if *server_name == self.host {
            let shown =
                Shown { issuer: Issuer::of(end_entity), distrust: verdict.as_ref().err().map(Distrust::of) };
            *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.real.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.real.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.real.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says the same to everything.
    #[derive(Debug)]
    struct Says(Option<CertificateError>);

    impl ServerCertVerifier for Says {
        fn verify_server_cert(
            &self,
            _end_entity: &CertificateDer<'_>,
            _intermediates: &[CertificateDer<'_>],
            _server_name: &ServerName<'_>,
            _ocsp_response: &[u8],
            _now: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            match &self.0 {
                Some(error) => Err(error.clone().into()),
                None => Ok(ServerCertVerified::assertion()),
            }
        }

        fn verify_tls12_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(CertificateError::BadSignature.into())
        }

        fn verify_tls13_signature(
            &self,
            _message: &[u8],
            _cert: &CertificateDer<'_>,
            _dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(CertificateError::BadSignature.into())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::ED25519]
        }
    }

    fn verdict(real: Says, name: &str) -> (Result<ServerCertVerified, Error>, Option<Shown>) {
        let seen = Seen::default();
        let host = ServerName::try_from("login.example.com").unwrap();
        let witness = Witness::new(Arc::new(real), host, Arc::clone(&seen));
        let certificate = CertificateDer::from(vec![1]);
        let name = ServerName::try_from(name).unwrap();
        let verdict = witness.verify_server_cert(&certificate, &[], &name, &[], UnixTime::now());
        assert_eq!(witness.supported_verify_schemes(), [SignatureScheme::ED25519]);
        let seen = seen.lock().unwrap().clone();
        (verdict, seen)
    }

    #[test]
    fn the_real_verdict_is_passed_on_and_noted() {
        let (verdict_, seen) = verdict(Says(None), "login.example.com");
        assert!(verdict_.is_ok());
        assert_eq!(seen.unwrap().distrust, None);
        for (error, distrust) in [
            (CertificateError::UnknownIssuer, Distrust::UnknownIssuer),
            (CertificateError::Expired, Distrust::Expired),
            (CertificateError::NotValidYet, Distrust::NotYetValid),
            (CertificateError::NotValidForName, Distrust::OtherName),
            (CertificateError::Revoked, Distrust::Revoked),
            (CertificateError::BadEncoding, Distrust::Unusable),
        ] {
            let (verdict, seen) = verdict(Says(Some(error)), "login.example.com");
            assert!(verdict.is_err(), "a refusal stays one");
            assert_eq!(seen.unwrap().distrust, Some(distrust));
        }
    }

    #[test]
    fn another_host_s_certificate_is_not_noted() {
        assert_eq!(verdict(Says(None), "proxy.example.com").1, None);
    }
}
