//! Writes `packaging/token-path.symbols`: the functions that `entra token` enters, in order.
//!
//! Callgrind sees each of them. What the compiler makes of a name changes with each version of it or of the
//! crate, so its hashes are left out, as `packaging/build` leaves them out when it looks for the names.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use super::Effort;
use super::figures::Figures;
use super::stage::{Stage, TARGET};

pub(crate) fn measure(stage: &Stage, _effort: Effort, figures: &mut Figures) {
    let workstation = stage.workstation();
    // What packaging/build leaves in Cargo's folder still has its names.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let program = target.join(format!("{}-unknown-linux-gnu/ship/entra", std::env::consts::ARCH));
    let profile = workstation.env.folder().join("callgrind.out");
    let mut valgrind = workstation.env.command("valgrind".as_ref());
    valgrind.args(["--tool=callgrind", "--demangle=no"]);
    valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    valgrind.arg(&program).arg("token").args(TARGET).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(valgrind.status().unwrap().success(), "{valgrind:?}");

    let names = entered(&std::fs::read_to_string(&profile).unwrap());
    figures.note("entra token: functions entered", names.len() as f64, "");
    let list = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/token-path.symbols");
    std::fs::write(list, names.join("\n") + "\n").unwrap();
}

/// The functions of a profile, each once, without hashes. Their lines are `fn=(number) name` where a number
/// first comes up (Callgrind Format Specification).
fn entered(profile: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let lines = profile.lines().filter(|line| line.starts_with("fn=") || line.starts_with("cfn="));
    lines
        .filter_map(|line| line.split_once(") ")?.1.split('\'').next())
        .filter(|name| !name.starts_with("0x") && !name.starts_with('('))
        .map(without_hashes)
        .filter(|name| seen.insert(name.clone()))
        .collect()
}

/// The legacy mangling ends with `17h`, a hash and `E`; the other has `Cs`, a hash and `_` before each crate
/// (The rustc book, "Symbol Mangling").
fn without_hashes(name: &str) -> String {
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some((start, hash)) = name.strip_suffix('E').and_then(|name| name.rsplit_once("17h"))
        && is_hex(hash)
    {
        return format!("{start}17hE");
    }
    let mut parts = name.split("Cs");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part
            .split_once('_')
            .filter(|(hash, _)| !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        plain.push_str("Cs");
        plain.push_str(rest.map_or(part, |(hash, _)| &part[hash.len()..]));
    }
    plain
}
