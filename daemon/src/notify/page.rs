//! The sign-in page, from its state to its HTML.
//!
//! One document a state, the same for every reader: with a script it is loaded anew when the state changes, without one
//! every few seconds. The page holds no secret but the user code, not even its own address: its forms and its script take
//! that from where the browser is.

use std::time::Duration;

use entra_proto::account::AccountInfo;
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::sign_in::{AuthorizationShown, CodeShown};
use serde::Serialize;

use super::html::Html;
use super::parts::{HEADER, META, STYLE, write_foot, write_head};
use super::words::Words;

/// How far the sign-in is.
#[derive(Clone, Debug)]
pub enum Scene {
    /// Nothing was begun: the person is asked.
    Begin,
    /// It was begun, and there is no code yet.
    Starting,
    /// The person is to sign in on Microsoft's page, which comes back to this machine by itself.
    Authorization {
        /// Where, and what is asked for.
        shown: Box<AuthorizationShown>,
        /// Why the way that was tried first was refused, if one was.
        refused: Option<String>,
    },
    /// The person is at Microsoft's page, with a code.
    Waiting {
        /// The code and where it is entered.
        code: Box<CodeShown>,
        /// Why the wait is longer than usual.
        notice: Option<String>,
    },
    /// It worked.
    SignedIn(Box<AccountInfo>),
    /// It did not: cancelled, expired or failed, by the error's code.
    Ended(Box<ErrorBody>),
}

impl Scene {
    /// Whether a person may begin a sign-in here.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        matches!(self, Self::Begin | Self::Ended(_))
    }

    /// Whether a sign-in was begun here and has not ended.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        matches!(self, Self::Starting | Self::Authorization { .. } | Self::Waiting { .. })
    }
}

/// What the person is asked for, in every state.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// Who must come, by user name; whoever the person chooses when absent.
    pub account: Option<String>,
    /// The tenant, where it is known before the sign-in begins.
    pub tenant: Option<String>,
    /// The cloud.
    pub cloud: Cloud,
    /// The app registration by its known name, else by its id.
    pub application: Option<String>,
    /// The profile.
    pub profile: String,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// The program that wants it, by its own word.
    pub program: Option<String>,
    /// The process that opened the page, by the kernel's word.
    pub opener: String,
}

/// Everything that a page shows.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The language.
    pub words: &'static Words,
    /// What is asked for.
    pub subject: &'a Subject,
    /// How far it is.
    pub scene: &'a Scene,
    /// Counts the states, so that a reader knows a new one.
    pub serial: u64,
    /// What the code has left to live.
    pub left: Option<Duration>,
}

impl View<'_> {
    /// The whole document.
    #[must_use]
    pub fn document(&self) -> String {
        let mut html = Html::default();
        write_head(&mut html, self.words, self.title(), self.scene.is_under_way());
        self.write_data(&mut html);
        html.raw(">\n").raw(HEADER).raw("<main aria-labelledby=\"title\">\n");
        self.write_scene(&mut html);
        write_foot(&mut html, self.words);
        html.finish()
    }

    /// What a page that is open is told: one line of JSON.
    #[must_use]
    pub fn news(&self) -> String {
        news(self.serial, self.progress(), self.seconds_left())
    }

    /// For the script: what it counts, and its words.
    fn write_data(&self, html: &mut Html) {
        let mut put = |name: &'static str, value: &str| {
            html.raw(" data-").raw(name).raw("=\"").text(value).raw("\"");
        };
        if !matches!(self.scene, Scene::SignedIn(_)) {
            put("serial", &self.serial.to_string());
        }
        if let Some(left) = self.seconds_left() {
            put("left", &left.to_string());
        }
        put("lost", self.words.lost);
        put("copy", self.words.copy_button);
        put("copied", self.words.copied);
        put("not-copied", self.words.not_copied);
    }

    pub(super) fn title(&self) -> &'static str {
        let words = self.words;
        match self.scene {
            Scene::Begin => words.begin_title,
            Scene::Starting => words.starting_title,
            Scene::Authorization { .. } => words.authorization_title,
            Scene::Waiting { code, .. } if !may_be_linked(code) => words.strange_title,
            Scene::Waiting { .. } => words.waiting_title,
            Scene::SignedIn(_) => words.signed_in_title,
            Scene::Ended(error) if is_cancelled(error) => words.cancelled_title,
            Scene::Ended(error) if is_expired(error) => words.expired_title,
            Scene::Ended(_) => words.failed_title,
        }
    }

    pub(super) fn progress(&self) -> &str {
        match self.scene {
            Scene::Starting => self.words.starting_progress,
            Scene::Waiting { notice: Some(notice), .. } => notice,
            Scene::Waiting { code, .. } if !may_be_linked(code) => self.words.strange_progress,
            Scene::Authorization { .. } | Scene::Waiting { .. } => self.words.waiting_progress,
            Scene::Begin | Scene::SignedIn(_) | Scene::Ended(_) => "",
        }
    }

    pub(super) fn seconds_left(&self) -> Option<u64> {
        self.left.map(|left| left.as_secs())
    }
}

/// What is shown in place of anything else on the page's port: nothing.
#[must_use]
pub fn refusal(words: &'static Words) -> String {
    let mut html = Html::default();
    html.raw("<!doctype html>\n<html lang=\"").text(words.language).raw("\">\n<head>\n").raw(META);
    html.raw("<title>")
        .text(words.refused_title)
        .raw("</title>\n<style>")
        .raw(&STYLE)
        .raw("</style>\n</head>\n<body>\n");
    html.raw("<main>\n<h1>").text(words.refused_title).raw("</h1>\n<p>").prose(words.refused_note);
    html.raw("</p>\n</main>\n</body>\n</html>\n");
    html.finish()
}

/// The same from its parts.
pub(super) fn news(serial: u64, said: &str, left: Option<u64>) -> String {
    // Numbers and text can always be written.
    serde_json::to_string(&News { serial, said, left }).unwrap_or_default()
}

#[derive(Serialize)]
struct News<'a> {
    serial: u64,
    said: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
}

pub(super) fn is_cancelled(error: &ErrorBody) -> bool {
    error.code == ErrorCode::SignInCancelled
}

pub(super) fn is_expired(error: &ErrorBody) -> bool {
    error.code == ErrorCode::SignInExpired
}

/// Whether the page for the code is Microsoft's; and not `javascript:`, whatever anybody trusts.
pub(super) fn may_be_linked(code: &CodeShown) -> bool {
    let address = &code.verification_uri;
    code.is_trusted_uri && (address.starts_with("https://") || address.starts_with("http://"))
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
