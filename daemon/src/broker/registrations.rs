//! Which app registrations are in use, and where: for whoever looks at the way there.

use super::Broker;
use super::profiles::{Profiles, Registration};
use crate::vault::Entry;

impl Broker {
    /// Those of the configuration, and of the accounts that are known by now. Nothing is waited for.
    #[must_use]
    pub fn registrations(&self) -> Vec<Registration> {
        let state = self.state();
        state.rules.registrations(state.known.values().map(|known| &known.entry))
    }
}

impl Profiles {
    /// Those of the configuration, and of these entries where the configuration names none.
    pub(super) fn registrations<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> Vec<Registration> {
        let mut found = self.configured();
        for entry in entries {
            let Ok(target) = self.target_of(entry) else { continue };
            let profile = &entry.key.profile;
            // Nothing signs in by a profile that names none.
            found.retain(|known| known.profile != *profile || known.client_id.is_some());
            let registration = Registration {
                profile: profile.clone(),
                authority: target.authority,
                client_id: Some(target.client_id),
            };
            if !found.contains(&registration) {
                found.push(registration);
            }
        }
        found
    }
}
