//! Questions over a desktop of the test's own and a vault in memory.

use entra_proto::consent::ConsentState;
use entra_proto::error::ErrorCode;
use entra_proto::prompt::PromptEvent;
use entra_proto::secret::PageAddress;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::matter::tests::{GRAPH, facts, question};
use super::showing::{Doing, Surface, Variables};
use super::*;
use crate::clock::SystemClock;
use crate::config::Setting;
use crate::notify::desktop::{Notice, Press, Trouble};
use crate::vault::{Access, HomeKind, StoreChoice, VaultOptions};

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(30);

type Seen = (Notice, oneshot::Sender<Result<Press, Trouble>>);

struct Screen(UnboundedSender<Seen>);

impl Surface for Screen {
    fn show(&self, notice: Notice) -> Doing<'_, Press> {
        let (press, pressed) = oneshot::channel();
        let _shown = self.0.send((notice, press));
        Box::pin(async move { pressed.await.unwrap_or(Err(Trouble::NoDesktop)) })
    }

    /// A person without a browser.
    fn open(&self, page: PageAddress) -> Doing<'_, ()> {
        assert_eq!(page.expose(), "page of the question");
        Box::pin(async { Err(Trouble::NoDesktop) })
    }

    /// A service manager that runs what is called so, and answers nobody else.
    fn run(&self, command: Vec<String>, variables: Variables) -> Doing<'_, ()> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).unwrap().1.clone();
        let told = ["NEED", "PROGRAM", "WANTED"].map(|name| value(&format!("ENTRA_PROMPT_{name}")));
        assert_eq!(told, ["consent", "/usr/bin/git", "Microsoft Graph"]);
        assert!(!value("ENTRA_PROMPT_QUESTION").is_empty());
        Box::pin(async move {
            match command[0].as_str() {
                "runs" => Ok(()),
                "fails" => Err(Trouble::NoDesktop),
                _ => std::future::pending().await,
            }
        })
    }
}

fn vault() -> Vault {
    let choice = StoreChoice::Pinned(HomeKind::Memory);
    Vault::new(VaultOptions { state_dir: std::path::PathBuf::new(), choice, passphrase: None })
}

fn scene() -> (Consents, UnboundedReceiver<Seen>) {
    let (tell, seen) = unbounded_channel();
    let settings = (&Consenting::default(), &Prompting::default());
    let screen = Box::new(Screen(tell));
    (Consents::on(screen, vault(), Arc::new(SystemClock), Audit::default(), settings), seen)
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(LONG, work).await.expect("it takes milliseconds")
}

/// Git asks; the word comes later.
fn ask(consents: &Consents) -> tokio::task::JoinHandle<Result<(), ErrorBody>> {
    tokio::spawn(consents.ask(question(Some(facts("/usr/bin/git")), GRAPH)))
}

#[tokio::test]
async fn a_button_is_a_persons_word() {
    for (press, is_allowed, is_asked_again) in [
        (Press::AllowOnce, true, true),
        (Press::AllowSession, true, false),
        (Press::Deny, false, false),
        (Press::Closed, false, false),
    ] {
        let (consents, mut seen) = scene();
        let asked = ask(&consents);
        let (notice, answer) = within(seen.recv()).await.unwrap();
        assert!(notice.body.contains("/usr/bin/git wants Microsoft Graph."), "{notice:?}");
        answer.send(Ok(press)).unwrap();
        let told = within(asked).await.unwrap();
        assert_eq!(told.is_ok(), is_allowed, "{press:?}: {told:?}");
        let again = ask(&consents);
        if is_asked_again {
            assert!(within(seen.recv()).await.is_some(), "{press:?}");
        } else {
            assert_eq!(within(again).await.unwrap().is_ok(), is_allowed, "{press:?}");
            assert!(seen.try_recv().is_err(), "nobody is asked twice: {press:?}");
        }
    }
}

struct Pages;

impl OpenQuestion for Pages {
    fn open_question<'a>(&'a self, _id: &'a str) -> Opened<'a> {
        Box::pin(async { Ok(PageAddress::new("page of the question".to_owned())) })
    }
}

