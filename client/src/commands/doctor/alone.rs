//! What `entrad --report doctor` finds where no daemon answers.

use std::process::Command;
use std::time::Duration;

use entra_proto::doctor::{Check, DoctorAnswer};

use super::check::Finding;
use crate::args::DoctorArgs;
use crate::connect::Socket;
use crate::service::{daemon_program, said_within};

/// Runs it for at most `limit`, and says how that went beside what it found.
pub(super) fn ask(socket: &Socket, args: &DoctorArgs, limit: Duration) -> (Finding, Vec<Check>) {
    let program = match daemon_program() {
        Ok(program) => program,
        Err(failure) => {
            let hint = failure.to_body().hint.unwrap_or_default();
            return (Finding::failed(failure.message(), hint), Vec::new());
        }
    };
    let shown = program.display().to_string();
    let mut command = Command::new(&program);
    command.args(["--report", "doctor"]).arg("--socket").arg(socket.path());
    if let Some(foundry) = &args.foundry {
        command.arg(format!("--foundry={foundry}"));
    }
    let failed = |what: &str| {
        let remedy =
            "Check that entra and entrad are of the same version, and run `entrad --report doctor` yourself.";
        (Finding::failed(format!("{shown} {what}."), remedy), Vec::new())
    };
    let said = match said_within(command, limit) {
        Ok(said) if said.is_good => said,
        Ok(said) => {
            let complaint = said.errors.trim();
            let first = complaint.lines().next().unwrap_or("it did not say why");
            return failed(&format!("could not look: {}", first.trim_end_matches('.')));
        }
        Err(error) => return failed(&format!("could not be run: {error}")),
    };
    match serde_json::from_str::<DoctorAnswer>(&said.output) {
        Ok(answer) => {
            (Finding::good(format!("No entrad answers, so {shown} was run for the rest.")), answer.checks)
        }
        Err(_) => failed("answered what is no report"),
    }
}
