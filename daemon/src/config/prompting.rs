//! How a person is asked, and how often.

use std::time::Duration;

use super::layer::Layers;
use super::quiet_hours::QuietHours;
use super::source::Setting;
use super::values::OFF;

/// The settings of prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompting {
    /// Whether the desktop shows notifications.
    pub notify: Setting<Notify>,
    /// What the user's service manager runs for each prompt: a program and its arguments.
    pub notify_command: Option<Setting<Vec<String>>>,
    /// When nobody is asked.
    pub quiet_hours: Option<Setting<QuietHours>>,
    /// How long `Later` is, and after which time a person is reminded.
    pub snooze: Setting<Duration>,
    /// How often an account is asked for within 24 hours.
    pub prompts_per_day: Setting<u16>,
    /// How long before an expected demand a person is asked; not at all when absent.
    pub ask_ahead: Option<Setting<Duration>>,
}

/// The setting `notify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notify {
    /// By the desktop, where there is one.
    Auto,
    /// Never.
    Off,
}

impl Prompting {
    pub(super) fn read(layers: &Layers) -> Self {
        let is_off = |text: String| if text == OFF { Notify::Off } else { Notify::Auto };
        let hours = layers.unless_off("quiet_hours");
        Self {
            notify: layers
                .text("notify")
                .map_or_else(|| Setting::built_in(Notify::Auto), |it| it.map(is_off)),
            notify_command: layers.list("notify_command").filter(|command| !command.value.is_empty()),
            quiet_hours: hours
                .and_then(|it| Some(Setting { value: it.value.parse().ok()?, source: it.source })),
            snooze: layers.duration("snooze").unwrap_or_else(|| Setting::built_in(SNOOZE)),
            prompts_per_day: layers
                .number("prompts_per_day")
                .unwrap_or_else(|| Setting::built_in(PROMPTS_PER_DAY)),
            ask_ahead: layers.duration("ask_ahead"),
        }
    }
}

impl Default for Prompting {
    fn default() -> Self {
        Self {
            notify: Setting::built_in(Notify::Auto),
            notify_command: None,
            quiet_hours: None,
            snooze: Setting::built_in(SNOOZE),
            prompts_per_day: Setting::built_in(PROMPTS_PER_DAY),
            ask_ahead: None,
        }
    }
}

/// Long enough to end what one is at.
const SNOOZE: Duration = Duration::from_secs(60 * 60);

/// An account that is asked for at work and again in the evening, with reminders; more is noise.
const PROMPTS_PER_DAY: u16 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_type_agree_on_what_is_built_in() {
        assert_eq!(Prompting::read(&Layers::default()), Prompting::default());
    }
}
