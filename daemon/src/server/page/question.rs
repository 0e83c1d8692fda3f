//! The pages of questions: each shows one question for as long as that is open, and a minute more how it ended.
//!
//! Such an address may be on a command line for a moment, so it does not answer by itself. The first browser that may answer and
//! reads the page has it alone from then on; it is told a key that each answer has to bring along; and at each answer anew those who
//! hold the connection are judged as everybody is who answers (`access/consent`).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use entra_proto::consent::{ConsentQuestion, ConsentWord};
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::MAX_PAGES;
use hyper::body::Incoming;
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::address::{Address, QUESTION, token};
use super::question_port;
use super::visits::{Ends, open_port, take_in};
use crate::access::agent::Agents;
use crate::access::caller::Caller;
use crate::access::consent::{Consents, Hand, OpenQuestion, Opened, hands};
use crate::access::lease::Leases;
use crate::broker::Broker;
use crate::clock::Clock;
use crate::notify::question::{QuestionView, Standing};
use crate::notify::words::ENGLISH;

/// The pages of questions that are open.
pub struct QuestionPages {
    consents: Consents,
    leases: Arc<Leases>,
    agents: Agents,
    broker: Arc<Broker>,
    clock: Arc<dyn Clock>,
    open: Mutex<Vec<Arc<QuestionPage>>>,
}

/// One of them.
pub(super) struct QuestionPage {
    pub(super) address: Address,
    /// What an answer has to bring along.
    key: String,
    question: ConsentQuestion,
    /// The browser that has it.
    reader: OnceLock<Hand>,
    shown: watch::Sender<Shown>,
}

/// What it shows.
#[derive(Default)]
pub(super) struct Shown {
    /// How the question ended, once it has.
    ended: Option<Option<ConsentWord>>,
    /// Why the last answer was not taken.
    trouble: Option<ErrorBody>,
    is_gone: bool,
}

/// Who reads a page.
pub(super) enum Reader {
    /// Whose answer is taken.
    Person(Caller),
    /// Whose answer is not, for this reason.
    Onlooker(ErrorBody),
    /// Not the one that has the page.
    Another,
}

impl QuestionPages {
    /// None yet.
    #[must_use]
    pub fn new(
        consents: Consents,
        leases: Arc<Leases>,
        agents: Agents,
        broker: Arc<Broker>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self { consents, leases, agents, broker, clock, open: Mutex::default() })
    }

    /// Ends all of them.
    pub fn close(&self) {
        for page in self.pages().iter() {
            page.shown.send_modify(|shown| shown.is_gone = true);
        }
    }

    /// Opens a page for the question of this name.
    ///
    /// # Errors
    /// `not_found` where it is not open; `refused` where there are too many.
    pub(super) async fn open(self: &Arc<Self>, id: &str) -> Result<Arc<QuestionPage>, ErrorBody> {
        let question = self.consents.open_question(id)?;
        if self.pages().len() >= MAX_PAGES {
            return Err(ErrorBody::new(ErrorCode::Refused, "As many pages are open as can be.")
                .with_hint("Run `entra consent` in a terminal."));
        }
        let (listener, address) = open_port(QUESTION).await?;
        let key = token().map_err(|error| {
            ErrorBody::new(ErrorCode::Internal, format!("No page can be opened: {error}."))
        })?;
        let (reader, shown) = (OnceLock::new(), watch::Sender::default());
        let page = Arc::new(QuestionPage { address, key, question, reader, shown });
        self.pages().push(Arc::clone(&page));
        tokio::spawn(Arc::clone(self).serve(Arc::clone(&page), listener));
        Ok(page)
    }

    async fn serve(self: Arc<Self>, page: Arc<QuestionPage>, listener: TcpListener) {
        let (pages, answers) = (Arc::clone(&self), Arc::clone(&page));
        let respond = move |visit, request: Request<Incoming>| {
            let request = request.map(Body::new);
            question_port::respond(Arc::clone(&pages), Arc::clone(&answers), visit, request)
        };
        let over = async {
            let mut shown = page.shown.subscribe();
            tokio::select! {
                () = self.outlived(&page) => {}
                _gone = shown.wait_for(|shown| shown.is_gone) => {}
            }
        };
        let connections = take_in(listener, over, "question's", respond).await;
        page.shown.send_modify(|shown| shown.is_gone = true);
        self.pages().retain(|open| !Arc::ptr_eq(open, &page));
        connections.end().await;
    }

    /// Waits until the question is over, has that shown, and waits until a person has seen it.
    async fn outlived(&self, page: &QuestionPage) {
        let ended = self.consents.ended(&page.question.id).await;
        page.shown.send_modify(|shown| shown.ended = Some(ended));
        let until = self.clock.now().boot + AFTER;
        self.clock.wait_until(until).await;
    }

    /// Who is at the other end, and whether their answer would be taken.
    pub(super) async fn reader(&self, page: &QuestionPage, ends: Ends) -> Reader {
        let holders = Caller::at_end(ends.ours, ends.theirs).await;
        let hands = hands(&holders);
        // Who is not seen may be the one who has it: they are shown the question, and no more.
        let is_another = |has: &Hand| !hands.is_empty() && !hands.contains(has);
        if page.reader.get().is_some_and(is_another) {
            return Reader::Another;
        }
        let may = self.consents.may_answer(&page.question.id, &holders, &self.leases, &self.agents).await;
        if let Err(error) = may {
            return Reader::Onlooker(error);
        }
        // Another one may have come first meanwhile.
        match (hands.first(), holders.into_iter().next()) {
            (Some(first), Some(holder)) if !is_another(page.reader.get_or_init(|| *first)) => {
                Reader::Person(holder)
            }
            _ => Reader::Another,
        }
    }

    /// Gives the person's answer. Why it is not taken is shown.
    pub(super) async fn answer(&self, page: &QuestionPage, word: ConsentWord, holder: &Caller) {
        let said = async {
            self.broker.must_be_open()?;
            self.consents.answer_on_page(&page.question.id, word, holder).await
        };
        let trouble = said.await.err();
        page.shown.send_modify(|shown| shown.trouble = trouble);
    }

    /// Waits until the page shows the end of its question, for a moment.
    pub(super) async fn settled(&self, page: &QuestionPage) {
        let mut shown = page.shown.subscribe();
        let told = shown.wait_for(|shown| shown.ended.is_some() || shown.trouble.is_some());
        let _late = tokio::time::timeout(GLANCE, told).await.map(drop);
    }

    /// How long the question can be answered.
    pub(super) fn left(&self, page: &QuestionPage) -> Duration {
        Duration::from_secs(page.question.until.saturating_sub(self.clock.now().epoch()))
    }

    fn pages(&self) -> MutexGuard<'_, Vec<Arc<QuestionPage>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For a person who wants to see more than a notification has. The pages are not kept by whoever opens them.
