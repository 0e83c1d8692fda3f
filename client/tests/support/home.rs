//! A home of its own for the program, and what is in it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The home, gone with the value.
pub(crate) struct Home(TempDir);

/// Everything in it: modes, and bytes of files or targets of links.
pub(crate) type Tree = BTreeMap<PathBuf, (u32, Vec<u8>)>;

impl Home {
    /// With these files in it.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            home.write(name, text);
        }
        home
    }

    /// A place in it.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file that others may read.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    }

    /// A file's text.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    /// The command with each tool's settings at the same place on every system.
    pub(crate) fn dress(&self, command: &mut Command) {
        command
            .env("HOME", self.0.path())
            .env("XDG_DATA_HOME", self.at("data"))
            .env("XDG_STATE_HOME", self.at("state"))
            .env("XDG_CONFIG_HOME", self.at("config"))
            .env("PIP_CONFIG_FILE", self.at("config/pip.conf"));
    }

    /// All that is in it.
    pub(crate) fn tree(&self) -> Tree {
        let (mut tree, mut waiting) = (Tree::new(), vec![self.0.path().to_owned()]);
        while let Some(path) = waiting.pop() {
            let about = fs::symlink_metadata(&path).unwrap();
            let bytes = if about.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if about.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            let name = path.strip_prefix(self.0.path()).unwrap().to_owned();
            tree.insert(name, (about.permissions().mode(), bytes));
        }
        tree
    }
}

/// Says which entries differ, not what is in them all.
#[track_caller]
pub(crate) fn assert_same(now: &Tree, then: &Tree) {
    let names = now.keys().chain(then.keys());
    let differing: Vec<&Path> =
        names.filter(|name| now.get(*name) != then.get(*name)).map(PathBuf::as_path).collect();
    assert!(differing.is_empty(), "{differing:?} differ");
}
