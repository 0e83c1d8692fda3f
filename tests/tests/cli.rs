//! The client as scripts and people meet it: exit statuses, help, and the commands that only look or leave.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use entra_proto::account::AccountsAnswer;
use entra_proto::error::{TABLE, exit};
use entra_proto::status::StatusAnswer;
use entra_sim::{ADA, AZURE_CLI_CLIENT, BOB, Fault, Leg};
use entra_tests::{Env, programs, system};
use serde_json::{Value, json};

#[test]
fn every_exit_status_is_met() {
    let env = Env::new(programs!());
    let control = env.sim().control();
    let is = |args: &[&str], status: u8, words: &str| {
        let ran = env.entra(args);
        assert_eq!(ran.status, i32::from(status), "{args:?}: {ran:?}");
        assert!(ran.stderr.contains(words), "{args:?}: {ran:?}");
        assert!(status == exit::GOOD || ran.stdout.is_empty(), "{args:?}: {ran:?}");
    };
    let token = ["token", "--for", "arm"];
    for command in [&token[..], &["status"], &["accounts"], &["login"], &["logout"]] {
        is(command, exit::NO_DAEMON, system::HOW_TO_START);
    }
    let _daemon = env.start_in_memory(&[]);
    is(&token, exit::SIGN_IN_NEEDED, "Nobody is signed in.");
    is(&["token"], exit::USAGE, "Say what the token is for");
    is(&["nonsense"], exit::USAGE, "");
    is(&["login", "--client-id", "12345678-0000-0000-0000-000000000000"], exit::MISCONFIGURED, "700016");
    let decided = |args: &[&str], decide: &dyn Fn(&str)| {
        let login = env.login(args);
        decide(&control.next_user_code_blocking().unwrap());
        login.end().1.status
    };
    let approve = |code: &str| control.approve(code, ADA).unwrap();
    let decline = |code: &str| control.decline(code).unwrap();
    assert_eq!(decided(&[], &decline), i32::from(exit::CANCELLED));
    assert_eq!(decided(&["--account", BOB], &approve), i32::from(exit::REFUSED));
    assert_eq!(decided(&[], &approve), i32::from(exit::GOOD));
    is(&token, exit::GOOD, "");
    control.script(Fault::on(Leg::Refresh).throttle(30));
    is(&["token", "--for", "foundry"], exit::LATER, "Try again in 30 s.");
    // What answers but is not entrad is a defect of the machine; see also version.rs.
    let ran = env.entra(&["--socket", "relative", "status"]);
    assert_eq!(ran.status, i32::from(exit::USAGE), "{ran:?}");
}

#[test]
fn help_holds_the_table_and_errors_are_explained_offline() {
    let env = Env::new(programs!());
    let help = env.entra(&["--help"]);
    assert_eq!(help.status, 0);
    for row in TABLE {
        assert!(help.stdout.contains(row.name), "{}: {}", row.name, help.stdout);
        let explained = env.entra(&["explain", row.name]);
        assert!(explained.status == 0 && explained.stdout.contains(row.name), "{explained:?}");
    }
    for status in 0..=8 {
        assert!(help.stdout.contains(&format!("\n  {status}  ")), "{}", help.stdout);
    }
    let explained = env.entra(&["explain", "AADSTS53003: Access has been blocked."]);
    assert!(
        explained.stdout.contains("AADSTS53003") && explained.stdout.contains("administrator"),
        "{explained:?}"
    );
    let json: Value = serde_json::from_str(&env.entra(&["explain", "50076", "--json"]).stdout).unwrap();
    assert_eq!((&json["aadsts"], &json["mender"]), (&json!(50076), &json!("person")));
    assert_eq!(env.entra(&["explain", "nonsense"]).status, 2);
    assert_eq!(env.entra(&["--version"]).stdout.trim(), format!("entra {}", entra_proto::version::VERSION));
    assert!(env.sim().control().requests().is_empty());
}

