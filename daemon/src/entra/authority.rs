//! Where Entra is: the sign-in host of a cloud, and the tenant asked there.
//!
//! Whoever chooses the host receives the refresh token. So the hosts are a built-in table; a person's own
//! configuration may name another only on loopback, an administrator's any `https` origin, and a caller on
//! the socket none at all. Endpoints are built from host and tenant, never read from an answer.

use std::fmt;

use entra_proto::cloud::Cloud;
use url::{Host, Url};

/// An origin and a tenant, checked. Two are equal when a refresh token of one may be sent to the other's
/// token endpoint for the same tenant.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    cloud: Cloud,
    origin: Url,
    tenant: String,
}

/// Who wrote the configuration that names an authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The machine's administrator: any `https` origin, and loopback.
    Administrator,
    /// The person: the built-in hosts, and loopback.
    User,
}

impl Authority {
    /// The sign-in host of `cloud`.
    ///
    /// # Errors
    /// [`AuthorityError::Tenant`] for a tenant that is no id, domain or keyword.
    pub fn built_in(cloud: Cloud, tenant: &str) -> Result<Self, AuthorityError> {
        Self::custom(cloud, &format!("https://{}", hosts(cloud)[0]), tenant, Owner::User)
    }

    /// An origin from configuration, such as `http://127.0.0.1:8080`: scheme, host and port, nothing else.
    ///
    /// # Errors
    /// [`AuthorityError`] says which rule the origin or the tenant breaks.
    pub fn custom(cloud: Cloud, origin: &str, tenant: &str, owner: Owner) -> Result<Self, AuthorityError> {
        let tenant = check_tenant(tenant)?;
        let origin = parse_origin(origin)?;
        let host = origin.host_str().unwrap_or_default();
        if let Some(home) = Cloud::ALL.into_iter().find(|cloud| hosts(*cloud).contains(&host)) {
            if origin.scheme() != "https" || origin.port().is_some() {
                return Err(AuthorityError::Insecure(shown(origin.as_str())));
            }
            if home != cloud {
                return Err(AuthorityError::OtherCloud { host: host.to_owned(), home, cloud });
            }
        } else if !is_loopback(&origin) {
            if origin.scheme() != "https" {
                return Err(AuthorityError::Insecure(shown(origin.as_str())));
            }
            if owner == Owner::User {
                return Err(AuthorityError::Unlisted(shown(origin.as_str())));
            }
        }
        Ok(Self { cloud, origin, tenant })
    }

    /// The same host, asked for another tenant: a refresh token is good in every tenant that knows the
    /// account (Microsoft: refresh tokens).
    ///
    /// # Errors
    /// [`AuthorityError::Tenant`].
    pub fn with_tenant(&self, tenant: &str) -> Result<Self, AuthorityError> {
        Ok(Self { tenant: check_tenant(tenant)?, ..self.clone() })
    }

    /// The cloud.
    #[must_use]
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }

    /// The tenant, in lower case.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The origin, as in `https://login.microsoftonline.com`. A refresh token stays within one.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.as_str().trim_end_matches('/')
    }

    /// What has to be reached for it.
    #[must_use]
    pub fn host_and_port(&self) -> (String, u16) {
        let host = self.origin.host_str().unwrap_or_default().to_owned();
        (host, self.origin.port_or_known_default().unwrap_or(443))
    }

    /// Whether it is a server on this machine, as in tests.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.origin)
    }

    /// Whether the tenant is given by its id, so that `tid` in an answer must equal it.
    #[must_use]
    pub fn names_tenant_id(&self) -> bool {
        is_guid(&self.tenant)
    }

    /// Where tokens are asked for (RFC 6749 §3.2).
    #[must_use]
    pub fn token_endpoint(&self) -> Url {
        self.endpoint("token")
    }

    /// Where a device code is asked for (RFC 8628 §3.1).
    #[must_use]
    pub fn device_code_endpoint(&self) -> Url {
        self.endpoint("devicecode")
    }

    /// Where a browser is sent (RFC 6749 §3.1).
    #[must_use]
    pub fn authorize_endpoint(&self) -> Url {
        self.endpoint("authorize")
    }

    /// Where the tenant says what it is (OpenID Connect Discovery 1.0 §4).
    #[must_use]
    pub fn configuration_endpoint(&self) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/{}/v2.0/.well-known/openid-configuration", self.tenant));
        url
    }

    /// Whether the host is one of Microsoft's own.
    #[must_use]
    pub fn is_microsofts(&self) -> bool {
        hosts(self.cloud).contains(&self.host())
    }

    /// Whether `page` may be opened for a person to type a code on: `https` on one of Microsoft's hosts for
    /// this cloud, or a page of this very authority. The address has changed before and is never assumed.
    #[must_use]
    pub fn trusts_page(&self, page: &str) -> bool {
        let Ok(page) = Url::parse(page) else { return false };
        let Some(Host::Domain(host)) = page.host() else { return self.is_own(&page) };
        let is_plain = page.username().is_empty() && page.password().is_none() && page.port().is_none();
        let is_listed = page_hosts(self.cloud).iter().any(|listed| {
            host.strip_suffix(listed).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        });
        (page.scheme() == "https" && is_plain && is_listed) || self.is_own(&page)
    }

    fn is_own(&self, page: &Url) -> bool {
        page.origin() == self.origin.origin() && page.username().is_empty() && page.password().is_none()
    }

    /// Host for messages.
    pub(super) fn host(&self) -> &str {
        self.origin.host_str().unwrap_or_default()
    }

    fn endpoint(&self, leaf: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/{}/oauth2/v2.0/{leaf}", self.tenant));
        url
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.origin(), self.tenant)
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authority({self}, {})", self.cloud)
    }
}

