//! Who is served, for how long, and what becomes of them at the stop.

use entra_proto::limits::HEAD_TIMEOUT;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// It has no way to tell; whatever reads from it waits.
impl Opening for DuplexStream {
    async fn opened(&self) -> bool {
        true
    }
}

/// Says nothing.
struct Silent(DuplexStream);

impl Opening for Silent {
    async fn opened(&self) -> bool {
        std::future::pending().await
    }
}

impl AsyncRead for Silent {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        into: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Silent {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

async fn answer(_: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from("good")))
}

fn begin(connections: &Connections, stream: impl Opening + AsyncRead + AsyncWrite + Send + Sync + 'static) {
    connections.begin(connections.place(None).unwrap().0, stream, answer);
}

async fn ask(caller: &mut DuplexStream, ends: bool) -> std::io::Result<usize> {
    let close = if ends { "Connection: close\r\n" } else { "" };
    caller.write_all(format!("GET / HTTP/1.1\r\nHost: entrad\r\n{close}\r\n").as_bytes()).await?;
    caller.read(&mut [0; 1024]).await
}

#[tokio::test(start_paused = true)]
async fn who_was_accepted_before_the_stop_and_not_read_yet_is_answered() {
    let connections = Connections::at_most(1, Kind::Socket);
    let (mut caller, ours) = duplex(1024);
    begin(&connections, ours);
    let ending = async { connections.end().await };
    let asking = async {
        sleep(UNREAD_PATIENCE / 2).await;
        caller.write_all(b"GET / HTTP/1.1\r\nHost: entrad\r\n\r\n").await.unwrap();
        let mut said = String::new();
        caller.read_to_string(&mut said).await.unwrap();
        said
    };
    let ((), said) = tokio::join!(ending, asking);
    assert!(said.ends_with("good"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_nothing_does_not_hold_up_the_stop() {
    let connections = Connections::at_most(2, Kind::Socket);
    let (mut caller, ours) = duplex(1024);
    begin(&connections, ours);
    let (_silent, ours) = duplex(1024);
    begin(&connections, Silent(ours));
    let begun = tokio::time::Instant::now();
    connections.end().await;
    assert!(begun.elapsed() < FAREWELL);
    assert_eq!(caller.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_sent_away_in_time() {
    let connections = Connections::at_most(1, Kind::Socket);
    let (mut caller, ours) = duplex(1024);
    begin(&connections, Silent(ours));
    let begun = tokio::time::Instant::now();
    assert_eq!(caller.read(&mut [0]).await.unwrap(), 0);
    assert!(begun.elapsed() >= HEAD_TIMEOUT && begun.elapsed() < HEAD_TIMEOUT * 2);
}

#[tokio::test(start_paused = true)]
async fn who_asked_last_stays_where_all_places_are_taken() {
    let connections = Connections::at_most(2, Kind::Loopback);
    let (mut first, ours) = duplex(1024);
    begin(&connections, ours);
    let (mut second, ours) = duplex(1024);
    begin(&connections, ours);
    // The first was there before, and has had an answer since.
    assert!(ask(&mut first, false).await.unwrap() > 0);
    let (mut third, ours) = duplex(1024);
    begin(&connections, ours);
    assert_eq!(second.read(&mut [0]).await.unwrap(), 0, "it made room");
    assert!(ask(&mut first, false).await.unwrap() > 0);
    assert!(ask(&mut third, true).await.unwrap() > 0);
}

#[tokio::test]
async fn who_only_waits_has_no_room_for_what_comes_then() {
    let (_caller, ours) = duplex(1024);
    let (_running, stopped) = watch::channel(false);
    let place = Arc::new(Places::new(1).take(None).unwrap().0);
    let waiting = from_the_first_byte(Silent(ours), answer, stopped.clone(), Arc::clone(&place));
    let (_caller, ours) = duplex(1024);
    let served = connection(ours, answer, stopped, place);
    let (waiting, served) = (size_of_val(&waiting), size_of_val(&served));
    assert!(waiting <= 1024, "{waiting} bytes wait, {served} are served");
}
