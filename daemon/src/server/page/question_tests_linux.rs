//! Questions' pages over real connections, whose other end is this very process, or a child of it.

use std::process::Command;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, spawn_blocking};

use super::*;
use crate::access::consent::Following;
use crate::access::facts::{Facts, Strength};
use crate::access::policy::{Ask as _, Question, Subject};
use crate::audit::Audit;
use crate::broker::Parts;
use crate::clock::SystemClock;
use crate::config::{Consenting, Notify, Prompting, Setting};
use crate::entra::Entra;

/// Longer than anything takes here.
const LONG: Duration = Duration::from_secs(60);

/// A daemon's rooms, as far as a question's page needs them, and somebody who follows: so a question stays open.
struct House {
    consents: Consents,
    pages: Arc<QuestionPages>,
    _following: Following,
}

/// An answer's status and all that came with it.
type Told = (u16, String);

impl House {
    async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let parts = Parts::empty(Entra::new());
        let leases = Arc::new(Leases::new(parts.vault.clone(), Arc::clone(&clock)));
        let agents = Agents::new(Arc::clone(&clock), None);
        let silent = Prompting { notify: Setting::built_in(Notify::Off), ..Prompting::default() };
        let settings = (&Consenting::default(), &silent);
        let consents = Consents::new(parts.vault.clone(), Arc::clone(&clock), Audit::default(), settings);
        let following = consents.follow(&Caller::ourselves(), &leases, &agents).await.unwrap();
        let pages = QuestionPages::new(consents.clone(), leases, agents, Broker::new(parts), clock);
        Self { consents, pages, _following: following }
    }

    /// A tool asks, and its question has a page.
    async fn asked(&self, caller: Option<Caller>) -> (JoinHandle<Result<(), ErrorBody>>, Arc<QuestionPage>) {
        let facts = Facts {
            program: Some("/opt/<b>tool".into()),
            program_hash: Some([7; 32]),
            strength: Strength::Strong,
            ..Facts::of_nobody()
        };
        let scopes = vec!["https://graph.microsoft.com/.default".to_owned()];
        let question = Question {
            subject: Subject { caller: Some(facts), scopes, ..Subject::default() },
            caller,
            rule: "`ask` (/u.toml:3, line 1)".to_owned(),
            is_administrators: false,
            in_advance: "You can grant it in advance.".to_owned(),
        };
        let asked = tokio::spawn(self.consents.ask(question));
        let opened = async {
            loop {
                let standing = self.consents.list().await.unwrap();
                if let Some(question) = standing.questions.first() {
                    return self.pages.open(&question.id).await.unwrap();
                }
                tokio::task::yield_now().await;
            }
        };
        (asked, within(opened).await)
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, work).await.expect("it takes a moment")
}

fn place(page: &QuestionPage) -> (String, String) {
    let rest = page.address.url().expose().strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    (host.to_owned(), format!("/{path}"))
}

