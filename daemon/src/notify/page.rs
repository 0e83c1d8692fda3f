//! The sign-in page, from its state to its HTML.
//!
//! One document a state, the same for every reader: with a script it is loaded anew when the state changes, without one
//! every few seconds. The page holds no secret but the user code, not even its own address: its forms and its script take
//! that from where the browser is.

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entra_proto::account::AccountInfo;
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::sign_in::CodeShown;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::html::Html;
use super::words::Words;
use crate::config::DEFAULT_PROFILE;

/// How far the sign-in is.
#[derive(Clone, Debug)]
pub enum Scene {
    /// Nothing was begun: the person is asked.
    Begin,
    /// It was begun, and there is no code yet.
    Starting,
    /// The person is at Microsoft's page.
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
        html.raw("<!doctype html>\n<html lang=\"").text(self.words.language).raw("\">\n<head>\n").raw(META);
        if matches!(self.scene, Scene::Starting | Scene::Waiting { .. }) {
            html.raw("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n");
        }
        html.raw("<title>").text(self.title()).raw(" · entrad</title>\n<style>").raw(&STYLE);
        html.raw("</style>\n</head>\n<body");
        self.write_data(&mut html);
        html.raw(">\n").raw(HEADER).raw("<main aria-labelledby=\"title\">\n");
        self.write_scene(&mut html);
        html.raw("</main>\n<footer><p>").text(self.words.footer).raw("</p></footer>\n<script>").raw(&SCRIPT);
        html.raw("</script>\n</body>\n</html>\n");
        html.finish()
    }

    /// What a page that is open is told: one line of JSON.
    #[must_use]
    pub fn news(&self) -> String {
        let news = News { serial: self.serial, said: self.progress(), left: self.seconds_left() };
        // Numbers and text can always be written.
        serde_json::to_string(&news).unwrap_or_default()
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

    fn write_scene(&self, html: &mut Html) {
        match self.scene {
            Scene::Begin => self.write_begin(html),
            Scene::Starting => self.write_starting(html),
            Scene::Waiting { code, .. } => self.write_waiting(html, code),
            Scene::SignedIn(account) => self.write_signed_in(html, account),
            Scene::Ended(error) => self.write_end(html, error),
        }
        if !matches!(self.scene, Scene::SignedIn(_)) {
            self.write_subject(html);
        }
    }

    fn write_begin(&self, html: &mut Html) {
        self.write_title(html);
        let reason = self.subject.reason.as_deref().unwrap_or(self.words.begin_lead);
        html.raw("<p class=\"lead\">").prose(reason).raw("</p>\n");
        self.write_caution(html);
        html.raw("<form method=\"post\"><button class=\"button wide\" name=\"do\" value=\"begin\">");
        html.text(self.words.begin_button).raw("</button></form>\n");
        html.raw("<p class=\"soft under\">").text(self.words.begin_note).raw("</p>\n");
        html.raw("<p id=\"progress\" role=\"status\" class=\"soft\"></p>\n");
    }

    fn write_starting(&self, html: &mut Html) {
        self.write_title(html);
        self.write_progress(html);
        html.raw("</div>\n");
    }

    fn write_waiting(&self, html: &mut Html, code: &CodeShown) {
        let words = self.words;
        self.write_title(html);
        self.write_caution(html);
        html.raw("<div class=\"code\"><h2 id=\"code-label\">").text(words.code_label).raw("</h2>");
        html.raw("<output id=\"code\" aria-labelledby=\"code-label\">").text(code.user_code.expose());
        html.raw("</output><button class=\"button quiet\" type=\"button\" id=\"copy\" hidden>");
        html.text(words.copy_button).raw("</button></div>\n");
        if code.is_trusted_uri && is_web(&code.verification_uri) {
            html.raw("<a class=\"button wide\" target=\"_blank\" rel=\"noopener noreferrer\" href=\"");
            html.text(&code.verification_uri).raw("\">").text(words.open_link);
            html.raw("<span class=\"unseen\"> ").text(words.new_tab).raw("</span></a>\n");
            html.raw("<p class=\"soft under\">")
                .fill(words.open_note, bare(&code.verification_uri))
                .raw("</p>\n");
        } else {
            html.raw("<p>").text(words.strange_address).raw("</p>\n");
            html.raw("<p class=\"address\">").text(&code.verification_uri).raw("</p>\n");
        }
        self.write_progress(html);
        if let Some(left) = self.seconds_left() {
            let (before, after) = words.time_left.split_once("{}").unwrap_or((words.time_left, ""));
            html.raw("<p class=\"soft clock\">").text(before).raw("<span role=\"timer\" id=\"clock\">");
            html.text(&format!("{}:{:02}", left / 60, left % 60)).raw("</span>").text(after).raw("</p>");
        }
        html.raw(
            "</div>\n<form method=\"post\"><button class=\"button quiet\" name=\"do\" value=\"cancel\">",
        );
        html.text(words.cancel_button).raw("</button></form></div>\n");
    }

    fn write_signed_in(&self, html: &mut Html, account: &AccountInfo) {
        html.raw(SEAL_GOOD);
        self.write_title(html);
        html.raw("<p class=\"lead\">").fill(self.words.signed_in_as, &account.username).raw("</p>\n");
        html.raw("<p class=\"soft\" role=\"status\">").text(self.words.signed_in_note).raw("</p>\n");
    }

    fn write_end(&self, html: &mut Html, error: &ErrorBody) {
        let is_failure = !is_cancelled(error) && !is_expired(error);
        html.raw(if is_failure { SEAL_BAD } else { SEAL_CALM });
        self.write_title(html);
        html.raw("<p class=\"message\">").prose(&error.message).raw("</p>\n");
        if is_cancelled(error) {
            html.raw("<p class=\"soft\">").text(self.words.cancelled_note).raw("</p>\n");
        } else if is_expired(error) {
            html.raw("<p class=\"soft\">").text(self.words.expired_note).raw("</p>\n");
        } else if let Some(hint) = &error.hint {
            html.raw("<p class=\"message\">").prose(hint).raw("</p>\n");
        }
        html.raw("<form method=\"post\"><button class=\"button\" name=\"do\" value=\"begin\">");
        html.text(self.words.again_button).raw("</button></form>\n");
        html.raw("<p id=\"progress\" role=\"status\" class=\"soft\"></p>\n");
        if let Some(id) = error.correlation_id.as_deref().filter(|_| is_failure) {
            html.raw("<div class=\"about\"><h2>").text(self.words.for_administrator).raw("</h2><dl>");
            write_row(html, self.words.correlation_id, id);
            html.raw("</dl></div>\n");
        }
    }

    fn write_title(&self, html: &mut Html) {
        html.raw("<h1 id=\"title\" tabindex=\"-1\">").text(self.title()).raw("</h1>\n");
    }

    fn write_caution(&self, html: &mut Html) {
        html.raw("<p class=\"caution\">").text(self.words.caution).raw("</p>\n");
    }

    /// Leaves its box open, for what stands below.
    fn write_progress(&self, html: &mut Html) {
        html.raw(
            "<div class=\"foot\"><div><p class=\"progress\"><span class=\"dot\" aria-hidden=\"true\"></span>",
        );
        html.raw("<span id=\"progress\" role=\"status\">").text(self.progress()).raw("</span></p>");
    }

    fn write_subject(&self, html: &mut Html) {
        let (words, subject) = (self.words, self.subject);
        // What was asked in the end is the sign-in's own word.
        let code = if let Scene::Waiting { code, .. } = self.scene { Some(code) } else { None };
        let tenant = code.map(|code| code.tenant.as_str()).or(subject.tenant.as_deref());
        let tenant = match tenant {
            Some(ANY_TENANT) => Some(words.any_tenant),
            tenant => tenant,
        };
        let application = code.map(|code| code.app_name.as_deref().unwrap_or(&code.client_id));
        html.raw("<section class=\"about\" aria-labelledby=\"about\"><h2 id=\"about\">");
        html.text(words.about_label).raw("</h2>\n<dl>\n");
        write_row(html, words.account, subject.account.as_deref().unwrap_or(words.any_account));
        let rows = [
            (words.tenant, tenant),
            (words.application, application.or(subject.application.as_deref())),
            (words.program, subject.program.as_deref()),
            (
                if subject.program.is_some() { words.opener } else { words.program },
                Some(subject.opener.as_str()),
            ),
            (words.profile, Some(subject.profile.as_str()).filter(|profile| *profile != DEFAULT_PROFILE)),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                write_row(html, name, value);
            }
        }
        if subject.cloud != Cloud::default() {
            write_row(html, words.cloud, &subject.cloud.to_string());
        }
        html.raw("</dl></section>\n");
    }

    fn title(&self) -> &'static str {
        let words = self.words;
        match self.scene {
            Scene::Begin => words.begin_title,
            Scene::Starting => words.starting_title,
            Scene::Waiting { .. } => words.waiting_title,
            Scene::SignedIn(_) => words.signed_in_title,
            Scene::Ended(error) if is_cancelled(error) => words.cancelled_title,
            Scene::Ended(error) if is_expired(error) => words.expired_title,
            Scene::Ended(_) => words.failed_title,
        }
    }

    fn progress(&self) -> &str {
        match self.scene {
            Scene::Starting => self.words.starting_progress,
            Scene::Waiting { notice, .. } => notice.as_deref().unwrap_or(self.words.waiting_progress),
            Scene::Begin | Scene::SignedIn(_) | Scene::Ended(_) => "",
        }
    }

    fn seconds_left(&self) -> Option<u64> {
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

/// The policy that every answer carries (Content Security Policy Level 3): this style and this script by their digests, and
/// nothing else of anybody's.
#[must_use]
pub fn policy() -> &'static str {
    &POLICY
}

