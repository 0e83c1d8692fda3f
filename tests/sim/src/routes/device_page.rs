//! The page where a person types the user code of a device.

use crate::page;
use crate::reply::Reply;
use crate::request::Request;
use crate::state::{State, Verdict};

/// Shows the page, or does what the person chose on it.
pub(super) fn answer(state: &mut State, request: &Request) -> Reply {
    if request.method == "GET" {
        let typed = request.query.one("user_code").unwrap_or_default();
        return Reply::html(200, page::device(state.directory.users(), typed));
    }
    let form = match request.posted() {
        Ok(form) => form,
        Err(error) => return Reply::html(error.status, page::message("Not a form", &error.text)),
    };
    let verdict = match (form.one(page::USER), form.one(page::DECLINE)) {
        (Some(username), None) => Verdict::Approved { username: username.to_owned() },
        _ => Verdict::Declined,
    };
    let declined = verdict == Verdict::Declined;
    match state.decide(form.one("user_code").unwrap_or_default(), verdict) {
        Err(error) => Reply::html(400, page::message("That did not work", &error.to_string())),
        Ok(()) if declined => Reply::html(200, page::message("Declined", "The device was not signed in.")),
        Ok(()) => Reply::html(200, page::message("Signed in", "You have signed in on your device.")),
    }
}
