//! Claude Code on Microsoft Foundry: variables in the user's own settings, by which its Azure SDK asks entrad.
//!
//! The secret there is of a lease for Foundry's two resources alone: programs that Claude Code starts inherit it.

use std::env;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::edit::{Format, Want};
use super::super::file;
use super::super::places::Places;
use super::super::plan::{FilePlan, New, Plan};
use super::usage;
use crate::failure::Failure;

/// The settings as they are.
pub(in super::super) struct Settings {
    path: PathBuf,
    value: Value,
}

impl Settings {
    /// Reads them. Where they do not parse they are refused later, by who is to change them.
    pub(in super::super) fn read(places: &Places) -> Result<Self, Failure> {
        let path = places.claude_code();
        let old = file::read(&path)?;
        let text = old.as_ref().map(|old| old.text(&path)).transpose()?.unwrap_or_default();
        let value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
        Ok(Self { path, value })
    }

    /// A variable that they set.
    pub(in super::super) fn variable(&self, name: &str) -> Option<&str> {
        self.value["env"][name].as_str().filter(|value| !value.is_empty())
    }

    /// What is to stand in them.
    pub(in super::super) fn plan(
        &self,
        foundry: Option<&str>,
        endpoint: &str,
        secret: &str,
    ) -> Result<Plan, Failure> {
        let mut variables = vec![("CLAUDE_CODE_USE_FOUNDRY", "1".to_owned())];
        let resource = foundry.map(resource).transpose()?;
        let is_named = |name| self.variable(name).is_some();
        if resource.is_none()
            && !is_named("ANTHROPIC_FOUNDRY_RESOURCE")
            && !is_named("ANTHROPIC_FOUNDRY_BASE_URL")
        {
            let sentence = format!("{} does not say which Foundry resource is yours.", self.path.display());
            return Err(usage(sentence, "Add `--foundry NAME`, or the address of its endpoint."));
        }
        let mut warnings = self.conflicts();
        if self.path.is_symlink() || self.path.parent().is_some_and(Path::is_symlink) {
            let file = file::target(&self.path)?;
            warnings.push(format!(
                "{} is a link, so the secret of the lease is in {}; keep that file out of repositories and backups that others read.",
                self.path.display(),
                file.display()
            ));
        }
        if let Some((name, value)) = resource {
            let (other, own) = match name {
                "ANTHROPIC_FOUNDRY_RESOURCE" => ("ANTHROPIC_FOUNDRY_BASE_URL", name),
                _ => ("ANTHROPIC_FOUNDRY_RESOURCE", name),
            };
            if is_named(other) {
                warnings.push(format!(
                    "{other} is set too, and Claude Code takes one of the two; remove it to use {own}."
                ));
            }
            variables.push((name, value.to_owned()));
        }
        variables.push(("IDENTITY_ENDPOINT", endpoint.to_owned()));
        variables.push(("IDENTITY_HEADER", secret.to_owned()));
        // These settings go before the environment, so what stands there must not be lost.
        let outer = || PROXY_EXCEPTIONS.iter().find_map(|name| env::var(name).ok()).unwrap_or_default();
        let exceptions = self.variable("NO_PROXY").map_or_else(outer, str::to_owned);
        variables.push(("NO_PROXY", with_loopback(&exceptions)));
        if let Some(exceptions) = self.variable("no_proxy") {
            variables.push(("no_proxy", with_loopback(exceptions)));
        }
        let wants = variables.into_iter().map(|(name, value)| Want::new(&["env", name], value)).collect();
        Ok(Plan {
            files: vec![FilePlan {
                path: self.path.clone(),
                new: New::Values(Format::Json, wants),
                is_private: true,
            }],
            warnings,
            words: vec!["Try it: start Claude Code again, and `/status` names Microsoft Foundry.".to_owned()],
            ..Plan::default()
        })
    }

    /// Settings that go before what is set up here, each with what to do.
    fn conflicts(&self) -> Vec<String> {
        let shown = self.path.display();
        let set = CONFLICTS.iter().filter(|(name, _)| {
            let outer = env::var(name).ok().filter(|value| !value.is_empty());
            let value = self.variable(name).or(outer.as_deref());
            value.is_some_and(|value| (*name, value) != ("AZURE_TOKEN_CREDENTIALS", "prod"))
        });
        let mut warnings: Vec<String> = set
            .map(|(name, effect)| {
                let place = if self.variable(name).is_some() {
                    format!("in {shown}")
                } else {
                    "in the environment".to_owned()
                };
                format!("{name} is set {place}: {effect}; remove it there.")
            })
            .collect();
        if self.value.get("apiKeyHelper").is_some() {
            warnings.push(format!(
                "apiKeyHelper is set in {shown}: on Foundry, Claude Code does not run it; it may stay."
            ));
        }
        warnings
    }
}

