use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::clock::SystemClock;
use crate::vault::{HomeKind, StoreChoice, VaultOptions};

fn vault() -> Vault {
    Vault::new(VaultOptions {
        state_dir: std::path::PathBuf::new(),
        choice: StoreChoice::Pinned(HomeKind::Memory),
        passphrase: None,
    })
}

fn leases(vault: &Vault) -> Leases {
    Leases::new(vault.clone(), Arc::new(SystemClock))
}

fn request(name: &str) -> LeaseRequest {
    LeaseRequest { name: name.to_owned(), resources: vec!["foundry".to_owned()], ..LeaseRequest::default() }
}

async fn names(leases: &Leases) -> Vec<String> {
    leases.list().await.unwrap().leases.into_iter().map(|lease| lease.name).collect()
}

#[tokio::test]
async fn a_lease_admits_who_has_its_secret_also_after_a_restart() {
    let vault = vault();
    let before = leases(&vault);
    let (info, secret) = before.make(request("claude-code"), None, None).await.unwrap();
    assert_eq!((info.name.as_str(), info.uses, info.used_on), ("claude-code", 0, None));
    assert_eq!(before.admit(&secret, Presented::Apart).await.unwrap().name(), "claude-code");
    let after = leases(&vault);
    assert_eq!(after.admit(&secret, Presented::Apart).await.unwrap().name(), "claude-code");
    let listed = after.list().await.unwrap();
    assert_eq!((listed.leases[0].uses, listed.strangers), (1, 0));
    assert!(listed.leases[0].used_on.is_some());
    assert!(
        !format!("{:?}", after.vault.leases().await.unwrap()).contains(secret.expose()),
        "a digest alone is kept"
    );
}

#[tokio::test]
async fn a_wrong_secret_is_counted_and_changes_nothing() {
    let leases = leases(&vault());
    let (_, secret) = leases.make(request("one"), None, None).await.unwrap();
    let (_, foreign, _) = issue().unwrap();
    let mut forged = secret.expose().to_owned();
    let last = forged.pop().unwrap();
    forged.push(if last == '0' { '1' } else { '0' });
    for wrong in [foreign, LeaseSecret::new(forged), LeaseSecret::new(String::new())] {
        let error = leases.admit(&wrong, Presented::Apart).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Refused, "{error:?}");
    }
    let listed = leases.list().await.unwrap();
    assert_eq!((listed.strangers, listed.leases[0].uses), (3, 0));
    assert!(leases.admit(&secret, Presented::Apart).await.is_ok());
}

#[tokio::test]
async fn what_is_revoked_is_void_at_once_and_for_good() {
    let vault = vault();
    let first = leases(&vault);
    let (info, by_id) = first.make(request("one"), None, None).await.unwrap();
    let (_, by_name) = first.make(request("two"), None, None).await.unwrap();
    let (_, kept) = first.make(request("three"), None, None).await.unwrap();
    first.revoke(&info.id).await.unwrap();
    first.revoke("two").await.unwrap();
    assert_eq!(first.revoke("two").await.unwrap_err().code, ErrorCode::NotFound);
    for leases in [first, leases(&vault)] {
        assert!(
            leases.admit(&by_id, Presented::Apart).await.is_err()
                && leases.admit(&by_name, Presented::Apart).await.is_err()
        );
        assert!(leases.admit(&kept, Presented::Apart).await.is_ok());
        assert_eq!(names(&leases).await, ["three"]);
    }
}

#[tokio::test]
async fn what_is_void_on_disk_is_void_also_when_whoever_asked_hangs_up_meanwhile() {
    let leases = leases(&vault());
    let (_, secret) = leases.make(request("one"), None, None).await.unwrap();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let (let_go, go) = std::sync::mpsc::channel();
    let revocation = leases.write(move |held| {
        begin.send(()).unwrap();
        go.recv().unwrap();
        held.clear();
    });
    tokio::select! {
        biased;
        ended = revocation => panic!("{ended:?}"),
        begun = begun => begun.unwrap(),
    }
    let_go.send(()).unwrap();
    assert!(leases.admit(&secret, Presented::Apart).await.is_err());
    assert!(names(&leases).await.is_empty());
}

