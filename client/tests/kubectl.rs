//! `kubelogin` as kubectl calls it.

mod support;

use rstest::rstest;
use support::tools::{ANSWER, SIGNED_OUT, SIGNED_OUT_LINE};
use support::{FakeDaemon, entra, err, out};

const WORDS: &str = "helper kubelogin get-token --environment AzurePublicCloud --server-id 6dae42f8-4368-4678-94ff-3960e28e3630 --client-id 80faf920-1908-4b52-b5ef-a8e7bedfc67a --tenant-id contoso.com --login devicecode";

#[rstest]
#[case("client.authentication.k8s.io/v1")]
#[case("client.authentication.k8s.io/v1beta1")]
fn a_cluster_s_token_is_answered_in_the_version_asked(#[case] version: &str) {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let info =
        format!(r#"{{"kind":"ExecCredential","apiVersion":"{version}","spec":{{"interactive":false}}}}"#);
    let output = daemon.entra(WORDS).env("KUBERNETES_EXEC_INFO", info).output().unwrap();
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (
            format!(
                "{{\"kind\":\"ExecCredential\",\"apiVersion\":\"{version}\",\"status\":{{\"token\":\"eyJ0.e30.sig\",\
                 \"expirationTimestamp\":\"2026-11-21T02:44:34Z\"}}}}\n"
            )
            .as_str(),
            "",
            Some(0)
        )
    );
    assert_eq!(
        daemon.asked().body,
        r#"{"resource":"6dae42f8-4368-4678-94ff-3960e28e3630","tenant":"contoso.com","min_validity":900}"#
    );
}

#[test]
fn without_a_sign_in_one_sentence_is_all() {
    let daemon = FakeDaemon::saying(401, SIGNED_OUT);
    let output = daemon.run(WORDS);
    assert_eq!((out(&output), err(&output), output.status.code()), ("", SIGNED_OUT_LINE, Some(3)));
}

#[rstest]
#[case("{", "does not parse")]
#[case(r#"{"kind":"Pod","apiVersion":"v1"}"#, "no ExecCredential")]
#[case(r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1alpha1"}"#, "v1alpha1")]
fn what_kubectl_did_not_write_is_refused_before_a_token_is_asked_for(#[case] info: &str, #[case] said: &str) {
    let output = entra(WORDS).env("KUBERNETES_EXEC_INFO", info).output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("", Some(2)));
    assert!(err(&output).contains(said), "{}", err(&output));
}

#[rstest]
#[case("convert-kubeconfig -l azurecli", "get-token")]
#[case("get-token --server-id s --pop-enabled --pop-claims u=x", "--pop-enabled")]
#[case("get-token --server-id s --login spn --client-secret x", "--login spn")]
#[case("get-token", "--server-id")]
fn what_it_cannot_do_is_said(#[case] words: &str, #[case] said: &str) {
    let output = entra(&format!("helper kubelogin {words}")).output().unwrap();
    assert_eq!((out(&output), output.status.code()), ("", Some(2)));
    assert!(err(&output).contains(said), "{}", err(&output));
}
