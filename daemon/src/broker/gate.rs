//! Where it is decided whether a request may be asked at all: after it is known what it means, and before anything that is held
//! is looked at.
//!
//! Every token that is handed out passes here, whichever way it was asked for. Who decides stands above the broker and knows
//! callers; the broker knows what a request means, and waits for the decision, outside its lock.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::token::TokenRequest;

use super::tokens::Meant;
use super::{Asker, Broker, State};
use crate::account::key::{AccountKey, SlotKey};
use crate::vault::Access;

/// Who decides.
pub trait Gate: Send + Sync {
    /// Decides at once, or says what is to be waited for. The broker's lock is held meanwhile: nothing may block here.
    fn pass(&self, asker: &Asker, wish: &Wish<'_>) -> Passage;

    /// Whether this asker may be handed anything now, whatever it asks for.
    ///
    /// # Errors
    /// Why not.
    fn admit(&self, asker: &Asker) -> Result<(), ErrorBody>;

    /// The same in the moment in which a token is handed out, which counts.
    ///
    /// # Errors
    /// Why not: it may have changed while the token was got.
    fn spend(&self, asker: &Asker) -> Result<(), ErrorBody>;

    /// The AI agent that asks, where one does.
    fn agent(&self, asker: &Asker) -> Option<Arc<str>>;
}

/// What a request came to mean.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// The account, and the profile that it is signed in under.
    pub key: &'a AccountKey,
    /// The account's user name.
    pub username: &'a str,
    /// The tenant, as it is asked.
    pub tenant: &'a str,
    /// What for.
    pub scopes: &'a Scopes,
}

/// A decision.
pub enum Passage {
    /// It may be asked, by this rule where one was written that says so.
    Open(Option<Arc<str>>),
    /// It may not.
    Shut(Box<ErrorBody>),
    /// It takes a look at the caller, or a person's word. Bounded by whoever decides.
    Wait(Decision),
}

/// A decision to come.
pub type Decision = Pin<Box<dyn Future<Output = Result<Option<Arc<str>>, ErrorBody>> + Send>>;

/// Lets every request pass, for a broker that hands nothing to anybody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Gate for Open {
    fn pass(&self, _: &Asker, _: &Wish<'_>) -> Passage {
        Passage::Open(None)
    }

    fn admit(&self, _: &Asker) -> Result<(), ErrorBody> {
        Ok(())
    }

    fn spend(&self, _: &Asker) -> Result<(), ErrorBody> {
        Ok(())
    }

    fn agent(&self, _: &Asker) -> Option<Arc<str>> {
        None
    }
}

impl fmt::Debug for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(rule) => f.debug_tuple("Open").field(rule).finish(),
            Self::Shut(error) => f.debug_tuple("Shut").field(error).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}

/// A decision that was waited for. It holds for what it was made for: the account may be another one by then.
pub(super) struct Passed {
    key: AccountKey,
    slot: SlotKey,
    rule: Option<Arc<str>>,
}

/// A decision that is to be waited for.
pub(super) struct Undecided {
    key: AccountKey,
    slot: SlotKey,
    decision: Decision,
}

impl Undecided {
    pub(super) async fn decided(self) -> Result<Passed, ErrorBody> {
        Ok(Passed { rule: self.decision.await?, key: self.key, slot: self.slot })
    }
}

impl Broker {
    /// What `see` makes of the meaning of a request, for who wants to know what would be decided.
    ///
    /// # Errors
    /// As a request for a token that nobody can tell the meaning of.
    pub async fn meaning_of<T>(
        self: &Arc<Self>,
        request: &TokenRequest,
        see: impl FnOnce(&Wish<'_>) -> T,
    ) -> Result<T, ErrorBody> {
        self.restore(Access::Silent).await?;
        let state = self.state();
        let meant = state.meaning(request)?;
        Ok(see(&state.wish(&meant)?))
    }

    /// Whether a request may be asked; the rule that says so is noted in what it means.
    pub(super) fn pass(
        &self,
        state: &State,
        meant: &mut Meant,
        asker: &Asker,
        passed: Option<&Passed>,
    ) -> Result<Option<Undecided>, ErrorBody> {
        if let Some(passed) = passed.filter(|passed| passed.key == meant.key && passed.slot == meant.slot) {
            meant.rule.clone_from(&passed.rule);
            return Ok(None);
        }
        let passage = self.parts.gate.pass(asker, &state.wish(meant)?);
        match passage {
            Passage::Open(rule) => meant.rule = rule,
            Passage::Shut(error) => return Err(*error),
            Passage::Wait(decision) => {
                return Ok(Some(Undecided { key: meant.key.clone(), slot: meant.slot.clone(), decision }));
            }
        }
        Ok(None)
    }
}

impl State {
    fn wish<'a>(&'a self, meant: &'a Meant) -> Result<Wish<'a>, ErrorBody> {
        let unknown = || ErrorBody::new(ErrorCode::Internal, "The chosen account is not known.");
        let known = self.known.get(&meant.key).ok_or_else(unknown)?;
        let username = &known.entry.username;
        Ok(Wish { key: &meant.key, username, tenant: &meant.tenant, scopes: &meant.scopes })
    }
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
