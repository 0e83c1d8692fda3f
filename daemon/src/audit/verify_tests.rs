//! Everything that can be done to the files is found, by file and line.

use std::fs;
use std::path::PathBuf;

use entra_proto::log::{LogCaller, LogEntry, LogEvent};
use proptest::prelude::*;
use tempfile::TempDir;

use super::super::event::Event;
use super::super::line::link;
use super::*;

/// A log of three files: entries 1 to 4, 5 to 8 and 9 to 12. The fifth says that all from the first on are kept.
struct Scene {
    folder: TempDir,
    head: Head,
}

const NAMES: [&str; 3] = ["audit-000000000001.jsonl", "audit-000000000005.jsonl", CURRENT];

fn event(sequence: u64) -> LogEntry {
    let caller = LogCaller {
        program: Some("/usr/bin/git".to_owned()),
        behind: Some("/usr/bin/bash".to_owned()),
        became: None,
        pid: Some(71),
        user: Some("1000".to_owned()),
    };
    let kind = if sequence % 4 == 1 && sequence > 1 { LogEvent::Rotated } else { LogEvent::Issued };
    let mut entry = Event::new(kind).by(Some(caller)).resource("foundry").detail("words").into_entry();
    let text = |text: &str| Some(text.to_owned());
    entry.lease = text("claude");
    entry.profile = text("default");
    entry.account = text("uid.utid");
    entry.tenant = text("contoso.example");
    entry.scopes = vec!["https://ai.azure.com/.default".to_owned()];
    entry.source = Some(entra_proto::token::Source::Cache);
    entry.uti = text("AbCdEfGh");
    entry.correlation_id = text("11111111-2222-3333-4444-555555555555");
    entry.error = Some(entra_proto::error::ErrorCode::Refused);
    entry.aadsts = Some(50076);
    entry.kept_from = (entry.event == LogEvent::Rotated).then_some(1);
    entry
}

impl Scene {
    fn new() -> Self {
        Self::saying("words")
    }

    fn saying(words: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut head, mut text) = (Head::none(), Vec::new());
        for sequence in 1..=12 {
            let entry = LogEntry { detail: Some(words.to_owned()), ..event(sequence) };
            let (line, entry) = link(entry, &head).unwrap();
            head = Head { sequence, hash: entry.hash };
            text.extend(line);
            if sequence % 4 == 0 {
                fs::write(folder.path().join(NAMES[sequence as usize / 4 - 1]), &text).unwrap();
                text.clear();
            }
        }
        Self { folder, head }
    }

    fn path(&self, file: usize) -> PathBuf {
        self.folder.path().join(NAMES[file])
    }

    fn lines(&self, file: usize) -> Vec<String> {
        let text = fs::read_to_string(self.path(file)).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    fn set(&self, file: usize, lines: &[String]) {
        fs::write(self.path(file), lines.concat()).unwrap();
    }

    fn verify(&self) -> Verification {
        verify(self.folder.path(), std::slice::from_ref(&self.head)).unwrap()
    }

    /// The first fault: its file, its line, and its words.
    fn fault(&self) -> (String, Option<u64>, String) {
        let verification = self.verify();
        let LogFault { file, line, what } = verification.faults.first().expect("a fault").clone();
        (file, line, what)
    }

    fn assert_fault(&self, file: usize, line: u64, words: &str) {
        let fault = self.fault();
        assert_eq!((fault.0.as_str(), fault.1), (NAMES[file], Some(line)), "{fault:?}");
        assert!(fault.2.contains(words), "{fault:?}");
    }
}

#[test]
fn a_whole_log_has_no_fault() {
    let found = Scene::new().verify();
    assert_eq!(found, Verification { entries: 12, range: Some((1, 12)), faults: Vec::new() });
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(verify(nothing.path(), &[]).unwrap(), Verification::default());
}

#[test]
fn a_line_that_is_taken_away_is_missed_wherever_it_was() {
    for (file, index, line, words) in [
        (0, 0, 1, "Entry 1 is missing: a file was removed"),
        (0, 2, 3, "Entry 3 is missing before this line"),
        (1, 0, 1, "Entry 5 is missing before this line"),
        (2, 3, 3, "The log ends with entry 11, and entry 12 was written"),
    ] {
        let scene = Scene::new();
        let mut lines = scene.lines(file);
        lines.remove(index);
        scene.set(file, &lines);
        scene.assert_fault(file, line, words);
    }
}

#[test]
fn a_file_that_is_taken_away_is_missed_whichever_it_was() {
    for (gone, at, line, words) in [
        (0, 1, 1, "Entries 1 to 4 are missing: a file was removed"),
        (1, 2, 1, "Entries 5 to 8 are missing before this line"),
        (2, 1, 4, "The log ends with entry 8, and entry 12 was written"),
    ] {
        let scene = Scene::new();
        fs::remove_file(scene.path(gone)).unwrap();
        scene.assert_fault(at, line, words);
    }
    let scene = Scene::new();
    NAMES.iter().for_each(|name| fs::remove_file(scene.folder.path().join(name)).unwrap());
    assert_eq!(scene.fault().2.split(',').next(), Some("The log is empty"));
}

