//! `az`, as the SDKs and Terraform call it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use entra_proto::error::TABLE;
use rstest::rstest;
use serde_json::{Value, json};
use support::links::Link;
use support::{FakeDaemon, NOWHERE, err, out, reply};

const TENANT: &str = "99999999-8888-7777-6666-555555555555";
const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";

const TOKEN: &str = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795231445,"scopes":["https://graph.microsoft.com/.default"],"account":"1111.99999999-8888-7777-6666-555555555555","tenant":"organizations","source":"cache","refresh_due_on":1795231000}"#;

const ACCOUNTS: &str = r#"{"accounts":[
    {"id":"2222.aaaaaaaa-8888-7777-6666-555555555555","username":"grace@fabrikam.example","profile":"work","cloud":"us_government","tenant":"fabrikam.example","client_id":"c","provenance":{"flow":"browser","signed_in_on":1795231440},"health":{"state":"good"}},
    {"id":"1111.99999999-8888-7777-6666-555555555555","username":"ada@contoso.example","profile":"default","cloud":"public","tenant":"organizations","client_id":"c","provenance":{"flow":"device_code","signed_in_on":1795231440},"health":{"state":"good"}}]}"#;

fn daemon() -> FakeDaemon {
    FakeDaemon::new(|asked, stream| match asked.line.as_str() {
        "POST /v1/token" => reply(stream, 200, TOKEN),
        "GET /v1/accounts" => reply(stream, 200, ACCOUNTS),
        other => panic!("{other}"),
    })
}

#[rstest]
#[case(
    "--output json --resource https://cognitiveservices.azure.com",
    r#"{"resource":"https://cognitiveservices.azure.com","min_validity":900}"#
)]
#[case(
    "-o json --scope https://a/.default --tenant t",
    r#"{"scopes":["https://a/.default"],"tenant":"t","min_validity":900}"#
)]
#[case(
    "--tenant t --scope https://a/.default -o=json",
    r#"{"scopes":["https://a/.default"],"tenant":"t","min_validity":900}"#
)]
#[case("", r#"{"resource":"arm","min_validity":900}"#)]
fn each_command_line_of_an_sdk_gets_the_six_members(#[case] words: &str, #[case] asked: &str) {
    let (daemon, az) = (daemon(), Link::new("az"));
    let output =
        az.at(&daemon, &format!("account get-access-token {words}")).env("TZ", "UTC0").output().unwrap();
    assert_eq!((err(&output), output.status.code()), ("", Some(0)));
    assert_eq!(daemon.asked().body, asked);
    let answer: Value = serde_json::from_str(out(&output)).unwrap();
    assert_eq!(answer["expires_on"], json!(1_795_231_445));
    let names = ["accessToken", "expiresOn", "expires_on", "subscription", "tenant", "tokenType"];
    let places: Vec<usize> =
        names.iter().map(|name| out(&output).find(&format!("\n  \"{name}\": ")).unwrap()).collect();
    assert!(places.is_sorted() && answer.as_object().unwrap().len() == names.len(), "{}", out(&output));
    assert_eq!(
        [&answer["tenant"], &answer["subscription"], &answer["tokenType"]],
        [TENANT, TENANT, "Bearer"]
    );
}

/// The rules of the zone are in the variable itself, so that no zone database is needed.
#[cfg(unix)]
#[rstest]
#[case("UTC0", 1_795_231_445, "2026-11-21 03:24:05.000000")]
#[case("EST5EDT,M3.2.0,M11.1.0", 1_795_231_445, "2026-11-20 22:24:05.000000")]
#[case("EST5EDT,M3.2.0,M11.1.0", 1_784_604_245, "2026-07-20 23:24:05.000000")]
#[case("<+0545>-5:45", 1_795_231_445, "2026-11-21 09:09:05.000000")]
fn expires_on_in_words_is_the_local_time_of_that_day(
    #[case] zone: &str,
    #[case] on: u64,
    #[case] text: &str,
) {
    let body = TOKEN.replace("1795231445", &on.to_string());
    let (daemon, az) = (FakeDaemon::saying(200, &body), Link::new("az"));
    let mut command = az.at(&daemon, "account get-access-token -o tsv --query expiresOn");
    let output = command.env("TZ", zone).output().unwrap();
    assert_eq!((out(&output), err(&output)), (format!("{text}\n").as_str(), ""));
}

