//! Each library in Cargo.lock has a reason in supply-chain/config.toml, which is `cargo vet`'s: that tool says the same
//! (`just vet`), and takes minutes to install. The same files on every system, so they are read on one.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::path::Path;

use toml::Table;

#[test]
fn every_library_has_a_reason_for_its_version() {
    let locked: Vec<(String, String)> = table("Cargo.lock")["package"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package.get("source").is_some())
        .map(|package| (word(package, "name"), word(package, "version")))
        .collect();
    let mut reasons = reasons();
    let lacking: Vec<_> = locked.into_iter().filter(|library| reasons.remove(library).is_none()).collect();
    assert!(
        lacking.is_empty(),
        "supply-chain/config.toml lacks {lacking:?}: CONTRIBUTING.md says what to write there"
    );
    assert!(reasons.is_empty(), "nothing is built of {:?} any more: take them out", reasons.keys());
}

/// An exemption says that nobody here read the source, so its reason must say why it is taken all the same.
#[test]
fn a_reason_says_where_it_goes_who_brings_it_and_who_keeps_it() {
    for ((name, version), reason) in reasons() {
        let sentences: Vec<&str> = reason.split_inclusive(". ").collect();
        let (goes, kept) = (sentences.first().unwrap(), sentences.last().unwrap());
        assert!(
            sentences.len() >= 2 && goes.contains(", ") && reason.ends_with('.'),
            "{name} {version}: {reason}"
        );
        assert!(
            ["Kept by ", "Its source is ", "It names no repository", "Read: "]
                .iter()
                .any(|word| kept.starts_with(word)),
            "{name} {version}: {reason}"
        );
    }
}

/// A tool that runs in tests need not be fit for what runs in production, and what is in the programs must be.
#[test]
fn what_is_in_the_programs_is_held_to_be_fit_for_them() {
    let config = table("supply-chain/config.toml");
    for (name, versions) in config["exemptions"].as_table().unwrap() {
        for version in versions.as_array().unwrap() {
            let in_tests = word(version, "notes").starts_with("In tests alone");
            assert_eq!(word(version, "criteria") == "safe-to-run", in_tests, "{name}");
        }
    }
}

type Library = (String, String);

fn reasons() -> BTreeMap<Library, String> {
    let config = table("supply-chain/config.toml");
    let exemptions = config["exemptions"].as_table().unwrap();
    exemptions
        .iter()
        .flat_map(|(name, versions)| {
            let versions = versions.as_array().unwrap().iter();
            versions.map(move |version| ((name.clone(), word(version, "version")), word(version, "notes")))
        })
        .collect()
}

fn word(table: &toml::Value, key: &str) -> String {
    table[key].as_str().unwrap().to_owned()
}

fn table(path: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(path);
    std::fs::read_to_string(path).unwrap().parse().unwrap()
}
