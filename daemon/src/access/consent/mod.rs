//! A person's word, where a rule wants one: asked once, by whatever reaches them, and kept as long as they said.
//!
//! A request waits for the word for a minute at most, and a question stands for as long as the setting `consent_timeout` says:
//! whoever has gone meanwhile asks again and is served. The one hard idea is that doubt never lets in: without an answer, with
//! one that cannot be read, and of a caller that is not known again, a person is asked anew or the request is refused.

mod answering;
mod book;
mod following;
mod matter;
mod on_page;
mod refusal;
mod showing;

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use entra_proto::consent::{ConsentMatter, ConsentWord, ConsentsAnswer};
use entra_proto::error::ErrorBody;
use entra_proto::log::LogEvent;
use tokio::sync::watch;
use tokio::time::timeout;

use self::book::{Asking, Book, MOST_KEPT, Reply, Rules, Told};
pub use self::following::Following;
pub use self::on_page::{Hand, OpenQuestion, Opened, hands};
use self::refusal::{no_such, not_offered, refused, still_open, too_many_kept};
use crate::access::agent::Agents;
use crate::access::caller::Caller;
use crate::access::lease::{Leases, process};
use crate::access::policy::{Answer, Ask, Question};
use crate::audit::{Audit, Event};
use crate::clock::Clock;
use crate::config::{Consenting, Notify, Prompting};
use crate::notify::desktop::Desktop;
use crate::vault::{ConsentRecord, Vault};

/// Everybody's questions and a person's answers. Clones are the same ones.
#[derive(Clone)]
pub struct Consents {
    shared: Arc<Shared>,
}

struct Shared {
    vault: Vault,
    clock: Arc<dyn Clock>,
    audit: Audit,
    surface: Box<dyn showing::Surface>,
    /// Who has pages, where a person can answer on one.
    pages: OnceLock<Box<dyn OpenQuestion>>,
    state: Mutex<State>,
    /// Held while the vault is read or changed, so that memory follows the vault's order.
    in_order: tokio::sync::Mutex<()>,
    /// Counts what there is to tell followers.
    news: watch::Sender<u64>,
    /// Each follower holds one.
    present: Arc<()>,
}

struct State {
    book: Book,
    is_shown: bool,
    /// What the user's service manager runs for each question.
    command: Option<Vec<String>>,
    /// How often the vault had been locked when a session began.
    session_of: u64,
    /// The same when it was read; nothing before.
    read_after: Option<u64>,
}

impl Consents {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(
        vault: Vault,
        clock: Arc<dyn Clock>,
        audit: Audit,
        settings: (&Consenting, &Prompting),
    ) -> Self {
        Self::on(Box::new(Desktop::new()), vault, clock, audit, settings)
    }

    fn on(
        surface: Box<dyn showing::Surface>,
        vault: Vault,
        clock: Arc<dyn Clock>,
        audit: Audit,
        (settings, prompting): (&Consenting, &Prompting),
    ) -> Self {
        let state = State {
            book: Book::new(rules(settings)),
            is_shown: prompting.notify.value == Notify::Auto,
            command: prompting.notify_command.as_ref().map(|command| command.value.clone()),
            session_of: vault.times_locked(),
            read_after: None,
        };
        let (state, in_order) = (Mutex::new(state), tokio::sync::Mutex::new(()));
        let (news, present, pages) = (watch::Sender::new(0), Arc::new(()), OnceLock::new());
        Self {
            shared: Arc::new(Shared { vault, clock, audit, surface, pages, state, in_order, news, present }),
        }
    }

    /// Puts other settings in force.
    pub fn follow_settings(&self, settings: &Consenting, prompting: &Prompting) {
        let mut state = self.state();
        state.book.follow(rules(settings));
        state.is_shown = prompting.notify.value == Notify::Auto;
        state.command = prompting.notify_command.as_ref().map(|command| command.value.clone());
    }

    /// What may be answered, and what was decided.
    ///
    /// # Errors
    /// `locked` while entrad is.
    pub async fn list(&self) -> Result<ConsentsAnswer, ErrorBody> {
        self.restore().await?;
        let now = self.shared.clock.now();
        Ok(self.state().book.told(now))
    }

    /// A person's answer to the question of this name, and how things stand then.
    ///
    /// # Errors
    /// When there is no such question, this cannot be its answer or cannot be kept, or the caller may not give it.
    pub async fn answer(
        &self,
        id: &str,
        answer: ConsentWord,
        caller: &Caller,
        leases: &Leases,
        agents: &Agents,
    ) -> Result<ConsentsAnswer, ErrorBody> {
        self.may_say(id, caller, leases, agents).await?;
        self.say(id, answer, By::Terminal(caller)).await?;
        self.list().await
    }