impl OpenQuestion for Weak<QuestionPages> {
    fn open_question<'a>(&'a self, id: &'a str) -> Opened<'a> {
        Box::pin(async move {
            let gone = || ErrorBody::new(ErrorCode::Internal, "entrad is stopping.");
            let page = self.upgrade().ok_or_else(gone)?.open(id).await?;
            Ok(page.address.url().clone())
        })
    }
}

impl QuestionPage {
    /// The document for this reader; nothing for another than the one who has it.
    pub(super) fn document(&self, reader: &Reader, left: Duration) -> Option<String> {
        let shown = self.shown.borrow();
        let standing = match (shown.ended, reader) {
            (Some(ended), Reader::Person(_) | Reader::Onlooker(_)) => Standing::Over(ended),
            (None, Reader::Person(_)) => Standing::Open { key: &self.key, trouble: shown.trouble.as_ref() },
            (None, Reader::Onlooker(error)) => Standing::ReadOnly(error),
            (_, Reader::Another) => return None,
        };
        Some(QuestionView { words: &ENGLISH, question: &self.question, standing, left }.document())
    }

    /// The answer in a form, if it brings the key.
    pub(super) fn said(&self, form: &[u8]) -> Option<ConsentWord> {
        let rest = form.strip_prefix(b"key=")?;
        let (key, rest) = rest.split_at_checked(self.key.len())?;
        let word = rest.strip_prefix(b"&do=")?;
        let is_ours = bool::from(key.ct_eq(self.key.as_bytes()));
        ConsentWord::ALL.into_iter().find(|known| is_ours && known.word().as_bytes() == word)
    }

    /// Whether the question is over.
    pub(super) fn has_ended(&self) -> bool {
        self.shown.borrow().ended.is_some()
    }

    /// What it shows, from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }
}

impl Shown {
    /// Whether the page is good no more.
    pub(super) fn is_gone(&self) -> bool {
        self.is_gone
    }
}

/// How long it is shown how a question ended.
const AFTER: Duration = Duration::from_secs(60);

/// An answer is in force sooner than this.
const GLANCE: Duration = Duration::from_millis(1500);

#[cfg(test)]
#[cfg(target_os = "linux")]
#[path = "question_tests_linux.rs"]
mod tests;
