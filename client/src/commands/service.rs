//! `entra service`: has the system start entrad, takes that back, or shows how it is.

use crate::args::{ServiceAction, ServiceArgs};
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::service::{self, Standing};
use crate::text::plain;

/// Does what the command line says, and shows how things stand then.
pub(crate) fn run(socket: &Socket, args: &ServiceArgs) -> Result<(), Failure> {
    let (standing, json) = match &args.action {
        ServiceAction::Install(args) => (service::install(socket, args.sandbox)?, args.report.json),
        ServiceAction::Uninstall(args) => (service::uninstall(socket)?, args.json),
        ServiceAction::Status(args) => (service::status(socket)?, args.json),
    };
    if json {
        return print::write_json(&standing, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(report(&stream, &standing).as_bytes())
}

fn report(stream: &Stream, standing: &Standing) -> String {
    let mut lines = String::new();
    for note in &standing.notes {
        lines.push_str(&stream.flow(0, &format!("{} {}", stream.caution("Warning:"), plain(note))));
    }
    if !standing.is_installed {
        lines.push_str(
            &stream.flow(0, "entrad is not installed as a service; `entra service install` does that."),
        );
    } else {
        lines.push_str(&stream.flow(0, "entrad is installed as a service."));
        let start = if standing.is_enabled { "started at each log-in" } else { "not started at log-in" };
        lines.push_str(&stream.flow(2, start));
        if let Some(is_sandboxed) = standing.is_sandboxed {
            let how = if is_sandboxed {
                "in systemd's sandbox (--sandbox)"
            } else {
                "without systemd's sandbox, as is the default"
            };
            lines.push_str(&stream.flow(2, how));
        }
        if let Some(program) = &standing.program {
            let version = standing.program_version.as_deref().unwrap_or("of unknown version");
            lines.push_str(
                &stream
                    .flow(2, &format!("program {}, {}", plain(&program.to_string_lossy()), plain(version))),
            );
        }
    }
    let running = match (&standing.running_version, standing.is_running) {
        (Some(version), _) => format!("running now, {}", plain(version)),
        (None, true) => "running now".to_owned(),
        (None, false) if standing.is_held => "not running; the first request starts it".to_owned(),
        (None, false) => "not running".to_owned(),
    };
    lines.push_str(&stream.flow(2, &running));
    for file in &standing.files {
        lines.push_str(&stream.flow(2, &plain(&file.to_string_lossy())));
    }
    lines
}

/// A few paths and sentences.
const JSON_ROOM: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_match_is_said_first() {
        let standing = Standing {
            is_installed: true,
            is_enabled: true,
            is_held: true,
            is_sandboxed: Some(true),
            program: Some("/opt/entrad".into()),
            program_version: Some("2.0.0".to_owned()),
            notes: vec!["It is old.".to_owned()],
            ..Standing::default()
        };
        assert_eq!(
            report(&Stream::plain(), &standing),
            "Warning: It is old.\nentrad is installed as a service.\n  started at each log-in\n  in systemd's sandbox \
             (--sandbox)\n  program /opt/entrad, 2.0.0\n  not running; the first request starts it\n"
        );
        let nothing = report(&Stream::plain(), &Standing::default());
        assert!(
            nothing.contains("`entra service install`") && nothing.contains("not running\n"),
            "{nothing}"
        );
    }
}
