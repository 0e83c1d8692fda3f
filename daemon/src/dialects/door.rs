//! What every dialect does once it knows what is asked: see the lease, see that it covers the scopes, and answer within a
//! second.
//!
//! SDKs wait little and retry what looks like an outage for minutes. So nobody waits here for longer than [`PATIENCE`]: a
//! request to Entra that takes longer goes on without its caller, and the next call finds its token.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::scope::Scopes;
use entra_proto::secret::LeaseSecret;
use entra_proto::token::{TokenAnswer, TokenRequest};
use tokio::time::{Instant, timeout, timeout_at};

use crate::access::lease::{Admitted, Leases, Presented};
use crate::broker::{Asker, Broker};
use crate::config::Dialect;

/// What the dialects stand on. Clones share it.
#[derive(Clone)]
pub struct Door {
    broker: Arc<Broker>,
    leases: Arc<Leases>,
}

impl Door {
    /// Both are the daemon's own.
    #[must_use]
    pub fn new(broker: Arc<Broker>, leases: Arc<Leases>) -> Self {
        Self { broker, leases }
    }

    /// The lease of this secret, where the dialect is served. The key store may have to be opened for it.
    pub(super) async fn admit(
        &self,
        dialect: Dialect,
        secret: Option<LeaseSecret>,
        presented: Presented,
    ) -> Result<Visit<'_>, ErrorBody> {
        self.try_admit(dialect, secret, presented).await.inspect_err(|error| {
            self.broker.note_refusal(&Asker::Unknown, &TokenRequest::default(), error);
        })
    }

    async fn try_admit(
        &self,
        dialect: Dialect,
        secret: Option<LeaseSecret>,
        presented: Presented,
    ) -> Result<Visit<'_>, ErrorBody> {
        let rules = self.broker.rules();
        rules.bounds().allow_leases()?;
        rules.bounds().allow_dialect(dialect)?;
        let patience_ends = Instant::now() + PATIENCE;
        // A request without one is counted as one with a wrong one is.
        let secret = secret.unwrap_or_else(|| LeaseSecret::new(String::new()));
        match timeout_at(patience_ends, self.leases.admit(&secret, presented)).await {
            Ok(lease) => Ok(Visit { lease: lease?, broker: &self.broker, patience_ends }),
            Err(_) => {
                let error = ErrorBody::new(ErrorCode::StoreLocked, "The key store has not answered yet.");
                Err(error.with_hint("Try again in a moment; `entra status` shows how it is."))
            }
        }
    }
}

/// A request whose lease stands, and how long it may take.
pub(super) struct Visit<'a> {
    lease: Admitted,
    broker: &'a Arc<Broker>,
    patience_ends: Instant,
}

impl Visit<'_> {
    /// Notes that what is asked cannot be understood, or is not served.
    pub(super) fn refuse(&self, error: ErrorBody) -> ErrorBody {
        let asker = self.asker();
        self.broker.note_refusal(&asker, &TokenRequest::default(), &error);
        error
    }

    fn asker(&self) -> Asker {
        Asker::Lease(self.lease.name().to_owned()).declared(self.lease.agent())
    }

    /// A token for these scopes, if the lease covers them. One with some life left is better than a newer one later.
    pub(super) async fn token(
        self,
        scopes: &Scopes,
        tenant: Option<String>,
    ) -> Result<TokenAnswer, ErrorBody> {
        let asked = TokenRequest {
            scopes: Some(scopes.iter().map(str::to_owned).collect()),
            tenant,
            min_validity: Some(WANTED.as_secs()),
            ..TokenRequest::default()
        };
        let asker = self.asker();
        let token = match self.lease.narrow(asked.clone()) {
            Ok(request) => self.narrowed(request, &asker).await,
            Err(error) => Err(error),
        };
        token.inspect_err(|error| self.broker.note_refusal(&asker, &asked, error))
    }

    async fn narrowed(&self, request: TokenRequest, asker: &Asker) -> Result<TokenAnswer, ErrorBody> {
        let asked = self.broker.token_for(&request, asker);
        if let Ok(answer) = timeout_at(self.patience_ends, asked).await {
            return answer;
        }
        // What there is: a token that lives is never withheld because a newer one takes its time.
        let held = TokenRequest { min_validity: Some(0), ..request };
        timeout(GLANCE, self.broker.token_for(&held, asker)).await.unwrap_or_else(|_| {
            let error = ErrorBody::new(ErrorCode::Unavailable, "Entra has not answered yet.");
            Err(error.with_hint("Try again in a moment; `entra status` shows what is under way."))
        })
    }
}

/// SDKs ask again for each call when a token has less than five minutes; this leaves them ten more.
const WANTED: Duration = Duration::from_secs(15 * 60);

/// With the glance after it, below the second that the most impatient SDK waits.
const PATIENCE: Duration = Duration::from_millis(800);
const GLANCE: Duration = Duration::from_millis(100);
