//! The programs as they ship, and workstations with a signed-in daemon.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use entra_sim::{Options, Rules};
use entra_tests::{Daemon, Env, Programs};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};

/// The built programs.
pub(crate) struct Stage {
    programs: Programs,
}

/// A workstation whose daemon holds one token.
pub(crate) struct Workstation {
    pub(crate) daemon: Daemon,
    pub(crate) env: Env,
}

impl Stage {
    /// Builds the programs, or takes those in the folder that `ENTRAD_BUILT` names.
    ///
    /// # Panics
    /// When they do not build.
    pub(crate) fn set() -> Self {
        if let Some(folder) = std::env::var_os("ENTRAD_BUILT").map(PathBuf::from) {
            return Self {
                programs: Programs { entra: folder.join("entra"), entrad: folder.join("entrad") },
            };
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ship");
        let built = Command::new(root.join("packaging/build")).arg(&folder).status().unwrap();
        assert!(built.success(), "the programs do not build");
        for program in ["entra", "entrad"] {
            read_anew(&folder.join(program));
        }
        Self { programs: Programs { entra: folder.join("entra"), entrad: folder.join("entrad") } }
    }

    /// The same with another daemon.
    pub(crate) fn with_daemon(&self, entrad: &Path) -> Self {
        let programs = Programs { entra: self.programs.entra.clone(), entrad: entrad.to_owned() };
        Self { programs }
    }

    /// A workstation on which nothing runs yet, and a simulator with these rules that lets clients poll every
    /// second.
    pub(crate) fn env(&self, rules: Rules) -> Env {
        let rules = Rules { interval: Duration::from_secs(1), ..rules };
        Env::with(self.programs.clone(), Options { rules, ..Options::default() })
    }

    /// Signs somebody in and asks for one token, which is cached from then on.
    pub(crate) fn workstation(&self) -> Workstation {
        self.workstation_with(&[])
    }

    /// The same with these variables for the daemon.
    pub(crate) fn workstation_with(&self, variables: &[(&str, &str)]) -> Workstation {
        let env = self.env(Rules::default());
        let mut command = env.daemon_command();
        command.envs(variables.iter().copied());
        let daemon = env.launch(command);
        let _account = env.sign_in();
        let _first = env.token(TARGET);
        assert_eq!(env.token(TARGET)["source"], "cache");
        Workstation { daemon, env }
    }
}

/// Holds the servers, this thread and whatever it starts to one core, or lets all of them have every core.
///
/// On two cores the kernel may put a server beside its caller or across from it, and keeps it there: waking the
/// other core of a virtual machine costs more than the whole answer, and which side is that lucky says nothing
/// of either program. On one core both sides are alike.
pub(crate) fn hold_to_one_core(servers: &[u32], is_held: bool) {
    put(servers, if is_held { Place::Together } else { Place::Anywhere });
}

/// Where servers run, and this thread with whatever it starts.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// Wherever the kernel likes.
    Anywhere,
    /// All on one core.
    Together,
    /// The servers on one core, the rest on another; on a machine with one core that is together.
    Apart,
}

/// Puts the first thread of each server, and this thread with whatever it starts, where they belong.
pub(crate) fn put(servers: &[u32], place: Place) {
    let count = std::thread::available_parallelism().map_or(1, usize::from).max(CpuSet::MAX_CPU.min(64));
    let cores = |wanted: &mut dyn Iterator<Item = usize>| {
        let mut cores = CpuSet::new();
        wanted.for_each(|core| cores.set(core));
        cores
    };
    let (theirs, ours) = match place {
        Place::Anywhere => (cores(&mut (0..count)), cores(&mut (0..count))),
        Place::Together => (cores(&mut (0..1)), cores(&mut (0..1))),
        Place::Apart => (cores(&mut (0..1)), cores(&mut (1..count))),
    };
    for server in servers {
        sched_setaffinity(Pid::from_raw((*server).try_into().unwrap()), &theirs).unwrap();
    }
    // With one core there is no other.
    if sched_setaffinity(None, &ours).is_err() {
        sched_setaffinity(None, &theirs).unwrap();
    }
}

/// Drops the file from memory. A program that was just written lies there in larger pieces than one that
/// was read from the disk, as after a start of the machine, and starts a fifth faster.
fn read_anew(program: &Path) {
    let file = File::open(program).unwrap();
    file.sync_all().unwrap();
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
}

/// What the token is for.
pub(crate) const TARGET: &[&str] = &["--for", "graph"];
