//! For whom the daemon runs, by the ids of the process and the owners of its folders.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use rustix::process::{getegid, geteuid, getgid, getuid};

use super::ForAnother;

/// Refuses to run with rights that are not those of who started it, or as root for somebody else. Before anything is read.
///
/// # Errors
/// [`ForAnother`], with what to do.
pub fn refuse_to_serve_another() -> Result<(), ForAnother> {
    let is_set = getuid() != geteuid() || getgid() != getegid();
    let owner = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        let owner = std::fs::metadata(&path).ok()?.uid();
        Some(Place { name, path, owner })
    };
    judge(is_set, geteuid().as_raw(), PLACES.into_iter().filter_map(owner))
}

fn judge(is_set: bool, ours: u32, mut places: impl Iterator<Item = Place>) -> Result<(), ForAnother> {
    if is_set {
        return Err(ForAnother(
            "The program is set-uid or set-gid, and entrad serves nobody but who starts it. Take that from it: `chmod ug-s` on \
             the program's file, as its owner."
                .to_owned(),
        ));
    }
    // Who is not root may use what the system lets them use. Root may use everything, and would leave files of its own in
    // another's folders, where that user could have put links before.
    match places.find(|place| ours == ROOT && place.owner != ROOT) {
        None => Ok(()),
        Some(place) => Err(ForAnother(format!(
            "entrad was started as root with the surroundings of another user: {place}. Start it as that user, without sudo; or, to \
             serve root itself, by `sudo -i`, or with HOME and XDG_RUNTIME_DIR of root's own.",
        ))),
    }
}

struct Place {
    name: &'static str,
    path: PathBuf,
    owner: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, which belongs to user {}", self.name, self.path.display(), self.owner)
    }
}

/// Below these are our folders, unless they are named.
const PLACES: [&str; 4] = ["HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"];

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::its_own(false, 1000, 1000, None)]
    #[case::root_for_itself(false, 0, 0, None)]
    #[case::no_home_of_ones_own(false, 1000, 0, None)]
    #[case::sudo(false, 0, 1000, Some("HOME is /home/ada, which belongs to user 1000"))]
    #[case::set_uid(true, 0, 0, Some("set-uid or set-gid"))]
    #[case::set_gid(true, 1000, 1000, Some("set-uid or set-gid"))]
    fn nobody_is_served_but_who_starts_it(
        #[case] is_set: bool,
        #[case] ours: u32,
        #[case] owner: u32,
        #[case] refusal: Option<&str>,
    ) {
        let home = Place { name: "HOME", path: "/home/ada".into(), owner };
        let judged = judge(is_set, ours, std::iter::once(home)).map_err(|error| error.to_string());
        match (judged, refusal) {
            (Ok(()), None) => {}
            (Err(said), Some(part)) => assert!(said.contains(part), "{said}"),
            (judged, _) => panic!("{judged:?}"),
        }
    }
}
