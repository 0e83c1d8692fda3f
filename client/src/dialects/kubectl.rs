//! `kubelogin`, which kubectl calls for the clusters of AKS (client-go credential plugins).
//!
//! `az aks get-credentials` writes kubeconfigs that call `kubelogin get-token` with the cluster's application as
//! `--server-id`. All else that kubelogin does, and tokens that no person could get, is left to the next kubelogin on
//! PATH, if there is one.

use std::collections::BTreeMap;
use std::ffi::OsString;

use entra_proto::error::exit;
use entra_proto::token::TokenRequest;
use serde::{Deserialize, Serialize};

use super::{ask, pipes};
use crate::failure::Failure;
use crate::print;
use crate::when::rfc3339;

pub(crate) fn run(words: &[OsString]) -> u8 {
    let method = std::env::var("AAD_LOGIN_METHOD").ok();
    let done =
        match Wanted::read(words, method.as_deref()) {
            Wanted::Token(request) => get_token(request).map(|()| exit::GOOD),
            Wanted::Elsewhere(sentence) => pipes::leave("kubelogin", words, || {
                Err(Failure::new(exit::USAGE, "not_ours", sentence)
                    .hint("Install Azure's kubelogin for it; it is then called from here."))
            }),
            Wanted::Nothing(sentence) => Err(Failure::new(exit::USAGE, "bad_input", sentence)
                .hint("kubectl calls it as the kubeconfig says.")),
        };
    done.unwrap_or_else(|failure| pipes::complain(&failure))
}

/// What the words ask for.
#[derive(Debug, PartialEq)]
pub(super) enum Wanted {
    /// A token for a cluster.
    Token(TokenRequest),
    /// What another kubelogin may do, and the sentence for where there is none.
    Elsewhere(String),
    /// Something impossible.
    Nothing(&'static str),
}

impl Wanted {
    /// Reads the words as kubelogin does, for which the environment's `method` goes before `--login`. What says how a person
    /// signs in is passed over: that is done.
    pub(super) fn read(words: &[OsString], method: Option<&str>) -> Self {
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
        let Some(("get-token", flags)) = words.split_first().map(|(first, rest)| (*first, rest)) else {
            return Self::Elsewhere("entrad's kubelogin knows `get-token` alone.".to_owned());
        };
        let flags = read_flags(flags);
        let flag = |name: &str| flags.get(name).copied().filter(|value| !value.is_empty());
        if flags.get("pop-enabled").is_some_and(|value| !value.eq_ignore_ascii_case("false")) {
            return Self::Elsewhere("entrad has no proof-of-possession tokens (`--pop-enabled`).".to_owned());
        }
        let method = method.or(flag("login"));
        if let Some(method) = method.filter(|method| METHODS_WITHOUT_A_PERSON.contains(method)) {
            let sentence = format!("entrad serves people, and `--login {method}` asks for another identity.");
            return Self::Elsewhere(sentence);
        }
        let Some(server_id) = flag("server-id") else {
            return Self::Nothing("`kubelogin get-token` needs `--server-id`.");
        };
        Self::Token(TokenRequest {
            resource: Some(server_id.to_owned()),
            tenant: flag("tenant-id").map(str::to_owned),
            ..TokenRequest::default()
        })
    }
}

/// The flags by their long names. Since `get-token` takes nothing else, a word behind a flag is its value, so a flag of a
/// later kubelogin is passed over with its own.
fn read_flags<'a>(words: &[&'a str]) -> BTreeMap<&'a str, &'a str> {
    let mut flags = BTreeMap::new();
    let mut words = words.iter().copied().peekable();
    while let Some(word) = words.next() {
        let (name, value) = match (word.strip_prefix("--"), word.strip_prefix('-')) {
            (Some(long), _) => long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value))),
            (None, Some(short)) if short.is_char_boundary(1) => {
                let (name, value) = short.split_at(1);
                let name = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long);
                (name, Some(value.strip_prefix('=').unwrap_or(value)).filter(|value| !value.is_empty()))
            }
            _ => continue,
        };
        let value = value.or_else(|| words.next_if(|next| !next.starts_with('-'))).unwrap_or_default();
        flags.insert(name, value);
    }
    flags
}

fn get_token(request: TokenRequest) -> Result<(), Failure> {
    let api_version = api_version(std::env::var("KUBERNETES_EXEC_INFO").ok().as_deref())?;
    let answer = ask::token(request)?;
    let token = answer.access_token.expose();
    let status = Status { token, expiration_timestamp: rfc3339(answer.expires_on) };
    print::write_json(
        &ExecCredential { kind: "ExecCredential", api_version, status },
        token.len() + JSON_ROOM,
    )
}

