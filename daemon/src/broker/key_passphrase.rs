//! The passphrase of the client certificate's key: kept in the sealed file, and fetched when a client is built.
//!
//! It is in memory for as long as the key is being opened, and no route gives it out.

use std::path::Path;
use std::time::Duration;

use entra_proto::config::PassphraseAnswer;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::secret::Passphrase;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::Broker;
use crate::entra::network::{PassphraseFuture, Passphrases};
use crate::vault::{MAX_PASSPHRASE, SecretName, Vault, VaultError, passphrase_in_file};

/// Has passphrases from files and from the vault.
pub struct KeptPassphrases(pub Vault);

impl Passphrases for KeptPassphrases {
    fn passphrase<'a>(&'a self, file: Option<&'a Path>) -> PassphraseFuture<'a> {
        Box::pin(async move {
            if let Some(file) = file {
                let owned = file.to_owned();
                let read = in_time(move || passphrase_in_file(&owned)).await;
                let read = read.ok_or_else(|| format!("{} was not read in time", file.display()))?;
                return read.map(Some).map_err(|error| error.to_string());
            }
            let kept = self.0.secret(SecretName::ClientKeyPassphrase).await;
            let kept = kept.map_err(|error| reason(&error))?;
            Ok(kept.map(|mut text| Zeroizing::new(std::mem::take(&mut *text).into_bytes())))
        })
    }
}

/// Reads what may be on a machine that does not answer; nothing where it does not in time.
async fn in_time<T: Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    timeout(FILE_TIME, tokio::task::spawn_blocking(read)).await.ok()?.ok()
}

/// The vault's sentence as the end of another one.
fn reason(error: &VaultError) -> String {
    let sentence = error.to_string();
    let (first, rest) = sentence.split_at_checked(1).unwrap_or_default();
    first.to_ascii_lowercase() + rest.trim_end_matches('.')
}

impl Broker {
    /// `POST` and `DELETE /v1/config/client-key-passphrase`: keeps a passphrase, or forgets the one that is kept. It is on disk
    /// when this returns, and holds from the next request to Entra on.
    ///
    /// # Errors
    /// A passphrase that cannot be one, and whatever keeps the vault from being written.
    pub async fn set_key_passphrase(
        &self,
        passphrase: Option<&Passphrase>,
    ) -> Result<PassphraseAnswer, ErrorBody> {
        if passphrase.is_some_and(|it| it.expose().is_empty() || it.expose().len() > MAX_PASSPHRASE) {
            let sentence = format!("A passphrase has 1 to {MAX_PASSPHRASE} bytes.");
            return Err(ErrorBody::new(ErrorCode::BadRequest, sentence)
                .with_hint("Run `entra config passphrase` again."));
        }
        let secret = passphrase.map(|it| Zeroizing::new(it.expose().to_owned()));
        let is_kept = secret.is_some();
        let set = self.parts.vault.set_secret(SecretName::ClientKeyPassphrase, secret).await;
        set.map_err(|error| error.to_error_body())?;
        self.network_changed();
        Ok(PassphraseAnswer { is_kept })
    }
}

/// As long as other files of the network's have.
const FILE_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::super::Parts;
    use super::*;
    use crate::entra::Entra;

    #[tokio::test]
    async fn a_passphrase_is_kept_until_it_is_forgotten() {
        let parts = Parts::empty(Entra::new());
        let kept = KeptPassphrases(parts.vault.clone());
        let broker = Broker::new(parts);
        assert_eq!(kept.passphrase(None).await, Ok(None));
        let passphrase = Passphrase::new("s3cret".to_owned());
        assert!(broker.set_key_passphrase(Some(&passphrase)).await.unwrap().is_kept);
        assert_eq!(kept.passphrase(None).await.unwrap().unwrap().as_slice(), b"s3cret");
        assert!(!broker.set_key_passphrase(None).await.unwrap().is_kept);
        assert_eq!(kept.passphrase(None).await, Ok(None));
    }

    #[tokio::test]
    async fn what_cannot_be_a_passphrase_is_refused() {
        let broker = Broker::new(Parts::empty(Entra::new()));
        for text in [String::new(), "x".repeat(MAX_PASSPHRASE + 1)] {
            let refused = broker.set_key_passphrase(Some(&Passphrase::new(text))).await.unwrap_err();
            assert_eq!(refused.code, ErrorCode::BadRequest);
        }
    }

    #[tokio::test]
    async fn a_file_goes_before_the_vault_and_must_be_private() {
        let parts = Parts::empty(Entra::new());
        let kept = KeptPassphrases(parts.vault.clone());
        let nowhere = Path::new("/nonexistent/passphrase");
        let reason = kept.passphrase(Some(nowhere)).await.unwrap_err();
        assert!(reason.contains("/nonexistent/passphrase"), "{reason}");
    }

    #[test]
    fn what_the_vault_says_ends_a_sentence_of_ours() {
        assert_eq!(reason(&VaultError::ThreadGone), "the vault's thread does not run");
    }

    #[tokio::test(start_paused = true)]
    async fn a_file_that_does_not_come_is_not_waited_for() {
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let reading = tokio::spawn(in_time(move || receiver.recv().is_ok()));
        tokio::task::yield_now().await;
        tokio::time::advance(FILE_TIME * 2).await;
        assert_eq!(reading.await.unwrap(), None);
        drop(sender);
    }
}
