//! A person's word, where a rule wants one.

use std::time::Duration;

use super::layer::Layers;
use super::source::Setting;

/// The settings of consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consenting {
    /// How long a person has to answer.
    pub timeout: Setting<Duration>,
    /// Whether they can allow something for good.
    pub remembers: Setting<bool>,
}

impl Consenting {
    pub(super) fn read(layers: &Layers) -> Self {
        let Self { timeout, remembers } = Self::default();
        Self {
            timeout: layers.duration("consent_timeout").unwrap_or(timeout),
            remembers: layers
                .text("consent_remember")
                .map_or(remembers, |_| layers.is_on("consent_remember")),
        }
    }
}

impl Default for Consenting {
    fn default() -> Self {
        Self { timeout: Setting::built_in(TIMEOUT), remembers: Setting::built_in(true) }
    }
}

/// Time to look up, to read and to think.
const TIMEOUT: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_type_agree_on_what_is_built_in() {
        assert_eq!(Consenting::read(&Layers::default()), Consenting::default());
    }
}
