//! Pages over a scripted Entra and a clock that is moved by hand: who is let in, what is shown, and when a page ends.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::pin::Pin;
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::{Method, StatusCode};
use entra_proto::cloud::Cloud;
use futures_util::StreamExt as _;
use tokio::sync::watch;

use tokio::task::yield_now;

use super::visits::Visit;
use super::*;
use crate::account::time::Now;
use crate::broker::{Parts, Rules};
use crate::config::{Bounds, DEFAULT_PROFILE, Flows, Profile, Setting};
use crate::entra::Entra;
use crate::entra::script::Script;

const CODE: &str = r#"{"user_code":"BL6XB575V","device_code":"dev-secret","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":60,"message":"Enter BL6XB575V."}"#;
const REFUSAL: &str = r#"{"error":"unauthorized_client","error_description":"AADSTS700016: No such app.","error_codes":[700016],"correlation_id":"c-1"}"#;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(5);

struct HandClock(watch::Sender<Duration>);

impl HandClock {
    fn advance(&self, by: Duration) {
        self.0.send_modify(|now| *now += by);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Now {
        let boot = *self.0.borrow();
        Now { boot, wall: boot + Duration::from_secs(1_795_000_000) }
    }

    fn wait_until(&self, boot: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move { drop(now.wait_for(|now| *now >= boot).await) })
    }

    fn wait_until_set(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::pending())
    }
}

/// A daemon's rooms, as far as pages need them.
struct House {
    script: Arc<Script>,
    clock: Arc<HandClock>,
    broker: Arc<Broker>,
    pages: Arc<Pages>,
}

