//! Tokens for tools: from memory where that is right, from Entra where it is not, one request for any
//! number of callers, in the spelling that the resource needs.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::thread;
use std::time::Duration;

use entra_sim::{
    ADA, AZURE_CLI_CLIENT, BOB, DEFAULT_TENANT, Fault, GWEN, Leg, LoggedRequest, PARTNER_TENANT,
};
use entra_tests::{Daemon, Env, programs, raw};
use serde_json::{Value, json};

/// A daemon with somebody signed in.
fn signed_in() -> (Env, Daemon) {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    env.sign_in();
    (env, daemon)
}

fn refreshes(env: &Env) -> Vec<LoggedRequest> {
    env.sim().control().requests_on(Leg::Refresh)
}

fn ask(env: &Env, body: &Value) -> raw::RawAnswer {
    raw::post(&env.socket(), "/v1/token", body)
}

/// The scopes of a resource in the newest request, without those of OpenID.
fn asked_scopes(env: &Env) -> Vec<String> {
    let refreshes = refreshes(env);
    let openid = ["openid", "profile", "offline_access", "email"];
    let scopes = refreshes.last().unwrap().scopes();
    scopes.into_iter().filter(|scope| !openid.contains(scope)).map(str::to_owned).collect()
}

#[test]
fn the_second_caller_is_served_from_memory() {
    let (env, _daemon) = signed_in();
    let first = env.token(&["--for", "foundry"]);
    let second = env.token(&["--for", "foundry"]);
    assert_eq!((&first["source"], &second["source"]), (&json!("refresh"), &json!("cache")));
    assert_eq!(first["access_token"], second["access_token"]);
    assert_eq!(first["expires_on"], second["expires_on"]);
    assert_eq!(first["token_type"], "Bearer");
    let granted = first["scopes"].as_array().unwrap();
    assert!(
        granted.iter().all(|scope| scope.as_str().unwrap().starts_with("https://ai.azure.com/")),
        "{granted:?}"
    );
    let id = format!("11111111-2222-3333-4444-000000000001.{DEFAULT_TENANT}");
    assert_eq!(first["account"], json!(id));
    assert!(first["refresh_due_on"].as_u64() < first["expires_on"].as_u64());
    let refresh = &refreshes(&env)[0];
    assert_eq!(refreshes(&env).len(), 1);
    let anchor = format!("Oid:{}", id.replace('.', "@"));
    assert_eq!(refresh.headers["x-anchormailbox"].to_lowercase(), anchor.to_lowercase());
    assert!(refresh.scopes().contains(&"offline_access"), "{:?}", refresh.form);
    let raw = env.entra(&["token", "--for", "foundry"]);
    assert_eq!(raw.stdout.trim(), first["access_token"].as_str().unwrap());
}

#[test]
fn scopes_are_a_set_without_case() {
    let (env, _daemon) = signed_in();
    let both = ["https://graph.microsoft.com/Mail.Read", "https://graph.microsoft.com/User.Read"];
    let first = env.token(&["--scope", both[0], both[1]]);
    let second = env.token(&["--scope", &both[1].to_uppercase(), &both[0].to_lowercase(), both[0]]);
    assert_eq!((&first["access_token"], &second["source"]), (&second["access_token"], &json!("cache")));
    assert_eq!(asked_scopes(&env), both, "in the caller's own spelling");
    assert_eq!(refreshes(&env).len(), 1);
}

#[test]
fn a_resource_keeps_its_slashes_on_the_wire() {
    let (env, _daemon) = signed_in();
    for (asked, wired) in [
        (["--resource", "https://management.azure.com"], "https://management.azure.com/.default"),
        (["--resource", "https://management.azure.com/"], "https://management.azure.com//.default"),
        (["--for", "sql"], "https://database.windows.net//.default"),
        (["--for", "KeyVault"], "https://vault.azure.net/.default"),
        (["--for", "devops"], "499b84ac-1321-427f-aa17-267ca6975798/.default"),
    ] {
        assert_eq!(env.token(&asked)["source"], "refresh", "{asked:?}");
        assert_eq!(asked_scopes(&env), [wired], "{asked:?}");
    }
}

#[test]
fn min_validity_and_force_refresh_pass_over_memory() {
    let (env, _daemon) = signed_in();
    env.sim().control().set_rules(|rules| rules.access_token_life = Some(Duration::from_secs(3_600)));
    let first = env.token(&["--for", "arm"]);
    assert_eq!(env.token(&["--for", "arm", "--min-validity", "3000"])["source"], "cache");
    let longer = env.token(&["--for", "arm", "--min-validity", "3601"]);
    assert_eq!(longer["source"], "cache", "no token is long enough, and another one would live no longer");
    let forced = env.token(&["--for", "arm", "--force-refresh"]);
    assert_eq!(forced["source"], "refresh");
    assert_eq!(env.token(&["--for", "arm"])["access_token"], forced["access_token"]);
    assert_ne!(first["access_token"], forced["access_token"]);
    assert_eq!(refreshes(&env).len(), 2);
}

