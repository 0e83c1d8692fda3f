//! A token that would write further lines into what a tool reads is passed on by no dialect.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use rstest::rstest;
use support::tools::{ANSWER, TOKEN, fed};
use support::{FakeDaemon, out};

#[rstest]
#[case("git-credential-entra get", "protocol=https\nhost=dev.azure.com\n\n")]
#[case("cargo-credential-entra --cargo-plugin", CARGO)]
#[case("docker-credential-entra get", "contoso.azurecr.io")]
#[case("keyring get https://pkgs.dev.azure.com/o/_packaging/f/pypi/simple/ me", "")]
#[case("kubelogin get-token --server-id 6dae42f8-4368-4678-94ff-3960e28e3630", "")]
#[case("pnpm-token-entra", "")]
#[case("az account get-access-token", "")]
#[case("azd auth token --output json --scope https://management.azure.com/.default", "")]
#[case("entra-claude-helper", "")]
fn no_line_is_forged(#[case] line: &str, #[case] input: &str) {
    let run = |token: &str| {
        let answer = ANSWER.replace(TOKEN, token);
        let registry = format!(r#"{{"refresh_token":"{token}","expires_on":1795239874}}"#);
        let daemon = FakeDaemon::new(move |asked, stream| {
            let body = match asked.line.as_str() {
                "POST /v1/token" => &answer,
                "POST /v1/registry-token" => &registry,
                _ => ACCOUNTS,
            };
            support::reply(stream, 200, body);
        });
        let output = fed(&daemon, line, input);
        // Cargo is told in the answer.
        let is_good = output.status.success() && !out(&output).contains(r#"{"Err":"#);
        (out(&output).contains(TOKEN), out(&output).contains("quit"), is_good)
    };
    assert_eq!(run(TOKEN), (true, false, true));
    for more in [r"\nquit=0", r"\r\nquit=0", " quit", r"\u0000quit"] {
        let (has_token, has_more, is_good) = run(&format!("{TOKEN}{more}"));
        assert!(!has_token && !is_good, "{more}");
        // git is told `quit=1`, so that it asks nobody else.
        assert!(!has_more || line.starts_with("git"), "{more}");
    }
}

const CARGO: &str = concat!(
    r#"{"v":1,"registry":{"index-url":"sparse+https://pkgs.dev.azure.com/o/_packaging/f/Cargo/index/","name":"f"},"#,
    r#""kind":"get","operation":"read","args":[]}"#,
    "\n"
);

const ACCOUNTS: &str = r#"{"accounts":[{"id":"u.t","username":"ada@contoso.com","profile":"default","cloud":"public","tenant":"t","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;
