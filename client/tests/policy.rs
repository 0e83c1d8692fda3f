//! `entra policy`: the rules in force, and which of them decides.

mod support;

use rstest::rstest;
use serde_json::{Value, json};
use support::{FakeDaemon, err, out};

/// A daemon's rules: an administrator's, what stands for a bad file of the user's, and those that are built in.
const RULES: &str = r#"{"rules":[
    {"number":1,"effect":"deny","text":"deny forwarded resource=graph","origin":{"layer":"managed","place":"/etc/entrad/managed.d/10-it.toml:3"},"line":2},
    {"number":2,"effect":"deny","text":"deny","origin":{"layer":"user","place":"/home/ada/c.toml"},"instead_of":"/home/ada/c.toml:1: it is bad."},
    {"number":3,"effect":"ask","text":"ask container !lease resource=!foundry","origin":{"layer":"built_in","place":"built in"}},
    {"number":4,"effect":"allow","text":"allow","origin":{"layer":"built_in","place":"built in"}}],
    "faults":[{"place":"/home/ada/c.toml","what":"/home/ada/c.toml:1: it is bad."}]}"#;

const EXPLAINED: &str = r#"{"rule":{"number":2,"effect":"ask","text":"ask container !lease resource=!foundry","origin":{"layer":"built_in","place":"built in"}},
    "why":"All of its conditions hold.",
    "passed_over":[{"rule":{"number":1,"effect":"deny","text":"deny agent","origin":{"layer":"user","place":"/home/ada/c.toml:1"},"line":1},"why":"`agent` does not hold: agent is none."}],
    "facts":[{"name":"program","value":"/usr/bin/git\u001b[2J"},{"name":"unit"}],
    "weakness":"It asked through entra."}"#;

#[test]
fn rules_are_a_table_or_json() {
    let daemon = FakeDaemon::saying(200, RULES);
    let shown = daemon.run("policy show");
    assert_eq!(
        out(&shown),
        "Warning: /home/ada/c.toml:1: it is bad.\n\n\
         \x20 #  RULE                                    FROM\n\
         \x20 1  deny forwarded resource=graph           /etc/entrad/managed.d/10-it.toml:3, line 2\n\
         \x20 2  deny                                    /home/ada/c.toml, in place of rules that cannot be read\n\
         \x20 3  ask container !lease resource=!foundry  built in\n\
         \x20 4  allow                                   built in\n"
    );
    assert_eq!((err(&shown), shown.status.code()), ("", Some(0)));
    assert_eq!(daemon.asked().line, "GET /v1/policy");
    let told: Value = serde_json::from_str(out(&daemon.run("policy show --json"))).unwrap();
    assert_eq!(told, serde_json::from_str::<Value>(RULES).unwrap());
}

#[test]
fn the_rule_that_decides_is_told_with_each_before_it_and_what_it_was_held_against() {
    let daemon = FakeDaemon::saying(200, EXPLAINED);
    let explained = daemon.run("policy explain --resource graph");
    assert_eq!(
        out(&explained),
        "Asked: rule 2 decides, `ask container !lease resource=!foundry` (built in).\n\
         All of its conditions hold.\n\n\
         Rules before it\n\
         \x20 1  `deny agent` (/home/ada/c.toml:1, line 1): `agent` does not hold: agent is none.\n\n\
         What they were held against\n\
         \x20 program  /usr/bin/git\n\
         \x20 unit     not known\n\n\
         Weak: It asked through entra.\n"
    );
    assert_eq!((err(&explained), explained.status.code()), ("", Some(0)));
    let json: Value = serde_json::from_str(out(&daemon.run("policy explain --json"))).unwrap();
    assert_eq!(json["rule"]["number"], 2);
}

#[rstest]
#[case("--resource graph", json!({"resource": "graph"}))]
#[case("--scope a b --account ada@contoso.example --profile work --tenant t", json!({"scopes": ["a", "b"], "account": "ada@contoso.example", "profile": "work", "tenant": "t"}))]
#[case("--loopback --lease az", json!({"over_loopback": true, "lease": "az"}))]
#[case("--program /usr/bin/python3 --script /usr/bin/az --parent /a --parent /b", json!({"caller": {"program": "/usr/bin/python3", "script": "/usr/bin/az", "parents": ["/a", "/b"]}}))]
#[case("--forwarded --container --unit u --agent claude", json!({"caller": {"forwarded": true, "container": true, "unit": "u", "agent": "claude"}}))]
fn what_is_said_of_a_request_is_what_is_asked(#[case] words: &str, #[case] body: Value) {
    let daemon = FakeDaemon::saying(200, EXPLAINED);
    let _output = daemon.run(&format!("policy explain {words}"));
    let asked = daemon.asked();
    assert_eq!(asked.line, "POST /v1/policy/explain");
    assert_eq!(serde_json::from_str::<Value>(&asked.body).unwrap(), body);
}

#[test]
fn a_refusal_by_a_rule_says_which_and_ends_with_4() {
    let refused = json!({
        "code": "refused",
        "message": "The rule `deny resource=graph` (/home/ada/c.toml:1, line 1) does not allow it.",
        "hint": "`entra policy explain` shows which rule decides.",
        "rule": "`deny resource=graph` (/home/ada/c.toml:1, line 1)",
    });
    let output = FakeDaemon::saying(403, &refused.to_string()).run("token --for graph");
    assert_eq!((out(&output), output.status.code()), ("", Some(4)));
    for words in ["`deny resource=graph` (/home/ada/c.toml:1, line 1)", "`entra policy explain`"] {
        assert!(err(&output).contains(words), "{}", err(&output));
    }
}

#[test]
fn a_daemon_without_rules_says_so() {
    let daemon = FakeDaemon::saying(404, r#"{"code":"not_found","message":"There is no such route."}"#);
    for line in ["policy show", "policy explain --resource graph"] {
        let output = daemon.run(line);
        assert_eq!((out(&output), output.status.code()), ("", Some(2)));
        assert!(err(&output).contains("There is no such route."), "{}", err(&output));
    }
}
