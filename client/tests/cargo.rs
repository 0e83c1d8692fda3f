//! `cargo-credential-entra` as cargo calls it.

mod support;

use support::tools::{ANSWER, SIGNED_OUT, fed, feed};
use support::{FakeDaemon, entra, err, out};

const HELLO: &str = "{\"v\":[1]}\n";

fn request(url: &str, kind: &str) -> String {
    format!(
        r#"{{"v":1,"registry":{{"index-url":"{url}","name":"feed","headers":["WWW-Authenticate: Bearer authorization_uri=https://login.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47","X-TFS: 1"]}},"kind":"{kind}","operation":"read","args":[]}}"#
    ) + "\n"
}

const FEED: &str = "sparse+https://pkgs.dev.azure.com/org/_packaging/feed/Cargo/index/";

#[test]
fn each_request_has_its_answer_until_cargo_closes_the_stream() {
    let daemon = FakeDaemon::saying(200, ANSWER);
    let input = [
        request(FEED, "get"),
        request("https://index.example/git/index", "get"),
        request(FEED, "login"),
        "nonsense\n".to_owned(),
    ];
    let output = fed(&daemon, "cargo-credential-entra --cargo-plugin", &input.concat());
    let expected = [
        r#"{"v":[1]}"#,
        r#"{"Ok":{"kind":"get","token":"Bearer eyJ0.e30.sig","cache":"expires","expiration":1795229074,"operation_independent":true}}"#,
        r#"{"Err":{"kind":"url-not-supported"}}"#,
        r#"{"Err":{"kind":"operation-not-supported"}}"#,
        r#"{"Err":{"kind":"other","message":"entrad: cargo's request does not parse.","caused-by":[]}}"#,
        "",
    ];
    assert_eq!(
        (out(&output), err(&output), output.status.code()),
        (expected.join("\n").as_str(), "", Some(0))
    );
    assert_eq!(
        daemon.asked().body,
        r#"{"resource":"devops","tenant":"72f988bf-86f1-41af-91ab-2d7cd011db47","min_validity":900}"#
    );
}

#[test]
fn without_a_sign_in_cargo_is_given_the_sentence() {
    let daemon = FakeDaemon::saying(401, SIGNED_OUT);
    let output = fed(&daemon, "cargo-credential-entra --cargo-plugin", &request(FEED, "get"));
    let sentence = "{\"Err\":{\"kind\":\"other\",\"message\":\"entrad: Nobody is signed in. Run `entra login`.\",\"caused-by\":[]}}\n";
    assert_eq!((out(&output), err(&output)), (format!("{HELLO}{sentence}").as_str(), ""));
}

#[test]
fn a_person_who_calls_it_is_told_where_it_belongs() {
    let output = feed(entra("helper cargo-credential-entra"), "");
    assert_eq!((out(&output), output.status.code()), ("", Some(2)));
    assert!(err(&output).contains("credential-provider"), "{}", err(&output));
}
