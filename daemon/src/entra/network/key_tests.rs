//! Keys as OpenSSL writes them. `samples` are of nobody; the passphrase of each that has one is `s3cret`.

use std::fs;
use std::path::PathBuf;

use rstest::rstest;

use super::*;

pub(in crate::entra::network) fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/entra/network/samples").join(name)
}

fn passphrase(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

#[rstest]
#[case("ec.key", Form::Pkcs8)]
#[case("ec.der", Form::Pkcs8)]
#[case("ec-sec1.key", Form::Sec1)]
#[case("rsa-pkcs1.key", Form::Pkcs1)]
fn keys_without_a_passphrase(#[case] name: &str, #[case] form: Form) {
    assert!(!is_encrypted(&sample(name)));
    let key = read(&sample(name), None).unwrap();
    assert_eq!(key.form, form);
    assert_eq!(Form::of(&key.der), Some(form));
}

#[rstest]
#[case("ec-pbkdf2.key")]
#[case("ec-scrypt.key")]
fn a_key_under_a_passphrase_opens_with_it_alone(#[case] name: &str) {
    let path = sample(name);
    assert!(is_encrypted(&path));
    let plain = read(&sample("ec.key"), None).unwrap();
    assert_eq!(*read(&path, Some(&passphrase("s3cret"))).unwrap().der, *plain.der);
    assert_eq!(read(&path, None).err(), Some(NetworkError::NoPassphrase { path: path.clone() }));
    for wrong in ["", "S3cret", "s3cret\n"] {
        let error = read(&path, Some(&passphrase(wrong))).err();
        assert_eq!(error, Some(NetworkError::WrongPassphrase { path: path.clone() }), "{wrong:?}");
    }
}

#[test]
fn no_wrong_passphrase_is_ever_taken() {
    let path = sample("ec-pbkdf2.key");
    for number in 0..600 {
        let error = read(&path, Some(&passphrase(&format!("wrong {number}")))).err();
        assert_eq!(error, Some(NetworkError::WrongPassphrase { path: path.clone() }), "{number}");
    }
}

#[test]
fn a_key_under_a_passphrase_may_be_in_der() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key.der");
    fs::write(&path, &*sealed_in(&fs::read(sample("ec-pbkdf2.key")).unwrap()).unwrap()).unwrap();
    assert!(is_encrypted(&path));
    assert_eq!(read(&path, Some(&passphrase("s3cret"))).unwrap().form, Form::Pkcs8);
}

#[rstest]
#[case("ec-pbes1.key", "safe")]
#[case("ec-sha1.key", "safe")]
#[case("ec-old.key", "OpenSSL's own old form")]
fn what_is_badly_encrypted_is_named_with_a_way_out(#[case] name: &str, #[case] word: &str) {
    let error = read(&sample(name), Some(&passphrase("s3cret"))).err().unwrap();
    assert!(error.to_string().contains(word), "{error}");
    assert!(error.hint().contains("openssl pkcs8 -topk8"));
}

#[rstest]
#[case(b"")]
#[case(b"no key at all")]
#[case(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")]
fn what_is_no_key_is_told_of(#[case] text: &[u8]) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    fs::write(&path, text).unwrap();
    assert_eq!(read(&path, None).err(), Some(NetworkError::NoKey { path }));
}

#[test]
fn a_damaged_key_and_a_missing_one_are_told_of() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    let missing = plain(&fs::metadata(&path).unwrap_err());
    assert_eq!(
        read(&path, None).err().unwrap().to_string(),
        format!("{} cannot be read: {missing}.", path.display())
    );
    fs::write(&path, "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n").unwrap();
    assert!(matches!(read(&path, None).err(), Some(NetworkError::BadKey { .. })));
    fs::write(&path, vec![b' '; MAX_BYTES + 1]).unwrap();
    assert!(matches!(read(&path, None).err(), Some(NetworkError::Unreadable { .. })));
    let error = read(home.path(), None).err().unwrap();
    assert_eq!(error.to_string(), format!("{} cannot be read: it is no plain file.", home.path().display()));
}
