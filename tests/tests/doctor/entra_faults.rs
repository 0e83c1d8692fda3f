//! Faults that Entra or a Foundry resource tells of.

use std::time::Duration;

use entra_sim::{Fault, Leg};
use rstest::rstest;
use serde_json::{Value, json};

use crate::foundry::Foundry;
use crate::ward::Ward;

/// Signed in, with a daemon whose key is in memory.
fn signed_in() -> (Ward, entra_tests::Daemon) {
    let ward = Ward::new();
    let daemon = ward.env.start_in_memory(&[]);
    ward.env.sign_in();
    (ward, daemon)
}

/// Has the next refresh refused so, and asks for a token in vain.
fn refused(ward: &Ward, error: &str, number: u32) {
    ward.env.sim().control().script(Fault::on(Leg::Refresh).refuse(error, number));
    let ran = ward.env.entra(&["token", "--for", "arm", "--force-refresh"]);
    assert_ne!(ran.status, 0, "{ran:?}");
}

#[rstest]
#[case("invalid_client", 7_000_218, "registration.public_client")]
#[case("invalid_grant", 65_001, "registration.consent")]
#[case("invalid_grant", 53_003, "account.errors")]
#[case("invalid_grant", 50_173, "account.health")]
fn the_last_word_of_entra_s_is_explained(#[case] error: &str, #[case] number: u32, #[case] check: &str) {
    let (ward, _daemon) = signed_in();
    refused(&ward, error, number);
    let report = ward.report(&[], &[]);
    report.is_golden(check);
    let others = ["registration.public_client", "registration.consent", "account.health"];
    for other in others.into_iter().filter(|other| *other != check) {
        assert_ne!(report.result(other), "failed", "{other}: {report:#?}");
    }
}

#[test]
fn a_sign_in_that_will_be_wanted_soon_is_told() {
    let two_hours = Duration::from_secs(2 * 60 * 60);
    let (ward, _daemon) = signed_in();
    let control = ward.env.sim().control();
    control.set_rules(|rules| rules.sign_in_frequency = Some(two_hours));
    for _ in 0..2 {
        ward.env.sign_in();
        control.advance(two_hours);
        let ran = ward.env.entra(&["token", "--for", "arm", "--force-refresh"]);
        assert_eq!(ran.status, 3, "{ran:?}");
    }
    ward.env.sign_in();
    let report = ward.report(&[], &[]);
    report.is_golden("account.expectation");
    // The simulator's time went on and this machine's did not.
    report.is_golden("network.clock");
    report.is_golden("entrad.warnings");
    report.is_golden("account.provenance");
}

#[test]
fn a_tenant_and_a_registration_that_do_not_exist_are_told_apart() {
    let ward = Ward::new();
    let origin = ward.env.sim().origin().to_owned();
    let daemon = ward.start_at(&origin, &["--tenant=99999999-9999-9999-9999-999999999999"]);
    let report = ward.report(&[], &[]);
    report.is_golden("authority.tenant");
    assert_eq!(daemon.stop(), 0);
    let nobody = "--client-id=12121212-1212-1212-1212-121212121212";
    let _daemon = ward.start_at(&origin, &["--tenant=contoso.com", nobody]);
    let report = ward.report(&[], &[]);
    assert_eq!(report.result("authority.tenant"), "good", "{report:#?}");
    report.is_golden("registration.exists");
    assert_eq!(report.status, 3, "nobody is signed in, which stands before: {report:#?}");
}

#[test]
fn no_device_code_is_asked_for_where_none_may_be() {
    let ward = Ward::new();
    let _daemon = ward.env.start_in_memory(&["--flows=browser"]);
    let report = ward.report(&[], &[]);
    report.is_golden_as("registration.exists", "registration.exists.skipped");
    assert_eq!(ward.env.sim().control().requests_on(Leg::Devicecode).len(), 0);
}

#[test]
fn a_stranger_is_sent_no_token() {
    let (ward, _daemon) = signed_in();
    let report = ward.report(&["--foundry", "https://evil.example"], &[]);
    report.is_golden("foundry.address");
    assert!(report.of("foundry.ai").next().is_none());
    assert_eq!(report.status, 5);
}

