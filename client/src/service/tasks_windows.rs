//! A logon task of the user's own (Microsoft: "schtasks"). A Windows service would run as another account, where the user's
//! keys are out of reach.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use entra_proto::error::exit;

use super::task;
use super::tool::{Said, said_by};
use super::{Standing, Wish};
use crate::failure::Failure;
use crate::platform::lookup;

/// The command that starts the daemon anew.
pub(super) const RESTART: &str = "schtasks /end /tn entrad, then schtasks /run /tn entrad";

/// The scheduler says in the user's language whether a task runs, so the daemon itself is asked.
pub(super) const TELLS_WHAT_RUNS: bool = false;

/// The scheduler has none.
pub(super) const HAS_SANDBOX: bool = false;

/// The task scheduler.
pub(super) struct System {
    folder: PathBuf,
    sid: String,
}

impl System {
    /// The one of this machine.
    pub(super) fn find() -> Result<Self, Failure> {
        let folder = env::var_os("SystemRoot").map(|root| PathBuf::from(root).join("System32"));
        let sid = lookup(entra_proto::endpoint::PLACE).and_then(|sid| sid.into_string().ok());
        match (folder, sid) {
            (Some(folder), Some(sid)) => Ok(Self { folder, sid }),
            _ => Err(Failure::new(
                exit::MISCONFIGURED,
                "no_service_manager",
                "Windows does not say who you are, or where it is.",
            )
            .hint("Run the command in a session of your own, with SystemRoot set.")),
        }
    }

    /// Where the daemon listens is its own affair here.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        None
    }

    /// What the scheduler knows.
    pub(super) fn look(&self) -> Result<Standing, Failure> {
        let mut standing = Standing::default();
        let Some(task) = self.task()? else { return Ok(standing) };
        standing.is_installed = true;
        standing.is_enabled = !task.contains("<Enabled>false</Enabled>");
        standing.program = task::program_of(&task).map(PathBuf::from);
        Ok(standing)
    }

    /// Registers the task and runs it.
    pub(super) fn install(&self, wish: &Wish<'_>, before: &Standing) -> Result<(), Failure> {
        let program = wish.program;
        self.refuse_anothers()?;
        if before.program.as_deref() == Some(program)
            && before.is_enabled
            && before.is_running
            && !wish.is_outdated
        {
            return Ok(());
        }
        let console = self.folder.join("conhost.exe");
        let text = task::task(&console.to_string_lossy(), &program.to_string_lossy(), &self.sid).map_err(
            |error| {
                Failure::new(exit::MISCONFIGURED, "no_such_task", error.to_string())
                    .hint("Move it to a folder of a plainer name.")
            },
        )?;
        let file = env::temp_dir().join(format!("entrad-task-{}.xml", std::process::id()));
        let written = write(&file, &text);
        let made = written.map_err(|error| {
            let sentence = format!("{} cannot be written.", file.display());
            Failure::new(exit::MISCONFIGURED, "settings_unwritable", sentence).because(&error)
        });
        let made = made.and_then(|()| {
            good(self.schtasks(&["/create", "/tn", NAME, "/xml", &file.to_string_lossy(), "/f"])?)
        });
        // It holds nothing that is secret.
        let _left = fs::remove_file(&file);
        made?;
        if before.is_running {
            // It may have ended meanwhile.
            let _ended = self.schtasks(&["/end", "/tn", NAME])?;
        }
        good(self.schtasks(&["/run", "/tn", NAME])?)
    }

    /// Ends the task and deletes it.
    pub(super) fn uninstall(&self) -> Result<(), Failure> {
        self.refuse_anothers()?;
        if self.task()?.is_none() {
            return Ok(());
        }
        // It may not run.
        let _ended = self.schtasks(&["/end", "/tn", NAME])?;
        good(self.schtasks(&["/delete", "/tn", NAME, "/f"])?)
    }

    fn refuse_anothers(&self) -> Result<(), Failure> {
        match self.task()? {
            Some(task) if !task::is_ours(&task) => Err(Failure::new(
                exit::MISCONFIGURED,
                "not_ours",
                "There is a task named entrad that is not entra's.",
            )
            .hint("It is left as it is. Rename it in the Task Scheduler, and run the command again.")),
            _ => Ok(()),
        }
    }

    /// The task's definition.
    fn task(&self) -> Result<Option<String>, Failure> {
        let said = self.schtasks(&["/query", "/tn", NAME, "/xml"])?;
        Ok(said.is_good.then_some(said.output))
    }

    fn schtasks(&self, words: &[&str]) -> Result<Said, Failure> {
        let program = self.folder.join("schtasks.exe");
        said_by(program.as_os_str(), words).map_err(|error| {
            Failure::new(exit::MISCONFIGURED, "no_service_manager", "schtasks cannot be run.").because(&error)
        })
    }
}

/// Windows keeps no time at which a file was put in place.
pub(super) fn changed_on(_: &Path) -> Option<u64> {
    None
}

/// In UTF-16 with its mark, as the declaration says.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    let bytes: Vec<u8> = units.flat_map(u16::to_le_bytes).collect();
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(&bytes)
}

fn good(said: Said) -> Result<(), Failure> {
    if said.is_good {
        return Ok(());
    }
    let sentence = format!("The task scheduler refused: {}", said.errors.trim());
    Err(Failure::new(exit::INTERNAL, "service_manager_failed", sentence)
        .hint("An administrator can forbid tasks of users; then start entrad from your Startup folder."))
}

const NAME: &str = "entrad";
