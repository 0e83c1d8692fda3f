//! The person before a terminal of any system: what they type and what they have seen.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use super::PATIENCE;

/// A person with a keyboard and a screen.
pub(crate) struct Person {
    keys: Box<dyn Write>,
    pieces: Receiver<String>,
    /// All that has appeared on the screen, as far as it was waited for.
    pub(crate) seen: String,
}

impl Person {
    /// Reads the screen until its end, in a thread of its own.
    pub(crate) fn new(keys: impl Write + 'static, mut screen: impl Read + Send + 'static) -> Self {
        let (tell, pieces) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // On Unix the read fails once the program has closed its side.
            while let Ok(count @ 1..) = screen.read(&mut piece) {
                let _ = tell.send(String::from_utf8_lossy(&piece[..count]).into_owned());
            }
        });
        Self { keys: Box::new(keys), pieces, seen: String::new() }
    }

    /// Waits until the text has appeared.
    pub(crate) fn expect(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.seen.contains(text) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(piece) = self.pieces.recv_timeout(left) else { panic!("no {text:?} in {:?}", self.seen) };
            self.seen.push_str(&piece);
        }
    }

    /// Types these keys.
    pub(crate) fn type_in(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }
}
