//! Scripted misbehaviour.
//!
//! Faults wait in a queue. A request takes the first fault for its leg; each fault serves a number of requests and
//! is then gone. A fault that answers in the service's place leaves the service's state alone; [`Action::DropAnswer`]
//! and those that change an answer act after the service has done its work.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::leg::Leg;

/// One scripted misbehaviour: for which requests, how many of them, and what happens.
///
/// ```
/// use entra_sim::{Fault, Leg};
/// let twice_unavailable = Fault::on(Leg::Refresh).status(503).times(2);
/// let third_poll_is_slow = Fault::on(Leg::Poll).after(2).delay(std::time::Duration::from_secs(1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The leg it waits for; `any` by default.
    #[serde(default = "any")]
    pub leg: Leg,
    /// How many requests it serves; 1 by default.
    #[serde(default = "once")]
    pub times: u32,
    /// How many requests on the leg pass unharmed first.
    #[serde(default)]
    pub after: u32,
    /// What happens, in this order.
    pub actions: Vec<Action>,
}

impl Fault {
    /// A fault for the next request on `leg`; choose what happens with the other methods.
    pub fn on(leg: Leg) -> Self {
        Self { leg, times: 1, after: 0, actions: Vec::new() }
    }

    /// Serves this many requests instead of one.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Lets this many requests on the leg pass first.
    #[must_use]
    pub fn after(self, after: u32) -> Self {
        Self { after, ..self }
    }

    /// Adds any action.
    #[must_use]
    pub fn act(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Answers late.
    #[must_use]
    pub fn delay(self, by: Duration) -> Self {
        self.act(Action::Delay { ms: u64::try_from(by.as_millis()).unwrap_or(u64::MAX) })
    }

    /// Resets the connection instead of answering; the service's state is left alone.
    #[must_use]
    pub fn reset(self) -> Self {
        self.act(Action::Reset)
    }

    /// Answers with an HTTP status and an HTML page.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        self.act(Action::Status { status, retry_after: None })
    }

    /// Answers 429 with `Retry-After` in seconds.
    #[must_use]
    pub fn throttle(self, seconds: u64) -> Self {
        self.act(Action::Status { status: 429, retry_after: Some(RetryAfter::Seconds(seconds)) })
    }

    /// Answers with a refusal in Entra's form, status 400.
    #[must_use]
    pub fn refuse(self, error: &str, code: u32) -> Self {
        self.refuse_with(error, code, None, None)
    }

    /// Answers with a refusal in Entra's form that has a `suberror` and a claims challenge.
    #[must_use]
    pub fn refuse_with(self, error: &str, code: u32, suberror: Option<&str>, claims: Option<&str>) -> Self {
        self.act(Action::Refuse {
            error: error.to_owned(),
            code,
            status: bad_request(),
            suberror: suberror.map(str::to_owned),
            claims: claims.map(str::to_owned),
            description: None,
        })
    }

    /// Does the service's work, then drops the connection without an answer.
    #[must_use]
    pub fn drop_answer(self) -> Self {
        self.act(Action::DropAnswer)
    }