/// Why an authority was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// Plain http off this machine, or a known host with a port.
    #[error("The authority `{0}` is not safe: use `https://` without a port; plain http is for loopback.")]
    Insecure(String),
    /// More or less than scheme, host and port.
    #[error(
        "The authority `{0}` is not an origin: give scheme, host and port alone, as in https://login.example.com."
    )]
    NotAnOrigin(String),
    /// A host of one cloud for another.
    #[error("The host {host} belongs to the cloud {home}, not to {cloud}; set `cloud` to {home}.")]
    OtherCloud {
        /// The host.
        host: String,
        /// The cloud it belongs to.
        home: Cloud,
        /// The cloud it was named for.
        cloud: Cloud,
    },
    /// No tenant.
    #[error("`{0}` is not a tenant: give its id, its domain, or `organizations`.")]
    Tenant(String),
    /// A host that only an administrator may name.
    #[error(
        "The authority `{0}` is not a known sign-in host; your own configuration may name one on loopback, \
         others must come from the administrator's configuration."
    )]
    Unlisted(String),
}

/// Whether the text is a GUID in its usual form.
pub(super) fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether requests to it stay on this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The parser of URLs forgives much (tabs, backslashes, escapes), so those are refused before it sees them.
fn parse_origin(text: &str) -> Result<Url, AuthorityError> {
    let refused = || AuthorityError::NotAnOrigin(shown(text));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:/[]".contains(&byte);
    if text.len() > MAX_ORIGIN || !text.bytes().all(is_plain) {
        return Err(refused());
    }
    let url = Url::parse(text).map_err(|_| refused())?;
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let is_origin = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.path() == "/"
        && !rest.trim_end_matches('/').contains('/')
        && !rest.ends_with("//");
    if is_origin { Ok(url) } else { Err(refused()) }
}

/// A tenant is one path segment. `.` and `..` pass the character rule and would walk up the path.
fn check_tenant(text: &str) -> Result<String, AuthorityError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let is_tenant = (1..=255).contains(&text.len())
        && text.bytes().all(is_plain)
        && text.bytes().any(|byte| byte.is_ascii_alphanumeric());
    if is_tenant { Ok(text.to_ascii_lowercase()) } else { Err(AuthorityError::Tenant(shown(text))) }
}

fn shown(text: &str) -> String {
    super::text::plain(text, 80)
}

/// The sign-in hosts of a cloud, first the one to use (Microsoft: national clouds).
fn hosts(cloud: Cloud) -> &'static [&'static str] {
    match cloud {
        Cloud::China => &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        Cloud::Public => {
            &["login.microsoftonline.com", "login.microsoft.com", "login.windows.net", "sts.windows.net"]
        }
        Cloud::UsGovernment => &["login.microsoftonline.us", "login.usgovcloudapi.net"],
    }
}

/// Hosts, with everything below them, on which Microsoft asks for codes. `microsoft.com` serves all clouds.
fn page_hosts(cloud: Cloud) -> &'static [&'static str] {
    match cloud {
        Cloud::China => &["microsoft.com", "microsoftonline.cn", "chinacloudapi.cn"],
        Cloud::Public => &["microsoft.com", "microsoftonline.com"],
        Cloud::UsGovernment => &["microsoft.com", "microsoftonline.us", "microsoft.us"],
    }
}

