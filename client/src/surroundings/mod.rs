//! The variables by which a program's tools get tokens, and those that would lead them elsewhere.
//!
//! `entra run` puts them around a program, `entra env` prints them. The hard idea: SDKs try one source of tokens after
//! the other and send their requests through proxies, so it takes as much to remove as to set: a service principal that
//! is left in the environment goes first, and a proxy without an exception for this machine is told the secret.

mod proxy;

use std::ffi::{OsStr, OsString};
use std::process::Command;

use entra_proto::error::exit;
use entra_proto::lease::{LeaseGrant, LeaseInfo, LeaseRequest};
use entra_proto::secret::LeaseSecret;
use entra_proto::token::TokenRequest;
use zeroize::Zeroizing;

pub(crate) use self::proxy::{EXEMPT, PROXIES, PROXY_EXCEPTIONS, exempted, out_of_use};
use crate::agent;
use crate::args::TokenVariable;
use crate::commands::heard_by_a_tool;
use crate::connect::Socket;
use crate::failure::Failure;

/// What is to be in a program's environment and what is not, beside [`PROXY_EXCEPTIONS`], to which is added.
#[derive(Debug)]
pub(crate) struct Surroundings {
    /// What to set, in order. Some are secrets, and all are of characters that no shell reads as its own.
    pub(crate) set: Vec<(String, Value)>,
    /// What to unset.
    pub(crate) unset: Vec<&'static str>,
    /// The lease whose secret is in them.
    pub(crate) lease: LeaseInfo,
}

/// A variable's value: wiped, and not shown.
pub(crate) struct Value(Zeroizing<String>);

impl Value {
    /// The value, if it is one that needs no quotes anywhere.
    fn checked(text: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(&byte);
        (!text.is_empty() && text.bytes().all(is_plain)).then(|| Self(text.to_owned().into()))
    }

    /// The text, for the place that must set or print it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Value({} bytes)", self.0.len())
    }
}

impl Surroundings {
    /// Has the lease made and gets the tokens that are wanted now. Whatever fails, no lease stays behind.
    ///
    /// # Errors
    /// The daemon's refusal of either, that it is away, or that it answers what no variable can hold.
    pub(crate) fn ask_for(
        socket: &Socket,
        request: &LeaseRequest,
        tokens: &[TokenVariable],
        keep: &[&str],
    ) -> Result<Self, Failure> {
        if let Some(fault) = request.fault() {
            return Err(Failure::new(exit::USAGE, "bad_lease", format!("This can be no lease: {fault}.")));
        }
        let grant = heard_by_a_tool(socket.connect()?.make_lease(request)?)?;
        let filled = settings(&grant).and_then(|mut set| {
            for variable in tokens {
                let token = token(socket, &grant.secret, variable)?;
                // A variable that is given twice has the last one.
                set.retain(|(name, _)| *name != variable.name);
                set.push((variable.name.clone(), token));
            }
            Ok(set)
        });
        match filled {
            Ok(set) => {
                let is_kept =
                    |name: &str| keep.contains(&name) || tokens.iter().any(|token| token.name == name);
                let present = |name: &str| std::env::var_os(name);
                let outer = outer_path(&set, present).iter().copied();
                let unset = conflicts(present).filter(|name| !is_kept(name)).chain(outer).collect();
                Ok(Self { set, unset, lease: grant.lease })
            }
            Err(failure) => {
                // Nobody has its secret, so it can do no harm where this fails too.
                if let Ok(client) = socket.connect() {
                    let _unused = client.revoke_lease(&grant.lease.id);
                }
                Err(failure)
            }
        }
    }

    /// Puts them around the program in place of what `present` has.
    pub(crate) fn put_around(&self, command: &mut Command, present: impl Fn(&str) -> Option<OsString>) {
        for name in self.unset.iter().chain(out_of_use(&present)) {
            command.env_remove(name);
        }
        for (name, value) in &self.set {
            command.env(name, value.expose());
        }
        command.envs(exempted(present));
    }
}

/// Whether entra sets the variable, in any capitals, so that nobody else may.
pub(crate) fn is_ours(name: &str) -> bool {
    OURS.iter()
        .chain(&PATH_OURS)
        .chain(&PROXY_EXCEPTIONS)
        .chain(&[agent::OURS])
        .any(|ours| ours.eq_ignore_ascii_case(name))
}

