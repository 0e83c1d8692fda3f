//! The calls and signals of a desktop, spoken with a peer that plays the bus and every service on it.

use std::collections::HashMap;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::connection::Builder;
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue};
use zbus::{Connection, Guid, interface};

use super::super::bus_linux::{Bus, Options};
use super::super::{Notice, Press, Trouble, manager, screen_linux};
use super::{Desktop, by_portal};
use entra_proto::secret::PageAddress;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

/// Who has each name.
const OWNER: &str = ":1.7";
const JOB: &str = "/org/freedesktop/systemd1/job/1";
const REQUEST: &str = "/org/freedesktop/portal/desktop/request/1";

struct Names;

#[interface(name = "org.freedesktop.DBus")]
impl Names {
    fn name_has_owner(&self, _name: &str) -> bool {
        true
    }

    fn get_name_owner(&self, _name: &str) -> String {
        OWNER.to_owned()
    }
}

/// Tells the test what was called.
struct Called(UnboundedSender<Vec<String>>);

#[interface(name = "org.freedesktop.Notifications")]
impl Called {
    fn get_capabilities(&self) -> Vec<String> {
        vec!["actions".to_owned(), "body".to_owned(), "body-markup".to_owned()]
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        _app: String,
        _replaces: u32,
        _icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        _expires: i32,
    ) -> u32 {
        assert!(hints.contains_key("urgency"));
        self.0.send([vec!["notify".to_owned(), title, body], actions].concat()).unwrap();
        42
    }

    fn close_notification(&self, id: u32) {
        let _ended = self.0.send(vec!["close".to_owned(), id.to_string()]);
    }
}

struct Portal(UnboundedSender<Vec<String>>);

#[interface(name = "org.freedesktop.portal.OpenURI")]
impl Portal {
    #[zbus(name = "OpenURI")]
    fn open_uri(
        &self,
        _window: String,
        address: String,
        options: HashMap<String, OwnedValue>,
    ) -> OwnedObjectPath {
        let token = options.get("activation_token").and_then(|token| String::try_from(token.clone()).ok());
        self.0.send(vec!["open".to_owned(), address, token.unwrap_or_default()]).unwrap();
        ObjectPath::try_from(REQUEST).unwrap().into()
    }
}

struct Manager(UnboundedSender<Vec<String>>);

type Properties = Vec<(String, OwnedValue)>;

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&self) {}

    fn start_transient_unit(
        &self,
        _unit: String,
        _mode: String,
        properties: Properties,
        _others: Vec<(String, Properties)>,
    ) -> OwnedObjectPath {
        let of = |name: &str| properties.iter().find(|(key, _)| key == name).unwrap().1.clone();
        let start: Vec<(String, Vec<String>, bool)> = of("ExecStart").try_into().unwrap();
        let environment: Vec<String> = of("Environment").try_into().unwrap();
        self.0.send([start[0].1.clone(), environment].concat()).unwrap();
        ObjectPath::try_from(JOB).unwrap().into()
    }
}

struct Saver(Arc<AtomicBool>);

