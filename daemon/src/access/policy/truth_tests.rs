//! What holds, what does not, and what is not known.

use rstest::rstest;

use super::*;
use crate::access::policy::subject::Account;

const HOME: &str = "99999999-8888-7777-6666-555555555555";

pub(super) fn facts() -> Facts {
    Facts {
        program: Some("/usr/bin/git".into()),
        program_hash: Some([0xa1; 32]),
        script: None,
        parents: vec!["/usr/bin/make".into(), "/usr/bin/bash".into()],
        are_all_parents: true,
        unit: Some("backup.service".to_owned()),
        container: false,
        forwarded: true,
        agent: Some("claude".to_owned()),
        is_agent_unsure: false,
        strength: Strength::Strong,
    }
}

pub(super) fn subject(caller: Option<Facts>, scopes: &[&str]) -> Subject {
    Subject {
        caller,
        lease: Some("claude-code".to_owned()),
        agent: None,
        account: Some(Account {
            id: Some(format!("u.{HOME}")),
            username: Some("Ada@contoso.example".to_owned()),
        }),
        profile: Some("work".to_owned()),
        tenant: Some(Tenant { name: "contoso.example".to_owned(), id: Some(HOME.to_owned()) }),
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
    }
}

pub(super) fn truth(condition: &str, subject: &Subject) -> Truth {
    Condition::parse(condition).unwrap().truth(subject)
}

#[rstest]
#[case("program=/usr/bin/*", Truth::Yes)]
#[case("program=/usr/bin/gi", Truth::No)]
#[case("program=!/usr/bin/git", Truth::No)]
#[case("hash=sha256:a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1A1", Truth::Yes)]
#[case("hash=!sha256:0000000000000000000000000000000000000000000000000000000000000000", Truth::Yes)]
#[case("script=/usr/bin/az", Truth::No)]
#[case("script=!/usr/bin/az", Truth::Yes)]
#[case("parent=/usr/bin/bash", Truth::Yes)]
#[case("parent=/usr/bin/zsh", Truth::No)]
#[case("unit=BACKUP.*", Truth::Yes)]
#[case("container", Truth::No)]
#[case("!container", Truth::Yes)]
#[case("forwarded", Truth::Yes)]
#[case("agent", Truth::Yes)]
#[case("agent=!claude", Truth::No)]
#[case("lease=claude-*", Truth::Yes)]
#[case("!lease", Truth::No)]
#[case("account=*@contoso.example", Truth::Yes)]
#[case("account=u.99999999-*", Truth::Yes)]
#[case("account=eve@contoso.example", Truth::No)]
#[case("domain=@Contoso.example", Truth::Yes)]
#[case("domain=contoso.example.evil", Truth::No)]
#[case("tenant=99999999-8888-7777-6666-555555555555", Truth::Yes)]
#[case("tenant=11111111-8888-7777-6666-555555555555", Truth::No)]
#[case("tenant=contoso.example", Truth::Yes)]
#[case("tenant=contoso.onmicrosoft.com", Truth::Unknown)]
#[case("profile=work", Truth::Yes)]
#[case("resource=foundry", Truth::Yes)]
#[case("resource=https://AI.azure.com/", Truth::Yes)]
#[case("resource=https://*.azure.com", Truth::Yes)]
#[case("resource=graph", Truth::No)]
#[case("resource=!graph", Truth::Yes)]
#[case("scope=https://ai.azure.com/.default", Truth::Yes)]
#[case("scope=*/user_impersonation", Truth::Unknown)]
fn of_what_is_known(#[case] condition: &str, #[case] expected: Truth) {
    let subject = subject(Some(facts()), &["https://ai.azure.com/.default"]);
    assert_eq!(truth(condition, &subject), expected);
}

#[rstest]
#[case("program=/usr/bin/git")]
#[case("program=!/usr/bin/git")]
#[case("hash=sha256:0000000000000000000000000000000000000000000000000000000000000000")]
#[case("script=/usr/bin/az")]
#[case("parent=!/usr/bin/make")]
#[case("unit=backup.service")]
#[case("container")]
#[case("!forwarded")]
fn nothing_of_a_caller_is_known_over_loopback(#[case] condition: &str) {
    assert_eq!(truth(condition, &subject(None, &["a"])), Truth::Unknown);
}

