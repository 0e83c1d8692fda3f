//! Where distributions keep the certificates that they trust, in one file (the same places as Go's `crypto/x509`).

use std::path::{Path, PathBuf};

/// The system's own certificates.
pub(super) fn bundle() -> Option<PathBuf> {
    BUNDLES.iter().map(Path::new).find(|path| path.is_file()).map(Path::to_owned)
}

/// Debian, Ubuntu and Arch; Fedora and RHEL 6; openSUSE; OpenELEC; RHEL 7 and later; Alpine.
const BUNDLES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::super::{read, sources};
    use crate::entra::network::NetworkSettings;

    #[test]
    fn a_pipe_is_told_of_and_not_waited_for() {
        let home = tempfile::tempdir().unwrap();
        let pipe = home.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let settings = NetworkSettings { ca_certificates: vec![pipe.clone()], ..NetworkSettings::default() };
        let warnings = read(&sources(&settings, &|_: &str| None)).warnings;
        let at = pipe.display();
        let sentence = format!("{at}, named by `ca_certificates`, is not used: it is no plain file.");
        assert_eq!(warnings, [sentence]);
    }
}
