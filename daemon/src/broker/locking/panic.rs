//! Panic: everything leaves memory and the disk at once, and then Entra may be asked to revoke what it gave.
//!
//! The disk comes first. What needs the network comes last, has six seconds in all, and works with tokens that were put aside
//! for it alone. A note says that erasing is under way, so that the next start ends what a kill interrupted.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::ErrorBody;
use entra_proto::lock::{
    LockCause, LockState, LockStatus, Opener, PanicAnswer, PanicRequest, PanickedAccount, Revocation,
};
use entra_proto::log::{LogCaller, LogEvent};
use entra_proto::resource;
use entra_proto::scope::Scopes;
use entra_proto::secret::AccessToken;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::super::{Broker, Known, State};
use super::off_thread;
use super::tries::Tries;
use crate::account::key::AccountKey;
use crate::account::outcome::Outcome;
use crate::account::refresh_token::RefreshToken;
use crate::account::time::Now;
use crate::audit::Event;
use crate::entra::refresh::RefreshRequest;
use crate::entra::target::Target;
use crate::vault::Erased;

/// An account whose state is being dropped, with what its sessions can be revoked by.
struct Dropped {
    key: AccountKey,
    username: String,
    tokens_end_on: Option<u64>,
    target: Option<Target>,
    graph: Option<AccessToken>,
    refresh_token: Option<RefreshToken>,
}

impl Broker {
    /// Locks at once, drops everything from memory, erases the sealed file with every sign-in and lease, and, where that is
    /// asked for, has Entra revoke the accounts' sessions.
    ///
    /// # Errors
    /// None today: whatever goes wrong is a warning of the answer.
    pub async fn panic(
        self: &Arc<Self>,
        request: PanicRequest,
        caller: Option<LogCaller>,
    ) -> Result<PanicAnswer, ErrorBody> {
        let now = self.parts.clock.now();
        let was_locked = self.lock_status().is_some_and(|lock| lock.state == LockState::Locked);
        self.locking.change(|latch| latch.close(LockCause::Panic, now.epoch()));
        self.locking.hurry.notify_waiters();
        let _order = self.locking.in_order.lock().await;
        self.locking.change(|latch| latch.close(LockCause::Panic, now.epoch()));
        let mut warnings: Vec<String> = self.put_note(true).await.err().into_iter().collect();
        let mut dropped = self.state().dropped(now);
        if request.revoke_sessions {
            self.put_aside(&mut dropped).await;
            if was_locked {
                warnings.push(LOCKED_BEFORE.to_owned());
            }
        }
        warnings.extend(self.drop_memory().await);
        let erased = self.erase(caller).await;
        warnings.extend(erased.left);
        tracing::warn!("everything was dropped and erased, as was asked for");
        let accounts = join_all(dropped.into_iter().map(|account| self.end(account, request))).await;
        let lock = self.lock_status().unwrap_or(LockStatus {
            state: LockState::Locked,
            since: now.epoch(),
            by: LockCause::Panic,
            opened_by: Opener::Store,
        });
        Ok(PanicAnswer { lock, erased: erased.files, accounts, warnings })
    }

    /// Erases what is on disk, notes that, and that it is done. Also for what an earlier daemon began.
    pub(super) async fn erase(&self, caller: Option<LogCaller>) -> Erased {
        let mut erased = self.parts.vault.erase().await.unwrap_or_else(|error| Erased {
            files: Vec::new(),
            left: vec![format!("The sealed file is erased as soon as the vault answers: {error}")],
        });
        if let Some(keeping) = self.locking.keeping.get() {
            let folder = keeping.folder.clone();
            // Nothing is left that a passphrase could open.
            let _kept = off_thread(move || Tries::default().write(&folder)).await;
        }
        let sentence = format!(
            "Memory was dropped, every lease is void, erased: {}.{}",
            if erased.files.is_empty() { "nothing was there".to_owned() } else { erased.files.join(", ") },
            if erased.left.is_empty() { "" } else { " Something could not be erased." }
        );
        self.parts.audit.record(Event::new(LogEvent::Panicked).by(caller).detail(sentence));
        self.find_opener().await;
        if !erased.left.is_empty() {
            // The next start tries again.
            return erased;
        }
        let stays = self.locking.keeping.get().is_some_and(|keeping| keeping.stays);
        let failed = if stays { self.put_note(false).await.err() } else { self.take_note_away().await };
        erased.left.extend(failed);
        erased
    }

