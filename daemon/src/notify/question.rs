//! The page of a question: who wants what and why, and a button for each answer that is offered.
//!
//! It has buttons only for a reader whose answer would be taken; another one is told where to answer. What is shown was chosen by
//! whoever asks, so all of it is escaped, and none of it is markup.

use std::time::Duration;

use entra_proto::consent::{ConsentMatter, ConsentQuestion, ConsentWord};
use entra_proto::error::ErrorBody;

use super::html::Html;
use super::page::news;
use super::parts::{HEADER, SEAL_CLOCK, SEAL_GOOD, SEAL_STOP, write_foot, write_head, write_row};
use super::words::Words;
use crate::config::DEFAULT_PROFILE;

/// How the question stands.
#[derive(Clone, Copy, Debug)]
pub enum Standing<'a> {
    /// It is open, and this reader may answer by a form with this key.
    Open {
        /// What each answer has to bring along.
        key: &'a str,
        /// Why the last answer was not taken.
        trouble: Option<&'a ErrorBody>,
    },
    /// It is open, and this reader's answer is not taken, for this reason.
    ReadOnly(&'a ErrorBody),
    /// It is over, by this answer; by none where nobody answered in time.
    Over(Option<ConsentWord>),
}

/// Everything that the page shows.
#[derive(Clone, Copy)]
pub struct QuestionView<'a> {
    /// The language.
    pub words: &'static Words,
    /// What is asked.
    pub question: &'a ConsentQuestion,
    /// How it stands.
    pub standing: Standing<'a>,
    /// How long it can be answered.
    pub left: Duration,
}

