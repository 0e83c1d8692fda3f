//! A question on a page of its own: who opens one, who may answer on it, and what it says once the question is over.
//!
//! A browser is no program that came to our socket, so who is at the other end of its connection is looked for; all who hold that are
//! judged as anybody is who answers. Where nobody is seen, no answer is taken.

use std::future::Future;
use std::pin::Pin;

use entra_proto::consent::{ConsentQuestion, ConsentState, ConsentWord};
use entra_proto::error::ErrorBody;
use entra_proto::secret::PageAddress;

use super::following::answer_to;
use super::{By, Consents, answering, no_such};
use crate::access::agent::Agents;
use crate::access::caller::Caller;
use crate::access::lease::{Leases, process};

/// Who has pages on which a question is answered.
pub trait OpenQuestion: Send + Sync {
    /// A page for the question of this name.
    fn open_question<'a>(&'a self, id: &'a str) -> Opened<'a>;
}

/// The page's address, or why there is none.
pub type Opened<'a> = Pin<Box<dyn Future<Output = Result<PageAddress, ErrorBody>> + Send + 'a>>;

/// A process, by its number and a mark that tells it from a later one.
pub type Hand = (u32, u64);

/// Those who hold a page's connection.
#[must_use]
pub fn hands(holders: &[Caller]) -> Vec<Hand> {
    let pids = holders.iter().filter_map(|holder| holder.own().0);
    pids.filter_map(|pid| Some((pid, process::mark(pid)?))).collect()
}

impl Consents {
    /// From now on a person who wants to see more of a question is shown one of these pages. Only the first counts.
    pub fn open_pages_by(&self, pages: Box<dyn OpenQuestion>) {
        let _known = self.shared.pages.set(pages);
    }

    /// The question of this name, if it is open and a person is asked.
    ///
    /// # Errors
    /// `not_found`.
    pub fn open_question(&self, id: &str) -> Result<ConsentQuestion, ErrorBody> {
        let question = self.question(id).filter(|question| question.state == ConsentState::Asked);
        question.ok_or_else(|| no_such("question", id))
    }

    /// Whether each of those who hold the other end of a page's connection may answer this question.
    ///
    /// # Errors
    /// `refused` where one may not, or none is seen; `not_found` where the question is over.
    pub async fn may_answer(
        &self,
        id: &str,
        holders: &[Caller],
        leases: &Leases,
        agents: &Agents,
    ) -> Result<(), ErrorBody> {
        for holder in holders {
            self.may_say(id, holder, leases, agents).await?;
        }
        if holders.is_empty() { Err(answering::unseen()) } else { Ok(()) }
    }

    /// A person's answer on the page of this question, by the browser that `holder` is, which [`Consents::may_answer`].
    ///
    /// # Errors
    /// When the question is over, this cannot be its answer, or it cannot be kept.
    pub async fn answer_on_page(
        &self,
        id: &str,
        answer: ConsentWord,
        holder: &Caller,
    ) -> Result<(), ErrorBody> {
        self.say(id, answer, By::Page(holder)).await
    }

    /// Waits until the question is over, and says what was answered; nothing where nobody did.
    pub async fn ended(&self, id: &str) -> Option<ConsentWord> {
        self.over(id).await;
        let now = self.shared.clock.now();
        answer_to(&self.state().book.told(now), id)
    }
}
