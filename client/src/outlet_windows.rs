//! Standard output and standard error on Windows: two handles.
//!
//! A file or pipe gets our bytes as they are. A console gets UTF-16, so that its code page does not matter. One
//! that knows no escape sequences, as Windows itself has when set to its legacy form, is spared them: of ours,
//! colours can be left out, and clearing the rest of a line is done with a call.
#![expect(unsafe_code, reason = "consoles are written to with functions of Windows")]

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle};
use std::ptr::null;

use windows_sys::Win32::System::Console::{
    CONSOLE_SCREEN_BUFFER_INFO, ENABLE_PROCESSED_OUTPUT, ENABLE_VIRTUAL_TERMINAL_PROCESSING,
    FillConsoleOutputCharacterW, GetConsoleMode, GetConsoleScreenBufferInfo, SetConsoleMode, WriteConsoleW,
};
use zeroize::Zeroizing;

/// One of the two.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outlet {
    /// Standard error.
    Errors,
    /// Standard output.
    Output,
}

impl Outlet {
    /// Standard output.
    pub(crate) fn output() -> Self {
        Self::Output
    }

    /// Standard error.
    pub(crate) fn errors() -> Self {
        Self::Errors
    }

    /// Whether a person watches it.
    pub(crate) fn is_terminal(self) -> bool {
        self.with(|handle| handle.is_terminal())
    }

    /// Whether a terminal knows colours; a console is asked to.
    pub(crate) fn obeys_escape_sequences(self) -> bool {
        // A terminal that is no console is one of Unix's, at the other end of a pipe.
        self.with(|handle| Console::of(handle).is_none_or(|console| console.obeys_escape_sequences))
    }

    /// A terminal's width in characters, where it tells one.
    pub(crate) fn width(self) -> Option<usize> {
        let info = self.with(|handle| Console::of(handle)?.info().ok())?;
        usize::try_from(info.srWindow.Right - info.srWindow.Left + 1).ok().filter(|width| *width > 0)
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// The system's; a closed pipe is one (`BrokenPipe`).
    pub(crate) fn write_all(self, bytes: &[u8]) -> io::Result<()> {
        self.with(|handle| {
            if handle.as_raw_handle().is_null() {
                // A program without this stream says nothing on it.
                return Ok(());
            }
            match (Console::of(handle), std::str::from_utf8(bytes)) {
                (Some(console), Ok(text)) => console.write(text),
                _ => File::from(handle.try_clone_to_owned()?).write_all(bytes),
            }
        })
    }

    fn with<T>(self, act: impl FnOnce(BorrowedHandle<'_>) -> T) -> T {
        match self {
            Self::Errors => act(io::stderr().as_handle()),
            Self::Output => act(io::stdout().as_handle()),
        }
    }
}

/// A console's screen.
struct Console<'a> {
    screen: BorrowedHandle<'a>,
    obeys_escape_sequences: bool,
}

impl<'a> Console<'a> {
    /// The console behind the handle, if there is one. It is asked to obey escape sequences, and goes on to when
    /// we have ended, as with other programs: to take it back could take it from one that runs beside us.
    fn of(screen: BorrowedHandle<'a>) -> Option<Self> {
        let mut mode = 0;
        // SAFETY: the handle is open while it is borrowed, and `mode` is ours to be set.
        if unsafe { GetConsoleMode(screen.as_raw_handle(), &raw mut mode) } == 0 {
            return None;
        }
        let wanted = mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING;
        // SAFETY: as above.
        let obeys = mode == wanted || unsafe { SetConsoleMode(screen.as_raw_handle(), wanted) } != 0;
        Some(Self { screen, obeys_escape_sequences: obeys })
    }

    fn info(&self) -> io::Result<CONSOLE_SCREEN_BUFFER_INFO> {
        let mut info = CONSOLE_SCREEN_BUFFER_INFO::default();
        // SAFETY: the screen is open while it is borrowed, and `info` is ours to be set.
        if unsafe { GetConsoleScreenBufferInfo(self.screen.as_raw_handle(), &raw mut info) } == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(info)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if self.obeys_escape_sequences {
            return self.write_plain(text);
        }
        for piece in pieces(text) {
            match piece {
                Piece::ClearLine => self.clear_line()?,
                Piece::Text(text) => self.write_plain(text)?,
            }
        }
        Ok(())
    }

    fn write_plain(&self, text: &str) -> io::Result<()> {
        let mut units = Zeroizing::new(Vec::with_capacity(text.len()));
        units.extend(text.encode_utf16());
        let mut rest = units.as_slice();
        while !rest.is_empty() {
            let mut length = rest.len().min(LONGEST_WRITE);
            // The two halves of a character must not be parted.
            if length < rest.len() && (0xd800..0xdc00).contains(&rest[length - 1]) {
                length -= 1;
            }
            let (unit_count, mut written) = (u32::try_from(length).unwrap_or(0), 0);
            // SAFETY: the screen is open while it is borrowed, `rest` has at least this length, and `written` is
            // ours to be set.
            let is_written = unsafe {
                WriteConsoleW(
                    self.screen.as_raw_handle(),
                    rest.as_ptr(),
                    unit_count,
                    &raw mut written,
                    null(),
                )
            };
            if is_written == 0 {
                return Err(io::Error::last_os_error());
            }
            if written == 0 {
                return Err(ErrorKind::WriteZero.into());
            }
            rest = rest.get(written as usize..).unwrap_or_default();
        }
        Ok(())
    }

    /// Puts spaces from the cursor to the line's end, as `ESC [ K` does.
    fn clear_line(&self) -> io::Result<()> {
        let info = self.info()?;
        let room = u32::try_from(info.dwSize.X - info.dwCursorPosition.X).unwrap_or(0);
        let mut filled = 0;
        // SAFETY: the screen is open while it is borrowed, and `filled` is ours to be set.
        let is_filled = unsafe {
            FillConsoleOutputCharacterW(
                self.screen.as_raw_handle(),
                u16::from(b' '),
                room,
                info.dwCursorPosition,
                &raw mut filled,
            )
        };
        if is_filled == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// What a console without escape sequences is given.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    ClearLine,
    Text(&'a str),
}

/// Takes our text apart at its escape sequences. It has three kinds: colours, which go; the clipboard's control
/// string, which ends with BEL and goes too; and `ESC [ K`.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once('\u{1b}') {
        pieces.push(Piece::Text(before));
        let end = if sequence.starts_with('[') {
            sequence.find(|c: char| c.is_ascii_alphabetic())
        } else {
            sequence.find('\u{7}')
        };
        if sequence.starts_with("[K") {
            pieces.push(Piece::ClearLine);
        }
        rest = end.map_or("", |end| &sequence[end + 1..]);
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// The console's buffer is of 64 KiB and shared (Microsoft: "WriteConsole function").
const LONGEST_WRITE: usize = 8192;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legacy_console_sees_no_escape_sequence() {
        let text = "\r\u{1b}[K  \u{1b}[1;31mError:\u{1b}[0m a\u{1b}]52;c;QQ==\u{7}b\n";
        let plain = [
            Piece::Text("\r"),
            Piece::ClearLine,
            Piece::Text("  "),
            Piece::Text("Error:"),
            Piece::Text(" a"),
            Piece::Text("b\n"),
        ];
        assert_eq!(pieces(text), plain);
        assert_eq!(pieces("plain"), [Piece::Text("plain")]);
        assert!(pieces("\u{1b}]52;c;").is_empty());
    }
}