/// A host name has at most 253 characters.
const MAX_ORIGIN: usize = 300;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Cloud::Public, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token")]
    #[case(Cloud::UsGovernment, "https://login.microsoftonline.us/contoso.com/oauth2/v2.0/token")]
    #[case(Cloud::China, "https://login.partner.microsoftonline.cn/contoso.com/oauth2/v2.0/token")]
    fn endpoints_are_built_from_the_table(#[case] cloud: Cloud, #[case] token: &str) {
        let authority = Authority::built_in(cloud, "Contoso.com").unwrap();
        assert_eq!(authority.token_endpoint().as_str(), token);
        assert_eq!(authority.device_code_endpoint().as_str(), token.replace("/token", "/devicecode"));
        assert_eq!(authority.authorize_endpoint().as_str(), token.replace("/token", "/authorize"));
        assert_eq!(format!("{}/contoso.com", authority.origin()), authority.to_string());
    }

    #[rstest]
    #[case("http://127.0.0.1:8080", true)]
    #[case("http://127.9.9.9", true)]
    #[case("http://[::1]:9/", true)]
    #[case("https://localhost:8443", true)]
    #[case("https://login.microsoftonline.com", false)]
    fn a_person_may_name_loopback_and_the_table(#[case] origin: &str, #[case] is_loopback: bool) {
        let authority = Authority::custom(Cloud::Public, origin, "t", Owner::User).unwrap();
        assert_eq!(authority.is_loopback(), is_loopback);
        assert_eq!(authority.origin(), origin.trim_end_matches('/'));
    }

    #[test]
    fn only_an_administrator_names_other_hosts() {
        let name = |owner| Authority::custom(Cloud::Public, "https://login.example.com", "t", owner);
        assert!(matches!(name(Owner::User), Err(AuthorityError::Unlisted(_))));
        assert_eq!(name(Owner::Administrator).unwrap().to_string(), "https://login.example.com/t");
        let plain = Authority::custom(Cloud::Public, "http://login.example.com", "t", Owner::Administrator);
        assert!(matches!(plain, Err(AuthorityError::Insecure(_))));
    }

    #[rstest]
    #[case("https://user@localhost")]
    #[case("https://localhost/x")]
    #[case("https://localhost//")]
    #[case("https://localhost?x")]
    #[case("https://localhost#x")]
    #[case("https:\\\\localhost")]
    #[case("https://local\thost")]
    #[case("https://%6cocalhost")]
    #[case("https://logín.example.com")]
    #[case("localhost:8080")]
    #[case("ftp://localhost")]
    #[case("")]
    fn anything_but_an_origin_is_refused(#[case] origin: &str) {
        let error = Authority::custom(Cloud::Public, origin, "t", Owner::Administrator).unwrap_err();
        assert!(matches!(error, AuthorityError::NotAnOrigin(_)), "{error}");
    }

    #[rstest]
    #[case("https://localhost.")]
    #[case("https://localhost.example.com")]
    #[case("https://128.0.0.1")]
    #[case("https://[::2]")]
    #[case("https://login.microsoftonline.com.evil.example")]
    fn near_misses_of_loopback_and_table_are_unlisted(#[case] origin: &str) {
        let error = Authority::custom(Cloud::Public, origin, "t", Owner::User).unwrap_err();
        assert!(matches!(error, AuthorityError::Unlisted(_)), "{error}");
    }

    #[test]
    fn a_host_stays_in_its_cloud_and_on_its_port() {
        let other =
            Authority::custom(Cloud::Public, "https://login.microsoftonline.us", "t", Owner::Administrator);
        assert!(matches!(other, Err(AuthorityError::OtherCloud { .. })));
        for origin in ["https://login.microsoftonline.com:8443", "http://login.microsoftonline.com"] {
            let error = Authority::custom(Cloud::Public, origin, "t", Owner::Administrator).unwrap_err();
            assert!(matches!(error, AuthorityError::Insecure(_)), "{origin}");
        }
    }

    #[rstest]
    #[case("")]
    #[case(".")]
    #[case("..")]
    #[case("a/b")]
    #[case("a b")]
    #[case("a%2fb")]
    #[case("ä")]
    fn a_tenant_is_one_plain_segment(#[case] tenant: &str) {
        assert!(matches!(Authority::built_in(Cloud::Public, tenant), Err(AuthorityError::Tenant(_))));
        let good = Authority::built_in(Cloud::Public, "organizations").unwrap();
        assert!(good.with_tenant(tenant).is_err());
    }

    #[rstest]
    #[case("https://microsoft.com/devicelogin", true)]
    #[case("https://www.microsoft.com/link", true)]
    #[case("https://login.microsoft.com/device", true)]
    #[case("https://login.microsoftonline.com/common/oauth2/deviceauth", true)]
    #[case("http://microsoft.com/devicelogin", false)]
    #[case("https://microsoft.com:8443/devicelogin", false)]
    #[case("https://evil@microsoft.com/devicelogin", false)]
    #[case("https://evilmicrosoft.com/devicelogin", false)]
    #[case("https://microsoft.com.evil.example/", false)]
    #[case("https://evil.example/microsoft.com", false)]
    #[case("https://127.0.0.1/", false)]
    #[case("javascript:alert(1)", false)]
    #[case("microsoft.com/devicelogin", false)]
    fn pages_are_trusted_by_host(#[case] page: &str, #[case] is_trusted: bool) {
        let authority = Authority::built_in(Cloud::Public, "organizations").unwrap();
        assert_eq!(authority.trusts_page(page), is_trusted);
    }

    #[test]
    fn an_authority_trusts_its_own_pages() {
        let authority = Authority::custom(Cloud::Public, "http://127.0.0.1:8080", "t", Owner::User).unwrap();
        assert!(authority.trusts_page("http://127.0.0.1:8080/device"));
        assert!(!authority.trusts_page("http://127.0.0.1:8081/device"));
        assert!(!authority.trusts_page("http://evil@127.0.0.1:8080/device"));
    }
}
