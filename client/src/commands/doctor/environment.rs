//! The variables of this environment that would keep tools from asking entrad, each a silent failure for whoever has it set.
//!
//! A tool sees the environment of the program that started it, so this is about what is started from here. Values are never
//! shown: some are secrets.

use std::ffi::OsString;

use entra_proto::doctor::Check;

use super::check::{Finding, Named};
use crate::surroundings::{EXEMPT, PROXIES, exempted, leads_here, out_of_use};

/// A row of the table: what a variable, or a few that belong together, do to tools.
struct Row {
    named: Named,
    judge: fn(&Set<'_>) -> Finding,
}

const ROWS: [Row; 9] = [
    Row { named: ENDPOINT, judge: endpoint },
    Row { named: OTHER_SOURCES, judge: other_sources },
    Row { named: SERVICE_FABRIC, judge: service_fabric },
    Row { named: SERVICE_PRINCIPAL, judge: service_principal },
    Row { named: WORKLOAD_IDENTITY, judge: workload_identity },
    Row { named: CLIENT_ID, judge: client_id },
    Row { named: CREDENTIAL_CHOICE, judge: credential_choice },
    Row { named: PROXY, judge: proxy },
    Row { named: CLAUDE_CODE, judge: claude_code },
];

const ENDPOINT: Named = Named::new("environment.identity_endpoint", 50);
const OTHER_SOURCES: Named = Named::new("environment.other_identity_sources", 50);
const SERVICE_FABRIC: Named = Named::new("environment.service_fabric", 50);
const SERVICE_PRINCIPAL: Named = Named::new("environment.service_principal", 50);
const WORKLOAD_IDENTITY: Named = Named::new("environment.workload_identity", 50);
const CLIENT_ID: Named = Named::new("environment.client_id", 50);
const CREDENTIAL_CHOICE: Named = Named::new("environment.credential_choice", 50);
const PROXY: Named = Named::new("environment.proxy", 50);
const CLAUDE_CODE: Named = Named::new("environment.claude_code", 50);

/// Their names and limits.
#[cfg(test)]
pub(super) fn checks() -> impl Iterator<Item = Named> {
    ROWS.into_iter().map(|row| row.named)
}

/// Looks at all of them.
pub(super) fn look(lookup: &dyn Fn(&str) -> Option<OsString>) -> Vec<Check> {
    let set = Set(lookup);
    ROWS.into_iter().map(|row| row.named.found((row.judge)(&set))).collect()
}

/// What is set, and not to nothing.
struct Set<'a>(&'a dyn Fn(&str) -> Option<OsString>);

impl Set<'_> {
    fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    fn value(&self, name: &str) -> Option<OsString> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    /// Those of the names that are set.
    fn of<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| self.has(name)).collect()
    }

    fn is_ours(&self) -> bool {
        self.has("IDENTITY_ENDPOINT") && self.has("IDENTITY_HEADER")
    }
}

/// App Service's endpoint takes both (Microsoft: "How to use managed identities for App Service and Azure Functions").
fn endpoint(set: &Set<'_>) -> Finding {
    match (set.has("IDENTITY_ENDPOINT"), set.has("IDENTITY_HEADER")) {
        (false, false) => Finding::good("IDENTITY_ENDPOINT is not set; `entra run` and `entra env` set it."),
        (true, false) => Finding::failed(
            "IDENTITY_ENDPOINT is set without IDENTITY_HEADER, so SDKs look for Azure Arc or find nothing.",
            "Unset it, or set both by `entra env`.",
        ),
        (false, true) => Finding::warning(
            "IDENTITY_HEADER is set without IDENTITY_ENDPOINT, so nothing reads it.",
            "Unset it, or set both by `entra env`.",
        ),
        (true, true) => {
            let endpoint = set.value("IDENTITY_ENDPOINT").unwrap_or_default();
            let endpoint = endpoint.to_string_lossy();
            let is_here = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"]
                .iter()
                .any(|here| endpoint.starts_with(here));
            // What stands before an `@` is a user's name, whatever it looks like.
            let is_here = is_here && !endpoint.contains('@');
            if is_here {
                Finding::good("IDENTITY_ENDPOINT leads to this machine.")
            } else {
                Finding::warning(
                    "IDENTITY_ENDPOINT leads to another machine, so tokens are that one's.",
                    "On an Azure host that is right; elsewhere unset it, or set it by `entra env`.",
                )
            }
        }
    }
}

/// Endpoints of other kinds of managed identity: App Service's goes before the first two, where it is set.
fn other_sources(set: &Set<'_>) -> Finding {
    let pods = set.of(&["AZURE_POD_IDENTITY_AUTHORITY_HOST"]);
    let others = set.of(&["IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET", "AZD_AUTH_CERT"]);
    if pods.is_empty() && (others.is_empty() || (set.is_ours() && !others.contains(&"AZD_AUTH_CERT"))) {
        return Finding::good(if others.is_empty() {
            "No other source of managed identities is set.".to_owned()
        } else {
            format!("{} does no harm beside IDENTITY_ENDPOINT.", list(&others))
        });
    }
    let all = [pods, others].concat();
    Finding::warning(
        format!("{} leads SDKs to another source of managed identities.", list(&all)),
        format!("Unset it where tools are to ask entrad: unset {}.", all.join(" ")),
    )
}