    /// Leaves fields out of the answer.
    #[must_use]
    pub fn without<'a>(self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.act(Action::DropFields { fields: fields.into_iter().map(str::to_owned).collect() })
    }

    /// Sets a field of the answer.
    #[must_use]
    pub fn with(self, field: &str, value: impl Into<Value>) -> Self {
        self.act(Action::SetFields { fields: Map::from_iter([(field.to_owned(), value.into())]) })
    }
}

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answers late, bounded by the rule `hang_limit`.
    Delay {
        /// How late, in milliseconds.
        ms: u64,
    },
    /// Leaves fields out of the answer, for example `interval`, `refresh_token`, `client_info`.
    DropFields {
        /// Their names.
        fields: Vec<String>,
    },
    /// Does the service's work, then resets the connection: state changed and the client never learns.
    DropAnswer,
    /// Sends half of the answer and resets the connection.
    HalfBody,
    /// Never answers: keeps the connection for the rule `hang_limit`, then resets it.
    Hang,
    /// Answers with a page, as a captive portal or a proxy does.
    Html {
        /// The HTTP status.
        status: u16,
        /// The page; a short one by default.
        #[serde(default)]
        body: Option<String>,
    },
    /// Writes every number of the answer as a string, as the v1 endpoints do.
    NumbersAsStrings,
    /// Leaves the `Date` header out.
    OmitDate,
    /// Pads the JSON answer with a field `padding` of this many bytes.
    Oversize {
        /// Size of the padding.
        bytes: usize,
    },
    /// Answers 302.
    Redirect {
        /// Where to.
        location: String,
    },
    /// Answers with a refusal in Entra's form.
    Refuse {
        /// The OAuth `error`.
        error: String,
        /// The AADSTS number, 0 for none.
        code: u32,
        /// The HTTP status, 400 by default; 200 is an error that looks like a success.
        #[serde(default = "bad_request")]
        status: u16,
        /// The `suberror`.
        #[serde(default)]
        suberror: Option<String>,
        /// The `claims`, as a string that holds JSON.
        #[serde(default)]
        claims: Option<String>,
        /// The text after the number.
        #[serde(default)]
        description: Option<String>,
    },
    /// Resets the connection instead of answering.
    Reset,
    /// Sets fields of the JSON answer, for example `verification_uri` or `expires_in`.
    SetFields {
        /// Names and values.
        fields: Map<String, Value>,
    },
    /// Moves the `Date` header.
    SkewDate {
        /// By how much; negative is the past.
        seconds: i64,
    },
    /// Answers `slow_down`, whatever the pace.
    SlowDown,
    /// Answers with an HTTP status and a short page, such as 429 or 503.
    Status {
        /// The HTTP status.
        status: u16,
        /// The `Retry-After` header.
        #[serde(default)]
        retry_after: Option<RetryAfter>,
    },
}

/// Both forms of `Retry-After` (RFC 9110, section 10.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryAfter {
    /// An HTTP date this many seconds ahead of the simulated time.
    DateIn(u64),
    /// A number of seconds.
    Seconds(u64),
}

/// The faults that wait.
#[derive(Debug, Default)]
pub(crate) struct FaultQueue(Vec<Fault>);

impl FaultQueue {
    pub(crate) fn push(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn waiting(&self) -> &[Fault] {
        &self.0
    }

    /// What goes wrong with a request on `leg`; the queue moves on.
    pub(crate) fn take(&mut self, leg: Leg) -> Vec<Action> {
        let Some(at) = self.0.iter().position(|fault| fault.leg.covers(leg)) else { return Vec::new() };
        let fault = &mut self.0[at];
        if fault.after > 0 {
            fault.after -= 1;
            return Vec::new();
        }
        fault.times -= 1;
        if fault.times == 0 { self.0.remove(at).actions } else { fault.actions.clone() }
    }
}

fn any() -> Leg {
    Leg::Any
}

fn once() -> u32 {
    1
}

fn bad_request() -> u16 {
    400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_waits_serves_and_goes() {
        let mut queue = FaultQueue::default();
        queue.push(Fault::on(Leg::Poll).reset().after(1).times(2));
        queue.push(Fault::on(Leg::Any).status(503));
        assert_eq!(queue.take(Leg::Poll), []);
        assert_eq!(queue.take(Leg::Poll), [Action::Reset]);
        assert_eq!(queue.take(Leg::Refresh), [Action::Status { status: 503, retry_after: None }]);
        assert_eq!(queue.take(Leg::Poll), [Action::Reset]);
        assert_eq!(queue.take(Leg::Poll), []);
        assert!(queue.waiting().is_empty());
    }

    #[test]
    fn faults_are_written_in_json() {
        let text =
            r#"{"leg":"refresh","actions":[{"kind":"status","status":429,"retry_after":{"seconds":7}}]}"#;
        assert_eq!(serde_json::from_str::<Fault>(text).unwrap(), Fault::on(Leg::Refresh).throttle(7));
        assert!(serde_json::from_str::<Fault>(r#"{"actions":[{"kind":"delay","ms":1,"s":2}]}"#).is_err());
    }
}
