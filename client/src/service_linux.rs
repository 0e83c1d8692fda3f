//! How entrad is started on Linux: by systemd, where it knows the unit.

use std::path::{Path, PathBuf};

/// The command that starts it, as a hint.
pub(super) fn how_to_start() -> &'static str {
    if is_unit_known(|name| std::env::var_os(name).map(PathBuf::from), |path| path.exists()) {
        "Start it with `systemctl --user start entrad`; `entra service status` says how it is."
    } else {
        "Start it with `entrad &`."
    }
}

/// Whether this session has a systemd user manager that knows entrad's unit (systemd.unit(5), "User Unit
/// Search Path").
fn is_unit_known(variable: impl Fn(&str) -> Option<PathBuf>, exists: impl Fn(&Path) -> bool) -> bool {
    let Some(runtime) = variable("XDG_RUNTIME_DIR").filter(|runtime| exists(&runtime.join("systemd"))) else {
        return false;
    };
    let home = |rest: &str| variable("HOME").map(|home| home.join(rest));
    let configured = variable("XDG_CONFIG_HOME").or_else(|| home(".config"));
    let data = variable("XDG_DATA_HOME").or_else(|| home(".local/share"));
    let own = [Some(runtime), configured, data].into_iter().flatten();
    let shared = ["/etc", "/usr/local/lib", "/usr/lib", "/usr/local/share", "/usr/share"].map(PathBuf::from);
    own.chain(shared).any(|folder| exists(&folder.join("systemd/user").join(UNIT)))
}

/// The unit's file name.
const UNIT: &str = "entrad.service";

/// The way to a fresh start when it hangs, as a hint.
pub(crate) const HOW_TO_RESTART: &str =
    "Its log says what it waits for; `systemctl --user restart entrad` starts it anew.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_counts_only_beside_a_running_manager() {
        let variable = |name: &str| match name {
            "XDG_RUNTIME_DIR" => Some(PathBuf::from("/run/user/7")),
            "HOME" => Some(PathBuf::from("/home/ada")),
            _ => None,
        };
        let with = |files: &'static [&str]| {
            is_unit_known(variable, move |path| files.iter().any(|file| Path::new(file) == path))
        };
        assert!(with(&["/run/user/7/systemd", "/home/ada/.config/systemd/user/entrad.service"]));
        assert!(with(&["/run/user/7/systemd", "/usr/lib/systemd/user/entrad.service"]));
        assert!(!with(&["/usr/lib/systemd/user/entrad.service"]));
        assert!(!with(&["/run/user/7/systemd"]));
    }
}