#[test]
fn reports_are_of_the_contract() {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    let empty: AccountsAnswer = serde_json::from_str(&env.entra(&["accounts", "--json"]).stdout).unwrap();
    assert_eq!(empty, AccountsAnswer::default());
    let account = env.sign_in();
    env.token(&["--for", "foundry"]);
    let status: StatusAnswer = serde_json::from_str(&env.entra(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status.pid, daemon.pid());
    assert_eq!(status.socket, env.socket().display().to_string());
    assert_eq!((status.store.home.as_str(), status.store.is_open), ("memory", true));
    assert_eq!(status.accounts[0].account.id.as_str(), account);
    assert_eq!(status.accounts[0].tokens.len(), 2);
    assert!(status.accounts[0].tokens.iter().all(|token| token.expires_on.is_some()), "{status:?}");
    assert!(status.clock_skew.is_some_and(|skew| skew.abs() <= 2), "{status:?}");
    let accounts: AccountsAnswer = serde_json::from_str(&env.entra(&["accounts", "--json"]).stdout).unwrap();
    assert_eq!(accounts.accounts, [status.accounts[0].account.clone()]);
    let table = env.entra(&["accounts"]).stdout;
    assert!(table.starts_with("ACCOUNT ") && table.contains("ada@example.com  default"), "{table}");
    let text = env.entra(&["status"]).stdout;
    assert!(text.contains("signed in with device code") && text.contains("https://ai.azure.com"), "{text}");
}

#[test]
fn tokens_are_printed_in_four_forms() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sign_in();
    let json = env.token(&["--for", "graph"]);
    let token = json["access_token"].as_str().unwrap();
    let printed = |form: &str| env.entra(&["token", "--for", "graph", "--output", form]).stdout;
    assert_eq!(printed("raw"), format!("{token}\n"));
    assert_eq!(printed("header"), format!("Authorization: Bearer {token}\n"));
    let expected =
        format!("export ENTRA_TOKEN='{token}'\nexport ENTRA_TOKEN_EXPIRES_ON='{}'\n", json["expires_on"]);
    assert_eq!(printed("env"), expected);
}

#[test]
fn a_sign_out_is_lasting_and_leaves_the_others() {
    let env = Env::new(programs!());
    let profile = format!(
        "[profile.work]\nauthority = \"{}\"\nclient_id = \"{AZURE_CLI_CLIENT}\"\n",
        env.sim().origin()
    );
    env.configure(&profile);
    let daemon = env.start();
    let ada = env.sign_in();
    env.sign_in_as(ADA, &["--profile", "work"]);
    let size = || std::fs::metadata(env.state_dir().join("vault.sealed")).unwrap().len();
    let with_both = size();
    assert_eq!(env.entra(&["logout", "eve@example.com"]).status, 2);
    let ran = env.entra(&["logout", "--profile", "default"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.contains("Signed out ada@example.com (profile default)"), "{ran:?}");
    assert!(ran.stdout.contains("access tokens already handed out work until they expire"), "{ran:?}");
    assert!(size() + 1_300 <= with_both, "the refresh token's bytes are gone from the file");
    // Also those in memory: the default profile's slots went with it.
    let ran = env.entra(&["token", "--for", "graph", "--profile", "default"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    assert_eq!(env.token(&["--for", "arm", "--profile", "work"])["account"], json!(ada));
    daemon.kill();
    let _daemon = env.start();
    let accounts: AccountsAnswer = serde_json::from_str(&env.entra(&["accounts", "--json"]).stdout).unwrap();
    let profiles: Vec<_> = accounts.accounts.iter().map(|account| account.profile.as_str()).collect();
    assert_eq!(profiles, ["work"]);
    assert_eq!(env.entra(&["logout"]).status, 0, "the only one needs no name");
    let again = env.entra(&["logout"]);
    assert_eq!(again.status, 0);
    assert!(again.stdout.contains("there is nothing to do"), "{again:?}");
}
