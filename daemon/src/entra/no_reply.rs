//! Why no reply came: one cause each, with a name that does not change and a sentence of its own.
//!
//! Holds no text of a third party: such errors can carry addresses and bodies. The name is [`Fault::error`], by which the [remedies](super::remedies)
//! are chosen.

use super::network::{NetworkError, Place, Way};
use super::remedies::is_misconfigured;
use super::reply::MAX_BODY;
use crate::account::outcome::{Fault, PROXY_AUTHENTICATION};

/// Why no reply came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoReply {
    /// The connection broke before the reply was complete.
    Broken,
    /// The HTTP client cannot be built: there are no trusted certificates.
    Client,
    /// No connection: no network, no such name, or nobody listens.
    Connect,
    /// The proxy is in the way.
    Proxy(Box<ProxyReason>),
    /// The settings of the network cannot be followed.
    Settings(Box<NetworkError>),
    /// The time limit passed.
    TimeOut,
    /// The certificate, ours or theirs, or the protocol was refused.
    Tls(TlsTrouble),
    /// The body is over the limit.
    TooLarge,
}

/// Which proxy, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProxyReason {
    /// What is wrong.
    pub(super) trouble: ProxyTrouble,
    /// Its address, without user name and password.
    pub(super) shown: String,
    /// Who names it.
    pub(super) place: Place,
    /// Whether it was given a user name and password.
    pub(super) has_credentials: bool,
}

/// What a proxy does instead of making the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ProxyTrouble {
    /// It wants a user name and password, or others.
    Credentials,
    /// It cannot reach the other end itself.
    Failed,
    /// What answers is no proxy of that kind.
    NoProxy,
    /// It forbids the connection.
    Refused,
    /// It does not answer.
    Unreachable,
    /// Its name is not known.
    Unresolved,
}

/// What TLS stumbled on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsTrouble {
    /// The server does not take our certificate.
    ClientCertificateRefused,
    /// The server wants a certificate of ours, and was shown none.
    ClientCertificateWanted,
    /// Its certificate has expired, or our clock is ahead.
    Expired,
    /// Its certificate is not valid yet, or our clock is behind.
    NotYetValid,
    /// The two ends have no protocol in common, or it is not TLS.
    Protocol,
    /// Nobody whom this machine trusts has issued its certificate.
    UnknownIssuer,
    /// Its certificate is for another name.
    WrongName,
}

impl NoReply {
    /// A proxy is in the way.
    pub(super) fn by_proxy(way: &Way, trouble: ProxyTrouble) -> Self {
        Self::Proxy(Box::new(ProxyReason {
            trouble,
            shown: way.shown().to_owned(),
            place: way.place(),
            has_credentials: way.has_credentials(),
        }))
    }

    /// Whether one more try at once may help.
    pub(super) fn is_brief(&self) -> bool {
        matches!(self, Self::Broken | Self::Connect | Self::TimeOut)
    }

    /// Whether somebody has to change something on this machine, rather than wait.
    pub(super) fn needs_somebody(&self) -> bool {
        is_misconfigured(self.name()) || matches!(self, Self::Client)
    }

    /// Its name, which does not change.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Broken | Self::Connect => "network",
            Self::Client => "http_client",
            Self::Proxy(reason) => reason.trouble.name(),
            Self::Settings(error) => error.name(),
            Self::TimeOut => "time_out",
            Self::Tls(trouble) => trouble.name(),
            Self::TooLarge => "too_large",
        }
    }

    /// The same as data for the account's machine.
    pub(super) fn fault(&self, host: &str, correlation_id: &str) -> Fault {
        Fault {
            error: self.name().to_owned(),
            description: self.sentence(host),
            correlation_id: Some(correlation_id.to_owned()),
            may_have_arrived: matches!(self, Self::Broken | Self::TimeOut | Self::TooLarge),
            ..Fault::default()
        }
    }

    /// What happened on the way to `host`, in one sentence.
    pub(super) fn sentence(&self, host: &str) -> String {
        match self {
            Self::Broken => format!("The connection to {host} broke before the answer was complete."),
            Self::Client => {
                "The HTTP client cannot be set up: no trusted certificates were found on this system."
                    .to_owned()
            }
            Self::Connect => format!("No connection to {host}."),
            Self::Proxy(reason) => reason.sentence(host),
            Self::Settings(error) => error.to_string(),
            Self::TimeOut => format!("{host} did not answer in time."),
            Self::Tls(trouble) => trouble.sentence(host),
            Self::TooLarge => format!("The answer of {host} is over {MAX_BODY} bytes."),
        }
    }
}

impl ProxyReason {
    fn sentence(&self, host: &str) -> String {
        let (proxy, place) = (&self.shown, self.place);
        match self.trouble {
            ProxyTrouble::Credentials if self.has_credentials => {
                format!("The proxy {proxy} does not take the user name and password that {place} has.")
            }
            ProxyTrouble::Credentials => format!("The proxy {proxy} asks for a user name and password."),
            ProxyTrouble::Failed => format!("The proxy {proxy} cannot reach {host}."),
            ProxyTrouble::NoProxy => {
                format!("What answers at {proxy}, which {place} names, is no such proxy.")
            }
            ProxyTrouble::Refused => format!("The proxy {proxy} refuses to connect to {host}."),
            ProxyTrouble::Unreachable => format!("The proxy {proxy}, which {place} names, does not answer."),
            ProxyTrouble::Unresolved => {
                format!("The proxy {proxy}, which {place} names, has a name that is not known.")
            }
        }
    }
}

impl ProxyTrouble {
    fn name(self) -> &'static str {
        match self {
            Self::Credentials => PROXY_AUTHENTICATION,
            Self::Failed => "proxy_failed",
            Self::NoProxy => "proxy_none",
            Self::Refused => "proxy_refused",
            Self::Unreachable => "proxy_unreachable",
            Self::Unresolved => "proxy_unresolved",
        }
    }
}

impl TlsTrouble {
    fn name(self) -> &'static str {
        match self {
            Self::ClientCertificateRefused => "client_certificate_refused",
            Self::ClientCertificateWanted => "client_certificate_wanted",
            Self::Expired => "tls_expired",
            Self::NotYetValid => "tls_not_yet_valid",
            Self::Protocol => "tls",
            Self::UnknownIssuer => "tls_unknown_issuer",
            Self::WrongName => "tls_wrong_name",
        }
    }

    fn sentence(self, host: &str) -> String {
        match self {
            Self::ClientCertificateRefused => format!("{host} does not take our client certificate."),
            Self::ClientCertificateWanted => format!("{host} wants a client certificate."),
            Self::Expired => {
                format!("No safe connection to {host}: its certificate has expired by this machine's clock.")
            }
            Self::NotYetValid => {
                format!(
                    "No safe connection to {host}: its certificate is not valid yet by this machine's clock."
                )
            }
            Self::Protocol => {
                format!("No safe connection to {host}: what answers there does not agree on TLS.")
            }
            Self::UnknownIssuer => {
                format!("No safe connection to {host}: its certificate is not trusted here.")
            }
            Self::WrongName => format!("No safe connection to {host}: its certificate is for another name."),
        }
    }
}

#[cfg(test)]
#[path = "no_reply_tests.rs"]
mod tests;