#[tokio::test]
async fn one_of_the_same_name_takes_the_place_of_the_old_one() {
    let leases = leases(&vault());
    let (_, old) = leases.make(request("claude-code"), None, None).await.unwrap();
    let bound = LeaseRequest { process: Some(std::process::id()), ..request("claude-code") };
    let (_, of_a_process) = leases.make(bound, None, None).await.unwrap();
    assert!(leases.admit(&old, Presented::Apart).await.is_ok(), "one of a process stands beside it");
    let (_, new) = leases.make(request("claude-code"), None, None).await.unwrap();
    assert!(leases.admit(&old, Presented::Apart).await.is_err());
    assert!(
        leases.admit(&new, Presented::Apart).await.is_ok()
            && leases.admit(&of_a_process, Presented::Apart).await.is_ok()
    );
}

#[tokio::test]
async fn a_lease_ends_at_its_time() {
    let leases = leases(&vault());
    let soon = LeaseRequest { expires_in: Some(0), ..request("soon") };
    let (_, secret) = leases.make(soon, None, None).await.unwrap();
    let error = leases.admit(&secret, Presented::Apart).await.unwrap_err();
    assert!(error.message.contains("`soon` is over"), "{error:?}");
    assert!(names(&leases).await.is_empty());
}

#[tokio::test]
async fn it_is_told_when_a_lease_ended() {
    let leases = leases(&vault());
    let soon = LeaseRequest { expires_in: Some(60), ..request("soon") };
    let (info, _) = leases.make(soon, None, None).await.unwrap();
    let told = |now: u64, longest: Option<u64>| {
        leases.state().leases.values().next().unwrap().ending(info.made_on + now, longest)
    };
    let at = |second: u64| {
        let end = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(info.made_on + second));
        format!("{} ended at {end}; it is forgotten now.", info.id)
    };
    assert_eq!(told(3600, None), at(60), "long ago");
    assert_eq!(told(3600, Some(u64::MAX)), at(60));
    assert_eq!(told(3600, Some(10)), at(10), "by an administrator's bound");
    assert!(told(59, None).contains("ended with its process;"), "there is nothing else");
}

#[tokio::test]
async fn a_lease_of_a_process_ends_with_it() {
    let leases = leases(&vault());
    // Waits for its input to end.
    let program = if cfg!(windows) { "cmd" } else { "cat" };
    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let bound = LeaseRequest { process: Some(child.id()), ..request("run") };
    let (_, secret) = leases.make(bound.clone(), None, None).await.unwrap();
    assert!(leases.admit(&secret, Presented::Apart).await.is_ok());
    child.kill().unwrap();
    // Also while nobody has asked for its status.
    let ended = async {
        while leases.admit(&secret, Presented::Apart).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("it ends with its process");
    child.wait().unwrap();
    assert!(leases.make(bound, None, None).await.unwrap_err().message.contains("no process"));
    assert!(names(&leases).await.is_empty());
}

#[tokio::test]
async fn there_is_a_most_and_those_that_are_over_do_not_count() {
    let leases = leases(&vault());
    leases.make(LeaseRequest { expires_in: Some(0), ..request("over") }, None, None).await.unwrap();
    for number in 0..MAX_LEASES {
        leases.make(request(&format!("lease-{number}")), None, None).await.unwrap();
    }
    let error = leases.make(request("one-more"), None, None).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Refused);
    assert!(error.hint.unwrap().contains("entra lease revoke"));
    assert_eq!(leases.vault.leases().await.unwrap().len(), MAX_LEASES);
}