#[derive(Serialize)]
struct News<'a> {
    serial: u64,
    said: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<u64>,
}

fn write_row(html: &mut Html, name: &'static str, value: &str) {
    html.raw("<dt>").text(name).raw("</dt><dd>").text(value).raw("</dd>\n");
}

fn is_cancelled(error: &ErrorBody) -> bool {
    error.code == ErrorCode::SignInCancelled
}

fn is_expired(error: &ErrorBody) -> bool {
    error.code == ErrorCode::SignInExpired
}

/// Not `javascript:`, whatever anybody trusts.
fn is_web(address: &str) -> bool {
    address.starts_with("https://") || address.starts_with("http://")
}

/// An address as people read it out.
fn bare(address: &str) -> &str {
    address.strip_prefix("https://").unwrap_or(address)
}

/// Any work or school tenant (Microsoft: "organizations").
const ANY_TENANT: &str = "organizations";

// A checkout on Windows may have other line ends, and the digest is of what a browser reads.
static STYLE: LazyLock<String> = LazyLock::new(|| include_str!("page.css").replace('\r', ""));
static SCRIPT: LazyLock<String> = LazyLock::new(|| include_str!("page.js").replace('\r', ""));
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        digest(&STYLE),
        digest(&SCRIPT)
    )
});

const META: &str = "<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n\
<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' \
stroke='%230b5cab' stroke-width='2.4' stroke-linecap='round'%3E%3Ccircle cx='8' cy='12' r='4.5'/%3E%3Cpath d='M12.5 12H22v4M18 12v3'/%3E%3C/svg%3E\">\n";

const HEADER: &str = "<header><p class=\"mark\"><svg aria-hidden=\"true\" width=\"24\" height=\"24\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\"><circle cx=\"8\" cy=\"12\" r=\"4.5\"/><path d=\"M12.5 12H22v4M18 12v3\"/></svg>\
entrad</p></header>\n";

const SEAL_GOOD: &str = "<div class=\"seal good\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.4\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><path d=\"M5 12.5l4.5 4.5L19 7.5\"/></svg></div>\n";

const SEAL_BAD: &str = "<div class=\"seal bad\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.4\" stroke-linecap=\"round\"><path d=\"M12 6v7.5M12 17.6v.1\"/></svg></div>\n";

const SEAL_CALM: &str = "<div class=\"seal calm\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.2\" stroke-linecap=\"round\"><circle cx=\"12\" cy=\"12\" r=\"8.5\"/><path d=\"M12 7.5V12l3 2\"/></svg></div>\n";

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
