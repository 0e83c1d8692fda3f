//! What stands on the page in each state, top down: the heading, what to do, how far it is, and who asks for what.

use entra_proto::account::AccountInfo;
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::sign_in::{AuthorizationShown, CodeShown};

use super::html::Html;
use super::page::{Scene, View, is_cancelled, is_expired, may_be_linked};
use super::parts::{SEAL_BAD, SEAL_CLOCK, SEAL_GOOD, SEAL_STOP, write_row};
use crate::config::DEFAULT_PROFILE;

impl View<'_> {
    /// All of `main`.
    pub(super) fn write_scene(&self, html: &mut Html) {
        match self.scene {
            Scene::Begin => self.write_begin(html),
            Scene::Starting => self.write_starting(html),
            Scene::Authorization { refused, .. } => self.write_authorization(html, refused.as_deref()),
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
    }

    fn write_authorization(&self, html: &mut Html, refused: Option<&str>) {
        let words = self.words;
        self.write_title(html);
        self.write_caution(html);
        if let Some(refused) = refused {
            html.raw("<p class=\"soft\">").text(words.code_refused).raw(" ").prose(refused).raw("</p>\n");
        }
        html.raw("<a class=\"button wide\" target=\"_blank\" rel=\"noopener noreferrer\" href=\"");
        html.raw(ONWARD).raw("\">").text(words.open_link);
        html.raw("<span class=\"unseen\"> ").text(words.new_tab).raw("</span></a>\n");
        html.raw("<p class=\"soft under\">").text(words.authorization_note).raw("</p>\n");
        self.write_foot(html, words.authorization_left);
    }

    fn write_waiting(&self, html: &mut Html, code: &CodeShown) {
        let words = self.words;
        self.write_title(html);
        self.write_caution(html);
        if may_be_linked(code) {
            self.write_code(html, code);
            html.raw("<a class=\"button wide\" target=\"_blank\" rel=\"noopener noreferrer\" href=\"");
            html.text(&code.verification_uri).raw("\">").text(words.open_link);
            html.raw("<span class=\"unseen\"> ").text(words.new_tab).raw("</span></a>\n");
            html.raw("<p class=\"soft under\">")
                .fill(words.open_note, bare(&code.verification_uri))
                .raw("</p>\n");
        } else {
            html.raw("<p>").text(words.strange_note).raw("</p>\n");
            html.raw("<p class=\"address\">").text(&code.verification_uri).raw("</p>\n");
            self.write_code(html, code);
        }
        self.write_foot(html, words.time_left);
    }

    /// How far it is, what time is left, and the way out.
    fn write_foot(&self, html: &mut Html, time_left: &'static str) {
        html.raw("<div class=\"foot\"><div>");
        self.write_progress(html);
        if let Some(left) = self.seconds_left() {
            let (before, after) = time_left.split_once("{}").unwrap_or((time_left, ""));
            html.raw("<p class=\"soft clock\">").text(before).raw("<span role=\"timer\" id=\"clock\">");
            html.text(&format!("{}:{:02}", left / 60, left % 60)).raw("</span>").text(after).raw("</p>");
        }
        html.raw(
            "</div>\n<form method=\"post\"><button class=\"button quiet\" name=\"do\" value=\"cancel\">",
        );
        html.text(self.words.cancel_button).raw("</button></form></div>\n");
    }

    fn write_code(&self, html: &mut Html, code: &CodeShown) {
        html.raw("<div class=\"code\"><h2 id=\"code-label\">").text(self.words.code_label).raw("</h2>");
        html.raw("<output id=\"code\" aria-labelledby=\"code-label\">").text(code.user_code.expose());
        html.raw("</output><button class=\"button quiet\" type=\"button\" id=\"copy\" hidden>");
        html.text(self.words.copy_button).raw("</button></div>\n");
    }

    fn write_signed_in(&self, html: &mut Html, account: &AccountInfo) {
        html.raw(SEAL_GOOD);
        self.write_title(html);
        html.raw("<p class=\"lead\">").fill(self.words.signed_in_as, &account.username).raw("</p>\n");
        html.raw("<p class=\"soft\" role=\"status\">").text(self.words.signed_in_note).raw("</p>\n");
    }

    fn write_end(&self, html: &mut Html, error: &ErrorBody) {
        let is_failure = !is_cancelled(error) && !is_expired(error);
        let (seal, note) = match error.code {
            ErrorCode::SignInCancelled => (SEAL_STOP, Some(self.words.cancelled_note)),
            ErrorCode::SignInExpired => (SEAL_CLOCK, Some(self.words.expired_note)),
            _ => (SEAL_BAD, None),
        };
        html.raw(seal);
        self.write_title(html);
        if !is_expired(error) {
            html.raw("<p class=\"message\">").prose(&error.message).raw("</p>\n");
        }
        match (note, &error.hint) {
            (Some(note), _) => {
                html.raw("<p class=\"soft\">").text(note).raw("</p>\n");
            }
            (None, Some(hint)) => {
                html.raw("<p class=\"message\">").prose(hint).raw("</p>\n");
            }
            (None, None) => {}
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

    fn write_progress(&self, html: &mut Html) {
        html.raw("<p class=\"progress\"><span class=\"dot\" aria-hidden=\"true\"></span>");
        html.raw("<span id=\"progress\" role=\"status\">").text(self.progress()).raw("</span></p>");
    }

    fn write_subject(&self, html: &mut Html) {
        let (words, subject) = (self.words, self.subject);
        // What was asked in the end is the sign-in's own word.
        let asked = match self.scene {
            Scene::Waiting { code, .. } => Some(asked_by_code(code)),
            Scene::Authorization { shown, .. } => Some(asked_by_browser(shown)),
            _ => None,
        };
        let (tenant, application) =
            asked.map_or((None, None), |(tenant, application)| (Some(tenant), Some(application)));
        let tenant = tenant.or(subject.tenant.as_deref());
        let tenant = match tenant {
            Some(ANY_TENANT) => Some(words.any_tenant),
            tenant => tenant,
        };
        html.raw("<section class=\"about\" aria-labelledby=\"about\"><h2 id=\"about\">");
        html.text(words.about_label).raw("</h2>\n<dl>\n");
        if let Some(reason) = subject.reason.as_deref().filter(|_| !matches!(self.scene, Scene::Begin)) {
            write_row(html, words.reason, reason);
        }
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
}

/// The tenant, and the app registration by its known name.
fn asked_by_code(code: &CodeShown) -> (&str, &str) {
    (&code.tenant, code.app_name.as_deref().unwrap_or(&code.client_id))
}

fn asked_by_browser(shown: &AuthorizationShown) -> (&str, &str) {
    (&shown.tenant, shown.app_name.as_deref().unwrap_or(&shown.client_id))
}

/// An address as people read it out.
fn bare(address: &str) -> &str {
    address.strip_prefix("https://").unwrap_or(address)
}

/// The way on to Microsoft's page, from where the browser is: its address is a secret that stands on no page.
const ONWARD: &str = "?onward";

/// Any work or school tenant (Microsoft: "organizations").
const ANY_TENANT: &str = "organizations";
