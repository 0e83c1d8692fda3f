//! The walls of ARCHITECTURE.md, read from the manifests and the sources: the same ones on every system, so they are
//! read on one.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every package that `name` links on one system or another, itself left out: normal dependencies only.
fn linked_by(name: &str) -> BTreeSet<String> {
    TARGETS.iter().flat_map(|target| linked_on(target, name)).collect()
}

/// One of each system that entrad is for.
const TARGETS: [&str; 3] = ["x86_64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "aarch64-apple-darwin"];

fn linked_on(target: &str, name: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| (package["id"].as_str().unwrap(), package["name"].as_str().unwrap()))
        .collect();
    let edges: BTreeMap<&str, Vec<&str>> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| {
            let is_normal =
                |dep: &&Value| dep["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
            let deps = node["deps"].as_array().unwrap().iter().filter(is_normal);
            (node["id"].as_str().unwrap(), deps.map(|dep| dep["pkg"].as_str().unwrap()).collect())
        })
        .collect();
    let start = *names.iter().find(|(_, package)| **package == name).unwrap().0;
    let (mut seen, mut waiting) = (BTreeSet::new(), vec![start]);
    while let Some(id) = waiting.pop() {
        for next in &edges[id] {
            if seen.insert(*next) {
                waiting.push(next);
            }
        }
    }
    seen.into_iter().map(|id| names[id].to_owned()).collect()
}

/// Rust sources below `folder`, as paths from the root with their text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let (mut found, mut waiting) = (Vec::new(), vec![root().join(folder)]);
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            found.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(!found.is_empty(), "no sources below {folder}");
    found
}

/// The lines of code: comments left out.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// Whether a line names the crate or module `word` as a path, as in `word::`, `use word;` or `word!`.
fn names(line: &str, word: &str) -> bool {
    let bytes = line.as_bytes();
    line.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).map_or(b' ', |index| bytes[index]);
        let rest = &line[at + word.len()..];
        let is_word = !before.is_ascii_alphanumeric() && before != b'_' && before != b'"' && before != b'-';
        is_word && (rest.starts_with("::") || rest.starts_with(';') || rest.starts_with(" as "))
    })
}

#[test]
fn the_contract_and_the_client_link_nothing_heavy() {
    let heavy = ["tokio", "reqwest", "rustls", "hyper", "axum", "oauth2", "aws-lc-rs", "zbus"];
    for package in ["entra-proto", "entra"] {
        let linked = linked_by(package);
        let found: Vec<_> = heavy.iter().filter(|heavy| linked.contains(**heavy)).collect();
        assert!(found.is_empty(), "{package} links {found:?}");
    }
    assert!(linked_by("entrad").contains("reqwest"), "the look at the graph works");
}

#[test]
fn nothing_that_ships_links_c_libraries_for_tls_or_the_bus() {
    for package in ["entrad", "entra"] {
        let linked = linked_by(package);
        for banned in ["openssl-sys", "native-tls", "libdbus-sys"] {
            assert!(!linked.contains(banned), "{package} links {banned}");
        }
    }
}

#[test]
fn the_export_to_a_collector_costs_nothing_where_it_is_not_wanted() {
    let linked = linked_by("entrad");
    let found: Vec<_> =
        linked.iter().filter(|name| name.contains("opentelemetry") || *name == "prost").collect();
    assert!(found.is_empty(), "a usual build of entrad links {found:?}");
}

#[test]
fn the_simulator_holds_nothing_of_the_daemon() {
    let linked = linked_by("entra-sim");
    assert!(!linked.contains("entrad") && !linked.contains("entra-proto"));
}

