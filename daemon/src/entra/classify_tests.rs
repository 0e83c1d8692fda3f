//! Errors as the libraries wrap them; what real servers make of it is for the suite of proxies.

use rstest::rstest;

use super::*;

#[rstest]
#[case(
    rustls::Error::AlertReceived(AlertDescription::CertificateRequired),
    false,
    Some(TlsTrouble::ClientCertificateWanted)
)]
#[case(
    rustls::Error::AlertReceived(AlertDescription::BadCertificate),
    false,
    Some(TlsTrouble::ClientCertificateWanted)
)]
#[case(
    rustls::Error::AlertReceived(AlertDescription::BadCertificate),
    true,
    Some(TlsTrouble::ClientCertificateRefused)
)]
#[case(
    rustls::Error::AlertReceived(AlertDescription::UnknownCA),
    true,
    Some(TlsTrouble::ClientCertificateRefused)
)]
#[case(rustls::Error::AlertReceived(AlertDescription::ProtocolVersion), true, Some(TlsTrouble::Protocol))]
#[case(rustls::Error::AlertReceived(AlertDescription::CloseNotify), true, None)]
#[case(
    rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
    true,
    Some(TlsTrouble::UnknownIssuer)
)]
#[case(
    rustls::Error::InvalidCertificate(CertificateError::BadSignature),
    true,
    Some(TlsTrouble::UnknownIssuer)
)]
#[case(rustls::Error::InvalidCertificate(CertificateError::Expired), true, Some(TlsTrouble::Expired))]
#[case(rustls::Error::InvalidCertificate(CertificateError::NotValidYet), true, Some(TlsTrouble::NotYetValid))]
#[case(
    rustls::Error::InvalidCertificate(CertificateError::NotValidForName),
    true,
    Some(TlsTrouble::WrongName)
)]
#[case(rustls::Error::HandshakeNotComplete, true, Some(TlsTrouble::Protocol))]
fn what_tls_says(
    #[case] error: rustls::Error,
    #[case] shows_certificate: bool,
    #[case] expected: Option<TlsTrouble>,
) {
    let once = io::Error::new(io::ErrorKind::InvalidData, error.clone());
    let twice = io::Error::other(once);
    assert_eq!(tls_in(&twice), Some(&error), "however deep it is");
    assert_eq!(trouble(&error, shows_certificate), expected);
}

#[rstest]
#[case(
    400,
    "<center>No required SSL certificate was sent</center>",
    Some(TlsTrouble::ClientCertificateWanted)
)]
#[case(400, "<title>400 The SSL certificate error</title>", Some(TlsTrouble::ClientCertificateRefused))]
#[case(200, "<center>No required SSL certificate was sent</center>", None)]
#[case(400, r#"{"error":"invalid_grant"}"#, None)]
#[case(400, "", None)]
fn what_nginx_says(#[case] status: u16, #[case] body: &str, #[case] expected: Option<TlsTrouble>) {
    assert_eq!(said_of_certificate(status, body.as_bytes()), expected);
    let late = format!("{}{body}", " ".repeat(PAGE_START));
    assert_eq!(said_of_certificate(status, late.as_bytes()), None, "only its beginning is read");
}
