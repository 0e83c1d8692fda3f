//! One throw-away workstation.

use std::borrow::BorrowMut;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use entra_sim::{Options, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::kept;
use crate::raw;
use crate::system;
use crate::wiretap::Wiretap;

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The client.
    pub entra: PathBuf,
    /// The daemon.
    pub entrad: PathBuf,
}

/// A home, a simulator, and the programs.
pub struct Env {
    programs: Programs,
    folder: TempDir,
    sim: Sim,
}

/// What a finished client left.
#[derive(Debug)]
#[must_use = "look at the output or the exit status"]
pub struct Ran {
    /// Its exit status; -1 when a signal ended it, which Windows does not have.
    pub status: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Far above what any step takes; a test that hangs fails by it.
const LIMIT: Duration = Duration::from_secs(60);

/// Commands of which whatever is printed is for people or a report: no secret belongs into it.
const REPORTS: [&str; 11] = [
    "accounts", "config", "doctor", "explain", "log", "login", "logout", "metrics", "policy", "service",
    "status",
];

/// A person of the simulator's home tenant.
pub const PERSON: &str = "ada@example.com";

impl Env {
    /// An environment with a simulator that lets clients poll every second.
    #[must_use]
    pub fn new(programs: Programs) -> Self {
        let mut options = Options::default();
        options.rules.interval = Duration::from_secs(1);
        Self::with(programs, options)
    }

    /// An environment with this simulator.
    ///
    /// # Panics
    /// When the machine has no room for a folder or a loopback port.
    #[must_use]
    pub fn with(programs: Programs, options: Options) -> Self {
        let folder = system::private_folder();
        system::furnish(folder.path());
        let passphrase = folder.path().join("passphrase");
        std::fs::write(&passphrase, "correct horse battery staple").expect("a file");
        system::make_private(&passphrase);
        let sim = Sim::start_blocking(options).expect("a simulator on loopback");
        Self { programs, folder, sim }
    }

    /// The simulator.
    #[must_use]
    pub fn sim(&self) -> &Sim {
        &self.sim
    }

    /// The environment's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.socket_named("entrad")
    }

    /// The socket that another daemon or server could have.
    #[must_use]
    pub fn socket_named(&self, name: &str) -> PathBuf {
        system::socket(self.folder.path(), name)
    }

