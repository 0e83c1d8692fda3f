//! Where tools have their settings, and where entra keeps its links and records.

use std::env;
use std::fs::File;
use std::path::{Path, PathBuf, absolute};

use entra_proto::error::exit;

use super::file::{self, FileError};
use super::links::PROGRAM_ENDING;
use crate::failure::Failure;

#[cfg_attr(target_os = "linux", path = "places_linux.rs")]
#[cfg_attr(target_os = "macos", path = "places_macos.rs")]
#[cfg_attr(windows, path = "places_windows.rs")]
mod platform;

/// The user's own places.
pub(super) struct Places {
    home: PathBuf,
}

impl Places {
    /// Those of the user who runs this program.
    pub(super) fn find() -> Result<Self, Failure> {
        let home = env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
            Failure::new(exit::MISCONFIGURED, "no_home", "Nothing says which folder is your home.")
                .hint("Set HOME to its absolute path.")
        })?;
        Ok(Self { home })
    }

    /// The right to change settings there; see [`file::alone`].
    pub(super) fn alone(&self) -> Result<Option<File>, FileError> {
        file::alone(&self.home)
    }

    /// The link of a helper that tools find by its path, or on PATH where nothing else has its name.
    pub(super) fn helper(&self, name: &str) -> PathBuf {
        platform::data(&self.home).join("bin").join(format!("{name}{PROGRAM_ENDING}"))
    }

    /// The link of a helper that stands in for a program of its name; a folder of its own, so that nothing else is put before
    /// what is on PATH.
    pub(super) fn shim(&self, name: &str) -> PathBuf {
        platform::data(&self.home).join("shims").join(format!("{name}{PROGRAM_ENDING}"))
    }

    /// The folder of records.
    pub(super) fn records(&self) -> PathBuf {
        platform::state(&self.home).join("setup")
    }

    /// Folders of ours that may go when nothing is in them any more, inner ones first.
    pub(super) fn own_folders(&self) -> [PathBuf; 3] {
        let data = platform::data(&self.home);
        [self.records(), data.join("bin"), data.join("shims")]
    }

    /// Cargo reads the name without an ending first (The Cargo Book, "Configuration").
    pub(super) fn cargo(&self) -> PathBuf {
        let folder = variable("CARGO_HOME").unwrap_or_else(|| self.home.join(".cargo"));
        existing([folder.join("config")]).unwrap_or_else(|| folder.join("config.toml"))
    }

    /// The user's own settings, never a project's, which are committed.
    pub(super) fn claude_code(&self) -> PathBuf {
        variable("CLAUDE_CONFIG_DIR").unwrap_or_else(|| self.home.join(".claude")).join("settings.json")
    }

    /// The folder of configurations for third-party inference.
    pub(super) fn claude_desktop(&self) -> PathBuf {
        platform::claude_desktop(&self.home).join("configLibrary")
    }

    /// docker's settings.
    pub(super) fn docker(&self) -> PathBuf {
        variable("DOCKER_CONFIG").unwrap_or_else(|| self.home.join(".docker")).join("config.json")
    }

    /// The file that `git config --global` writes (git-config(1), "FILES").
    pub(super) fn git(&self) -> PathBuf {
        let own = self.home.join(".gitconfig");
        let shared =
            variable("XDG_CONFIG_HOME").unwrap_or_else(|| self.home.join(".config")).join("git/config");
        variable("GIT_CONFIG_GLOBAL").or_else(|| existing([own.clone(), shared])).unwrap_or(own)
    }

    /// The files of `KUBECONFIG`, else kubectl's own. Other than a tool that is set up for every folder, a context is one of those
    /// that kubectl knows here and now, so a relative name is what kubectl takes it for.
    pub(super) fn kubeconfigs(&self) -> Vec<PathBuf> {
        let named = env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
        // What is empty is passed over, as by kubectl.
        let named: Vec<PathBuf> =
            named.iter().flat_map(env::split_paths).filter_map(|path| absolute(path).ok()).collect();
        if named.is_empty() { vec![self.home.join(".kube").join("config")] } else { named }
    }

    /// The user's own file of npm and pnpm.
    pub(super) fn npm(&self) -> PathBuf {
        let named = variable("npm_config_userconfig").or_else(|| variable("NPM_CONFIG_USERCONFIG"));
        named.unwrap_or_else(|| self.home.join(".npmrc"))
    }

    /// The user's own file of pip (pip, "Configuration").
    pub(super) fn pip(&self) -> PathBuf {
        variable("PIP_CONFIG_FILE").unwrap_or_else(|| platform::pip(&self.home))
    }

    /// The user's own file of uv (uv, "Configuration files").
    pub(super) fn uv(&self) -> PathBuf {
        variable("UV_CONFIG_FILE").unwrap_or_else(|| platform::uv(&self.home))
    }
}

/// The folder or file that a variable names. A relative one would mean another in each folder.
fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn existing<const N: usize>(files: [PathBuf; N]) -> Option<PathBuf> {
    files.into_iter().find(|file| Path::exists(file))
}
