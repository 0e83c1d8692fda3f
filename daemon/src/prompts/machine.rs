//! When a person is asked: pure, events in and actions out.
//!
//! Times are seconds since 1970 and arguments: hours of the day and "later" are a person's, and outlive a restart. The one
//! hard idea is that an account rests from the moment it is shown: whatever becomes of the notification, or of the daemon,
//! nobody is asked again before the rest is over. Accounts know nothing of each other.

use std::collections::BTreeMap;

use entra_proto::limits::MAX_SNOOZE;
use entra_proto::prompt::{HeldBack, Holder, Need};

use crate::account::key::AccountKey;
use crate::config::QuietHours;
use crate::vault::PromptRecord;

/// How often, and when not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// How long an account rests, in seconds.
    pub(super) snooze: u64,
    /// How often an account is shown within [`DAY`].
    pub(super) per_day: usize,
    pub(super) quiet_hours: Option<QuietHours>,
    /// How far local time is ahead of UTC at an instant, in seconds.
    pub(super) offset: fn(u64) -> i64,
}

/// Over how long prompts are counted.
pub(super) const DAY: u64 = 24 * 60 * 60;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A person is to be shown this account's prompt.
    Show {
        key: AccountKey,
        /// Its number, for the answer.
        serial: u64,
    },
    /// There is nothing to ask any more: what shows it goes away.
    Withdraw(AccountKey),
}

/// What became of a prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A person saw it, or could: they answered, or it was closed without an answer.
    Seen,
    /// There was no way to show it.
    Unseen,
}

/// See the module.
pub(super) struct Machine {
    rules: Rules,
    accounts: BTreeMap<AccountKey, Asked>,
    withdrawn: Vec<AccountKey>,
    is_locked: bool,
    serial: u64,
}

#[derive(Default)]
struct Asked {
    /// None when nothing is needed and only what was shown is remembered.
    need: Option<Need>,
    is_up: bool,
    /// The number of what was shown last for this need.
    raised: u64,
    /// When it was shown within the last day, the oldest first.
    shown_on: Vec<u64>,
    rests_until: u64,
    /// How often in a row there was no way to show it.
    misses: u32,
}