/// The variable and value for the resource, by its name or the address of its endpoint.
fn resource(given: &str) -> Result<(&'static str, &str), Failure> {
    let is_local = ["http://127.0.0.1", "http://localhost"].iter().any(|start| {
        given.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    let is_text = !given.contains(|c: char| c.is_whitespace() || c.is_control());
    if is_text && (is_local || given.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())) {
        return Ok(("ANTHROPIC_FOUNDRY_BASE_URL", given));
    }
    if !given.is_empty() && given.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Ok(("ANTHROPIC_FOUNDRY_RESOURCE", given));
    }
    Err(usage(
        format!("`{given}` is neither the name of a Foundry resource nor an address over HTTPS."),
        "Give `my-resource`, or `https://my-resource.services.ai.azure.com/anthropic`.",
    ))
}

/// The list with the loopback addresses, so that no proxy ever sees the secret. The SDK in Claude Code divides it at commas
/// alone, and takes `*` for a host's name (azure-sdk-for-js, `proxyPolicy.ts`).
fn with_loopback(list: &str) -> String {
    let has = |wanted: &str| list.split(',').any(|entry| entry.trim() == wanted);
    let mut entries: Vec<&str> = vec![list.trim_end_matches([',', ' '])];
    entries.extend(["127.0.0.1", "localhost"].into_iter().filter(|entry| !has(entry)));
    entries.retain(|entry| !entry.is_empty());
    if entries.len() == 1 && !list.is_empty() { list.to_owned() } else { entries.join(",") }
}

const PROXY_EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// What Claude Code or its Azure SDK prefers, and to which effect.
const CONFLICTS: [(&str, &str); 7] = [
    ("ANTHROPIC_FOUNDRY_API_KEY", "Claude Code uses that key, and entrad is not asked"),
    ("ANTHROPIC_FOUNDRY_AUTH_TOKEN", "Claude Code uses that token, and entrad is not asked"),
    (
        "AZURE_CLIENT_SECRET",
        "with AZURE_CLIENT_ID and AZURE_TENANT_ID, that application is used, and entrad is not asked",
    ),
    ("AZURE_FEDERATED_TOKEN_FILE", "a workload's identity is tried first"),
    ("AZURE_TOKEN_CREDENTIALS", "anything but `prod` passes entrad over"),
    ("CLAUDE_CODE_SKIP_FOUNDRY_AUTH", "Claude Code sends no token of entrad's"),
    ("IDENTITY_SERVER_THUMBPRINT", "the SDK takes the machine for Service Fabric"),
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "127.0.0.1,localhost")]
    #[case("corp", "corp,127.0.0.1,localhost")]
    #[case("a b", "a b,127.0.0.1,localhost")]
    #[case("127.0.0.1 localhost", "127.0.0.1 localhost,127.0.0.1,localhost")]
    #[case("a, localhost,", "a, localhost,127.0.0.1")]
    #[case("127.0.0.1,localhost", "127.0.0.1,localhost")]
    #[case("*", "*,127.0.0.1,localhost")]
    fn loopback_is_excepted_from_proxies(#[case] list: &str, #[case] longer: &str) {
        assert_eq!(with_loopback(list), longer);
        assert_eq!(with_loopback(longer), longer);
    }

    #[rstest]
    #[case("my-resource", Some("ANTHROPIC_FOUNDRY_RESOURCE"))]
    #[case("https://x.example/anthropic", Some("ANTHROPIC_FOUNDRY_BASE_URL"))]
    #[case("http://127.0.0.1:8080/a", Some("ANTHROPIC_FOUNDRY_BASE_URL"))]
    #[case("http://127.0.0.1.evil.example/", None)]
    #[case("http://x.example/", None)]
    #[case("a b", None)]
    #[case("", None)]
    fn a_resource_is_a_name_or_an_address(#[case] given: &str, #[case] variable: Option<&str>) {
        assert_eq!(resource(given).ok().map(|(name, _)| name), variable);
    }
}
