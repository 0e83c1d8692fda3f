//! Open sign-ins and the stories they tell.
//!
//! A story is kept as its latest state, not as a log: a reader that connects late still sees the code, the
//! newest `waiting` and the end, and a reader that is slow misses nothing but repeats.

use std::collections::BTreeMap;

use entra_proto::account::Flow;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{EVENT_INTERVAL, MAX_SIGN_INS};
use entra_proto::sign_in::{AuthorizationShown, CodeShown, SignInEvent};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::Broker;
use crate::metrics::{METRICS, SignInEnd};

/// The sign-ins that are open or have lately ended, oldest first.
#[derive(Default)]
pub(super) struct SignIns {
    all: BTreeMap<u64, SignIn>,
    next: u64,
}

struct SignIn {
    id: String,
    profile: String,
    told: watch::Sender<State>,
    task: Option<AbortHandle>,
}

/// What there is to tell.
#[derive(Clone, Default)]
pub(super) struct State {
    code: Option<Box<CodeShown>>,
    authorization: Option<Box<AuthorizationShown>>,
    switched: Option<SignInEvent>,
    /// How often a poll found nothing, and what was said of the last.
    waits: u64,
    waiting: Option<SignInEvent>,
    end: Option<SignInEvent>,
}

/// Ended sign-ins are kept for readers that connect late; these are more than any person has open.
const MOST_KEPT: usize = 16;

impl SignIns {
    /// Opens a sign-in for a profile; one that is open for the same profile is cancelled, since only one
    /// code at a time should be on a person's screens.
    pub(super) fn open(&mut self, profile: &str) -> Result<(String, watch::Sender<State>), ErrorBody> {
        for sign_in in self.all.values_mut().filter(|sign_in| sign_in.profile == profile) {
            sign_in.cancel("Another sign-in was started for the profile.");
        }
        if self.count_open() >= MAX_SIGN_INS {
            let sentence = format!("{MAX_SIGN_INS} sign-ins are open already.");
            return Err(
                ErrorBody::new(ErrorCode::Busy, sentence).with_hint("Finish or cancel one of them first.")
            );
        }
        while self.all.len() >= MOST_KEPT {
            self.all.pop_first();
        }
        let id = Uuid::new_v4().to_string();
        let told = watch::Sender::new(State::default());
        self.next += 1;
        let sign_in = SignIn { id: id.clone(), profile: profile.to_owned(), told: told.clone(), task: None };
        self.all.insert(self.next, sign_in);
        METRICS.sign_in_started();
        Ok((id, told))
    }

    /// Remembers the task that carries a sign-in out, so that it can be cancelled.
    pub(super) fn carried_out_by(&mut self, id: &str, task: AbortHandle) {
        if let Some(sign_in) = self.find_mut(id) {
            sign_in.task = Some(task);
        }
    }

    /// Ends whatever is open.
    pub(super) fn cancel_all(&mut self, why: &str) {
        self.all.values_mut().for_each(|sign_in| sign_in.cancel(why));
    }

    pub(super) fn count_open(&self) -> usize {
        self.all.values().filter(|sign_in| sign_in.told.borrow().end.is_none()).count()
    }

    fn find_mut(&mut self, id: &str) -> Option<&mut SignIn> {
        self.all.values_mut().find(|sign_in| sign_in.id == id)
    }
}

impl SignIn {
    fn cancel(&mut self, why: &str) {
        if self.told.borrow().end.is_some() {
            return;
        }
        if let Some(task) = self.task.take() {
            task.abort();
        }
        end(
            &self.told,
            SignInEvent::Failed { error: Box::new(ErrorBody::new(ErrorCode::SignInCancelled, why)) },
        );
    }
}

/// Tells the code.
pub(super) fn show_code(told: &watch::Sender<State>, code: CodeShown) {
    told.send_modify(|state| state.code = Some(Box::new(code)));
}

/// Tells the page to sign in on.
pub(super) fn show_authorization(told: &watch::Sender<State>, shown: AuthorizationShown) {
    told.send_modify(|state| state.authorization = Some(Box::new(shown)));
}

/// Tells that another flow begins; what was shown before is void.
pub(super) fn switch(told: &watch::Sender<State>, from: Flow, to: Flow, error: ErrorBody) {
    told.send_modify(|state| {
        state.code = None;
        state.authorization = None;
        state.waiting = None;
        state.switched = Some(SignInEvent::Switched { from, to, error: Box::new(error) });
    });
}

/// Tells that a poll found nothing.
pub(super) fn wait(told: &watch::Sender<State>, expires_on: u64, notice: Option<String>) {
    told.send_modify(|state| {
        state.waits += 1;
        state.waiting = Some(SignInEvent::Waiting { expires_on: Some(expires_on), notice });
    });
}

/// Tells the end; the first end stands.
pub(super) fn end(told: &watch::Sender<State>, event: SignInEvent) {
    told.send_modify(|state| {
        if state.end.is_none() {
            METRICS.sign_in_ended(counted(&event));
            state.end = Some(event);
        }
        // The code is of no use to late readers, and is a secret while it lives.
        state.code = None;
        state.authorization = None;
    });
}

