//! The driver over a broker in memory and a desktop of the test's own.

use std::sync::Mutex;

use entra_proto::error::ErrorCode;
use entra_proto::prompt::{Holder, PromptEvent, PromptsAnswer, SnoozeRequest};
use entra_proto::token::TokenRequest;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::{
    AbortHandle, Arc, Duration, ErrorBody, Future, Notice, Notify, OpenPage, PageAddress, PageRequest, Pin,
    Press, Prompts, Surface, Trouble,
};
use crate::broker::Broker;
use crate::broker::tests::{DEAD, broker, record};
use crate::clock::SystemClock;
use crate::config::{Prompting, Setting};
use crate::entra::script::Script;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

struct Shown {
    notice: Notice,
    answer: oneshot::Sender<Result<Press, Trouble>>,
}

struct Screen {
    shown: UnboundedSender<Shown>,
    opened: UnboundedSender<String>,
    locked: watch::Sender<bool>,
    ran: Arc<Mutex<Vec<String>>>,
}

impl Surface for Screen {
    async fn show(&self, notice: &Notice) -> Result<Press, Trouble> {
        let (answer, answered) = oneshot::channel();
        self.shown.send(Shown { notice: notice.clone(), answer }).unwrap();
        answered.await.unwrap_or(Err(Trouble::Gone))
    }

    async fn open(&self, page: &PageAddress) -> Result<(), Trouble> {
        self.opened.send(page.expose().to_owned()).map_err(|_| Trouble::NoDesktop)
    }

    async fn is_locked(&self) -> Option<bool> {
        Some(*self.locked.borrow())
    }

    async fn unlocked(&self) {
        self.locked.subscribe().wait_for(|is_locked| !is_locked).await.unwrap();
    }

    async fn run(&self, command: &[String], variables: &[(&str, String)]) -> Result<(), Trouble> {
        let variables: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.ran.lock().unwrap().push(format!("{} {}", command.join(" "), variables.join(" ")));
        Ok(())
    }
}

/// Names the account that a page is for.
struct Page;

impl OpenPage for Page {
    fn open_page(
        &self,
        request: PageRequest,
    ) -> Pin<Box<dyn Future<Output = Result<PageAddress, ErrorBody>> + Send + '_>> {
        let address = PageAddress::new(format!("page of {}", request.account.unwrap_or_default()));
        Box::pin(async { Ok(address) })
    }
}

struct Scene {
    broker: Arc<Broker>,
    prompts: Arc<Prompts>,
    shown: UnboundedReceiver<Shown>,
    opened: UnboundedReceiver<String>,
    locked: watch::Sender<bool>,
    ran: Arc<Mutex<Vec<String>>>,
    task: AbortHandle,
}

impl Scene {
    /// With these accounts, whose refresh tokens are found dead as soon as they are used.
    async fn new(names: &[&str], settings: Prompting) -> Self {
        let script = Script::new();
        for _ in names {
            script.json(400, DEAD);
        }
        let broker = broker(&script, names.iter().map(|name| record(name, "rt"))).await;
        Self::over(broker, settings)
    }

    fn over(broker: Arc<Broker>, settings: Prompting) -> Self {
        let clock = Arc::new(SystemClock);
        let prompts = Prompts::new(Arc::clone(&broker), broker.vault(), clock, settings);
        let ((tell_shown, shown), (tell_opened, opened)) =
            (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        let (locked, ran) = (watch::Sender::new(false), Arc::default());
        let screen =
            Screen { shown: tell_shown, opened: tell_opened, locked: locked.clone(), ran: Arc::clone(&ran) };
        let task = tokio::spawn(Arc::clone(&prompts).keep(screen, Page)).abort_handle();
        Self { broker, prompts, shown, opened, locked, ran, task }
    }

    async fn refuse(&self, name: &str) {
        let request = TokenRequest {
            scopes: Some(vec!["a".to_owned()]),
            account: Some(name.to_owned()),
            ..TokenRequest::default()
        };
        assert_eq!(self.broker.token(request).await.unwrap_err().code, ErrorCode::SignInNeeded);
    }

    async fn next(&mut self) -> Shown {
        timeout(LONG, self.shown.recv()).await.expect("a notification").unwrap()
    }

    /// Waits until the prompts are so.
    async fn until(&self, is_so: impl Fn(&PromptsAnswer) -> bool) -> PromptsAnswer {
        let mut news = self.prompts.news.subscribe();
        timeout(LONG, async {
            loop {
                let list = self.prompts.list();
                if is_so(&list) {
                    return list;
                }
                news.changed().await.unwrap();
            }
        })
        .await
        .expect("the prompts become so")
    }
}

fn held_by(list: &PromptsAnswer) -> Vec<Option<Holder>> {
    list.prompts.iter().map(|prompt| prompt.held_back.as_ref().map(|held| held.by)).collect()
}

#[tokio::test]
async fn each_account_has_one_notification_and_its_own_end() {
    let mut scene = Scene::new(&["a.t", "b.t"], Prompting::default()).await;
    scene.refuse("a.t").await;
    scene.refuse("a.t").await;
    let first = scene.next().await;
    assert!(first.notice.body.starts_with("a.t@example.com"), "{:?}", first.notice);
    scene.refuse("b.t").await;
    let second = scene.next().await;
    assert!(second.notice.body.starts_with("b.t@example.com"), "one that hangs holds up no other");
    assert_eq!(scene.prompts.list().prompts[0].refused, 2);
    first.answer.send(Ok(Press::SignIn)).unwrap();
    assert_eq!(timeout(LONG, scene.opened.recv()).await.unwrap().as_deref(), Some("page of a.t"));
    scene.until(|list| held_by(list) == [Some(Holder::Snooze), None]).await;
    second.answer.send(Ok(Press::Later)).unwrap();
    scene.until(|list| held_by(list) == [Some(Holder::Snooze); 2]).await;
    assert!(scene.shown.try_recv().is_err());
}

#[tokio::test]
async fn what_is_settled_goes_away_and_readers_are_told() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    let mut following = scene.prompts.follow();
    scene.refuse("a.t").await;
    let mut shown = scene.next().await;
    let event = timeout(LONG, following.next_event()).await.unwrap().unwrap();
    let PromptEvent::Raised { prompt } = event else { panic!("{event:?}") };
    assert!(prompt.account.as_str() == "a.t" && prompt.shown_on.is_some(), "{prompt:?}");
    scene.broker.sign_out("a.t", None).await.unwrap();
    timeout(LONG, shown.answer.closed()).await.expect("the notification goes away");
    let event = timeout(LONG, following.next_event()).await.unwrap().unwrap();
    assert!(matches!(event, PromptEvent::Settled { .. }), "{event:?}");
    assert_eq!(scene.prompts.list(), PromptsAnswer::default());
}

