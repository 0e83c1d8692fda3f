//! Faults of the way to Entra.

use std::time::Duration;

use entra_sim::Options;
use entra_tests::{Certificates, Daemon, Env, Relay, Weather, programs};
use rstest::rstest;

use crate::ward::Ward;

const PASSWORD: &str = "ada:hunter2@";
const WANTS_PASSWORD: &str =
    "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// By whom the box's certificate is trusted, if it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Nobody,
    Setting,
    Variable,
}

/// The public cloud's own host, by a proxy that takes every host for the simulator, whose certificate is not Microsoft's.
fn proxied(trust: Trust, credentials: &str) -> (Ward, Relay, Daemon, Certificates) {
    let ours = Certificates::new("The Example Inspection Box");
    let mut options = Options { tls: Some(ours.server()), ..Options::default() };
    options.rules.interval = Duration::from_secs(1);
    let ward = Ward::of(Env::with(programs!(), options));
    let relay = Relay::proxy_to(ward.env.sim().origin().split_once("://").unwrap().1.parse().unwrap());
    let others = Certificates::new("Somebody else");
    let mut command = ward.env.bare_daemon_command();
    command.arg("--store=memory").arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT));
    match trust {
        Trust::Nobody => command.env("SSL_CERT_FILE", others.trust(&[])),
        Trust::Setting => command.env("ENTRAD_CA_CERTIFICATES", ours.trust(&[])),
        Trust::Variable => command.env("SSL_CERT_FILE", ours.trust(&[])),
    };
    command.env("HTTPS_PROXY", format!("http://{credentials}{}", relay.address()));
    let daemon = ward.env.launch(command);
    (ward, relay, daemon, if trust == Trust::Nobody { others } else { ours })
}

#[rstest]
#[case::variable(Trust::Variable, PASSWORD, "network.proxy")]
#[case::setting(Trust::Setting, "", "network.proxy.open")]
fn a_box_that_inspects_traffic_is_named_where_it_is_trusted(
    #[case] trust: Trust,
    #[case] credentials: &str,
    #[case] proxy: &str,
) {
    let (ward, relay, _daemon, _trusted) = proxied(trust, credentials);
    let report = ward.report(&[], &[]);
    report.is_golden("network.tls");
    report.is_golden_as("network.proxy", proxy);
    assert_eq!(report.result("network.connection"), "good", "{report:#?}");
    assert_eq!(report.result("network.warnings"), "good", "{report:#?}");
    assert_eq!(report.result("registration.exists"), "good", "{report:#?}");
    assert!(relay.taken() > 0 && !format!("{report:?}").contains("hunter2"), "{report:#?}");
}

#[test]
fn a_box_that_inspects_traffic_is_named_where_it_is_not_trusted() {
    let (ward, relay, _daemon, _others) = proxied(Trust::Nobody, PASSWORD);
    let report = ward.report(&[], &[]);
    report.is_golden_as("network.tls", "network.tls.not_trusted");
    report.is_golden_as("network.connection", "network.connection.not_trusted");
    assert_eq!(ward.env.sim().control().requests().len(), 0, "nothing was said to it");
    assert!(relay.taken() > 0);
}

#[rstest]
#[case::none("", "network.connection.password")]
#[case::wrong(PASSWORD, "network.connection.wrong_password")]
fn a_proxy_that_wants_a_password_is_told(#[case] credentials: &str, #[case] kept: &str) {
    let (ward, relay, _daemon, _trusted) = proxied(Trust::Variable, credentials);
    relay.set(Weather::Says(WANTS_PASSWORD.to_owned()));
    ward.report(&[], &[]).is_golden_as("network.connection", kept);
}

#[test]
fn an_address_that_is_no_proxy_s_is_told_once() {
    let ward = Ward::new();
    let mut command = ward.env.bare_daemon_command();
    command.arg("--store=memory").arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT));
    command.env("HTTPS_PROXY", "http://ada:hunter2@proxy.invalid:port");
    let _daemon = ward.env.launch(command);
    let report = ward.report(&[], &[]);
    report.is_golden_as("network.proxy", "network.proxy.address");
    for name in ["network.dns", "network.connection", "network.tls", "network.clock", "network.warnings"] {
        assert_eq!(report.result(name), "skipped", "{report:#?}");
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_told() {
    let ward = Ward::new();
    ward.configure(ward.env.sim().origin(), "ca_certificates = [\"/nowhere/box.pem\"]\n");
    let report = ward.report(&[], &[]);
    report.is_golden("network.warnings");
    let _daemon = ward.env.start();
    ward.report(&[], &[]).is_golden("network.warnings");
}

#[test]
fn a_name_without_an_address_is_told() {
    let ward = Ward::new();
    let mut command = ward.env.bare_daemon_command();
    command.arg("--store=memory").arg(format!("--client-id={}", entra_sim::DEFAULT_CLIENT));
    // No resolver knows this name (RFC 6761 section 6.4).
    command.env("HTTPS_PROXY", "http://proxy.invalid:3128");
    let _daemon = ward.env.launch(command);
    let report = ward.report(&[], &[]);
    report.is_golden("network.dns");
    assert_eq!(report.result("network.connection"), "skipped");
}

#[test]
fn nobody_who_listens_is_told() {
    let ward = Ward::new();
    let relay = Relay::to(ward.env.sim().origin().split_once("://").unwrap().1.parse().unwrap());
    relay.set(Weather::Off);
    let _daemon = ward.start_at(&format!("http://{}", relay.address()), &[]);
    let report = ward.report(&[], &[]);
    report.is_golden("network.connection");
    assert_eq!(report.result("authority.tenant"), "skipped");
}
