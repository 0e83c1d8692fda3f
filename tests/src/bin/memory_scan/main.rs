//! Looks for secrets in the memory of a process, or in a dump of it.
//!
//! usage: memory_scan (--process ID | --dump FILE) [--sealed FILE --passphrase FILE] [NAME=FILE...]
//!
//! Known to it are the mark that the simulator puts into refresh tokens, every 64 bytes, so that a piece of any of them is found;
//! with a sealed file and its passphrase also the passphrase itself, the key that it was stretched to, the sealing key,
//! the key that the file's nonce makes of that, and the refresh tokens within; and the text of each file that is named. Each is
//! looked for as it is and as base64, hexadecimal digits and UTF-16 would have it, whole or a piece of it. It prints how often it
//! found each as JSON, and where, and never what. The exit status is 0 whatever it found: the counts are for whoever asked.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

mod needles;
mod places;
mod sealed;

use needles::{Needle, Needles};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the report, and why there is none")]
fn main() -> ExitCode {
    match Words::read(std::env::args_os().skip(1).map(PathBuf::from)).and_then(|words| report(&words)) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("memory_scan: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// The command line.
#[derive(Default)]
struct Words {
    process: Option<String>,
    dump: Option<PathBuf>,
    sealed: Option<PathBuf>,
    passphrase: Option<PathBuf>,
    named: Vec<(String, PathBuf)>,
}

impl Words {
    fn read(mut words: impl Iterator<Item = PathBuf>) -> Result<Self, String> {
        let mut read = Self::default();
        while let Some(word) = words.next() {
            let word = word.to_string_lossy().into_owned();
            let mut next = || words.next().ok_or(format!("{word} wants a word after it"));
            match word.as_str() {
                "--process" => read.process = Some(next()?.to_string_lossy().into_owned()),
                "--dump" => read.dump = Some(next()?),
                "--sealed" => read.sealed = Some(next()?),
                "--passphrase" => read.passphrase = Some(next()?),
                other => {
                    let (name, path) = other.split_once('=').ok_or(format!("what is {other}?"))?;
                    read.named.push((name.to_owned(), PathBuf::from(path)));
                }
            }
        }
        Ok(read)
    }
}

fn report(words: &Words) -> Result<String, String> {
    let mut secrets = vec![Needle::whole("refresh_token", entra_sim::REFRESH_MARK.as_bytes())];
    if let Some(file) = &words.sealed {
        let passphrase = words.passphrase.as_ref().ok_or("--sealed wants --passphrase beside it")?;
        secrets.extend(sealed::secrets(&read(file)?, read(passphrase)?.trim_ascii_end())?);
    }
    for (name, path) in &words.named {
        secrets.push(Needle::pieces(name, read(path)?.trim_ascii_end(), TEXT_PIECE));
    }
    let needles = Needles::new(&secrets)?;
    let mut looked_at = 0;
    let mut finds = Vec::new();
    let look = |place: &places::Place, bytes: &[u8]| {
        looked_at += bytes.len();
        finds.extend(needles.find(bytes).map(|find| (place.clone(), find)));
    };
    match (&words.process, &words.dump) {
        (Some(process), None) => places::of_process(process, look)?,
        (None, Some(dump)) => places::of_dump(dump, look)?,
        _ => return Err("name one of --process and --dump".to_owned()),
    }
    let mut counts: serde_json::Map<String, serde_json::Value> = serde_json::Map::new();
    for secret in &secrets {
        let found = finds.iter().filter(|(_, find)| find.name == secret.name());
        let shut = found.clone().filter(|(place, _)| place.is_shut_away).count();
        counts.insert(secret.name().to_owned(), json!(found.count() - shut));
        counts.insert(format!("{}_shut_away", secret.name()), json!(shut));
    }
    let shown = finds.iter().take(MAX_SHOWN).map(|(place, find)| {
        let at = format!("{:#x}", place.start + find.at as u64);
        json!({"what": find.name, "as": find.how, "bytes": find.length, "in": place.name, "at": at})
    });
    counts.insert("bytes".to_owned(), json!(looked_at));
    counts.insert("finds".to_owned(), shown.collect());
    Ok(serde_json::Value::Object(counts).to_string())
}

fn read(path: &PathBuf) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// What of a text is a find. The mark that every secret of the simulator has is shorter.
const TEXT_PIECE: usize = 24;

/// Finds of which more is told than that they are there.
const MAX_SHOWN: usize = 40;
