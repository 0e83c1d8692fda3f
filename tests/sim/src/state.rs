//! Everything the simulated service remembers.
//!
//! One value behind one lock: a request is served whole or not at all, so parallel requests are as good as serial
//! ones. Secrets are only keys here; refresh tokens are kept by their hash because they may be large.

use std::collections::HashMap;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::directory::{Directory, Realm};
use crate::faults::FaultQueue;
use crate::log::LoggedRequest;
use crate::options::{Options, Rules};
use crate::scope::Scopes;

/// The service's memory.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) rules: Rules,
    pub(crate) directory: Directory,
    pub(crate) clients: Vec<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) device_codes: Vec<DeviceCode>,
    pub(crate) authorization_codes: Vec<AuthorizationCode>,
    pub(crate) refresh_tokens: RefreshTokens,
    /// Access tokens for Microsoft Graph, by a digest of how they are presented.
    pub(crate) graph_tokens: HashMap<String, GraphToken>,
    pub(crate) faults: FaultQueue,
    pub(crate) log: Vec<LoggedRequest>,
    pub(crate) requests: u64,
    pub(crate) issued: u64,
}

impl State {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            clock: Clock::default(),
            rules: options.rules.clone(),
            directory: Directory::new(&options.tenant),
            clients: options.clients.clone(),
            redirect_uris: options.redirect_uris.clone(),
            device_codes: Vec::new(),
            authorization_codes: Vec::new(),
            refresh_tokens: RefreshTokens::default(),
            graph_tokens: HashMap::new(),
            faults: FaultQueue::default(),
            log: Vec::new(),
            requests: 0,
            issued: 0,
        }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// The device code that a person's typing means; case and separators do not count.
    pub(crate) fn by_user_code(&mut self, typed: &str) -> Option<&mut DeviceCode> {
        let plain: String = typed.chars().filter(char::is_ascii_alphanumeric).collect();
        self.device_codes.iter_mut().rev().find(|code| code.user_code.eq_ignore_ascii_case(&plain))
    }

    /// Notes the answer to a logged request.
    pub(crate) fn finish(&mut self, number: u64, status: Option<u16>, error: Option<String>) {
        if let Some(entry) = self.log.iter_mut().rev().find(|entry| entry.number == number) {
            entry.status = status;
            entry.error = error;
            entry.done = true;
        }
    }
}

/// A device code and what became of it.
#[derive(Debug)]
pub(crate) struct DeviceCode {
    pub(crate) device_code: String,
    pub(crate) user_code: String,
    pub(crate) client_id: String,
    pub(crate) realm: Realm,
    pub(crate) scopes: Scopes,
    pub(crate) cae: bool,
    /// The correlation id of the request that asked for the code; every poll's refusal carries it.
    pub(crate) correlation: String,
    pub(crate) expires_at: SystemTime,
    pub(crate) polled_at: Option<SystemTime>,
    pub(crate) verdict: Verdict,
    /// Whether `next_user_code` has given it out.
    pub(crate) seen: bool,
}

/// What the person did with a device code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Approved { username: String },
    Declined,
    Pending,
    Redeemed { username: String },
}

/// An authorization code and the request it answers.
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationCode {
    pub(crate) code: String,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) realm: Realm,
    pub(crate) scopes: Scopes,
    pub(crate) cae: bool,
    pub(crate) username: String,
    pub(crate) expires_at: SystemTime,
    pub(crate) redeemed: bool,
}

/// Whose a token for Microsoft Graph is, and how long it lives.
#[derive(Debug, Clone)]
pub(crate) struct GraphToken {
    pub(crate) username: String,
    pub(crate) expires_at: SystemTime,
}

/// The refresh tokens that were issued, dead ones included.
#[derive(Debug, Default)]
pub(crate) struct RefreshTokens {
    tokens: HashMap<[u8; 32], RefreshToken>,
    families: u64,
}

impl RefreshTokens {
    pub(crate) fn insert(&mut self, text: &str, token: RefreshToken) {
        self.tokens.insert(key(text), token);
    }

    pub(crate) fn find(&mut self, text: &str) -> Option<&mut RefreshToken> {
        self.tokens.get_mut(&key(text))
    }

    pub(crate) fn new_family(&mut self) -> u64 {
        self.families += 1;
        self.families
    }

    /// Revokes every live token that `which` picks; says how many.
    pub(crate) fn revoke(&mut self, which: impl Fn(&RefreshToken) -> bool) -> usize {
        let doomed = |token: &&mut RefreshToken| token.standing != Standing::Revoked && which(token);
        self.tokens.values_mut().filter(doomed).map(|token| token.standing = Standing::Revoked).count()
    }

    pub(crate) fn count(&self, standing: Standing) -> usize {
        self.tokens.values().filter(|token| token.standing == standing).count()
    }
}

/// A refresh token: bound to a person and a client, not to a resource or a tenant.
#[derive(Debug, Clone)]
pub(crate) struct RefreshToken {
    pub(crate) family: u64,
    pub(crate) username: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Scopes,
    /// When the person signed in; every token of the family has it.
    pub(crate) signed_in_at: SystemTime,
    pub(crate) issued_at: SystemTime,
    pub(crate) expires_at: SystemTime,
    pub(crate) standing: Standing,
}

/// What a refresh token is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Live,
    Revoked,
    Superseded,
}

fn key(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
