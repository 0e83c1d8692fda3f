//! Claims challenges kept behind handles, so that a caller need not carry long JSON into the sign-in that
//! follows.

use std::collections::VecDeque;

use uuid::Uuid;

/// The challenges of the latest refusals.
#[derive(Default)]
pub(super) struct Challenges {
    kept: VecDeque<(String, String)>,
}

/// A person answers one prompt at a time; older challenges than these have been answered or forgotten.
const MOST: usize = 64;

impl Challenges {
    /// Keeps a challenge and returns its handle; an equal one keeps the handle it has.
    pub(super) fn keep(&mut self, claims: &str) -> String {
        if let Some((handle, _)) = self.kept.iter().find(|(_, kept)| kept == claims) {
            return handle.clone();
        }
        if self.kept.len() == MOST {
            self.kept.pop_front();
        }
        let handle = Uuid::new_v4().to_string();
        self.kept.push_back((handle.clone(), claims.to_owned()));
        handle
    }

    /// The challenge behind a handle.
    pub(super) fn find(&self, handle: &str) -> Option<&str> {
        self.kept.iter().find(|(kept, _)| kept == handle).map(|(_, claims)| claims.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_are_found_until_many_newer_ones_came() {
        let mut challenges = Challenges::default();
        let first = challenges.keep("{\"a\":1}");
        assert_eq!(challenges.keep("{\"a\":1}"), first);
        assert_eq!(challenges.find(&first), Some("{\"a\":1}"));
        for n in 0..MOST {
            challenges.keep(&n.to_string());
        }
        assert_eq!(challenges.find(&first), None);
    }
}
