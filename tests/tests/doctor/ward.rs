//! A workstation that is ill on purpose, and what the doctor says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use entra_tests::{Daemon, Env, programs, run};
use serde_json::Value;

/// The workstation, with programs of the shipped names.
pub(crate) struct Ward {
    pub(crate) env: Env,
    bin: PathBuf,
}

/// What the doctor said.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) checks: Vec<Value>,
    pub(crate) status: i32,
    pub(crate) took: Duration,
    folder: PathBuf,
}

impl Ward {
    pub(crate) fn new() -> Self {
        Self::of(Env::new(programs!()))
    }

    pub(crate) fn of(env: Env) -> Self {
        let bin = env.folder().join("bin");
        fs::create_dir(&bin).unwrap();
        let programs = programs!();
        for (from, name) in [(&programs.entra, "entra"), (&programs.entrad, "entrad")] {
            let to = bin.join(name);
            if fs::hard_link(from, &to).is_err() {
                fs::copy(from, &to).unwrap();
            }
        }
        Self { env, bin }
    }

    /// The folder of the programs.
    pub(crate) fn bin(&self) -> &Path {
        &self.bin
    }

    /// A daemon at this authority that keeps its key in memory.
    pub(crate) fn start_at(&self, authority: &str, more: &[&str]) -> Daemon {
        let mut command = self.env.bare_daemon_command();
        command.arg(format!("--authority={authority}")).arg("--store=memory");
        if !more.iter().any(|word| word.starts_with("--client-id")) {
            command.arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT));
        }
        self.env.launch(command.args(more))
    }

    /// Writes the settings that point an entrad at this authority.
    pub(crate) fn configure(&self, authority: &str, more: &str) {
        self.env.configure(&format!(
            "authority = \"{authority}\"\nclient_id = \"{}\"\nstore = \"passphrase\"\npassphrase_file = \"{}\"\n{more}",
            entra_sim::DEFAULT_CLIENT,
            self.env.folder().join("passphrase").display()
        ));
    }

    /// `entra doctor` as it ships.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = self.env.command(&self.bin.join("entra"));
        command.arg("doctor").args(words);
        command
    }

    /// What the doctor says, with these words and variables.
    pub(crate) fn report(&self, words: &[&str], variables: &[(&str, &str)]) -> Report {
        let mut command = self.command(&[words, &["--json"]].concat());
        let begun = Instant::now();
        let ran = run({
            command.envs(variables.iter().copied());
            command
        });
        let took = begun.elapsed();
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"));
        let checks = answer["checks"].as_array().unwrap().clone();
        Report { checks, status: ran.status, took, folder: self.env.folder().to_owned() }
    }
}

impl Ward {
    /// What the doctor says as soon as this check ends so.
    pub(crate) fn report_once(&self, name: &str, result: &str) -> Report {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let report = self.report(&[], &[]);
            if report.result(name) == result || Instant::now() > end {
                return report;
            }
        }
    }
}

impl Report {
    /// The checks of this name.
    pub(crate) fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.checks.iter().filter(move |check| check["name"] == name)
    }

    /// The result of the first check of this name.
    pub(crate) fn result(&self, name: &str) -> &str {
        let found = self.checks.iter().find(|check| check["name"] == name);
        let check = found.unwrap_or_else(|| panic!("no {name} in {self:#?}"));
        check["result"].as_str().unwrap()
    }

    /// The names of those that failed.
    pub(crate) fn failed(&self) -> Vec<&str> {
        let failed = self.checks.iter().filter(|check| check["result"] == "failed");
        failed.map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// Compares the checks of this name with what is kept under it.
    pub(crate) fn is_golden(&self, name: &str) {
        self.is_golden_as(name, name);
    }

    /// The same, kept under another name.
    pub(crate) fn is_golden_as(&self, name: &str, kept: &str) {
        let told: String = self.of(name).map(|check| told(check, &self.folder)).collect();
        self.is_kept(name, kept, &told);
    }

    /// The same for what is in the workstation's own folder: the rest is of the machine that the test runs on.
    pub(crate) fn is_golden_here(&self, name: &str) {
        let is_here = |check: &&Value| {
            check["about"].as_str().is_some_and(|about| Path::new(about).starts_with(&self.folder))
        };
        let told: String = self.of(name).filter(is_here).map(|check| told(check, &self.folder)).collect();
        self.is_kept(name, name, &told);
    }

    fn is_kept(&self, name: &str, kept: &str, told: &str) {
        assert!(!told.is_empty(), "no {name} in {self:#?}");
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/doctor/golden/{kept}.txt"));
        if std::env::var_os("ENTRA_WRITE_GOLDEN").is_some() {
            fs::write(&file, told).unwrap();
        }
        let golden = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(told, golden, "{} (ENTRA_WRITE_GOLDEN=1 writes it)", file.display());
    }
}

/// A check in lines, without what differs from run to run.
fn told(check: &Value, folder: &Path) -> String {
    let text = |key: &str| check[key].as_str().map(|text| normal(text, folder));
    let about = text("about").map(|about| format!(" ({about})")).unwrap_or_default();
    let mut lines =
        format!("{} {}{about}\n", check["result"].as_str().unwrap(), check["name"].as_str().unwrap());
    lines.push_str(&format!("evidence: {}\n", text("evidence").unwrap()));
    if let Some(remedy) = text("remedy") {
        lines.push_str(&format!("remedy: {remedy}\n"));
    }
    lines
}

/// Folders, ports, instants, users and seconds in words.
fn normal(text: &str, folder: &Path) -> String {
    let text = text.replace(&*folder.to_string_lossy(), "FOLDER");
    let words = text.split(' ').map(|word| {
        let word = without_port(word);
        let is_instant = word.trim_end_matches(['.', ',']).len() == "2026-01-01T00:00:00Z".len()
            && word.starts_with("20")
            && word.contains("T");
        if is_instant { "INSTANT".to_owned() } else { word }
    });
    let words: Vec<String> = words.collect();
    let mut plain = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map(String::as_str);
        let before = at.checked_sub(1).map(|at| words[at].as_str());
        let is_count = word.trim_end_matches(',').parse::<u64>().is_ok();
        let is_of_time = next == Some("seconds") && words.iter().any(|word| word.starts_with("clock"));
        let is_user = before == Some("user");
        plain.push(if is_count && (is_of_time || is_user || before == Some("Port")) {
            "N".to_owned()
        } else {
            word.clone()
        });
    }
    plain.join(" ")
}

fn without_port(word: &str) -> String {
    let Some((before, behind)) = word.split_once("127.0.0.1:") else { return word.to_owned() };
    let rest = behind.trim_start_matches(|char: char| char.is_ascii_digit());
    format!("{before}127.0.0.1:PORT{rest}")
}
