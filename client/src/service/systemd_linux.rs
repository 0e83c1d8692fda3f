//! systemd's user manager (systemd.unit(5), systemctl(1)).
//!
//! The sockets are the manager's, so requests wait while entrad is restarted. What is installed is worked out first; when a
//! later step fails, everything is as it was.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use entra_proto::error::exit;

use super::ours;
use super::tool::{Said, said_by};
use super::units::{self, COMMENT};
use super::{Standing, Wish};
use crate::failure::Failure;
use crate::setup::file::{self, Content};

/// The command that starts the daemon anew.
pub(super) const RESTART: &str = "systemctl --user restart entrad";

/// `look` says whether the daemon runs.
pub(super) const TELLS_WHAT_RUNS: bool = true;

/// systemd has one, made of a user namespace.
pub(super) const HAS_SANDBOX: bool = true;

/// The user's manager.
pub(super) struct System {
    runtime: PathBuf,
    /// The manager's own environment, which is the daemon's.
    variables: BTreeMap<String, String>,
}

/// A unit, or the drop-in of one, as it is and as it is to be.
struct Unit {
    path: PathBuf,
    old: Option<Content>,
    new: Option<Content>,
}

impl System {
    /// The manager of this session.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn find() -> Result<Self, Failure> {
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let runtime = runtime.filter(|path| path.join("systemd/private").exists()).ok_or_else(no_manager)?;
        let said = systemctl(&["show-environment"])?;
        let pairs = said.output.lines().filter_map(|line| line.split_once('='));
        let variables = pairs.filter_map(|(name, value)| Some((name.to_owned(), unquoted(value)?))).collect();
        Ok(Self { runtime, variables })
    }

    /// Where the service listens.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        Some(self.runtime.join("entrad/entrad.sock"))
    }

    /// What the manager knows.
    pub(super) fn look(&self) -> Result<Standing, Failure> {
        let mut standing = Standing::default();
        let (service, socket) = (self.properties(SERVICE)?, self.properties(SOCKET)?);
        let is = |unit: &BTreeMap<String, String>, name: &str, value: &str| {
            unit.get(name).is_some_and(|found| found == value)
        };
        standing.is_installed = is(&service, "LoadState", "loaded") && is(&socket, "LoadState", "loaded");
        standing.is_enabled = is(&socket, "UnitFileState", "enabled");
        standing.is_held = is(&socket, "ActiveState", "active");
        standing.is_running = is(&service, "ActiveState", "active");
        standing.program = service.get("ExecStart").and_then(|line| program_of(line));
        standing.is_sandboxed = Some(is(&service, "PrivateUsers", "yes"));
        let is_failed = [&service, &socket].into_iter().any(|unit| is(unit, "ActiveState", "failed"));
        for unit in [service, socket, self.properties(LOOPBACK)?] {
            let file = unit.get("FragmentPath").filter(|path| !path.is_empty());
            standing.files.extend(file.map(PathBuf::from));
        }
        standing.files.extend(Some(self.folder()?.join(SANDBOX)).filter(|path| path.exists()));
        if is_failed {
            standing.notes.push(
                "entrad could not be started; `journalctl --user -u entrad` says why, and `systemctl --user restart \
                 entrad.socket` tries again."
                    .to_owned(),
            );
        }
        Ok(standing)
    }

    /// Writes the units and has the manager take them.
    pub(super) fn install(&self, wish: &Wish<'_>, before: &Standing) -> Result<(), Failure> {
        let plan = self.plan(wish)?;
        let changed: Vec<&Unit> = plan.iter().filter(|unit| unit.old != unit.new).collect();
        if changed.is_empty() && before.is_held && before.is_enabled && !wish.is_outdated {
            return Ok(());
        }
        if changed.iter().any(|unit| unit.path.ends_with(SANDBOX) && unit.new.is_some()) {
            refuse_without_namespaces()?;
        }
        let names: Vec<&str> = plan.iter().filter_map(|unit| unit.path.file_name()?.to_str()).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| UNITS.contains(name)).collect();
        let done = self.write(&changed).and_then(|()| self.take(&names, &changed, before));
        done.inspect_err(|_| self.take_back(&names, &changed))?;
        self.sweep_drop_ins();
        Ok(())
    }

    /// Removes what [`System::install`] wrote.
    pub(super) fn uninstall(&self) -> Result<(), Failure> {
        let folder = self.folder()?;
        let mut found = Vec::new();
        for name in UNITS.into_iter().chain([SANDBOX]) {
            let path = folder.join(name);
            if let Some(content) = ours::read(&path, COMMENT)? {
                found.push((name, path, content));
            }
        }
        if !found.is_empty() {
            let names: Vec<&str> =
                found.iter().map(|(name, ..)| *name).filter(|name| *name != SANDBOX).collect();
            if !names.is_empty() {
                systemctl_each("stop", &names)?;
                systemctl_each("disable", &names)?;
            }
            for (_, path, content) in &found {
                file::replace(path, Some(content), None)?;
            }
            systemctl(&["daemon-reload"])?;
            // One that failed is known until then; there may be none.
            let _unknown = systemctl_each("reset-failed", &UNITS);
        }
        self.sweep();
        Ok(())
    }

    fn plan(&self, wish: &Wish<'_>) -> Result<Vec<Unit>, Failure> {
        let state_dir = self.state_dir()?;
        let unwritable = |error: units::Unwritable| {
            Failure::new(exit::MISCONFIGURED, "no_such_unit", error.to_string())
                .hint("Move it to a folder of a plainer name.")
        };
        let sandbox = if wish.sandbox { Some(units::sandbox(&state_dir).map_err(unwritable)?) } else { None };
        let mut texts = vec![
            (SERVICE, Some(units::service(wish.program).map_err(unwritable)?)),
            (SANDBOX, sandbox),
            (SOCKET, Some(units::socket())),
        ];
        if let Some(port) = remembered_port(&state_dir) {
            texts.push((LOOPBACK, Some(units::loopback(port))));
        }
        let folder = self.folder()?;
        let unit = |(name, text): (&str, Option<String>)| {
            let path = folder.join(name);
            let old = ours::read(&path, COMMENT)?;
            let new = text.map(|text| Content::private(ours::marked(text, COMMENT).into_bytes()));
            Ok(Unit { path, old, new })
        };
        texts.into_iter().map(unit).collect()
    }

    fn write(&self, changed: &[&Unit]) -> Result<(), Failure> {
        let cannot = |path: &Path| {
            let sentence = format!("The folder {} cannot be made.", path.display());
            move |error: std::io::Error| {
                Failure::new(exit::MISCONFIGURED, "settings_unwritable", sentence).because(&error)
            }
        };
        for unit in changed.iter().filter(|unit| unit.new.is_some()) {
            if let Some(folder) = unit.path.parent() {
                fs::create_dir_all(folder).map_err(cannot(folder))?;
            }
            let state_dir = self.state_dir()?;
            if unit.path.ends_with(SANDBOX) && !state_dir.exists() {
                // The sandbox opens it to entrad, so it has to be there before.
                let above = state_dir.parent().unwrap_or(Path::new("/"));
                fs::create_dir_all(above).map_err(cannot(above))?;
                file::make_folder(&state_dir).map_err(cannot(&state_dir))?;
            }
        }
        for unit in changed {
            file::replace(&unit.path, unit.old.as_ref(), unit.new.as_ref())?;
        }
        Ok(())
    }

    fn take(&self, names: &[&str], changed: &[&Unit], before: &Standing) -> Result<(), Failure> {
        systemctl(&["daemon-reload"])?;
        // Tries that failed are forgotten; there may be none.
        let _none = systemctl_each("reset-failed", names);
        let sockets: Vec<&str> = names.iter().copied().filter(|name| name.ends_with(".socket")).collect();
        let is_socket = |unit: &&&Unit| unit.path.extension() == Some(OsStr::new("socket"));
        if before.is_running && changed.iter().any(|unit| is_socket(&unit)) {
            // The manager opens no socket for a service that runs.
            systemctl_each("stop", names)?;
        }
        systemctl_each("enable", names)?;
        systemctl_each("start", &sockets)?;
        if before.is_running {
            systemctl(&["restart", SERVICE])?;
        }
        Ok(())
    }

    /// Best effort: what led here is the failure to tell.
    fn take_back(&self, names: &[&str], changed: &[&Unit]) {
        let is_first = changed.iter().any(|unit| unit.old.is_none() && unit.path.ends_with(SERVICE));
        if is_first {
            let _told = systemctl_each("stop", names);
            let _told = systemctl_each("disable", names);
        }
        for unit in changed {
            let _told = file::replace(&unit.path, unit.new.as_ref(), unit.old.as_ref());
        }
        let _told = systemctl(&["daemon-reload"]);
        if !is_first {
            // What stood there before is to stand there again.
            let _told = systemctl_each("start", names);
        }
        self.sweep();
    }

    /// Removes the folders that are empty now; those that others use are not.
    fn sweep(&self) {
        self.sweep_drop_ins();
        let Ok(folder) = self.folder() else { return };
        // The sandbox wants the state folder, though it be empty still.
        let state_dir = self.state_dir().ok().filter(|_| !folder.join(SANDBOX).exists());
        let above = folder.parent().map(Path::to_owned);
        let own = [self.runtime.join("entrad")];
        for folder in [folder].into_iter().chain(above).chain(own).chain(state_dir) {
            let _in_use = fs::remove_dir(folder);
        }
    }

    /// The folder of drop-ins is the user's too, and then not empty.
    fn sweep_drop_ins(&self) {
        if let Ok(folder) = self.folder() {
            let _in_use = folder.join(SANDBOX).parent().map(fs::remove_dir);
        }
    }

    fn properties(&self, unit: &str) -> Result<BTreeMap<String, String>, Failure> {
        let wanted = "--property=LoadState,ActiveState,UnitFileState,FragmentPath,ExecStart,PrivateUsers";
        let said = systemctl(&["show", wanted, unit])?;
        let pairs = said.output.lines().filter_map(|line| line.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Where the manager looks for the user's own units.
    fn folder(&self) -> Result<PathBuf, Failure> {
        Ok(self.place("XDG_CONFIG_HOME", ".config")?.join("systemd/user"))
    }

    /// Where the daemon keeps its state, unless a setting names another place.
    fn state_dir(&self) -> Result<PathBuf, Failure> {
        match self.variables.get("ENTRAD_STATE_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
            Some(named) => Ok(named),
            None => Ok(self.place("XDG_STATE_HOME", ".local/state")?.join("entrad")),
        }
    }

    fn place(&self, variable: &str, below_home: &str) -> Result<PathBuf, Failure> {
        let named =
            |name: &str| self.variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let place = named(variable).or_else(|| Some(named("HOME")?.join(below_home)));
        place.ok_or_else(|| {
            Failure::new(
                exit::MISCONFIGURED,
                "no_home",
                "The systemd user manager does not know which folder is your home.",
            )
            .hint("Log out and in again; HOME is set at a log-in.")
        })
    }
}

/// When the program became what it is, in seconds since 1970. Not when it was made: a package keeps that time.
pub(super) fn changed_on(program: &Path) -> Option<u64> {
    fs::metadata(program).ok().and_then(|about| u64::try_from(about.ctime()).ok())
}

/// The program of `ExecStart={ path=/opt/entrad ; argv[]=/opt/entrad ; … }`.
fn program_of(line: &str) -> Option<PathBuf> {
    let rest = line.split_once("path=")?.1;
    Some(PathBuf::from(rest.split_once(" ; argv[]=")?.0))
}

/// The port where tools ask, which the daemon keeps in its state folder.
fn remembered_port(state_dir: &Path) -> Option<u16> {
    let kept = file::read(&state_dir.join("loopback-port")).ok()??;
    std::str::from_utf8(&kept.bytes).ok()?.trim().parse().ok().filter(|port| *port != 0)
}

/// A value of `systemctl show-environment`, which quotes what a shell would take otherwise.
fn unquoted(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix("$'") else { return Some(value.to_owned()) };
    let mut text = String::new();
    let mut characters = inner.strip_suffix('\'')?.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next()? {
                c @ ('\\' | '\'' | '"') => text.push(c),
                // A control character: no folder of anybody's.
                _ => return None,
            },
            c => text.push(c),
        }
    }
    Some(text)
}

