//! Names of pipes.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::EndpointError;

/// The user's security identifier (SID) in its text form, as in `S-1-5-21-…-1001`: no two users have the same.
pub const PLACE: &str = "USER_SID";

/// What is missing without it, and the way out.
pub(super) const NO_PLACE: (&str, &str) =
    ("Windows does not say as which user this program runs", "name a pipe");

/// The pipe that is named for the user.
pub(super) fn address(sid: &OsStr) -> PathBuf {
    let mut name = OsStr::new(PIPES).to_owned();
    name.push("entrad-");
    name.push(sid);
    PathBuf::from(name)
}

/// Why the path cannot be a pipe's, its length aside. Pipes have no folders, and one of another machine is
/// never meant (Microsoft: "Pipe Names").
pub(super) fn fault(path: &Path) -> Option<EndpointError> {
    let name = path.to_str().and_then(|text| {
        let (start, name) = text.split_at_checked(PIPES.len())?;
        start.eq_ignore_ascii_case(PIPES).then_some(name)
    });
    let is_name = name.is_some_and(|name| !name.is_empty() && !name.contains(['\\', '/', '\0']));
    (!is_name).then(|| EndpointError::NotAPipe(path.to_owned()))
}

/// The longest name of a pipe, this start included (Microsoft: "CreateNamedPipeW function").
pub(super) const MAX_ADDRESS: usize = 256;

const PIPES: &str = r"\\.\pipe\";

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use rstest::rstest;

    use super::super::{SOCKET_VARIABLE, socket_path};
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<PathBuf, EndpointError> {
        socket_path(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value)))
    }

    #[test]
    fn the_variable_wins_over_the_users_own_pipe() {
        assert_eq!(with(&[(PLACE, "S-1-5-7")]).unwrap(), Path::new(r"\\.\pipe\entrad-S-1-5-7"));
        let both = [(PLACE, "S-1-5-7"), (SOCKET_VARIABLE, r"\\.\PIPE\mine")];
        assert_eq!(with(&both).unwrap(), Path::new(r"\\.\PIPE\mine"));
        assert_eq!(with(&[]), Err(EndpointError::NoPlace));
        assert!(EndpointError::NoPlace.to_string().ends_with("name a pipe in ENTRAD_SOCKET."));
    }

    #[rstest]
    #[case(r"entrad")]
    #[case(r"C:\entrad")]
    #[case(r"\\.\pipe\")]
    #[case(r"\\.\pipe\a\b")]
    #[case(r"\\.\pipe\..\x")]
    #[case(r"\\server\pipe\entrad")]
    #[case(r"\\?\pipe\entrad")]
    fn only_a_pipe_of_this_machine_will_do(#[case] path: &str) {
        let error = with(&[(SOCKET_VARIABLE, path)]).unwrap_err();
        assert!(error.to_string().starts_with(path) && error.to_string().ends_with(PIPES), "{error}");
    }

    #[test]
    fn a_name_has_a_longest_form() {
        let fitting = format!("{PIPES}{}", "x".repeat(MAX_ADDRESS - PIPES.len()));
        assert_eq!(with(&[(SOCKET_VARIABLE, &fitting)]).unwrap(), Path::new(&fitting));
        let error = with(&[(SOCKET_VARIABLE, &format!("{fitting}x"))]).unwrap_err();
        assert!(error.to_string().contains("shorter"), "{error}");
    }
}
