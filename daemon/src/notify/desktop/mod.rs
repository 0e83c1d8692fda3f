//! The desktop of the person: shows a notification, has a page opened, knows whether the screen is locked.
//!
//! The one hard idea is that there may be none, or one that hangs, dies or comes back: every call is bounded, nothing is
//! connected before it is needed, and what fails is a [`Trouble`] that the next reminder meets anew. The daemon executes
//! nothing (invariant 12): a page is opened by the desktop itself.

use std::fmt;
use std::time::Duration;

use tokio::sync::mpsc::Sender;

#[cfg(not(target_os = "linux"))]
mod aside;
#[cfg(target_os = "linux")]
mod bus_linux;
#[cfg_attr(target_os = "linux", path = "manager_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "manager_other.rs")]
pub mod manager;
#[cfg(target_os = "linux")]
mod screen_linux;
#[cfg_attr(target_os = "linux", path = "session_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "session_other.rs")]
mod session;
#[cfg_attr(target_os = "linux", path = "desktop_linux.rs")]
#[cfg_attr(target_os = "macos", path = "desktop_macos.rs")]
#[cfg_attr(windows, path = "desktop_windows.rs")]
mod system;

pub use session::Delay;
pub use system::Desktop;

/// A notification, in plain text (no markup): what shows it escapes what it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its first line.
    pub title: String,
    /// The rest, in lines.
    pub body: String,
    /// Its buttons: at most three, since macOS and GNOME show no more; a fourth only where a click on the text means the same.
    pub buttons: Vec<(Press, &'static str)>,
    /// What a click on the text means: no more than a person may do by accident.
    pub on_click: Press,
    /// What is to be run where there are no buttons.
    pub by_hand: &'static str,
}

/// What the person did with a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// They want to sign in.
    SignIn,
    /// Not now.
    Later,
    /// They allow it, once.
    AllowOnce,
    /// They allow it for this session.
    AllowSession,
    /// They refuse it.
    Deny,
    /// They want to see more, and more answers.
    Choices,
    /// It was closed, or has gone by itself, without an answer.
    Closed,
}

impl Press {
    /// How a button is told to a desktop that tells it back.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Later => "later",
            Self::AllowOnce => "allow-once",
            Self::AllowSession => "allow-session",
            Self::Deny => "deny",
            Self::Choices => "choices",
            Self::Closed => "closed",
        }
    }

    /// The button of this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let all = [
            Self::SignIn,
            Self::Later,
            Self::AllowOnce,
            Self::AllowSession,
            Self::Deny,
            Self::Choices,
            Self::Closed,
        ];
        all.into_iter().find(|press| press.word() == word)
    }
}

/// What of the session may be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Watched {
    /// The screen's lock.
    Screen,
    /// The machine's sleep.
    Sleep,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Screen => "the screen's lock",
            Self::Sleep => "sleep",
        })
    }
}

/// What happened to the session.
#[derive(Debug)]
pub enum Happening {
    /// The screen is locked.
    ScreenLocked,
    /// It is not, any more or at the start.
    ScreenOpened,
    /// The machine goes to sleep once this is dropped, or after some seconds.
    Sleeps(Delay),
    /// It is back.
    Woke,
}

/// Tells of what happens, until that cannot be known, and then why; the state of the screen first.
pub async fn follow(what: Watched, tell: &Sender<Happening>) -> Trouble {
    match what {
        Watched::Screen => session::follow_screen(tell).await,
        Watched::Sleep => session::follow_sleep(tell).await,
    }
}

/// Why the desktop did not do it.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is no desktop, or nothing there that shows notifications.
    #[error("there is no desktop here that shows notifications")]
    NoDesktop,
    /// There was, and it went away meanwhile.
    #[error("what shows notifications went away")]
    Gone,
    /// It is there and does not answer.
    #[error("the desktop did not answer within {} seconds", .0.as_secs())]
    Late(Duration),
    /// Nothing of this system's tells us.
    #[error("it is not followed on this system")]
    NotHere,
    /// It said no; the name of its error.
    #[error("the desktop refused: {0}")]
    Refused(String),
}

/// Longest that one answer of the desktop is waited for: it takes milliseconds, or something is wrong. (How long a person
/// takes over a notification is [`PATIENCE`].)
pub const ANSWER_TIME: Duration = Duration::from_secs(5);

/// Longest that a notification is left standing. One that nobody has answered for hours is taken back, and shown anew as a
/// reminder.
pub const PATIENCE: Duration = Duration::from_secs(8 * 60 * 60);
