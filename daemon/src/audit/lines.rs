//! The lines of a file that somebody else may have written in: none is taken whole that is longer than ours are.

use std::io::{self, BufRead, BufReader, Read, Take};

use super::file::Part;
use super::line::MAX_LINE;

/// Reads one file line by line.
pub(super) struct Lines<R> {
    from: BufReader<Take<R>>,
    line: Vec<u8>,
}

/// A line without its end, or what stands in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// With its end, which is left out.
    Whole(&'a [u8]),
    /// The last one, without an end.
    Torn,
    /// Longer than any of ours.
    TooLong,
}

impl Part {
    /// As much of it as was there when it was opened.
    pub(super) fn lines(self) -> Lines<std::fs::File> {
        Lines::of(self.file, self.length)
    }
}

impl<R: Read> Lines<R> {
    /// As much as that of a stream.
    pub(super) fn of(from: R, length: u64) -> Self {
        Self { from: BufReader::with_capacity(256 * 1024, from.take(length)), line: Vec::new() }
    }

    /// The next line; nothing after the last.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let length = self.from.by_ref().take(MAX_LINE as u64).read_until(b'\n', &mut self.line)?;
        if length == 0 {
            return Ok(None);
        }
        if self.line.ends_with(b"\n") {
            self.line.pop();
            return Ok(Some(Line::Whole(&self.line)));
        }
        if length < MAX_LINE {
            return Ok(Some(Line::Torn));
        }
        self.skip()?;
        Ok(Some(Line::TooLong))
    }

    /// Passes over the rest of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let bytes = self.from.fill_buf()?;
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(bytes.len(), |at| at + 1);
            self.from.consume(used);
            if end.is_some() || used == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_torn_lines_are_told_from_whole_ones() {
        let long = "x".repeat(5 * MAX_LINE);
        let text = format!("a\n\n{long}\nb\n{long}");
        let mut lines = Lines::of(text.as_bytes(), u64::MAX);
        for expected in [Line::Whole(b"a"), Line::Whole(b""), Line::TooLong, Line::Whole(b"b"), Line::TooLong]
        {
            assert_eq!(lines.next_line().unwrap(), Some(expected));
        }
        assert_eq!(lines.next_line().unwrap(), None);
        let mut lines = Lines::of("a\nbcd".as_bytes(), 4);
        assert_eq!(lines.next_line().unwrap(), Some(Line::Whole(b"a")));
        assert_eq!(lines.next_line().unwrap(), Some(Line::Torn));
        assert_eq!(lines.next_line().unwrap(), None);
    }
}