/// What each dialect needs to be set.
fn settings(grant: &LeaseGrant) -> Result<Vec<(String, Value)>, Failure> {
    let secret = grant.secret.expose();
    let values = [grant.identity_endpoint.as_str(), secret, &grant.azd_endpoint, secret];
    let mut pairs: Vec<(&str, &str)> = OURS.into_iter().zip(values).collect();
    if let Some(endpoint) = &grant.path_endpoint {
        pairs.extend(PATH_OURS.into_iter().zip(["true", endpoint.expose(), PATH_API_VERSION]));
    }
    if let Some(agent) = &grant.lease.agent {
        pairs.push((agent::OURS, agent));
    }
    let checked = pairs.into_iter().map(|(name, text)| {
        let value = Value::checked(text).ok_or_else(|| foreign(name))?;
        Ok((name.to_owned(), value))
    });
    checked.collect()
}

/// A token in the right of the lease, so that what it is not for is refused here already.
fn token(socket: &Socket, secret: &LeaseSecret, variable: &TokenVariable) -> Result<Value, Failure> {
    let request = TokenRequest {
        resource: Some(variable.resource.clone()),
        lease: Some(secret.clone()),
        min_validity: Some(WANTED),
        ..TokenRequest::default()
    };
    let answer = heard_by_a_tool(socket.ask(|client| client.token(&request))?)?;
    Value::checked(answer.access_token.expose()).ok_or_else(|| foreign(&variable.name))
}

fn foreign(name: &str) -> Failure {
    Failure::new(
        exit::INTERNAL,
        "foreign_answer",
        format!("entrad's answer for {name} is none that a variable can hold."),
    )
    .hint("Check that entra and entrad are of the same version.")
}

/// Those of [`CONFLICTS`] that do conflict, by what the environment has.
fn conflicts(present: impl Fn(&str) -> Option<OsString>) -> impl Iterator<Item = &'static str> {
    let is_harmless =
        move |name: &str| name == CHOICE && present(name).is_some_and(|value| leads_here(&value));
    CONFLICTS.into_iter().filter(move |name| !is_harmless(name))
}

/// The variables of a path that holds another lease's secret, as in a program that `entra run --in-path` started: where this
/// lease has none, they would lend what that one is for.
fn outer_path(
    set: &[(String, Value)],
    present: impl Fn(&str) -> Option<OsString>,
) -> &'static [&'static str] {
    let [_, endpoint, _] = PATH_OURS;
    let is_set = set.iter().any(|(name, _)| name == endpoint);
    let is_of_a_lease =
        present(endpoint).is_some_and(|value| value.to_string_lossy().contains(LeaseSecret::PREFIX));
    if is_of_a_lease && !is_set { &PATH_OURS } else { &[] }
}

/// Whether this choice of credentials has the managed identity among them (Microsoft: "Credential chains in the Azure
/// Identity client library", `AZURE_TOKEN_CREDENTIALS`).
pub(crate) fn leads_here(choice: &OsStr) -> bool {
    ["prod", "ManagedIdentityCredential"].iter().any(|here| choice.eq_ignore_ascii_case(here))
}

/// Where clients ask and what they present: managed identity of App Service (Microsoft: "How to use managed identities
/// for App Service and Azure Functions"), and the external authentication of the Azure Developer CLI.
const OURS: [&str; 4] = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZD_AUTH_ENDPOINT", "AZD_AUTH_KEY"];

/// The same for Terraform's providers, which send no header (azurerm: "Authenticating using managed identities").
const PATH_OURS: [&str; 3] = ["ARM_USE_MSI", "ARM_MSI_ENDPOINT", "ARM_MSI_API_VERSION"];

/// The version of App Service's contract.
const PATH_API_VERSION: &str = "2019-08-01";

/// The choice among a chain's credentials.
const CHOICE: &str = "AZURE_TOKEN_CREDENTIALS";

/// What leads an SDK past the managed identity of App Service: to another source of it (Service Fabric by a thumbprint,
/// Arc and Azure ML by their endpoints, pod identity), or to a credential that is tried before (service principal,
/// user and password, workload identity). The certificate would have azd expect TLS.
pub(crate) const CONFLICTS: [&str; 14] = [
    "AZD_AUTH_CERT",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    CHOICE,
    "AZURE_USERNAME",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
];

/// Seconds of life that a token in a variable should have: it cannot be renewed there, and a cached one may be near its
/// end.
const WANTED: u64 = 30 * 60;

