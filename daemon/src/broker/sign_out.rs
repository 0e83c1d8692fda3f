//! Forgetting accounts.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::account::AccountsAnswer;
use entra_proto::error::{ErrorBody, ErrorCode};

use super::Broker;
use crate::account::key::AccountKey;
use crate::vault::{Access, VaultError};

impl Broker {
    /// `DELETE /v1/accounts/{id}`: forgets the account's refresh token, under one profile or all. Returns
    /// those that are still signed in.
    ///
    /// # Errors
    /// `not_found`, or why the vault could not forget it: then nothing was changed.
    pub async fn sign_out(
        self: &Arc<Self>,
        id: &str,
        profile: Option<&str>,
    ) -> Result<AccountsAnswer, ErrorBody> {
        self.restore(Access::Silent).await?;
        let keys: Vec<_> = {
            let state = self.state();
            let fits = |key: &&AccountKey| {
                key.account.as_str().eq_ignore_ascii_case(id) && profile.is_none_or(|p| p == key.profile)
            };
            state.known.keys().filter(fits).cloned().collect()
        };
        if keys.is_empty() {
            return Err(ErrorBody::new(ErrorCode::NotFound, "No such account is signed in.")
                .with_hint("`entra accounts` lists those that are."));
        }
        for key in keys {
            let broker = Arc::clone(self);
            // In a task of its own: a caller that hangs up must not leave in memory what the vault forgot.
            let forgotten = tokio::spawn(async move { broker.forget(&key).await });
            forgotten.await.map_err(|_| {
                ErrorBody::new(ErrorCode::Internal, "The sign-out failed by a defect of entrad.")
                    .with_hint("Try again; the log has more.")
            })??;
        }
        self.accounts().await
    }

    async fn forget(&self, key: &AccountKey) -> Result<(), ErrorBody> {
        let Some(turn) = self.state().known.get(key).map(|known| Arc::clone(&known.turn)) else {
            return Ok(());
        };
        let _turn = tokio::time::timeout(SIGN_OUT_WAIT, turn.lock_owned()).await.map_err(|_| {
            ErrorBody::new(ErrorCode::TimedOut, "A refresh of the account is still under way.")
                .with_hint("Try again in a minute.")
        })?;
        match self.parts.vault.remove(key).await {
            // A dead refresh token is deleted a day later, and the account stays known.
            Ok(()) | Err(VaultError::NotFound(_)) => {}
            Err(error) => return Err(error.to_error_body()),
        }
        let mut state = self.state();
        let flights = state.machine.sign_out(key);
        state.tell_to_ask_again(flights);
        state.known.remove(key);
        state.needs.end(key);
        state.registries.forget(&key.account);
        state.needs.expect_anew();
        drop(state);
        self.settled.notify_waiters();
        self.rescheduled.notify_one();
        tracing::info!("an account signed out");
        Ok(())
    }
}

/// A sign-out waits this long for a refresh of the account to end.
const SIGN_OUT_WAIT: Duration = Duration::from_secs(15);