#[test]
fn nothing_can_switch_the_check_of_certificates_off() {
    // Of reqwest, rustls and the platform's verifier; a version below TLS 1.2 and a log of session keys besides.
    let switches = [
        "danger",
        "accept_invalid",
        "certificate_verifier",
        "NoVerifier",
        "ServerCertVerifier",
        "SslVerifyMode",
        "hostname_verification",
        "tls_built_in_root_certs",
        "TLS_1_0",
        "TLS_1_1",
        "max_tls_version",
        "tls_version_max",
        "sslkeylogfile",
        "KeyLog",
    ];
    // The doctor looks on as the platform's verifier decides: one file builds that, one is who looks on, and these hand it over.
    let looks_on: [(&str, &[&str]); 6] = [
        ("daemon/src/entra/client.rs", &["ServerCertVerifier"]),
        ("daemon/src/entra/http.rs", &["ServerCertVerifier"]),
        ("daemon/src/entra/network/mod.rs", &["ServerCertVerifier"]),
        ("daemon/src/entra/network/watched.rs", &["danger", "certificate_verifier", "ServerCertVerifier"]),
        ("daemon/src/entra/probe/mod.rs", &["ServerCertVerifier"]),
        ("daemon/src/entra/probe/witness.rs", &["ServerCertVerifier"]),
    ];
    let sources = [sources("daemon/src"), sources("client/src"), sources("proto/src")].concat();
    for (path, text) in &sources {
        let allowed = looks_on.iter().find(|(looks, _)| looks == path).map_or(&[][..], |(_, words)| *words);
        for line in code(text).filter(|line| !line.trim_start().starts_with("use rustls::client::danger::")) {
            let mut found = switches.iter().filter(|switch| line.contains(**switch));
            assert!(found.all(|switch| allowed.contains(switch)), "{path}: {}", line.trim());
            let is_verifier = line.contains("impl ServerCertVerifier for");
            assert!(
                !is_verifier || path.ends_with("entra/probe/witness.rs"),
                "{path} decides about certificates"
            );
        }
    }
    for (path, text) in &sources {
        // Who looks on passes the real verifier's word on; only its test plays that one.
        let is_witness = path.ends_with("entra/probe/witness.rs");
        let shipped = if is_witness { text.split("#[cfg(test)]").next().unwrap() } else { text.as_str() };
        assert!(!code(shipped).any(|line| line.contains("::assertion()")), "{path} vouches for certificates");
    }
    let client = sources.iter().find(|(path, _)| path == "daemon/src/entra/client.rs").unwrap();
    assert!(client.1.contains(".tls_version_min(tls::Version::TLS_1_2)"), "the least version is set");
}

#[test]
fn each_crate_is_named_in_its_rooms_only() {
    let walls: [(&str, &[&str]); 19] = [
        ("reqwest", &["daemon/src/entra/", "daemon/src/otlp/"]),
        ("pkcs8", &["daemon/src/entra/network/"]),
        ("oauth2", &["daemon/src/entra/"]),
        ("rustls", &["daemon/src/entra/"]),
        ("rustls_platform_verifier", &["daemon/src/entra/"]),
        ("x509_parser", &["daemon/src/entra/"]),
        ("keyring_core", &["daemon/src/vault/"]),
        ("apple_native_keyring_store", &["daemon/src/vault/"]),
        ("Cryptography", &["daemon/src/vault/", "daemon/src/access/caller/signer_windows.rs"]),
        ("zbus_secret_service_keyring_store", &["daemon/src/vault/"]),
        ("zbus", &["daemon/src/vault/", "daemon/src/notify/desktop"]),
        ("chacha20poly1305", &["daemon/src/vault/"]),
        ("axum", &["daemon/src/server/", "daemon/src/dialects/"]),
        ("hyper", &["daemon/src/server/", "daemon/src/dialects/", "daemon/src/entra/redirect"]),
        ("landlock", &["daemon/src/harden/"]),
        ("listenfd", &["daemon/src/service/"]),
        ("toml_edit", &["client/src/setup/", "client/src/commands/config/formats/toml.rs"]),
        ("opentelemetry", &["daemon/src/otlp/"]),
        ("prometheus_client", &["daemon/src/metrics/text"]),
    ];
    let sources = [sources("daemon/src"), sources("client/src"), sources("proto/src")].concat();
    for (word, rooms) in walls {
        let strays: Vec<_> = sources
            .iter()
            .filter(|(path, _)| !rooms.iter().any(|room| path.starts_with(room)))
            .filter(|(_, text)| code(text).any(|line| names(line, word)))
            .map(|(path, _)| path)
            .collect();
        assert!(strays.is_empty(), "{word} is named outside {rooms:?}: {strays:?}");
    }
}

