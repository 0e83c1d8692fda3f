//! What the vault holds: who signed in, how, and the refresh token.
//!
//! An [`Entry`] is everything that may be shown; only a [`Record`] has the token. The sealed text is the JSON
//! of a `Body`. No type here is flattened or untagged, because serde would then keep copies it never wipes.

use std::fmt;

use entra_proto::account::{AccountId, Provenance};
use entra_proto::agent::AgentMark;
use entra_proto::cloud::Cloud;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::consents::ConsentRecord;
use crate::account::demand::Demands;
use crate::account::key::AccountKey;
use crate::account::refresh_token::RefreshToken;

/// A record without its token. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which record it is.
    pub key: AccountKey,
    /// The cloud it belongs to.
    pub cloud: Cloud,
    /// The origin of the authority that issued the token, and the only one it may be sent to.
    pub authority: String,
    /// The tenant segment of the authority.
    pub tenant: String,
    /// The app registration.
    pub client_id: String,
    /// The scopes of the sign-in: what the token is used for when nobody has asked for anything for days.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The user name, for people.
    pub username: String,
    /// The display name, where Entra gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Which flow rooted the token.
    pub provenance: Provenance,
    /// When this very token was issued.
    pub obtained_on: u64,
    /// When a refresh token of this record last worked.
    pub used_on: u64,
    /// Since when it is known to be dead. It is kept for [`QUARANTINE_SECONDS`] and never handed out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined_on: Option<u64>,
    /// What was asked of the person before, also for earlier sign-ins of the account.
    #[serde(default, skip_serializing_if = "Demands::is_empty")]
    pub demands: Demands,
    /// The `AADSTS` number of the verdict, where Entra gave one: it says which way of signing in is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantined_for: Option<u32>,
}

/// An entry with its refresh token.
#[derive(Debug)]
pub struct Record {
    /// All that may be shown.
    pub entry: Entry,
    /// The secret.
    pub refresh_token: RefreshToken,
}

/// A lease that outlives the daemon. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// Its id, which its secret begins with.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// A digest of its secret, in hexadecimal digits.
    pub digest: String,
    /// The resources that it is for, as they were given.
    pub resources: Vec<String>,
    /// The account that it speaks for, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// The profile that it speaks for, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// When it was made.
    pub made_on: u64,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<u64>,
    /// The process with which it ends: its id, and a mark that tells it from a later one of that id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<(u32, u64)>,
    /// Whether its secret may stand in the path of a request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_path: bool,
    /// The AI agent that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// How that is known, where no person said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_known_by: Option<AgentMark>,
}

impl LeaseRecord {
    /// The AI agent that it is for, and how that is known.
    #[must_use]
    pub fn declares(&self) -> Option<(&str, AgentMark)> {
        let known_by = self.agent_known_by.unwrap_or(AgentMark::Declared);
        Some((self.agent.as_deref()?, known_by))
    }
}

/// How often a person was asked for an account, so that a restart asks nobody again. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptRecord {
    /// The account.
    pub key: AccountKey,
    /// When, within the last day.
    #[serde(default)]
    pub shown_on: Vec<u64>,
    /// Until when nobody is to be asked again.
    #[serde(default)]
    pub rests_until: u64,
}

/// The last entry of the audit log, so that the next daemon knows where it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogHead {
    /// Its number.
    pub sequence: u64,
    /// Its hash, in hexadecimal digits.
    pub hash: String,
}

/// The text that is sealed.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Body {
    records: Vec<Stored>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    leases: Vec<LeaseRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    prompts: Vec<PromptRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    consents: Vec<ConsentRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<NamedSecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log: Option<LogHead>,
}

/// A secret that belongs to no account.
#[derive(Serialize, Deserialize)]
struct NamedSecret {
    name: String,
    #[serde(with = "secret_text")]
    secret: Zeroizing<String>,
}

impl fmt::Debug for NamedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedSecret({})", self.name)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    entry: Entry,
    #[serde(with = "token_text")]
    refresh_token: RefreshToken,
}