    /// Whether this caller may answer this question.
    async fn may_say(
        &self,
        id: &str,
        caller: &Caller,
        leases: &Leases,
        agents: &Agents,
    ) -> Result<(), ErrorBody> {
        let line = answering::line_of(caller, leases, agents).await?;
        self.restore().await?;
        let asking = self.asked(id)?;
        if asking.process.is_some_and(|asker| line.contains(&asker)) {
            return Err(answering::itself());
        }
        Ok(())
    }

    /// Takes back the decision of this name, and answers how things stand then.
    ///
    /// # Errors
    /// When there is none, the change cannot be kept, or the caller may not make it.
    pub async fn revoke(
        &self,
        id: &str,
        caller: &Caller,
        leases: &Leases,
        agents: &Agents,
    ) -> Result<ConsentsAnswer, ErrorBody> {
        let _line = answering::line_of(caller, leases, agents).await?;
        self.restore().await?;
        let matter = {
            let _order = self.shared.in_order.lock().await;
            let kept = self.state().book.kept();
            let left: Vec<_> = kept.iter().filter(|record| record.id != id).cloned().collect();
            if left.len() < kept.len() {
                self.keep(left).await?;
            }
            self.state().book.revoke(id).ok_or_else(|| no_such("decision", id))?
        };
        let event = about(LogEvent::ConsentRevoked, &matter).by(Some(caller.noted()));
        self.shared.audit.record(event.detail(format!("The decision {id} was revoked.")));
        self.tell();
        self.list().await
    }

    /// Ends what holds for a session of this account, which has signed out.
    pub fn signed_out(&self, account: &str) {
        self.state().book.end_session(Some(account));
    }

    /// `GET /v1/prompts/events?consents=true`: the questions as they are asked, for who may answer them.
    ///
    /// # Errors
    /// When the caller may not.
    pub async fn follow(
        &self,
        caller: &Caller,
        leases: &Leases,
        agents: &Agents,
    ) -> Result<Following, ErrorBody> {
        let _line = answering::line_of(caller, leases, agents).await?;
        Ok(Following::new(self.clone()))
    }

    /// Says it, whichever way it came.
    async fn say(&self, id: &str, answer: ConsentWord, by: By<'_>) -> Result<(), ErrorBody> {
        let asking = self.asked(id)?;
        if !asking.answers.contains(&answer) {
            return Err(not_offered(answer, &asking.answers));
        }
        self.note_question(id);
        if matches!(answer, ConsentWord::Always | ConsentWord::Never) {
            let _order = self.shared.in_order.lock().await;
            let mut kept = self.state().book.kept();
            kept.retain(|record| !matter::is_same(&record.matter, &asking.matter));
            if kept.len() >= MOST_KEPT {
                return Err(too_many_kept());
            }
            kept.push(ConsentRecord {
                id: id.to_owned(),
                is_allowed: answer == ConsentWord::Always,
                matter: asking.matter.clone(),
                since: self.shared.clock.now().epoch(),
            });
            // On disk before it holds.
            self.keep(kept.clone()).await?;
            let now = self.shared.clock.now();
            let mut state = self.state();
            if !state.book.answer(id, answer, now) {
                // Its time ran out meanwhile; it was said all the same.
                state.book.read(kept);
            }
        } else if !self.answered_now(id, answer) {
            return Err(no_such("question", id));
        }
        let (caller, channel) = match by {
            By::Button => (None, " by a button of the desktop"),
            By::Page(caller) => (Some(caller), " on its page"),
            By::Terminal(caller) => (Some(caller), ""),
        };
        let event = about(LogEvent::ConsentAnswered, &asking.matter).by(caller.map(Caller::noted));
        let word = answer.word();
        let sentence = format!("{} for {}: `{word}`{channel}.", asking.who, asking.wanted);
        self.shared.audit.record(event.by_rule(Some(&asking.rule)).detail(sentence));
        self.tell();
        Ok(())
    }

    /// The audit log has it before its answer.
    fn note_question(&self, id: &str) {
        let noted = self.state().book.take_noted(id);
        if let Some(event) = noted {
            self.shared.audit.record(event);
        }
    }

    fn answered_now(&self, id: &str, answer: ConsentWord) -> bool {
        let now = self.shared.clock.now();
        self.state().book.answer(id, answer, now)
    }

    fn asked(&self, id: &str) -> Result<Asking, ErrorBody> {
        let now = self.shared.clock.now();
        self.state().book.question(id, now).cloned().ok_or_else(|| no_such("question", id))
    }

