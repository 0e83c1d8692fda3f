//! The LaunchAgent, from the template in `service-files/` (launchd.plist(5)).

use std::path::{Path, PathBuf};

use super::ours::Comment;

/// The property list for this program, whose log goes to `log`.
pub(super) fn agent(program: &Path, log: &Path) -> Result<String, Unwritable> {
    Ok(AGENT.replace("/usr/local/bin/entrad", &escaped(program)?).replace("/dev/null", &escaped(log)?))
}

/// A path that no property list can hold.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{0:?} holds characters that a property list cannot hold.")]
pub(super) struct Unwritable(PathBuf);

fn escaped(path: &Path) -> Result<String, Unwritable> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    let text = text.ok_or_else(|| Unwritable(path.to_owned()))?;
    Ok(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// How comments are written.
pub(super) const COMMENT: Comment = Comment { open: "<!-- ", close: " -->" };

const AGENT: &str = include_str!("../../../service-files/entrad.plist");

#[cfg(test)]
mod tests {
    use roxmltree::{Document, ParsingOptions};

    use super::super::ours;
    use super::*;

    /// What follows the key.
    fn value<'a>(document: &'a Document<'_>, key: &str) -> &'a str {
        let is_key = |node: &roxmltree::Node<'_, '_>| node.has_tag_name("key") && node.text() == Some(key);
        let key = document.descendants().find(is_key).unwrap();
        let value = key.next_sibling_element().unwrap();
        value.first_element_child().unwrap_or(value).text().unwrap()
    }

    #[test]
    fn it_stays_a_property_list_whatever_the_paths_are() {
        let program = Path::new("/Users/a & b/<bin>/\"entrad\"");
        let text = ours::marked(agent(program, Path::new("/l>/log")).unwrap(), COMMENT);
        let document =
            Document::parse_with_options(&text, ParsingOptions { allow_dtd: true, ..Default::default() })
                .unwrap();
        assert_eq!(value(&document, "Label"), "entrad");
        assert_eq!(value(&document, "ProgramArguments"), program.to_str().unwrap());
        assert_eq!(value(&document, "StandardErrorPath"), "/l>/log");
        assert_eq!(value(&document, "Umask"), format!("{}", 0o077));
        assert_eq!(agent(Path::new("/a\u{1}"), program), Err(Unwritable("/a\u{1}".into())));
    }
}
