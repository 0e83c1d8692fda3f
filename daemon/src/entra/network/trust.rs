//! Certificates that are trusted beside the system's.
//!
//! On Linux the system's verifier reads `SSL_CERT_FILE` and `SSL_CERT_DIR` *instead of* the system's certificates. A machine
//! where one is set for another program's sake would not reach Entra then, so the system's are read here in that case. What cannot
//! be read is told of and done without: the rest may be enough.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::Variable;
use super::error::{Place, plain};
use super::settings::NetworkSettings;
use super::stamp::{MAX_FILES, files_in};
use crate::files::open_outside;

#[cfg_attr(target_os = "linux", path = "system_trust_linux.rs")]
#[cfg_attr(target_os = "macos", path = "system_trust_macos.rs")]
#[cfg_attr(windows, path = "system_trust_windows.rs")]
mod system_trust;

/// A file or folder of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// Where.
    pub(super) path: PathBuf,
    place: Place,
}

/// What was read.
#[derive(Default)]
pub(super) struct Trust {
    /// Each of them once.
    pub(super) certificates: Vec<CertificateDer<'static>>,
    /// What could not be read: whole sentences.
    pub(super) warnings: Vec<String>,
    seen: BTreeSet<Vec<u8>>,
}

/// What is read: by the settings, the environment, and on Linux the system where the environment is in its way.
pub(super) fn sources(settings: &NetworkSettings, variable: &Variable<'_>) -> Vec<Source> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    let mut sources: Vec<_> = settings
        .ca_certificates
        .iter()
        .map(|path| source(path.clone(), Place::Setting("ca_certificates")))
        .collect();
    for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"] {
        sources.extend(set(name).map(|path| source(path.into(), Place::Variable(name))));
    }
    let folders = set("SSL_CERT_DIR");
    let folders = folders.iter().flat_map(env::split_paths).filter(|path| !path.as_os_str().is_empty());
    sources.extend(folders.map(|path| source(path, Place::Variable("SSL_CERT_DIR"))));
    if set("SSL_CERT_FILE").is_some() || set("SSL_CERT_DIR").is_some() {
        sources.extend(system_trust::bundle().map(|path| source(path, Place::System)));
    }
    sources
}

fn source(path: PathBuf, place: Place) -> Source {
    Source { path, place }
}

/// Reads them all.
pub(super) fn read(sources: &[Source]) -> Trust {
    let mut trust = Trust::default();
    for source in sources {
        trust.read(source);
    }
    trust
}

impl Trust {
    fn read(&mut self, source: &Source) {
        let Source { path, place } = source;
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.read_folder(path, *place),
            // To open a pipe is to wait for whoever writes to it.
            Ok(metadata) if !metadata.is_file() => self.warn(path, *place, "it is no plain file"),
            Ok(_) => match self.read_file(path, *place) {
                Ok(0) => self.warn(path, *place, "there is no certificate in it"),
                Ok(_) => {}
                Err(error) => self.warn(path, *place, &plain(&error)),
            },
            Err(error) => self.warn(path, *place, &plain(&error)),
        }
    }

    /// The files of a folder, not of those in it. Whatever has no certificate in it may lie there.
    fn read_folder(&mut self, folder: &Path, place: Place) {
        let (paths, has_more) = match files_in(folder) {
            Ok(files) => files,
            Err(error) => return self.warn(folder, place, &plain(&error)),
        };
        if has_more {
            self.warn(
                folder,
                place,
                &format!("it has more than {MAX_FILES} files, of which the rest is left out"),
            );
        }
        for path in paths.iter().filter(|path| path.is_file()) {
            if let Err(error) = self.read_file(path, place) {
                self.warn(path, place, &plain(&error));
            }
        }
    }

    /// Says how many certificates there are in a file, good and bad.
    fn read_file(&mut self, path: &Path, place: Place) -> io::Result<usize> {
        let mut bytes = Vec::new();
        open_outside(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
            return Err(io::Error::other(format!("it is larger than {MAX_BYTES} bytes")));
        }
        if !bytes.windows(PEM.len()).any(|window| window == PEM) {
            let is_der = bytes.first() == Some(&DER_SEQUENCE);
            if is_der {
                self.add(CertificateDer::from(bytes), 1, path, place);
            }
            return Ok(usize::from(is_der));
        }
        let mut number = 0;
        for certificate in CertificateDer::pem_slice_iter(&bytes) {
            number += 1;
            match certificate {
                Ok(certificate) => self.add(certificate, number, path, place),
                Err(_) => self.warn_of(number, path, place, "its text is damaged"),
            }
        }
        Ok(number)
    }

    fn add(&mut self, certificate: CertificateDer<'static>, number: usize, path: &Path, place: Place) {
        // As the verifier does, which takes all of them or none.
        if RootCertStore::empty().add(certificate.clone()).is_err() {
            return self.warn_of(number, path, place, "it is no X.509 certificate");
        }
        if self.seen.insert(certificate.as_ref().to_vec()) {
            self.certificates.push(certificate);
        }
    }

    fn warn(&mut self, path: &Path, place: Place, reason: &str) {
        self.warnings.push(format!("{}, named by {place}, is not used: {reason}.", path.display()));
    }

    fn warn_of(&mut self, number: usize, path: &Path, place: Place, reason: &str) {
        let path = path.display();
        self.warnings
            .push(format!("Certificate {number} in {path}, named by {place}, is not used: {reason}."));
    }
}

/// How a certificate begins in PEM.
const PEM: &[u8] = b"-----BEGIN ";

/// How it begins in DER.
const DER_SEQUENCE: u8 = 0x30;

/// Larger than any bundle: Mozilla's has a quarter of a megabyte.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
