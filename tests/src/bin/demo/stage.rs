//! The stage: a throw-away home, the processes in it, and the certainty that nothing stays behind.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use entra_sim::{Options, Sim};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;

/// Everything that must go when the demo ends.
struct Traces {
    folder: Option<TempDir>,
    running: Vec<u32>,
}

/// The stage.
pub(crate) struct Stage {
    traces: Arc<Mutex<Traces>>,
    root: PathBuf,
    pub(crate) sim: Sim,
}

impl Stage {
    /// Sets the stage and arms the clean-up for Ctrl-C and its like.
    pub(crate) fn set(options: Options) -> Result<Self, Box<dyn std::error::Error>> {
        let private = PermissionsExt::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("entrad-demo-").permissions(private).tempdir()?;
        let root = folder.path().to_owned();
        let traces = Arc::new(Mutex::new(Traces { folder: Some(folder), running: Vec::new() }));
        clean_up_on_signals(&traces)?;
        let own = std::env::current_exe()?;
        for name in ["bin", "home", "run"] {
            std::fs::create_dir(root.join(name))?;
            std::fs::set_permissions(root.join(name), PermissionsExt::from_mode(0o700))?;
        }
        for name in ["entrad", "entra"] {
            symlink(&own, root.join("bin").join(name))?;
        }
        std::fs::write(root.join("passphrase"), "only for the demo")?;
        std::fs::set_permissions(root.join("passphrase"), PermissionsExt::from_mode(0o600))?;
        let config = format!(
            "# what a real user writes here: client_id and tenant\nauthority = \"{}\"\ntenant = \"{}\"\nclient_id = \"{}\"\nstore = \"passphrase\"\npassphrase_file = \"{}\"\n",
            "ORIGIN",
            options.tenant,
            entra_sim::DEFAULT_CLIENT,
            root.join("passphrase").display()
        );
        let sim = Sim::start_blocking(options)?;
        let folder = root.join("home/.config/entrad");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("config.toml"), config.replace("ORIGIN", sim.origin()))?;
        Ok(Self { traces, root, sim })
    }

    /// A program of the demo, in the throw-away home and nothing else.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(self.root.join("bin").join(program));
        command
            .args(args)
            .env_clear()
            .env("HOME", self.root.join("home"))
            .env("XDG_RUNTIME_DIR", self.root.join("run"));
        for kept in ["TERM", "LANG", "NO_COLOR", "COLUMNS"] {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// Starts a program that is ended with the demo, if it has not ended before.
    pub(crate) fn start(&self, mut command: Command) -> std::io::Result<Child> {
        // Under the lock, so that an interruption cannot fall between the start and the note of it.
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        let child = command.spawn()?;
        traces.running.push(child.id());
        Ok(child)
    }

    /// A program has ended and been waited for: its number may soon be another's.
    pub(crate) fn ended(&self, pid: u32) {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).running.retain(|running| *running != pid);
    }

    /// Asks a program to stop, as a service manager does, and waits for it.
    pub(crate) fn stop(&self, mut child: Child) -> std::io::Result<()> {
        send(child.id(), Signal::TERM);
        child.wait()?;
        self.ended(child.id());
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).wipe();
    }
}

impl Traces {
    fn wipe(&mut self) {
        for pid in self.running.drain(..) {
            send(pid, Signal::KILL);
        }
        drop(self.folder.take());
    }
}

fn clean_up_on_signals(traces: &Arc<Mutex<Traces>>) -> std::io::Result<()> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let traces = Arc::clone(traces);
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            traces.lock().unwrap_or_else(PoisonError::into_inner).wipe();
            std::process::exit(128 + signal);
        }
    });
    Ok(())
}

fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // It may have ended by itself.
        let _gone = kill_process(pid, signal);
    }
}
