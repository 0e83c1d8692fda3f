//! Requests at the gate.

use entra_proto::scope::Scopes;
use rstest::rstest;

use super::super::ask::Answer;
use super::*;
use crate::access::policy::tests::policy;
use crate::account::key::AccountKey;

/// What is decided about a request of this asker for these scopes.
async fn passed(gatekeeper: &Gatekeeper, asker: &Asker, scope: &str) -> Result<Option<Arc<str>>, ErrorBody> {
    let key = AccountKey { profile: "default".to_owned(), account: "u.t".parse().unwrap() };
    let scopes = Scopes::new([scope]).unwrap();
    let wish = Wish { key: &key, username: "ada@contoso.example", tenant: "organizations", scopes: &scopes };
    match gatekeeper.pass(asker, &wish) {
        Passage::Open(rule) => Ok(rule),
        Passage::Shut(error) => Err(*error),
        Passage::Wait(decision) => decision.await,
    }
}

fn ourselves() -> Asker {
    Asker::Caller(Caller::ourselves())
}

const GRAPH: &str = "https://graph.microsoft.com/.default";

#[tokio::test]
async fn what_passes_and_what_does_not_names_the_rule() {
    let gatekeeper = Gatekeeper::alone(policy("allow lease=claude\ndeny resource=graph"));
    let lent = Asker::Lease("claude".to_owned());
    let rule = passed(&gatekeeper, &lent, GRAPH).await.unwrap();
    assert_eq!(rule.as_deref(), Some("`allow lease=claude` (/u.toml:3, line 1)"));
    let error = passed(&gatekeeper, &ourselves(), GRAPH).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Refused);
    assert_eq!(error.rule.as_deref(), Some("`deny resource=graph` (/u.toml:3, line 2)"));
    assert!(error.message.contains("`deny resource=graph`"), "{error:?}");
    assert!(error.hint.unwrap().contains("`entra policy explain`"));
    assert_eq!(passed(&gatekeeper, &ourselves(), "api://x/read").await.unwrap(), None, "nobody's rule");
}

#[rstest]
#[case("deny")]
#[case("deny program=/nobody")]
#[case("ask")]
#[tokio::test]
async fn the_daemon_itself_asks_nobody_and_who_is_not_known_is_not_the_daemon(#[case] text: &str) {
    let gatekeeper = Gatekeeper::alone(policy(text));
    assert!(passed(&gatekeeper, &Asker::Ourselves, GRAPH).await.is_ok());
    assert!(passed(&gatekeeper, &Asker::Unknown, GRAPH).await.is_err());
}

#[tokio::test]
async fn a_caller_is_looked_at_where_a_rule_needs_that() {
    let program = std::env::current_exe().unwrap();
    let text = format!("allow program=\"{}\" resource=graph\ndeny resource=graph", program.display());
    let gatekeeper = Gatekeeper::alone(policy(&text));
    assert!(passed(&gatekeeper, &ourselves(), GRAPH).await.unwrap().is_some());
    assert!(passed(&gatekeeper, &Asker::Lease("x".to_owned()), GRAPH).await.is_err());
}

#[tokio::test]
async fn without_somebody_to_ask_it_is_refused_with_the_way_out() {
    let gatekeeper = Gatekeeper::alone(policy("ask resource=graph"));
    let error = passed(&gatekeeper, &ourselves(), GRAPH).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Refused);
    assert!(error.message.contains("`ask resource=graph`"), "{error:?}");
    assert!(error.rule.is_some());
    let hint = error.hint.unwrap();
    let program = std::env::current_exe().unwrap();
    let granted =
        format!("You can grant it in advance: `allow program=\"{}\" resource=graph`", program.display());
    assert!(hint.contains("`entra policy explain`") && hint.contains(&granted), "{hint}");
}

#[tokio::test]
async fn a_persons_word_decides_where_it_can_be_had() {
    struct Somebody(bool);
    impl Ask for Somebody {
        fn ask(&self, question: Question) -> Answer {
            assert_eq!(question.subject.lease.as_deref(), Some("claude"));
            let is_good = self.0;
            Box::pin(async move {
                is_good.then_some(()).ok_or_else(|| ErrorBody::new(ErrorCode::Refused, "They said no."))
            })
        }
    }
    let asker = Asker::Lease("claude".to_owned());
    for is_good in [true, false] {
        let agents = Agents::new(Arc::new(SystemClock), None);
        let gatekeeper = Gatekeeper::new(policy("ask resource=graph"), Arc::new(Somebody(is_good)), agents);
        let passed = passed(&gatekeeper, &asker, GRAPH).await;
        assert_eq!(passed.is_ok(), is_good);
        let rule = passed.map_or_else(|error| error.rule, |rule| rule.map(|rule| rule.to_string()));
        assert_eq!(rule.as_deref(), Some("`ask resource=graph` (/u.toml:3, line 1)"));
    }
}

