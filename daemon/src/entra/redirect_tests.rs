use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

/// Sends bytes and reads to the end.
async fn ask(port: u16, bytes: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text
}

fn get(port: u16, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n")
}

fn post(port: u16, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn opened() -> (u16, tokio::task::JoinHandle<Arrived>) {
    let redirect = Redirect::open().await.unwrap();
    let port = redirect.port();
    (port, tokio::spawn(async move { redirect.answer("s+e=cret", |_, _| None).await }))
}

#[rstest]
#[case(true)]
#[case(false)]
#[tokio::test]
async fn an_answer_is_taken_once_and_told_its_end(#[case] is_form: bool) {
    let (port, answer) = opened().await;
    let fields = "code=c%2B1&state=s%2Be%3Dcret&session_state=x";
    let request = if is_form { post(port, fields) } else { get(port, &format!("/?{fields}")) };
    let browser = tokio::spawn(async move { ask(port, &request).await });
    let mut arrived = answer.await.unwrap();
    assert!(matches!(arrived.take(), Returned::Code(code) if *code == "c+1"));
    arrived.show("Signed in", "As <ada>.").await;
    let text = browser.await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("As &lt;ada&gt;."), "{text}");
    assert!(text.contains("default-src 'none'") && text.contains("no-store"), "{text}");
    assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err(), "it is closed");
}

#[rstest]
#[case::state("/?code=c&state=other")]
#[case::no_state("/?code=c")]
#[case::two_states("/?code=c&state=other&state=s%2Be%3Dcret")]
#[case::two_codes("/?code=c&code=d&state=s%2Be%3Dcret")]
#[case::code_and_error("/?code=c&error=e&state=s%2Be%3Dcret")]
#[case::path("/callback?code=c&state=s%2Be%3Dcret")]
#[case::nothing("/")]
#[tokio::test]
async fn what_is_not_ours_changes_nothing(#[case] path: &str) {
    let (port, answer) = opened().await;
    let text = ask(port, &get(port, path)).await;
    assert!(text.starts_with("HTTP/1.1 40"), "{text}");
    let foreign = get(port, "/?code=c&state=s%2Be%3Dcret");
    for host in ["127.0.0.1", "evil.example", "localhost.evil.example"] {
        let text = ask(port, &foreign.replace("localhost", host)).await;
        assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    }
    assert!(ask(port, &foreign.replace("GET", "PUT")).await.starts_with("HTTP/1.1 404"));
    assert!(ask(port, &post(port, &"x".repeat(MAX_BODY + 1))).await.starts_with("HTTP/1.1 400"));
    let browser = tokio::spawn(async move { ask(port, &foreign).await });
    let mut arrived = answer.await.unwrap();
    assert!(matches!(arrived.take(), Returned::Code(_)));
    drop(arrived);
    assert!(!browser.await.unwrap().contains("HTTP/1.1 40"));
}

#[tokio::test]
async fn a_second_answer_is_told_that_there_was_one() {
    let (port, answer) = opened().await;
    let request = get(port, "/?error=access_denied&error_description=AADSTS65004:+no&state=s%2Be%3Dcret");
    let mut slow = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let (head, tail) = request.split_at(request.len() - 2);
    slow.write_all(head.as_bytes()).await.unwrap();
    let first = {
        let request = request.clone();
        tokio::spawn(async move { ask(port, &request).await })
    };
    let mut arrived = answer.await.unwrap();
    assert!(matches!(arrived.take(), Returned::Error { error, .. } if error == "access_denied"));
    slow.write_all(tail.as_bytes()).await.unwrap();
    let mut second = String::new();
    let _ = slow.read_to_string(&mut second).await;
    // Its connection had been taken before the port was closed.
    assert!(second.is_empty() || second.starts_with("HTTP/1.1 410"), "{second}");
    arrived.show("Not signed in", "You said no.").await;
    assert!(first.await.unwrap().contains("You said no."));
}

#[tokio::test]
async fn the_slow_and_the_silent_keep_nobody_out() {
    let (port, answer) = opened().await;
    let mut silent = Vec::new();
    for n in 0..MOST_CONNECTIONS * 3 {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
        if n % 2 == 0 {
            stream.write_all(b"POST / HTTP/1.1\r\nHost:").await.unwrap();
        }
        silent.push(stream);
    }
    let begun = Instant::now();
    let browser = tokio::spawn(async move { ask(port, &get(port, "/?code=c&state=s%2Be%3Dcret")).await });
    let arrived = answer.await.unwrap();
    assert!(begun.elapsed() < READ_LIMIT, "{:?}", begun.elapsed());
    arrived.show("Signed in", "Done.").await;
    assert!(browser.await.unwrap().contains("Done."));
}

#[tokio::test]
async fn a_stranger_is_sent_away_whatever_they_know() {
    let redirect = Redirect::open().await.unwrap();
    let port = redirect.port();
    let answer = redirect.answer("s+e=cret", |ours, theirs| (ours.port() != theirs.port()).then_some(1001));
    let request = get(port, "/?code=c&state=s%2Be%3Dcret");
    let tried = ask(port, &request);
    tokio::select! {
        _ = answer => panic!("a stranger's answer was taken"),
        text = tried => assert_eq!(text, ""),
    }
}
