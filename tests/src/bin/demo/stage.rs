//! The stage: a throw-away home, the processes in it, and the certainty that nothing stays behind.

use std::env::consts::EXE_SUFFIX;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use entra_sim::{Options, Sim};
use entrad::{files, service};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime;

use crate::system::{self, Grip};

/// Everything that must go when the demo ends.
struct Traces {
    folder: Option<TempDir>,
    running: Vec<(u32, Grip)>,
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
        let folder = tempfile::Builder::new().prefix("entrad-demo-").tempdir()?;
        let root = folder.path().join("stage");
        let traces = Arc::new(Mutex::new(Traces { folder: Some(folder), running: Vec::new() }));
        clean_up_when_told(&traces)?;
        for name in ["bin", "home", "run", "state"] {
            files::create_folder(&root.join(name))?;
        }
        let own = std::env::current_exe()?;
        for name in ["entrad", "entra"] {
            system::cast(&own, &program(&root, name))?;
        }
        system::write_private(&passphrase(&root), "only for the demo")?;
        let tenant = options.tenant.clone();
        let sim = Sim::start_blocking(options)?;
        std::fs::write(config(&root), configuration(sim.origin(), &tenant, &passphrase(&root)))?;
        Ok(Self { traces, root, sim })
    }

    /// A program of the demo, in the throw-away home and nothing else.
    pub(crate) fn command(&self, name: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program(&self.root, name));
        command.args(args).env_clear().stdin(Stdio::null());
        command
            .env("HOME", self.root.join("home"))
            .env("ENTRAD_CONFIG", config(&self.root))
            .env("ENTRAD_SOCKET", system::address(&self.root.join("run")))
            .env("ENTRAD_STATE_DIR", self.root.join("state"));
        for kept in KEPT {
            if let Some(value) = std::env::var_os(kept) {
                command.env(kept, value);
            }
        }
        command
    }

    /// Starts a program that is ended with the demo, if it has not ended before.
    pub(crate) fn start(&self, mut command: Command) -> io::Result<Child> {
        // Under the lock, so that an interruption cannot fall between the start and the note of it.
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut child = command.spawn()?;
        let grip = Grip::on(&child).inspect_err(|_| drop(child.kill()))?;
        traces.running.push((child.id(), grip));
        Ok(child)
    }

    /// A program has ended and been waited for: its number may soon be another's.
    pub(crate) fn ended(&self, pid: u32) {
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.running.retain(|(running, _)| *running != pid);
    }

    /// Asks a program to stop, as a service manager does, and waits for it.
    pub(crate) fn stop(&self, mut child: Child) -> io::Result<()> {
        entra_tests::system::stop(child.id())?;
        child.wait()?;
        self.ended(child.id());
        Ok(())
    }

    /// Takes everything away.
    pub(crate) fn strike(self) -> io::Result<()> {
        self.traces.lock().unwrap_or_else(PoisonError::into_inner).wipe()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The demo has failed for another reason, or nothing is left.
        let _gone = self.traces.lock().unwrap_or_else(PoisonError::into_inner).wipe();
    }
}

impl Traces {
    fn wipe(&mut self) -> io::Result<()> {
        for (_, process) in self.running.drain(..) {
            process.kill();
        }
        self.folder.take().map_or(Ok(()), TempDir::close)
    }
}

/// What tells a daemon to stop tells the demo.
fn clean_up_when_told(traces: &Arc<Mutex<Traces>>) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let traces = Arc::clone(traces);
    let (arm, armed) = mpsc::channel();
    thread::spawn(move || {
        runtime.block_on(async {
            match service::told_to_stop() {
                Ok(told) => {
                    let _heard = arm.send(Ok(()));
                    told.await;
                    let _gone = traces.lock().unwrap_or_else(PoisonError::into_inner).wipe();
                    std::process::exit(INTERRUPTED);
                }
                Err(error) => {
                    let _heard = arm.send(Err(error));
                }
            }
        });
    });
    armed.recv().map_err(io::Error::other)?
}

fn program(root: &Path, name: &str) -> PathBuf {
    root.join("bin").join(format!("{name}{EXE_SUFFIX}"))
}

fn passphrase(root: &Path) -> PathBuf {
    root.join("passphrase")
}

fn config(root: &Path) -> PathBuf {
    root.join("config.toml")
}

/// The configuration file. A string of JSON is one of TOML too, whatever a path has in it.
fn configuration(origin: &str, tenant: &str, passphrase: &Path) -> String {
    let passphrase = Value::from(passphrase.to_string_lossy());
    let client_id = entra_sim::DEFAULT_CLIENT;
    format!(
        "# what a real user writes here: client_id and tenant\n\
         authority = \"{origin}\"\ntenant = \"{tenant}\"\nclient_id = \"{client_id}\"\n\
         store = \"passphrase\"\npassphrase_file = {passphrase}\n"
    )
}

/// What the programs keep of the environment. Windows finds its network library by `SystemRoot`.
const KEPT: [&str; 5] = ["COLUMNS", "LANG", "NO_COLOR", "SystemRoot", "TERM"];

/// As shells say of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;
