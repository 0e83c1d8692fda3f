//! What every page is made of: its style, its script, its few drawings, and the policy that lets nothing else in.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::html::Html;
use super::words::Words;

/// The policy that every answer carries (Content Security Policy Level 3): this style and this script by their digests, and
/// nothing else of anybody's.
#[must_use]
pub fn policy() -> &'static str {
    &POLICY
}

// A checkout on Windows may have other line ends, and the digest is of what a browser reads.
pub(super) static STYLE: LazyLock<String> = LazyLock::new(|| include_str!("page.css").replace('\r', ""));
pub(super) static SCRIPT: LazyLock<String> = LazyLock::new(|| include_str!("page.js").replace('\r', ""));
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; img-src data:; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        digest(&STYLE),
        digest(&SCRIPT)
    )
});

/// A document up to the mark of its body, which is left open.
pub(super) fn write_head(html: &mut Html, words: &Words, title: &str, is_refreshed: bool) {
    html.raw("<!doctype html>\n<html lang=\"").text(words.language).raw("\">\n<head>\n").raw(META);
    if is_refreshed {
        html.raw("<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>\n");
    }
    html.raw("<title>").text(title).raw(" · entrad</title>\n<style>").raw(&STYLE);
    html.raw("</style>\n</head>\n<body");
}

/// What stands below what a page has to say.
pub(super) fn write_foot(html: &mut Html, words: &Words) {
    html.raw("</main>\n<footer><p>").text(words.footer).raw("</p></footer>\n<script>").raw(&SCRIPT);
    html.raw("</script>\n</body>\n</html>\n");
}

/// One line of what a page is about.
pub(super) fn write_row(html: &mut Html, name: &'static str, value: &str) {
    html.raw("<dt>").text(name).raw("</dt><dd>").text(value).raw("</dd>\n");
}

pub(super) const META: &str = "<meta charset=\"utf-8\">\n\
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
<meta name=\"color-scheme\" content=\"light dark\">\n\
<link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' \
stroke='%230b5cab' stroke-width='2.4' stroke-linecap='round'%3E%3Ccircle cx='8' cy='12' r='4.5'/%3E%3Cpath d='M12.5 12H22v4M18 12v3'/%3E%3C/svg%3E\">\n";

pub(super) const HEADER: &str = "<header><p class=\"mark\"><svg aria-hidden=\"true\" width=\"24\" height=\"24\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\"><circle cx=\"8\" cy=\"12\" r=\"4.5\"/><path d=\"M12.5 12H22v4M18 12v3\"/></svg>\
entrad</p></header>\n";

pub(super) const SEAL_GOOD: &str = "<div class=\"seal good\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.4\" stroke-linecap=\"round\" stroke-linejoin=\"round\"><path d=\"M5 12.5l4.5 4.5L19 7.5\"/></svg></div>\n";

pub(super) const SEAL_BAD: &str = "<div class=\"seal bad\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.4\" stroke-linecap=\"round\"><path d=\"M12 6v7.5M12 17.6v.1\"/></svg></div>\n";

pub(super) const SEAL_CLOCK: &str = "<div class=\"seal calm\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.2\" stroke-linecap=\"round\"><circle cx=\"12\" cy=\"12\" r=\"8.5\"/><path d=\"M12 7.5V12l3 2\"/></svg></div>\n";

pub(super) const SEAL_STOP: &str = "<div class=\"seal calm\" aria-hidden=\"true\"><svg width=\"26\" height=\"26\" viewBox=\"0 0 24 24\" fill=\"none\" \
stroke=\"currentColor\" stroke-width=\"2.4\" stroke-linecap=\"round\"><path d=\"M7 7l10 10M17 7L7 17\"/></svg></div>\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_lets_in_this_style_and_this_script_alone() {
        for (text, name) in [(&STYLE, "style-src"), (&SCRIPT, "script-src")] {
            let digest = STANDARD.encode(Sha256::digest(text.as_str()));
            assert!(policy().contains(&format!("{name} 'sha256-{digest}';")), "{}", policy());
        }
        assert!(policy().starts_with("default-src 'none';"));
        for forbidden in ["unsafe", "http:", "https:", "*"] {
            assert!(!policy().contains(forbidden), "{}", policy());
        }
    }

    #[test]
    fn neither_ends_its_own_element() {
        for text in [STYLE.as_str(), SCRIPT.as_str()] {
            assert!(
                !text.contains("</") && !text.contains("<!--") && !text.contains('\r') && !text.is_empty()
            );
        }
    }
}
