//! `entra doctor`: finds the cause when something does not work.
//!
//! This side looks at what only it can see: whether a daemon answers, by which socket, in which version, how it is started,
//! and the environment that tools inherit. The rest the daemon looks at, or `entrad --report doctor` where none runs. Each
//! part is bounded, so that the whole ends within ten seconds, whatever the network does.

mod alone;
mod check;
mod environment;
mod report;
mod socket;
mod tools;

use std::ffi::OsString;
use std::time::{Duration, Instant};

use entra_proto::doctor::{Check, DoctorAnswer};
use entra_proto::limits::DOCTOR_TIMEOUT;
use entra_proto::version::{VERSION, skew};

use self::check::{Finding, Named};
use crate::args::DoctorArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::service::{self, Standing};

const DAEMON: Named = Named::new("client.daemon", 2000);
const VERSIONS: Named = Named::new("client.version", 50);
const SERVICE: Named = Named::new("client.service", 5000);
const REPORT: Named = Named::new("client.report", 7800);

/// Looks at everything, prints it, and says which status the program ends with.
pub(crate) fn run(socket: &Socket, args: &DoctorArgs) -> Result<u8, Failure> {
    let answer = DoctorAnswer { checks: look(socket, args) };
    if args.json {
        print::write_json(&answer, JSON_ROOM)?;
    } else {
        let stream = Stream::output();
        stream.write(report::of(&stream, &answer).as_bytes())?;
    }
    Ok(report::exit_status(&answer))
}

fn look(socket: &Socket, args: &DoctorArgs) -> Vec<Check> {
    let service = SERVICE.begin({
        let socket = socket.clone();
        move || standing(&socket)
    });
    let file = socket::SOCKET.begin({
        let path = socket.path().to_owned();
        move || socket::look(&path)
    });
    let variable = |name: &str| std::env::var_os(name);
    // A folder on PATH may be on another machine, which may not answer.
    let tools = tools::ON_PATH.begin({
        let path: OsString = variable("PATH").unwrap_or_default();
        move || {
            let own = std::env::current_exe().and_then(|own| own.canonicalize()).unwrap_or_default();
            tools::look(&path, &own)
        }
    });
    // Whoever listens may send a byte now and then, so that no limit of the connection's own ends it.
    let (daemon, version) = DAEMON
        .begin_with({
            let socket = socket.clone();
            move || daemon(&socket)
        })
        .end_with();
    let version = version.flatten();
    let is_there = version.is_some();
    let (rest, theirs) = REPORT
        .begin_with({
            let (socket, args) = (socket.clone(), args.clone());
            move || rest(&socket, &args, is_there)
        })
        .end_with();
    let versions = VERSIONS.found(versions(version.as_ref()));
    let mut checks = vec![daemon, file.end(), versions, service.end(), rest];
    checks.extend(environment::look(&variable));
    checks.push(tools.end());
    checks.extend(theirs.unwrap_or_default());
    checks
}

/// What the daemon looks at, or one that is run for it.
fn rest(socket: &Socket, args: &DoctorArgs, is_there: bool) -> (Finding, Vec<Check>) {
    let begun = Instant::now();
    match is_there.then(|| ask(socket, args)) {
        Some(Ok(answer)) => (Finding::good("The running entrad looked at the rest."), answer.checks),
        Some(Err(failure)) if begun.elapsed() > SOON => {
            let hint = failure.to_body().hint.unwrap_or_default();
            (Finding::failed(failure.message(), hint), Vec::new())
        }
        Some(Err(_)) | None => alone::ask(socket, args, REST.saturating_sub(begun.elapsed())),
    }
}

/// Whether one answers, and in which version; what it is asked takes no time.
fn daemon(socket: &Socket) -> (Finding, Option<Option<String>>) {
    let heard = socket.connect_within(PATIENCE, PATIENCE).and_then(|client| {
        let said = client.prompts().map_err(|error| Failure::of_exchange(&error, PATIENCE))?;
        Ok(said.version)
    });
    match heard {
        Ok(version) => {
            (Finding::good(format!("entrad answers on {}.", socket.path().display())), Some(version))
        }
        Err(failure) => {
            let hint = failure.to_body().hint.unwrap_or_else(|| "Start entrad.".to_owned());
            (Finding::failed(failure.message(), hint), None)
        }
    }
}