fn service_fabric(set: &Set<'_>) -> Finding {
    if !set.has("IDENTITY_SERVER_THUMBPRINT") {
        return Finding::good("IDENTITY_SERVER_THUMBPRINT is not set.");
    }
    Finding::failed(
        "IDENTITY_SERVER_THUMBPRINT makes SDKs take the endpoint for Service Fabric's, which they then cannot speak to.",
        "Unset it: unset IDENTITY_SERVER_THUMBPRINT.",
    )
}

/// The credential that every chain tries first (Microsoft: "EnvironmentCredential").
fn service_principal(set: &Set<'_>) -> Finding {
    let means = set.of(&["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD"]);
    let rest = set.of(&["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_USERNAME"]);
    if means.is_empty() || !rest.contains(&"AZURE_CLIENT_ID") {
        return Finding::good("No service principal is set.");
    }
    let all = [rest, means].concat();
    Finding::warning(
        format!("{} name another identity, which SDKs try before they ask entrad.", list(&all)),
        format!("Unset them where tools are to be you: unset {}.", all.join(" ")),
    )
}

fn workload_identity(set: &Set<'_>) -> Finding {
    if !set.has("AZURE_FEDERATED_TOKEN_FILE") {
        return Finding::good("AZURE_FEDERATED_TOKEN_FILE is not set.");
    }
    Finding::warning(
        "AZURE_FEDERATED_TOKEN_FILE makes the SDKs for JavaScript and Java exchange a token first, and fail.",
        "Unset it where tools are to ask entrad: unset AZURE_FEDERATED_TOKEN_FILE.",
    )
}

fn client_id(set: &Set<'_>) -> Finding {
    Finding::good(if set.has("AZURE_CLIENT_ID") {
        "AZURE_CLIENT_ID alone only adds a parameter, which entrad passes over."
    } else {
        "AZURE_CLIENT_ID is not set."
    })
}

fn credential_choice(set: &Set<'_>) -> Finding {
    match set.value("AZURE_TOKEN_CREDENTIALS") {
        None => Finding::good("AZURE_TOKEN_CREDENTIALS is not set."),
        Some(choice) if leads_here(&choice) => {
            Finding::good("AZURE_TOKEN_CREDENTIALS has managed identities among what it allows.")
        }
        Some(_) => Finding::warning(
            "AZURE_TOKEN_CREDENTIALS leaves managed identities out, so SDKs do not ask entrad's endpoint.",
            "Unset it, or set it to ManagedIdentityCredential.",
        ),
    }
}

/// A proxy that is not told to leave this machine alone is told the secret of the endpoint.
fn proxy(set: &Set<'_>) -> Finding {
    let proxies = set.of(&PROXIES);
    if proxies.is_empty() {
        return Finding::good("No proxy is set.");
    }
    let named = list(&proxies);
    if !out_of_use(|name| set.value(name)).is_empty() {
        return Finding::failed(
            format!(
                "{named} is set with NO_PROXY=*, which the SDKs for JavaScript and .NET take for a host's name."
            ),
            "Unset the proxy, or name hosts in NO_PROXY, 127.0.0.1 and localhost among them.",
        );
    }
    let lacks = exempted(|name| set.value(name)).into_iter().any(|(name, full)| {
        // One of the two is enough for most readers only where the other is not there to be read first.
        set.value(name).is_some_and(|value| value != full)
    });
    let has_none = set.of(&["NO_PROXY", "no_proxy"]).is_empty();
    if lacks || has_none {
        let here = EXEMPT.join(",");
        return Finding::failed(
            format!(
                "{named} is set, and NO_PROXY does not name this machine: requests to entrad, and the secrets in \
                     them, go to the proxy."
            ),
            format!("Add {here} to both NO_PROXY and no_proxy; `entra run` and `entra env` do."),
        );
    }
    Finding::good(format!("{named} is set, and NO_PROXY names this machine."))
}

/// What Claude Code takes on Foundry before it asks for a token.
fn claude_code(set: &Set<'_>) -> Finding {
    let first = set.of(&[
        "ANTHROPIC_FOUNDRY_AUTH_TOKEN",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "CLAUDE_CODE_SKIP_FOUNDRY_AUTH",
    ]);
    if first.is_empty() {
        return Finding::good("Nothing keeps Claude Code from asking for a token.");
    }
    Finding::warning(
        format!("{} goes before Entra's tokens in Claude Code and the Foundry SDKs.", list(&first)),
        format!("Unset it where they are to sign in as you: unset {}.", first.join(" ")),
    )
}