#[test]
fn a_caller_that_cannot_be_told_has_no_program_and_may_be_from_anywhere() {
    let weak = Facts { strength: Strength::Unknown, ..facts() };
    let unknown = subject(Some(weak.clone()), &["a"]);
    for condition in ["program=/usr/bin/git", "parent=/usr/bin/make", "script=/a", "forwarded"] {
        assert_eq!(truth(condition, &unknown), Truth::Unknown, "{condition}");
    }
    assert_eq!(truth("container", &unknown), Truth::No, "it is taken for one on doubt");
    assert_eq!(truth("unit=backup.service", &unknown), Truth::Yes);
}

#[test]
fn only_an_interpreter_has_a_script_that_may_not_be_known() {
    let python = |script: Option<&str>| {
        let program = Some("/usr/bin/python3.12".into());
        subject(Some(Facts { program, script: script.map(Into::into), ..facts() }), &["a"])
    };
    assert_eq!(truth("script=/usr/bin/az", &python(Some("/usr/bin/az"))), Truth::Yes);
    assert_eq!(truth("script=/usr/bin/az", &python(Some("/tmp/az"))), Truth::No);
    assert_eq!(truth("script=/usr/bin/az", &python(None)), Truth::Unknown);
}

#[test]
fn who_lost_its_parents_has_some() {
    let lost = subject(Some(Facts { parents: Vec::new(), ..facts() }), &["a"]);
    assert_eq!(truth("parent=/usr/bin/make", &lost), Truth::Unknown);
}

/// A look that was cut short, or a process above that is closed to us.
#[test]
fn a_parent_above_those_that_are_known_may_be_any() {
    let with = |are_all_parents| subject(Some(Facts { are_all_parents, ..facts() }), &["a"]);
    for (condition, of_all, of_some) in [
        ("parent=/usr/bin/bash", Truth::Yes, Truth::Yes),
        ("parent=/usr/bin/ansible", Truth::No, Truth::Unknown),
        ("parent=!/usr/bin/ansible", Truth::Yes, Truth::Unknown),
    ] {
        assert_eq!(
            (truth(condition, &with(true)), truth(condition, &with(false))),
            (of_all, of_some),
            "{condition}"
        );
    }
}

#[rstest]
#[case(&["User.Read"], "resource=graph", Truth::Unknown)]
#[case(&["00000003-0000-0000-c000-000000000000/.default"], "resource=graph", Truth::Unknown)]
#[case(&["499b84ac-1321-427f-aa17-267ca6975798/.default"], "resource=graph", Truth::No)]
#[case(&["499b84ac-1321-427f-aa17-267ca6975798/.default"], "resource=devops", Truth::Yes)]
#[case(&["https://graph.microsoft.us/.default"], "resource=graph", Truth::Yes)]
#[case(&["api://contoso/read"], "resource=api://contoso", Truth::Yes)]
#[case(&["https://graph.microsoft.com/a", "https://management.azure.com/b"], "resource=graph", Truth::Unknown)]
#[case(&["https://graph.microsoft.com/a", "https://graph.microsoft.com/b"], "resource=!graph", Truth::No)]
#[case(&["https://graph.microsoft.com/Mail.Read"], "scope=*/Mail.*", Truth::Yes)]
#[case(&["https://graph.microsoft.com/User.Read"], "scope=*/Mail.*", Truth::No)]
#[case(&["https://ai.azure.com/.default"], "scope=https://graph.microsoft.com/Mail.*", Truth::No)]
#[case(&["https://graph.microsoft.com/.default"], "scope=https://graph.microsoft.com/Mail.*", Truth::Unknown)]
#[case(&[], "resource=graph", Truth::Unknown)]
fn a_resource_by_another_name_is_not_known(
    #[case] scopes: &[&str],
    #[case] condition: &str,
    #[case] expected: Truth,
) {
    assert_eq!(truth(condition, &subject(None, scopes)), expected);
}

/// Of somebody who says that they are `claude`, and may be none.
#[rstest]
#[case("agent", Truth::Unknown)]
#[case("!agent", Truth::Unknown)]
#[case("agent=claude", Truth::Unknown)]
#[case("agent=!claude", Truth::Unknown)]
#[case("agent=codex", Truth::No)]
#[case("agent=!codex", Truth::Yes)]
fn an_agent_by_its_own_word_may_be_none(#[case] condition: &str, #[case] expected: Truth) {
    let own_word = subject(Some(Facts { is_agent_unsure: true, ..facts() }), &[]);
    assert_eq!(truth(condition, &own_word), expected);
    let of_lease = Subject { agent: Some(("codex".to_owned(), true)), ..own_word };
    let sure = if condition.ends_with("codex") == condition.contains('!') { Truth::No } else { Truth::Yes };
    if condition.contains("codex") {
        assert_eq!(truth(condition, &of_lease), sure, "its lease says so");
    }
}
