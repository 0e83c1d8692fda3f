//! Scopes: what was asked, for which resource, and what is granted.
//!
//! One request is for one resource; the OpenID scopes have none and go with any
//! (<https://learn.microsoft.com/entra/identity-platform/scopes-oidc>). A resource keeps its slashes, because the
//! token's audience must equal it to the byte.

use crate::errors::EntraError;

/// A checked `scope` parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scopes {
    /// The parameter as it came.
    pub(crate) text: String,
    /// The resource that the permissions belong to.
    pub(crate) resource: String,
    /// Permissions as they were asked, with their resource.
    permissions: Vec<String>,
    oidc: Vec<String>,
}

impl Scopes {
    /// Checks a `scope` parameter.
    ///
    /// # Errors
    /// 900144 for none, 70011 for nonsense or `.default` beside named permissions, 28000 for two resources, 500011
    /// for a resource below `.invalid`, which no tenant has.
    pub(crate) fn parse(text: &str) -> Result<Self, EntraError> {
        let (mut permissions, mut oidc) = (Vec::new(), Vec::new());
        let mut resource: Option<&str> = None;
        for scope in text.split_ascii_whitespace() {
            if !scope.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\' | b'{' | b'}')) {
                return Err(EntraError::invalid_scope(text));
            }
            let lower = scope.to_ascii_lowercase();
            if OIDC.contains(&lower.as_str()) {
                oidc.push(lower);
                continue;
            }
            let (of, permission) = scope.rsplit_once('/').unwrap_or((GRAPH, scope));
            if permission.is_empty() || of.is_empty() {
                return Err(EntraError::invalid_scope(text));
            }
            if resource.is_some_and(|resource| !resource.eq_ignore_ascii_case(of)) {
                return Err(EntraError::many_resources(text));
            }
            resource = Some(of);
            permissions.push(scope.to_owned());
        }
        if permissions.is_empty() && oidc.is_empty() {
            return Err(EntraError::missing("scope"));
        }
        if permissions.len() > 1 && permissions.iter().any(|scope| is_default(scope)) {
            return Err(EntraError::invalid_scope(text));
        }
        let resource = resource.unwrap_or(GRAPH);
        let host = resource.split('/').nth(2).unwrap_or_default();
        if host.ends_with(".invalid") {
            return Err(EntraError::unknown_resource(resource));
        }
        Ok(Self { text: text.to_owned(), resource: resource.to_owned(), permissions, oidc })
    }

    /// Whether an OpenID scope was asked.
    pub(crate) fn has(&self, oidc: &str) -> bool {
        self.oidc.iter().any(|scope| scope == oidc)
    }

    /// What a token answer says was granted: often more than was asked, and never `offline_access`.
    pub(crate) fn granted(&self) -> String {
        let mut granted: Vec<String> = Vec::new();
        for scope in &self.permissions {
            if is_default(scope) {
                granted.push(format!("{}/user_impersonation", self.resource));
            }
            granted.push(scope.clone());
        }
        if self.resource.eq_ignore_ascii_case(GRAPH) {
            granted.extend(self.oidc.iter().filter(|scope| *scope != "offline_access").cloned());
        }
        granted.join(" ")
    }

    /// The `scp` claim: permissions without their resource.
    pub(crate) fn permissions(&self) -> String {
        let named = |scope: &String| match scope.rsplit_once('/').map_or(scope.as_str(), |(_, name)| name) {
            ".default" => "user_impersonation".to_owned(),
            name => name.to_owned(),
        };
        self.permissions.iter().map(named).collect::<Vec<_>>().join(" ")
    }
}

fn is_default(scope: &str) -> bool {
    scope == ".default" || scope.ends_with("/.default")
}

/// The resource of a permission without one.
pub(crate) const GRAPH: &str = "https://graph.microsoft.com";

/// Scopes without a resource.
const OIDC: [&str; 4] = ["openid", "profile", "email", "offline_access"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("https://vault.azure.net/.default openid", "https://vault.azure.net")]
    #[case("https://management.azure.com//.default", "https://management.azure.com/")]
    #[case("499b84ac-1321-427f-aa17-267ca6975798/.default", "499b84ac-1321-427f-aa17-267ca6975798")]
    #[case("api://11112222/tasks.read", "api://11112222")]
    #[case("User.Read Mail.Read", GRAPH)]
    #[case("openid profile", GRAPH)]
    fn resources(#[case] scope: &str, #[case] resource: &str) {
        assert_eq!(Scopes::parse(scope).unwrap().resource, resource);
    }

    #[rstest]
    #[case("", 900_144)]
    #[case("  ", 900_144)]
    #[case("https://a.example/.default https://b.example/.default", 28_000)]
    #[case("https://a.example/.default https://a.example/read", 70_011)]
    #[case("https://a.example/", 70_011)]
    #[case("{}", 70_011)]
    #[case("https://api.invalid/.default", 500_011)]
    fn refusals(#[case] scope: &str, #[case] code: u32) {
        assert_eq!(Scopes::parse(scope).unwrap_err().code, code);
    }

    #[test]
    fn what_is_granted() {
        let scopes = Scopes::parse("https://vault.azure.net/.default openid offline_access").unwrap();
        assert_eq!(
            scopes.granted(),
            "https://vault.azure.net/user_impersonation https://vault.azure.net/.default"
        );
        assert_eq!(scopes.permissions(), "user_impersonation");
        assert!(scopes.has("offline_access") && !scopes.has("email"));
        assert_eq!(Scopes::parse("User.Read openid offline_access").unwrap().granted(), "User.Read openid");
    }
}
