//! Plays the other programs on a Windows machine: a crowd of callers, and one that has taken the pipe's name.
//!
//! `crowd PIPE COUNT` opens so many connections, and only when all are open asks over each for a token. `hold PIPE
//! OWNER ENDS` makes the pipe as one of that owner with so many ends, and tells what its callers send.

#[cfg(windows)]
#[path = "../../tests/support/pipe_end_windows.rs"]
mod pipe_end;
#[cfg(windows)]
#[path = "windows.rs"]
mod probe;

#[cfg(windows)]
fn main() -> std::process::ExitCode {
    probe::main()
}

/// Elsewhere there are no pipes with names.
#[cfg(not(windows))]
fn main() -> std::process::ExitCode {
    std::process::ExitCode::FAILURE
}
