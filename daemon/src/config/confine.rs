//! When the kernel is to hold the daemon to its own files.

/// The setting `confine`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confine {
    /// However it was started.
    Always,
    /// Not at all.
    Never,
    /// As a service.
    Service,
}

impl Confine {
    /// The choice of this name; the usual one for any other.
    #[must_use]
    pub fn of(text: &str) -> Self {
        match text {
            "always" => Self::Always,
            "never" => Self::Never,
            _ => Self::Service,
        }
    }

    /// Whether it is to be, given whether a service manager has opened our socket.
    #[must_use]
    pub fn is_wanted(self, is_service: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Service => is_service,
        }
    }
}

/// Their names.
pub(super) const CONFINE: &[&str] = &["service", "always", "never"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_a_choice_of_its_own() {
        let choices: Vec<_> = CONFINE.iter().map(|name| Confine::of(name)).collect();
        assert_eq!(choices, [Confine::Service, Confine::Always, Confine::Never]);
        let wanted: Vec<_> = choices.iter().map(|it| (it.is_wanted(true), it.is_wanted(false))).collect();
        assert_eq!(wanted, [(true, false), (true, true), (false, false)]);
    }
}