#[tokio::test]
async fn a_reader_that_comes_late_begins_with_what_stands() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    scene.refuse("a.t").await;
    let shown = scene.next().await;
    let first = timeout(LONG, scene.prompts.follow().next_event()).await.unwrap();
    assert!(matches!(first, Some(PromptEvent::Raised { .. })), "{first:?}");
    drop(shown);
}

#[tokio::test]
async fn a_page_that_cannot_be_opened_is_told_of() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    scene.opened.close();
    scene.refuse("a.t").await;
    scene.next().await.answer.send(Ok(Press::SignIn)).unwrap();
    let again = scene.next().await;
    assert!(again.notice.body.contains("`entra login`"), "{:?}", again.notice);
    again.answer.send(Ok(Press::Closed)).unwrap();
    scene.until(|list| held_by(list) == [Some(Holder::Snooze)]).await;
}

#[tokio::test]
async fn without_a_desktop_it_is_said_so_and_tried_again_later() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    scene.refuse("a.t").await;
    scene.next().await.answer.send(Err(Trouble::NoDesktop)).unwrap();
    let list = timeout(LONG, async {
        loop {
            let list = scene.prompts.list();
            if held_by(&list) == [Some(Holder::NoDesktop)] {
                return list;
            }
            tokio::task::yield_now().await;
        }
    });
    let list = list.await.unwrap();
    assert_eq!(list.prompts[0].shown_on, None);
    assert!(list.prompts[0].held_back.as_ref().unwrap().until.is_some());
}

#[tokio::test]
async fn nothing_is_shown_on_a_locked_screen() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    scene.locked.send_replace(true);
    scene.refuse("a.t").await;
    scene.until(|list| held_by(list) == [Some(Holder::ScreenLock)]).await;
    assert!(scene.shown.try_recv().is_err());
    scene.locked.send_replace(false);
    drop(scene.next().await);
}

#[tokio::test]
async fn a_person_can_put_it_off_and_call_it_back() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    scene.refuse("a.t").await;
    let mut shown = scene.next().await;
    let request =
        |seconds| SnoozeRequest { account: Some("A.T".to_owned()), seconds, ..SnoozeRequest::default() };
    let list = scene.prompts.snooze(request(Some(600))).await.unwrap();
    assert_eq!(held_by(&list), [Some(Holder::Snooze)]);
    timeout(LONG, shown.answer.closed()).await.expect("it goes away");
    scene.prompts.snooze(request(Some(0))).await.unwrap();
    drop(scene.next().await);
    let error = scene.prompts.snooze(request(Some(u64::MAX))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::BadRequest);
}

#[tokio::test]
async fn a_restart_asks_nobody_again() {
    let mut scene = Scene::new(&["a.t"], Prompting::default()).await;
    scene.refuse("a.t").await;
    let shown = scene.next().await;
    let vault = scene.broker.vault();
    while vault.prompts().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    scene.task.abort();
    drop(shown);
    let mut next = Scene::over(Arc::clone(&scene.broker), Prompting::default());
    let list = next.until(|list| held_by(list) == [Some(Holder::Snooze)]).await;
    assert!(list.prompts[0].shown_on.is_some());
    assert!(next.shown.try_recv().is_err());
}

#[tokio::test]
async fn a_command_is_run_with_what_there_is_to_say() {
    let settings = Prompting {
        notify: Setting::built_in(Notify::Off),
        notify_command: Some(Setting::built_in(vec!["wall".to_owned(), "$(id)".to_owned()])),
        ..Prompting::default()
    };
    let mut scene = Scene::new(&["a.t"], settings).await;
    scene.refuse("a.t").await;
    scene.until(|list| held_by(list) == [Some(Holder::Snooze)]).await;
    let ran = scene.ran.lock().unwrap().clone();
    assert_eq!(ran.len(), 1);
    assert!(ran[0].starts_with("wall $(id) ENTRA_PROMPT_ACCOUNT=a.t@example.com "), "{ran:?}");
    assert!(scene.shown.try_recv().is_err(), "`notify` is off");
}
