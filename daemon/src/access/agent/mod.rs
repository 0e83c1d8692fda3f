//! AI agents as a class of caller: who is one and how that is known, what each may have within an hour, and that they stop.
//!
//! A lease declares an agent: whoever presents it, and whatever runs below its process, is that one. Else it is known by the names
//! of processes, or by what its client says, which both are its own choice: such a label is believed where it narrows and nowhere
//! else (`Facts::is_agent_unsure`). Who takes it off is none, and nothing here claims more.

mod hour;
mod note;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entra_proto::agent::{AgentInfo, AgentMark, AgentsAnswer};
use entra_proto::error::{ErrorBody, ErrorCode};

use self::hour::Hour;
use super::caller::Caller;
use super::lease::process;
use crate::clock::Clock;
use crate::config::{AGENT_BUDGET, Setting};

/// What is known of agents. Clones share it.
#[derive(Clone)]
pub struct Agents {
    clock: Arc<dyn Clock>,
    /// Where it is noted that they are stopped; nowhere in some tests.
    folder: Option<PathBuf>,
    state: Arc<Mutex<State>>,
    /// Held while the note is written, which may take as long as the disk wants.
    in_order: Arc<Mutex<()>>,
}

struct State {
    budget: Setting<u32>,
    stopped: Stopped,
    /// What a lease was made for, by process. It stays that after the lease has ended.
    declared: BTreeMap<(u32, u64), Label>,
    seen: BTreeMap<Arc<str>, Seen>,
}

/// A caller that is an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name, in lower case.
    pub name: Arc<str>,
    /// How that is known.
    pub known_by: AgentMark,
}

/// Who may not ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Stopped {
    all: bool,
    names: BTreeSet<String>,
}

impl Stopped {
    fn holds(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }
}

/// What an agent asked for.
#[derive(Default)]
struct Seen {
    known_by: Option<AgentMark>,
    on: Option<u64>,
    spent: Hour,
}

impl Agents {
    /// Nobody is known yet; whoever was stopped still is, as a note in this folder says.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, folder: Option<PathBuf>) -> Self {
        let stopped = folder.as_deref().map(note::read).unwrap_or_default();
        let budget = Setting::built_in(AGENT_BUDGET);
        let state = State { budget, stopped, declared: BTreeMap::new(), seen: BTreeMap::new() };
        Self { clock, folder, state: Arc::new(Mutex::new(state)), in_order: Arc::default() }
    }

    /// From now on each may have so many tokens within an hour.
    pub fn allow(&self, budget: Setting<u32>) {
        self.state().budget = budget;
    }

    /// The agent that a caller is.
    #[must_use]
    pub fn label(&self, caller: &Caller) -> Option<Label> {
        let (pid, own) = caller.own();
        let above = caller.above();
        let label = |name: &Arc<str>, known_by| Some(Label { name: Arc::clone(name), known_by });
        let declared = self.state().declared(pid, above);
        if declared.is_some() {
            return declared;
        }
        if let Some(name) = own.or_else(|| above.iter().find_map(|kin| kin.agent)) {
            return label(&name.into(), AgentMark::Named);
        }
        caller.says().and_then(|name| label(name, AgentMark::Told))
    }

    /// Notes that this process, by its number and mark, and whatever it starts, is this agent, for as long as it runs; and how that
    /// is known: the lease of a detected agent makes nothing surer.
    pub fn declare(&self, process: (u32, u64), name: &str, known_by: AgentMark) {
        let mut state = self.state();
        if !state.declared.contains_key(&process) {
            state.declared.retain(|(pid, mark), _| process::mark(*pid) == Some(*mark));
            state.declared.insert(process, Label { name: name.into(), known_by });
        }
    }

    /// Whether an agent may ask for anything at all now.
    ///
    /// # Errors
    /// `refused` where it is stopped.
    pub fn must_not_be_stopped(&self, name: &str) -> Result<(), ErrorBody> {
        if self.state().stopped.holds(name) { Err(stopped(name)) } else { Ok(()) }
    }

    /// Whether it may have a token now.
    ///
    /// # Errors
    /// `refused` where it is stopped, `throttled` where it has had all that it may.
    pub fn admit(&self, label: &Label) -> Result<(), ErrorBody> {
        self.must_not_be_stopped(&label.name)?;
        let now = self.clock.now();
        let mut state = self.state();
        let budget = state.budget.clone();
        let seen = state.seen(&label.name, now.boot);
        (seen.known_by, seen.on) = (Some(label.known_by), Some(now.epoch()));
        let wait = seen.spent.wait(now.boot, budget.value);
        wait.map_or(Ok(()), |wait| Err(spent(&label.name, &budget, wait)))
    }

    /// Counts a token that is about to be handed to it.
    ///
    /// # Errors
    /// As [`Agents::admit`], at this moment: somebody may have stopped it since it asked.
    pub fn spend(&self, label: &Label) -> Result<(), ErrorBody> {
        self.admit(label)?;
        let now = self.clock.now().boot;
        self.state().seen(&label.name, now).spent.spend(now);
        Ok(())
    }

    /// Refuses from now on whatever asks as the agent of this name, or as any; over a restart too.
    ///
    /// # Errors
    /// Where that cannot be noted for the next start. It is refused all the same.
    pub fn stop(&self, name: Option<&str>) -> Result<(), ErrorBody> {
        let _order = self.in_order.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = {
            let stopped = &mut self.state().stopped;
            match name {
                // Nobody runs so many: somebody is in a hurry.
                Some(_) if stopped.names.len() >= MOST_AGENTS => stopped.all = true,
                Some(name) => drop(stopped.names.insert(name.to_owned())),
                None => stopped.all = true,
            }
            stopped.clone()
        };
        self.note(&stopped).map_err(|error| unnoted("They are stopped, but not over a restart", &error))
    }

    /// Lets them ask again.
    ///
    /// # Errors
    /// `not_found` where one is named that was not stopped by its name; where it cannot be noted, and then they stay stopped.
    pub fn resume(&self, name: Option<&str>) -> Result<(), ErrorBody> {
        let _order = self.in_order.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stopped = self.state().stopped.clone();
        match name {
            Some(name) if !stopped.names.remove(name) => return Err(not_stopped(stopped.all)),
            Some(_) => {}
            None => stopped = Stopped::default(),
        }
        self.note(&stopped).map_err(|error| unnoted("They stay stopped", &error))?;
        self.state().stopped = stopped;
        Ok(())
    }

    /// Whether any is stopped.
    #[must_use]
    pub fn is_any_stopped(&self) -> bool {
        let state = self.state();
        state.stopped.all || !state.stopped.names.is_empty()
    }

    /// All of them, with the leases of each by their ids.
    #[must_use]
    pub fn answer(&self, leases: BTreeMap<String, Vec<String>>) -> AgentsAnswer {
        let now = self.clock.now().boot;
        let state = self.state();
        let seen = state.seen.keys().map(|name| name.to_string());
        let names: BTreeSet<String> =
            seen.chain(leases.keys().cloned()).chain(state.stopped.names.iter().cloned()).collect();
        let info = |name: String| {
            let seen = state.seen.get(name.as_str());
            AgentInfo {
                known_by: seen.and_then(|seen| seen.known_by),
                leases: leases.get(&name).cloned().unwrap_or_default(),
                tokens: seen.map_or(0, |seen| seen.spent.count(now)),
                seen_on: seen.and_then(|seen| seen.on),
                is_stopped: state.stopped.holds(&name),
                name,
            }
        };
        let agents = names.into_iter().map(info).collect();
        AgentsAnswer { agents, all_stopped: state.stopped.all, budget: state.budget.value }
    }

    fn note(&self, stopped: &Stopped) -> io::Result<()> {
        self.folder.as_deref().map_or(Ok(()), |folder| note::write(folder, stopped))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Agents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agents").field("stopped", &self.state().stopped).finish_non_exhaustive()
    }
}