#[tokio::test]
async fn who_is_from_here_may_lend_anything_and_who_is_not_no_more_than_they_have() {
    let asking = |scope: &str| Subject { scopes: vec![scope.to_owned()], ..Subject::default() };
    let gatekeeper = Gatekeeper::alone(Policy::default());
    let every = Subject::default();
    let stranger = Caller::nobody();
    assert!(gatekeeper.lends_freely(&Caller::ourselves()) && !gatekeeper.lends_freely(&stranger));
    let foundry = asking("https://ai.azure.com/.default");
    assert!(gatekeeper.may_lend(&stranger, None, vec![foundry.clone()]).await.is_ok());
    for more in [vec![every], vec![foundry, asking(GRAPH)]] {
        let error = gatekeeper.may_lend(&stranger, None, more).await.unwrap_err();
        assert_eq!(error.rule.as_deref(), Some("`ask forwarded !lease resource=!foundry` (built in)"));
    }
}

#[tokio::test]
async fn an_agent_is_told_from_others_without_a_look_and_may_lend_no_more_than_it_has() {
    let gatekeeper = Gatekeeper::alone(policy("allow agent=claude resource=graph"));
    let caller = Caller::ourselves().saying(Some("claude"));
    let (own_word, foundry) = (Asker::Caller(caller.clone()), "https://ai.azure.com/.default");
    assert!(passed(&gatekeeper, &own_word, foundry).await.is_ok());
    let error = passed(&gatekeeper, &own_word, GRAPH).await.unwrap_err();
    assert_eq!(error.rule.as_deref(), Some("`deny agent resource=!foundry resource=!cognitive` (built in)"));
    assert_eq!(gatekeeper.agent(&own_word).as_deref(), Some("claude"));
    for lent in [Asker::Lease("x".to_owned()), ourselves().lent("x")] {
        let by = |name, mark| lent.clone().declared(Some((name, mark)));
        let declared = by("claude", AgentMark::Declared);
        let rule = passed(&gatekeeper, &declared, GRAPH).await.unwrap();
        assert!(rule.unwrap().starts_with("`allow agent=claude"), "its lease says so");
        assert!(passed(&gatekeeper, &by("claude", AgentMark::Named), GRAPH).await.is_err());
        assert!(passed(&gatekeeper, &by("codex", AgentMark::Declared), GRAPH).await.is_err());
    }
    let asking = |scope: &str| vec![Subject { scopes: vec![scope.to_owned()], ..Subject::default() }];
    assert!(gatekeeper.lends_freely(&Caller::ourselves()) && !gatekeeper.lends_freely(&caller));
    assert!(gatekeeper.may_lend(&caller, None, asking(GRAPH)).await.is_err());
    assert!(gatekeeper.may_lend(&caller, None, asking(foundry)).await.is_ok());
    let person = Caller::ourselves();
    assert!(gatekeeper.may_lend(&person, Some("codex"), asking(GRAPH)).await.is_err());
    assert!(gatekeeper.may_lend(&person, Some("claude"), asking(GRAPH)).await.is_ok());
    assert!(gatekeeper.may_lend(&person, None, asking(GRAPH)).await.is_ok());
}

#[tokio::test]
async fn who_is_stopped_is_handed_nothing_and_who_is_no_agent_is_not_counted() {
    let gatekeeper = Gatekeeper::alone(Policy::default());
    let agent = Asker::Caller(Caller::ourselves().saying(Some("claude")));
    assert!(gatekeeper.admit(&agent).is_ok() && gatekeeper.spend(&agent).is_ok());
    gatekeeper.agents().stop(None).unwrap();
    assert!(gatekeeper.admit(&agent).is_err() && gatekeeper.spend(&agent).is_err());
    let of_agent = Asker::Lease("x".to_owned()).declared(Some(("y", AgentMark::Told)));
    assert!(gatekeeper.admit(&of_agent).is_err());
    for other in [ourselves(), Asker::Ourselves, Asker::Unknown, Asker::Lease("x".to_owned())] {
        assert!(gatekeeper.admit(&other).is_ok() && gatekeeper.spend(&other).is_ok());
    }
}

#[tokio::test]
async fn other_rules_hold_at_once() {
    let gatekeeper = Gatekeeper::alone(Policy::default());
    assert!(passed(&gatekeeper, &ourselves(), GRAPH).await.is_ok());
    gatekeeper.follow(policy("deny"));
    assert!(passed(&gatekeeper, &ourselves(), GRAPH).await.is_err());
}
