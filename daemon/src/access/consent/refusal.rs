//! Why a request, or an answer to a question, is refused: in a sentence, with the way out.

use std::time::Duration;

use entra_proto::consent::ConsentWord;
use entra_proto::error::{ErrorBody, ErrorCode};

use super::book::Refusal;
use crate::access::policy::{EXPLAIN, Question};

/// A request, for want of a person's yes; `id` names the question that may still be answered.
pub(super) fn refused(why: Refusal, id: Option<&str>, question: &Question) -> ErrorBody {
    let Question { rule, in_advance, .. } = question;
    let wants = format!("The rule {rule} wants a person's word");
    let (message, left) = match why {
        Refusal::Denied(left) => (format!("{wants}, and they said no."), Some(left)),
        Refusal::Never => (format!("{wants}, and they said never."), None),
        Refusal::TooMany => (format!("{wants}, and too much was asked of them lately."), None),
        Refusal::Unanswered(left) => (format!("{wants}, and nobody answered."), Some(left)),
        Refusal::Unheard => (format!("{wants}, and nobody can be asked."), None),
    };
    let way = match (why, id) {
        (Refusal::Never, _) => "`entra consent` lists what was said, and can take it back.".to_owned(),
        (Refusal::Unheard, Some(id)) => {
            format!("Within some minutes you can answer it (`entra consent allow {id}`) and ask again.")
        }
        _ => "`entra consent` shows what is open, and takes an answer still.".to_owned(),
    };
    let error =
        ErrorBody::new(ErrorCode::Refused, message).with_hint(format!("{way} {in_advance} {EXPLAIN}"));
    match left {
        Some(left) => error.with_retry_after(left.as_secs().max(1)),
        None => error,
    }
}

/// A request that has waited long enough, while a person may still answer.
pub(super) fn still_open(id: &str, question: &Question) -> ErrorBody {
    let Question { rule, in_advance, .. } = question;
    let message = format!("The rule {rule} wants a person's word, and nobody has answered yet.");
    let hint = format!("Answer with `entra consent allow {id}`, and ask again. {in_advance}");
    ErrorBody::new(ErrorCode::Refused, message).with_hint(hint).with_retry_after(SOON.as_secs())
}

/// An answer that the question does not take.
pub(super) fn not_offered(answer: ConsentWord, offered: &[ConsentWord]) -> ErrorBody {
    let offered = offered.iter().map(|word| format!("`{}`", word.word())).collect::<Vec<_>>().join(", ");
    let message = format!("This question does not take `{}`: it takes {offered}.", answer.word());
    ErrorBody::new(ErrorCode::BadRequest, message).with_hint(
        "What is to be remembered needs a caller that can be told from others, and `always` the setting \
         `consent_remember` and a program whose file entrad can read.",
    )
}

/// No question or decision has this name.
pub(super) fn no_such(what: &str, id: &str) -> ErrorBody {
    let id: String = id.chars().filter(|char| !char.is_control()).take(80).collect();
    ErrorBody::new(ErrorCode::NotFound, format!("There is no {what} `{id}`, or it is over."))
        .with_hint("`entra consent list` shows what is open and what was decided.")
}

/// There is no room for another decision.
pub(super) fn too_many_kept() -> ErrorBody {
    ErrorBody::new(ErrorCode::Refused, "As many decisions are kept as can be.")
        .with_hint("Revoke some: `entra consent list` shows them, `entra consent revoke ID` takes one back.")
}

/// After which time a tool may ask again, while a person thinks.
const SOON: Duration = Duration::from_secs(5);
