//! A certificate and its key, in one file or in two.

use rstest::rstest;

use super::super::key::tests::sample;
use super::*;

fn settings(certificate: &str, key: Option<&str>) -> NetworkSettings {
    NetworkSettings {
        client_certificate: Some(sample(certificate)),
        client_key: key.map(sample),
        ..NetworkSettings::default()
    }
}

fn passphrase() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(b"s3cret".to_vec())
}

#[rstest]
#[case("ec.pem", "ec.key")]
#[case("ec.pem", "ec.der")]
#[case("ec.pem", "ec-sec1.key")]
#[case("ec.pem", "ec-pbkdf2.key")]
#[case("rsa.pem", "rsa-pkcs1.key")]
fn a_pair_is_taken(#[case] certificate: &str, #[case] key: &str) {
    assert!(read(&settings(certificate, Some(key)), Some(&passphrase())).unwrap().is_some());
}

#[test]
fn one_file_may_have_both_in_either_order() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("both.pem");
    let text = |name| std::fs::read_to_string(sample(name)).unwrap();
    for key in ["ec.key", "ec-pbkdf2.key"] {
        for both in [text("ec.pem") + &text(key), text(key) + &text("ec.pem")] {
            std::fs::write(&path, both).unwrap();
            let settings =
                NetworkSettings { client_certificate: Some(path.clone()), ..NetworkSettings::default() };
            assert_eq!(key_file(&settings), Some(path.as_path()));
            assert!(read(&settings, Some(&passphrase())).unwrap().is_some(), "{key}");
        }
    }
}

#[test]
fn nothing_set_is_nothing_shown() {
    assert!(read(&NetworkSettings::default(), None).unwrap().is_none());
}

#[test]
fn what_is_no_pair_is_told_of() {
    let error = read(&settings("rsa.pem", Some("ec.key")), None).unwrap_err();
    assert_eq!(error, NetworkError::Mismatch { certificate: sample("rsa.pem"), key: sample("ec.key") });
    let error = read(&settings("ec.key", Some("ec.key")), None).unwrap_err();
    assert_eq!(error, NetworkError::NoCertificate { path: sample("ec.key") });
    let error = read(&settings("ec.pem", Some("ec-pbkdf2.key")), None).unwrap_err();
    assert_eq!(error, NetworkError::NoPassphrase { path: sample("ec-pbkdf2.key") });
}

#[test]
fn the_bad_certificate_of_a_chain_is_named_by_its_number() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("chain.pem");
    let good = std::fs::read_to_string(sample("ec.pem")).unwrap();
    std::fs::write(&path, good + "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n").unwrap();
    let settings = NetworkSettings { client_certificate: Some(path.clone()), ..NetworkSettings::default() };
    let error = read(&settings, None).unwrap_err();
    assert_eq!(error.to_string(), format!("Certificate 2 in {} is none: it is not X.509.", path.display()));
}

#[test]
fn no_error_holds_the_passphrase() {
    let wrong = Zeroizing::new(b"s3cret-but-wrong".to_vec());
    let error = read(&settings("ec.pem", Some("ec-pbkdf2.key")), Some(&wrong)).unwrap_err();
    assert!(!format!("{error:?} {error} {}", error.hint()).contains("s3cret"));
}
