use std::sync::mpsc;

use rstest::rstest;
use tracing::Level;

use super::*;

fn settings(filter: &str, sinks: &[SinkName]) -> LogSettings {
    LogSettings { filter: filter.to_owned(), sinks: sinks.to_vec() }
}

#[rstest]
#[case("stderr", SinkName::Stderr)]
#[case("journald", SinkName::Journald)]
#[case("event_log", SinkName::EventLog)]
fn a_sink_is_known_by_its_name(#[case] text: &str, #[case] name: SinkName) {
    assert_eq!(text.parse::<SinkName>().unwrap(), name);
    assert_eq!(name.to_string(), text);
}

#[test]
fn an_unknown_sink_is_told_which_there_are() {
    let error = "Journal".parse::<SinkName>().unwrap_err().to_string();
    assert!(SinkName::ALL.iter().all(|name| error.contains(name.text())), "{error}");
}

#[test]
fn a_filter_that_does_not_parse_is_refused_with_an_example() {
    let error = build(&settings("entrad=loud", &[])).err().unwrap().to_string();
    assert!(error.starts_with("`log` is no filter (") && error.ends_with("entrad=debug."), "{error}");
    assert!(reload(&settings("entrad=loud", &[])).is_err());
}

#[test]
fn what_is_logged_before_the_sinks_are_open_is_written_once_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (dispatch, mut log, _) = build(&settings("entrad=info", &[SinkName::File, SinkName::File])).unwrap();
    tracing::dispatcher::with_default(&dispatch, || {
        tracing::info!("before");
        log.open(&state).unwrap();
        tracing::warn!(count = 3, "after");
        tracing::debug!("too much");
        log.flush();
    });
    let text = std::fs::read_to_string(state.join(FILE_NAME)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("INFO") && lines[0].ends_with("before"), "{text}");
    assert!(lines[1].contains("WARN") && lines[1].ends_with("after count=3"), "{text}");
    assert!(lines[0].starts_with("20"), "it has the time: {text}");
}

#[test]
fn a_sink_that_cannot_be_opened_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (_dispatch, mut log, _) = build(&settings("entrad=info", &[SinkName::File])).unwrap();
    std::fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    let error = log.open(folder.path()).unwrap_err();
    assert!(matches!(error, LogError::Sink { name: SinkName::File, .. }), "{error}");
}

#[test]
fn another_reader_gets_what_passes_the_filter_and_the_one_after_it() {
    struct Told(mpsc::Sender<Level>);
    impl Layer<Registry> for Told {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, Registry>) {
            self.0.send(*event.metadata().level()).unwrap();
        }
    }
    let (sender, told) = mpsc::channel();
    let (dispatch, log_of, replace) = build(&settings("info", &[])).unwrap();
    log_of.read_by(Box::new(Told(sender)));
    let log = || {
        tracing::debug!("too much");
        tracing::error!("enough");
        tracing::error!(target: "hyper", "of a library");
    };
    tracing::dispatcher::with_default(&dispatch, || {
        log();
        replace(parse("entrad=debug").unwrap());
        log();
        replace(parse("off").unwrap());
        log();
    });
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Level::ERROR, Level::DEBUG, Level::ERROR]);
}
