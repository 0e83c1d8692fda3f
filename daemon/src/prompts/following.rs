//! One reader's way through the prompts.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entra_proto::limits::EVENT_INTERVAL;
use entra_proto::prompt::PromptEvent;
use tokio::sync::watch;

use super::Prompts;
use crate::account::key::AccountKey;

/// A reader of `GET /v1/prompts/events`.
pub struct Following {
    prompts: Arc<Prompts>,
    news: watch::Receiver<u64>,
    /// What was told of each account, by its number; 0 for one that nobody was shown yet.
    told: BTreeMap<AccountKey, u64>,
    next: VecDeque<PromptEvent>,
    has_begun: bool,
}

impl Following {
    pub(super) fn new(prompts: Arc<Prompts>, news: watch::Receiver<u64>) -> Self {
        Self { prompts, news, told: BTreeMap::new(), next: VecDeque::new(), has_begun: false }
    }

    /// The next event: first what stands, then what is shown and what is settled. `None` when the daemon ends.
    pub async fn next_event(&mut self) -> Option<PromptEvent> {
        loop {
            if let Some(event) = self.next.pop_front() {
                return Some(event);
            }
            self.news.borrow_and_update();
            self.look();
            if self.next.is_empty() {
                match tokio::time::timeout(EVENT_INTERVAL, self.news.changed()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return None,
                    // A silent stream is a dead one to its reader.
                    Err(_) => return Some(PromptEvent::Waiting),
                }
            }
        }
    }

    fn look(&mut self) {
        let standing = self.prompts.asked();
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let next = &mut self.next;
        self.told.retain(|key, _| {
            let stands = standing.iter().any(|asked| asked.key == *key);
            if !stands {
                let (account, profile) = (key.account.clone(), key.profile.clone());
                next.push_back(PromptEvent::Settled { account, profile });
            }
            stands
        });
        for asked in standing {
            let told = self.told.get(&asked.key).copied().unwrap_or(0);
            if is_first || asked.raised > told {
                self.told.insert(asked.key, asked.raised);
                self.next.push_back(PromptEvent::Raised { prompt: Box::new(asked.prompt) });
            }
        }
    }
}
