//! The settings of Windows itself, which a user or a policy changes: its proxy, and whom it trusts.
#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::time::Duration;

use entra_sim::{DEFAULT_CLIENT, Options};
use entra_tests::{Certificates, Env, programs, run};

/// Where the user's proxy is set.
const SETTINGS: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Internet Settings";

/// The proxy of the user's Internet settings, until this is dropped.
struct Proxy;

impl Proxy {
    fn set(address: SocketAddr) -> Self {
        registry(&["add", SETTINGS, "/v", "ProxyServer", "/t", "REG_SZ", "/d", &address.to_string(), "/f"]);
        registry(&["add", SETTINGS, "/v", "ProxyEnable", "/t", "REG_DWORD", "/d", "1", "/f"]);
        Self
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        registry(&["add", SETTINGS, "/v", "ProxyEnable", "/t", "REG_DWORD", "/d", "0", "/f"]);
        registry(&["delete", SETTINGS, "/v", "ProxyServer", "/f"]);
    }
}

fn registry(arguments: &[&str]) {
    let mut command = Command::new("reg.exe");
    command.args(arguments);
    let ran = run(command);
    assert_eq!(ran.status, 0, "reg {arguments:?}: {ran:?}");
}

#[test]
#[ignore = "changes the user's proxy; `.ci/cross` runs it in a throw-away profile"]
fn the_systems_proxy_is_asked() {
    let env = Env::new(programs!());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let _proxy = Proxy::set(listener.local_addr().unwrap());
    let mut command = env.bare_daemon_command();
    command.args(["--store=memory", "--client-id", DEFAULT_CLIENT]);
    let _daemon = env.launch(command);
    let login = env.login(&[]);
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.starts_with("CONNECT login.microsoftonline.com:443 "), "{line}");
    drop(login);
}

/// That a root of the store is then trusted is not shown: Wine takes a certificate without revocation lists for one
/// whose revocation failed.
#[test]
fn a_server_that_the_system_does_not_trust_gets_nothing() {
    let certificates = Certificates::new("nobody trusts");
    let env = Env::with(programs!(), Options { tls: Some(certificates.server()), ..Options::default() });
    let _daemon = env.start_in_memory(&[]);
    let refused = env.entra(&["login"]);
    assert_eq!(refused.status, 6, "{refused:?}");
    assert!(refused.stderr.contains("No safe connection to 127.0.0.1"), "{refused:?}");
    assert!(env.sim().control().requests().is_empty(), "no byte of a request reached it");
}
