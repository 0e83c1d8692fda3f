//! Each cause has a name, a sentence and a remedy of its own.

use std::collections::BTreeSet;

use super::super::network::ProxyFault;
use super::super::remedies::{MISCONFIGURED, REMEDIES, remedy};
use super::*;

fn all() -> Vec<NoReply> {
    let proxy = |trouble, has_credentials| {
        NoReply::Proxy(Box::new(ProxyReason {
            trouble,
            shown: "http://proxy:3128".to_owned(),
            place: Place::Variable("HTTPS_PROXY"),
            has_credentials,
        }))
    };
    let path = std::path::PathBuf::from("/k");
    let mut all = vec![
        NoReply::Broken,
        NoReply::Client,
        NoReply::Connect,
        NoReply::TimeOut,
        NoReply::TooLarge,
        proxy(ProxyTrouble::Credentials, false),
        proxy(ProxyTrouble::Credentials, true),
        proxy(ProxyTrouble::Failed, false),
        proxy(ProxyTrouble::NoProxy, false),
        proxy(ProxyTrouble::Refused, false),
        proxy(ProxyTrouble::Unreachable, false),
        proxy(ProxyTrouble::Unresolved, false),
    ];
    all.extend(
        [
            TlsTrouble::ClientCertificateRefused,
            TlsTrouble::ClientCertificateWanted,
            TlsTrouble::Expired,
            TlsTrouble::NotYetValid,
            TlsTrouble::Protocol,
            TlsTrouble::UnknownIssuer,
            TlsTrouble::WrongName,
        ]
        .map(NoReply::Tls),
    );
    all.extend(
        [
            NetworkError::BadCertificate { path: path.clone(), number: 1, reason: "r".to_owned() },
            NetworkError::BadKey { path: path.clone(), reason: "r".to_owned() },
            NetworkError::KeyAlone,
            NetworkError::Mismatch { certificate: path.clone(), key: path.clone() },
            NetworkError::NoCertificate { path: path.clone() },
            NetworkError::NoKey { path: path.clone() },
            NetworkError::NoPassphrase { path: path.clone() },
            NetworkError::NoProxyEntry { entry: "e".to_owned() },
            NetworkError::PassphraseUnavailable { reason: "r".to_owned() },
            NetworkError::Proxy { place: Place::Setting("https_proxy"), fault: ProxyFault::NoHost },
            NetworkError::Slow,
            NetworkError::Unreadable { path: path.clone(), reason: "r".to_owned() },
            NetworkError::WrongPassphrase { path },
        ]
        .map(|error| NoReply::Settings(Box::new(error))),
    );
    all
}

#[test]
fn each_cause_has_a_sentence_of_its_own() {
    let sentences: BTreeSet<_> = all().iter().map(|why| why.sentence("login.example")).collect();
    assert_eq!(sentences.len(), all().len());
    for sentence in sentences {
        assert!(sentence.ends_with('.') && !sentence.contains(". "), "{sentence}");
    }
}

#[test]
fn each_cause_that_somebody_can_mend_has_a_remedy() {
    for why in all() {
        let fault = why.fault("login.example", "c-1");
        assert_eq!(fault.error, why.name());
        let is_outage =
            matches!(why, NoReply::Broken | NoReply::Connect | NoReply::TimeOut | NoReply::TooLarge);
        assert_eq!(remedy(why.name()).is_some(), !is_outage, "{why:?}");
        assert_eq!(is_misconfigured(why.name()), why.needs_somebody() && why != NoReply::Client, "{why:?}");
    }
}

#[test]
fn lists_hold_what_exists() {
    let names: BTreeSet<_> = all().iter().map(NoReply::name).collect();
    for name in MISCONFIGURED.iter().chain(REMEDIES.iter().map(|(name, _)| name)) {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn a_restart_is_asked_for_a_variable_s_sake_alone() {
    for (name, remedy) in REMEDIES {
        let is_start = ["start", "restart"].iter().any(|word| remedy.contains(word));
        assert!(!is_start || remedy.contains("followed at once"), "{name}: {remedy}");
    }
}
