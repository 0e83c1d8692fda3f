//! Which loopback port tools are served on.

use std::str::FromStr;

/// The setting `loopback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackChoice {
    /// A port that is chosen once and kept.
    Auto,
    /// None at all: only programs that speak to the socket get tokens.
    Off,
    /// This one.
    Port(u16),
}

impl LoopbackChoice {
    /// What the setting may be.
    pub const EXPECTED: &str = "`auto`, `off` or a port from 1024 to 65535";
}

/// It is none of these.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is none of these")]
pub struct BadLoopback(String);

impl FromStr for LoopbackChoice {
    type Err = BadLoopback;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            number => match number.parse() {
                Ok(port @ 1024..) => Ok(Self::Port(port)),
                _ => Err(BadLoopback(number.to_owned())),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("auto", Some(LoopbackChoice::Auto))]
    #[case("off", Some(LoopbackChoice::Off))]
    #[case("1024", Some(LoopbackChoice::Port(1024)))]
    #[case("80", None)]
    #[case("65536", None)]
    #[case("-1", None)]
    #[case("on", None)]
    #[case("", None)]
    fn three_forms_are_taken(#[case] text: &str, #[case] choice: Option<LoopbackChoice>) {
        assert_eq!(text.parse().ok(), choice);
    }
}
