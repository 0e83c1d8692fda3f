use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::account::time::Now;
use crate::clock::SystemClock;

/// Stands where it was set, in seconds since boot.
#[derive(Default)]
struct HandClock(AtomicU64);

impl Clock for HandClock {
    fn now(&self) -> Now {
        let since = Duration::from_secs(self.0.load(Ordering::Relaxed));
        Now { boot: since, wall: Duration::from_secs(1_795_200_000) + since }
    }

    fn wait_until(&self, _: Duration) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }

    fn wait_until_set(&self) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

fn agents(folder: Option<PathBuf>) -> Agents {
    Agents::new(Arc::new(SystemClock), folder)
}

fn told(name: &str) -> Label {
    Label { name: name.into(), known_by: AgentMark::Told }
}

fn code(result: Result<(), ErrorBody>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[test]
fn what_a_lease_declares_is_believed_before_a_name_and_that_before_a_word() {
    let agents = agents(None);
    let caller = Caller::ourselves();
    assert_eq!(agents.label(&caller), None);
    let saying = caller.clone().saying(Some("Codex"));
    assert_eq!(agents.label(&saying), Some(told("codex")));
    assert_eq!(agents.label(&caller.clone().saying(Some("two words"))), Some(told("agent")));
    let pid = std::process::id();
    agents.declare((pid, process::mark(pid).unwrap() ^ 1), "other", AgentMark::Declared);
    assert_eq!(agents.label(&saying), Some(told("codex")), "a later process of its number is not it");
    agents.declare((pid, process::mark(pid).unwrap()), "mybot", AgentMark::Declared);
    let declared = Label { name: "mybot".into(), known_by: AgentMark::Declared };
    assert_eq!(agents.label(&saying), Some(declared));
}

#[test]
fn whoever_is_stopped_stays_so_over_a_restart_until_somebody_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let new = || agents(Some(folder.path().to_owned()));
    let first = new();
    first.stop(Some("claude")).unwrap();
    assert_eq!(code(first.admit(&told("claude"))), Some(ErrorCode::Refused));
    assert_eq!(code(first.spend(&told("claude"))), Some(ErrorCode::Refused));
    assert_eq!(code(first.admit(&told("codex"))), None);
    let second = new();
    assert!(second.is_any_stopped() && second.must_not_be_stopped("claude").is_err());
    second.stop(None).unwrap();
    assert_eq!(code(second.admit(&told("codex"))), Some(ErrorCode::Refused));
    let third = new();
    let error = third.resume(Some("codex")).unwrap_err();
    assert!(error.code == ErrorCode::NotFound && error.message.contains("Every"), "{error:?}");
    third.resume(None).unwrap();
    assert!(!third.is_any_stopped() && !new().is_any_stopped());
    assert_eq!(code(third.admit(&told("claude"))), None);
    assert_eq!(code(third.resume(Some("claude"))), Some(ErrorCode::NotFound));
}

#[test]
fn what_cannot_be_noted_is_stopped_all_the_same_and_not_let_go() {
    let folder = tempfile::tempdir().unwrap();
    // A folder in the note's place.
    std::fs::create_dir(folder.path().join("agents-stopped")).unwrap();
    let agents = agents(Some(folder.path().to_owned()));
    for result in [agents.resume(None), agents.stop(Some("claude")), agents.resume(Some("claude"))] {
        assert_eq!(code(result), Some(ErrorCode::Internal));
        assert!(agents.must_not_be_stopped("claude").is_err());
    }
}

#[test]
fn each_has_a_budget_of_its_own_and_is_told_when_there_is_more() {
    let clock = Arc::new(HandClock::default());
    let agents = Agents::new(Arc::clone(&clock) as Arc<dyn Clock>, None);
    agents.allow(Setting::built_in(2));
    for _ in 0..2 {
        assert_eq!(code(agents.spend(&told("claude"))), None);
    }
    let error = agents.admit(&told("claude")).unwrap_err();
    assert_eq!((error.code, error.retry_after), (ErrorCode::Throttled, Some(3660)));
    assert!(error.message.contains("the 2 tokens") && error.hint.unwrap().contains("agent_budget"));
    assert_eq!(code(agents.spend(&told("codex"))), None);
    clock.0.store(3660, Ordering::Relaxed);
    assert_eq!(code(agents.spend(&told("claude"))), None);
    agents.allow(Setting::built_in(0));
    assert_eq!(code(agents.admit(&told("new"))), Some(ErrorCode::Throttled));
}

#[test]
fn all_are_listed_and_names_of_their_own_choice_have_an_end() {
    let agents = agents(None);
    agents.spend(&told("claude")).unwrap();
    agents.stop(Some("codex")).unwrap();
    let leases = [("mybot".to_owned(), vec!["0123456789ab".to_owned()])].into();
    let answer = agents.answer(leases);
    let names: Vec<&str> = answer.agents.iter().map(|agent| agent.name.as_str()).collect();
    assert_eq!(names, ["claude", "codex", "mybot"]);
    let [claude, codex, mybot] = &answer.agents[..] else { panic!("{answer:?}") };
    assert_eq!((claude.known_by, claude.tokens, claude.is_stopped), (Some(AgentMark::Told), 1, false));
    assert!(claude.seen_on.is_some() && codex.is_stopped && mybot.leases == ["0123456789ab"]);
    assert_eq!((answer.budget, answer.all_stopped), (AGENT_BUDGET, false));
    for number in 0..2 * MOST_AGENTS {
        agents.spend(&told(&format!("bot-{number}"))).unwrap();
    }
    let answer = agents.answer(BTreeMap::new());
    let others = answer.agents.iter().find(|agent| agent.name == OTHERS).unwrap();
    assert!(answer.agents.len() <= MOST_AGENTS + 2 && others.tokens as usize > MOST_AGENTS - 2, "{answer:?}");
    for number in 0..MOST_AGENTS {
        agents.stop(Some(&format!("bot-{number}"))).unwrap();
    }
    assert!(agents.must_not_be_stopped("anybody").is_err(), "somebody was in a hurry");
}