impl Body {
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.records.into_iter().map(|stored| stored.entry).collect()
    }

    /// The entry and its token, taken out of this copy.
    pub(super) fn take(self, key: &AccountKey) -> Option<Record> {
        let Stored { entry, refresh_token } = self.records.into_iter().find(|it| it.entry.key == *key)?;
        Some(Record { entry, refresh_token })
    }

    pub(super) fn put(&mut self, record: Record) {
        let Record { entry, refresh_token } = record;
        self.records.retain(|stored| stored.entry.key != entry.key);
        self.records.push(Stored { entry, refresh_token });
    }

    /// A token that just worked takes the place of the old one; a quarantine ends. False without such a record.
    pub(super) fn replace_token(&mut self, key: &AccountKey, token: RefreshToken, used_on: u64) -> bool {
        self.change(key, |stored| {
            stored.refresh_token = token;
            stored.entry.obtained_on = used_on;
            stored.entry.used_on = used_on;
            stored.entry.quarantined_on = None;
            stored.entry.quarantined_for = None;
        })
    }

    /// Marks a record dead since then and for this number, or alive again. False without such a record.
    pub(super) fn quarantine(&mut self, key: &AccountKey, since: Option<u64>, number: Option<u32>) -> bool {
        self.change(key, |stored| {
            stored.entry.quarantined_on = since;
            stored.entry.quarantined_for = number;
        })
    }

    /// Keeps what was learned of an account. False without such a record.
    pub(super) fn learn(&mut self, key: &AccountKey, demands: Demands) -> bool {
        self.change(key, |stored| stored.entry.demands = demands)
    }

    pub(super) fn remove(&mut self, key: &AccountKey) -> bool {
        let before = self.records.len();
        self.records.retain(|stored| stored.entry.key != *key);
        self.records.len() < before
    }

    /// Drops what has been quarantined for longer than [`QUARANTINE_SECONDS`]. Says whether there was any.
    pub(super) fn purge(&mut self, now: u64) -> bool {
        let before = self.records.len();
        self.records.retain(|stored| {
            stored.entry.quarantined_on.is_none_or(|since| now.saturating_sub(since) <= QUARANTINE_SECONDS)
        });
        self.records.len() < before
    }

    pub(super) fn into_prompts(self) -> Vec<PromptRecord> {
        self.prompts
    }

    /// Says whether that was of any effect.
    pub(super) fn set_prompts(&mut self, prompts: Vec<PromptRecord>) -> bool {
        let is_news = self.prompts != prompts;
        self.prompts = prompts;
        is_news
    }

    pub(super) fn into_consents(self) -> Vec<ConsentRecord> {
        self.consents
    }

    /// Says whether that was of any effect.
    pub(super) fn set_consents(&mut self, consents: Vec<ConsentRecord>) -> bool {
        let is_news = self.consents != consents;
        self.consents = consents;
        is_news
    }

    pub(super) fn into_log_head(self) -> Option<LogHead> {
        self.log
    }

    /// Remembers where the log ends.
    pub(super) fn remember_log(&mut self, end: &LogEnd) {
        self.log = end(self.log.take());
    }

    pub(super) fn into_leases(self) -> Vec<LeaseRecord> {
        self.leases
    }

    /// Changes the leases. Says whether that was of any effect.
    pub(super) fn change_leases(&mut self, change: impl FnOnce(&mut Vec<LeaseRecord>)) -> bool {
        let before = self.leases.clone();
        change(&mut self.leases);
        self.leases != before
    }

    /// The secret of this name, taken out of this copy.
    pub(super) fn take_secret(self, name: &str) -> Option<Zeroizing<String>> {
        self.secrets.into_iter().find(|it| it.name == name).map(|it| it.secret)
    }

    /// Puts a secret in place of the one of its name, or removes that. Says whether that was of any effect.
    pub(super) fn set_secret(&mut self, name: &str, secret: Option<Zeroizing<String>>) -> bool {
        let before = self.secrets.iter().find(|it| it.name == name).map(|it| &it.secret);
        if before == secret.as_ref() {
            return false;
        }
        self.secrets.retain(|it| it.name != name);
        self.secrets.extend(secret.map(|secret| NamedSecret { name: name.to_owned(), secret }));
        true
    }

    fn change(&mut self, key: &AccountKey, change: impl FnOnce(&mut Stored)) -> bool {
        self.records.iter_mut().find(|stored| stored.entry.key == *key).map(change).is_some()
    }
}

/// Says where the audit log ends, given what was remembered of it.
pub type LogEnd = dyn Fn(Option<LogHead>) -> Option<LogHead> + Send + Sync;

/// The one place where a refresh token meets serde.
mod token_text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::account::refresh_token::RefreshToken;

    pub(super) fn serialize<S: Serializer>(token: &RefreshToken, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(token.expose())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RefreshToken, D::Error> {
        String::deserialize(from).map(RefreshToken::new)
    }
}

/// The one place where a named secret meets serde.
mod secret_text {
    use serde::{Deserialize, Deserializer, Serializer};
    use zeroize::Zeroizing;

    pub(super) fn serialize<S: Serializer>(secret: &Zeroizing<String>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(secret)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(from).map(Zeroizing::new)
    }
}

/// How long a token that Entra called dead is kept, should the verdict prove wrong.
pub const QUARANTINE_SECONDS: u64 = 24 * 60 * 60;

#[cfg(test)]
pub(super) mod tests {
    use entra_proto::account::Flow;

    use super::*;
    use crate::account::demand::{Kind, Life};
    use crate::account::key::SlotKey;

