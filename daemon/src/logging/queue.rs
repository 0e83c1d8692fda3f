//! A bounded queue before each sink, and the thread that empties it.
//!
//! Whoever logs hands over a line and goes on: where the queue is full the line is lost and counted. The thread tells the sink
//! how many were lost as soon as it takes lines again.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use super::LogError;
use crate::metrics::METRICS;

/// A place for lines. It may block and fail: nobody but its own thread waits for it.
pub(super) trait Sink: Send + 'static {
    /// Writes one line, without its end.
    fn write(&mut self, level: Level, line: &str) -> io::Result<()>;
}

/// Lines that wait for a sink.
pub(super) struct Queue {
    pen: Pen,
    lines: Receiver<Message>,
}

enum Message {
    Line(Level, String),
    /// Tells when all before it is written.
    Flush(SyncSender<()>),
}

impl Queue {
    pub(super) fn new() -> Self {
        let (sender, lines) = sync_channel(MOST_WAITING);
        Self { pen: Pen { sender, lost: Arc::default() }, lines }
    }

    /// What writes into it.
    pub(super) fn pen(&self) -> Pen {
        self.pen.clone()
    }

    /// Starts the thread that empties it into the sink.
    pub(super) fn start(self, mut sink: impl Sink) -> Result<Writer, LogError> {
        let Self { pen, lines } = self;
        let lost = Arc::clone(&pen.lost);
        let work = move || {
            for message in lines {
                match message {
                    Message::Line(level, line) => write(&mut sink, level, &line, &lost),
                    // Who waited has gone on.
                    Message::Flush(done) => drop(done.try_send(())),
                }
            }
        };
        let started = thread::Builder::new().name("entrad-log".to_owned()).spawn(work);
        started.map_err(LogError::Thread)?;
        Ok(Writer(pen.sender))
    }
}

fn write(sink: &mut impl Sink, level: Level, line: &str, lost: &AtomicU64) {
    if sink.write(level, line).is_err() {
        lose(lost);
        return;
    }
    let before = lost.swap(0, Ordering::Relaxed);
    if before > 0
        && sink.write(Level::WARN, &format!("{before} lines of the log were lost before this one")).is_err()
    {
        lost.fetch_add(before, Ordering::Relaxed);
    }
}

fn lose(lost: &AtomicU64) {
    lost.fetch_add(1, Ordering::Relaxed);
    METRICS.log_line_lost();
}

impl Sink for Box<dyn Sink> {
    fn write(&mut self, level: Level, line: &str) -> io::Result<()> {
        (**self).write(level, line)
    }
}

/// A running thread's queue.
pub(super) struct Writer(SyncSender<Message>);

impl Writer {
    /// Waits until all that waits is written, for [`FLUSH_LIMIT`] at most.
    pub(super) fn flush(&self) {
        let (done, written) = sync_channel(1);
        if self.0.try_send(Message::Flush(done)).is_ok() {
            // Late: the sink hangs, and the process is to end.
            let _late = written.recv_timeout(FLUSH_LIMIT);
        }
    }
}

/// Makes a line of each event.
#[derive(Clone)]
pub(super) struct Pen {
    sender: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

/// The line of one event.
pub(super) struct Line<'a> {
    pen: &'a Pen,
    level: Level,
}

impl<'a> MakeWriter<'a> for Pen {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { pen: self, level: Level::INFO }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        Line { pen: self, level: *about.level() }
    }
}

impl Write for Line<'_> {
    /// The library writes each event at once.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = cut(&String::from_utf8_lossy(bytes)).to_owned();
        if self.pen.sender.try_send(Message::Line(self.level, line)).is_err() {
            lose(&self.pen.lost);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As much as every sink takes, without the end of the line.
fn cut(line: &str) -> &str {
    let line = line.trim_end();
    &line[..line.floor_char_boundary(LONGEST)]
}

/// A burst of a thousand lines is trouble that the first of them tell of.
const MOST_WAITING: usize = 1024;

/// Windows's Event Log takes 31,839 characters; ours are a few hundred.
const LONGEST: usize = 8 * 1024;

const FLUSH_LIMIT: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Takes one line each time it is let.
    struct Slow {
        may: Receiver<bool>,
        taken: Sender<String>,
    }

    impl Sink for Slow {
        fn write(&mut self, _: Level, line: &str) -> io::Result<()> {
            match self.may.recv() {
                Ok(true) => self.taken.send(line.to_owned()).map_err(io::Error::other),
                _ => Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
    }

    #[test]
    fn a_sink_that_hangs_costs_lines_and_no_time_and_says_how_many() {
        let ((let_it, may), (taken, lines)) = (channel(), channel());
        let queue = Queue::new();
        let pen = queue.pen();
        let writer = queue.start(Slow { may, taken }).unwrap();
        // One is in the sink's hands at most, and all others wait or are lost.
        for number in 0..MOST_WAITING + 100 {
            pen.make_writer().write_all(format!("line {number}\n").as_bytes()).unwrap();
        }
        for _ in 0..2 {
            let_it.send(true).unwrap();
        }
        assert_eq!(lines.recv().unwrap(), "line 0");
        let said = lines.recv().unwrap();
        let lost: usize = said.split(' ').next().unwrap().parse().unwrap();
        assert!(
            (99..=100).contains(&lost) && said.ends_with("lines of the log were lost before this one"),
            "{said}"
        );
        drop(let_it);
        drop(writer);
    }

    #[test]
    fn a_sink_that_fails_is_tried_with_the_next_line() {
        let ((let_it, may), (taken, lines)) = (channel(), channel());
        let queue = Queue::new();
        let pen = queue.pen();
        let writer = queue.start(Slow { may, taken }).unwrap();
        for (line, is_good) in [("bad", false), ("good", true)] {
            pen.make_writer().write_all(line.as_bytes()).unwrap();
            let_it.send(is_good).unwrap();
        }
        let_it.send(true).unwrap();
        writer.flush();
        let all: Vec<String> = lines.try_iter().collect();
        assert_eq!(all, ["good", "1 lines of the log were lost before this one"]);
    }

    #[test]
    fn a_line_is_cut_at_a_character() {
        let line = format!("{}\u{e4}\n", "x".repeat(LONGEST - 1));
        assert_eq!(cut(&line).len(), LONGEST - 1);
        assert_eq!(cut("short\r\n"), "short");
    }
}
