//! A certificate authority of the test's own, for a simulator that speaks https.

use std::path::PathBuf;

use entra_sim::Tls;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

/// The names that a server may have: those of loopback, and the public cloud's sign-in host, which a proxy of
/// the test can stand in for.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "login.microsoftonline.com"];

/// An authority and one server's certificate, which go with this value.
pub struct Certificates {
    folder: TempDir,
    root: String,
}

impl Certificates {
    /// Makes them, under this name.
    ///
    /// # Panics
    /// When the machine has no room for a folder.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("entrad-tls-").tempdir().expect("a folder");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(NAMES.map(str::to_owned)).expect("plain names");
        let server = server.signed_by(&key, &root).expect("a certificate");
        std::fs::write(folder.path().join("server.pem"), server.pem()).expect("a file");
        std::fs::write(folder.path().join("server.key"), key.serialize_pem()).expect("a file");
        Self { folder, root: root.pem() }
    }

    /// What a simulator needs to speak https.
    #[must_use]
    pub fn server(&self) -> Tls {
        Tls { certificate: self.folder.path().join("server.pem"), key: self.folder.path().join("server.key") }
    }

    /// The root in PEM: whoever has it in the file that `SSL_CERT_FILE` names trusts the server.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A file with nothing but these roots in it.
    ///
    /// # Panics
    /// When it cannot be written.
    #[must_use]
    pub fn trust(&self, others: &[&Self]) -> PathBuf {
        let path = self.folder.path().join("trusted.pem");
        let roots: String =
            std::iter::once(self).chain(others.iter().copied()).map(|it| it.root.as_str()).collect();
        std::fs::write(&path, roots).expect("a file");
        path
    }
}
