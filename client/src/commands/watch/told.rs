//! What a person was told already.
//!
//! Each connection begins with the prompts that stand. Those that were told over the last one are no news; and those that are
//! missing have been settled meanwhile, which is certain with the connection's first `waiting`. What stands and is about to
//! be shown comes twice in a moment, and is told once.

use std::collections::BTreeSet;

use entra_proto::account::AccountId;
use entra_proto::prompt::{Need, Prompt, PromptEvent};

use super::is_shown;

/// The prompts that stand, as far as they were told, and those settled last.
#[derive(Debug, Default)]
pub(super) struct Told {
    connection: u64,
    standing: Vec<Standing>,
    /// Questions of rules that were told and are not over.
    asked: BTreeSet<String>,
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
    /// When it was news last, in seconds since 1970.
    told_on: u64,
    /// Whether it ever was when nothing held it back.
    was_shown: bool,
    is_settled: bool,
}

impl Told {
    /// A connection begins.
    pub(super) fn begin(&mut self) {
        self.connection += 1;
    }

    /// What of the event is news at `now`, in seconds since 1970.
    pub(super) fn take(&mut self, event: PromptEvent, now: u64) -> Vec<PromptEvent> {
        self.standing.retain(|standing| !standing.is_settled);
        match event {
            PromptEvent::Raised { prompt } => {
                if self.raised(&prompt, now) {
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
            // A new connection begins with those that were told over the last one.
            PromptEvent::Asked { question } => {
                let is_news = self.asked.insert(question.id.clone());
                if is_news { vec![PromptEvent::Asked { question }] } else { Vec::new() }
            }
            PromptEvent::Answered { id, answer } => {
                self.asked.remove(&id);
                vec![PromptEvent::Answered { id, answer }]
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

    /// Whether it is news.
    fn raised(&mut self, prompt: &Prompt, now: u64) -> bool {
        let same =
            |standing: &Standing| standing.account == prompt.account && standing.profile == prompt.profile;
        let before = self.standing.iter().position(same).map(|at| self.standing.swap_remove(at));
        let is_news = before.as_ref().is_none_or(|before| {
            let is_reminder =
                before.connection == self.connection && now.abs_diff(before.told_on) >= SOONEST_REMINDER;
            let is_other = before.need != prompt.need || before.reason != prompt.reason;
            is_reminder || is_other || (!before.was_shown && is_shown(prompt))
        });
        let told_on = before.as_ref().filter(|_| !is_news).map_or(now, |before| before.told_on);
        self.standing.push(Standing {
            account: prompt.account.clone(),
            profile: prompt.profile.clone(),
            username: prompt.username.clone(),
            need: prompt.need,
            reason: prompt.reason.clone(),
            connection: self.connection,
            told_on,
            was_shown: is_shown(prompt) || before.is_some_and(|before| before.was_shown),
            is_settled: false,
        });
        is_news
    }
}

/// Half of the shortest time after which the daemon reminds (setting `snooze`).
const SOONEST_REMINDER: u64 = 30;

#[cfg(test)]
mod tests {
    use entra_proto::prompt::{HeldBack, Holder};

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
        assert_eq!(told.take(raised(Need::Now), 0), [raised(Need::Now)]);
        assert_eq!(told.take(PromptEvent::Waiting, 30), []);
        assert_eq!(told.take(raised(Need::Now), 60), [raised(Need::Now)], "a reminder");
        told.begin();
        assert_eq!(told.take(raised(Need::Now), 600), []);
        assert_eq!(told.take(PromptEvent::Waiting, 630), []);
        assert_eq!(told.take(raised(Need::Now), 660), [raised(Need::Now)], "a reminder");
    }

    #[test]
    fn a_question_is_told_once_over_however_many_connections() {
        let question = Box::new(crate::consent_words::tests::question());
        let id = question.id.clone();
        let (mut told, asked) = (Told::default(), PromptEvent::Asked { question });
        for expected in [1, 0] {
            told.begin();
            assert_eq!(told.take(asked.clone(), 0).len(), expected);
        }
        assert_eq!(told.take(PromptEvent::Answered { id, answer: None }, 1).len(), 1);
        assert_eq!(told.take(asked.clone(), 2), [asked], "it is asked anew");
    }

    #[test]
    fn what_stands_and_is_shown_a_moment_later_is_told_once() {
        let mut told = Told::default();
        told.begin();
        assert_eq!(told.take(raised(Need::Now), 0), [raised(Need::Now)]);
        assert_eq!(told.take(raised(Need::Now), 1), []);
    }

    #[test]
    fn what_was_held_back_is_news_once_it_is_not() {
        let mut told = Told::default();
        told.begin();
        let held = HeldBack { by: Holder::QuietHours, until: None };
        let held = Prompt { held_back: Some(held), ..prompt(Need::Now) };
        let held = PromptEvent::Raised { prompt: Box::new(held) };
        assert_eq!(told.take(held.clone(), 0).len(), 1);
        assert_eq!(told.take(held.clone(), 1), []);
        assert_eq!(told.take(raised(Need::Now), 2), [raised(Need::Now)]);
        told.begin();
        assert_eq!(told.take(held, 600), []);
        told.begin();
        assert_eq!(told.take(raised(Need::Now), 700), []);
    }

    #[test]
    fn what_became_urgent_meanwhile_is_news() {
        let mut told = Told::default();
        told.begin();
        told.take(raised(Need::Expected), 0);
        told.begin();
        assert_eq!(told.take(raised(Need::Now), 1), [raised(Need::Now)]);
    }

    #[test]
    fn what_was_settled_between_two_connections_is_told_once() {
        let mut told = Told::default();
        told.begin();
        told.take(raised(Need::Now), 0);
        told.begin();
        assert_eq!(told.take(PromptEvent::Waiting, 1), [settled()]);
        assert_eq!(told.name(&"u.t".parse().unwrap(), "default"), Some("ada@example.com"));
        assert_eq!(told.take(PromptEvent::Waiting, 2), []);
        assert_eq!(told.take(raised(Need::Now), 3), [raised(Need::Now)]);
    }

    #[test]
    fn one_that_is_settled_is_named_for_as_long_as_that_is_told() {
        let mut told = Told::default();
        told.begin();
        told.take(raised(Need::Now), 0);
        assert_eq!(told.take(settled(), 1), [settled()]);
        assert_eq!(told.name(&"u.t".parse().unwrap(), "default"), Some("ada@example.com"));
        told.take(PromptEvent::Waiting, 2);
        assert_eq!(told.name(&"u.t".parse().unwrap(), "default"), None);
    }
}
