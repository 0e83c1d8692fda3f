//! Which rule decides, and what is looked up for it.

use std::path::PathBuf;

use rstest::rstest;

use super::*;
use crate::access::facts::{Facts, Strength};
use crate::config::{Owner, Setting};

pub(super) fn policy(text: &str) -> Policy {
    let source = Source::File { path: PathBuf::from("/u.toml"), line: 3, owner: Owner::User };
    let lines = text.lines().map(str::to_owned).collect();
    Policy::of(&[PolicyPart::Lines(Setting { value: lines, source })]).unwrap()
}

pub(super) fn facts(program: &str) -> Facts {
    Facts { program: Some(program.into()), strength: Strength::Strong, ..Facts::of_nobody() }
}

pub(super) fn asking(caller: Option<Facts>, scope: &str) -> Subject {
    Subject { caller, scopes: vec![scope.to_owned()], ..Subject::default() }
}

const FOUNDRY: &str = "https://ai.azure.com/.default";
const GRAPH: &str = "https://graph.microsoft.com/.default";

fn decided(text: &str, subject: &Subject) -> String {
    let policy = policy(text);
    policy.decide(subject).rule.to_string()
}

#[test]
fn the_first_rule_that_fits_decides() {
    let text = "allow program=/usr/bin/git\ndeny resource=graph\nallow program=/usr/bin/az script=/x";
    assert_eq!(decided(text, &asking(Some(facts("/usr/bin/git")), GRAPH)), "allow program=/usr/bin/git");
    assert_eq!(decided(text, &asking(Some(facts("/usr/bin/az")), GRAPH)), "deny resource=graph");
    assert_eq!(decided(text, &asking(Some(facts("/usr/bin/az")), FOUNDRY)), "allow", "built in");
}

#[test]
fn what_is_not_known_lets_nobody_in_and_nobody_off() {
    let text = "allow program=/usr/bin/git\nask agent\ndeny forwarded resource=graph\ndeny unit=x";
    assert_eq!(decided(text, &asking(None, GRAPH)), "deny forwarded resource=graph");
    assert_eq!(decided(text, &asking(None, FOUNDRY)), "deny unit=x");
}

#[rstest]
#[case("allow program=/usr/bin/*\ndeny", "deny")]
#[case("allow program=!/usr/bin/git\ndeny", "deny")]
#[case("allow hash=!sha256:0000000000000000000000000000000000000000000000000000000000000000\ndeny", "deny")]
#[case("allow program=/usr/bin/* script=/opt/az\ndeny", "allow program=/usr/bin/* script=/opt/az")]
#[case("allow !forwarded\ndeny", "allow !forwarded")]
#[case("deny program=/usr/bin/*", "deny program=/usr/bin/*")]
fn an_interpreter_is_never_trusted_as_itself(#[case] text: &str, #[case] rule: &str) {
    let program_hash = Some([1; 32]);
    let python = Facts { script: Some("/opt/az".into()), program_hash, ..facts("/usr/bin/python3.12") };
    assert_eq!(decided(text, &asking(Some(python), GRAPH)), rule);
}

#[test]
fn nothing_of_a_caller_is_looked_up_where_no_rule_needs_it() {
    let seen = |text: &str, scope: &str| {
        let policy = policy(text);
        policy.decide_unseen(&asking(None, scope)).map(|placed| placed.rule.to_string())
    };
    let text = "deny forwarded resource=graph\nallow";
    assert_eq!(seen(text, FOUNDRY), Ok("allow".to_owned()));
    assert_eq!(seen(text, GRAPH), Err(Wants::Place));
    assert_eq!(seen("deny resource=graph\ndeny forwarded", GRAPH), Ok("deny resource=graph".to_owned()));
    let hash = format!("deny container\nallow hash=sha256:{} resource=graph", "0".repeat(64));
    assert_eq!(seen(&hash, GRAPH), Err(Wants::Hash));
    assert_eq!(seen(&hash, FOUNDRY), Err(Wants::Place));
    assert_eq!(seen("deny unit=x\ndeny agent", GRAPH), Err(Wants::Program));
    assert_eq!(seen("deny resource=arm", GRAPH), Err(Wants::Place), "the built-in ones");
    assert_eq!(seen("deny resource=arm", FOUNDRY), Ok("allow".to_owned()));
}

#[test]
fn rules_that_cannot_be_read_shut_whatever_no_rule_before_them_decides() {
    let managed = Source::Managed("/m.toml:1".to_owned());
    let parts = [
        PolicyPart::Lines(Setting { value: vec!["allow resource=foundry".to_owned()], source: managed }),
        PolicyPart::Unread {
            layer: Layer::User,
            place: "/u.toml".to_owned(),
            reason: "/u.toml:1: it is bad.".to_owned(),
        },
    ];
    let policy = Policy::of(&parts).unwrap();
    assert_eq!(policy.decide(&asking(None, FOUNDRY)).number, 1);
    let shut = policy.decide(&asking(None, GRAPH));
    assert_eq!((shut.number, shut.rule.effect), (2, Effect::Deny));
    let answer = policy.answer();
    assert_eq!(answer.faults[0].what, "/u.toml:1: it is bad.");
    assert_eq!(answer.rules.iter().map(|rule| rule.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(answer.rules[1].instead_of.as_deref(), Some("/u.toml:1: it is bad."));
    assert_eq!(answer.rules[0].line, Some(1));
}

#[test]
fn a_bad_rule_refuses_its_whole_text_with_all_that_is_wrong() {
    let source = Source::Managed("/m.toml:7".to_owned());
    let value = vec!["allow".to_owned(), "alow".to_owned(), "deny x".to_owned()];
    let error = Policy::of(&[PolicyPart::Lines(Setting { value, source })]).unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("/m.toml:7: `policy` cannot be used: line 2, column 1: `alow`"), "{told}");
    assert!(told.contains(" line 3, column 6: There is no condition `x`"), "{told}");
}

#[test]
fn whoever_wrote_nothing_has_what_is_built_in() {
    for rules in [Policy::of(&[]).unwrap(), policy("# nothing yet\n")] {
        assert_eq!(rules.rules, Policy::default().rules);
        assert!(rules.rules.iter().all(|placed| !placed.is_written()));
    }
}
