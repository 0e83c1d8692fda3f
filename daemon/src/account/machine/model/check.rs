//! What must be so whatever happened: what holds each key back, why, and when something is due next.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::super::tests::account;
use super::run::Run;
use super::samples::{slot, word};
use super::verdict::KEYS;

impl Run {
    pub(super) fn check(&self) -> Result<(), TestCaseError> {
        let next = self.machine.next_due(self.now).map(|due| due.max(self.now.boot));
        prop_assert_eq!(next, self.next_due(), "what is due next, at {:?}", self.now);
        (0..KEYS).try_for_each(|key| self.check_key(key))?;
        let past = self.past();
        for flight in past.under_way().filter(|flight| !past.is_queued(flight)) {
            let clearance = self.machine.clearance(&account(), flight.id, self.now);
            let stopped = past.stopped(flight, self.now);
            prop_assert_eq!(
                clearance.map_err(|failure| word(&failure)),
                stopped.map_or(Ok(()), |by| Err(Some(by)))
            );
        }
        Ok(())
    }

    fn check_key(&self, key: usize) -> Result<(), TestCaseError> {
        let past = self.past();
        if !self.machine.slots(&account()).any(|(known, _)| *known == slot(key)) {
            let is_of_worth = past.published(key).is_some() || past.under_way().any(|of| of.key == key);
            prop_assert!(!is_of_worth, "key {} is forgotten", key);
            return Ok(());
        }
        let until = self.machine.blocked_until(&account(), &slot(key), self.now);
        prop_assert_eq!(until, past.blocked_until(key, self.now), "what holds key {} back", key);
        let refusal = self.machine.refusal(&account(), &slot(key), None, self.now);
        let refusal = refusal.map(|refusal| (refusal.retry_after, word(&refusal.failure)));
        let expected = past.refusal(key, None, self.now);
        let expected = expected.map(|(until, by)| (until.map(|until| until - self.now.boot), by));
        prop_assert_eq!(refusal, expected, "why nothing is sent for key {}", key);
        Ok(())
    }
}
