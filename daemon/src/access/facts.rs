//! What is known of a caller, for rules to be held against.

use std::path::PathBuf;

/// A caller by what the system says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The program that runs.
    pub program: Option<PathBuf>,
    /// SHA-256 of the program's file, where somebody wants it: files are large.
    pub program_hash: Option<[u8; 32]>,
    /// What its interpreter runs, where it is one.
    pub script: Option<PathBuf>,
    /// The programs of its parent, that one's parent, and so on, as far as they are known.
    pub parents: Vec<PathBuf>,
    /// Whether these are all of them, up to the system's first process.
    pub are_all_parents: bool,
    /// Its unit of systemd.
    pub unit: Option<String>,
    /// Whether it runs in a container; so it is taken where that cannot be told.
    pub container: bool,
    /// Whether it speaks for another machine; so it is taken where that cannot be told.
    pub forwarded: bool,
    /// The AI agent that it is, by its name.
    pub agent: Option<String>,
    /// Whether that is so by its own word, or by what its program is called: it may be another one, or none.
    pub is_agent_unsure: bool,
    /// How much of this the kernel vouches for.
    pub strength: Strength,
}

impl Facts {
    /// Of somebody of whom nothing is known, but that they are from here and no agent.
    #[must_use]
    pub const fn of_nobody() -> Self {
        Self {
            program: None,
            program_hash: None,
            script: None,
            parents: Vec::new(),
            are_all_parents: false,
            unit: None,
            container: false,
            forwarded: false,
            agent: None,
            is_agent_unsure: false,
            strength: Strength::Unknown,
        }
    }
}

/// How well a caller is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strength {
    /// The kernel vouches for it.
    Strong,
    /// Something of it could have been chosen by another program of the same user; in a sentence.
    Weak(String),
    /// Which program it is cannot be told.
    Unknown,
}
