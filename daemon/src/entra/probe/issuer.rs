//! Who issued a server's certificate, by its own words: for people, and never for trust.

use std::fmt;

use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::AttributeTypeAndValue;

use crate::entra::text::plain;

/// The issuer that a certificate names (RFC 5280 §4.1.2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    organisation: Option<String>,
    name: Option<String>,
}

impl Issuer {
    /// The issuer of this certificate; nothing in it where it is none.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
            return Self::unnamed();
        };
        let issuer = parsed.issuer();
        Self { organisation: text(issuer.iter_organization()), name: text(issuer.iter_common_name()) }
    }

    /// One that says nothing of itself.
    pub(crate) fn unnamed() -> Self {
        Self { organisation: None, name: None }
    }

    /// Whether it calls itself one of those that issue certificates for Microsoft's hosts (Microsoft: "Azure Certificate
    /// Authority details"). A box that inspects traffic names itself instead; what is trusted is decided elsewhere.
    #[must_use]
    pub fn is_microsofts(&self) -> bool {
        let is_of = |organisation: &String| ORGANISATIONS.iter().any(|known| organisation.starts_with(known));
        self.organisation.as_ref().is_some_and(is_of)
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.organisation) {
            (Some(name), Some(organisation)) if name != organisation => write!(f, "{name} ({organisation})"),
            (Some(name), _) | (None, Some(name)) => f.write_str(name),
            (None, None) => f.write_str("an issuer without a name"),
        }
    }
}

fn text<'a>(mut values: impl Iterator<Item = &'a AttributeTypeAndValue<'a>>) -> Option<String> {
    let text = plain(values.next()?.as_str().ok()?, LONGEST);
    (!text.is_empty()).then_some(text)
}

/// How the organisations of those authorities begin.
const ORGANISATIONS: [&str; 2] = ["DigiCert", "Microsoft Corporation"];

/// A common name has at most 64 characters (RFC 5280 appendix A.1); each may take some bytes.
const LONGEST: usize = 200;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn issuer(organisation: Option<&str>, name: Option<&str>) -> Issuer {
        Issuer { organisation: organisation.map(str::to_owned), name: name.map(str::to_owned) }
    }

    #[rstest]
    #[case(Some("DigiCert Inc"), Some("DigiCert SHA2 Secure Server CA"), true)]
    #[case(Some("Microsoft Corporation"), Some("Microsoft Azure RSA TLS Issuing CA 07"), true)]
    #[case(Some("Zscaler Inc."), Some("Zscaler Intermediate Root CA"), false)]
    #[case(None, Some("DigiCert Global Root G2"), false)]
    #[case(None, None, false)]
    fn microsofts_hosts_have_few_issuers(
        #[case] organisation: Option<&str>,
        #[case] name: Option<&str>,
        #[case] expected: bool,
    ) {
        assert_eq!(issuer(organisation, name).is_microsofts(), expected);
    }

    #[test]
    fn it_is_shown_by_what_it_says_of_itself() {
        assert_eq!(issuer(Some("O"), Some("N")).to_string(), "N (O)");
        assert_eq!(issuer(Some("O"), Some("O")).to_string(), "O");
        assert_eq!(issuer(None, Some("N")).to_string(), "N");
        assert_eq!(issuer(None, None).to_string(), "an issuer without a name");
        assert_eq!(Issuer::of(&CertificateDer::from(vec![0x30, 0x82])), issuer(None, None));
    }
}
