//! A scripted Entra without a network, for tests of schedules under paused time.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use entra_proto::cloud::Cloud;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::authority::Authority;
use super::network::Place;
use super::no_reply::{NoReply, ProxyReason, ProxyTrouble};
use super::reply::{Ask, Exchange, Reply};
use super::target::Target;

/// Replies in order, and what was asked when.
#[derive(Default)]
pub(crate) struct Script {
    replies: Mutex<VecDeque<Scripted>>,
    asked: Mutex<Vec<Asked>>,
}

enum Scripted {
    Reply(Result<Reply, NoReply>),
    Hang,
}

/// One request as it was seen.
pub(crate) struct Asked {
    pub(super) at: Instant,
    pub(super) url: String,
    pub(super) form: BTreeMap<String, String>,
    pub(super) correlation_id: String,
    pub(super) anchor: Option<String>,
}

impl Script {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn json(self: &Arc<Self>, status: u16, body: &str) -> &Arc<Self> {
        self.reply(status, None, body)
    }

    pub(super) fn reply(self: &Arc<Self>, status: u16, retry_after: Option<u64>, body: &str) -> &Arc<Self> {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        let retry_after = retry_after.map(Duration::from_secs);
        self.push(Scripted::Reply(Ok(Reply { status, retry_after, request_id: None, body })))
    }

    pub(super) fn silence(self: &Arc<Self>, why: NoReply) -> &Arc<Self> {
        self.push(Scripted::Reply(Err(why)))
    }

    pub(crate) fn hang(self: &Arc<Self>) -> &Arc<Self> {
        self.push(Scripted::Hang)
    }

    fn push(self: &Arc<Self>, scripted: Scripted) -> &Arc<Self> {
        self.replies.lock().unwrap().push_back(scripted);
        self
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Exchange for Script {
    fn post(&self, ask: Ask) -> Pin<Box<dyn Future<Output = Result<Reply, NoReply>> + Send + '_>> {
        self.asked.lock().unwrap().push(Asked {
            at: Instant::now(),
            url: ask.url.to_string(),
            form: ask.form.pairs(),
            correlation_id: ask.correlation_id,
            anchor: ask.anchor,
        });
        let scripted = self.replies.lock().unwrap().pop_front().expect("the script ran out");
        Box::pin(async {
            match scripted {
                Scripted::Reply(reply) => reply,
                Scripted::Hang => std::future::pending().await,
            }
        })
    }
}

/// A proxy that asks for a user name and password.
pub(super) fn wanting_credentials() -> NoReply {
    NoReply::Proxy(Box::new(ProxyReason {
        trouble: ProxyTrouble::Credentials,
        shown: "http://proxy.example:3128".to_owned(),
        place: Place::Variable("HTTPS_PROXY"),
        has_credentials: false,
    }))
}

/// An app at the public cloud.
pub(super) fn target() -> Target {
    let authority = Authority::built_in(Cloud::Public, "organizations").unwrap();
    Target::new(authority, "00000000-0000-0000-0000-00000000c11e".parse().unwrap())
}

pub(super) const CODE: &str = r#"{"user_code":"BL6XB575V","device_code":"dev-secret","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"To sign in, enter the code BL6XB575V."}"#;
pub(super) const PENDING: &str =
    r#"{"error":"authorization_pending","error_codes":[70016],"correlation_id":"c-1"}"#;
pub(crate) const SUCCESS: &str = r#"{"token_type":"Bearer","scope":"s/read openid","expires_in":5302,"access_token":"at-secret","refresh_token":"rt-secret"}"#;