/// The version that kubectl asked in: it takes an answer in no other.
pub(super) fn api_version(exec_info: Option<&str>) -> Result<&'static str, Failure> {
    let bad = |sentence: &str| {
        Failure::new(exit::USAGE, "bad_input", sentence).hint(
            "kubectl sets it; `apiVersion: client.authentication.k8s.io/v1` in the kubeconfig is right.",
        )
    };
    let Some(exec_info) = exec_info.filter(|text| !text.is_empty()) else { return Ok(API_VERSIONS[1]) };
    let info: ExecInfo = serde_json::from_str(exec_info)
        .map_err(|error| bad("The variable KUBERNETES_EXEC_INFO does not parse.").because(&error))?;
    if info.kind != "ExecCredential" {
        return Err(bad("The variable KUBERNETES_EXEC_INFO holds no ExecCredential."));
    }
    API_VERSIONS.into_iter().find(|version| *version == info.api_version).ok_or_else(|| {
        bad(&format!("KUBERNETES_EXEC_INFO asks for `{}`, which entra does not speak.", info.api_version))
    })
}

/// What kubectl tells of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecInfo {
    kind: String,
    api_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential<'a> {
    kind: &'static str,
    api_version: &'static str,
    status: Status<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    token: &'a str,
    expiration_timestamp: String,
}

/// kubectl's, the newer one first; the older is what kubelogin answers in where nobody says.
const API_VERSIONS: [&str; 2] = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

/// kubelogin's short flags that matter here.
const SHORT: [(&str, &str); 3] = [("e", "environment"), ("l", "login"), ("t", "tenant-id")];

/// kubelogin's ways to sign in as something other than a person who is here.
const METHODS_WITHOUT_A_PERSON: [&str; 5] = ["azurepipelines", "msi", "ropc", "spn", "workloadidentity"];

/// Room beside the token.
const JSON_ROOM: usize = 256;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(line: &str) -> Wanted {
        read_with(line, None)
    }

    fn read_with(line: &str, method: Option<&str>) -> Wanted {
        Wanted::read(&line.split(' ').map(OsString::from).collect::<Vec<_>>(), method)
    }

    fn token(tenant: Option<&str>) -> Wanted {
        let resource = Some("6dae42f8-4368-4678-94ff-3960e28e3630".to_owned());
        Wanted::Token(TokenRequest { resource, tenant: tenant.map(str::to_owned), ..TokenRequest::default() })
    }

    #[rstest]
    #[case(
        "--environment AzurePublicCloud --server-id S --client-id 80faf920 --tenant-id T --login devicecode",
        Some("T")
    )]
    #[case("--server-id=S --tenant-id=T --login=azurecli", Some("T"))]
    #[case("-l interactive -t T -e AzurePublicCloud --server-id S", Some("T"))]
    #[case("-lazd -tT --server-id S", Some("T"))]
    #[case("-t=T --legacy --server-id S --use-azurerm-env-vars", Some("T"))]
    #[case("--server-id S --pop-enabled=false --some-later-flag value -v 6", None)]
    #[case("--server-id S --tenant-id=", None)]
    fn every_form_of_flag_is_read(#[case] flags: &str, #[case] tenant: Option<&str>) {
        let flags = flags.replace('S', "6dae42f8-4368-4678-94ff-3960e28e3630");
        assert_eq!(read(&format!("get-token {flags}")), token(tenant));
    }

    #[rstest]
    #[case("get-token --server-id s --pop-enabled --pop-claims u=x", "--pop-enabled")]
    #[case("get-token --server-id s --login spn", "--login spn")]
    #[case("get-token --server-id s -lmsi", "--login msi")]
    #[case("convert-kubeconfig -l azurecli", "get-token")]
    #[case("--version", "get-token")]
    #[case("", "get-token")]
    fn what_is_not_ours_is_said_to_be_another_s(#[case] line: &str, #[case] named: &str) {
        let Wanted::Elsewhere(sentence) = read(line) else { panic!("{line}") };
        assert!(sentence.contains(named), "{sentence}");
    }

    #[test]
    fn the_environment_names_another_identity_as_well() {
        let line = "get-token --server-id s --login azurecli";
        assert!(matches!(read_with(line, Some("workloadidentity")), Wanted::Elsewhere(_)));
        assert!(matches!(read_with(line, Some("devicecode")), Wanted::Token(_)));
        // As in kubelogin, it goes before the flag.
        let line = "get-token --server-id s --login spn";
        assert!(matches!(read_with(line, Some("azurecli")), Wanted::Token(_)));
    }

    #[test]
    fn without_a_server_there_is_nothing_to_ask_for() {
        assert!(matches!(read("get-token --server-id"), Wanted::Nothing(_)));
        assert!(matches!(read("get-token --login devicecode"), Wanted::Nothing(_)));
    }

    #[test]
    fn the_answer_is_in_the_version_asked() {
        let asked = |version: &str| {
            api_version(Some(&format!(
                r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{"interactive":false}}}}"#
            )))
        };
        for version in API_VERSIONS {
            assert_eq!(asked(version).unwrap(), version);
        }
        assert_eq!(api_version(None).unwrap(), API_VERSIONS[1]);
        assert_eq!(api_version(Some("")).unwrap(), API_VERSIONS[1]);
        assert_eq!(asked("client.authentication.k8s.io/v1alpha1").unwrap_err().exit(), exit::USAGE);
        assert_eq!(api_version(Some("{")).unwrap_err().exit(), exit::USAGE);
        assert_eq!(api_version(Some(r#"{"kind":"Pod","apiVersion":"v1"}"#)).unwrap_err().exit(), exit::USAGE);
    }
}
