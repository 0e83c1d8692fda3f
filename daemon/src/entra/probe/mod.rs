//! Looks at the way to a host, for the doctor: names, proxy, certificate, clock, and what the other end says.
//!
//! A probe has a connection of its own, so that it sees the network as it is now. It trusts what every request trusts: its
//! verifier is a witness (`witness`) of the real one. No answer of Entra's is kept and no token of Entra's is asked for.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use entra_proto::secret::AccessToken;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, StatusCode};
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::ServerName;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

mod issuer;
mod route;
mod witness;

pub use self::issuer::Issuer;
pub use self::route::Route;
pub use self::witness::{Distrust, Shown};
use self::witness::{Seen, Witness};
use super::answer;
use super::authority::{Authority, is_loopback};
use super::network::{NetworkError, Way};
use super::no_reply::{NoReply, ProxyTrouble};
use super::remedies::remedy;
use super::reply::Reply;
use super::text::plain;
use super::{Entra, http, sort};
use crate::account::outcome::{Failure, FailureKind, Fault};

/// A look at one host.
pub struct Probe {
    client: Client,
    host: String,
    seen: Seen,
    way: Option<Way>,
    shows_certificate: bool,
}

/// Something answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Seconds that its clock is ahead of ours, where it says what time it has.
    pub ahead: Option<i64>,
}

/// Nothing answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Why, in one sentence.
    pub sentence: String,
    /// What to do about it, where that is known by the cause alone.
    pub remedy: Option<&'static str>,
}

impl Unanswered {
    fn of(why: &NoReply, host: &str) -> Self {
        Self { sentence: why.sentence(host), remedy: remedy(why.name()) }
    }
}

/// What a model's endpoint said to a request that it cannot carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// Its sentence, plain and short, where it has one.
    pub sentence: Option<String>,
    /// Whether it says that the caller has no permission, which comes under 401 as well as 403.
    pub is_of_permission: bool,
    /// Whether it says that it takes nothing from this network, whoever asks.
    pub is_of_network: bool,
}

impl Entra {
    /// The way that requests to this address take.
    ///
    /// # Errors
    /// Where the settings or the environment name no proxy that can be used.
    pub async fn route(&self, url: &Url) -> Result<Route, NetworkError> {
        Ok(Route::by(self.way_to(url)?.as_ref()))
    }

    /// The addresses that this machine's resolver has for the name.
    ///
    /// # Errors
    /// As the resolver says.
    pub async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<IpAddr>> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut found: Vec<IpAddr> =
            tokio::net::lookup_host((host, port)).await?.map(|address| address.ip()).collect();
        found.dedup();
        Ok(found)
    }

    /// A look at the host of this address.
    ///
    /// # Errors
    /// No trusted certificates, or settings of the network that cannot be followed.
    pub async fn probe(&self, url: &Url) -> Result<Probe, Unanswered> {
        let host = url.host_str().unwrap_or_default().to_owned();
        self.probe_of(url, host.clone()).await.map_err(|why| Unanswered::of(&why, &host))
    }

    async fn probe_of(&self, url: &Url, host: String) -> Result<Probe, NoReply> {
        let seen = Seen::default();
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(name).map_err(|_| NoReply::Client)?;
        let noted = Arc::clone(&seen);
        let witness =
            move |real| -> Arc<dyn ServerCertVerifier> { Arc::new(Witness::new(real, name, noted)) };
        let (client, shows_certificate) = self.http.watched_client(is_loopback(url), witness).await?;
        Ok(Probe { client, host, seen, way: self.way_to(url).ok().flatten(), shows_certificate })
    }
}

impl Probe {
    /// What the host showed, if a handshake got so far.
    #[must_use]
    pub fn shown(&self) -> Option<Shown> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether anything answers at this address.
    ///
    /// # Errors
    /// Why nothing does.
    pub async fn knock(&self, url: &Url) -> Result<Answered, Unanswered> {
        let sent = self.send(self.client.get(url.clone())).await;
        let (reply, ahead) = sent.map_err(|why| Unanswered::of(&why, &self.host))?;
        Ok(Answered { status: reply.status, ahead })
    }

    /// The tenant's OpenID configuration (OpenID Connect Discovery 1.0 §4; Microsoft: "OpenID Connect on the Microsoft
    /// identity platform"): the tenant's issuer.
    ///
    /// # Errors
    /// As Entra says, such as AADSTS90002 for a tenant that does not exist.
    pub async fn configuration(&self, authority: &Authority) -> Result<String, Failure> {
        let correlation_id = Uuid::new_v4().to_string();
        let request = self.client.get(authority.configuration_endpoint());
        let request = request
            .header(HeaderName::from_static("client-request-id"), &correlation_id)
            .header(HeaderName::from_static("return-client-request-id"), "true");
        let reply = self.send(request).await.map(|(reply, _)| reply);
        match answer::read::<Configuration>(reply, authority.host(), &correlation_id) {
            Ok(configuration) => Ok(plain(&configuration.issuer, LONGEST)),
            Err(refusal) => Err(sort::sort(*refusal).into_result().err().unwrap_or_else(unsorted)),
        }
    }

