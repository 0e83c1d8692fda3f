//! Where no manager of the user's services takes a command from us.

use super::Trouble;

/// Has the user's service manager run a program with these variables.
///
/// # Errors
/// Always.
pub async fn run(_command: &[String], _variables: &[(&str, String)]) -> Result<(), Trouble> {
    Err(Trouble::NoDesktop)
}
