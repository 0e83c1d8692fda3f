//! The programs' requests, in order, made up as they are needed.

use std::time::Duration;

use crate::chance::Chance;
use crate::world::{RESOURCES, Session};

/// An iterator over time and resource of every request.
pub(crate) struct Asks<'a> {
    sessions: std::slice::Iter<'a, Session>,
    session: Option<&'a Session>,
    next: [Duration; RESOURCES.len()],
    chance: Chance,
}

impl<'a> Asks<'a> {
    pub(crate) fn new(sessions: &'a [Session], seed: u64) -> Self {
        let next = [Duration::ZERO; RESOURCES.len()];
        let mut asks = Self { sessions: sessions.iter(), session: None, next, chance: Chance::new(seed) };
        asks.begin();
        asks
    }

    fn begin(&mut self) {
        self.session = self.sessions.next();
        if let Some(session) = self.session {
            self.next = std::array::from_fn(|_| {
                session.span.from + self.chance.within(Duration::ZERO..session.gap.1)
            });
        }
    }
}

impl Iterator for Asks<'_> {
    type Item = (Duration, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let session = self.session?;
            let asked = &mut self.next[..session.resources];
            let (resource, at) = asked.iter_mut().enumerate().min_by_key(|(_, at)| **at)?;
            if session.span.holds(*at) {
                let asked_at = *at;
                *at += self.chance.within(session.gap.0..session.gap.1);
                return Some((asked_at, resource));
            }
            self.begin();
        }
    }
}