#[tokio::test]
async fn a_secret_in_a_path_is_taken_only_where_the_lease_was_made_for_it() {
    let leases = leases(&vault());
    let (_, usual) = leases.make(request("usual"), None, None).await.unwrap();
    let (info, made_for_it) =
        leases.make(LeaseRequest { in_path: true, ..request("terraform") }, None, None).await.unwrap();
    assert!(info.in_path);
    let error = leases.admit(&usual, Presented::InPath).await.unwrap_err();
    assert!(error.message.contains("may not stand in a path"), "{error:?}");
    assert!(leases.admit(&made_for_it, Presented::InPath).await.is_ok());
    assert!(leases.admit(&made_for_it, Presented::Apart).await.is_ok());
}

#[tokio::test]
async fn a_bound_ends_leases_that_stand_and_its_end_brings_them_back() {
    let leases = leases(&vault());
    let (_, secret) = leases.make(request("one"), None, None).await.unwrap();
    leases.bound(Some(Duration::ZERO));
    assert_eq!(leases.admit(&secret, Presented::Apart).await.unwrap_err().code, ErrorCode::Refused);
    assert!(names(&leases).await.is_empty());
    leases.bound(Some(Duration::from_secs(3600)));
    assert!(leases.admit(&secret, Presented::Apart).await.is_ok());
    leases.bound(None);
    assert_eq!(names(&leases).await, ["one"]);
}

#[tokio::test]
async fn the_leases_of_agents_end_together_and_what_they_said_of_processes_stays() {
    let (vault, own) = (vault(), std::process::id());
    let agents = Agents::new(Arc::new(SystemClock), None);
    let first = leases(&vault);
    let of =
        |name: &str, agent: Option<&str>| LeaseRequest { agent: agent.map(str::to_owned), ..request(name) };
    let (_, kept) = first.make(of("none", None), None, None).await.unwrap();
    let (info, of_claude) = first.make(of("one", Some("Claude")), None, None).await.unwrap();
    assert_eq!(info.agent.as_deref(), Some("claude"));
    first.make(of("two", Some("codex")), None, None).await.unwrap();
    let bound = LeaseRequest { process: Some(own), ..of("run", Some("claude")) };
    first.make(bound, None, None).await.unwrap();
    // The next daemon finds out by the vault.
    let second = leases(&vault).minding(agents.clone());
    let us = crate::access::caller::Caller::ourselves();
    assert_eq!(agents.label(&us), None);
    second.know_agents().await;
    assert_eq!(agents.label(&us).map(|label| label.name.to_string()).as_deref(), Some("claude"));
    let admitted = second.admit(&of_claude, Presented::Apart).await.unwrap();
    assert_eq!(admitted.agent(), Some(("claude", AgentMark::Declared)));
    let mut ended = second.revoke_of_agents(Some("claude")).await.unwrap();
    ended.sort();
    assert_eq!(ended, ["one", "run"]);
    assert!(second.admit(&of_claude, Presented::Apart).await.is_err());
    assert!(agents.label(&us).is_some(), "the process is what it was");
    assert_eq!(second.revoke_of_agents(None).await.unwrap(), ["two"]);
    assert!(second.revoke_of_agents(None).await.unwrap().is_empty());
    assert!(second.admit(&kept, Presented::Apart).await.is_ok());
}

#[tokio::test]
async fn a_lease_of_a_detected_agent_is_no_surer_than_its_label() {
    let (vault, own) = (vault(), std::process::id());
    let agents = Agents::new(Arc::new(SystemClock), None);
    let bound = LeaseRequest { process: Some(own), agent: Some("claude".to_owned()), ..request("run") };
    let made = leases(&vault).make_known_by(Some(AgentMark::Named), bound, None, None).await;
    let (_, secret) = made.unwrap();
    // Over a restart too.
    let next = leases(&vault).minding(agents.clone());
    let admitted = next.admit(&secret, Presented::Apart).await.unwrap();
    assert_eq!(admitted.agent(), Some(("claude", AgentMark::Named)));
    let label = agents.label(&crate::access::caller::Caller::ourselves()).unwrap();
    assert_eq!((&*label.name, label.known_by), ("claude", AgentMark::Named));
}
