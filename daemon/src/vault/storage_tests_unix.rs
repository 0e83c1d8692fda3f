//! Erasing beside links.

use std::fs;
use std::os::unix::fs::symlink;

use super::storage::Storage;

#[test]
fn what_a_link_leads_to_is_not_erased() {
    let folder = tempfile::tempdir().unwrap();
    let (state, precious) = (folder.path().join("entrad"), folder.path().join("precious"));
    fs::create_dir(&state).unwrap();
    fs::write(&precious, "mine").unwrap();
    symlink(&precious, state.join("vault.sealed")).unwrap();
    symlink(folder.path(), state.join("vault.sealed.damaged-1")).unwrap();
    let erased = Storage::folder(state.clone()).erase();
    assert_eq!((erased.files.len(), erased.left.len()), (2, 0), "{erased:?}");
    assert_eq!(fs::read_dir(state).unwrap().count(), 0);
    assert_eq!(fs::read_to_string(precious).unwrap(), "mine");
}