/// Some systems keep user namespaces from users.
fn refuse_without_namespaces() -> Result<(), Failure> {
    let mut words = vec!["--user", "--quiet", "--wait", "--collect"];
    for setting in ["PrivateUsers=yes", "PrivateTmp=yes", "ProtectSystem=strict"] {
        words.extend(["-p", setting]);
    }
    words.push("true");
    let said = said_by(OsStr::new("systemd-run"), &words).map_err(|error| no_manager().because(&error))?;
    if said.is_good {
        return Ok(());
    }
    Err(Failure::new(
        exit::MISCONFIGURED,
        "no_namespaces",
        "This system gives users no user namespaces, and systemd's sandbox is made of them.",
    )
    .hint("Nothing was changed. Run `entra service install` without --sandbox: entrad confines itself then, by Landlock."))
}

fn systemctl_each(verb: &str, units: &[&str]) -> Result<Said, Failure> {
    systemctl(&[&[verb], units].concat())
}

fn systemctl(words: &[&str]) -> Result<Said, Failure> {
    let words = [&["--user", "--no-pager"], words].concat();
    let said = said_by(OsStr::new("systemctl"), &words).map_err(|error| no_manager().because(&error))?;
    if said.is_good {
        return Ok(said);
    }
    let sentence = format!("`systemctl {}` failed: {}", words.join(" "), said.errors.trim());
    Err(Failure::new(exit::INTERNAL, "service_manager_failed", sentence).hint(
        "`journalctl --user -u entrad -u entrad.socket` may say more. Nothing of it is left half done.",
    ))
}

