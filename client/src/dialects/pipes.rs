//! What a dialect reads from the tool that called it, how it leaves words to another program, and the one way it fails.

use std::ffi::OsString;
use std::io::{ErrorKind, Read};

use entra_proto::error::exit;
use zeroize::Zeroizing;

use super::ask;
use super::next::{NextError, pass_on};
use crate::failure::Failure;
use crate::print::Stream;

/// All of standard input, up to its end or an empty line, into memory that is wiped: tools hand passwords over there.
pub(crate) fn input() -> Result<Zeroizing<String>, Failure> {
    read(&mut std::io::stdin().lock())
}

/// Says on standard error what happened and what to do, in one line, and returns the status to end with.
pub(crate) fn complain(failure: &Failure) -> u8 {
    if !failure.is_silent() {
        // Where nobody listens, the status still speaks.
        let _ = Stream::errors().write(format!("{}\n", ask::sentence(failure)).as_bytes());
    }
    failure.exit()
}

/// Leaves the words to the next program called `name`, or where there is none does what is done `alone`.
pub(crate) fn leave(
    name: &'static str,
    words: &[OsString],
    alone: impl FnOnce() -> Result<u8, Failure>,
) -> Result<u8, Failure> {
    let sentence = match pass_on(name, words) {
        NextError::Absent(_) => return alone(),
        NextError::Start { path, source } => format!("{} cannot be started: {source}.", path.display()),
        error @ NextError::Circle(_) => format!("The words are left to another program, but {error}."),
    };
    Err(Failure::new(exit::INTERNAL, "not_passed_on", sentence)
        .hint(format!("`{name}` on PATH must lead to the real one behind entra's own.")))
}

fn read(stream: &mut impl Read) -> Result<Zeroizing<String>, Failure> {
    // Never moved while it fills, and always with room for a read that goes past the standard library's own buffer.
    let mut bytes = Zeroizing::new(vec![0; MAX_INPUT + ROOM]);
    let mut length = 0;
    while !bytes[..length].ends_with(b"\n\n") {
        match stream.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable("Standard input could not be read.").because(&error)),
        }
        if length > MAX_INPUT {
            return Err(unreadable("What came on standard input is too long."));
        }
    }
    let text = str::from_utf8(&bytes[..length])
        .map_err(|_| unreadable("What came on standard input is no text."))?;
    let mut input = Zeroizing::new(String::with_capacity(length));
    input.push_str(text);
    Ok(input)
}

fn unreadable(sentence: &str) -> Failure {
    Failure::new(exit::USAGE, "bad_input", sentence)
        .hint("This program is called by other tools; it takes what they send.")
}

/// Longest input: git's, with its headers and a token, is under 16 KiB.
const MAX_INPUT: usize = 64 * 1024;

/// The size of the standard library's buffer for standard input.
const ROOM: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use std::io::repeat;

    use super::*;

    #[test]
    fn input_ends_with_the_stream_or_an_empty_line() {
        assert_eq!(*read(&mut &b"a=1\nb=2\n"[..]).unwrap(), "a=1\nb=2\n");
        let mut lines: &[&[u8]] = &[b"a=1\n", b"\n"];
        let mut stream = std::iter::from_fn(|| lines.split_off_first().copied());
        struct Pieces<'a, I>(&'a mut I);
        impl<'b, I: Iterator<Item = &'b [u8]>> Read for Pieces<'_, I> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                self.0.next().expect("nothing is read after the empty line").read(into)
            }
        }
        assert_eq!(*read(&mut Pieces(&mut stream)).unwrap(), "a=1\n\n");
    }

    #[test]
    fn input_that_is_no_text_or_has_no_end_is_refused() {
        assert_eq!(read(&mut &b"\xff\n"[..]).unwrap_err().exit(), exit::USAGE);
        assert_eq!(read(&mut repeat(b'a')).unwrap_err().exit(), exit::USAGE);
    }
}
