//! `/v1/leases`: a named, narrow, expiring, revocable right to ask for tokens.
//!
//! Tools that cannot speak to the socket ask over loopback HTTP, where the kernel does not say who they are; there each
//! request presents the secret of a lease. The secret is shown once, to whoever made the lease, and never again.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;
use crate::agent::is_name as is_agent_name;
use crate::limits::{MAX_LEASE_RESOURCES, MAX_NAME};
use crate::secret::LeaseSecret;

/// What a lease is to allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// What people call it, such as `claude-code`. A free-standing lease of this name is replaced: its secret is void
    /// from then on.
    pub name: String,
    /// The resources that it is for: short names of [`crate::resource`], or v1 resources. At least one and at most
    /// [`MAX_LEASE_RESOURCES`]; `*` alone is every resource.
    pub resources: Vec<String>,
    /// The account that it speaks for: its id or user name. Needed when several are signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The profile that it speaks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// Seconds until it ends by itself; it stands until it is revoked when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// The process with which it ends, by its id; a free-standing one outlives every process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// Whether its secret may also stand in the path of a request, for clients that send no header. Paths end in logs
    /// where headers do not, so only a lease that was made for it is taken there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_path: bool,
    /// The AI agent that it is for, by its name: whoever presents it, and whatever runs below its process, is that agent. A lease
    /// that an agent makes is that agent's, whatever stands here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
}

impl LeaseRequest {
    /// What is wrong with it, if anything, as the end of a sentence.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.');
        let is_name = |name: &str| !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_plain);
        let is_resource = |resource: &String| {
            !resource.is_empty()
                && resource.len() <= MAX_NAME
                && resource.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_name(&self.name) {
            return Some("its name must be letters, digits, `-`, `_` and `.`");
        }
        if self.resources.is_empty() || self.resources.len() > MAX_LEASE_RESOURCES {
            return Some("it must name between 1 and 64 resources, or `*` for all");
        }
        if !self.resources.iter().all(is_resource) {
            return Some("a resource is a short name or an address without spaces");
        }
        if self.resources.len() > 1 && self.resources.iter().any(|resource| resource == EVERY_RESOURCE) {
            return Some("`*` stands alone");
        }
        if self.agent.as_deref().is_some_and(|name| !is_agent_name(name)) {
            return Some("its agent's name must be at most 64 letters, digits, `-`, `_` and `.`");
        }
        None
    }
}

/// Where managed-identity clients ask: the path of `IDENTITY_ENDPOINT`.
pub const IDENTITY_PATH: &str = "/msi/token";

/// The path of `AZD_AUTH_ENDPOINT`; the Azure Developer CLI appends `/token`.
pub const AZD_PATH: &str = "/azd";

/// What the path of a lease that was made for it begins with; the secret and [`IDENTITY_PATH`] follow.
pub const LEASE_PATH: &str = "/lease";

/// Stands for every resource.
pub const EVERY_RESOURCE: &str = "*";

/// A lease that was just made, with the one sight of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseGrant {
    /// The lease.
    pub lease: LeaseInfo,
    /// What each request presents.
    pub secret: LeaseSecret,
    /// Where requests of managed-identity clients go (`IDENTITY_ENDPOINT`).
    pub identity_endpoint: String,
    /// Where requests of the Azure Developer CLI go (`AZD_AUTH_ENDPOINT`).
    pub azd_endpoint: String,
    /// Where managed-identity clients ask that send no header: it holds the secret. Only of a lease made for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_endpoint: Option<LeaseSecret>,
}

/// A lease, without its secret. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseInfo {
    /// Its lasting id, which the secret begins with.
    pub id: String,
    /// What people call it.
    pub name: String,
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
    /// The process with which it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// Whether its secret may stand in the path of a request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_path: bool,
    /// The AI agent that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// When it was last presented since the daemon started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_on: Option<u64>,
    /// How often it was presented since the daemon started.
    pub uses: u64,
}

/// `GET /v1/leases`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasesAnswer {
    /// The leases, by name.
    pub leases: Vec<LeaseInfo>,
    /// Requests since the daemon started that presented no lease's secret.
    pub strangers: u64,
    /// Where requests of managed-identity clients go now, so that settings written earlier can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_endpoint: Option<String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn request(name: &str, resources: &[&str]) -> LeaseRequest {
        let resources = resources.iter().map(|&resource| resource.to_owned()).collect();
        LeaseRequest { name: name.to_owned(), resources, ..LeaseRequest::default() }
    }

    #[rstest]
    #[case("claude-code", &["cognitive", "foundry"])]
    #[case("a.b_c", &["https://management.core.windows.net/"])]
    #[case("all", &["*"])]
    fn what_people_ask_for_is_right(#[case] name: &str, #[case] resources: &[&str]) {
        assert_eq!(request(name, resources).fault(), None);
    }

    #[rstest]
    #[case("", &["arm"], "name")]
    #[case("a b", &["arm"], "name")]
    #[case("../a", &["arm"], "name")]
    #[case("a", &[], "between 1 and 64")]
    #[case("a", &["arm"; 65], "between 1 and 64")]
    #[case("a", &["https://a b"], "without spaces")]
    #[case("a", &["\u{7f}"], "without spaces")]
    #[case("a", &["*", "arm"], "alone")]
    fn what_is_wrong_is_said(#[case] name: &str, #[case] resources: &[&str], #[case] words: &str) {
        let fault = request(name, resources).fault().unwrap_or_default();
        assert!(fault.contains(words), "{fault}");
    }

    #[test]
    fn an_agent_has_a_plain_name() {
        let of = |agent: &str| LeaseRequest { agent: Some(agent.to_owned()), ..request("a", &["foundry"]) };
        assert_eq!(of("claude").fault(), None);
        assert!(of("cla ude").fault().is_some_and(|fault| fault.contains("agent's name")));
    }
}