impl State {
    /// What a lease declared the process to be, or one above it.
    fn declared(&self, pid: Option<u32>, above: &[super::caller::Kin]) -> Option<Label> {
        if self.declared.is_empty() {
            return None;
        }
        // The process itself is seldom one of them, and then it is looked at now.
        let own = pid.and_then(|pid| {
            let mut its = self.declared.range((pid, 0)..=(pid, u64::MAX));
            its.find(|((_, mark), _)| process::mark(pid) == Some(*mark))
        });
        let of_kin = || above.iter().find_map(|kin| self.declared.get(&(kin.pid, kin.mark?)));
        own.map(|(_, label)| label).or_else(of_kin).cloned()
    }

    /// What is known of this one. Names are callers' own words, so there is an end to them.
    fn seen(&mut self, name: &Arc<str>, now: Duration) -> &mut Seen {
        if !self.seen.contains_key(name) && self.seen.len() >= MOST_AGENTS {
            self.seen.retain(|_, seen| seen.spent.count(now) > 0);
        }
        let is_known = self.seen.contains_key(name) || self.seen.len() < MOST_AGENTS;
        let name = if is_known { Arc::clone(name) } else { OTHERS.into() };
        self.seen.entry(name).or_default()
    }
}

fn stopped(name: &str) -> ErrorBody {
    ErrorBody::new(ErrorCode::Refused, format!("The AI agent `{name}` is stopped."))
        .with_hint("`entra agents` shows which are; `entra agents resume`, which a person has to run, lets them ask again.")
}

fn spent(name: &str, budget: &Setting<u32>, wait: Duration) -> ErrorBody {
    let count = budget.value;
    let sentence =
        format!("The AI agent `{name}` has had the {count} tokens that it may have within an hour.");
    ErrorBody::new(ErrorCode::Throttled, sentence)
        .with_hint(format!(
            "`agent_budget` ({}) says how many; `entra agents` shows what each had.",
            budget.source
        ))
        .with_retry_after(wait.as_secs().max(1))
}

fn not_stopped(are_all: bool) -> ErrorBody {
    let (sentence, hint) = if are_all {
        (
            "Every AI agent is stopped, not that one by its name.",
            "`entra agents resume` lets all of them ask again.",
        )
    } else {
        ("No AI agent of this name is stopped.", "`entra agents` lists them.")
    };
    ErrorBody::new(ErrorCode::NotFound, sentence).with_hint(hint)
}

fn unnoted(what: &str, error: &io::Error) -> ErrorBody {
    ErrorBody::new(ErrorCode::Internal, format!("{what}: the state folder cannot be written ({error})."))
        .with_hint("See whether the disk is full and the folder is yours and writable; then do it again.")
}

/// More than anybody runs at once.
const MOST_AGENTS: usize = 64;

/// Stands for those beyond.
const OTHERS: &str = "others";

#[cfg(test)]
mod tests;