#[rstest]
#[case("--query accessToken -o tsv", "eyJ0.e30.sig\n")]
#[case("--query accessToken", "\"eyJ0.e30.sig\"\n")]
#[case("--query expires_on -o tsv", "1795231445\n")]
#[case("--query tenant -otsv", "99999999-8888-7777-6666-555555555555\n")]
#[case("--query nothing", "")]
#[case("-o none", "")]
fn a_query_and_a_form_are_obeyed(#[case] words: &str, #[case] text: &str) {
    let (daemon, az) = (daemon(), Link::new("az"));
    let output = az.at(&daemon, &format!("account get-access-token {words}")).output().unwrap();
    assert_eq!((out(&output), err(&output), output.status.code()), (text, "", Some(0)));
}

#[test]
fn the_form_may_be_set_for_good() {
    let (daemon, az) = (daemon(), Link::new("az"));
    let mut command = az.at(&daemon, "account get-access-token --query tokenType");
    assert_eq!(out(&command.env("AZURE_CORE_OUTPUT", "tsv").output().unwrap()), "Bearer\n");
}

#[test]
fn a_subscription_called_as_a_tenant_is_that_tenants_account() {
    let (daemon, az) = (daemon(), Link::new("az"));
    let output = az.at(&daemon, "account get-access-token --subscription fabrikam.example").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(daemon.asked().line, "GET /v1/accounts");
    let account = r#"{"resource":"arm","account":"2222.aaaaaaaa-8888-7777-6666-555555555555","profile":"work","min_validity":900}"#;
    assert_eq!(daemon.asked().body, account);
}

