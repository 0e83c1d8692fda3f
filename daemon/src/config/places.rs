//! Where settings come from on this system, and what a test puts there instead.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Args, managed, paths};

/// The places that settings come from.
pub struct Places<'a> {
    /// What administrators may write.
    pub administrators: Administrators,
    /// The command line.
    pub args: Args,
    /// Looks an environment variable up.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Places that only administrators may write to. No setting and no variable changes them.
#[derive(Clone, Debug)]
pub struct Administrators {
    /// Their file.
    pub machine_file: PathBuf,
    /// What manages this machine, the weakest first.
    pub managed: Vec<Place>,
    /// Where Claude Desktop is managed, the weakest first.
    pub claude_desktop: Vec<Place>,
}

/// A place of managed settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder of TOML files, which are read in the order of their names.
    Folder(PathBuf),
    /// A TOML file that is no source yet, whoever wrote it: for a report alone.
    Draft(PathBuf),
    /// A JSON file.
    Json(PathBuf),
    /// A property list.
    PropertyList(PathBuf),
    /// A key of the registry of Windows.
    Registry {
        /// Its hive.
        hive: Hive,
        /// Its path there.
        path: &'static str,
    },
}

/// A hive of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hive {
    /// `HKEY_LOCAL_MACHINE`.
    Machine,
    /// `HKEY_CURRENT_USER`.
    User,
}

impl Administrators {
    /// Those of this system.
    #[must_use]
    pub fn of_this_system() -> Self {
        Self {
            machine_file: paths::machine_file(),
            managed: managed::managed(),
            claude_desktop: managed::claude_desktop(),
        }
    }

    /// The same layout as on Linux below a folder of a test: `config.toml`, `managed.d`, `claude-desktop.json`.
    #[must_use]
    pub fn below(folder: &Path) -> Self {
        Self {
            machine_file: folder.join("config.toml"),
            managed: vec![Place::Folder(folder.join("managed.d"))],
            claude_desktop: vec![Place::Json(folder.join("claude-desktop.json"))],
        }
    }
}

impl Place {
    /// The file or folder, where it is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Draft(path) | Self::Folder(path) | Self::Json(path) | Self::PropertyList(path) => {
                Some(path)
            }
            Self::Registry { .. } => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Draft(path) | Self::Folder(path) | Self::Json(path) | Self::PropertyList(path) => {
                path.display().fmt(f)
            }
            Self::Registry { hive: Hive::Machine, path } => write!(f, r"HKLM\{path}"),
            Self::Registry { hive: Hive::User, path } => write!(f, r"HKCU\{path}"),
        }
    }
}