#[rstest]
#[case::good(400, 400, "good")]
#[case::one_audience(401, 400, "one_audience")]
#[case::no_audience(401, 401, "no_audience")]
#[case::no_role(403, 403, "no_role")]
#[case::no_deployment(404, 404, "no_deployment")]
#[case::broken(503, 503, "broken")]
fn a_foundry_resource_s_refusal_is_the_finding(#[case] cognitive: u16, #[case] ai: u16, #[case] kept: &str) {
    let (ward, _daemon) = signed_in();
    let foundry = Foundry::answering(cognitive, ai);
    let report = ward.report(&["--foundry", &foundry.url(), "--model", "my-claude"], &[]);
    for name in ["foundry.cognitive_services", "foundry.ai", "foundry.model"] {
        // The fault that the check is there for is kept under its own name.
        match (kept, name) {
            ("no_role", "foundry.cognitive_services" | "foundry.ai") | ("no_deployment", "foundry.model") => {
                report.is_golden(name);
            }
            _ => report.is_golden_as(name, &format!("{name}.{kept}")),
        }
    }
    let vain = json!({"model": "my-claude", "max_tokens": 0, "messages": []});
    assert_eq!(foundry.heard(), [vain.clone(), vain], "nothing that a model would be run for");
    let is_well = matches!(kept, "good" | "one_audience");
    assert_eq!(report.status, if is_well { 0 } else { 5 }, "{report:#?}");
}

/// Azure's gateway says so under 401 as well.
#[test]
fn a_role_that_is_missing_is_told_whatever_the_status() {
    let (ward, _daemon) = signed_in();
    let denied = r#"{"error":{"code":"PermissionDenied","message":"Principal does not have access to API/Operation."}}"#;
    let foundry = Foundry::saying(401, 401, Some(denied));
    let report = ward.report(&["--foundry", &foundry.url()], &[]);
    for name in ["foundry.cognitive_services", "foundry.ai"] {
        report.is_golden_as(name, &format!("{name}.permission_denied"));
    }
    assert_eq!(report.status, 5, "{report:#?}");
}

/// No role helps there.
#[test]
fn a_network_that_is_kept_out_is_told_apart_from_a_role_that_is_missing() {
    let (ward, _daemon) = signed_in();
    let denied =
        r#"{"error":{"code":"403","message":"Access denied due to Virtual Network/Firewall rules."}}"#;
    let foundry = Foundry::saying(403, 403, Some(denied));
    let report = ward.report(&["--foundry", &foundry.url()], &[]);
    for name in ["foundry.cognitive_services", "foundry.ai"] {
        report.is_golden_as(name, &format!("{name}.network"));
    }
    assert_eq!(report.status, 5, "{report:#?}");
}

/// A gateway that sends callers on has shown nothing of a deployment, and is sent no token again.
#[test]
fn an_endpoint_that_leads_elsewhere_says_nothing_of_a_deployment() {
    let (ward, _daemon) = signed_in();
    let foundry = Foundry::answering(302, 302);
    let report = ward.report(&["--foundry", &foundry.url(), "--model", "my-claude"], &[]);
    for (name, result) in [("cognitive_services", "failed"), ("ai", "failed"), ("model", "skipped")] {
        assert_eq!(report.result(&format!("foundry.{name}")), result, "{report:#?}");
    }
    assert_eq!(foundry.heard().len(), 2, "one an audience");
    let foundry = Foundry::answering(401, 302);
    let report = ward.report(&["--foundry", &foundry.url()], &[]);
    assert_eq!(report.result("foundry.cognitive_services"), "failed", "the other one is not accepted either");
}

/// The caller chooses where the token goes, so the log has who asked.
#[test]
fn a_token_that_is_sent_to_a_resource_is_in_the_log() {
    let (ward, _daemon) = signed_in();
    let foundry = Foundry::answering(400, 400);
    ward.report(&["--foundry", &foundry.url()], &[]);
    let ran = ward.env.entra(&["log", "--json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let entries = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let issued: Vec<Value> = entries.filter(|entry| entry["event"] == "issued").collect();
    let mut resources: Vec<&str> = issued.iter().filter_map(|entry| entry["resource"].as_str()).collect();
    resources.sort_unstable();
    assert_eq!(resources, ["https://ai.azure.com", "https://cognitiveservices.azure.com"], "{issued:#?}");
    assert!(issued.iter().all(|entry| entry["caller"]["pid"].is_u64()), "{issued:#?}");
}

#[test]
fn a_look_without_a_model_sends_nothing_but_a_token() {
    let (ward, _daemon) = signed_in();
    let foundry = Foundry::answering(400, 400);
    let report = ward.report(&["--foundry", &foundry.url()], &[]);
    assert_eq!(report.failed(), [""; 0], "{report:#?}");
    assert_eq!(foundry.heard(), [json!({}), json!({})]);
    assert_eq!(report.result("foundry.model"), "skipped");
}