fn no_manager() -> Failure {
    Failure::new(exit::MISCONFIGURED, "no_service_manager", "There is no systemd user manager in this session.").hint(
        "Log in as yourself, not by su or sudo, on a system with systemd; elsewhere start entrad by `entrad &` from your \
         profile or your own supervisor.",
    )
}

const SERVICE: &str = "entrad.service";
const SOCKET: &str = "entrad.socket";
const LOOPBACK: &str = "entrad-loopback.socket";
const SANDBOX: &str = "entrad.service.d/sandbox.conf";
const UNITS: [&str; 3] = [SERVICE, SOCKET, LOOPBACK];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_read_from_the_managers_answer() {
        let line = "{ path=/opt/a b/entrad ; argv[]=/opt/a b/entrad ; ignore_errors=no ; start_time=[n/a] }";
        assert_eq!(program_of(line).unwrap(), Path::new("/opt/a b/entrad"));
        assert_eq!(program_of(""), None);
    }

    #[test]
    fn values_of_the_managers_environment_are_read() {
        assert_eq!(unquoted("/home/ada").unwrap(), "/home/ada");
        assert_eq!(unquoted("$'/home/a d\\'a\\\\'").unwrap(), "/home/a d'a\\");
        assert_eq!(unquoted("$'a\\nb'"), None);
        assert_eq!(unquoted("$'a"), None);
    }

    #[test]
    fn only_a_port_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remembered_port(folder.path()), None);
        for (text, port) in [("14310\n", Some(14_310)), ("0\n", None), ("x", None)] {
            fs::write(folder.path().join("loopback-port"), text).unwrap();
            assert_eq!(remembered_port(folder.path()), port);
        }
        let path = folder.path().join("loopback-port");
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        assert_eq!(remembered_port(folder.path()), None, "a pipe is not waited for");
    }
}
