//! Where Windows is managed: the policies of the user and of the machine, which is the stronger one.
//!
//! Both lie below `SOFTWARE\Policies`, where Windows lets only administrators write, in the user's hive as well.

use super::places::{Hive, Place};

/// The managed settings.
pub(super) fn managed() -> Vec<Place> {
    both(r"SOFTWARE\Policies\entrad")
}

/// Those of Claude Desktop (its deployment guide: "Windows"). A policy of the machine stands in for all of the user's there.
pub(super) fn claude_desktop() -> Vec<Place> {
    both(r"SOFTWARE\Policies\Claude")
}

fn both(path: &'static str) -> Vec<Place> {
    [Hive::User, Hive::Machine].map(|hive| Place::Registry { hive, path }).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_policies_are_looked_at_and_the_machines_are_the_stronger_ones() {
        for (places, name) in [(managed(), "entrad"), (claude_desktop(), "Claude")] {
            let places: Vec<String> = places.iter().map(ToString::to_string).collect();
            assert_eq!(places, ["HKCU", "HKLM"].map(|hive| format!(r"{hive}\SOFTWARE\Policies\{name}")));
        }
    }
}
