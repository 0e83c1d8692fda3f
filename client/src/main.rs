//! The program; everything is in the library, so that tests can build it with other surroundings.
#![cfg_attr(target_os = "linux", no_main)]

#[cfg(target_os = "linux")]
mod main_linux;

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    entra::main().into()
}