#[interface(name = "org.freedesktop.ScreenSaver")]
impl Saver {
    fn get_active(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

struct Peer {
    far: Connection,
    called: UnboundedReceiver<Vec<String>>,
    is_locked: Arc<AtomicBool>,
}

impl Peer {
    async fn new() -> (Self, Bus) {
        let (near, far) = UnixStream::pair().unwrap();
        let (tell, called) = unbounded_channel();
        let is_locked = Arc::new(AtomicBool::new(true));
        let server = async {
            Builder::async_io_unix_stream(far)
                .server(Guid::generate())?
                .p2p()
                .serve_at("/org/freedesktop/DBus", Names)?
                .serve_at("/org/freedesktop/Notifications", Called(tell.clone()))?
                .serve_at("/org/freedesktop/portal/desktop", Portal(tell.clone()))?
                .serve_at("/org/freedesktop/systemd1", Manager(tell))?
                .serve_at("/org/freedesktop/ScreenSaver", Saver(Arc::clone(&is_locked)))?
                .build()
                .await
        };
        let (far, near) = tokio::join!(server, Builder::async_io_unix_stream(near).p2p().build());
        (Self { far: far.unwrap(), called, is_locked }, Bus::over(near.unwrap()))
    }

    async fn next(&mut self) -> Vec<String> {
        tokio::time::timeout(LONG, self.called.recv()).await.expect("a call").unwrap()
    }

    async fn signal<B>(&self, from: &str, path: &str, interface: &str, member: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let signal = zbus::Message::signal(path, interface, member).unwrap().sender(from).unwrap();
        self.far.send(&signal.build(body).unwrap()).await.unwrap();
    }

    async fn notified<B>(&self, from: &str, member: &str, body: &B)
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let name = "org.freedesktop.Notifications";
        self.signal(from, "/org/freedesktop/Notifications", name, member, body).await;
    }
}

fn notice() -> Notice {
    Notice {
        title: "T".to_owned(),
        body: "<b>".to_owned(),
        buttons: vec![(Press::SignIn, "In"), (Press::Later, "Later")],
        on_click: Press::SignIn,
        by_hand: "Run it.",
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("it takes milliseconds")
}

#[tokio::test]
async fn a_button_is_pressed_and_the_page_comes_to_the_front() {
    let (mut peer, bus) = Peer::new().await;
    let desktop = Arc::new(Desktop::new());
    let shown = tokio::spawn({
        let (desktop, bus) = (Arc::clone(&desktop), bus.clone());
        async move { desktop.show_on(bus, &notice()).await }
    });
    let called = peer.next().await;
    assert_eq!(called, ["notify", "T", "&lt;b&gt;", "default", "In", "sign-in", "In", "later", "Later"]);
    // Neither another program's word nor that about another notification counts.
    peer.notified(":1.666", "ActionInvoked", &(42_u32, "later")).await;
    peer.notified(OWNER, "ActionInvoked", &(41_u32, "later")).await;
    peer.notified(OWNER, "ActivationToken", &(42_u32, "token")).await;
    peer.notified(OWNER, "ActionInvoked", &(42_u32, "sign-in")).await;
    assert_eq!(within(shown).await.unwrap().unwrap(), Press::SignIn);
    assert_eq!(peer.next().await, ["close", "42"]);
    let token = desktop.token.lock().unwrap().take();
    let opened = tokio::spawn(async move {
        by_portal(bus, &PageAddress::new("http://127.0.0.1:1/x".to_owned()), token.as_deref()).await
    });
    assert_eq!(peer.next().await, ["open", "http://127.0.0.1:1/x", "token"]);
    let nothing: Options<'_> = HashMap::new();
    let request = "org.freedesktop.portal.Request";
    peer.signal(OWNER, "/elsewhere", request, "Response", &(2_u32, &nothing)).await;
    peer.signal(OWNER, REQUEST, request, "Response", &(0_u32, &nothing)).await;
    within(opened).await.unwrap().unwrap();
}

#[tokio::test]
async fn each_button_is_what_it_says_and_a_click_on_the_text_no_more_than_it_may_be() {
    let presses =
        [("allow-once", Press::AllowOnce), ("allow-session", Press::AllowSession), ("deny", Press::Deny)];
    for (word, press) in presses.into_iter().chain([("default", Press::Closed)]) {
        let (mut peer, bus) = Peer::new().await;
        let buttons = presses.map(|(_, press)| (press, "B")).to_vec();
        let notice = Notice { buttons, on_click: Press::Closed, ..notice() };
        let shown = tokio::spawn(async move { Desktop::new().show_on(bus, &notice).await });
        let called = peer.next().await;
        assert_eq!(called[3..], ["allow-once", "B", "allow-session", "B", "deny", "B"]);
        peer.notified(OWNER, "ActionInvoked", &(42_u32, "no-such-button")).await;
        peer.notified(OWNER, "ActionInvoked", &(42_u32, word)).await;
        assert_eq!(within(shown).await.unwrap().unwrap(), press);
    }
}

#[tokio::test]
async fn later_closed_and_gone_are_told_apart() {
    for at in 0..3 {
        let (mut peer, bus) = Peer::new().await;
        let shown = tokio::spawn(async move { Desktop::new().show_on(bus, &notice()).await });
        peer.next().await;
        match at {
            0 => peer.notified(OWNER, "ActionInvoked", &(42_u32, "later")).await,
            1 => peer.notified(OWNER, "NotificationClosed", &(42_u32, 2_u32)).await,
            _ => {
                let change = ("org.freedesktop.Notifications", OWNER, "");
                let bus = "org.freedesktop.DBus";
                peer.signal(bus, "/org/freedesktop/DBus", bus, "NameOwnerChanged", &change).await;
            }
        }
        let told = within(shown).await.unwrap();
        let is_right = match at {
            0 => matches!(told, Ok(Press::Later)),
            1 => matches!(told, Ok(Press::Closed)),
            _ => matches!(told, Err(Trouble::Gone)),
        };
        assert!(is_right, "{at}: {told:?}");
    }
}

#[tokio::test]
async fn a_notification_that_nobody_waits_for_goes_away_and_so_does_one_whose_bus_ends() {
    let (mut peer, bus) = Peer::new().await;
    let shown = tokio::spawn(async move { Desktop::new().show_on(bus, &notice()).await });
    peer.next().await;
    shown.abort();
    assert_eq!(peer.next().await, ["close", "42"]);
    let (mut peer, bus) = Peer::new().await;
    let shown = tokio::spawn(async move { Desktop::new().show_on(bus, &notice()).await });
    peer.next().await;
    peer.far.close().await.unwrap();
    assert!(matches!(within(shown).await.unwrap(), Err(Trouble::Gone)));
}

#[tokio::test]
async fn the_portal_and_the_service_manager_can_fail() {
    let (mut peer, bus) = Peer::new().await;
    let page = PageAddress::new("http://127.0.0.1:1/x".to_owned());
    let opened = tokio::spawn({
        let bus = bus.clone();
        async move { by_portal(bus, &page, None).await }
    });
    peer.next().await;
    let nothing: Options<'_> = HashMap::new();
    peer.signal(OWNER, REQUEST, "org.freedesktop.portal.Request", "Response", &(2_u32, &nothing)).await;
    assert!(matches!(within(opened).await.unwrap(), Err(Trouble::Refused(_))));
    for result in ["done", "failed"] {
        let bus = bus.clone();
        let ran = tokio::spawn(async move {
            let command = ["say".to_owned(), "it; is".to_owned()];
            manager::run_on(bus, "say", &command, &[("WHO", "ada".to_owned())]).await
        });
        assert_eq!(peer.next().await, ["say", "it; is", "WHO=ada"]);
        let ended = (1_u32, ObjectPath::try_from(JOB).unwrap(), "unit", result);
        let (path, name) = ("/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager");
        peer.signal(OWNER, path, name, "JobRemoved", &ended).await;
        assert_eq!(within(ran).await.unwrap().is_ok(), result == "done");
    }
}

#[tokio::test]
async fn the_screen_is_unlocked_when_its_saver_says_so() {
    let (peer, bus) = Peer::new().await;
    let (lock, is_locked) = screen_linux::Lock::of_saver(&bus).await.unwrap();
    assert!(is_locked);
    let mut opened = tokio::spawn(lock.opened());
    let name = "org.freedesktop.ScreenSaver";
    peer.signal(OWNER, "/org/freedesktop/ScreenSaver", name, "ActiveChanged", &(true,)).await;
    assert!(tokio::time::timeout(Duration::from_millis(50), &mut opened).await.is_err());
    peer.is_locked.store(false, Ordering::SeqCst);
    peer.signal(OWNER, "/org/freedesktop/ScreenSaver", name, "ActiveChanged", &(false,)).await;
    within(opened).await.unwrap();
}
