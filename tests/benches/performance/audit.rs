//! What the audit log costs a token, and how fast it is verified.
//!
//! The log that is verified is written by the daemon's own code, in as many files as it takes.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use entra_proto::log::{LogCaller, LogEvent};
use entrad::audit::{self, Audit, AuditSettings, Event, Sealed};

use super::Effort;
use super::connection::{Connection, body};
use super::figures::Figures;
use super::procfs::number;
use super::sides::Sides;
use super::stage::{Stage, Workstation};

pub(crate) fn measure(stage: &Stage, effort: Effort, figures: &mut Figures) {
    verification(figures);
    // The one keeps the log as it is by default, the other keeps none.
    let (with, without) = (stage.workstation(), stage.workstation_with(&[("ENTRAD_AUDIT_SINKS", "[]")]));
    let sides =
        Sides { what: "with the audit log / without", ours: &with, theirs: &without, target: 1.05, effort };
    sides.whole(figures);
    names(&with, figures);
    sides.answers(figures);
    assert!(has_files(&with) && !has_files(&without), "one side keeps the log and the other does not");
    figures.target("entries of the audit log that were lost meanwhile", lost(&with), "", 0.0);
}

fn has_files(workstation: &Workstation) -> bool {
    fs::read_dir(workstation.env.state_dir().join("audit")).is_ok_and(|mut files| files.next().is_some())
}

/// A log that loses entries would look cheap.
fn lost(workstation: &Workstation) -> f64 {
    let mut connection = Connection::open(&workstation.env.socket());
    let answer = connection.ask(b"GET /v1/metrics HTTP/1.1\r\nHost: entrad\r\n\r\n");
    number(&String::from_utf8_lossy(body(answer)), "entrad_audit_entries_lost_total ")
}

/// Whether what was measured is worth it: each entry names the client, and nearly each who started it, which is this program.
fn names(with: &Workstation, figures: &mut Figures) {
    let ran = with.env.entra(&["log", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let entries = ran.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let callers: Vec<_> =
        entries.filter(|entry| entry["event"] == "issued").map(|entry| entry["caller"].clone()).collect();
    let is = |caller: &serde_json::Value, field: &str, name: &str| {
        caller[field].as_str().is_some_and(|path| path.contains(name))
    };
    assert!(!callers.is_empty(), "tokens were issued");
    assert!(callers.iter().all(|caller| caller["behind"].is_null() || is(caller, "behind", "performance")));
    let count = |wanted: &dyn Fn(&&serde_json::Value) -> bool| {
        callers.iter().filter(|caller| wanted(caller)).count() as f64
    };
    figures.note("entries of issued tokens that are kept", callers.len() as f64, "");
    figures.target("  without the program that asked", count(&|caller| caller["program"].is_null()), "", 0.0);
    let nameless =
        |caller: &&serde_json::Value| is(caller, "program", "/entra") && caller["behind"].is_null();
    figures.note("  without the one that started the client", count(&nameless), "");
}

fn verification(figures: &mut Figures) {
    let folder = tempfile::tempdir().unwrap();
    let settings = AuditSettings { files: 100, ..AuditSettings::default() };
    assert_eq!(settings.sinks, BTreeSet::from([audit::Sink::File]));
    let log = Audit::new(settings, folder.path().to_owned(), None);
    log.begin(Sealed::Nothing);
    let scopes = vec!["https://cognitiveservices.azure.com/.default".to_owned()];
    let caller = LogCaller {
        program: Some("/home/ada/.local/bin/entra".to_owned()),
        behind: Some("/home/ada/.local/share/claude/versions/2.1.0".to_owned()),
        became: None,
        pid: Some(123_456),
        user: Some("1000".to_owned()),
    };
    for number in 0..ENTRIES {
        let event = Event::new(LogEvent::Issued).by(Some(caller.clone())).scopes(&scopes, "contoso.example");
        log.record(event.resource("https://cognitiveservices.azure.com"));
        // The queue holds some thousands.
        if number % 2000 == 0 {
            log.flush();
        }
    }
    log.stop();
    let start = Instant::now();
    let found = audit::verify(folder.path(), &[]).unwrap();
    let took = start.elapsed();
    assert!(found.entries >= ENTRIES && found.faults.is_empty(), "{found:?}");
    figures.target("verifying 100,000 entries of the audit log", took.as_secs_f64() * 1e3, "ms", 1000.0);
}

const ENTRIES: u64 = 100_000;
