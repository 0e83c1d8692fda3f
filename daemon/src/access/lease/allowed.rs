//! Which resources a lease is for.
//!
//! Scopes name their resource by everything before the last slash, and one resource is spelled in several ways: with a
//! slash at its end, in capitals, by a short name. All are brought into one form before they are compared; what has no
//! resource is never allowed by a lease for some.

use entra_proto::cloud::Cloud;
use entra_proto::lease::EVERY_RESOURCE;
use entra_proto::resource::{self, Resource};
use entra_proto::scope::Scopes;

/// The resources of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// In their common form; `None` is every resource.
    resources: Option<Vec<String>>,
}

impl Allowed {
    /// What these names allow: short names in each cloud, or resources as they are.
    #[must_use]
    pub fn of(names: &[String]) -> Self {
        if names.iter().any(|name| name == EVERY_RESOURCE) {
            return Self { resources: None };
        }
        let addresses = names.iter().flat_map(|name| match resource::named(name) {
            Some(named) => addresses_of(named).collect(),
            None => vec![address_in(name)],
        });
        Self { resources: Some(addresses.collect()) }
    }

    /// Whether this resource, or the one of this short name, is one of its own.
    #[must_use]
    pub(super) fn covers_resource(&self, name: &str) -> bool {
        let Some(resources) = &self.resources else { return true };
        match resource::named(name) {
            Some(named) => Cloud::ALL
                .iter()
                .filter_map(|cloud| named.address(*cloud))
                .all(|address| resources.contains(&plain(address))),
            None => resources.contains(&plain(name)),
        }
    }

    /// Whether all of these scopes are of its resources.
    #[must_use]
    pub fn covers(&self, scopes: &Scopes) -> bool {
        let Some(resources) = &self.resources else { return true };
        scopes.iter().all(|scope| resource_of(scope).is_some_and(|wanted| resources.contains(&wanted)))
    }
}

/// The addresses of a well-known resource in every cloud, in their common form.
pub(in crate::access) fn addresses_of(resource: &Resource) -> impl Iterator<Item = String> {
    let addresses = Cloud::ALL.iter().filter_map(|cloud| resource.address(*cloud));
    addresses.chain(resource.others.iter().copied()).map(plain)
}

/// The resource of a scope in its common form. One without a slash is Microsoft Graph's to Entra (Microsoft: "Scopes
/// and permissions"), and has none here: whoever holds a lease can say which resource is meant.
pub(in crate::access) fn resource_of(scope: &str) -> Option<String> {
    let (resource, _permission) = scope.rsplit_once('/')?;
    Some(plain(resource)).filter(|resource| !resource.is_empty() && !resource.ends_with(':'))
}

/// The address of a resource in its common form, from itself or from its default scope.
pub(in crate::access) fn address_in(name: &str) -> String {
    plain(name.strip_suffix(DEFAULT).unwrap_or(name))
}

/// Without slashes at its end and in lower case: neither makes it another resource.
fn plain(resource: &str) -> String {
    resource.trim_end_matches('/').to_ascii_lowercase()
}

const DEFAULT: &str = "/.default";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn covers(names: &[&str], scopes: &[&str]) -> bool {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Allowed::of(&names).covers(&Scopes::new(scopes.iter().copied()).unwrap())
    }

    #[rstest]
    #[case(&["foundry"], "https://ai.azure.com/.default")]
    #[case(&["foundry"], "https://ai.azure.us/.default")]
    #[case(&["Foundry"], "HTTPS://AI.Azure.com//.default")]
    #[case(&["https://ai.azure.com/"], "https://ai.azure.com/.default")]
    #[case(&["https://ai.azure.com/.default"], "https://ai.azure.com/user_impersonation")]
    #[case(&["arm"], "https://management.core.windows.net//.default")]
    #[case(&["arm", "sql"], "https://database.windows.net//.default")]
    #[case(&["devops"], "499b84ac-1321-427f-aa17-267ca6975798/.default")]
    #[case(&["api://one/two"], "api://one/two/access")]
    #[case(&["*"], "User.Read")]
    fn a_resource_is_known_in_its_spellings(#[case] names: &[&str], #[case] scope: &str) {
        assert!(covers(names, &[scope]));
    }

    #[rstest]
    #[case("https://management.azure.com/.default")]
    #[case("https://ai.azure.com.evil.example/.default")]
    #[case("https://ai.azure.com/other/.default")]
    #[case("https://evil.example/https://ai.azure.com/.default")]
    #[case("https:///.default")]
    #[case("/.default")]
    #[case("User.Read")]
    fn another_resource_is_refused(#[case] scope: &str) {
        assert!(!covers(&["foundry", "cognitive"], &[scope]));
    }

    #[test]
    fn one_foreign_scope_among_others_is_refused() {
        let graph = ["https://graph.microsoft.com/User.Read", "https://graph.microsoft.com/Mail.Read"];
        assert!(covers(&["graph"], &graph));
        assert!(!covers(&["graph"], &[graph[0], "https://management.azure.com/user_impersonation"]));
    }
}
