//! `entra config check`: whether every source can be read whole, or one file could.
//!
//! The daemon's program reads them, so that what passes here passes there: files as they are now, whatever a daemon that
//! runs still has of them.

use std::path::Path;

use entra_proto::config::{ConfigAnswer, Layer, SourceInfo};
use entra_proto::error::exit;

use super::{absolute, answer, words};
use crate::args::CheckArgs;
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;

/// Reads and prints.
pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let stream = Stream::output();
    let (option, file) = match (&args.file, &args.managed) {
        (Some(file), _) => ("--config", file),
        (None, Some(file)) => ("--managed", file),
        (None, None) => {
            let answer = answer::read(&[])?;
            stream.write(table(&stream, &answer.sources).as_bytes())?;
            faultless(&answer)?;
            return stream.write(stream.flow(0, "All sources of settings are good.").as_bytes());
        }
    };
    let file = absolute(file)?;
    let answer = answer::read(&[option.into(), file.as_os_str().to_owned()])?;
    faultless(&answer)?;
    let shown = file.display().to_string();
    let source = answer.sources.iter().find(|source| Path::new(&source.place) == file);
    let count = source.and_then(|source| source.settings);
    let holds = count.map_or_else(String::new, |count| format!(", with {}", counted(count)));
    stream.write(stream.flow(0, &format!("{} is good{holds}.", plain(&shown))).as_bytes())
}

/// Each source with what it holds.
fn table(stream: &Stream, sources: &[SourceInfo]) -> String {
    let state = |source: &SourceInfo| match (&source.fault, source.settings) {
        (Some(_), _) if source.layer == Layer::ClaudeDesktop => "not used".to_owned(),
        (Some(_), _) => stream.alarm("bad"),
        (None, Some(count)) => counted(count),
        (None, None) => "not there".to_owned(),
    };
    let widest = sources.iter().map(|source| words::layer(source.layer).len()).max().unwrap_or(0);
    let lines = sources.iter().map(|source| {
        format!("{:<widest$}  {}: {}\n", words::layer(source.layer), plain(&source.place), state(source))
    });
    lines.collect()
}

fn counted(count: u32) -> String {
    match count {
        1 => "1 setting".to_owned(),
        count => format!("{count} settings"),
    }
}

/// Fails with the first fault, and tells the others below it.
fn faultless(answer: &ConfigAnswer) -> Result<(), Failure> {
    let mut faults = words::faults(&answer.sources);
    let Some(first) = faults.next() else { return Ok(()) };
    Err(faults.fold(Failure::new(exit::MISCONFIGURED, "misconfigured", first), Failure::hint))
}

#[cfg(test)]
mod tests {
    use super::super::words::tests::answer;
    use super::*;

    fn source(layer: Layer, place: &str, settings: Option<u32>, fault: Option<&str>) -> SourceInfo {
        SourceInfo { layer, place: place.to_owned(), settings, fault: fault.map(str::to_owned) }
    }

    #[test]
    fn each_source_is_told_with_what_it_holds() {
        let sources = [
            source(Layer::ClaudeDesktop, "/etc/claude.json", None, Some("It is not looked at.")),
            source(Layer::Machine, "/etc/entrad/config.toml", None, None),
            source(Layer::User, "/u.toml", Some(1), None),
            source(Layer::Managed, "/etc/entrad/managed.d", Some(3), Some("It is bad.")),
        ];
        assert_eq!(
            table(&Stream::plain(), &sources),
            "Claude Desktop  /etc/claude.json: not used\n\
             machine file    /etc/entrad/config.toml: not there\n\
             user file       /u.toml: 1 setting\n\
             managed         /etc/entrad/managed.d: bad\n"
        );
    }

    #[test]
    fn a_fault_anywhere_fails_and_every_fault_is_told() {
        let mut answer = answer(Vec::new());
        answer.sources = vec![source(Layer::ClaudeDesktop, "/c", None, Some("It is not looked at."))];
        assert!(faultless(&answer).is_ok());
        answer.sources = vec![
            source(Layer::User, "/u", Some(0), Some("/u:1: one.")),
            source(Layer::Managed, "/m", None, Some("/m:2: two.")),
        ];
        let failure = faultless(&answer).unwrap_err();
        assert_eq!((failure.exit(), failure.message()), (exit::MISCONFIGURED, "/u:1: one."));
        assert!(failure.to_body().hint.unwrap().contains("/m:2: two."));
    }
}