/// Which of the counted ends it is.
fn counted(end: &SignInEvent) -> SignInEnd {
    match end {
        SignInEvent::SignedIn { .. } => SignInEnd::SignedIn,
        SignInEvent::Failed { error } if error.code == ErrorCode::SignInCancelled => SignInEnd::Cancelled,
        _ => SignInEnd::Failed,
    }
}

/// One reader's way through a story.
pub struct Story {
    told: watch::Receiver<State>,
    has_code: bool,
    has_authorization: bool,
    has_switched: bool,
    waits: u64,
    is_over: bool,
}

impl Story {
    fn new(told: watch::Receiver<State>) -> Self {
        Self {
            told,
            has_code: false,
            has_authorization: false,
            has_switched: false,
            waits: 0,
            is_over: false,
        }
    }

    /// The next event; `None` after the last.
    pub async fn next_event(&mut self) -> Option<SignInEvent> {
        loop {
            if self.is_over {
                return None;
            }
            let state = self.told.borrow_and_update().clone();
            if let Some(end) = state.end {
                self.is_over = true;
                return Some(end);
            }
            if let Some(switched) =
                state.switched.filter(|_| !std::mem::replace(&mut self.has_switched, true))
            {
                return Some(switched);
            }
            if let Some(shown) =
                state.authorization.filter(|_| !std::mem::replace(&mut self.has_authorization, true))
            {
                return Some(SignInEvent::Authorization(shown));
            }
            if let Some(code) = state.code.filter(|_| !std::mem::replace(&mut self.has_code, true)) {
                return Some(SignInEvent::Code(code));
            }
            if state.waits > self.waits {
                self.waits = state.waits;
                if state.waiting.is_some() {
                    return state.waiting;
                }
            }
            match tokio::time::timeout(EVENT_INTERVAL, self.told.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                // A silent stream is a dead one to its reader, so it is told again.
                Err(_) => {
                    return Some(
                        state.waiting.unwrap_or(SignInEvent::Waiting { expires_on: None, notice: None }),
                    );
                }
            }
        }
    }
}

impl Broker {
    /// The story of a sign-in, from its beginning.
    ///
    /// # Errors
    /// `not_found`.
    pub fn follow_sign_in(&self, id: &str) -> Result<Story, ErrorBody> {
        let mut state = self.state();
        let sign_in = state.sign_ins.find_mut(id).ok_or_else(unknown)?;
        Ok(Story::new(sign_in.told.subscribe()))
    }

    /// Cancels a sign-in at once. Cancelling one that has ended changes nothing.
    ///
    /// # Errors
    /// `not_found`.
    pub fn cancel_sign_in(&self, id: &str) -> Result<(), ErrorBody> {
        self.state().sign_ins.find_mut(id).ok_or_else(unknown)?.cancel("The sign-in was cancelled.");
        Ok(())
    }
}

fn unknown() -> ErrorBody {
    ErrorBody::new(ErrorCode::NotFound, "There is no such sign-in.").with_hint("Start one: `entra login`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(sign_ins: &mut SignIns, id: &str) -> Story {
        let told = sign_ins.find_mut(id).unwrap().told.subscribe();
        Story::new(told)
    }

    #[tokio::test]
    async fn a_late_reader_sees_the_newest_wait_and_the_end() {
        let mut sign_ins = SignIns::default();
        let (id, told) = sign_ins.open("a").unwrap();
        wait(&told, 5, None);
        wait(&told, 5, Some("Slower.".to_owned()));
        let mut reader = story(&mut sign_ins, &id);
        let expected = SignInEvent::Waiting { expires_on: Some(5), notice: Some("Slower.".to_owned()) };
        assert_eq!(reader.next_event().await, Some(expected));
        sign_ins.find_mut(&id).unwrap().cancel("Enough.");
        assert!(matches!(reader.next_event().await, Some(SignInEvent::Failed { .. })));
        assert_eq!(reader.next_event().await, None);
        assert!(matches!(story(&mut sign_ins, &id).next_event().await, Some(SignInEvent::Failed { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn a_story_without_news_still_shows_life() {
        let mut sign_ins = SignIns::default();
        let (id, told) = sign_ins.open("a").unwrap();
        let mut reader = story(&mut sign_ins, &id);
        let nothing = SignInEvent::Waiting { expires_on: None, notice: None };
        assert_eq!(reader.next_event().await, Some(nothing));
        wait(&told, 5, None);
        let waiting = Some(SignInEvent::Waiting { expires_on: Some(5), notice: None });
        assert_eq!([reader.next_event().await, reader.next_event().await], [waiting.clone(), waiting]);
    }

    #[test]
    fn one_a_profile_and_few_in_all() {
        let mut sign_ins = SignIns::default();
        let (first, _) = sign_ins.open("p0").unwrap();
        for n in 0..MAX_SIGN_INS {
            sign_ins.open(&format!("p{n}")).unwrap();
        }
        assert!(
            sign_ins.find_mut(&first).unwrap().told.borrow().end.is_some(),
            "replaced by the second of its profile"
        );
        assert_eq!(sign_ins.open("more").err().unwrap().code, ErrorCode::Busy);
    }
}
