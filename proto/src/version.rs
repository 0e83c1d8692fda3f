//! Which versions of client and daemon may talk to each other.
//!
//! The path carries the API version (`/v1/…`): a change that an old caller cannot read gets a new path.
//! Beside it each answer names the daemon's own version in a header, so that a client can say when the two
//! programs differ, usually because the daemon still runs the version from before an upgrade.

/// The API version that the routes begin with.
pub const API: &str = "v1";

/// The header, in lower case, in which each answer carries the daemon's version.
pub const HEADER: &str = "entrad-version";

/// This build's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One sentence when client and daemon are of different versions, `None` when they match.
#[must_use]
pub fn skew(client: &str, daemon: Option<&str>) -> Option<String> {
    match daemon {
        Some(daemon) if daemon == client => None,
        Some(daemon) => Some(format!(
            "entra is version {client} but the running entrad is {daemon}; restart entrad to make them match."
        )),
        None => Some(
            "The answer names no entrad version, so something other than entrad may be listening on the socket."
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_versions_are_silent() {
        assert_eq!(skew("1.2.3", Some("1.2.3")), None);
    }

    #[test]
    fn different_versions_name_both_and_the_remedy() {
        let sentence = skew("2.0.0", Some("1.15.0")).unwrap();
        assert!(
            sentence.contains("2.0.0") && sentence.contains("1.15.0") && sentence.contains("restart entrad")
        );
        assert!(skew("1.0.0", None).is_some());
    }
}