fn ask(socket: &Socket, args: &DoctorArgs) -> Result<DoctorAnswer, Failure> {
    let patience = REST;
    let client = socket.connect_within(PATIENCE, patience)?;
    let said = client
        .doctor(args.foundry.as_deref(), args.model.as_deref())
        .map_err(|error| Failure::of_exchange(&error, patience))?;
    said.result.map_err(Failure::from)
}

fn versions(daemon: Option<&Option<String>>) -> Finding {
    let Some(daemon) = daemon else {
        return Finding::skipped(format!("entra is version {VERSION}, and no entrad answers."));
    };
    match skew(VERSION, daemon.as_deref()) {
        None => Finding::good(format!("entra and entrad are both version {VERSION}.")),
        Some(sentence) => Finding::warning(sentence, "Restart entrad, and look again."),
    }
}

fn standing(socket: &Socket) -> Finding {
    let standing = match service::status(socket) {
        Ok(standing) => standing,
        Err(failure) => return Finding::skipped(failure.message()),
    };
    if !standing.is_installed {
        return Finding::warning(
            "entrad is not installed as a service, so nothing starts it.",
            "Run `entra service install`.",
        );
    }
    if !standing.notes.is_empty() {
        return Finding::warning(standing.notes.join(" "), "`entra service status` shows more.");
    }
    let evidence = in_words(&standing);
    if standing.is_enabled {
        Finding::good(evidence)
    } else {
        Finding::warning(evidence, "Run `entra service install` again.")
    }
}

fn in_words(standing: &Standing) -> String {
    let start = if standing.is_enabled { "is started at each log-in" } else { "is not started at log-in" };
    let run = match (standing.is_running, standing.is_held) {
        (true, _) => "runs",
        (false, true) => "starts with the first request",
        (false, false) => "does not run",
    };
    let sandbox = if standing.is_sandboxed == Some(true) { ", in systemd's sandbox" } else { "" };
    format!("The service is installed, {start}, and {run}{sandbox}.")
}

/// Those of this side, in the order in which they are printed.
#[cfg(test)]
fn checks() -> Vec<Named> {
    let own = [DAEMON, socket::SOCKET, VERSIONS, SERVICE, REPORT];
    own.into_iter().chain(environment::checks()).chain([tools::ON_PATH]).collect()
}

/// For all that the daemon looks at, and some time to start one that is run for it; then there is time to say how it went.
const REST: Duration = DOCTOR_TIMEOUT.saturating_add(Duration::from_millis(100));

/// For a connection, and for what is answered from memory.
const PATIENCE: Duration = Duration::from_secs(1);

/// A refusal that comes at once is one of an entrad that has no doctor: there is time to run another.
const SOON: Duration = Duration::from_millis(500);

/// Some forty checks.
const JSON_ROOM: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_is_told_of_in_the_documentation_and_leaves_time() {
        let page = include_str!("../../../../docs/doctor.md");
        let rows = page.split("## What entra looks at").nth(1).unwrap_or_default();
        let rows = rows.split("\n## ").next().unwrap_or_default();
        let told: Vec<&str> =
            rows.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let made: Vec<&str> = checks().iter().map(|check| check.name).collect();
        assert_eq!(told, made);
        assert!(checks().iter().all(|check| (1..=8000).contains(&check.limit_ms)));
        // Before the rest is asked for, a daemon was waited for.
        const { assert!(DAEMON.limit_ms + REPORT.limit_ms < 10_000) };
        let report = Duration::from_millis(REPORT.limit_ms);
        assert!(REST < report, "it says itself how it went");
    }

    #[test]
    fn versions_that_differ_are_told() {
        use entra_proto::doctor::CheckResult;
        assert_eq!(versions(None).result, CheckResult::Skipped);
        assert_eq!(versions(Some(&Some(VERSION.to_owned()))).result, CheckResult::Good);
        assert_eq!(versions(Some(&Some("0.0.1".to_owned()))).result, CheckResult::Warning);
        assert_eq!(versions(Some(&None)).result, CheckResult::Warning);
    }

    #[test]
    fn a_service_is_put_into_one_sentence() {
        let standing = Standing {
            is_installed: true,
            is_enabled: true,
            is_held: true,
            is_sandboxed: Some(true),
            ..Standing::default()
        };
        assert_eq!(
            in_words(&standing),
            "The service is installed, is started at each log-in, and starts with the first request, in systemd's sandbox."
        );
    }
}
