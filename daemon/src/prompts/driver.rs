//! Carries out what the machine says: the only task that shows anything.
//!
//! With nothing to ask it waits for the broker alone: no timer, no connection, no call. Each prompt is a task of its own, so
//! that one that hangs in the desktop keeps no other from being shown.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entra_proto::error::ErrorBody;
use entra_proto::limits::MAX_NAME;
use entra_proto::page::PageRequest;
use entra_proto::prompt::{Need, Prompt};
use entra_proto::secret::PageAddress;
use tokio::task::{AbortHandle, JoinSet};

use super::machine::{Action, Shown};
use super::{Asked, Prompts};
use crate::account::key::AccountKey;
use crate::config::{Notify, Prompting};
use crate::metrics::METRICS;
use crate::notify::desktop::{ANSWER_TIME, Desktop, Notice, Press, Trouble, manager};
use crate::notify::notice;
use crate::notify::words::ENGLISH;
use crate::vault::PromptRecord;

/// Where a person is shown something; [`Desktop`] but in tests.
pub trait Surface: Send + Sync + 'static {
    /// As [`Desktop::show`].
    fn show(&self, notice: &Notice) -> impl Future<Output = Result<Press, Trouble>> + Send;
    /// As [`Desktop::open`].
    fn open(&self, page: &PageAddress) -> impl Future<Output = Result<(), Trouble>> + Send;
    /// As [`Desktop::is_locked`].
    fn is_locked(&self) -> impl Future<Output = Option<bool>> + Send;
    /// As [`Desktop::unlocked`].
    fn unlocked(&self) -> impl Future<Output = ()> + Send;
    /// As [`manager::run`].
    fn run(
        &self,
        command: &[String],
        variables: &[(&str, String)],
    ) -> impl Future<Output = Result<(), Trouble>> + Send;
}

impl Surface for Desktop {
    fn show(&self, notice: &Notice) -> impl Future<Output = Result<Press, Trouble>> + Send {
        Desktop::show(self, notice)
    }

    fn open(&self, page: &PageAddress) -> impl Future<Output = Result<(), Trouble>> + Send {
        Desktop::open(self, page)
    }

    fn is_locked(&self) -> impl Future<Output = Option<bool>> + Send {
        Desktop::is_locked(self)
    }

    fn unlocked(&self) -> impl Future<Output = ()> + Send {
        Desktop::unlocked(self)
    }

    fn run(
        &self,
        command: &[String],
        variables: &[(&str, String)],
    ) -> impl Future<Output = Result<(), Trouble>> + Send {
        manager::run(command, variables)
    }
}

/// Who has pages for signing in.
pub trait OpenPage: Send + Sync + 'static {
    /// A page for this request.
    fn open_page(
        &self,
        request: PageRequest,
    ) -> Pin<Box<dyn Future<Output = Result<PageAddress, ErrorBody>> + Send + '_>>;
}

/// What the tasks of prompts share.
struct Hands<S> {
    surface: Arc<S>,
    pages: Box<dyn OpenPage>,
    /// A way that does not work is told of once.
    has_told: [AtomicBool; 2],
}

impl Prompts {
    /// Asks for as long as the daemon runs.
    pub async fn keep<S: Surface>(self: Arc<Self>, surface: S, pages: impl OpenPage) {
        let surface = Arc::new(surface);
        let hands = Arc::new(Hands {
            surface: Arc::clone(&surface),
            pages: Box::new(pages),
            has_told: Default::default(),
        });
        let mut needs = self.broker.watch_needs();
        let mut shown: JoinSet<(AccountKey, u64, Shown)> = JoinSet::new();
        let mut up: BTreeMap<AccountKey, AbortHandle> = BTreeMap::new();
        let mut saved: Option<Vec<PromptRecord>> = None;
        let mut counted: BTreeSet<AccountKey> = BTreeSet::new();
        loop {
            needs.borrow_and_update();
            let standing = self.asked();
            counted.retain(|key| {
                let stands = standing.iter().any(|asked| asked.key == *key);
                if !stands {
                    METRICS.prompt_settled();
                }
                stands
            });
            if !standing.is_empty() {
                if saved.is_none() {
                    saved = self.remember().await;
                }
                let is_locked = self.is_locked(&hands).await;
                self.machine().set_locked(is_locked);
            }
            let actions = self.machine().step(self.clock.now().epoch());
            for action in actions {
                match action {
                    Action::Withdraw(key) => drop(up.remove(&key).map(|task| task.abort())),
                    Action::Show { key, serial } => {
                        let Some(asked) = standing.iter().find(|asked| asked.key == key) else { continue };
                        METRICS.prompt_raised();
                        counted.insert(key.clone());
                        let work = hands.ask(asked, self.settings());
                        let (hands, of) = (Arc::clone(&hands), key.clone());
                        let task = shown.spawn(async move { (of, serial, hands.carry_out(work).await) });
                        up.insert(key, task);
                    }
                }
            }
            self.news.send_modify(|count| *count += 1);
            self.save(&mut saved).await;
            let is_locked = self.machine().is_locked();
            tokio::select! {
                changed = needs.changed() => if changed.is_err() { return },
                () = self.nudged.notified() => {}
                Some(ended) = shown.join_next() => if let Ok((key, serial, shown)) = ended {
                    // Whoever reads the events can show it as well.
                    let is_seen = shown == Shown::Seen || self.news.receiver_count() > 0;
                    let shown = if is_seen { Shown::Seen } else { Shown::Unseen };
                    self.machine().ended(&key, serial, shown, self.clock.now().epoch());
                    up.remove(&key);
                },
                () = self.rested() => {}
                () = surface.unlocked(), if is_locked => {}
            }
        }
    }

