//! What is said of the rules that decide and of those that do not.

use rstest::rstest;

use super::*;
use crate::access::policy::tests::{asking, facts as caller, policy};

const GRAPH: &str = "https://graph.microsoft.com/.default";

#[rstest]
#[case("allow program=/usr/bin/az", "It is not known that `program=/usr/bin/az` holds")]
#[case(
    "allow resource=foundry",
    "`resource=foundry` does not hold: resource is https://graph.microsoft.com/.default."
)]
fn each_rule_before_it_says_why_not(#[case] rule: &str, #[case] expected: &str) {
    let answer = policy(&format!("{rule}\ndeny")).explained(&asking(None, GRAPH));
    assert_eq!(answer.rule.text, "deny");
    assert!(answer.passed_over[0].why.contains(expected), "{:?}", answer.passed_over);
    assert_eq!(answer.weakness.as_deref(), Some("Nothing is known of who asks."));
}

#[test]
fn an_interpreter_is_told_of() {
    let answer =
        policy("allow program=/usr/bin/*\ndeny").explained(&asking(Some(caller("/usr/bin/node")), GRAPH));
    let why = &answer.passed_over[0].why;
    assert!(why.contains("/usr/bin/node") && why.contains("add `script=` or `parent=`"), "{why}");
}

#[test]
fn the_rule_that_decides_says_why_it_fits() {
    let why = |text: &str, facts: Option<Facts>| policy(text).explained(&asking(facts, GRAPH)).why;
    assert_eq!(why("deny resource=graph", None), "All of its conditions hold.");
    assert_eq!(why("", Some(caller("/usr/bin/git"))), "It has no condition.");
    let unknown = why("deny forwarded", None);
    assert_eq!(unknown, "It is not known that `forwarded` does not hold: forwarded is not known.");
}

#[tokio::test]
async fn a_caller_may_be_thought_up() {
    let gatekeeper = Gatekeeper::alone(policy("deny agent=claude resource=graph"));
    let thought_up = CallerFacts { agent: Some("claude".to_owned()), ..CallerFacts::default() };
    let asked = |caller: Option<CallerFacts>, over_loopback| ExplainRequest {
        caller,
        over_loopback,
        resource: Some("graph".to_owned()),
        account: Some("ada@contoso.example".to_owned()),
        ..ExplainRequest::default()
    };
    let explain = async |asked: ExplainRequest| {
        gatekeeper.explain(&asked, Subject::by_its_words(&asked), &Caller::ourselves()).await.unwrap()
    };
    assert_eq!(explain(asked(Some(thought_up), false)).await.rule.number, 1);
    let ours = explain(asked(None, false)).await;
    assert_eq!((ours.rule.number, ours.rule.text.as_str()), (5, "allow"));
    let value = |answer: &ExplainAnswer, name: &str| {
        answer.facts.iter().find(|fact| fact.name == name).unwrap().value.clone()
    };
    assert!(value(&ours, "program").is_some());
    assert_eq!(value(&ours, "domain").as_deref(), Some("contoso.example"));
    let over_loopback = explain(asked(None, true)).await;
    assert_eq!(value(&over_loopback, "program"), None);
}

#[tokio::test]
async fn a_hash_that_is_none_is_refused() {
    let gatekeeper = Gatekeeper::alone(Policy::default());
    let caller = CallerFacts { hash: Some("md5:1".to_owned()), ..CallerFacts::default() };
    let asked = ExplainRequest { caller: Some(caller), ..ExplainRequest::default() };
    let error =
        gatekeeper.explain(&asked, Subject::by_its_words(&asked), &Caller::ourselves()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::BadRequest);
}
