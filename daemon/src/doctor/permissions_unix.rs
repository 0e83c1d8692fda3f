//! By owner and mode (inode(7)).

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use entra_proto::doctor::shell_word;
use rustix::process::geteuid;

use super::{Fault, Want};

/// A Unix socket has a file, by whose mode it can be connected to.
pub(super) const SOCKET_IS_A_FILE: bool = true;

/// What is wrong with it, if anything is.
pub(super) fn fault(path: &Path, want: Want) -> io::Result<Option<Fault>> {
    // A link of the user's to their configuration is their own choice; what is private is none.
    let file = if want == Want::Private { path.symlink_metadata()? } else { path.metadata()? };
    let (us, mode, shown) = (geteuid().as_raw(), file.mode() & 0o7777, shell_word(path));
    let owner = file.uid();
    let is_fitting = match want {
        Want::Private => owner == us,
        Want::Ours => owner == us || owner == 0,
        Want::Administrators => owner == 0,
    };
    if !is_fitting {
        let right = if want == Want::Administrators { "root".to_owned() } else { "you".to_owned() };
        let chown = if want == Want::Administrators { "root".to_owned() } else { us.to_string() };
        return Ok(Some(Fault {
            evidence: format!("belongs to user {owner}, not to {right}"),
            remedy: format!(
                "If you know why, run `chown {chown} {shown}` as root; else find out who put it there."
            ),
        }));
    }
    let (open, what, right) = match want {
        Want::Private => (0o077, "which lets others in", if file.is_dir() { "700" } else { "600" }),
        Want::Ours | Want::Administrators => {
            (0o022, "so that others can change it", if file.is_dir() { "755" } else { "644" })
        }
    };
    if mode & open != 0 {
        let by = if owner == us { "" } else { " as root" };
        return Ok(Some(Fault {
            evidence: format!("has mode {mode:04o}, {what}"),
            remedy: format!("Run `chmod {right} {shown}`{by}."),
        }));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0o600, Want::Private, None)]
    #[case(0o640, Want::Private, Some("chmod 600 "))]
    #[case(0o644, Want::Ours, None)]
    #[case(0o664, Want::Ours, Some("chmod 644 "))]
    fn the_mode_says_who_may(#[case] mode: u32, #[case] want: Want, #[case] remedy: Option<&str>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
        let fault = fault(file.path(), want).unwrap();
        assert_eq!(fault.is_some(), remedy.is_some());
        assert!(fault.is_none_or(|fault| fault.remedy.contains(remedy.unwrap())));
    }

    #[test]
    fn a_remedy_can_be_pasted() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("Application Support");
        fs::create_dir(&folder).unwrap();
        for (want, mode, right) in [(Want::Private, 0o755, "700"), (Want::Ours, 0o777, "755")] {
            fs::set_permissions(&folder, Permissions::from_mode(mode)).unwrap();
            let fault = fault(&folder, want).unwrap().unwrap();
            assert_eq!(fault.remedy, format!("Run `chmod {right} '{}'`.", folder.display()));
        }
    }

    #[test]
    fn an_administrator_s_file_is_root_s() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::set_permissions(file.path(), Permissions::from_mode(0o644)).unwrap();
        let is_root = geteuid().is_root();
        assert_eq!(fault(file.path(), Want::Administrators).unwrap().is_none(), is_root);
    }
}
