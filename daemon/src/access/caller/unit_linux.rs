//! The unit of systemd that a process belongs to, by its place in the tree of control groups (cgroups(7), systemd's
//! `docs/CGROUP_DELEGATION.md`).
//!
//! Below the user's own manager each program of the user's may make units and move processes among them: there a unit says how
//! a process was started, and not that nobody else could have.

/// The unit, as `/proc/PID/cgroup` tells it: the user's own, where there is one, else the system's.
pub(super) fn unit_in(groups: &str) -> Option<String> {
    let of = |start: &str| groups.lines().find_map(|line| line.strip_prefix(start));
    // Where the old tree is in use besides, systemd's own names there are the ones that count.
    let path = of("0::").filter(|path| *path != "/").or_else(|| {
        groups.lines().find_map(|line| line.split_once(":name=systemd:").map(|(_, path)| path))
    })?;
    let mut names = path.split('/').filter(|name| !name.is_empty()).map(unescaped);
    let unit = below_slices(&mut names)?;
    if !is_manager(unit) {
        return Some(unit.to_owned());
    }
    Some(below_slices(&mut names).unwrap_or(unit).to_owned())
}

fn below_slices<'a>(names: &mut impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.find(|name| !name.ends_with(".slice")).filter(|name| KINDS.iter().any(|kind| name.ends_with(kind)))
}

/// A user's own manager, which has units of its own below.
fn is_manager(unit: &str) -> bool {
    unit.starts_with("user@") && unit.ends_with(".service")
}

/// systemd puts this before a name that the kernel might take for one of its files.
fn unescaped(name: &str) -> &str {
    name.strip_prefix('_').unwrap_or(name)
}

/// What has processes (systemd.unit(5)).
const KINDS: [&str; 5] = [".service", ".scope", ".socket", ".mount", ".swap"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0::/system.slice/cron.service\n", Some("cron.service"))]
    #[case(
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-code-7.scope\n",
        Some("app-code-7.scope")
    )]
    #[case("0::/user.slice/user-1000.slice/user@1000.service/init.scope\n", Some("init.scope"))]
    #[case("0::/user.slice/user-1000.slice/user@1000.service\n", Some("user@1000.service"))]
    #[case("0::/user.slice/user-1000.slice/session-2.scope\n", Some("session-2.scope"))]
    #[case(
        "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-a.scope/container\n",
        Some("libpod-a.scope")
    )]
    #[case("0::/system.slice/_cgroup.procs.service\n", Some("cgroup.procs.service"))]
    #[case("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n0::/\n", Some("cron.service"))]
    #[case("0::/\n", None)]
    #[case("0::/../../other.service\n", None)]
    #[case("0::/docker/0123\n", None)]
    #[case("", None)]
    fn a_unit_is_found_by_its_place(#[case] groups: &str, #[case] expected: Option<&str>) {
        assert_eq!(unit_in(groups).as_deref(), expected);
    }
}
