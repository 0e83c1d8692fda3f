//! `entra run`: a program with a lease of its own, for as long as it runs.
//!
//! The lease is bound to this very process, and the program then takes its place: no one is left between the program and
//! its terminal, and when it ends, so does the lease.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::io::{Error, ErrorKind};
use std::path::Path;
use std::process::{Command, id};

use entra_proto::agent::UNNAMED;
use entra_proto::lease::LeaseRequest;

use crate::args::RunArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::platform;
use crate::surroundings::Surroundings;

/// Makes the lease and becomes the program; returns only when that fails.
pub(crate) fn run(socket: &Socket, args: RunArgs) -> Result<Infallible, Failure> {
    let RunArgs { means, name, command } = args;
    let mut words = command.into_iter();
    let program = words.next().unwrap_or_default();
    let own = named_after(&program);
    let name = name.unwrap_or_else(|| own.clone());
    let further = means.env.iter().map(|variable| variable.resource.clone()).collect();
    let is_unnamed_agent = means.terms.agent.as_deref() == Some(UNNAMED);
    let request = means.terms.request(name, further);
    // The agent is what is started, whatever its lease is called.
    let agent = if is_unnamed_agent { Some(own) } else { request.agent.clone() };
    let request = LeaseRequest { process: Some(id()), agent, ..request };
    let surroundings = Surroundings::ask_for(socket, &request, &means.env, &means.keep)?;
    let mut command = Command::new(platform::located(&program));
    command.args(words);
    surroundings.put_around(&mut command, |name| std::env::var_os(name));
    // What is left of the secret is the program's own copy.
    drop(surroundings);
    Err(not_started(&program, &platform::become_program(command)))
}

/// The program's name as far as a lease's may have it.
fn named_after(program: &OsStr) -> String {
    let stem = Path::new(program).file_stem().unwrap_or_default().to_string_lossy();
    let is_plain = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
    let name: String = stem.chars().filter(is_plain).take(LONGEST_NAME).collect();
    if name.is_empty() { "run".to_owned() } else { name }
}

/// Ends as a shell does that cannot start a program (POSIX.1-2024 XCU 2.8.2).
fn not_started(program: &OsStr, error: &Error) -> Failure {
    let shown = program.to_string_lossy();
    let is_path = Path::new(program).components().count() > 1;
    match error.kind() {
        ErrorKind::NotFound if !is_path => Failure::new(
            NOT_FOUND,
            "program_not_found",
            format!("There is no program `{shown}` on your PATH."),
        )
        .hint("Aliases and functions of a shell are none; `sh -c '…'` runs a shell's line."),
        ErrorKind::NotFound if !Path::new(program).exists() => {
            Failure::new(NOT_FOUND, "program_not_found", format!("There is no program `{shown}`."))
        }
        ErrorKind::NotFound => {
            Failure::new(NOT_STARTED, "program_not_started", format!("`{shown}` could not be started."))
                .hint("The interpreter or loader that it names is not on this machine.")
        }
        _ => Failure::new(NOT_STARTED, "program_not_started", format!("`{shown}` could not be started."))
            .because(error),
    }
}

/// Long enough to tell programs apart in a table.
const LONGEST_NAME: usize = 40;

/// What shells end with when there is no such program, and when it does not start.
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("psql", "psql")]
    #[case("/usr/bin/python3.11", "python3")]
    #[case("./my tool\u{1b}[31m", "mytool31m")]
    #[case("\u{6f22}", "run")]
    #[case("", "run")]
    fn a_lease_is_called_as_its_program(#[case] program: &str, #[case] name: &str) {
        assert_eq!(named_after(program.as_ref()), name);
    }

    #[test]
    fn what_does_not_start_ends_as_shells_do() {
        let here = std::env::current_exe().unwrap();
        let not_found = Error::from(ErrorKind::NotFound);
        assert_eq!(not_started("nothing".as_ref(), &not_found).exit(), 127);
        assert_eq!(not_started(here.join("x").as_os_str(), &not_found).exit(), 127);
        let without_interpreter = not_started(here.as_os_str(), &not_found);
        assert_eq!(without_interpreter.exit(), 126);
        assert!(without_interpreter.to_body().hint.is_some_and(|hint| hint.contains("interpreter")));
        assert_eq!(not_started("x".as_ref(), &ErrorKind::PermissionDenied.into()).exit(), 126);
    }
}