#[tokio::test]
async fn where_the_page_cannot_be_opened_the_question_is_shown_without_it() {
    let (consents, mut seen) = scene();
    let buttons = |notice: &Notice| notice.buttons.iter().map(|(press, _)| *press).collect::<Vec<_>>();
    let asked = ask(&consents);
    let (notice, answer) = within(seen.recv()).await.unwrap();
    assert!(!buttons(&notice).contains(&Press::Choices), "nobody has pages");
    answer.send(Ok(Press::AllowOnce)).unwrap();
    within(asked).await.unwrap().unwrap();
    consents.open_pages_by(Box::new(Pages));
    let asked = ask(&consents);
    let (notice, answer) = within(seen.recv()).await.unwrap();
    assert_eq!((buttons(&notice).last(), notice.on_click), (Some(&Press::Choices), Press::Choices));
    answer.send(Ok(Press::Choices)).unwrap();
    let (notice, answer) = within(seen.recv()).await.unwrap();
    assert!(!buttons(&notice).contains(&Press::Choices), "{notice:?}");
    answer.send(Ok(Press::AllowOnce)).unwrap();
    within(asked).await.unwrap().unwrap();
}

#[tokio::test]
async fn on_a_page_all_who_hold_its_connection_must_be_ones_that_may_answer() {
    let (consents, mut seen) = scene();
    let leases = Leases::new(consents.shared.vault.clone(), Arc::new(SystemClock));
    let agents = Agents::new(Arc::new(SystemClock), None);
    let asked = ask(&consents);
    let _shown = within(seen.recv()).await.unwrap();
    let id = consents.list().await.unwrap().questions[0].id.clone();
    let ourselves = Caller::ourselves();
    for holders in [&[][..], &[Caller::nobody()], &[ourselves.clone(), Caller::nobody()]] {
        let error = consents.may_answer(&id, holders, &leases, &agents).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Refused, "{holders:?}");
        assert!(error.hint.unwrap().contains("`entra consent`"));
    }
    let holders = [ourselves.clone()];
    consents.may_answer(&id, &holders, &leases, &agents).await.unwrap();
    assert_eq!(hands(&holders), [(std::process::id(), process::mark(std::process::id()).unwrap())]);
    let ended = tokio::spawn({
        let (consents, id) = (consents.clone(), id.clone());
        async move { consents.ended(&id).await }
    });
    assert_eq!(consents.open_question(&id).unwrap().id, id);
    consents.answer_on_page(&id, ConsentWord::Always, &ourselves).await.unwrap();
    within(asked).await.unwrap().unwrap();
    assert_eq!(within(ended).await.unwrap(), Some(ConsentWord::Always));
    assert_eq!(consents.open_question(&id).unwrap_err().code, ErrorCode::NotFound);
}

#[tokio::test]
async fn who_was_told_by_their_command_is_waited_for() {
    for (word, is_waited_for) in [("runs", true), ("fails", false)] {
        let (consents, mut seen) = scene();
        let notify_command = Some(Setting::built_in(vec![word.to_owned()]));
        let prompting = Prompting { notify_command, ..Prompting::default() };
        consents.follow_settings(&Consenting::default(), &prompting);
        let asked = ask(&consents);
        let (_, answer) = within(seen.recv()).await.unwrap();
        drop(answer);
        if is_waited_for {
            let id = consents.list().await.unwrap().questions[0].id.clone();
            consents.say(&id, ConsentWord::Once, By::Button).await.unwrap();
        }
        assert_eq!(within(asked).await.unwrap().is_ok(), is_waited_for, "{word}");
    }
}

#[tokio::test]
async fn a_command_that_hangs_holds_up_no_button() {
    let (consents, mut seen) = scene();
    let notify_command = Some(Setting::built_in(vec!["hangs".to_owned()]));
    let prompting = Prompting { notify_command, ..Prompting::default() };
    consents.follow_settings(&Consenting::default(), &prompting);
    let asked = ask(&consents);
    within(seen.recv()).await.unwrap().1.send(Ok(Press::AllowOnce)).unwrap();
    within(asked).await.unwrap().unwrap();
}