impl House {
    fn new() -> Self {
        let (script, clock) =
            (Script::new(), Arc::new(HandClock(watch::Sender::new(Duration::from_secs(1000)))));
        let profile = Profile {
            cloud: Setting::built_in(Cloud::Public),
            tenant: Setting::built_in("contoso.example".to_owned()),
            client_id: Some(Setting::built_in("00000000-0000-0000-0000-00000000c11e".to_owned())),
            authority: None,
        };
        let broker = Broker::new(Parts {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            rules: Rules::new(
                &BTreeMap::from([(DEFAULT_PROFILE.to_owned(), profile)]),
                Setting::built_in(Flows::default()),
                Bounds::default(),
            )
            .unwrap(),
            ..Parts::empty(Entra::scripted(&script))
        });
        let pages = Pages::new(Arc::clone(&broker), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { script, clock, broker, pages }
    }

    async fn open(&self) -> Arc<Page> {
        self.open_for(PageRequest { program: Some("az".to_owned()), ..PageRequest::default() }).await
    }

    async fn open_for(&self, request: PageRequest) -> Arc<Page> {
        let answer = self.pages.open(request, Caller::ourselves()).await.unwrap();
        let pages = self.pages.pages();
        Arc::clone(&pages.iter().find(|open| open.page.address.url() == &answer.url).unwrap().page)
    }
}

fn port(page: &Page) -> u16 {
    let url = page.address.url().expose();
    url.split('/').nth(2).unwrap().rsplit(':').next().unwrap().parse().unwrap()
}

async fn ask(page: &Arc<Page>, method: Method, leaf: &str, form: &'static str) -> Response<Body> {
    ask_as(false, page, method, leaf, form).await
}

async fn ask_as(
    is_stranger: bool,
    page: &Arc<Page>,
    method: Method,
    leaf: &str,
    form: &'static str,
) -> Response<Body> {
    let host = format!("127.0.0.1:{}", port(page));
    let request =
        Request::builder().method(&method).uri(format!("{}{leaf}", page.address.path())).header(HOST, &host);
    let request =
        if method == Method::POST { request.header(ORIGIN, format!("http://{host}")) } else { request };
    port::respond(Arc::clone(page), Visit::scripted(is_stranger), request.body(Body::from(form)).unwrap())
        .await
        .unwrap()
}

async fn read_page(page: &Arc<Page>) -> String {
    let response = ask(page, Method::GET, "", "").await;
    assert_eq!(response.status(), StatusCode::OK);
    text(response).await
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap()
}

async fn press(page: &Arc<Page>, button: &'static str) {
    let response = ask(page, Method::POST, "", button).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    assert_eq!(response.headers()[LOCATION], page.address.path());
}

async fn until_gone(page: &Page) {
    let port = port(page);
    let gone = async {
        while TcpStream::connect(("127.0.0.1", port)).is_ok() {
            yield_now().await;
        }
    };
    tokio::time::timeout(LONG, gone).await.expect("the port is closed");
}

#[tokio::test]
async fn nothing_is_begun_before_the_click() {
    let house = House::new();
    let page = house.open().await;
    let html = read_page(&page).await;
    for told in ["contoso.example", "az", "00000000-0000-0000-0000-00000000c11e", "value=\"begin\""] {
        assert!(html.contains(told), "{told} in {html}");
    }
    assert!(house.script.asked().is_empty());
    assert!(TcpStream::connect(("127.0.0.1", port(&page))).is_ok(), "the port is open");
}

#[tokio::test]
async fn a_click_begins_one_sign_in_whose_code_every_tab_shows() {
    let house = House::new();
    house.script.json(200, CODE);
    let page = house.open().await;
    press(&page, "do=begin").await;
    press(&page, "do=begin").await;
    let (one, two) = (read_page(&page).await, read_page(&page).await);
    assert!(one.contains(">BL6XB575V</output>"), "{one}");
    assert_eq!(one, two);
    assert_eq!(house.script.asked().len(), 1);
    assert_eq!(house.broker.status().await.unwrap().open_sign_ins, 1);
}

#[tokio::test]
async fn what_is_cancelled_can_be_begun_again() {
    let house = House::new();
    house.script.json(200, CODE).json(200, CODE);
    let page = house.open().await;
    press(&page, "do=cancel").await;
    assert!(read_page(&page).await.contains("value=\"begin\""), "there was nothing to cancel");
    press(&page, "do=begin").await;
    let mut told = page.listen();
    press(&page, "do=cancel").await;
    assert!(tokio::time::timeout(LONG, port::changed(&mut told, story::Shown::is_over)).await.unwrap());
    let html = read_page(&page).await;
    assert!(html.contains("The sign-in was cancelled") && !html.contains("BL6XB575V"), "{html}");
    assert_eq!(house.broker.status().await.unwrap().open_sign_ins, 0);
    press(&page, "do=begin").await;
    assert!(read_page(&page).await.contains("BL6XB575V"));
}

#[tokio::test]
async fn what_fails_is_told_with_what_to_do() {
    let house = House::new();
    house.script.json(400, REFUSAL);
    let page = house.open().await;
    press(&page, "do=begin").await;
    let html = read_page(&page).await;
    assert!(
        html.contains("AADSTS700016") && html.contains("The sign-in did not work") && html.contains("c-1"),
        "{html}"
    );
    assert!(html.contains("value=\"begin\""), "it can be tried again");
}

#[tokio::test]
async fn readers_are_told_of_changes() {
    let house = House::new();
    house.script.json(200, CODE);
    let page = house.open().await;
    let response = ask(&page, Method::GET, "/events", "").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = response.into_body().into_data_stream();
    let mut next = async || {
        let line = tokio::time::timeout(LONG, events.next()).await.expect("an event")?;
        Some(String::from_utf8(line.unwrap().to_vec()).unwrap())
    };
    assert_eq!(next().await.unwrap(), "data: {\"serial\":0,\"said\":\"\"}\n\n");
    press(&page, "do=begin").await;
    let mut line = next().await.unwrap();
    if line.contains("\"serial\":1,") {
        line = next().await.unwrap();
    }
    assert!(line.starts_with("data: {\"serial\":2,") && line.contains("\"left\":900"), "{line}");
    page.end();
    assert_eq!(next().await, None, "the stream ends with the page");
}

#[tokio::test]
async fn every_answer_is_kept_to_itself_and_every_refusal_is_the_same() {
    let house = House::new();
    let page = house.open().await;
    let mut refusals = Vec::new();
    for (method, leaf, form) in [
        (Method::GET, "", ""),
        (Method::GET, "/", ""),
        (Method::GET, "x", ""),
        (Method::DELETE, "", ""),
        (Method::POST, "/events", "do=begin"),
        (Method::POST, "", "do=nothing"),
        (Method::POST, "", ""),
        (Method::POST, "", "do=begin&do=begin&do=begin&do=begin&do=begin&do=begin&do=begin&do=begin"),
    ] {
        let is_page = method == Method::GET && leaf.is_empty();
        let response = ask(&page, method, leaf, form).await;
        let headers = response.headers();
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none';"));
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert_eq!(response.status(), if is_page { StatusCode::OK } else { StatusCode::FORBIDDEN });
        if !is_page {
            refusals.push(text(response).await);
        }
    }
    for (method, form) in [(Method::GET, ""), (Method::POST, "do=begin")] {
        let response = ask_as(true, &page, method, "", form).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        refusals.push(text(response).await);
    }
    refusals.dedup();
    assert_eq!(refusals.len(), 1, "another user who knows the address is told no more than who does not");
    assert!(house.script.asked().is_empty());
}

#[tokio::test]
async fn a_page_that_nobody_uses_is_gone_after_its_time() {
    let house = House::new();
    let page = house.open().await;
    house.clock.advance(PAGE_LIFE - Duration::from_secs(1));
    assert!(page.is_untouched());
    assert!(TcpStream::connect(("127.0.0.1", port(&page))).is_ok());
    house.clock.advance(Duration::from_secs(1));
    until_gone(&page).await;
    assert!(house.pages.pages().is_empty());
    press(&page, "do=begin").await;
    assert!(house.script.asked().is_empty(), "a tab that is left can begin nothing");
}

#[tokio::test]
async fn a_page_outlives_its_code_by_minutes_and_takes_the_sign_in_along() {
    let house = House::new();
    house.script.json(200, CODE);
    let page = house.open().await;
    house.clock.advance(PAGE_LIFE - Duration::from_secs(1));
    press(&page, "do=begin").await;
    house.clock.advance(Duration::from_secs(900 + 299));
    assert!(read_page(&page).await.contains("data-left=\"0\""));
    assert!(TcpStream::connect(("127.0.0.1", port(&page))).is_ok());
    house.clock.advance(Duration::from_secs(1));
    until_gone(&page).await;
    assert_eq!(house.broker.status().await.unwrap().open_sign_ins, 0);
}

#[tokio::test]
async fn who_asks_the_same_is_shown_the_same_page() {
    let house = House::new();
    house.script.json(200, CODE);
    let asked = |reason: &str| PageRequest { reason: Some(reason.to_owned()), ..PageRequest::default() };
    let page = house.open_for(asked("One.")).await;
    assert!(Arc::ptr_eq(&page, &house.open_for(asked("One.")).await));
    assert!(!Arc::ptr_eq(&page, &house.open_for(asked("Another.")).await));
    press(&page, "do=begin").await;
    assert!(!Arc::ptr_eq(&page, &house.open_for(asked("One.")).await), "its code is for whoever began it");
}

#[tokio::test]
async fn the_oldest_idle_page_makes_room() {
    let house = House::new();
    house.script.json(200, CODE);
    let asked = |n: usize| PageRequest { reason: Some(n.to_string()), ..PageRequest::default() };
    let busy = house.open_for(asked(0)).await;
    press(&busy, "do=begin").await;
    let oldest = house.open_for(asked(1)).await;
    for n in 2..=MAX_PAGES {
        house.open_for(asked(n)).await;
    }
    until_gone(&oldest).await;
    assert_eq!(house.pages.pages().len(), MAX_PAGES);
    assert!(read_page(&busy).await.contains("BL6XB575V"));
    house.pages.close();
    until_gone(&busy).await;
}

#[tokio::test]
async fn what_cannot_be_begun_opens_no_page() {
    let house = House::new();
    let refused =
        async |request: PageRequest| house.pages.open(request, Caller::ourselves()).await.unwrap_err().code;
    let elsewhere = PageRequest { profile: Some("elsewhere".to_owned()), ..PageRequest::default() };
    assert_eq!(refused(elsewhere).await, ErrorCode::ClientIdNeeded);
    let long = PageRequest { reason: Some("x".repeat(MAX_NAME + 1)), ..PageRequest::default() };
    assert_eq!(refused(long).await, ErrorCode::BadRequest);
    assert!(house.pages.pages().is_empty());
}