#[test]
fn claims_pass_over_memory_and_are_merged_with_cp1() {
    let (env, _daemon) = signed_in();
    let nbf = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
    env.token(&["--for", "graph", "--claims", nbf]);
    assert_eq!(refreshes(&env)[0].form["claims"], nbf);
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache", "and the new token is the one held");
    env.token(&["--for", "graph", "--cae", "--claims", nbf]);
    let merged: Value = serde_json::from_str(&refreshes(&env)[1].form["claims"]).unwrap();
    assert_eq!(merged["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    assert_eq!(merged["access_token"]["nbf"]["value"], "1604106651");
    // As base64, the way it stands in a WWW-Authenticate header.
    let base64 = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxNjA0MTA2NjUxIn19fQ==";
    env.token(&["--for", "graph", "--claims", base64]);
    assert_eq!(refreshes(&env)[2].form["claims"], nbf);
    let broken = env.entra(&["token", "--for", "graph", "--claims", "{broken"]);
    assert_eq!(broken.status, 2, "{broken:?}");
    assert_eq!(refreshes(&env).len(), 3);
}

#[test]
fn revocable_tokens_have_a_slot_of_their_own() {
    let (env, _daemon) = signed_in();
    let plain = env.token(&["--for", "graph"]);
    let cae = env.token(&["--for", "graph", "--cae"]);
    assert_eq!((&plain["source"], &cae["source"]), (&json!("cache"), &json!("refresh")));
    assert_ne!(plain["access_token"], cae["access_token"]);
    assert_eq!(env.token(&["--for", "graph", "--cae"])["access_token"], cae["access_token"]);
    assert_eq!(env.token(&["--for", "graph"])["access_token"], plain["access_token"]);
    assert_eq!(refreshes(&env).len(), 1);
}

#[test]
fn another_tenant_is_asked_where_the_account_is_a_guest() {
    let (env, _daemon) = signed_in();
    let there = env.token(&["--for", "arm", "--tenant", PARTNER_TENANT]);
    assert_eq!((&there["source"], &there["tenant"]), (&json!("refresh"), &json!(PARTNER_TENANT)));
    assert_eq!(refreshes(&env)[0].tenant, PARTNER_TENANT);
    assert_eq!(env.token(&["--for", "arm"])["source"], "refresh", "a slot of its own");
    assert_eq!(env.token(&["--for", "arm", "--tenant", PARTNER_TENANT])["source"], "cache");
    for tenant in ["../x", "a/b", ".."] {
        let answer = ask(&env, &json!({"resource": "arm", "tenant": tenant}));
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!("bad_request")), "{answer:?}");
    }
}

#[test]
fn fifty_callers_cost_one_request() {
    let (env, _daemon) = signed_in();
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_millis(800)));
    let answers: Vec<_> = thread::scope(|scope| {
        let callers: Vec<_> =
            (0..50).map(|_| scope.spawn(|| ask(&env, &json!({"resource": "foundry"})))).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(answers.windows(2).all(|pair| pair[0].body["access_token"] == pair[1].body["access_token"]));
    assert_eq!(refreshes(&env).len(), 1);
}

#[test]
fn a_caller_that_hangs_up_cancels_nothing() {
    let (env, _daemon) = signed_in();
    env.sim().control().script(Fault::on(Leg::Refresh).delay(Duration::from_millis(600)));
    let mut caller = env.entra_command(&["token", "--for", "foundry"]).spawn().unwrap();
    env.sim().control().wait_for_arrival_blocking(Leg::Refresh, 1).unwrap();
    caller.kill().unwrap();
    caller.wait().unwrap();
    let is_held = |status: &Value| {
        let tokens = status["accounts"][0]["tokens"].as_array().unwrap();
        tokens.iter().any(|token| {
            token["scopes"][0] == "https://ai.azure.com/.default" && token["expires_on"].is_u64()
        })
    };
    let _status = env.status_where(is_held);
    assert_eq!(env.token(&["--for", "foundry"])["source"], "cache");
    assert_eq!(refreshes(&env).len(), 1);
}

#[test]
fn one_of_several_accounts_is_named() {
    let env = Env::new(programs!());
    let profile = format!(
        "[profile.work]\nauthority = \"{}\"\nclient_id = \"{AZURE_CLI_CLIENT}\"\n",
        env.sim().origin()
    );
    env.configure(&profile);
    let _daemon = env.start_in_memory(&[]);
    let ada = env.sign_in();
    let gwen = env.sign_in_as(GWEN, &["--profile", "work", "--tenant", DEFAULT_TENANT]);
    assert_eq!(gwen, format!("11111111-2222-3333-4444-555555555555.{PARTNER_TENANT}"), "a guest's home id");
    assert_eq!(env.token(&["--for", "arm"])["account"], json!(ada), "the default profile's");
    let guest = env.token(&["--for", "arm", "--profile", "work"]);
    assert_eq!((&guest["account"], &guest["tenant"]), (&json!(gwen), &json!(DEFAULT_TENANT)));
    assert_eq!(refreshes(&env).last().unwrap().form["client_id"], AZURE_CLI_CLIENT);

    let bob = env.sign_in_as(BOB, &[]);
    let doubt = env.entra(&["token", "--for", "arm"]);
    assert_eq!(doubt.status, 2, "{doubt:?}");
    for words in [ADA, BOB, "--account", "--profile"] {
        assert!(doubt.stderr.contains(words), "{words}: {doubt:?}");
    }
    assert_eq!(env.token(&["--for", "arm", "--account", &BOB.to_uppercase()])["account"], json!(bob));
    assert_eq!(env.token(&["--for", "arm", "--account", &ada])["account"], json!(ada));
    let nobody = env.entra(&["token", "--for", "arm", "--account", "eve@example.com"]);
    assert_eq!(nobody.status, 3, "{nobody:?}");
    assert!(nobody.stderr.contains("`eve@example.com` is not signed in."), "{nobody:?}");
}

#[test]
fn what_no_sign_in_would_mend_is_not_answered_with_sign_in() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let code = |body: &Value| ask(&env, body).body["code"].clone();
    assert_eq!(code(&json!({"resource": "arm"})), "sign_in_needed");
    for body in [json!({}), json!({"resource": "nothing"}), json!({"scopes": ["a b"]}), json!({"scopes": []})]
    {
        assert_eq!(code(&body), "bad_request", "{body}");
    }
}
