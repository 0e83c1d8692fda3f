//! Files that entra wrote, told from those of others.
//!
//! The last line of such a file names the digest of the rest. A file without it is another's, and one whose digest is wrong
//! was changed by hand: neither is replaced or removed, so that nothing of anybody's is lost.

use std::path::Path;

use entra_proto::error::exit;

use crate::failure::Failure;
use crate::setup::file::{self, Content};
use crate::setup::record::digest;

/// How comments are written in a kind of file.
#[derive(Clone, Copy)]
pub(super) struct Comment {
    /// What they begin with.
    pub(super) open: &'static str,
    /// What they end with.
    pub(super) close: &'static str,
}

/// The text with its mark.
pub(super) fn marked(mut text: String, comment: Comment) -> String {
    let mark = mark(&text, comment);
    text.push_str(&mark);
    text
}

/// What the file holds where entra wrote it and nobody else has; nothing where there is none.
///
/// # Errors
/// A file that is another's.
pub(super) fn read(path: &Path, comment: Comment) -> Result<Option<Content>, Failure> {
    let Some(content) = file::read(path)? else { return Ok(None) };
    let text = content.text(path)?;
    let body = text.trim_end().rfind('\n').map_or("", |at| &text[..=at]);
    if text.trim_end().strip_prefix(body) == Some(mark(body, comment).trim_end()) {
        return Ok(Some(content));
    }
    let sentence = if text.contains(WROTE) {
        format!("{} was changed since entra wrote it.", path.display())
    } else {
        format!("{} is not entra's.", path.display())
    };
    Err(Failure::new(exit::MISCONFIGURED, "not_ours", sentence)
        .hint("It is left as it is. Keep what you need of it elsewhere, remove the file, and run the command again."))
}

fn mark(text: &str, comment: Comment) -> String {
    format!("{}{WROTE} {}{}\n", comment.open, digest(text.as_bytes()), comment.close)
}

/// What stands before the digest.
const WROTE: &str = "Written by `entra service install`, which replaces it; sha256";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::units::COMMENT as UNIT;
    use super::*;

    #[test]
    fn only_what_entra_wrote_is_taken_for_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.service");
        assert!(read(&path, UNIT).unwrap().is_none());
        let ours = marked("[Unit]\nDescription=x\n".to_owned(), UNIT);
        fs::write(&path, &ours).unwrap();
        assert_eq!(read(&path, UNIT).unwrap().unwrap().bytes.as_slice(), ours.as_bytes());
        for (text, words) in [
            (ours.replace("=x", "=y"), "was changed"),
            (format!("{ours}[Service]\n"), "was changed"),
            ("[Unit]\nDescription=x\n".to_owned(), "is not entra's"),
            (String::new(), "is not entra's"),
        ] {
            fs::write(&path, &text).unwrap();
            let failure = read(&path, UNIT).map(|_| ()).unwrap_err();
            assert_eq!(failure.exit(), exit::MISCONFIGURED);
            assert!(failure.to_body().message.contains(words), "{text}");
        }
    }
}