    async fn keep(&self, records: Vec<ConsentRecord>) -> Result<(), ErrorBody> {
        self.shared.vault.set_consents(records).await.map_err(|error| error.to_error_body())
    }

    /// Forgets what a lock ends, and reads what is kept where that has not been done since. What cannot be read was not said.
    async fn restore(&self) -> Result<(), ErrorBody> {
        let vault = &self.shared.vault;
        vault.must_be_unlocked().map_err(|error| error.to_error_body())?;
        if self.is_current() {
            return Ok(());
        }
        let _order = self.shared.in_order.lock().await;
        let locked = vault.times_locked();
        let records = vault.consents().await;
        let mut state = self.state();
        if state.session_of != locked {
            state.session_of = locked;
            state.book.end_session(None);
        }
        match records {
            Ok(records) => {
                state.book.read(records);
                state.read_after = Some(locked);
            }
            Err(error) => {
                tracing::warn!(%error, "what was allowed or refused for good cannot be read, so it is asked anew");
                state.book.read(Vec::new());
            }
        }
        Ok(())
    }

    fn is_current(&self) -> bool {
        let (state, locked) = (self.state(), self.shared.vault.times_locked());
        state.session_of == locked && state.read_after == Some(locked)
    }

    fn tell(&self) {
        self.shared.news.send_modify(|count| *count += 1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The word on a request.
    async fn decide(self, question: Question) -> Result<(), ErrorBody> {
        self.restore().await?;
        let asking = self.asking(&question).await;
        let now = self.shared.clock.now();
        let reply = self.state().book.ask(asking, now);
        let (id, told) = match reply {
            Reply::Allowed => return Ok(()),
            Reply::Refused(why) => return Err(refused(why, None, &question)),
            Reply::Open { id, is_new, told } => {
                if is_new {
                    self.tell();
                    tokio::spawn(self.clone().show(id.clone()));
                }
                (id, told)
            }
        };
        self.told(&id, told, &question).await
    }

    async fn told(&self, id: &str, mut told: Told, question: &Question) -> Result<(), ErrorBody> {
        let answer = timeout(PATIENCE, told.wait_for(Option::is_some)).await;
        match answer {
            Ok(Ok(answer)) => match *answer {
                Some(Ok(())) => Ok(()),
                Some(Err(why)) => Err(refused(why, Some(id), question)),
                None => Err(still_open(id, question)),
            },
            // It lost its place to another question, which it cannot while it is open.
            Ok(Err(_)) => Err(still_open(id, question)),
            Err(_) => Err(still_open(id, question)),
        }
    }

    async fn asking(&self, question: &Question) -> Asking {
        let matter = matter::of(question);
        let remembers = self.state().book.rules().remembers;
        let answers = matter::answers(question, &matter, remembers);
        let (mut process, mut who) = (None, matter::who(&matter));
        if let Some(caller) = &question.caller {
            let pid = caller.look(false).await.pid();
            process = pid.and_then(|pid| Some((pid, process::mark(pid)?)));
            if let (Some(pid), true) = (pid, matter.program.is_some()) {
                who = format!("{who} (process {pid})");
            }
        }
        let (parents, wanted) = (matter::parents(question), matter::wanted(&matter));
        let rule = question.rule.clone();
        let noted = about(LogEvent::ConsentAsked, &matter)
            .by(question.caller.as_ref().map(Caller::noted))
            .by_rule(Some(&rule))
            .detail(format!("{who} wants {wanted}."));
        Asking { matter, who, parents, wanted, rule, answers, process, noted: Some(noted) }
    }
}

/// Which way an answer came.
#[derive(Clone, Copy)]
enum By<'a> {
    Button,
    Page(&'a Caller),
    Terminal(&'a Caller),
}

impl Ask for Consents {
    fn ask(&self, question: Question) -> Answer {
        Box::pin(self.clone().decide(question))
    }
}

fn rules(settings: &Consenting) -> Rules {
    Rules { patience: settings.timeout.value, remembers: settings.remembers.value }
}

/// An entry of the audit log about this.
fn about(event: LogEvent, matter: &ConsentMatter) -> Event {
    let event = Event::new(event).lease(matter.lease.as_deref());
    let event = event.scopes(&matter.resources, matter.tenant.as_deref().unwrap_or_default());
    let account = matter.account.as_deref().and_then(|account| account.parse().ok());
    match (account, &matter.profile) {
        (Some(account), Some(profile)) => event.account(profile, &account),
        _ => event,
    }
}

/// How long a request waits for a person: less than whoever waits for it ([`entra_proto::limits::TOKEN_TIMEOUT`]), and time is
/// left for a request to Entra. The question may stand for longer.
const PATIENCE: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests;