    /// A record of the default profile whose token is `token`.
    pub(in crate::vault) fn record(account: &str, token: &str) -> Record {
        let entry = Entry {
            key: AccountKey { profile: "default".to_owned(), account: account.parse().unwrap() },
            cloud: Cloud::Public,
            authority: "https://login.microsoftonline.com".to_owned(),
            tenant: "organizations".to_owned(),
            client_id: "client".to_owned(),
            scopes: vec!["https://graph.microsoft.com/.default".to_owned()],
            username: "ada@example.com".to_owned(),
            name: Some("Ada \"A\" Größe".to_owned()),
            provenance: Provenance { flow: Flow::Browser, signed_in_on: 1 },
            obtained_on: 2,
            used_on: 3,
            quarantined_on: None,
            demands: Demands::default(),
            quarantined_for: None,
        };
        Record { entry, refresh_token: RefreshToken::new(token.to_owned()) }
    }

    #[test]
    fn putting_replaces_the_record_of_the_same_key_only() {
        let mut body = Body::default();
        body.put(record("a.t", "one"));
        body.put(record("b.t", "two"));
        body.put(record("a.t", "three"));
        assert_eq!(body.records.len(), 2);
        let key = record("a.t", "").entry.key;
        assert_eq!(body.take(&key).unwrap().refresh_token.expose(), "three");
    }

    #[test]
    fn a_token_that_works_ends_the_quarantine() {
        let mut body = Body::default();
        body.put(record("a.t", "one"));
        let key = record("a.t", "").entry.key;
        assert!(body.quarantine(&key, Some(50), Some(530_036)));
        assert!(body.replace_token(&key, RefreshToken::new("two".to_owned()), 60));
        let entry = body.into_entries().remove(0);
        assert_eq!(
            (entry.quarantined_on, entry.quarantined_for, entry.obtained_on, entry.used_on),
            (None, None, 60, 60)
        );
    }

    #[test]
    fn the_purge_keeps_a_whole_day_and_whatever_lives() {
        let mut body = Body::default();
        body.put(record("dead.t", "one"));
        body.put(record("alive.t", "two"));
        body.quarantine(&record("dead.t", "").entry.key, Some(1000), None);
        body.purge(1000 + QUARANTINE_SECONDS);
        assert_eq!(body.records.len(), 2);
        body.purge(1001 + QUARANTINE_SECONDS);
        assert_eq!(body.into_entries()[0].key, record("alive.t", "").entry.key);
    }

    #[test]
    fn what_was_learned_outlives_the_token_and_is_of_one_record() {
        let mut demands = Demands::default();
        let slot = SlotKey { tenant: "t".to_owned(), scopes: "s".to_owned(), cae: false };
        demands.note(Kind::Revocation, &slot, None, Life { signed_in_on: 1, used_on: 2, now: 3 });
        let mut body = Body::default();
        body.put(record("a.t", "one"));
        body.put(record("b.t", "two"));
        let key = record("a.t", "").entry.key;
        assert!(body.learn(&key, demands.clone()));
        assert!(body.replace_token(&key, RefreshToken::new("three".to_owned()), 60));
        let text = serde_json::to_string(&body).unwrap();
        let entries = serde_json::from_str::<Body>(&text).unwrap().into_entries();
        assert_eq!((&entries[0].demands, &entries[1].demands), (&demands, &Demands::default()));
        assert_eq!(text.matches("demands").count(), 1, "an account without any is written as ever");
        assert!(!Body::default().learn(&key, demands));
    }

    #[test]
    fn a_secret_of_a_name_is_kept_replaced_and_removed() {
        let secret = |text: &str| Some(Zeroizing::new(text.to_owned()));
        let mut body = Body::default();
        assert!(body.set_secret("one", secret("s-first")) && body.set_secret("two", secret("s-other")));
        assert!(body.set_secret("one", secret("s-second")) && !body.set_secret("one", secret("s-second")));
        assert!(!format!("{body:?}").contains("s-"), "nothing prints it");
        let text = serde_json::to_string(&body).unwrap();
        let read = || serde_json::from_str::<Body>(&text).unwrap();
        assert_eq!(read().take_secret("one"), secret("s-second"));
        assert_eq!(read().take_secret("none"), None);
        assert!(body.set_secret("one", None) && !body.set_secret("one", None));
        assert_eq!(body.take_secret("two"), secret("s-other"));
        assert!(!serde_json::to_string(&Body::default()).unwrap().contains("secrets"), "as it ever was");
    }

    #[test]
    fn the_end_of_the_log_is_asked_for_and_told_what_was_remembered() {
        let mut body = Body::default();
        assert!(!serde_json::to_string(&body).unwrap().contains("log"));
        let next = |kept: Option<LogHead>| {
            let sequence = kept.map_or(1, |kept| kept.sequence + 1);
            Some(LogHead { sequence, hash: "00".to_owned() })
        };
        body.remember_log(&next);
        body.remember_log(&next);
        let text = serde_json::to_string(&body).unwrap();
        let again: Body = serde_json::from_str(&text).unwrap();
        assert_eq!(again.into_log_head().unwrap().sequence, 2);
    }

    #[test]
    fn nothing_prints_the_token() {
        let mut body = Body::default();
        body.put(record("a.t", "rt-secret"));
        assert!(!format!("{body:?} {:?}", record("a.t", "rt-secret")).contains("rt-secret"));
    }
}
