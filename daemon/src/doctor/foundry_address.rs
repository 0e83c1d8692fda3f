//! Where a Foundry resource is, and whether a token may be sent there.
//!
//! Whoever asks for a look names the address, and a token is sent to it. So it goes to Microsoft's own hosts for such
//! resources, to the one that the configuration names, and to this machine; nowhere else.

use entra_proto::cloud::Cloud;
use url::{Host, Url};

use crate::entra::authority::is_loopback;

/// A resource's endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// Where messages are sent.
    pub(super) messages: Url,
    /// The resource's own name, where the host begins with it.
    pub(super) name: Option<String>,
}

/// Why it is not looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    /// Plain http, off this machine.
    #[error("A token is sent over https alone, and {0} is not.")]
    Insecure(String),
    /// Neither a name nor an address.
    #[error(
        "`{0}` is neither a resource's name nor its address, which looks like https://NAME.services.ai.azure.com."
    )]
    NotAnAddress(String),
    /// Somebody else's host.
    #[error(
        "{0} is no host of Microsoft's for such resources, and not the one that `foundry_resource` names, so no token is \
         sent there."
    )]
    Stranger(String),
}

impl Resource {
    /// The resource that is meant. `configured` is the one of the configuration, whose host is trusted as well.
    pub(super) fn named(named: &str, configured: Option<&str>, cloud: Cloud) -> Result<Self, AddressError> {
        let url = address(named, cloud)?;
        let host = url.host_str().unwrap_or_default();
        if is_loopback(&url) {
            return Ok(Self::at(url));
        }
        if url.scheme() != "https" {
            return Err(AddressError::Insecure(host.to_owned()));
        }
        let configured = configured.and_then(|configured| address(configured, cloud).ok());
        let is_configured = configured.is_some_and(|configured| configured.origin() == url.origin());
        if is_configured || (url.port().is_none() && is_microsofts(&url)) {
            return Ok(Self::at(url));
        }
        Err(AddressError::Stranger(host.to_owned()))
    }

    fn at(mut url: Url) -> Self {
        let name = match url.host() {
            Some(Host::Domain(host)) if is_microsofts(&url) => host.split('.').next().map(str::to_owned),
            _ => None,
        };
        let base = url.path().trim_end_matches('/');
        let base = if base.is_empty() { ANTHROPIC } else { base }.to_owned();
        url.set_path(&format!("{base}/v1/messages"));
        Self { messages: url, name }
    }
}

fn address(named: &str, cloud: Cloud) -> Result<Url, AddressError> {
    let wrong = || AddressError::NotAnAddress(shown(named));
    let named = named.trim();
    if is_name(named) {
        return format!("https://{named}.services.ai.azure.{}", ending(cloud)).parse().map_err(|_| wrong());
    }
    // The parser of URLs forgives much, so what it would mend is refused before.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte);
    if named.len() > LONGEST || !named.bytes().all(is_plain) {
        return Err(wrong());
    }
    let url: Url = named.parse().map_err(|_| wrong())?;
    if matches!(url.scheme(), "http" | "https") && url.host().is_some() { Ok(url) } else { Err(wrong()) }
}

/// A custom subdomain (Microsoft: "Custom subdomain names for Azure AI services").
fn is_name(named: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (2..=64).contains(&named.len())
        && named.bytes().all(is_plain)
        && !named.starts_with('-')
        && !named.ends_with('-')
}

fn is_microsofts(url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else { return false };
    let clouds = Cloud::ALL.into_iter().map(ending);
    let mut suffixes = clouds.flat_map(|ending| SERVICES.map(|service| format!(".{service}.azure.{ending}")));
    // A resource has one label; what has more is somebody's record below one.
    suffixes.any(|suffix| host.strip_suffix(&suffix).is_some_and(is_name))
}

/// How hosts of the cloud end (Microsoft: "Compare Azure Government and global Azure", "Azure China developer guide").
fn ending(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::China => "cn",
        Cloud::Public => "com",
        Cloud::UsGovernment => "us",
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(80).collect()
}

/// The services under whose names a resource can be reached.
const SERVICES: [&str; 3] = ["services.ai", "cognitiveservices", "openai"];

/// Where a resource speaks Anthropic's protocol (Microsoft: "Claude in Microsoft Foundry").
const ANTHROPIC: &str = "/anthropic";

/// A host name has at most 253 characters, and no path here is long.
const LONGEST: usize = 400;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("acme-ai", "https://acme-ai.services.ai.azure.com/anthropic/v1/messages", Some("acme-ai"))]
    #[case(
        "https://acme.services.ai.azure.com/",
        "https://acme.services.ai.azure.com/anthropic/v1/messages",
        Some("acme")
    )]
    #[case(
        "https://acme.cognitiveservices.azure.us/x/",
        "https://acme.cognitiveservices.azure.us/x/v1/messages",
        Some("acme")
    )]
    #[case("https://ac.openai.azure.cn", "https://ac.openai.azure.cn/anthropic/v1/messages", Some("ac"))]
    #[case("http://127.0.0.1:8080", "http://127.0.0.1:8080/anthropic/v1/messages", None)]
    #[case("https://ai.corp.example/claude", "https://ai.corp.example/claude/v1/messages", None)]
    fn a_token_is_sent_to_these(#[case] named: &str, #[case] messages: &str, #[case] name: Option<&str>) {
        let resource = Resource::named(named, Some("https://ai.corp.example/claude"), Cloud::Public).unwrap();
        assert_eq!((resource.messages.as_str(), resource.name.as_deref()), (messages, name));
    }

    #[rstest]
    #[case("https://services.ai.azure.com")]
    #[case("https://evil.example")]
    #[case("https://acme.services.ai.azure.com.evil.example")]
    #[case("https://acmeservices.ai.azure.com")]
    #[case("https://evil.acme.services.ai.azure.com")]
    #[case("https://acme.services.ai.azure.com:8443")]
    #[case("https://ai.corp.example:444")]
    #[case("https://localhost.evil.example")]
    fn and_to_nobody_else(#[case] named: &str) {
        let error = Resource::named(named, Some("https://ai.corp.example"), Cloud::Public).unwrap_err();
        assert!(matches!(error, AddressError::Stranger(_)), "{error}");
    }

    #[rstest]
    #[case("http://acme.services.ai.azure.com")]
    #[case("http://ai.corp.example")]
    fn nor_without_tls(#[case] named: &str) {
        let error = Resource::named(named, Some("http://ai.corp.example"), Cloud::Public).unwrap_err();
        assert!(matches!(error, AddressError::Insecure(_)), "{error}");
    }

    #[rstest]
    #[case("")]
    #[case("a")]
    #[case("-acme-")]
    #[case("acme ai")]
    #[case("https://user@acme.services.ai.azure.com")]
    #[case("https://acme.services.ai.azure.com?x")]
    #[case("https:\\\\acme.services.ai.azure.com")]
    #[case("ftp://acme.services.ai.azure.com")]
    fn what_is_no_address_is_refused(#[case] named: &str) {
        let error = Resource::named(named, None, Cloud::Public).unwrap_err();
        assert!(matches!(error, AddressError::NotAnAddress(_)), "{error}");
    }

    #[test]
    fn a_name_is_of_its_cloud() {
        let resource = Resource::named("acme", None, Cloud::UsGovernment).unwrap();
        assert_eq!(resource.messages.host_str(), Some("acme.services.ai.azure.us"));
    }
}