/// As a browser of this process sends it.
async fn send(page: &QuestionPage, head: &str, body: &str) -> Told {
    let (host, path) = place(page);
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let length = body.len();
    let head = head.replace("PATH", &path);
    let request =
        format!("{head}\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

async fn read(page: &QuestionPage) -> Told {
    send(page, "GET PATH HTTP/1.1", "").await
}

async fn press(page: &QuestionPage, form: &str) -> Told {
    let origin = format!("POST PATH HTTP/1.1\r\nOrigin: http://{}", place(page).0);
    send(page, &origin, form).await
}

/// As another process sends it, whose parent this one is.
async fn by_curl(page: &QuestionPage, words: &[&str]) -> Told {
    let mut command = Command::new("curl");
    command.args(["--silent", "--max-time", "60", "--write-out", "%{http_code}"]).args(words);
    command.arg(page.address.url().expose());
    let ran = within(spawn_blocking(move || command.output())).await.unwrap().unwrap();
    let text = String::from_utf8(ran.stdout).unwrap();
    let (body, status) = text.split_at(text.len() - 3);
    (status.parse().unwrap(), body.to_owned())
}

fn key_in(html: &str) -> &str {
    html.split("name=\"key\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[tokio::test]
async fn a_persons_click_answers_once_and_the_page_says_so() {
    let house = House::new().await;
    let (asked, page) = house.asked(None).await;
    let (status, html) = read(&page).await;
    assert!(
        status == 200 && html.contains("/opt/&lt;b&gt;tool") && html.contains("value=\"always\""),
        "{html}"
    );
    let key = key_in(&html).to_owned();
    assert!(key.len() == 43 && !page.address.path().contains(&key), "{key}");
    // A form without its key, with another one's, or with another word.
    for form in
        ["do=once".to_owned(), format!("key={}&do=once", "A".repeat(43)), format!("key={key}&do=more")]
    {
        let (status, refusal) = press(&page, &form).await;
        assert!(status == 403 && refusal.contains("There is nothing here"), "{form}: {refusal}");
    }
    assert!(!asked.is_finished());
    let (status, onward) = press(&page, &format!("key={key}&do=always")).await;
    assert!(status == 303 && onward.contains(&format!("location: {}\r\n", page.address.path())), "{onward}");
    within(asked).await.unwrap().unwrap();
    let (status, html) = read(&page).await;
    assert!(status == 200 && html.contains(">Allowed until you take it back</h1>"), "{html}");
    assert!(!html.contains("<form"), "it is said once");
    let decisions = house.consents.list().await.unwrap().decisions;
    assert_eq!(decisions.iter().map(|said| said.answer).collect::<Vec<_>>(), [ConsentWord::Always]);
}

#[tokio::test]
async fn the_first_browser_has_the_page_and_another_process_gets_nothing_by_its_address() {
    let house = House::new().await;
    let (asked, page) = house.asked(None).await;
    let (_, html) = read(&page).await;
    let form = format!("key={}&do=once", key_in(&html));
    let origin = format!("Origin: http://{}", place(&page).0);
    for words in [&[][..], &["--header", &origin, "--data", &form]] {
        let (status, text) = by_curl(&page, words).await;
        assert!(status == 403 && text.contains("There is nothing here"), "{text}");
    }
    assert!(!asked.is_finished());
    assert_eq!(press(&page, &form).await.0, 303);
    within(asked).await.unwrap().unwrap();
}

#[tokio::test]
async fn who_asks_and_what_it_started_is_shown_the_question_without_a_button() {
    let house = House::new().await;
    let (asked, page) = house.asked(Some(Caller::ourselves())).await;
    for (status, html) in [read(&page).await, by_curl(&page, &[]).await] {
        assert!(status == 200 && html.contains("the one that asks") && !html.contains("<form"), "{html}");
        assert!(html.contains("<code>entra consent</code>") && key_in(&html).is_empty(), "{html}");
    }
    // Not even with the key.
    let form = format!("key={}&do=once", page.key);
    assert_eq!(press(&page, &form).await.0, 303);
    assert!(!asked.is_finished() && page.reader.get().is_none());
    asked.abort();
}

#[tokio::test]
async fn what_is_answered_elsewhere_is_shown_and_the_page_ends_with_its_question() {
    let house = House::new().await;
    let (asked, page) = house.asked(None).await;
    let (_, html) = read(&page).await;
    let id = &page.question.id;
    house.consents.answer_on_page(id, ConsentWord::Deny, &Caller::ourselves()).await.unwrap();
    assert!(within(asked).await.unwrap().is_err());
    within(house.pages.settled(&page)).await;
    let (status, late) = press(&page, &format!("key={}&do=once", key_in(&html))).await;
    assert_eq!(status, 303, "{late}");
    let (_, html) = read(&page).await;
    assert!(html.contains(">Denied</h1>"), "{html}");
    house.pages.close();
    let gone = async {
        while TcpStream::connect(place(&page).0).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    within(gone).await;
    assert!(house.pages.open(id).await.is_err(), "it is over");
}
