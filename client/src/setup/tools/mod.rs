//! One file a tool, or a family of them: what has to stand where.

pub(super) mod cargo;
pub(super) mod claude_code;
pub(super) mod claude_desktop;
pub(super) mod docker;
pub(super) mod export;
pub(super) mod git;
pub(super) mod keyring;
pub(super) mod kubectl;
pub(super) mod npm;
pub(super) mod shims;

use std::path::Path;

use entra_proto::error::exit;

use crate::failure::Failure;

/// The path as settings files have it.
fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let sentence =
            format!("The path {} is not text in UTF-8, as settings files must be.", path.display());
        Failure::new(exit::MISCONFIGURED, "path_unwritable", sentence)
            .hint("Name a folder without such characters in XDG_DATA_HOME.")
    })
}

/// An option that was given wrong, or is missing.
fn usage(sentence: impl Into<String>, hint: impl Into<String>) -> Failure {
    Failure::new(exit::USAGE, "usage", sentence).hint(hint)
}

/// A registry's address as npm and pnpm name it in their settings: without its scheme and with a slash at its end.
fn nerf_dart(address: &str) -> Option<String> {
    let rest = address.strip_prefix("https:")?.trim_end_matches('/');
    let host = rest.strip_prefix("//")?.split('/').next()?;
    (is_host(host) && !rest.contains(|c: char| c.is_whitespace() || c.is_control() || "=#?;[]".contains(c)))
        .then(|| format!("{rest}/"))
}

/// Whether it looks like a host, which may have a port.
fn is_host(host: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
    !host.is_empty() && host.chars().all(is_part) && !host.starts_with(['-', '.', ':'])
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(
        "https://pkgs.dev.azure.com/o/_packaging/f/npm/registry",
        Some("//pkgs.dev.azure.com/o/_packaging/f/npm/registry/")
    )]
    #[case("https://h:8443/", Some("//h:8443/"))]
    #[case("http://h/", None)]
    #[case("https://", None)]
    #[case("https://u:p@h/", None)]
    #[case("https://h/a\n//evil/:x", None)]
    fn registries_are_named_as_npm_names_them(#[case] address: &str, #[case] name: Option<&str>) {
        assert_eq!(nerf_dart(address).as_deref(), name);
    }
}
