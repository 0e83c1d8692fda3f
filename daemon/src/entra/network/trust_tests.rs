//! Extra certificates: what is read, and what is told of what is not.

use std::ffi::OsString;

use super::super::key::tests::sample;
use super::*;

fn read_all(paths: &[PathBuf]) -> Trust {
    let settings = NetworkSettings { ca_certificates: paths.to_vec(), ..NetworkSettings::default() };
    read(&sources(&settings, &|_: &str| None))
}

#[test]
fn files_and_folders_in_pem_and_der_are_read_once_each() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("folder");
    fs::create_dir_all(folder.join("below")).unwrap();
    let text = |name| fs::read_to_string(sample(name)).unwrap();
    fs::write(folder.join("0123abcd.0"), text("ec.pem")).unwrap();
    fs::write(folder.join("both.crt"), text("ec.pem") + &text("rsa.pem")).unwrap();
    fs::write(folder.join("README"), "nothing of interest").unwrap();
    fs::write(folder.join("below/other.pem"), "not looked at").unwrap();
    let trust = read_all(&[folder, sample("ec-certificate.der")]);
    assert_eq!((trust.certificates.len(), trust.warnings.as_slice()), (2, [].as_slice()));
}

#[test]
fn what_cannot_be_read_is_told_of_and_the_rest_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        fs::write(home.path().join(name), text).unwrap();
        home.path().join(name)
    };
    let good = fs::read_to_string(sample("ec.pem")).unwrap();
    let bad = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let damaged = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
    let paths = [
        home.path().join("missing.pem"),
        file("empty.pem", ""),
        file("third.pem", &format!("{good}{damaged}{bad}")),
        file("html.pem", "<html>not found</html>"),
        sample("rsa.pem"),
    ];
    let trust = read_all(&paths);
    let at = |path: &Path| path.display().to_string();
    let missing = plain(&fs::metadata(&paths[0]).unwrap_err());
    assert_eq!(trust.certificates.len(), 2);
    assert_eq!(
        trust.warnings,
        [
            format!("{}, named by `ca_certificates`, is not used: {missing}.", at(&paths[0])),
            format!(
                "{}, named by `ca_certificates`, is not used: there is no certificate in it.",
                at(&paths[1])
            ),
            format!(
                "Certificate 2 in {}, named by `ca_certificates`, is not used: its text is damaged.",
                at(&paths[2])
            ),
            format!(
                "Certificate 3 in {}, named by `ca_certificates`, is not used: it is no X.509 certificate.",
                at(&paths[2])
            ),
            format!(
                "{}, named by `ca_certificates`, is not used: there is no certificate in it.",
                at(&paths[3])
            ),
        ]
    );
}

#[test]
fn the_environment_adds_its_own() {
    let home = tempfile::tempdir().unwrap();
    fs::copy(sample("rsa.pem"), home.path().join("rsa.pem")).unwrap();
    let variable = |name: &str| match name {
        "NODE_EXTRA_CA_CERTS" => Some(sample("ec.pem").into_os_string()),
        "SSL_CERT_DIR" => Some(home.path().as_os_str().to_owned()),
        _ => None,
    };
    let sources = sources(&NetworkSettings::default(), &variable);
    let trust = read(&sources);
    assert!(trust.certificates.len() >= 2 && trust.warnings.is_empty(), "{:?}", trust.warnings);
    let places: Vec<_> = sources.iter().map(|source| source.place).collect();
    assert!(places.starts_with(&[Place::Variable("NODE_EXTRA_CA_CERTS"), Place::Variable("SSL_CERT_DIR")]));
}

/// The platform's verifier reads these instead of the system's, so the system's are read here.
#[test]
fn what_replaces_the_system_s_elsewhere_is_beside_it_here() {
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        let variable = |asked: &str| (asked == name).then(|| OsString::from("/nonexistent"));
        let sources = sources(&NetworkSettings::default(), &variable);
        let has_system = sources.iter().any(|source| source.place == Place::System);
        assert_eq!(has_system, system_trust::bundle().is_some(), "{name}");
    }
    assert_eq!(sources(&NetworkSettings::default(), &|_: &str| None), []);
}
