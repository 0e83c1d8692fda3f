//! How a person is asked, and how often.

use std::str::FromStr;
use std::time::Duration;

use entra_proto::limits::MAX_SNOOZE;

use super::layer::{Layer, LayerError, Setting};
use super::quiet_hours::QuietHours;

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
    pub(super) fn read(merged: &Layer) -> Result<Self, LayerError> {
        let text = |key: &str| merged.text(key);
        let notify = text("notify").map(|it| it.try_map("notify", Notify::EXPECTED, |text| text.parse()));
        let command =
            text("notify_command").map(|it| it.try_map("notify_command", WORDS, |text| words(&text)));
        let quiet_hours = text("quiet_hours").filter(|it| it.value != OFF);
        let quiet_hours =
            quiet_hours.map(|it| it.try_map("quiet_hours", QuietHours::EXPECTED, |text| text.parse()));
        let snooze = text("snooze").map(|it| it.try_map("snooze", DURATION, |text| duration(&text)));
        let often = text("prompts_per_day")
            .map(|it| it.try_map("prompts_per_day", "a number up to 1000", |text| number(&text)));
        let ahead = text("ask_ahead").filter(|it| it.value != OFF);
        let ahead = ahead.map(|it| it.try_map("ask_ahead", DURATION, |text| duration(&text)));
        Ok(Self {
            notify: notify.transpose()?.unwrap_or_else(|| Setting::built_in(Notify::Auto)),
            notify_command: command.transpose()?.filter(|command| !command.value.is_empty()),
            quiet_hours: quiet_hours.transpose()?,
            snooze: snooze.transpose()?.unwrap_or_else(|| Setting::built_in(SNOOZE)),
            prompts_per_day: often.transpose()?.unwrap_or_else(|| Setting::built_in(PROMPTS_PER_DAY)),
            ask_ahead: ahead.transpose()?,
        })
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

const OFF: &str = "off";
const DURATION: &str =
    "a time from a minute to a week, such as `30m` or `1h`, or `off` where that is possible";
const WORDS: &str = "a program and its arguments: a list of words, or words with spaces between";

impl Notify {
    /// What the setting may be.
    pub const EXPECTED: &str = "`auto` or `off`";
}

/// A value that is none of those that may be.
#[derive(Debug, thiserror::Error)]
pub enum BadPrompting {
    /// Not a word of the setting.
    #[error("`{0}` is none of these")]
    Word(String),
    /// Not a time, or none that makes sense.
    #[error("`{0}` is not")]
    Duration(String),
    /// Not a number, or too large.
    #[error("`{0}` is not")]
    Number(String),
    /// Not a list of words.
    #[error("the list is not one of words")]
    List,
}

impl FromStr for Notify {
    type Err = BadPrompting;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            OFF => Ok(Self::Off),
            _ => Err(BadPrompting::Word(text.to_owned())),
        }
    }
}

fn duration(text: &str) -> Result<Duration, BadPrompting> {
    let wrong = || BadPrompting::Duration(text.to_owned());
    let duration = humantime::parse_duration(text).map_err(|_| wrong())?;
    let is_sensible = (Duration::from_secs(60)..=MAX_SNOOZE).contains(&duration);
    is_sensible.then_some(duration).ok_or_else(wrong)
}

fn number(text: &str) -> Result<u16, BadPrompting> {
    let number = text.parse().ok().filter(|number| *number <= 1000);
    number.ok_or_else(|| BadPrompting::Number(text.to_owned()))
}

/// A list as a file has it is kept as JSON; a variable or an option may have plain words as well. No shell ever reads them.
fn words(text: &str) -> Result<Vec<String>, BadPrompting> {
    if text.starts_with('[') {
        return serde_json::from_str(text).map_err(|_| BadPrompting::List);
    }
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1h", Some(3600))]
    #[case("1m", Some(60))]
    #[case("7d", Some(7 * 24 * 3600))]
    #[case("59s", None)]
    #[case("8d", None)]
    #[case("60", None)]
    fn a_snooze_is_neither_too_short_nor_for_ever(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(duration(text).ok().map(|duration| duration.as_secs()), seconds);
    }

    #[rstest]
    #[case("wall -n", Some(&["wall", "-n"][..]))]
    #[case(r#"["say","it is time"]"#, Some(&["say", "it is time"][..]))]
    #[case("[]", Some(&[][..]))]
    #[case("[1]", None)]
    #[case("[", None)]
    fn a_command_is_words(#[case] text: &str, #[case] expected: Option<&[&str]>) {
        let expected = expected.map(|words| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(words(text).ok(), expected);
    }

    #[rstest]
    #[case("0", Some(0))]
    #[case("1000", Some(1000))]
    #[case("1001", None)]
    #[case("-1", None)]
    fn a_day_has_few_prompts(#[case] text: &str, #[case] expected: Option<u16>) {
        assert_eq!(number(text).ok(), expected);
    }
}
