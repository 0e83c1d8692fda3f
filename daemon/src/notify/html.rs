//! Writing HTML so that nothing can break out of it.
//!
//! Markup is what stands in our own sources (`&'static str`); every other text has one way in, which escapes it. A test
//! feeds whatever a string can hold and sees the same tags come out.

/// A document in the making.
#[derive(Default)]
pub(super) struct Html(String);

impl Html {
    /// Markup of our own.
    pub(super) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text of anybody's, for an element or for an attribute in double quotes.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for char in text.chars().filter(|char| !is_deceiving(*char)) {
            match char {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(char),
            }
        }
        self
    }

    /// Text in which backticks mark what is typed, as in the daemon's hints.
    pub(super) fn prose(&mut self, text: &str) -> &mut Self {
        let mut rest = text;
        while let Some((before, typed, after)) = marked(rest) {
            self.text(before).raw("<code>").text(typed).raw("</code>");
            rest = after;
        }
        self.text(rest)
    }

    /// A sentence of ours with a text of anybody's in the place of `{}`.
    pub(super) fn fill(&mut self, sentence: &str, text: &str) -> &mut Self {
        let (before, after) = sentence.split_once("{}").unwrap_or((sentence, ""));
        self.text(before).raw("<strong>").text(text).raw("</strong>").text(after)
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

fn marked(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (typed, after) = rest.split_once('`')?;
    Some((before, typed, after))
}

/// Controls, and what turns the direction of writing or is not seen: by these a text can look like another one (Unicode
/// Technical Report 36, section 2.4).
fn is_deceiving(char: char) -> bool {
    let is_hidden = matches!(char, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}');
    char.is_control() || is_hidden || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str) -> String {
        let mut html = Html::default();
        html.text(text);
        html.finish()
    }

    #[test]
    fn what_html_means_is_escaped_and_what_deceives_is_left_out() {
        assert_eq!(text(r#"<a href="x">&'"#), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(text("ada\u{202e}moc.elpmaxe@\u{0}\r\n\u{200b}"), "adamoc.elpmaxe@");
        assert_eq!(text("Zoë Ωmega \u{1f511}"), "Zoë Ωmega \u{1f511}");
    }

    #[test]
    fn backticks_mark_what_is_typed() {
        let prose = |text: &str| {
            let mut html = Html::default();
            html.prose(text);
            html.finish()
        };
        assert_eq!(
            prose("Run `entra login`, or `a<b`."),
            "Run <code>entra login</code>, or <code>a&lt;b</code>."
        );
        assert_eq!(prose("A lone ` is one."), "A lone ` is one.");
    }

    #[test]
    fn a_sentence_takes_a_text() {
        let mut html = Html::default();
        html.fill("You are {}.", "<ada>");
        assert_eq!(html.finish(), "You are <strong>&lt;ada&gt;</strong>.");
    }

    proptest! {
        #[test]
        fn no_text_leaves_its_place(any in any::<String>()) {
            let escaped = text(&any);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let entities = ["&amp;", "&lt;", "&gt;", "&quot;", "&#39;"];
            let ours: usize = entities.iter().map(|entity| escaped.matches(entity).count()).sum();
            prop_assert_eq!(escaped.matches('&').count(), ours);
        }
    }
}
