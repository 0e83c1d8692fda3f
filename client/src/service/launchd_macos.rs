//! A LaunchAgent (launchd.plist(5), launchctl(1)). launchd holds no socket for it: the daemon binds its own, so it is started
//! at the log-in and again when it dies.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use entra_proto::error::exit;
use rustix::process::geteuid;

use super::ours;
use super::plist::{self, COMMENT};
use super::tool::{Said, said_by};
use super::{Standing, Wish};
use crate::failure::Failure;
use crate::setup::file::{self, Content};

/// The command that starts the daemon anew.
pub(super) const RESTART: &str = "launchctl kickstart -k gui/$(id -u)/entrad";

/// `look` says whether the daemon runs.
pub(super) const TELLS_WHAT_RUNS: bool = true;

/// launchd has none for an agent.
pub(super) const HAS_SANDBOX: bool = false;

/// launchd of this user.
pub(super) struct System {
    home: PathBuf,
    domain: String,
}

impl System {
    /// The one of this session.
    pub(super) fn find() -> Result<Self, Failure> {
        let home = env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| {
            Failure::new(exit::MISCONFIGURED, "no_home", "Nothing says which folder is your home.")
                .hint("Set HOME to its absolute path.")
        })?;
        Ok(Self { home, domain: format!("gui/{}", geteuid().as_raw()) })
    }

    /// Where the daemon listens is its own affair here.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        None
    }

    /// What launchd knows.
    pub(super) fn look(&self) -> Result<Standing, Failure> {
        let mut standing = Standing::default();
        let path = self.agent();
        if let Some(content) = file::read(&path)? {
            standing.is_installed = true;
            standing.program = program_of(content.text(&path)?);
            standing.files.push(path);
        }
        let said = launchctl(&["print", &self.target()])?;
        standing.is_enabled = standing.is_installed && said.is_good;
        standing.is_running =
            said.is_good && said.output.lines().any(|line| line.trim() == "state = running");
        Ok(standing)
    }

    /// Writes the agent and has launchd take it.
    pub(super) fn install(&self, wish: &Wish<'_>, before: &Standing) -> Result<(), Failure> {
        let program = wish.program;
        let path = self.agent();
        let old = ours::read(&path, COMMENT)?;
        let text = plist::agent(program, &self.home.join("Library/Logs/entrad.log")).map_err(|error| {
            Failure::new(exit::MISCONFIGURED, "no_such_agent", error.to_string())
                .hint("Move it to a folder of a plainer name.")
        })?;
        let new = Content::private(ours::marked(text, COMMENT).into_bytes());
        if old.as_ref() == Some(&new) && before.is_running && !wish.is_outdated {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| {
                let sentence = format!("The folder {} cannot be made.", folder.display());
                Failure::new(exit::MISCONFIGURED, "settings_unwritable", sentence).because(&error)
            })?;
        }
        file::replace(&path, old.as_ref(), Some(&new))?;
        self.take(&path).inspect_err(|_| {
            // What led here is the failure to tell.
            let _told = file::replace(&path, Some(&new), old.as_ref());
        })
    }

    /// Removes what [`System::install`] wrote.
    pub(super) fn uninstall(&self) -> Result<(), Failure> {
        let path = self.agent();
        let Some(content) = ours::read(&path, COMMENT)? else { return Ok(()) };
        // It may not be loaded.
        let _unloaded = launchctl(&["bootout", &self.target()])?;
        Ok(file::replace(&path, Some(&content), None)?)
    }

    fn take(&self, path: &Path) -> Result<(), Failure> {
        // It may not be loaded, or be the former one.
        let _unloaded = launchctl(&["bootout", &self.target()])?;
        good(launchctl(&["enable", &self.target()])?)?;
        good(launchctl(&["bootstrap", &self.domain, &path.to_string_lossy()])?)
    }

    fn agent(&self) -> PathBuf {
        self.home.join("Library/LaunchAgents/entrad.plist")
    }

    fn target(&self) -> String {
        format!("{}/entrad", self.domain)
    }
}

/// When the program became what it is, in seconds since 1970.
pub(super) fn changed_on(program: &Path) -> Option<u64> {
    fs::metadata(program).ok().and_then(|about| u64::try_from(about.ctime()).ok())
}

fn program_of(agent: &str) -> Option<PathBuf> {
    let rest = agent.split_once("<array>")?.1.split_once("<string>")?.1;
    let text = rest.split_once("</string>")?.0;
    Some(PathBuf::from(text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")))
}

fn launchctl(words: &[&str]) -> Result<Said, Failure> {
    said_by(OsStr::new("/bin/launchctl"), words).map_err(|error| {
        Failure::new(exit::MISCONFIGURED, "no_service_manager", "launchctl cannot be run.").because(&error)
    })
}

fn good(said: Said) -> Result<(), Failure> {
    if said.is_good {
        return Ok(());
    }
    let sentence = format!("launchd refused the agent: {}", said.errors.trim());
    Err(Failure::new(exit::INTERNAL, "service_manager_failed", sentence)
        .hint("Run this in a session at the screen of the Mac, not over ssh or by sudo."))
}