    /// Sends a model's endpoint a request that it must refuse, with this token: what it says tells whether the token is
    /// good there, and no model is run. `model` names a deployment; without one the body is empty.
    ///
    /// # Errors
    /// Why nothing answers.
    pub async fn ask_in_vain(
        &self,
        url: &Url,
        token: &AccessToken,
        model: Option<&str>,
    ) -> Result<Refused, Unanswered> {
        let unanswered = |why: NoReply| Unanswered::of(&why, &self.host);
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| unanswered(NoReply::Client))?;
        bearer.set_sensitive(true);
        // No message, and no room for an answer: whatever the deployment, it is refused before it costs anything.
        let body = match model {
            Some(model) => serde_json::json!({ "model": model, "max_tokens": 0, "messages": [] }),
            None => serde_json::json!({}),
        };
        let request = self
            .client
            .post(url.clone())
            .header(AUTHORIZATION, bearer)
            .header(CONTENT_TYPE, "application/json")
            .header(HeaderName::from_static("anthropic-version"), ANTHROPIC_VERSION)
            .body(body.to_string());
        let (reply, _) = self.send(request).await.map_err(unanswered)?;
        let (code, sentence) = said(&reply, token);
        let is_of_network = NETWORK_DENIED
            .iter()
            .any(|words| sentence.as_deref().is_some_and(|sentence| sentence.contains(words)));
        Ok(Refused {
            status: reply.status,
            sentence,
            is_of_permission: code.as_deref() == Some(PERMISSION_DENIED) && !is_of_network,
            is_of_network,
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<(Reply, Option<i64>), NoReply> {
        let request = request.header(ACCEPT, "application/json").build().map_err(|_| NoReply::Client)?;
        let url = request.url().clone();
        let response = match self.client.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                return Err(http::why(&error, self.way.as_ref(), &url, self.shows_certificate).await);
            }
        };
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        if let (StatusCode::PROXY_AUTHENTICATION_REQUIRED, Some(way)) = (response.status(), &self.way) {
            return Err(NoReply::by_proxy(way, ProxyTrouble::Credentials));
        }
        let reply = http::read(response, date, self.shows_certificate).await?;
        Ok((reply, date.map(http::seconds_ahead)))
    }
}

/// A refusal is never sorted into a grant; this stands where the types do not say so.
fn unsorted() -> Failure {
    Failure { kind: FailureKind::Misconfigured, fault: Fault::default() }
}

/// Of the document only what tells that it is one.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
}

/// The code and the sentence of an error answer in any of the three shapes that are met: Anthropic's and Azure's `error.message`, or a
/// bare `message`. A sentence that repeats the token is not passed on: it would end on a terminal and in tickets.
fn said(reply: &Reply, token: &AccessToken) -> (Option<String>, Option<String>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Body {
        error: Inner,
        message: Option<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Inner {
        code: Option<String>,
        message: Option<String>,
    }
    let body: Body = serde_json::from_slice(&reply.body).unwrap_or_default();
    // The whole or a part from its beginning, as a gateway that complains of a header would have it.
    let beginning = token.expose().get(..TELLING).unwrap_or(token.expose());
    let text = body.error.message.or(body.message).map(Zeroizing::new);
    let text = text.filter(|text| !text.contains(beginning)).map(|text| plain(&text, LONGEST));
    (body.error.code, text.filter(|text| !text.is_empty()))
}

/// What Azure's gateway calls a role that is missing; it comes under 401 or 403 (Microsoft: "Authenticate requests to Azure AI
/// services", troubleshooting).
const PERMISSION_DENIED: &str = "PermissionDenied";

/// How it says that its network rules keep us out, which comes under 403 without a code of its own (Microsoft: "Configure Azure
/// AI services virtual networks").
const NETWORK_DENIED: [&str; 2] = ["Virtual Network/Firewall rules", "Public access is disabled"];

/// So much of a token's beginning tells it from any words, and is of its header alone.
const TELLING: usize = 12;

/// A version that every such endpoint knows (Anthropic: "Versions").
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// For a line or two on a terminal.
const LONGEST: usize = 300;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::azure(r#"{"error":{"code":"PermissionDenied","message":"No role."}}"#, Some("No role."))]
    #[case::bare(r#"{"message":"No role."}"#, Some("No role."))]
    #[case::an_echo(r#"{"error":{"message":"Bad header: Bearer eyJ0eXAiOiJKV1Qi.cGF5bG9hZA.c2ln"}}"#, None)]
    #[case::half_an_echo(r#"{"error":{"message":"Bad token eyJ0eXAiOiJK..."}}"#, None)]
    #[case::nothing(r#"{"error":{"message":""}}"#, None)]
    #[case::no_json("<html>", None)]
    fn a_refusal_is_told_without_the_token(#[case] body: &str, #[case] expected: Option<&str>) {
        let body = Zeroizing::new(body.as_bytes().to_vec());
        let reply = Reply { status: 403, retry_after: None, request_id: None, body };
        let token = AccessToken::new("eyJ0eXAiOiJKV1Qi.cGF5bG9hZA.c2ln".to_owned());
        assert_eq!(said(&reply, &token).1.as_deref(), expected);
    }
}
