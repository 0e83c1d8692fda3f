//! A person signs in on the daemon's own page, as a browser sends it; a real one is in `tests/real/page`.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use entra_proto::limits::{MAX_PAGE_CONNECTIONS, MAX_PAGES};
use entra_proto::page::{PageAnswer, PageRequest};
use entra_sim::{ADA, Fault, Leg};
use entra_tests::loopback::{Answer, ask};
use entra_tests::{Env, browser, programs, raw};
use serde_json::json;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(20);

struct Page {
    port: u16,
    path: String,
}

impl Page {
    fn open(env: &Env, request: &PageRequest) -> Self {
        let answer = raw::post(&env.socket(), "/v1/pages", &serde_json::to_value(request).unwrap());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: PageAnswer = serde_json::from_value(answer.body).unwrap();
        let rest = answer.url.expose().strip_prefix("http://127.0.0.1:").unwrap();
        let (port, path) = rest.split_once('/').unwrap();
        Self { port: port.parse().unwrap(), path: format!("/{path}") }
    }

    fn read(&self) -> String {
        let answer = ask(self.port, "GET", &self.path, &[], "");
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }

    fn press(&self, button: &str) -> Answer {
        let origin = format!("http://127.0.0.1:{}", self.port);
        ask(self.port, "POST", &self.path, &[("Origin", &origin)], &format!("do={button}"))
    }

    /// Listens as a page's script does.
    fn listen(&self) -> impl Iterator<Item = String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let head = format!("GET {}/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", self.path, self.port);
        stream.write_all(head.as_bytes()).unwrap();
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.filter_map(|line| line.strip_prefix("data: ").map(str::to_owned))
    }
}

#[test]
fn a_click_a_code_and_the_end() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let request = PageRequest { program: Some("<az>".to_owned()), ..PageRequest::default() };
    let page = Page::open(&env, &request);
    let html = page.read();
    assert!(html.contains("&lt;az&gt;") && !html.contains("<az>"), "{html}");
    assert!(html.contains("(process "), "who opened it is named: {html}");
    assert!(env.sim().control().requests_on(Leg::Devicecode).is_empty(), "nothing is begun before the click");

    let mut news = page.listen();
    assert!(news.next().unwrap().contains("\"serial\":0"));
    assert_eq!(page.press("begin").status, 303);
    let code = env.sim().control().next_user_code_blocking().unwrap();
    let told = news.find(|line| line.contains("\"left\"")).unwrap();
    assert!(!told.contains(&code), "the code is on the page alone: {told}");
    let html = page.read();
    assert!(html.contains(&format!(">{code}</output>")), "{html}");
    assert!(html.contains(&format!("href=\"{}", env.sim().origin())), "{html}");

    env.sim().control().approve(&code, ADA).unwrap();
    news.find(|line| line.contains("\"serial\":3")).unwrap();
    let html = page.read();
    assert!(html.contains("You are signed in") && html.contains(ADA) && !html.contains(&code), "{html}");
    assert_eq!(env.token(&["--for", "graph"])["source"], "cache");
    assert!(!env.log().contains(&page.path) && !env.log().contains(&code));
}

#[test]
fn the_person_who_was_asked_for_must_come() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    let page = Page::open(
        &env,
        &PageRequest { account: Some("bob@example.com".to_owned()), ..PageRequest::default() },
    );
    assert!(page.read().contains("bob@example.com"));
    let mut news = page.listen();
    page.press("begin");
    env.sim().control().approve(&env.sim().control().next_user_code_blocking().unwrap(), ADA).unwrap();
    news.find(|line| line.contains("\"serial\":3")).unwrap();
    let html = page.read();
    assert!(html.contains("The sign-in did not work") && html.contains("was expected"), "{html}");
    assert_eq!(raw::get(&env.socket(), "/v1/accounts").body, json!({ "accounts": [] }));
}

#[test]
fn who_may_not_use_a_code_goes_on_in_the_browser_that_shows_the_page() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    env.sim().control().script(Fault::on(Leg::Devicecode).refuse("invalid_request", 530_035));
    let page = Page::open(&env, &PageRequest::default());
    let onward = format!("{}?onward", page.path);
    let mut news = page.listen();
    let back = ask(page.port, "GET", &onward, &[], "");
    assert_eq!((back.status, back.header("location")), (303, Some(page.path.as_str())), "not yet");
    page.press("begin");
    news.find(|line| line.contains("\"left\"")).unwrap();
    let html = page.read();
    assert!(html.contains("href=\"?onward\"") && html.contains("AADSTS530035"), "{html}");
    assert!(!html.contains("authorize?"), "{html}");
    let gone = ask(page.port, "GET", &onward, &[], "");
    assert_eq!(gone.status, 303, "{gone:?}");
    let url = gone.header("location").unwrap();
    assert!(url.starts_with(env.sim().origin()), "{url}");
    assert_eq!(browser::visit_at(&env, url, ADA).status, 200);
    news.find(|line| !line.contains("\"left\"")).unwrap();
    assert!(page.read().contains("You are signed in"));
    let account = &raw::get(&env.socket(), "/v1/accounts").body["accounts"][0];
    assert_eq!(account["provenance"]["flow"], "browser");
    assert!(!env.log().contains("authorize?"), "{}", env.log());
}

#[test]
fn pages_and_their_connections_are_few() {
    let env = Env::new(programs!());
    let daemon = env.start_in_memory(&[]);
    let pages: Vec<_> = (0..=MAX_PAGES)
        .map(|n| {
            Page::open(&env, &PageRequest { reason: Some(format!("Reason {n}.")), ..PageRequest::default() })
        })
        .collect();
    let is_open = |page: &Page| TcpStream::connect(("127.0.0.1", page.port)).is_ok();
    let started = std::time::Instant::now();
    while is_open(&pages[0]) {
        assert!(started.elapsed() < LONG, "the oldest makes room");
        std::thread::yield_now();
    }
    assert!(pages[1..].iter().all(is_open));

    // Who has sat there for longest makes room for who asks, and nobody else does.
    let page = &pages[1];
    let mut idlers: Vec<_> =
        (0..MAX_PAGE_CONNECTIONS).map(|_| TcpStream::connect(("127.0.0.1", page.port)).unwrap()).collect();
    let answer = ask(page.port, "GET", &page.path, &[], "");
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut is_there = |number: usize| {
        idlers[number].set_nonblocking(true).unwrap();
        idlers[number].read(&mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    let asked = std::time::Instant::now();
    while is_there(0) {
        assert!(asked.elapsed() < LONG, "the first makes room");
        std::thread::yield_now();
    }
    assert!(is_there(MAX_PAGE_CONNECTIONS - 1), "the last stays");

    assert_eq!(daemon.stop(), 0);
    assert!(!is_open(page), "pages end with the daemon");
}

#[test]
fn requests_that_make_no_sense_open_nothing() {
    let env = Env::new(programs!());
    let _daemon = env.start_in_memory(&[]);
    for request in [
        json!({ "profile": "no such profile" }),
        json!({ "reason": "x".repeat(513) }),
        json!({ "account": "x".repeat(513) }),
        json!({ "url": "https://evil.example" }),
    ] {
        let answer = raw::post(&env.socket(), "/v1/pages", &request);
        assert_eq!((answer.status, answer.body["code"].as_str()), (400, Some("bad_request")), "{request}");
    }
}