fn list(names: &[&str]) -> String {
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use entra_proto::doctor::CheckResult::{self, Failed, Good, Warning};
    use rstest::rstest;

    use super::*;

    /// The result of one row with these variables, and the checks that say anything but good.
    fn result(variables: &[&str], row: &str) -> (CheckResult, Vec<String>) {
        let lookup = |name: &str| {
            let mut pairs = variables.iter().filter_map(|pair| pair.split_once('='));
            pairs.find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        };
        let checks = look(&lookup);
        let bad = checks.iter().filter(|check| check.result != Good).map(|check| check.name.clone());
        let found = checks.iter().find(|check| check.name == format!("environment.{row}")).unwrap();
        assert!(found.result == Good || found.remedy.is_some());
        (found.result, bad.collect())
    }

    #[rstest]
    #[case::nothing(&[], "identity_endpoint", Good)]
    #[case::ours(&["IDENTITY_ENDPOINT=http://127.0.0.1:7/msi/token", "IDENTITY_HEADER=x"], "identity_endpoint", Good)]
    #[case::theirs(&["IDENTITY_ENDPOINT=http://10.0.0.1/x", "IDENTITY_HEADER=x"], "identity_endpoint", Warning)]
    #[case::disguised(
        &["IDENTITY_ENDPOINT=http://127.0.0.1:7@10.0.0.1/x", "IDENTITY_HEADER=x"], "identity_endpoint", Warning
    )]
    #[case::half(&["IDENTITY_ENDPOINT=http://127.0.0.1:7"], "identity_endpoint", Failed)]
    #[case::other_half(&["IDENTITY_HEADER=x"], "identity_endpoint", Warning)]
    #[case::arc(&["IMDS_ENDPOINT=x"], "other_identity_sources", Warning)]
    #[case::arc_beside(
        &["IMDS_ENDPOINT=x", "IDENTITY_ENDPOINT=http://127.0.0.1:7", "IDENTITY_HEADER=x"], "other_identity_sources", Good
    )]
    #[case::ml(&["MSI_ENDPOINT=x", "MSI_SECRET=y"], "other_identity_sources", Warning)]
    #[case::pods(
        &["AZURE_POD_IDENTITY_AUTHORITY_HOST=x", "IDENTITY_ENDPOINT=http://127.0.0.1:7", "IDENTITY_HEADER=x"],
        "other_identity_sources", Warning
    )]
    #[case::fabric(&["IDENTITY_SERVER_THUMBPRINT=x"], "service_fabric", Failed)]
    #[case::principal(
        &["AZURE_CLIENT_ID=c", "AZURE_TENANT_ID=t", "AZURE_CLIENT_SECRET=s"], "service_principal", Warning
    )]
    #[case::certificate(
        &["AZURE_CLIENT_ID=c", "AZURE_TENANT_ID=t", "AZURE_CLIENT_CERTIFICATE_PATH=s"], "service_principal", Warning
    )]
    #[case::empty(&["AZURE_CLIENT_ID=c", "AZURE_CLIENT_SECRET="], "service_principal", Good)]
    #[case::federated(&["AZURE_FEDERATED_TOKEN_FILE=f"], "workload_identity", Warning)]
    #[case::client_alone(&["AZURE_CLIENT_ID=c"], "client_id", Good)]
    #[case::choice(&["AZURE_TOKEN_CREDENTIALS=dev"], "credential_choice", Warning)]
    #[case::choice_here(&["AZURE_TOKEN_CREDENTIALS=prod"], "credential_choice", Good)]
    #[case::proxy(&["HTTP_PROXY=http://p"], "proxy", Failed)]
    #[case::lower_proxy(&["http_proxy=http://p", "no_proxy=.corp"], "proxy", Failed)]
    #[case::excepted(&["HTTPS_PROXY=http://p", "NO_PROXY=127.0.0.1,localhost"], "proxy", Good)]
    #[case::half_excepted(
        &["HTTPS_PROXY=http://p", "NO_PROXY=127.0.0.1,localhost", "no_proxy=.corp"], "proxy", Failed
    )]
    #[case::star(&["HTTPS_PROXY=http://p", "NO_PROXY=*"], "proxy", Failed)]
    #[case::no_proxy_at_all(&["NO_PROXY=.corp"], "proxy", Good)]
    #[case::key(&["ANTHROPIC_FOUNDRY_API_KEY=k"], "claude_code", Warning)]
    fn each_row_is_judged_by_itself(
        #[case] variables: &[&str],
        #[case] row: &str,
        #[case] expected: CheckResult,
    ) {
        let (found, bad) = result(variables, row);
        assert_eq!(found, expected, "{variables:?}");
        let own = format!("environment.{row}");
        assert!(bad.iter().all(|name| *name == own), "{variables:?}: {bad:?}");
    }

    #[test]
    fn no_value_is_ever_shown() {
        let lookup = |_: &str| Some(OsString::from("s3cr3t"));
        assert!(!format!("{:?}", look(&lookup)).contains("s3cr3t"));
    }
}
