//! What holds for all rules and all callers.

use entra_proto::policy::Effect;
use proptest::prelude::*;
use proptest::sample::select;

use super::parse::parse;
use super::tests::policy;
use super::{Account, Subject, Tenant, Wants};
use crate::access::facts::{Facts, Strength};
use crate::access::interpreter::is_interpreter;

const PROGRAMS: [&str; 3] = ["/usr/bin/git", "/usr/bin/python3", "/opt/tool/run"];
const HASHES: [u8; 2] = [0xa1, 0x00];
const ID: &str = "99999999-8888-7777-6666-555555555555";
const SCOPES: [&str; 5] = [
    "https://graph.microsoft.com/.default",
    "https://ai.azure.com/.default",
    "api://one/read",
    "User.Read",
    "00000003-0000-0000-c000-000000000000/.default",
];

fn condition() -> impl Strategy<Value = String> {
    let text = |choices: &'static [&'static str]| select(choices).prop_map(str::to_owned);
    let hash =
        select(HASHES.to_vec()).prop_map(|byte| format!("hash=sha256:{}", format!("{byte:02x}").repeat(32)));
    let plain = text(&[
        "program=/usr/bin/git",
        "program=/usr/bin/*",
        "program=/opt/**",
        "program=\"/opt/my tool/run\"",
        "script=/usr/bin/az",
        "parent=/usr/bin/make",
        "unit=a.service",
        "agent=claude",
        "lease=claude-*",
        "account=*@contoso.example",
        "domain=contoso.example",
        "tenant=99999999-8888-7777-6666-555555555555",
        "profile=work",
        "resource=graph",
        "resource=foundry",
        "resource=api://one",
        "scope=*/read",
    ]);
    let valued = (prop_oneof![4 => plain, 1 => hash], any::<bool>()).prop_map(|(condition, is_negated)| {
        if is_negated { condition.replacen('=', "=!", 1) } else { condition }
    });
    let flag =
        text(&["container", "!container", "forwarded", "!forwarded", "agent", "!agent", "lease", "!lease"]);
    prop_oneof![3 => valued, 1 => flag]
}

/// A rule that the checker takes.
fn rule() -> impl Strategy<Value = String> {
    let effect = select(Effect::ALL.to_vec()).prop_map(Effect::word);
    let rule = (effect, prop::collection::vec(condition(), 0..4))
        .prop_map(|(effect, conditions)| [vec![effect.to_owned()], conditions].concat().join(" "));
    rule.prop_filter("it says less than it seems to", |rule| parse([rule.as_str()]).is_ok())
}

fn rules() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(rule(), 0..8)
}

fn facts() -> impl Strategy<Value = Facts> {
    let strength = prop_oneof![
        3 => Just(Strength::Strong),
        1 => Just(Strength::Weak("A reason.".to_owned())),
        1 => Just(Strength::Unknown),
    ];
    (
        prop::option::of(select(PROGRAMS.to_vec())),
        prop::option::of(select(HASHES.to_vec())),
        prop::option::of(select(vec!["/usr/bin/az", "/tmp/az"])),
        (prop::collection::vec(select(vec!["/usr/bin/make", "/usr/bin/bash"]), 0..3), any::<bool>()),
        prop::option::of(select(vec!["a.service", "b.service"])),
        (any::<bool>(), any::<bool>()),
        prop::option::of((select(vec!["claude", "other"]), any::<bool>())),
        strength,
    )
        .prop_map(
            |(
                program,
                hash,
                script,
                (parents, are_all_parents),
                unit,
                (container, forwarded),
                agent,
                strength,
            )| {
                Facts {
                    program: program.map(Into::into),
                    program_hash: hash.map(|byte| [byte; 32]),
                    script: script.map(Into::into),
                    parents: parents.into_iter().map(Into::into).collect(),
                    are_all_parents,
                    unit: unit.map(str::to_owned),
                    container,
                    forwarded,
                    agent: agent.map(|(name, _)| name.to_owned()),
                    is_agent_unsure: agent.is_some_and(|(_, is_unsure)| is_unsure),
                    strength,
                }
            },
        )
}

fn subject() -> impl Strategy<Value = Subject> {
    let username = prop::option::of(select(vec!["ada@contoso.example", "eve@fabrikam.example"]));
    (
        prop::option::of(facts()),
        prop::option::of(select(vec!["claude-code", "git"])),
        prop::option::of(username),
        prop::option::of(select(vec!["work", "default"])),
        prop::option::of(prop::option::of(Just(ID))),
        prop::collection::vec(select(SCOPES.to_vec()), 0..3),
    )
        .prop_map(|(caller, lease, username, profile, tenant, scopes)| Subject {
            caller,
            lease: lease.map(str::to_owned),
            agent: None,
            account: username.map(|username| Account { id: None, username: username.map(str::to_owned) }),
            profile: profile.map(str::to_owned),
            tenant: tenant.map(|id| Tenant { name: "contoso.example".to_owned(), id: id.map(str::to_owned) }),
            scopes: scopes.into_iter().map(str::to_owned).collect(),
        })
}