impl Machine {
    /// Nothing is needed yet.
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, accounts: BTreeMap::new(), withdrawn: Vec::new(), is_locked: false, serial: 0 }
    }

    /// Other rules from now on.
    pub(super) fn follow(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// What is needed now. What is not among it any more is withdrawn, and a new need of that account begins anew.
    pub(super) fn sync(&mut self, needs: &BTreeMap<AccountKey, Need>) {
        for (key, asked) in &mut self.accounts {
            let need = needs.get(key).copied();
            let is_greater = asked.need == Some(Need::Expected) && need == Some(Need::Now);
            let is_over = asked.need.is_some() && need.is_none();
            if is_greater || is_over {
                if std::mem::take(&mut asked.is_up) {
                    self.withdrawn.push(key.clone());
                }
                (asked.rests_until, asked.misses) = (0, 0);
            }
            if is_over {
                asked.raised = 0;
            }
            asked.need = need;
        }
        for (key, need) in needs {
            self.accounts.entry(key.clone()).or_default().need = Some(*need);
        }
    }

    /// What is to be done now.
    pub(super) fn step(&mut self, now: u64) -> Vec<Action> {
        self.pass(now);
        let mut actions: Vec<_> = self.withdrawn.drain(..).map(Action::Withdraw).collect();
        let due: Vec<_> = self.due(now).cloned().collect();
        for key in due {
            self.serial += 1;
            if let Some(asked) = self.accounts.get_mut(&key) {
                asked.is_up = true;
                asked.raised = self.serial;
                asked.shown_on.push(now);
                asked.rests_until = now + self.rules.snooze;
            }
            actions.push(Action::Show { key, serial: self.serial });
        }
        actions
    }

    /// Whether something would be shown now if the screen were not locked: then it is worth asking whether it is.
    pub(super) fn wants_screen(&self, now: u64) -> bool {
        let is_waiting = |asked: &Asked| asked.is_waiting() && self.held_by_itself(asked, now).is_none();
        self.accounts.values().any(is_waiting)
    }

    /// The screen.
    pub(super) fn set_locked(&mut self, is_locked: bool) {
        self.is_locked = is_locked;
    }

    /// Whether the screen was locked when that was last asked.
    pub(super) fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// What became of a prompt; one that is not up any more is no news.
    pub(super) fn ended(&mut self, key: &AccountKey, serial: u64, shown: Shown, now: u64) {
        let Some(asked) = self.accounts.get_mut(key).filter(|asked| asked.is_up && asked.raised == serial)
        else {
            return;
        };
        asked.is_up = false;
        match shown {
            Shown::Seen => {
                asked.misses = 0;
                asked.rests_until = now + self.rules.snooze;
            }
            Shown::Unseen => {
                asked.shown_on.pop();
                let rest = FIRST_RETRY << asked.misses.min(16);
                asked.rests_until = now + rest.min(self.rules.snooze);
                asked.misses += 1;
            }
        }
    }

    /// Puts an account off for so many seconds, none of them to end it. What is up goes away.
    pub(super) fn snooze(&mut self, key: &AccountKey, seconds: Option<u64>, now: u64) {
        let Some(asked) = self.accounts.get_mut(key).filter(|asked| asked.need.is_some()) else { return };
        asked.misses = 0;
        match seconds {
            // What is up is there to be answered already.
            Some(0) if asked.is_up => {}
            Some(0) => asked.rests_until = 0,
            seconds => {
                asked.rests_until = now + seconds.unwrap_or(self.rules.snooze).min(MAX_SNOOZE.as_secs());
                if std::mem::take(&mut asked.is_up) {
                    self.withdrawn.push(key.clone());
                }
            }
        }
    }

    /// When [`Machine::step`] has something to do next, where that is known.
    pub(super) fn wake_on(&self, now: u64) -> Option<u64> {
        let waiting = self.accounts.values().filter(|asked| asked.is_waiting());
        waiting.filter_map(|asked| self.free_on(asked, now)).filter(|on| *on > now || !self.is_locked).min()
    }

    /// Why an account is not shown, and when it was shown last.
    pub(super) fn told_of(&self, key: &AccountKey, now: u64) -> (Option<HeldBack>, Option<u64>) {
        let Some(asked) = self.accounts.get(key) else { return (None, None) };
        let held = if asked.is_waiting() { self.held_back(asked, now) } else { None };
        (held, asked.shown_on.last().copied())
    }

    /// The number of what was shown last for the account's need; 0 when nothing was.
    pub(super) fn raised(&self, key: &AccountKey) -> u64 {
        self.accounts.get(key).map_or(0, |asked| asked.raised)
    }

    /// What is to outlive the daemon.
    pub(super) fn memory(&self) -> Vec<PromptRecord> {
        let worth =
            self.accounts.iter().filter(|(_, asked)| !asked.shown_on.is_empty() || asked.is_snoozed());
        let record = |(key, asked): (&AccountKey, &Asked)| PromptRecord {
            key: key.clone(),
            shown_on: asked.shown_on.clone(),
            rests_until: if asked.is_snoozed() { asked.rests_until } else { 0 },
        };
        worth.map(record).collect()
    }

    /// What outlived the daemon before; nothing of what is known better since.
    pub(super) fn remember(&mut self, records: Vec<PromptRecord>) {
        for record in records {
            let asked = self.accounts.entry(record.key).or_default();
            if asked.shown_on.is_empty() {
                asked.shown_on = record.shown_on;
                asked.rests_until = asked.rests_until.max(record.rests_until);
            }
        }
    }

    fn due(&self, now: u64) -> impl Iterator<Item = &AccountKey> {
        let is_due = move |asked: &Asked| asked.is_waiting() && self.held_back(asked, now).is_none();
        self.accounts.iter().filter(move |(_, asked)| is_due(asked)).map(|(key, _)| key)
    }

    fn held_back(&self, asked: &Asked, now: u64) -> Option<HeldBack> {
        let lock = || self.is_locked.then_some(HeldBack { by: Holder::ScreenLock, until: None });
        self.held_by_itself(asked, now).or_else(lock)
    }

    /// By anything but the screen.
    fn held_by_itself(&self, asked: &Asked, now: u64) -> Option<HeldBack> {
        let holder = |by, until| Some(HeldBack { by, until });
        if asked.rests_until > now {
            let by = if asked.misses > 0 { Holder::NoDesktop } else { Holder::Snooze };
            return holder(by, Some(asked.rests_until));
        }
        match self.limited_until(asked, now) {
            Limit::Free => {}
            Limit::Until(until) => return holder(Holder::DailyLimit, Some(until)),
            Limit::Always => return holder(Holder::DailyLimit, None),
        }
        let quiet = self.rules.quiet_hours.and_then(|hours| hours.end(now, self.rules.offset));
        quiet.and_then(|end| holder(Holder::QuietHours, Some(end)))
    }

    fn limited_until(&self, asked: &Asked, now: u64) -> Limit {
        let most = self.rules.per_day;
        if most == 0 {
            return Limit::Always;
        }
        match asked.shown_on.len().checked_sub(most).and_then(|at| asked.shown_on.get(at)) {
            Some(first) if first + DAY > now => Limit::Until(first + DAY),
            _ => Limit::Free,
        }
    }

    /// The first instant from now on at which nothing but the screen holds the account back.
    fn free_on(&self, asked: &Asked, now: u64) -> Option<u64> {
        let mut on = now.max(asked.rests_until);
        match self.limited_until(asked, on) {
            Limit::Free => {}
            Limit::Until(until) => on = until,
            Limit::Always => return None,
        }
        Some(self.rules.quiet_hours.and_then(|hours| hours.end(on, self.rules.offset)).unwrap_or(on))
    }

    /// Forgets what is over, and what a clock that was ahead has left behind.
    fn pass(&mut self, now: u64) {
        for asked in self.accounts.values_mut() {
            asked.shown_on.retain(|on| *on <= now && on + DAY > now);
            asked.rests_until = asked.rests_until.min(now + MAX_SNOOZE.as_secs());
        }
        self.accounts
            .retain(|_, asked| asked.need.is_some() || !asked.shown_on.is_empty() || asked.rests_until > now);
    }
}

enum Limit {
    Free,
    Until(u64),
    Always,
}

impl Asked {
    fn is_waiting(&self) -> bool {
        self.need.is_some() && !self.is_up
    }

    /// A rest that a person wanted, or that follows a prompt that they could see.
    fn is_snoozed(&self) -> bool {
        self.rests_until > 0 && self.misses == 0
    }
}

/// A desktop that is not there yet comes within a minute or two of the start of a session. After that it is tried less often,
/// at last as often as a person is reminded.
const FIRST_RETRY: u64 = 60;

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
