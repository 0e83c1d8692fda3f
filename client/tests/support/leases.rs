//! A daemon that makes leases.

use super::{Asked, Connection, FakeDaemon, reply};

/// What each lease's secret is.
pub(crate) const SECRET: &str = "entra_lease_0a1b2c3d4e5f_00";

/// The lease as the daemon tells of it.
pub(crate) const LEASE: &str =
    r#"{"id":"0a1b2c3d4e5f","name":"env","resources":["foundry"],"made_on":0,"uses":0}"#;

/// What each token is.
pub(crate) const TOKEN: &str = "eyJ0.e30.sig-_~+/=";

/// A daemon that makes every lease and gives every token for it.
pub(crate) fn granting() -> FakeDaemon {
    FakeDaemon::new(grant)
}

/// Answers as it does.
pub(crate) fn grant(asked: &Asked, stream: &mut Connection) {
    match asked.line.as_str() {
        "POST /v1/leases" => {
            let path = if asked.body.contains(r#""in_path":true"#) {
                r#","path_endpoint":"http://127.0.0.1:7777/in/entra_lease_0a1b2c3d4e5f_00/msi/token""#
            } else {
                ""
            };
            let body = format!(
                r#"{{"lease":{LEASE},"secret":"{SECRET}","identity_endpoint":"http://127.0.0.1:7777/msi/token","azd_endpoint":"http://127.0.0.1:7777/azd"{path}}}"#
            );
            reply(stream, 200, &body);
        }
        "POST /v1/token" => {
            let body = format!(
                r#"{{"access_token":"{TOKEN}","token_type":"Bearer","expires_on":1795231440,"scopes":["s/.default"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}}"#
            );
            reply(stream, 200, &body);
        }
        _ => reply(stream, 200, r#"{"leases":[],"strangers":0}"#),
    }
}
