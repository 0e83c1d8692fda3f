//! What the tests of dialects share: the daemon's answers, and a program that is written to.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::FakeDaemon;

/// An answer to `POST /v1/token`; the token is `TOKEN`.
pub(crate) const ANSWER: &str = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795229074,"scopes":["s"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795229000}"#;

/// The token in it.
pub(crate) const TOKEN: &str = "eyJ0.e30.sig";

/// The refusal of a daemon without an account.
pub(crate) const SIGNED_OUT: &str =
    r#"{"code":"sign_in_needed","message":"Nobody is signed in.","hint":"Run `entra login`."}"#;

/// The same as one line.
pub(crate) const SIGNED_OUT_LINE: &str = "entrad: Nobody is signed in. Run `entra login`.\n";

/// Runs a helper to its end with this on its standard input.
pub(crate) fn fed(daemon: &FakeDaemon, line: &str, input: &str) -> Output {
    feed(daemon.entra(&format!("helper {line}")), input)
}

/// Runs a program to its end with this on its standard input.
pub(crate) fn feed(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that does not read ends before.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}
