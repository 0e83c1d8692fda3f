//! The right person: whoever else comes to a sign-in, or comes from elsewhere, is turned away by either flow. Their tokens
//! are dropped, it is said who came and who was expected, and what was there before stays.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entra_sim::{ADA, BOB, DEFAULT_CLIENT, DEFAULT_TENANT, Fault, GWEN, Leg, PARTNER_TENANT};
use entra_tests::{Env, browser, programs, raw};
use rstest::rstest;
use serde_json::{Value, json};

/// A way to sign in, and the leg that its tokens come by.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Browser,
    Code,
}

impl Way {
    fn leg(self) -> Leg {
        match self {
            Self::Browser => Leg::Code,
            Self::Code => Leg::Poll,
        }
    }

    /// Signs somebody in by these options, and returns the last event and the exit status.
    fn take(self, env: &Env, who: &str, more: &[&str]) -> (Value, i32) {
        let login = match self {
            Self::Browser => {
                let login = env.login(&[&["--browser"], more].concat());
                let page = login.event_where(|event| event["event"] == "authorization");
                assert_eq!(browser::visit(env, &page, who).status, 200);
                login
            }
            Self::Code => {
                let login = env.login(&[&["--device-code"], more].concat());
                let code = env.sim().control().next_user_code_blocking().unwrap();
                env.sim().control().approve(&code, who).unwrap();
                login
            }
        };
        let (last, ran) = login.end();
        (last, ran.status)
    }
}

fn environment() -> Env {
    let env = Env::new(programs!());
    env.sim().control().set_rules(|rules| rules.interval = Duration::from_secs(1));
    env
}

fn accounts(env: &Env) -> Vec<Value> {
    raw::get(&env.socket(), "/v1/accounts").body["accounts"].as_array().unwrap().clone()
}

fn encoded(claims: &Value) -> String {
    URL_SAFE_NO_PAD.encode(claims.to_string())
}

/// Token answers that name this tenant, or this account, until the test ends.
fn id_token(tenant: &str) -> String {
    let claims = json!({"aud": DEFAULT_CLIENT, "tid": tenant, "preferred_username": ADA, "sub": "s"});
    format!("{}.{}.", encoded(&json!({"alg": "none"})), encoded(&claims))
}

#[rstest]
fn another_account_leaves_nothing_behind(#[values(Way::Code, Way::Browser)] way: Way) {
    let env = environment();
    let daemon = env.start();
    let (last, status) = way.take(&env, BOB, &["--account", ADA]);
    assert_eq!((&last["error"]["code"], status), (&json!("account_mismatch"), 4), "{last}");
    let message = last["error"]["message"].as_str().unwrap();
    assert!(message.contains(ADA) && message.contains(BOB) && message.contains("dropped"), "{message}");
    assert!(last["error"]["hint"].as_str().unwrap().contains(&format!("`entra login --account {ADA}`")));
    for _ in 0..2 {
        assert_eq!(accounts(&env), [Value::Null; 0]);
        assert_eq!(env.entra(&["token", "--for", "graph"]).status, 3);
    }
    assert_eq!(daemon.stop(), 0);
    let _daemon = env.start();
    assert_eq!(accounts(&env), [Value::Null; 0]);
    assert!(env.sim().control().requests_on(Leg::Refresh).is_empty());
}

#[rstest]
fn another_account_does_not_touch_the_one_that_is_here(#[values(Way::Code, Way::Browser)] way: Way) {
    let env = environment();
    let _daemon = env.start();
    let id = env.sign_in();
    let before = accounts(&env);
    let (last, _) = way.take(&env, BOB, &["--account", &id]);
    assert_eq!(last["error"]["code"], "account_mismatch", "{last}");
    let message = last["error"]["message"].as_str().unwrap();
    assert!(message.contains(ADA) && message.contains(BOB), "{message}");
    assert_eq!(accounts(&env), before);
    assert_eq!(env.token(&["--for", "arm", "--force-refresh"])["account"], id.as_str());
}

/// A user name can be given to somebody else; the account's id cannot.
#[rstest]
fn the_same_name_on_another_account_is_somebody_else(#[values(Way::Code, Way::Browser)] way: Way) {
    let env = environment();
    let _daemon = env.start();
    let id = env.sign_in();
    let client_info =
        encoded(&json!({"uid": "99999999-0000-0000-0000-000000000009", "utid": DEFAULT_TENANT}));
    env.sim().control().script(Fault::on(way.leg()).times(20).with("client_info", client_info));
    let (last, status) = way.take(&env, ADA, &["--account", ADA]);
    assert_eq!((&last["error"]["code"], status), (&json!("account_mismatch"), 4), "{last}");
    let message = last["error"]["message"].as_str().unwrap();
    assert!(message.contains(&id) && message.contains("99999999-0000-0000-0000-000000000009"), "{message}");
    assert!(last["error"]["hint"].as_str().unwrap().contains(&format!("`entra logout {id}`")), "{last}");
    assert_eq!(accounts(&env).len(), 1);
    assert_eq!(env.token(&["--for", "arm", "--force-refresh"])["account"], id.as_str());
}

#[rstest]
fn another_tenant_than_the_profiles_is_refused(#[values(Way::Code, Way::Browser)] way: Way) {
    let env = environment();
    let daemon = env.start_with(&["--tenant", DEFAULT_TENANT]);
    env.sim().control().script(Fault::on(way.leg()).times(20).with("id_token", id_token(PARTNER_TENANT)));
    let (last, status) = way.take(&env, ADA, &[]);
    assert_eq!((&last["error"]["code"], status), (&json!("account_mismatch"), 4), "{last}");
    let message = last["error"]["message"].as_str().unwrap();
    for words in [ADA, DEFAULT_TENANT, PARTNER_TENANT, "dropped"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(last["error"]["hint"].as_str().unwrap().contains("`tenant` of the profile"), "{last}");
    assert_eq!(env.entra(&["token", "--for", "graph"]).status, 3);
    daemon.stop();
    let _daemon = env.start();
    assert_eq!(accounts(&env), [Value::Null; 0]);
}

#[rstest]
fn a_guest_of_the_right_tenant_is_welcome(#[values(Way::Code, Way::Browser)] way: Way) {
    let env = environment();
    let _daemon = env.start_in_memory(&["--tenant", DEFAULT_TENANT]);
    let (last, status) = way.take(&env, GWEN, &["--account", GWEN]);
    assert_eq!((&last["event"], status), (&json!("signed_in"), 0), "{last}");
    assert!(last["account"]["id"].as_str().unwrap().ends_with(PARTNER_TENANT), "{last}");
}
