//! The simulator as a program.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A child that does not outlive its test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entra-sim"));
    Program(command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

#[tokio::test]
async fn it_says_where_it_is_and_obeys_its_arguments() {
    let tenant = "12345678-0000-4000-8000-000000000001";
    let client = "12345678-0000-4000-8000-000000000002";
    let mut program = start(&[
        "--tenant",
        tenant,
        "--client-id",
        client,
        "--device-code-life",
        "60",
        "--interval",
        "1",
        "--access-token-life",
        "30",
        "--strict-rotation",
    ]);
    let mut line = String::new();
    BufReader::new(program.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let origin = line.trim().strip_prefix("READY ").unwrap().to_owned();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(format!("{origin}/{tenant}/oauth2/v2.0/devicecode"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("client_id={client}&scope=openid"));
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(text.contains("\"expires_in\":60") && text.contains("\"interval\":1"), "{text}");
    let options = http.get(format!("{origin}/_sim/options")).send().await.unwrap().text().await.unwrap();
    assert!(options.contains("\"access_token_life\":30") && options.contains("\"strict_rotation\":true"));

    #[cfg(unix)]
    {
        let pid = program.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(program.0.wait().unwrap().success());
    }
}

#[test]
fn it_says_why_it_does_not_start() {
    for (arguments, expected) in [
        (vec!["--listen", "0.0.0.0:0"], "0.0.0.0:0 is not a loopback address; use 127.0.0.1 or [::1]."),
        (
            vec!["--tls-cert", "no-such.pem", "--tls-key", "no-such.key"],
            "Cannot read a certificate or key from no-such.pem.",
        ),
    ] {
        let mut program = start(&arguments);
        assert_eq!(program.0.wait().unwrap().code(), Some(1));
        let mut reason = String::new();
        BufReader::new(program.0.stderr.take().unwrap()).read_line(&mut reason).unwrap();
        assert_eq!(reason.trim(), expected);
    }
}
