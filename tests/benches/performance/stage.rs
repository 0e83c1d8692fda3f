//! The programs as they ship, and workstations with a signed-in daemon.

use std::path::{Path, PathBuf};
use std::process::Command;

use entra_tests::{Daemon, Env, Programs};

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
    /// Builds the programs.
    ///
    /// # Panics
    /// When they do not build.
    pub(crate) fn set() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("ship");
        let built = Command::new(root.join("packaging/build")).arg(&folder).status().unwrap();
        assert!(built.success(), "the programs do not build");
        Self { programs: Programs { entra: folder.join("entra"), entrad: folder.join("entrad") } }
    }

    /// Signs somebody in and asks for one token, which is cached from then on.
    pub(crate) fn workstation(&self) -> Workstation {
        let env = Env::new(self.programs.clone());
        let daemon = env.start();
        let _account = env.sign_in();
        let _first = env.token(TARGET);
        assert_eq!(env.token(TARGET)["source"], "cache");
        Workstation { daemon, env }
    }
}

/// What the token is for.
pub(crate) const TARGET: &[&str] = &["--for", "graph"];
