//! XML as it is written here: elements of our own, and text from elsewhere escaped.

/// The text as it may stand between tags and, in double quotes, in an attribute (XML 1.0 sections 2.4 and 2.3). Tabs and
/// line ends would become spaces in an attribute (section 3.3.3), so they are written as references.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\t' | '\n' | '\r' => safe.push_str(&format!("&#{};", u32::from(c))),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_reads_is_what_was_meant() {
        let text = "a \"b\" <c> & 'd' ]]> \t\r\n \u{fc}\u{1f511}";
        let xml = format!("<a b=\"{0}\">{0}</a>", escaped(text));
        let document = roxmltree::Document::parse(&xml).unwrap();
        assert_eq!(document.root_element().attribute("b"), Some(text));
        assert_eq!(document.root_element().text(), Some(text));
    }
}