/// Each way to forget one thing that is known, and a label that its bearer chose itself. That there is no lease and no label of an agent is known always.
fn forgettings(subject: &Subject) -> Vec<Subject> {
    let mut less = vec![
        Subject { account: None, ..subject.clone() },
        Subject { profile: None, ..subject.clone() },
        Subject { tenant: None, ..subject.clone() },
        Subject { scopes: Vec::new(), ..subject.clone() },
    ];
    if let Some(tenant) = &subject.tenant {
        less.push(Subject { tenant: Some(Tenant { id: None, ..tenant.clone() }), ..subject.clone() });
    }
    if let Some(facts) = &subject.caller {
        let forgotten = [
            Facts { program: None, ..facts.clone() },
            Facts { program_hash: None, ..facts.clone() },
            Facts { parents: Vec::new(), are_all_parents: false, ..facts.clone() },
            Facts {
                parents: facts.parents.iter().take(1).cloned().collect(),
                are_all_parents: false,
                ..facts.clone()
            },
            Facts { are_all_parents: false, ..facts.clone() },
            Facts { unit: None, ..facts.clone() },
            Facts { strength: Strength::Unknown, ..facts.clone() },
            Facts { is_agent_unsure: facts.agent.is_some(), ..facts.clone() },
        ];
        less.extend(forgotten.map(|facts| Subject { caller: Some(facts), ..subject.clone() }));
        // Another program runs no script, which is known with the program.
        if facts.program.as_deref().is_some_and(is_interpreter) {
            let facts = Facts { script: None, ..facts.clone() };
            less.push(Subject { caller: Some(facts), ..subject.clone() });
        }
        // To say that one is an agent never gets one anything, whatever name one chooses.
        if facts.agent.is_none() {
            for agent in ["claude", "other"] {
                let facts = Facts { agent: Some(agent.to_owned()), is_agent_unsure: true, ..facts.clone() };
                less.push(Subject { caller: Some(facts), ..subject.clone() });
            }
            less.push(Subject { caller: None, ..subject.clone() });
        }
    }
    less
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_of_a_rule_is_that_rule(rule in rule()) {
        let parsed = parse([rule.as_str()]).unwrap();
        let written = parsed[0].1.to_string();
        let again = parse([written.as_str()]).unwrap();
        prop_assert_eq!(&again, &parsed);
        prop_assert_eq!(again[0].1.to_string(), written);
    }

    #[test]
    fn no_text_is_too_much_for_the_reader(text in "\\PC{0,80}") {
        if let Ok(rules) = parse([text.as_str()]) {
            let written: Vec<_> = rules.iter().map(|(_, rule)| rule.to_string()).collect();
            prop_assert!(parse(written.iter().map(String::as_str)).is_ok(), "{:?}", written);
        }
    }

    #[test]
    fn an_allow_after_a_refusal_changes_nothing(rules in rules(), more in rule(), subject in subject()) {
        let before = policy(&rules.join("\n"));
        let refuses = before.decide(&subject);
        if refuses.is_written() && refuses.rule.effect == Effect::Deny {
            let after = policy(&[rules.clone(), vec![more.replacen("deny", "allow", 1)]].concat().join("\n"));
            prop_assert_eq!(after.decide(&subject), refuses);
        }
    }

    #[test]
    fn what_is_forgotten_never_turns_a_refusal_into_a_pass(rules in rules(), subject in subject()) {
        let policy = policy(&rules.join("\n"));
        let passes = |subject: &Subject| policy.decide(subject).rule.effect == Effect::Allow;
        if !passes(&subject) {
            for less in forgettings(&subject) {
                prop_assert!(!passes(&less), "{:?}\n{:?}\n{:?}", rules, subject, less);
            }
        }
    }

    #[test]
    fn what_is_decided_unseen_is_what_is_decided(rules in rules(), subject in subject()) {
        let policy = policy(&rules.join("\n"));
        let unseen = Subject { caller: None, ..subject.clone() };
        match policy.decide_unseen(&unseen) {
            Ok(placed) => prop_assert_eq!(placed, policy.decide(&subject)),
            // Of who is from here nothing matters then but whether it is an agent.
            Err(Wants::Place) => if let Some(facts) = &subject.caller {
                let here = Facts { container: false, forwarded: false, ..facts.clone() };
                let (agent, is_agent_unsure) = (here.agent.clone(), here.is_agent_unsure);
                let glanced = Facts { agent, is_agent_unsure, ..Facts::of_nobody() };
                let seen = Subject { caller: Some(here), ..subject.clone() };
                let glanced = Subject { caller: Some(glanced), ..subject.clone() };
                prop_assert_eq!(policy.decide(&glanced), policy.decide(&seen));
            },
            Err(_) => {}
        }
    }
}
