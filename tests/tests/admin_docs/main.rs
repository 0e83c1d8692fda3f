//! What the documentation says can be done: its command lines parse, its keys exist, its links lead somewhere, and its
//! configuration can be read. The pages are the same everywhere, so they are read on one system.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

mod commands;
mod pages;

use std::collections::{BTreeMap, BTreeSet};

use entra_tests::{Env, programs, run};
use serde_json::Value;

use commands::Programs;
use pages::{Page, root};

#[test]
fn command_lines_in_console_blocks_parse() {
    let env = Env::new(programs!());
    let programs = Programs::new(&env);
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages::all() {
        for (line, command) in page.blocks("console").flat_map(|block| commands::typed(&block)) {
            seen += 1;
            if let Some(fault) = programs.refuse(&command).or_else(|| programs.miss(&command)) {
                wrong.push(format!("{page}:{line}: `{}`: {fault}", command.join(" ")));
            }
        }
    }
    assert!(seen > 40, "the look at the pages works: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn commands_named_in_sentences_exist() {
    let env = Env::new(programs!());
    let programs = Programs::new(&env);
    let (mut seen, mut wrong) = (0, BTreeSet::new());
    for page in pages::all() {
        for span in page.code_spans() {
            for command in commands::named(&span) {
                seen += 1;
                wrong.extend(programs.miss(&command).map(|fault| format!("{page}: `{span}`: {fault}")));
            }
        }
    }
    assert!(seen > 100, "the look at the pages works: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn keys_exist() {
    let env = Env::new(programs!());
    let keys = keys(&env);
    let (mut seen, mut wrong) = (0, BTreeSet::new());
    let mut look = |page: &Page, key: &str| {
        seen += 1;
        if !keys.contains(key) {
            wrong.insert(format!("{page}: {key}"));
        }
    };
    for page in pages::all().iter().filter(|page| !page.is_of_a_tool()) {
        for span in page.code_spans() {
            let assigned = span.split_once(" = ").map(|(key, _)| key);
            let is_key = |key: &&str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            assigned.filter(is_key).into_iter().for_each(|key| look(page, key));
            let variable = span.split_once('=').map_or(&*span, |(name, _)| name).strip_prefix("ENTRAD_");
            // An ellipsis stands for every name, and the journal's fields of an entry are called like variables.
            let is_setting = |name: &&str| *name != "…" && !JOURNAL_FIELDS.contains(name);
            variable.filter(is_setting).into_iter().for_each(|name| look(page, &name.to_ascii_lowercase()));
        }
        for block in page.blocks("toml") {
            let table = block.text.parse::<toml::Table>().unwrap_or_default(); // another test says why not
            if table.iter().any(|(name, value)| name != "profile" && value.is_table()) {
                continue; // another program's
            }
            table.keys().filter(|name| *name != "profile").for_each(|key| look(page, key));
        }
    }
    assert!(seen > 25, "the look at the pages works: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Of an entry of the audit log (docs/audit.md).
const JOURNAL_FIELDS: [&str; 9] =
    ["EVENT", "PROGRAM", "BEHIND", "BECAME", "PID", "ACCOUNT", "RESOURCE", "UTI", "CORRELATION_ID"];

#[test]
fn configuration_in_the_pages_can_be_read() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages::all() {
        let toml = page.blocks("toml").map(|block| {
            (block.line, block.text.parse::<toml::Table>().err().map(|error| error.to_string()))
        });
        let json = page.blocks("json").map(|block| {
            (block.line, serde_json::from_str::<Value>(&block.text).err().map(|error| error.to_string()))
        });
        for (line, fault) in toml.chain(json) {
            seen += 1;
            wrong.extend(fault.map(|fault| format!("{page}:{line}: {fault}")));
        }
    }
    assert!(seen > 8, "the look at the pages works: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What an administrator copies out of their page is taken whole by the program that will read it.
#[test]
fn settings_for_administrators_are_good() {
    let env = Env::new(programs!());
    let page = pages::all().into_iter().find(|page| page.path().ends_with("docs/admin.md")).unwrap();
    let blocks: Vec<_> = page.blocks("toml").collect();
    assert!(!blocks.is_empty(), "{page} has settings");
    let file = env.folder().join("10-it.toml");
    for block in blocks {
        std::fs::write(&file, &block.text).unwrap();
        let mut command = env.command(&programs!().entrad);
        command.args(["--report", "config", "--managed"]).arg(&file);
        let ran = run(command);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        let sources = report["sources"].as_array().into_iter().flatten();
        let source = sources.filter(|source| source["place"] == *file.to_string_lossy()).collect::<Vec<_>>();
        let count = block.text.parse::<toml::Table>().unwrap().len();
        let is_good =
            matches!(source[..], [source] if source["fault"].is_null() && source["settings"] == count);
        assert!(is_good, "{page}:{}: {source:?} {}", block.line, ran.stderr);
    }
}

#[test]
fn links_lead_somewhere() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for page in pages::all() {
        for (line, target) in page.links() {
            seen += 1;
            wrong.extend(page.follow(&target).map(|fault| format!("{page}:{line}: {target}: {fault}")));
        }
        wrong.extend(page.references().map(|fault| format!("{page}: {fault}")));
    }
    assert!(seen > 60, "the look at the pages works: {seen}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let pages: BTreeMap<_, _> = pages::all().into_iter().map(|page| (page.path().to_owned(), page)).collect();
    let (mut reached, mut waiting) = (BTreeSet::new(), vec![root().join("README.md")]);
    while let Some(path) = waiting.pop() {
        if let Some(page) = pages.get(&path).filter(|_| reached.insert(path.clone())) {
            waiting.extend(page.links().iter().map(|(_, target)| page.resolve(target)));
        }
    }
    let lost: Vec<_> =
        pages.iter().filter(|(path, _)| !reached.contains(*path)).map(|(_, page)| page).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Every key that the daemon knows: those that its help has as options, and those that its report has besides, since some
/// are an administrator's alone.
fn keys(env: &Env) -> BTreeSet<String> {
    let says = |args: &[&str]| {
        let mut command = env.command(&programs!().entrad);
        command.args(args);
        run(command).stdout
    };
    let options = commands::options(&says(&["--help"]));
    let mut keys: BTreeSet<String> =
        options.iter().map(|option| option.trim_start_matches('-').replace('-', "_")).collect();
    let report: Value = serde_json::from_str(&says(&["--report", "config"])).unwrap_or_default();
    let reported = report["settings"].as_array().into_iter().flatten();
    keys.extend(reported.map(|setting| setting["key"].as_str().unwrap().to_owned()));
    keys
}
