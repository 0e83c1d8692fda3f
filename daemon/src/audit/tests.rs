//! The whole room: from what is noted to what is verified, with files that somebody meddles with in between.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use entra_proto::log::LogEntry;

use super::file::CURRENT;
use super::*;

fn begun(folder: &Path, sealed: Sealed) -> Audit {
    let audit = Audit::new(AuditSettings::default(), folder.to_owned(), None);
    audit.begin(sealed);
    audit
}

fn note(audit: &Audit, count: usize) {
    for number in 0..count {
        audit.record(Event::new(LogEvent::Issued).detail(number.to_string()));
    }
    flush(audit);
}

/// The writer's time is bounded for the daemon's sake; a machine with much else to do may need it more than once.
fn flush(audit: &Audit) {
    assert!((0..20).any(|_| audit.flush()), "the log is written within a minute");
}

fn entries(audit: &Audit) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    let taken = audit.open().unwrap().read(&Query::default(), |line| {
        entries.push(serde_json::from_slice(line).unwrap());
        ControlFlow::Continue(())
    });
    taken.unwrap();
    entries
}

fn events(audit: &Audit) -> Vec<LogEvent> {
    entries(audit).into_iter().map(|entry| entry.event).collect()
}

#[test]
fn what_is_noted_is_written_in_order_and_the_next_run_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("audit");
    let audit = begun(&folder, Sealed::Nothing);
    note(&audit, 3);
    let head = audit.anchor(None).unwrap();
    assert_eq!(head.sequence, 3);
    audit.stop();
    let ended = std::time::Instant::now();
    note(&audit, 1);
    assert!(ended.elapsed() < PATIENCE, "nobody waits for a writer that has ended");
    let again = begun(&folder, Sealed::Head(head));
    note(&again, 2);
    assert_eq!(entries(&again).iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let found = again.verify().unwrap();
    assert_eq!((found.range, found.faults.len()), (Some((1, 5)), 0));
    assert!(again.warnings().is_empty());
}

#[test]
fn nothing_is_kept_where_nobody_wants_it() {
    let home = tempfile::tempdir().unwrap();
    let settings = AuditSettings { sinks: std::collections::BTreeSet::new(), ..AuditSettings::default() };
    let audit = Audit::new(settings, home.path().join("audit"), None);
    audit.begin(Sealed::Nothing);
    note(&audit, 3);
    assert!(!audit.is_on() && matches!(audit.verify(), Err(AuditError::NoFiles)));
    assert!(!home.path().join("audit").exists());
}

#[test]
fn files_rotate_and_the_oldest_go() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("audit");
    let settings = AuditSettings { size: 1, files: 3, ..AuditSettings::default() };
    let audit = Audit::new(settings, folder.clone(), None);
    audit.begin(Sealed::Nothing);
    let scopes = vec!["https://a.example/of/a/scope/".repeat(8); 60];
    for _ in 0..4 {
        for _ in 0..80 {
            audit.record(Event::new(LogEvent::Issued).scopes(&scopes, "t"));
        }
        flush(&audit);
    }
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    let entries = entries(&audit);
    let rotated = entries.iter().rev().find(|entry| entry.event == LogEvent::Rotated).unwrap();
    assert_eq!(rotated.kept_from, Some(entries[0].sequence));
    assert!(entries[0].sequence > 1 && entries.last().unwrap().sequence > 320);
    assert_eq!(audit.verify().unwrap().faults, []);
    audit.stop();
    let again = begun(&folder, Sealed::Nothing);
    note(&again, 1);
    assert_eq!(again.verify().unwrap().faults, []);
    let oldest = names.iter().filter(|name| **name != CURRENT).min().unwrap();
    fs::remove_file(folder.join(oldest)).unwrap();
    assert!(again.verify().unwrap().faults[0].what.contains("a file was removed"));
}

