//! One follower's way through the questions.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use entra_proto::consent::{ConsentState, ConsentWord, ConsentsAnswer};
use entra_proto::prompt::PromptEvent;
use tokio::sync::watch;

use super::Consents;

/// Somebody who is told of each question that is asked, and of its end. While there is one, a person can be reached.
pub struct Following {
    consents: Consents,
    news: watch::Receiver<u64>,
    /// The questions that were told and have not ended.
    told: BTreeSet<String>,
    next: VecDeque<PromptEvent>,
    _present: Arc<()>,
}

impl Following {
    pub(super) fn new(consents: Consents) -> Self {
        let mut news = consents.shared.news.subscribe();
        // What stands is looked at first.
        news.mark_changed();
        let present = Arc::clone(&consents.shared.present);
        Self { consents, news, told: BTreeSet::new(), next: VecDeque::new(), _present: present }
    }

    /// The next event: first the questions that are asked now. `None` when the daemon ends.
    pub async fn next_event(&mut self) -> Option<PromptEvent> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Some(event);
            }
            self.news.changed().await.ok()?;
            self.look();
        }
    }

    fn look(&mut self) {
        let now = self.consents.shared.clock.now();
        let standing = self.consents.state().book.told(now);
        let is_asked = |id: &str| {
            standing
                .questions
                .iter()
                .any(|question| question.id == id && question.state == ConsentState::Asked)
        };
        let over: Vec<_> = self.told.iter().filter(|id| !is_asked(id)).cloned().collect();
        for id in over {
            self.told.remove(&id);
            let answer = answer_to(&standing, &id);
            self.next.push_back(PromptEvent::Answered { id, answer });
        }
        let asked = standing.questions.into_iter().filter(|question| question.state == ConsentState::Asked);
        for question in asked {
            if self.told.insert(question.id.clone()) {
                self.next.push_back(PromptEvent::Asked { question: Box::new(question) });
            }
        }
    }
}

/// What was said, as far as it left something behind: what did not was allowed to who waited.
pub(super) fn answer_to(standing: &ConsentsAnswer, id: &str) -> Option<ConsentWord> {
    if let Some(said) = standing.decisions.iter().find(|said| said.id == id) {
        return Some(said.answer);
    }
    match standing.questions.iter().find(|question| question.id == id).map(|question| question.state) {
        Some(ConsentState::Denied) => Some(ConsentWord::Deny),
        Some(ConsentState::Asked | ConsentState::Unanswered | ConsentState::Unheard) => None,
        Some(ConsentState::Allowed) | None => Some(ConsentWord::Once),
    }
}