#[test]
fn another_subscription_is_handed_back() {
    let (daemon, az) = (daemon(), Link::new("az"));
    let line = format!("account get-access-token -s {SUBSCRIPTION} --query subscription -o tsv");
    assert_eq!(out(&az.at(&daemon, &line).output().unwrap()), format!("{SUBSCRIPTION}\n"));
    assert_eq!(daemon.asked().line, "GET /v1/accounts");
    assert_eq!(daemon.asked().body, r#"{"resource":"arm","min_validity":900}"#);
}

#[test]
fn the_lease_of_the_surroundings_is_presented() {
    let (daemon, az) = (daemon(), Link::new("az"));
    let mut command = az.at(&daemon, "account get-access-token");
    assert!(command.env("IDENTITY_HEADER", "entra_lease_x_y").output().unwrap().status.success());
    assert!(daemon.asked().body.contains(r#""lease":"entra_lease_x_y""#));
}

#[test]
fn accounts_are_shown_as_the_azure_cli_shows_them() {
    let (daemon, az) = (daemon(), Link::new("az"));
    let show = az.at(&daemon, "account show -o=json").output().unwrap();
    let ada = json!({
        "environmentName": "AzureCloud", "homeTenantId": TENANT, "id": TENANT, "isDefault": true,
        "managedByTenants": [], "name": "N/A(tenant level account)", "state": "Enabled", "tenantId": TENANT,
        "user": { "name": "ada@contoso.example", "type": "user" },
    });
    assert_eq!(serde_json::from_str::<Value>(out(&show)).unwrap(), ada);
    let list = az.at(&daemon, "account list -o=json").output().unwrap();
    let list: Value = serde_json::from_str(out(&list)).unwrap();
    assert_eq!(list[0]["cloudName"], "AzureUSGovernment");
    assert_eq!([&list[0]["isDefault"], &list[1]["isDefault"]], [false, true]);
    assert_eq!((&list[0]["tenantId"], &list[1]["id"]), (&json!("fabrikam.example"), &json!(TENANT)));
    let named = az.at(&daemon, "account show -s fabrikam.example --query user.name -o tsv").output().unwrap();
    assert_eq!(out(&named), "grace@fabrikam.example\n");
    let unknown = az.at(&daemon, &format!("account show -s {SUBSCRIPTION}")).output().unwrap();
    assert!(err(&unknown).starts_with("ERROR: entrad has no account in"), "{}", err(&unknown));
}

#[test]
fn nobody_signed_in_is_an_empty_list_and_no_account() {
    let (daemon, az) = (FakeDaemon::saying(200, r#"{"accounts":[]}"#), Link::new("az"));
    let list = az.at(&daemon, "account list").output().unwrap();
    assert_eq!((out(&list), err(&list), list.status.code()), ("[]\n", "", Some(0)));
    let show = az.at(&daemon, "account show").output().unwrap();
    assert!(err(&show).contains("az login") && show.status.code() == Some(1), "{}", err(&show));
}

#[test]
fn the_version_is_one_that_terraform_takes() {
    let az = Link::new("az");
    let output = az.command("version -o=json").output().unwrap();
    let version: Value = serde_json::from_str(out(&output)).unwrap();
    assert!(version["azure-cli"].as_str().unwrap().starts_with("2."), "{version}");
    assert!(out(&az.command("--version").output().unwrap()).starts_with("azure-cli  "));
}

#[test]
fn every_failure_is_one_line_and_status_one() {
    for row in TABLE {
        let body = format!(r#"{{"code":"{}","message":"It is so.","hint":"Do this."}}"#, row.name);
        let (daemon, az) = (FakeDaemon::saying(row.status, &body), Link::new("az"));
        let output = az.at(&daemon, "account get-access-token").output().unwrap();
        assert_eq!((out(&output), output.status.code()), ("", Some(1)), "{}", row.name);
        assert!(err(&output).starts_with("ERROR: It is so. Do this."), "{}", err(&output));
        assert_eq!(err(&output).lines().count(), 1, "{}", err(&output));
        let is_signed_out = ["sign_in_needed", "sign_in_expired"].contains(&row.name);
        assert_eq!(err(&output).contains("az login"), is_signed_out, "{}", err(&output));
    }
}

#[test]
fn no_daemon_is_told_with_the_way_to_start_one() {
    let az = Link::new("az");
    let output = az.command("account get-access-token").env("ENTRAD_SOCKET", NOWHERE).output().unwrap();
    assert!(err(&output).starts_with("ERROR: No entrad is running"), "{}", err(&output));
    assert!(err(&output).contains("Start it with"), "{}", err(&output));
}

/// The one test that waits: SDKs give `az` ten seconds.
#[test]
fn a_silent_daemon_is_told_in_time() {
    let daemon = FakeDaemon::new(|_, stream| support::until_closed(stream));
    let output = Link::new("az").at(&daemon, "account get-access-token").output().unwrap();
    assert!(err(&output).starts_with("ERROR: entrad did not answer within 8 seconds."), "{}", err(&output));
}

#[test]
fn the_helper_command_is_the_same() {
    let daemon = daemon();
    let output = daemon.run("helper az account get-access-token --query accessToken -o tsv");
    assert_eq!(out(&output), "eyJ0.e30.sig\n");
}

#[cfg(unix)]
mod passing_on {
    use std::env::join_paths;
    use std::path::Path;

    use super::*;
    use crate::support::links::script;

    /// An `az` that says what it was told, and with what.
    fn real(folder: &Path) {
        script(&folder.join("az"), r#"echo "real $# $* $ENTRA_PASSED_ON"; cat; exit 7"#);
    }

    fn output(az: &Link, line: &str, folders: &[&Path]) -> std::process::Output {
        let path =
            join_paths(folders.iter().copied().chain([Path::new("/usr/bin"), Path::new("/bin")])).unwrap();
        az.command(line).env("PATH", path).stdin(std::process::Stdio::null()).output().unwrap()
    }

    #[rstest]
    #[case("vm list -o table", "real 4 vm list -o table 1\n")]
    #[case("account get-access-token -o table", "real 4 account get-access-token -o table 1\n")]
    #[case("account get-access-token --frobnicate", "real 3 account get-access-token --frobnicate 1\n")]
    #[case("login --identity", "real 2 login --identity 1\n")]
    #[case("", "real 0  1\n")]
    fn the_next_az_gets_the_words_and_its_status_is_ours(#[case] line: &str, #[case] text: &str) {
        let (az, other) = (Link::new("az"), tempfile::tempdir().unwrap());
        real(other.path());
        let output = output(&az, line, &[az.folder(), other.path()]);
        assert_eq!((out(&output), err(&output), output.status.code()), (text, "", Some(7)));
    }

    #[test]
    fn a_second_link_to_us_is_no_next_one() {
        let (az, second, other) = (Link::new("az"), Link::new("az"), tempfile::tempdir().unwrap());
        real(other.path());
        let output = output(&az, "vm", &[az.folder(), second.folder(), other.path()]);
        assert_eq!(out(&output), "real 1 vm 1\n");
    }

    #[test]
    fn without_a_next_one_a_sentence_names_the_way() {
        let az = Link::new("az");
        let output = output(&az, "login", &[az.folder()]);
        assert_eq!((out(&output), output.status.code()), ("", Some(1)));
        let sentence = "ERROR: entra answers for az here, and there is no other `az` on PATH. Sign in with 'entra login'.\n";
        assert_eq!(err(&output), sentence);
    }

    #[test]
    fn a_script_that_calls_us_again_is_no_endless_circle() {
        let (az, other) = (Link::new("az"), tempfile::tempdir().unwrap());
        let us = az.folder().join("az");
        script(&other.path().join("az"), &format!("exec '{}' \"$@\"", us.display()));
        let output = output(&az, "vm", &[other.path()]);
        assert!(err(&output).contains("calls this one again"), "{}", err(&output));
        assert_eq!(output.status.code(), Some(1));
    }
}