#[test]
fn entries_are_handed_on_once_they_are_on_disk() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(CURRENT);
    let (tell, told) = std::sync::mpsc::channel();
    let hand_on: HandOn = Arc::new(move |entry| {
        let is_on_disk = fs::read_to_string(&file).unwrap().contains(&entry.hash);
        tell.send((entry.clone(), is_on_disk)).unwrap();
    });
    let audit = Audit::new(AuditSettings::default(), home.path().to_owned(), Some(hand_on));
    audit.begin(Sealed::Nothing);
    note(&audit, 3);
    let handed: Vec<_> = told.try_iter().collect();
    assert!(handed.len() == 3 && handed.iter().all(|(_, is_on_disk)| *is_on_disk));
    assert_eq!(handed.into_iter().map(|(entry, _)| entry).collect::<Vec<_>>(), entries(&audit));
}

#[test]
fn a_torn_end_is_repaired_and_noted() {
    let home = tempfile::tempdir().unwrap();
    let audit = begun(home.path(), Sealed::Nothing);
    note(&audit, 2);
    audit.stop();
    let path = home.path().join(CURRENT);
    let text = fs::read(&path).unwrap();
    fs::write(&path, [&text[..], &text[..50]].concat()).unwrap();
    let again = begun(home.path(), Sealed::Nothing);
    note(&again, 1);
    assert_eq!(events(&again), [LogEvent::Issued, LogEvent::Issued, LogEvent::Repaired, LogEvent::Issued]);
    assert_eq!(again.verify().unwrap().faults, []);
}

#[test]
fn what_was_done_while_no_daemon_ran_is_found_by_the_sealed_end_and_stays_found() {
    type Meddle = fn(&Path);
    let cut: Meddle = |path| {
        let text = fs::read_to_string(path).unwrap();
        fs::write(path, text.split_inclusive('\n').take(2).collect::<String>()).unwrap();
    };
    let remove: Meddle = |path| fs::remove_file(path).unwrap();
    let forge: Meddle = |path| {
        fs::remove_file(path).unwrap();
        let forger = begun(path.parent().unwrap(), Sealed::Nothing);
        note(&forger, 9);
        forger.stop();
    };
    let forge_what_comes_later: Meddle = |path| {
        let before = Head { sequence: 7, hash: "f".repeat(64) };
        let entry = Event::new(LogEvent::Rotated).kept_from(8).into_entry();
        fs::write(path, line::link(entry, &before).unwrap().0).unwrap();
    };
    for (meddle, gap) in [(cut, true), (remove, true), (forge, false), (forge_what_comes_later, false)] {
        for is_late in [false, true] {
            let home = tempfile::tempdir().unwrap();
            let audit = begun(home.path(), Sealed::Nothing);
            note(&audit, 5);
            let head = audit.anchor(None).unwrap();
            audit.stop();
            // Some systems keep the name of a file that is removed until nobody has it open.
            drop(audit);
            meddle(&home.path().join(CURRENT));
            let sealed = if is_late { Sealed::Closed } else { Sealed::Head(head.clone()) };
            let again = begun(home.path(), sealed);
            note(&again, 1);
            if is_late {
                // The keyring was locked at first; the sealed file is read, and written, later.
                let _end = again.anchor(Some(head));
                flush(&again);
            }
            assert!(events(&again).contains(&LogEvent::Damaged), "{gap} {is_late}");
            assert!(again.warnings()[0].contains("was found damaged"));
            let found = again.verify().unwrap();
            assert!(found.faults.iter().any(|fault| fault.what.contains("found the log damaged")));
            assert_eq!(found.faults.iter().any(|fault| fault.what.contains("missing")), gap && !is_late);
            let end = again.anchor(None).unwrap();
            again.stop();
            let third = begun(home.path(), Sealed::Head(end));
            note(&third, 1);
            assert!(!third.verify().unwrap().faults.is_empty(), "it is not forgotten by the next start");
            assert!(third.warnings().is_empty(), "which finds the log as it was left");
        }
    }
}

