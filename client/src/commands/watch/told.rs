//! What a person was told already.
//!
//! Each connection begins with the prompts that stand. Those that were told over the last one are no news; and those that are
//! missing have been settled meanwhile, which is certain with the connection's first `waiting`.

use entra_proto::account::AccountId;
use entra_proto::prompt::{Need, Prompt, PromptEvent};

/// The prompts that stand, as far as they were told, and those settled last.
#[derive(Debug, Default)]
pub(super) struct Told {
    connection: u64,
    standing: Vec<Standing>,
}

#[derive(Debug)]
struct Standing {
    account: AccountId,
    profile: String,
    username: String,
    need: Need,
    reason: String,
    /// The last connection that told of it.
    connection: u64,
    is_settled: bool,
}

impl Told {
    /// A connection begins.
    pub(super) fn begin(&mut self) {
        self.connection += 1;
    }

    /// What of the event is news.
    pub(super) fn take(&mut self, event: PromptEvent) -> Vec<PromptEvent> {
        self.standing.retain(|standing| !standing.is_settled);
        match event {
            PromptEvent::Raised { prompt } => {
                if self.raised(&prompt) {
                    vec![PromptEvent::Raised { prompt }]
                } else {
                    Vec::new()
                }
            }
            PromptEvent::Settled { account, profile } => {
                let same =
                    |standing: &&mut Standing| standing.account == account && standing.profile == profile;
                if let Some(standing) = self.standing.iter_mut().find(same) {
                    standing.is_settled = true;
                }
                vec![PromptEvent::Settled { account, profile }]
            }
            PromptEvent::Waiting => {
                let gone = self.standing.iter_mut().filter(|standing| standing.connection != self.connection);
                gone.map(|standing| {
                    standing.is_settled = true;
                    let (account, profile) = (standing.account.clone(), standing.profile.clone());
                    PromptEvent::Settled { account, profile }
                })
                .collect()
            }
        }
    }

    /// The user name of an account, where it was told; until the event after the one that settles it.
    pub(super) fn name(&self, account: &AccountId, profile: &str) -> Option<&str> {
        let same = |standing: &&Standing| standing.account == *account && standing.profile == profile;
        self.standing.iter().find(same).map(|standing| standing.username.as_str())
    }

    /// Whether it is news, which it is unless the last connection told the same.
    fn raised(&mut self, prompt: &Prompt) -> bool {
        let same =
            |standing: &Standing| standing.account == prompt.account && standing.profile == prompt.profile;
        let found = self.standing.iter().position(same).map(|at| self.standing.swap_remove(at));
        self.standing.push(Standing {
            account: prompt.account.clone(),
            profile: prompt.profile.clone(),
            username: prompt.username.clone(),
            need: prompt.need,
            reason: prompt.reason.clone(),
            connection: self.connection,
            is_settled: false,
        });
        found.is_none_or(|told| {
            told.connection == self.connection || told.need != prompt.need || told.reason != prompt.reason
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prompt_words::tests::prompt;

    fn raised(need: Need) -> PromptEvent {
        PromptEvent::Raised { prompt: Box::new(prompt(need)) }
    }

    fn settled() -> PromptEvent {
        PromptEvent::Settled { account: "u.t".parse().unwrap(), profile: "default".to_owned() }
    }

    #[test]
    fn a_reminder_is_news_and_what_stands_at_a_new_connection_is_not() {
        let mut told = Told::default();
        told.begin();
        assert_eq!(told.take(raised(Need::Now)), [raised(Need::Now)]);
        assert_eq!(told.take(PromptEvent::Waiting), []);
        assert_eq!(told.take(raised(Need::Now)), [raised(Need::Now)], "a reminder");
        told.begin();
        assert_eq!(told.take(raised(Need::Now)), []);
        assert_eq!(told.take(PromptEvent::Waiting), []);
        assert_eq!(told.take(raised(Need::Now)), [raised(Need::Now)], "a reminder");
    }

    #[test]
    fn what_became_urgent_meanwhile_is_news() {
        let mut told = Told::default();
        told.begin();
        told.take(raised(Need::Expected));
        told.begin();
        assert_eq!(told.take(raised(Need::Now)), [raised(Need::Now)]);
    }

    #[test]
    fn what_was_settled_between_two_connections_is_told_once() {
        let mut told = Told::default();
        told.begin();
        told.take(raised(Need::Now));
        told.begin();
        assert_eq!(told.take(PromptEvent::Waiting), [settled()]);
        assert_eq!(told.name(&"u.t".parse().unwrap(), "default"), Some("ada@example.com"));
        assert_eq!(told.take(PromptEvent::Waiting), []);
        assert_eq!(told.take(raised(Need::Now)), [raised(Need::Now)]);
    }

    #[test]
    fn one_that_is_settled_is_named_for_as_long_as_that_is_told() {
        let mut told = Told::default();
        told.begin();
        told.take(raised(Need::Now));
        assert_eq!(told.take(settled()), [settled()]);
        assert_eq!(told.name(&"u.t".parse().unwrap(), "default"), Some("ada@example.com"));
        told.take(PromptEvent::Waiting);
        assert_eq!(told.name(&"u.t".parse().unwrap(), "default"), None);
    }
}
