//! The few pages that a person, or a test in the person's place, sees.
//!
//! Plain forms without script, except the one that posts itself as `response_mode=form_post` demands. Everything that
//! comes from a request is escaped.

use crate::directory::User;
use crate::form::Form;

/// The page of `/authorize`: who wants what, and a button for each account. The request's own fields go along hidden.
pub(crate) fn pick_account(users: &[User], request: &Form, client_id: &str, scope: &str) -> String {
    let hidden: String = request.iter().map(|(name, value)| hidden(name, value)).collect();
    let buttons = buttons(users, request.one("login_hint").unwrap_or_default());
    document(
        "Pick an account",
        &format!(
            "<p>The application <code>{}</code> asks for <code>{}</code>.</p><form method=\"post\">{hidden}{buttons}</form>",
            escape(client_id),
            escape(scope)
        ),
    )
}

/// The page for a user code.
pub(crate) fn device(users: &[User], typed: &str) -> String {
    let buttons = buttons(users, "");
    document(
        "Enter code",
        &format!(
            "<p>Only continue if you started this yourself.</p><form method=\"post\"><p><input name=\"user_code\" value=\"{}\" autofocus></p>{buttons}</form>",
            escape(typed)
        ),
    )
}

/// A page with one message.
pub(crate) fn message(title: &str, text: &str) -> String {
    document(title, &format!("<p>{}</p>", escape(text)))
}

/// A page that posts fields to an address by itself.
pub(crate) fn form_post(action: &str, fields: &[(&str, String)]) -> String {
    let hidden: String = fields.iter().map(|(name, value)| hidden(name, value)).collect();
    document(
        "Working...",
        &format!(
            "<form method=\"post\" action=\"{}\">{hidden}<button>Continue</button></form><script>document.forms[0].submit()</script>",
            escape(action)
        ),
    )
}

fn buttons(users: &[User], hint: &str) -> String {
    let mut buttons = String::new();
    for user in users {
        let marked = if user.username.eq_ignore_ascii_case(hint) { " autofocus" } else { "" };
        buttons += &format!(
            "<p><button name=\"{USER}\" value=\"{0}\"{marked}>{1} ({0})</button></p>",
            escape(&user.username),
            escape(&user.name)
        );
    }
    buttons + &format!("<p><button name=\"{DECLINE}\" value=\"1\">Decline</button></p>")
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
}

fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The field that names the account a person picked.
pub(crate) const USER: &str = "sim_user";

/// The field that says a person declined.
pub(crate) const DECLINE: &str = "sim_decline";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_a_request_is_escaped() {
        let page = device(&[], "\"><script>");
        assert!(page.contains("value=\"&quot;&gt;&lt;script&gt;\""), "{page}");
    }
}