    /// The folder of the sealed file.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        system::state_dir(self.folder.path())
    }

    /// The daemon's log so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("entrad.log")).unwrap_or_default()
    }

    /// A command with nothing in its environment but the throw-away home.
    #[must_use]
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().stdin(Stdio::null());
        system::send_home(&mut command, self.folder.path());
        command
    }

    /// The options, the authority first, that point a daemon at the simulator and at a passphrase.
    #[must_use]
    pub fn options(&self) -> Vec<String> {
        let passphrase = self.folder.path().join("passphrase");
        let option = |name: &str, value: &str| format!("--{name}={value}");
        vec![
            option("authority", self.sim.origin()),
            option("client-id", entra_sim::DEFAULT_CLIENT),
            option("store", "passphrase"),
            option("passphrase-file", &passphrase.to_string_lossy()),
        ]
    }

    /// Starts a daemon on the simulator and waits until it is ready.
    #[must_use]
    pub fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    /// The same, by way of somebody who listens in.
    #[must_use]
    pub fn start_through(&self, wiretap: &Wiretap, more: &[&str]) -> Daemon {
        let mut command = self.bare_daemon_command();
        command.args(self.options().into_iter().skip(1)).args(more);
        self.launch(command.arg(format!("--authority={}", wiretap.origin())))
    }

    /// The same with further options.
    #[must_use]
    pub fn start_with(&self, more: &[&str]) -> Daemon {
        let mut command = self.command(&self.programs.entrad);
        command.args(self.options()).args(more);
        self.launch(command)
    }

    /// Starts a daemon whose vault lives in memory: ready in milliseconds, and empty after its end.
    #[must_use]
    pub fn start_in_memory(&self, more: &[&str]) -> Daemon {
        let mut command = self.bare_daemon_command();
        command.arg(format!("--authority={}", self.sim.origin()));
        command.arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT)).arg("--store=memory").args(more);
        self.launch(command)
    }

    /// Writes the user's configuration file.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn configure(&self, text: &str) {
        let file = system::config_file(self.folder.path());
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    }

    /// Starts this command as a daemon, with its log beside the home, and waits until it is ready.
    #[must_use]
    pub fn launch(&self, mut command: impl BorrowMut<Command>) -> Daemon {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("entrad.log"));
        Daemon::launch(command.borrow_mut(), log.expect("a log file"))
    }

    /// The daemon's command without any option.
    #[must_use]
    pub fn bare_daemon_command(&self) -> Command {
        self.command(&self.programs.entrad)
    }

    /// The daemon's command, for a test that changes it before the start.
    #[must_use]
    pub fn daemon_command(&self) -> Command {
        let mut command = self.bare_daemon_command();
        command.args(self.options());
        command
    }

    /// Runs the client to its end.
    pub fn entra(&self, args: &[&str]) -> Ran {
        let mut command = self.command(&self.programs.entra);
        command.args(args);
        run(command)
    }

    /// The client's command, for a test that needs the running process.
    #[must_use]
    pub fn entra_command(&self, args: &[&str]) -> Command {
        let mut command = self.command(&self.programs.entra);
        command.args(args);
        command
    }

    /// Signs [`PERSON`] in by the client, as a person would, and returns the account's id.
    ///
    /// # Panics
    /// When the sign-in fails.
    pub fn sign_in(&self) -> String {
        self.sign_in_as(PERSON, &[])
    }

    /// The same for another person, with further options of `entra login`.
    ///
    /// # Panics
    /// When the sign-in fails.
    pub fn sign_in_as(&self, person: &str, more: &[&str]) -> String {
        let mut command = self.entra_command(&["login", "--json"]);
        command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the client starts");
        let Ok(code) = self.sim.control().next_user_code_blocking() else {
            system::kill(child.id());
            panic!("no code is asked for: {:?}\n{}", finish(child), self.log());
        };
        self.sim.control().approve(&code, person).expect("the code is approved");
        let ran = finish(child);
        let last: Value =
            ran.stdout.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        assert_eq!(last["event"], "signed_in", "{ran:?}\n{}", self.log());
        last["account"]["id"].as_str().expect("an id").to_owned()
    }

    /// Every file below the environment's folder with its bytes, the passphrase's own left out.
    ///
    /// # Panics
    /// When one cannot be read.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let (mut folders, mut files) = (vec![self.folder.path().to_owned()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
                let (path, kind) = (entry.path(), entry.file_type().expect("a type"));
                if kind.is_dir() {
                    folders.push(path);
                } else if kind.is_file() && path != self.folder.path().join("passphrase") {
                    let bytes = std::fs::read(&path).expect("a file");
                    files.push((path, bytes));
                }
            }
        }
        files
    }

    /// Waits until the daemon's status is so, and returns it.
    ///
    /// # Panics
    /// When it does not become so.
    #[must_use]
    pub fn status_where(&self, is_so: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + LIMIT;
        loop {
            let status = raw::get(&self.socket(), "/v1/status").body;
            if is_so(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "the status did not become so: {status:#}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A token by the client, as the JSON that it prints.
    ///
    /// # Panics
    /// When there is none.
    pub fn token(&self, args: &[&str]) -> Value {
        let ran = self.entra(&[&["token", "--output", "json"], args].concat());
        assert_eq!(ran.status, 0, "{ran:?}\n{}", self.log());
        serde_json::from_str(&ran.stdout).expect("JSON")
    }
}

impl Drop for Env {
    /// Keeps the daemon's log and every file below its state folder, the audit log's among them, for the scan.
    fn drop(&mut self) {
        let log = self.folder.path().join("entrad.log");
        kept::keep("entrad.log", &std::fs::read(log).unwrap_or_default());
        let mut folders = vec![self.state_dir()];
        while let Some(folder) = folders.pop() {
            // A daemon that still runs may take a file away meanwhile.
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(kind) if kind.is_file() => {
                        let bytes = std::fs::read(entry.path()).unwrap_or_default();
                        kept::keep(&entry.file_name().to_string_lossy(), &bytes);
                    }
                    _ => {}
                }
            }
        }
    }
}

/// Runs a command to its end, for a minute at most. What it says on standard error is kept for the scan, and what it prints
/// where that is a report.
///
/// # Panics
/// When it does not start or does not end.
pub fn run(mut command: Command) -> Ran {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let ran = finish(child.expect("the program starts"));
    if is_report(&command) {
        kept::keep("stdout", ran.stdout.as_bytes());
    }
    ran
}

/// Whether the client was asked for a report, or the daemon for one without serving.
fn is_report(command: &Command) -> bool {
    let words: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
    words.first().is_some_and(|word| REPORTS.contains(&&**word))
        || words.iter().any(|word| word.starts_with("--report"))
}

/// Waits for a child, for a minute at most.
///
/// # Panics
/// When it does not end; it is killed then.
pub fn finish(mut child: Child) -> Ran {
    let read = |stream: Option<Box<dyn Read + Send>>| {
        thread::spawn(move || {
            let mut text = Vec::new();
            stream.map(|mut stream| stream.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        })
    };
    let stdout = read(child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>));
    let stderr = read(child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>));
    let pid = child.id();
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(child.wait()));
    let Ok(status) = ended.recv_timeout(LIMIT) else {
        system::kill(pid);
        panic!("a program did not end within {LIMIT:?}");
    };
    let status = status.expect("a status").code().unwrap_or(-1);
    let stderr = stderr.join().expect("output");
    kept::keep("stderr", stderr.as_bytes());
    Ran { status, stdout: stdout.join().expect("output"), stderr }
}
