//! Reaching a person: by the desktop's notification, by the command that they set, and by whoever follows the events. One task a
//! question, which ends with it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use entra_proto::consent::{ConsentQuestion, ConsentState, ConsentWord};
use entra_proto::log::LogEvent;

use entra_proto::secret::PageAddress;

use super::{By, Consents, about};
use crate::notify::desktop::{Desktop, Notice, Press, Trouble, manager};
use crate::notify::notice;
use crate::notify::words::ENGLISH;

/// Where a person is shown a question; [`Desktop`] but in tests.
pub(super) trait Surface: Send + Sync {
    /// As [`Desktop::show`].
    fn show(&self, notice: Notice) -> Doing<'_, Press>;
    /// As [`Desktop::open`].
    fn open(&self, page: PageAddress) -> Doing<'_, ()>;
    /// As [`manager::run`].
    fn run(&self, command: Vec<String>, variables: Variables) -> Doing<'_, ()>;
}

/// What a command finds in its environment.
pub(super) type Variables = Vec<(&'static str, String)>;

/// What becomes of it, or of what a person does with it.
pub(super) type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Trouble>> + Send + 'a>>;

impl Surface for Desktop {
    fn show(&self, notice: Notice) -> Doing<'_, Press> {
        Box::pin(async move { Self::show(self, &notice).await })
    }

    fn open(&self, page: PageAddress) -> Doing<'_, ()> {
        Box::pin(async move { Self::open(self, &page).await })
    }

    fn run(&self, command: Vec<String>, variables: Variables) -> Doing<'_, ()> {
        Box::pin(async move { manager::run(&command, &variables).await })
    }
}

impl Consents {
    /// Shows the question until it is answered, its time is over, or it turns out that nobody can be asked.
    pub(super) async fn show(self, id: String) {
        let (Some(question), Some(ends)) = (self.question(&id), self.ends(&id)) else { return };
        let is_answered = tokio::select! {
            () = self.over(&id) => true,
            () = self.shared.clock.wait_until(ends) => false,
            is_answered = self.reach(&id, &question) => is_answered,
        };
        if !is_answered {
            // Whether its time has run out or nobody is there, those who wait are told.
            let now = self.shared.clock.now();
            self.state().book.pass(now);
            if self.question(&id).is_some_and(|question| question.state == ConsentState::Unanswered) {
                self.note_question(&id);
                self.note_silence(&question);
            }
            self.tell();
        }
    }

    /// Asks the person who is at the desktop, and says whether they answered. While somebody follows the events, or was told by the
    /// command, it waits for them, whatever the desktop says.
    async fn reach(&self, id: &str, question: &ConsentQuestion) -> bool {
        let (mut told, mut is_told) = (pin!(self.by_command(question)), None);
        let shown = {
            let mut shown = pin!(self.at_desktop(id, question));
            loop {
                tokio::select! {
                    shown = &mut shown => break shown,
                    told = &mut told, if is_told.is_none() => is_told = Some(told),
                }
            }
        };
        let answer = match &shown {
            Ok(Press::AllowOnce) => Some(ConsentWord::Once),
            Ok(Press::AllowSession) => Some(ConsentWord::Session),
            Ok(Press::Deny) => Some(ConsentWord::Deny),
            Ok(Press::Choices | Press::SignIn | Press::Later | Press::Closed) => None,
            Err(error) => {
                tracing::debug!(%error, "a person's word is wanted, and the desktop does not ask for it");
                None
            }
        };
        if let Some(answer) = answer {
            if let Err(error) = self.say(id, answer, By::Button).await {
                tracing::info!(%error, "an answer came too late");
            }
            return true;
        }
        let is_told = match is_told {
            Some(is_told) => is_told,
            None => told.await,
        };
        if is_told || self.is_followed() {
            std::future::pending::<()>().await;
        } else if shown.is_ok() {
            let now = self.shared.clock.now();
            self.state().book.sent_away(id, now);
        } else {
            self.state().book.unheard(id);
        }
        false
    }

    /// Shows the notification, and in its place the question's page once the person wants that: it ends with the question.
    async fn at_desktop(&self, id: &str, question: &ConsentQuestion) -> Result<Press, Trouble> {
        if !self.state().is_shown {
            return Err(Trouble::NoDesktop);
        }
        let pages = self.shared.pages.get();
        let asking = notice::asking(question, pages.is_some(), &ENGLISH);
        let press = self.shared.surface.show(asking).await?;
        let (Press::Choices, Some(pages)) = (press, pages) else { return Ok(press) };
        let opened = match pages.open_question(id).await {
            Ok(page) => self.shared.surface.open(page).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.message),
        };
        if let Err(error) = opened {
            tracing::warn!("the page of a question could not be opened: {error}");
            return self.shared.surface.show(notice::asking(question, false, &ENGLISH)).await;
        }
        std::future::pending().await
    }

    /// Has the person's command run, and says whether it was.
    async fn by_command(&self, question: &ConsentQuestion) -> bool {
        let Some(command) = self.state().command.clone() else { return false };
        let ran = self.shared.surface.run(command, variables(question)).await;
        if let Err(error) = &ran {
            tracing::debug!(%error, "a person's word is wanted, and `notify_command` was not run");
        }
        ran.is_ok()
    }

    /// Returns when the question is open no more.
    pub(super) async fn over(&self, id: &str) {
        let mut news = self.shared.news.subscribe();
        while self.ends(id).is_some() {
            // The sender lives as long as this does.
            if news.changed().await.is_err() {
                return;
            }
        }
    }

    fn note_silence(&self, question: &ConsentQuestion) {
        let sentence = format!("{} for {}: nobody answered.", question.who, question.wanted);
        let event = about(LogEvent::ConsentAnswered, &question.matter);
        self.shared.audit.record(event.by_rule(Some(&question.rule)).detail(sentence));
    }

    pub(super) fn question(&self, id: &str) -> Option<ConsentQuestion> {
        let now = self.shared.clock.now();
        self.state().book.told(now).questions.into_iter().find(|question| question.id == id)
    }

    fn ends(&self, id: &str) -> Option<std::time::Duration> {
        self.state().book.ends(id)
    }

    fn is_followed(&self) -> bool {
        Arc::strong_count(&self.shared.present) > 1
    }
}

/// What it is told, by the names that it is told a prompt by.
fn variables(question: &ConsentQuestion) -> Variables {
    let plain = |text: &str| text.chars().filter(|char| !char.is_control()).collect::<String>();
    let known = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
    vec![
        ("ENTRA_PROMPT_ACCOUNT", known(&question.matter.username)),
        ("ENTRA_PROMPT_PROFILE", known(&question.matter.profile)),
        ("ENTRA_PROMPT_NEED", "consent".to_owned()),
        ("ENTRA_PROMPT_REASON", plain(&format!("Asked by the rule {}.", question.rule))),
        ("ENTRA_PROMPT_PROGRAM", plain(&question.who)),
        ("ENTRA_PROMPT_WANTED", plain(&question.wanted)),
        ("ENTRA_PROMPT_QUESTION", plain(&question.id)),
    ]
}