    /// Waits until something is due by itself.
    async fn rested(&self) {
        let now = self.clock.now();
        let (waking, expected) = (self.machine().wake_on(now.epoch()), self.next_expected(now.epoch()));
        let Some(on) = [waking, expected].into_iter().flatten().min() else {
            return std::future::pending().await;
        };
        // Past the whole second, and not for so long that a clock which is set could not be noticed.
        let left = Duration::from_secs(on.saturating_sub(now.epoch()).min(LONGEST_WAIT)) + AFTERWARDS;
        tokio::select! {
            () = self.clock.wait_until(now.boot + left) => {}
            () = self.clock.wait_until_set() => {}
        }
    }

    async fn is_locked<S: Surface>(&self, hands: &Hands<S>) -> bool {
        // Nobody is asked while nothing would be shown anyway.
        if self.settings().notify.value == Notify::Off
            || !self.machine().wants_screen(self.clock.now().epoch())
        {
            return false;
        }
        let asked = tokio::time::timeout(2 * ANSWER_TIME, hands.surface.is_locked());
        asked.await.ok().flatten().unwrap_or(false)
    }

    /// What was asked before the daemon started. A vault that is closed is tried again with the next change.
    async fn remember(&self) -> Option<Vec<PromptRecord>> {
        match self.vault.prompts().await {
            Ok(records) => {
                self.machine().remember(records.clone());
                Some(records)
            }
            Err(error) => {
                tracing::debug!(%error, "what was asked before is not known");
                None
            }
        }
    }

    async fn save(&self, saved: &mut Option<Vec<PromptRecord>>) {
        let Some(before) = saved else { return };
        let memory = self.machine().memory();
        if memory == *before {
            return;
        }
        match self.vault.set_prompts(memory.clone()).await {
            Ok(()) => *before = memory,
            // A restart would ask again; no more than that.
            Err(error) => tracing::debug!(%error, "what was asked could not be saved"),
        }
    }
}

/// What one prompt's task has to do.
struct Work {
    prompt: Prompt,
    request: PageRequest,
    /// As they were when it was asked.
    settings: Arc<Prompting>,
}

impl<S: Surface> Hands<S> {
    fn ask(&self, asked: &Asked, settings: Arc<Prompting>) -> Work {
        let prompt = asked.prompt.clone();
        let request = PageRequest {
            profile: Some(prompt.profile.clone()),
            account: Some(prompt.account.to_string()),
            reason: Some(short(&prompt.reason)),
            program: prompt.program.as_deref().map(short),
            claims_handle: asked.claims_handle.clone(),
        };
        Work { prompt, request, settings }
    }

    async fn carry_out(&self, work: Work) -> Shown {
        let mut is_seen = false;
        if let Some(command) = &work.settings.notify_command {
            match self.surface.run(&command.value, &variables(&work.prompt)).await {
                Ok(()) => is_seen = true,
                Err(error) => self.tell(
                    0,
                    &format!("`notify_command` was not run: {error}; `entra watch --run` does without a service manager"),
                ),
            }
        }
        if work.settings.notify.value == Notify::Auto {
            match self.show(&work).await {
                Ok(()) => is_seen = true,
                Err(error) => self.tell(1, &format!("a person is needed and could not be told: {error}")),
            }
        }
        if is_seen { Shown::Seen } else { Shown::Unseen }
    }

    /// Shows it and does what the person says; once more where that did not work.
    async fn show(&self, work: &Work) -> Result<(), Trouble> {
        if self.surface.show(&notice::of(&work.prompt, &ENGLISH)).await? != Press::SignIn {
            return Ok(());
        }
        for _ in 0..2 {
            let page = match self.pages.open_page(work.request.clone()).await {
                Ok(page) => self.surface.open(&page).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.message),
            };
            let Err(error) = page else { return Ok(()) };
            tracing::warn!("the page for signing in could not be opened: {error}");
            let again = self.surface.show(&notice::not_opened(&work.prompt, &ENGLISH)).await;
            if !matches!(again, Ok(Press::SignIn)) {
                break;
            }
        }
        Ok(())
    }

    /// At info the first time: on a machine without a desktop it is always so.
    fn tell(&self, which: usize, sentence: &str) {
        if self.has_told[which].swap(true, Ordering::Relaxed) {
            tracing::debug!("{sentence}");
        } else {
            tracing::info!("{sentence}");
        }
    }
}

fn variables(prompt: &Prompt) -> Vec<(&'static str, String)> {
    let plain = |text: &str| text.chars().filter(|char| !char.is_control()).collect::<String>();
    let need = match prompt.need {
        Need::Expected => "expected",
        Need::Now => "now",
    };
    vec![
        ("ENTRA_PROMPT_ACCOUNT", plain(&prompt.username)),
        ("ENTRA_PROMPT_PROFILE", plain(&prompt.profile)),
        ("ENTRA_PROMPT_NEED", need.to_owned()),
        ("ENTRA_PROMPT_REASON", plain(&prompt.reason)),
        ("ENTRA_PROMPT_PROGRAM", plain(prompt.program.as_deref().unwrap_or_default())),
        ("ENTRA_PROMPT_WANTED", plain(prompt.wanted.as_deref().unwrap_or_default())),
        // Of a question of consent alone.
        ("ENTRA_PROMPT_QUESTION", String::new()),
    ]
}

/// As much as a page takes.
fn short(text: &str) -> String {
    let mut end = text.len().min(MAX_NAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// The longest wait at once, in seconds: what is due on a wall clock is looked at once a day at least.
const LONGEST_WAIT: u64 = 24 * 60 * 60;
const AFTERWARDS: Duration = Duration::from_secs(1);

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