#[test]
fn files_that_were_rotated_away_are_not_missed() {
    let scene = Scene::new();
    // The chain itself says from where on entries are kept; it is made anew with that.
    let (mut head, mut lines) = (Head::none(), Vec::new());
    for sequence in 1..=12 {
        let mut entry = event(sequence);
        entry.kept_from = (sequence == 9).then_some(5);
        let (line, entry) = link(entry, &head).unwrap();
        head = Head { sequence, hash: entry.hash };
        lines.push(String::from_utf8(line).unwrap());
    }
    scene.set(1, &lines[4..8]);
    scene.set(2, &lines[8..]);
    fs::remove_file(scene.path(0)).unwrap();
    let found = verify(scene.folder.path(), &[head, Head { sequence: 3, hash: "old".to_owned() }]).unwrap();
    assert_eq!((found.range, found.faults), (Some((5, 12)), Vec::new()));
    scene.set(0, &lines[..4]);
    assert!(
        verify(scene.folder.path(), &[]).unwrap().faults.is_empty(),
        "the daemon was killed before it removed it"
    );
}

#[test]
fn a_change_of_any_field_is_found() {
    let scene = Scene::new();
    let line = scene.lines(1)[1].clone();
    let entry: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&line).unwrap();
    assert!(entry.len() >= 18, "{entry:?}");
    for key in entry.keys() {
        let value = line.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
        let at = value + line[value..].find(|char: char| char.is_ascii_alphanumeric()).unwrap();
        let other = if line.as_bytes()[at] == b'7' { "8" } else { "7" };
        let mut lines = scene.lines(1);
        lines[1].replace_range(at..=at, other);
        scene.set(1, &lines);
        scene.assert_fault(1, 2, "The line");
        lines[1].clone_from(&line);
        scene.set(1, &lines);
    }
    assert!(scene.verify().faults.is_empty());
}

#[test]
fn a_change_with_a_new_hash_is_found_by_the_next_line_or_by_who_remembers() {
    for (index, at, words) in
        [(1, 3, "Entry 11 does not follow"), (3, 4, "Entry 12 is not the one that was written")]
    {
        let scene = Scene::new();
        let mut lines = scene.lines(2);
        let mut entry: LogEntry = serde_json::from_str(&lines[index]).unwrap();
        let before = Head { sequence: entry.sequence - 1, hash: entry.previous.clone() };
        entry.resource = Some("another".to_owned());
        lines[index] = String::from_utf8(link(entry, &before).unwrap().0).unwrap();
        scene.set(2, &lines);
        scene.assert_fault(2, at, words);
    }
}

#[test]
fn another_order_and_a_repeated_line_are_found() {
    let scene = Scene::new();
    let mut lines = scene.lines(1);
    lines.swap(1, 2);
    scene.set(1, &lines);
    scene.assert_fault(1, 2, "Entry 6 is missing before this line");
    let scene = Scene::new();
    let mut lines = scene.lines(1);
    lines.insert(2, lines[1].clone());
    scene.set(1, &lines);
    scene.assert_fault(1, 3, "Entry 6 stands after entry 6");
}

#[test]
fn an_older_copy_is_found_by_who_remembers() {
    let scene = Scene::new();
    let old = scene.lines(2)[..2].to_vec();
    scene.set(2, &old);
    scene.assert_fault(2, 2, "The log ends with entry 10, and entry 12 was written");
    let forgetful = verify(scene.folder.path(), &[]).unwrap();
    assert!(forgetful.faults.is_empty(), "the files alone cannot tell");
}

#[test]
fn a_foreign_chain_is_found_where_it_begins() {
    let (scene, foreign) = (Scene::new(), Scene::saying("other words"));
    fs::copy(foreign.path(1), scene.path(1)).unwrap();
    scene.assert_fault(1, 1, "Entry 5 does not follow the line before it");
    let (scene, foreign) = (Scene::new(), Scene::saying("other words"));
    for name in NAMES {
        fs::copy(foreign.folder.path().join(name), scene.folder.path().join(name)).unwrap();
    }
    scene.assert_fault(2, 4, "Entry 12 is not the one that was written");
}

#[test]
fn what_the_daemon_found_before_is_told_again() {
    let scene = Scene::new();
    let entry = Event::new(LogEvent::Damaged).detail("Its end was cut off.").into_entry();
    let (line, _) = link(entry, &scene.head).unwrap();
    let mut lines = scene.lines(2);
    lines.push(String::from_utf8(line).unwrap());
    scene.set(2, &lines);
    scene.assert_fault(2, 5, "The daemon found the log damaged: Its end was cut off.");
}

#[test]
fn faults_beyond_all_measure_are_counted() {
    let scene = Scene::new();
    scene.set(1, &vec!["nonsense\n".to_owned(); 500]);
    let faults = scene.verify().faults;
    assert_eq!(faults.len(), MOST_FAULTS + 1);
    assert!(faults[MOST_FAULTS].what.contains("further faults"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_byte_goes_unseen(file in 0..3_usize, at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let scene = Scene::new();
        let mut bytes = fs::read(scene.path(file)).unwrap();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        fs::write(scene.path(file), bytes).unwrap();
        prop_assert!(!scene.verify().faults.is_empty());
    }

    #[test]
    fn no_cut_and_no_removal_goes_unseen(file in 0..3_usize, one in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        let scene = Scene::new();
        let mut bytes = fs::read(scene.path(file)).unwrap();
        let (one, other) = (one.index(bytes.len()), other.index(bytes.len()));
        prop_assume!(one != other);
        bytes.drain(one.min(other)..one.max(other));
        fs::write(scene.path(file), bytes).unwrap();
        prop_assert!(!scene.verify().faults.is_empty());
    }
}