#[test]
fn arrows_inside_the_daemon_point_down_only() {
    // A room may name those that stand after it, and its own level not at all.
    let levels: [&[&str]; 10] = [
        &["run"],
        &["server", "dialects"],
        &["doctor"],
        &["access", "prompts"],
        &["broker"],
        &["entra", "vault", "notify", "audit", "otlp"],
        &["account", "config", "clock", "network"],
        &["harden", "lock", "logging", "service"],
        &["files"],
        &["metrics", "windows"],
    ];
    let level_of = |room: &str| levels.iter().position(|level| level.contains(&room));
    let mut wrong = Vec::new();
    for (path, text) in sources("daemon/src") {
        let room = path
            .trim_start_matches("daemon/src/")
            .split('/')
            .next()
            .unwrap()
            .trim_end_matches(".rs")
            .trim_end_matches("_unix")
            .trim_end_matches("_windows")
            .to_owned();
        let Some(own) = level_of(&room) else {
            assert!(["lib", "main"].contains(&room.as_str()), "{room} is in no level");
            continue;
        };
        for line in code(&text) {
            for other in levels.iter().flat_map(|level| level.iter()).filter(|other| **other != room) {
                // A clock's time is the machine's own type, and the broker is told who asked.
                let is_exempt =
                    (room == "clock" && *other == "account") || (room == "broker" && *other == "access");
                let level = level_of(other).unwrap();
                if names(line, &format!("crate::{other}")) && level <= own && !is_exempt {
                    wrong.push(format!("{path}: {}", line.trim()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_machine_is_pure() {
    for (path, text) in sources("daemon/src/account") {
        for banned in [
            "async fn",
            ".await",
            "std::fs",
            "std::net",
            "std::thread",
            "SystemTime",
            "Instant::now",
            "tokio::",
        ] {
            assert!(!code(&text).any(|line| line.contains(banned)), "{path} has {banned}");
        }
    }
}

#[test]
fn the_audit_log_is_given_no_secret() {
    for (path, text) in sources("daemon/src/audit") {
        for banned in ["expose(", "entra_proto::secret", "RefreshToken,", "refresh_token::"] {
            assert!(!code(&text).any(|line| line.contains(banned)), "{path} has {banned}");
        }
    }
}

#[test]
fn unsafe_code_is_in_named_files_only() {
    let named = [
        "client/src/clock_windows.rs",
        "client/src/ended_windows.rs",
        "client/src/interrupt_windows.rs",
        "client/src/main.rs",
        "client/src/main_linux.rs",
        "client/src/outlet_windows.rs",
        "client/src/peer_linux.rs",
        "client/src/peer_macos.rs",
        "client/src/pipe_windows.rs",
        "client/src/place_macos.rs",
        "client/src/sid_windows.rs",
        "daemon/src/access/caller/looking_linux.rs",
        "daemon/src/access/caller/peer_windows.rs",
        "daemon/src/access/caller/pidfd_linux.rs",
        "daemon/src/access/caller/process_macos.rs",
        "daemon/src/access/caller/program_macos.rs",
        "daemon/src/access/caller/signer_windows.rs",
        "daemon/src/access/lease/process_macos.rs",
        "daemon/src/audit/sinks/local_windows.rs",
        "daemon/src/clock/macos.rs",
        "daemon/src/clock/wake_windows.rs",
        "daemon/src/clock/windows.rs",
        "daemon/src/config/paths_macos.rs",
        "daemon/src/config/policies_windows.rs",
        "daemon/src/files/create_windows.rs",
        "daemon/src/files/folder_windows.rs",
        "daemon/src/harden/macos.rs",
        "daemon/src/harden/memory_glibc.rs",
        "daemon/src/harden/windows.rs",
        "daemon/src/harden/wiping_allocator.rs",
        "daemon/src/logging/system_macos.rs",
        "daemon/src/logging/system_windows.rs",
        "daemon/src/network/windows.rs",
        "daemon/src/notify/desktop/desktop_macos.rs",
        "daemon/src/notify/desktop/lock_macos.rs",
        "daemon/src/notify/desktop/lock_windows.rs",
        "daemon/src/server/listen_windows.rs",
        "daemon/src/service/stop_event_windows.rs",
        "daemon/src/vault/dpapi_windows.rs",
        "daemon/src/vault/locked_key.rs",
        "daemon/src/vault/locked_page_unix.rs",
        "daemon/src/vault/locked_page_windows.rs",
        "daemon/src/vault/page_in_dumps_linux.rs",
        "daemon/src/windows/folders.rs",
        "daemon/src/windows/mod.rs",
        "daemon/src/windows/security.rs",
        "daemon/src/windows/user.rs",
        "tests/src/bin/demo/system_windows.rs",
        "tests/src/connection_windows.rs",
        "tests/src/system_windows.rs",
    ];
    for folder in ["daemon/src", "client/src", "proto/src", "tests/sim/src", "tests/src"] {
        for (path, text) in sources(folder) {
            let is_unsafe = code(&text).any(|line| UNSAFE.iter().any(|word| line.contains(word)));
            assert!(!is_unsafe || named.contains(&path.as_str()), "{path} has unsafe code");
        }
    }
}

#[test]
fn each_file_with_unsafe_code_is_listed_with_its_reason() {
    let listed = std::fs::read_to_string(root().join("docs/hardening.md")).unwrap();
    let listed: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | ").map(|row| row.0))
        .collect();
    let sources =
        ["daemon/src", "client/src", "proto/src", "tests/sim/src", "tests/src"].map(sources).concat();
    let has_unsafe = |path: &str| {
        let text = sources.iter().find(|(other, _)| other == path).map(|(_, text)| text.as_str());
        text.is_some_and(|text| code(text).any(|line| UNSAFE.iter().any(|word| line.contains(word))))
    };
    let unlisted: Vec<_> = sources
        .iter()
        .map(|(path, _)| path.as_str())
        .filter(|path| has_unsafe(path) && !listed.contains(path))
        .collect();
    assert!(unlisted.is_empty(), "docs/hardening.md lacks {unlisted:?}");
    let stale: Vec<_> = listed.iter().filter(|path| path.ends_with(".rs") && !has_unsafe(path)).collect();
    assert!(stale.is_empty(), "docs/hardening.md lists {stale:?}, which have none");
}

/// How unsafe code begins.
const UNSAFE: [&str; 4] = ["unsafe {", "unsafe fn", "unsafe impl", "#[unsafe("];

#[test]
fn the_code_of_a_system_is_in_files_named_for_it() {
    let systems = ["linux", "macos", "unix", "windows", "glibc", "other"];
    let is_named_for_one = |path: &str| {
        let words = path.trim_end_matches(".rs").rsplit(['/', '_']).take(2).collect::<Vec<_>>();
        words.iter().any(|word| systems.contains(word))
    };
    let mut wrong = Vec::new();
    for (path, text) in
        ["daemon/src", "client/src", "proto/src", "tests/sim/src", "tests/src"].into_iter().flat_map(sources)
    {
        if is_named_for_one(&path) || path.contains("/windows/") || path.ends_with("/tests.rs") {
            continue;
        }
        // Up to its tests: a `mod` may be chosen by the system, and nothing else.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
        let lines: Vec<&str> = code(&text).collect();
        for (at, line) in lines.iter().enumerate() {
            let is_choice = line.contains("cfg") && systems.iter().any(|system| line.contains(system));
            let mut chosen = lines[at..].iter().skip_while(|line| line.trim_start().starts_with("#["));
            let is_mod = chosen.next().is_some_and(|line| line.contains("mod "));
            let is_path = line.contains("path = \"") || path == "client/src/main.rs";
            let is_foreign =
                line.contains("std::os::") || names(line, "rustix") || names(line, "windows_sys");
            if (is_choice && !is_mod && !is_path) || is_foreign {
                wrong.push(format!("{path}: {}", line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn tests_that_are_not_built_for_windows_are_told_of() {
    let platforms = std::fs::read_to_string(root().join("docs/platforms.md")).unwrap();
    let tests = ["client/tests", "daemon/tests", "tests/tests", "tests/sim/tests"].map(sources).concat();
    let is_there = |path: &str| tests.iter().any(|(other, _)| other == path);
    let left_out = tests.iter().filter(|(path, text)| {
        let names_windows = |line: &str| line.contains("windows") && !line.contains("not(");
        let is_marked = code(text).any(|line| line.starts_with("#![cfg(") && !names_windows(line));
        let is_module = ["unix.rs", "linux.rs"].iter().any(|end| {
            let twin = path.strip_suffix(end).map(|stem| format!("{stem}windows.rs"));
            twin.is_some_and(|twin| !is_there(&twin))
        });
        is_marked || is_module
    });
    let left_out: Vec<&String> = left_out.map(|(path, _)| path).collect();
    let untold: Vec<_> =
        left_out.iter().filter(|path| !platforms.contains(&format!("| `{path}` |"))).collect();
    assert!(left_out.len() >= 9, "the look at the files works: {left_out:?}");
    assert!(untold.is_empty(), "docs/platforms.md lacks {untold:?}");
}

#[test]
fn no_module_is_longer_than_five_hundred_lines() {
    let all = ["proto", "daemon", "client", "tests"].map(sources).concat();
    let long: Vec<_> = all
        .iter()
        .filter(|(path, _)| !path.contains("/target/"))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > 500)
        .collect();
    assert!(long.is_empty(), "{long:?}");
}

#[test]
fn every_target_of_the_fuzzer_is_built_replayed_and_told_of() {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).unwrap();
    let (manifest, page) = (read("fuzz/Cargo.toml"), read("fuzz/README.md"));
    let code = [sources("daemon/src"), sources("client/src"), sources("proto/src")].concat();
    let targets = sources("fuzz/targets");
    for (path, text) in &targets {
        let name = path.trim_start_matches("fuzz/targets/").trim_end_matches(".rs");
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name} is in no build");
        assert!(page.contains(&format!("`{name}`")), "fuzz/README.md lacks {name}");
        let module = text.split_once("&[u8]| ").unwrap().1.split_once(&format!("::{name}(data)")).unwrap().0;
        let named = format!("\"{module}\",");
        let is_replay = |text: &str| text.contains("crate::replay::all(") && text.contains(&named);
        assert!(code.iter().any(|(_, text)| is_replay(text)), "nobody replays {module}");
    }
    assert!(targets.len() > 20, "the look at the targets works");
    let shipped = code.iter().filter(|(path, _)| path.ends_with("lib.rs") || path.ends_with("/mod.rs"));
    for (path, text) in shipped {
        let lines: Vec<&str> = text.lines().collect();
        for at in (1..lines.len()).filter(|at| lines[*at].ends_with("mod fuzzing;")) {
            assert_eq!(lines[at - 1], "#[cfg(any(test, fuzzing))]", "{path} ships what is for fuzzing alone");
        }
    }
}

#[test]
fn every_error_code_is_in_the_protocol() {
    let protocol = std::fs::read_to_string(root().join("PROTOCOL.md")).unwrap();
    for row in entra_proto::error::TABLE {
        let line = format!("| `{}` | {} | {} | {} |", row.name, row.status, row.exit, row.meaning);
        assert!(protocol.contains(&line), "PROTOCOL.md lacks the row: {line}");
    }
}
