//! `entra token --wait`: a token for which a person may have to sign in first.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};

use support::{FakeDaemon, err, out, reply};

const NEEDED: &str =
    r#"{"code":"sign_in_needed","message":"The password was changed.","hint":"Run `entra login`."}"#;

const TOKEN: &str = r#"{"access_token":"eyJ0.e30.sig","token_type":"Bearer","expires_on":1795231440,"scopes":["s"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;

#[test]
fn a_wait_is_sent_and_outlasts_what_others_do() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let output = daemon.run("token --for graph --wait");
    assert_eq!((out(&output), err(&output)), ("eyJ0.e30.sig\n", ""));
    assert_eq!(daemon.asked().body, r#"{"resource":"graph","wait":120}"#);
    daemon.run("token --for graph --wait 7");
    assert_eq!(daemon.asked().body, r#"{"resource":"graph","wait":7}"#);
}

#[test]
fn nobody_watches_so_a_wait_is_one_request_and_its_end_the_refusal() {
    let daemon = FakeDaemon::saying(401, NEEDED);
    let output = daemon.run("token --for graph --wait 5");
    assert_eq!((out(&output), output.status.code()), ("", Some(3)));
    assert_eq!(err(&output), "Error: The password was changed.\nHint: Run `entra login`.\n");
    assert_eq!(daemon.heard().len(), 1);
}

#[test]
fn a_wait_goes_on_with_the_daemon_that_follows() {
    let connections = AtomicUsize::new(0);
    let daemon = FakeDaemon::new(move |_, stream| {
        if connections.fetch_add(1, Ordering::SeqCst) > 0 {
            reply(stream, 200, TOKEN);
        }
    });
    let output = daemon.run("token --for graph --wait 600");
    assert_eq!((out(&output), err(&output)), ("eyJ0.e30.sig\n", ""));
    assert_eq!(daemon.heard().len(), 2);
}