#[tokio::test]
async fn without_a_desktop_it_is_refused_at_once_and_can_be_answered_still() {
    let (consents, mut seen) = scene();
    let asked = ask(&consents);
    let (_, answer) = within(seen.recv()).await.unwrap();
    drop(answer);
    let error = within(asked).await.unwrap().unwrap_err();
    assert_eq!(error.code, ErrorCode::Refused);
    assert!(error.message.contains("nobody can be asked"), "{error:?}");
    let standing = consents.list().await.unwrap();
    let [question] = standing.questions.as_slice() else { panic!("{standing:?}") };
    assert_eq!((question.state, question.waiting), (ConsentState::Unheard, 0));
    let hint = error.hint.unwrap();
    assert!(hint.contains(&format!("`entra consent allow {}`", question.id)), "{hint}");
    assert!(hint.contains("You can grant it in advance"), "{hint}");
    consents.say(&question.id, ConsentWord::Once, By::Button).await.unwrap();
    within(ask(&consents)).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_follows_is_told_and_is_waited_for() {
    let (consents, mut seen) = scene();
    let mut following = Following::new(consents.clone());
    let asked = ask(&consents);
    drop(within(seen.recv()).await.unwrap());
    let event = within(following.next_event()).await.unwrap();
    let PromptEvent::Asked { question } = event else { panic!("{event:?}") };
    assert_eq!(question.answers.len(), ConsentWord::ALL.len());
    // One that comes late misses nothing.
    let mut late = Following::new(consents.clone());
    assert!(matches!(within(late.next_event()).await, Some(PromptEvent::Asked { .. })));
    consents.say(&question.id, ConsentWord::Session, By::Button).await.unwrap();
    within(asked).await.unwrap().unwrap();
    let (id, answer) = (question.id.clone(), Some(ConsentWord::Session));
    assert_eq!(within(following.next_event()).await, Some(PromptEvent::Answered { id, answer }));
}

#[tokio::test]
async fn a_caller_that_goes_takes_nothing_along() {
    let (consents, mut seen) = scene();
    let asked = ask(&consents);
    let (_, answer) = within(seen.recv()).await.unwrap();
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    answer.send(Ok(Press::AllowOnce)).unwrap();
    let mut news = consents.shared.news.subscribe();
    within(async {
        while consents.list().await.unwrap().questions[0].state != ConsentState::Allowed {
            news.changed().await.unwrap();
        }
    })
    .await;
    within(ask(&consents)).await.unwrap().unwrap();
    assert!(consents.list().await.unwrap().questions.is_empty());
}

#[tokio::test]
async fn a_lock_ends_a_session() {
    let (consents, mut seen) = scene();
    let asked = ask(&consents);
    within(seen.recv()).await.unwrap().1.send(Ok(Press::AllowSession)).unwrap();
    within(asked).await.unwrap().unwrap();
    consents.shared.vault.lock().await.unwrap();
    assert_eq!(within(ask(&consents)).await.unwrap().unwrap_err().code, ErrorCode::Locked);
    consents.shared.vault.unlock(None, Access::Silent).await.unwrap();
    let _asked = ask(&consents);
    assert!(within(seen.recv()).await.is_some(), "it is asked anew");
}

#[tokio::test]
async fn an_answer_that_is_not_offered_is_none() {
    let (consents, mut seen) = scene();
    let asked = tokio::spawn(consents.ask(question(Some(facts("/usr/bin/python3")), GRAPH)));
    let _shown = within(seen.recv()).await.unwrap();
    let id = consents.list().await.unwrap().questions[0].id.clone();
    for word in [ConsentWord::Session, ConsentWord::Always, ConsentWord::Never] {
        let error = consents.say(&id, word, By::Button).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::BadRequest, "{word:?}");
    }
    assert_eq!(
        consents.say("none", ConsentWord::Once, By::Button).await.unwrap_err().code,
        ErrorCode::NotFound
    );
    consents.say(&id, ConsentWord::Deny, By::Button).await.unwrap();
    assert!(within(asked).await.unwrap().is_err());
}

#[tokio::test]
async fn who_asks_cannot_answer() {
    let (consents, mut seen) = scene();
    let leases = Leases::new(consents.shared.vault.clone(), Arc::new(SystemClock));
    let agents = Agents::new(Arc::new(SystemClock), None);
    let ourselves = Caller::ourselves();
    let asked = Question { caller: Some(ourselves.clone()), ..question(Some(facts("/opt/tool")), GRAPH) };
    let asked = tokio::spawn(consents.ask(asked));
    let _shown = within(seen.recv()).await.unwrap();
    let id = consents.list().await.unwrap().questions[0].id.clone();
    for caller in [ourselves.clone(), Caller::nobody()] {
        let error = consents.answer(&id, ConsentWord::Once, &caller, &leases, &agents).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::Refused, "{caller}");
        assert!(consents.revoke(&id, &Caller::nobody(), &leases, &agents).await.is_err());
        assert!(consents.follow(&Caller::nobody(), &leases, &agents).await.is_err());
    }
    asked.abort();
    // Somebody else's question it may.
    let other = ask(&consents);
    let _shown = within(seen.recv()).await.unwrap();
    let id = consents.list().await.unwrap().questions[1].id.clone();
    consents.answer(&id, ConsentWord::Once, &ourselves, &leases, &agents).await.unwrap();
    within(other).await.unwrap().unwrap();
}