#[cfg(test)]
pub(crate) mod tests {
    use rstest::rstest;

    use super::*;

    pub(crate) fn surroundings(set: &[(&str, &str)], unset: &[&'static str]) -> Surroundings {
        let set =
            set.iter().map(|(name, text)| ((*name).to_owned(), Value::checked(text).unwrap())).collect();
        Surroundings { set, unset: unset.to_vec(), lease: grant().lease }
    }

    fn grant() -> LeaseGrant {
        serde_json::from_str(
            r#"{"lease":{"id":"0a1b2c3d4e5f","name":"env","resources":["foundry"],"made_on":0,"uses":0},
            "secret":"entra_lease_0a1b2c3d4e5f_00","identity_endpoint":"http://127.0.0.1:7/msi/token",
            "azd_endpoint":"http://127.0.0.1:7/azd"}"#,
        )
        .unwrap()
    }

    #[test]
    fn both_dialects_are_told_the_secret_and_terraform_where_it_was_asked_for() {
        let mut grant = grant();
        let names = |grant: &LeaseGrant| -> Vec<String> {
            settings(grant).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(&grant), OURS);
        let set = settings(&grant).unwrap();
        assert_eq!(set[1].1.expose(), "entra_lease_0a1b2c3d4e5f_00");
        assert_eq!(set[3].1.expose(), set[1].1.expose());
        assert_eq!(format!("{:?}", set[1].1), "Value(27 bytes)");
        grant.path_endpoint = Some(LeaseSecret::new("http://127.0.0.1:7/in/x".to_owned()));
        assert_eq!(names(&grant)[4..], PATH_OURS);
        grant.lease.agent = Some("claude".to_owned());
        assert_eq!(names(&grant)[7..], [agent::OURS]);
    }

    #[rstest]
    #[case("")]
    #[case("a b")]
    #[case("a'b")]
    #[case("$(id)")]
    #[case("a\nb")]
    #[case("a%b")]
    #[case("t\u{f6}ken")]
    fn a_value_that_a_shell_could_read_as_its_own_is_none(#[case] text: &str) {
        assert!(Value::checked(text).is_none());
        let mut grant = grant();
        grant.identity_endpoint = text.to_owned();
        assert!(settings(&grant).unwrap_err().to_body().message.contains("IDENTITY_ENDPOINT"));
    }

    #[rstest]
    #[case(None, true)]
    #[case(Some("dev"), true)]
    #[case(Some("AzureCliCredential"), true)]
    #[case(Some("prod"), false)]
    #[case(Some("Prod"), false)]
    #[case(Some("managedidentitycredential"), false)]
    fn a_choice_that_leads_here_stays(#[case] choice: Option<&str>, #[case] is_unset: bool) {
        let unset: Vec<_> =
            conflicts(|name| (name == CHOICE).then_some(choice).flatten().map(OsString::from)).collect();
        assert_eq!(unset.contains(&CHOICE), is_unset);
        assert_eq!(unset.len(), CONFLICTS.len() - usize::from(!is_unset));
    }

    #[rstest]
    #[case(Some("http://127.0.0.1:7/lease/entra_lease_0a1b2c3d4e5f_00/msi/token"), false, true)]
    #[case(Some("http://127.0.0.1:7/lease/entra_lease_0a1b2c3d4e5f_00/msi/token"), true, false)]
    #[case(Some("http://169.254.169.254/metadata/identity/oauth2/token"), false, false)]
    #[case(None, false, false)]
    fn another_lease_s_path_is_not_passed_on(
        #[case] present: Option<&str>,
        #[case] is_in_path: bool,
        #[case] is_unset: bool,
    ) {
        let mut grant = grant();
        grant.path_endpoint = is_in_path.then(|| LeaseSecret::new("http://127.0.0.1:7/in/x".to_owned()));
        let names = outer_path(&settings(&grant).unwrap(), |_| present.map(OsString::from));
        assert_eq!(names.contains(&"ARM_MSI_ENDPOINT"), is_unset);
    }

    #[test]
    fn what_entra_sets_is_its_own_in_any_capitals() {
        for name in
            ["IDENTITY_HEADER", "identity_header", "NO_PROXY", "No_Proxy", "ARM_USE_MSI", "ENTRA_AGENT"]
        {
            assert!(is_ours(name), "{name}");
        }
        assert!(!is_ours("PGPASSWORD") && !is_ours("AZURE_CLIENT_ID"));
    }
}