#[test]
fn what_is_done_while_the_daemon_runs_is_found_by_its_own_memory() {
    let home = tempfile::tempdir().unwrap();
    let audit = begun(home.path(), Sealed::Nothing);
    note(&audit, 5);
    let path = home.path().join(CURRENT);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.split_inclusive('\n').take(3).collect::<String>()).unwrap();
    let found = audit.verify().unwrap();
    assert!(found.faults[0].what.starts_with("Entries 4 to 5 are missing"), "{found:?}");
    assert_eq!(found.range, Some((1, 6)), "the sixth says so");
    fs::remove_file(&path).unwrap();
    note(&audit, 1);
    let found = audit.verify().unwrap();
    assert!(found.faults.iter().any(|fault| fault.what.contains("while the daemon ran")), "{found:?}");
}

#[test]
fn what_cannot_be_written_waits_and_is_written_once_it_can_be() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("audit");
    fs::write(&folder, "in its place").unwrap();
    let audit = begun(&folder, Sealed::Nothing);
    note(&audit, 3);
    assert!(audit.warnings()[0].contains("cannot be written"), "{:?}", audit.warnings());
    assert!(audit.anchor(None).is_none());
    if cfg!(unix) {
        assert!(matches!(audit.open(), Err(AuditError::Unreadable { .. })), "it is not read as empty");
    }
    let many = queue::MOST_NOTES + 10;
    note(&audit, many);
    assert!(
        audit.warnings()[1].starts_with("13 entries of the audit log were lost"),
        "{:?}",
        audit.warnings()
    );
    fs::remove_file(&folder).unwrap();
    flush(&audit);
    let written = entries(&audit);
    assert_eq!(written.len(), queue::MOST_NOTES + 1);
    assert_eq!(written[3].detail.as_deref(), Some("0"), "the oldest are kept");
    let last = written.last().unwrap();
    assert_eq!(last.event, LogEvent::Lost);
    assert!(last.detail.as_deref().unwrap().starts_with("13 entries were lost"));
    assert_eq!(audit.warnings().len(), 1, "that they were lost stays said");
    assert_eq!(audit.verify().unwrap().faults, []);
}

#[test]
fn a_flood_of_refusals_pushes_nothing_out() {
    let home = tempfile::tempdir().unwrap();
    let settings = AuditSettings { size: 1, files: 2, ..AuditSettings::default() };
    let audit = Audit::new(settings, home.path().to_owned(), None);
    audit.begin(Sealed::Nothing);
    note(&audit, 1);
    for _ in 0..20_000 {
        audit.record(Event::new(LogEvent::Refused));
    }
    note(&audit, 1);
    let entries = entries(&audit);
    assert!(entries[0].event == LogEvent::Issued && entries.len() < 100, "{}", entries.len());
    let told = entries.iter().rev().find(|entry| entry.event == LogEvent::Refused).unwrap();
    let count: usize = told.detail.as_deref().unwrap().split(' ').next().unwrap().parse().unwrap();
    let listed = entries.iter().filter(|entry| entry.event == LogEvent::Refused).count();
    assert_eq!(count + listed, 20_000, "none is left uncounted");
    assert_eq!(audit.verify().unwrap().faults, []);
}

#[test]
fn only_what_is_asked_for_is_read() {
    let home = tempfile::tempdir().unwrap();
    let audit = begun(home.path(), Sealed::Nothing);
    let by = |program: &str| {
        let program = Some(program.to_owned());
        Some(entra_proto::log::LogCaller { program, ..Default::default() })
    };
    audit.record(Event::new(LogEvent::Issued).by(by("/usr/bin/Git")));
    audit.record(Event::new(LogEvent::Issued).account("work", &"u.t".parse().unwrap()));
    flush(&audit);
    let count = |query: &Query| {
        let mut count = 0;
        audit
            .open()
            .unwrap()
            .read(query, |_| {
                count += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        count
    };
    let word = |word: &str| Some(word.to_owned());
    assert_eq!(count(&Query::default()), 2);
    assert_eq!(count(&Query { program: word("git"), ..Query::default() }), 1);
    assert_eq!(count(&Query { account: word("U.T"), ..Query::default() }), 1);
    assert_eq!(count(&Query { account: word("u"), ..Query::default() }), 0);
    assert_eq!(count(&Query { since: Some(u64::MAX), ..Query::default() }), 0);
    let mut first = 0;
    audit
        .open()
        .unwrap()
        .read(&Query::default(), |_| {
            first += 1;
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(first, 1);
}