    /// Puts aside what the sessions can be revoked by, as long as it is there.
    async fn put_aside(&self, dropped: &mut [Dropped]) {
        let tokens = dropped.iter_mut().filter(|account| account.graph.is_none()).map(async |account| {
            let read = timeout(TO_READ, self.parts.vault.refresh_token(&account.key)).await;
            account.refresh_token = read.ok().and_then(Result::ok);
        });
        join_all(tokens).await;
    }

    async fn end(&self, account: Dropped, request: PanicRequest) -> PanickedAccount {
        let (username, profile) = (account.username.clone(), account.key.profile.clone());
        let tokens_end_on = account.tokens_end_on;
        let revocation = if request.revoke_sessions { Some(self.revoke(account).await) } else { None };
        PanickedAccount { username, profile, tokens_end_on, revocation }
    }

    async fn revoke(&self, account: Dropped) -> Revocation {
        let event = Event::new(LogEvent::Panicked).account(&account.key.profile, &account.key.account);
        let revoked = timeout(TO_REVOKE, self.try_to_revoke(account)).await;
        let late = || Err(format!("Entra did not answer within {} seconds.", TO_REVOKE.as_secs()));
        let (said, revocation) = match revoked.unwrap_or_else(|_| late()) {
            Ok(()) => ("Entra revoked its sessions.".to_owned(), Revocation::Revoked),
            Err(reason) => {
                let said = format!("Its sessions at Entra stand. {reason}");
                (said, Revocation::Failed { reason: format!("{reason} {BY_HAND}") })
            }
        };
        self.parts.audit.record(event.now().detail(said));
        revocation
    }

    async fn try_to_revoke(&self, account: Dropped) -> Result<(), String> {
        let target = account.target.ok_or("The settings do not allow its authority any more.")?;
        let graph = match (account.graph, account.refresh_token) {
            (Some(token), _) => token,
            (None, None) => return Err("No token of it was at hand.".to_owned()),
            (None, Some(refresh_token)) => {
                let request = RefreshRequest {
                    refresh_token: &refresh_token,
                    scopes: &graph_of(&target).ok_or("Microsoft Graph is not known in this cloud.")?,
                    claims: None,
                    cae: false,
                    is_probe: true,
                    account: &account.key.account,
                };
                match self.parts.entra.refresh(&target, request).await {
                    Outcome::Refreshed(grant) => grant.access_token.clone(),
                    _ => return Err("Entra gave no token for Microsoft Graph.".to_owned()),
                }
            }
        };
        let revoked = self.parts.entra.revoke_sessions(&target.authority, &graph).await;
        revoked.map_err(|error| error.to_string())
    }
}

impl State {
    fn dropped(&self, now: Now) -> Vec<Dropped> {
        self.known.iter().map(|(key, known)| self.dropped_of(key, known, now)).collect()
    }

    fn dropped_of(&self, key: &AccountKey, known: &Known, now: Now) -> Dropped {
        let held = || self.machine.slots(key).filter_map(|(_, slot)| slot.valid(now));
        let target = known.target.clone().ok();
        let graph = target.as_ref().and_then(graph_of);
        let is_graph = |scopes: &Scopes| graph.as_ref().is_some_and(|graph| graph == scopes);
        let of_graph = self.machine.slots(key).filter(|(_, slot)| is_graph(slot.scopes()));
        Dropped {
            key: key.clone(),
            username: known.entry.username.clone(),
            tokens_end_on: held().map(|held| held.expiry.epoch(now)).max(),
            target,
            graph: of_graph.filter_map(|(_, slot)| slot.valid(now)).map(|held| held.token.clone()).next(),
            refresh_token: None,
        }
    }
}

/// What a sign-in asks for where it is not told otherwise.
fn graph_of(target: &Target) -> Option<Scopes> {
    let graph = resource::named("graph")?.address(target.authority.cloud())?;
    Scopes::of_resource(graph).ok()
}

/// The whole way to a revocation: a token for Graph, and the call. Longer nobody is to wait who is in a hurry.
const TO_REVOKE: Duration = Duration::from_secs(6);

/// For reading a refresh token before the file goes.
const TO_READ: Duration = Duration::from_secs(2);

const LOCKED_BEFORE: &str =
    "entrad was locked, so it does not know whose sessions to revoke; revoke them by hand.";

/// Microsoft: "Revoke user access in Microsoft Entra ID"; the My Account portal.
const BY_HAND: &str =
    "Use \"Sign out everywhere\" on https://myaccount.microsoft.com, or ask an administrator.";