impl QuestionView<'_> {
    /// The whole document.
    #[must_use]
    pub fn document(&self) -> String {
        let mut html = Html::default();
        let is_over = matches!(self.standing, Standing::Over(_));
        write_head(&mut html, self.words, self.title(), !is_over);
        let mut put = |name: &'static str, value: &str| {
            html.raw(" data-").raw(name).raw("=\"").text(value).raw("\"");
        };
        if !is_over {
            put("serial", OPEN);
            put("left", &self.left.as_secs().to_string());
        }
        put("lost", self.words.lost);
        html.raw(">\n").raw(HEADER).raw("<main aria-labelledby=\"title\">\n");
        match self.standing {
            Standing::Open { key, trouble } => self.write_open(&mut html, key, trouble),
            Standing::ReadOnly(error) => self.write_read_only(&mut html, error),
            Standing::Over(answer) => self.write_over(&mut html, answer),
        }
        self.write_about(&mut html);
        write_foot(&mut html, self.words);
        html.finish()
    }

    fn title(&self) -> &'static str {
        let words = self.words;
        match self.standing {
            Standing::Open { .. } | Standing::ReadOnly(_) => words.consent_title,
            Standing::Over(Some(ConsentWord::Once)) => words.over_once,
            Standing::Over(Some(ConsentWord::Session)) => words.over_session,
            Standing::Over(Some(ConsentWord::Always)) => words.over_always,
            Standing::Over(Some(ConsentWord::Deny)) => words.over_deny,
            Standing::Over(Some(ConsentWord::Never)) => words.over_never,
            Standing::Over(None) => words.over_unanswered,
        }
    }

    fn write_open(&self, html: &mut Html, key: &str, trouble: Option<&ErrorBody>) {
        self.write_title(html);
        html.raw("<p class=\"caution\">").text(self.words.question_caution).raw("</p>\n");
        if let Some(error) = trouble {
            write_error(html, error);
        }
        html.raw("<form method=\"post\" class=\"answers\"><input type=\"hidden\" name=\"key\" value=\"");
        html.text(key).raw("\">\n");
        for word in &self.question.answers {
            let class = if *word == ConsentWord::Once { "button" } else { "button quiet" };
            html.raw("<button class=\"").raw(class).raw("\" name=\"do\" value=\"").raw(word.word());
            html.raw("\">").text(self.label(*word)).raw("</button>\n");
        }
        html.raw("</form>\n<p class=\"soft under\">").prose(self.words.question_kept).raw("</p>\n");
        self.write_progress(html);
    }

    fn write_read_only(&self, html: &mut Html, error: &ErrorBody) {
        self.write_title(html);
        write_error(html, error);
        self.write_progress(html);
    }

    fn write_over(&self, html: &mut Html, answer: Option<ConsentWord>) {
        html.raw(match answer {
            Some(ConsentWord::Once | ConsentWord::Session | ConsentWord::Always) => SEAL_GOOD,
            Some(ConsentWord::Deny | ConsentWord::Never) => SEAL_STOP,
            None => SEAL_CLOCK,
        });
        self.write_title(html);
        html.raw("<p class=\"soft\" role=\"status\">").prose(self.words.over_note).raw("</p>\n");
    }

    fn write_title(&self, html: &mut Html) {
        html.raw("<h1 id=\"title\" tabindex=\"-1\">").text(self.title()).raw("</h1>\n<p class=\"lead\">");
        let (before, rest) = self.words.question_lead.split_once("{}").unwrap_or_default();
        html.text(before).raw("<strong>").text(&self.question.who).raw("</strong>");
        html.fill(rest, &self.question.wanted).raw("</p>\n");
    }

    fn write_progress(&self, html: &mut Html) {
        let (before, after) = self.words.question_left.split_once("{}").unwrap_or_default();
        let left = self.left.as_secs();
        html.raw("<p class=\"soft\">").text(before).raw("<span role=\"timer\" id=\"clock\">");
        html.text(&format!("{}:{:02}", left / 60, left % 60)).raw("</span>").text(after).raw("</p>\n");
        html.raw("<p id=\"progress\" role=\"status\" class=\"soft\"></p>\n");
    }

    fn write_about(&self, html: &mut Html) {
        let (words, matter) = (self.words, &self.question.matter);
        let ConsentMatter { program, hash, script, agent, lease, username, profile, tenant, .. } = matter;
        let is_elsewhere = matter.forwarded || matter.container;
        let resources = (!matter.resources.is_empty()).then(|| matter.resources.join(", "));
        let parents = self.question.parents.join(", ");
        let rows = [
            (words.program, program.as_deref()),
            (words.question_script, script.as_deref()),
            (words.question_parents, (!parents.is_empty()).then_some(parents.as_str())),
            (words.question_agent, agent.as_deref()),
            (words.question_lease, lease.as_deref()),
            (words.question_where, is_elsewhere.then_some(words.question_elsewhere)),
            (words.question_for, resources.as_deref()),
            (words.account, username.as_deref().or(matter.account.as_deref())),
            (words.tenant, tenant.as_deref()),
            (words.profile, profile.as_deref().filter(|profile| *profile != DEFAULT_PROFILE)),
            (words.question_rule, Some(self.question.rule.as_str())),
            (words.question_file, hash.as_deref()),
        ];
        html.raw("<section class=\"about\" aria-labelledby=\"about\"><h2 id=\"about\">");
        html.text(words.about_label).raw("</h2>\n<dl>\n");
        for (name, value) in rows {
            if let Some(value) = value {
                write_row(html, name, value);
            }
        }
        html.raw("</dl></section>\n");
    }

    fn label(&self, word: ConsentWord) -> &'static str {
        match word {
            ConsentWord::Once => self.words.consent_once,
            ConsentWord::Session => self.words.consent_session,
            ConsentWord::Always => self.words.question_always,
            ConsentWord::Deny => self.words.consent_deny,
            ConsentWord::Never => self.words.question_never,
        }
    }
}

/// What a page that is open is told: one line of JSON, another one once the question is over.
#[must_use]
pub fn told(is_over: bool, left: Duration) -> String {
    news(u64::from(is_over), "", Some(left.as_secs()))
}

fn write_error(html: &mut Html, error: &ErrorBody) {
    html.raw("<p class=\"message\">").prose(&error.message);
    if let Some(hint) = &error.hint {
        html.raw(" ").prose(hint);
    }
    html.raw("</p>\n");
}

/// The number of a page whose question is open, as [`told`] has it.
const OPEN: &str = "0";

#[cfg(test)]
#[path = "question_tests.rs"]
mod tests;
