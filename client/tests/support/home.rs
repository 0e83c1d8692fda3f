//! A home of its own for the program, and what is in it.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{entra, err, out};

#[cfg_attr(unix, path = "home_unix.rs")]
#[cfg_attr(windows, path = "home_windows.rs")]
mod platform;

pub(crate) use platform::{CLAUDE_DESKTOP, STATE, is_private, toml};

/// The home, gone with the value.
pub(crate) struct Home(TempDir);

/// Everything in it: modes, and bytes of files or what links lead to.
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
        platform::open_to_others(&path);
    }

    /// Makes a file one that nobody may write.
    pub(crate) fn make_read_only(&self, name: &str) {
        let mut permissions = fs::metadata(self.at(name)).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(self.at(name), permissions).unwrap();
    }

    /// Runs the client there to its end.
    pub(crate) fn run(&self, line: &str) -> Output {
        let mut command = entra(line);
        self.dress(&mut command);
        command.output().unwrap()
    }

    /// The same, which goes well; what it prints.
    #[track_caller]
    pub(crate) fn good(&self, line: &str) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(0), "{line}: {}{}", out(&output), err(&output));
        out(&output).to_owned()
    }

    /// Where the program is put under this name, as a helper.
    pub(crate) fn helper(&self, name: &str) -> PathBuf {
        self.0.path().join("data").join("entrad").join("bin").join(platform::program(name))
    }

    /// The same, as one that stands in for a program of its name.
    pub(crate) fn shim(&self, name: &str) -> PathBuf {
        self.0.path().join("data").join("entrad").join("shims").join(platform::program(name))
    }

    /// A file's text.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap()
    }

    /// The command with each tool's settings at the same place on every system.
    pub(crate) fn dress(&self, command: &mut Command) {
        platform::dress(command, self.0.path());
        command.env("PIP_CONFIG_FILE", self.at("config").join("pip.conf"));
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
                platform::content(&path)
            };
            let name = path.strip_prefix(self.0.path()).unwrap().to_owned();
            tree.insert(name, (platform::mode(&about), bytes));
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

/// Whether it is the program under another name.
#[track_caller]
pub(crate) fn assert_is_the_program(link: &Path) {
    let own = fs::canonicalize(env!("CARGO_BIN_EXE_entra")).unwrap();
    platform::assert_leads_to(link, &own);
}
