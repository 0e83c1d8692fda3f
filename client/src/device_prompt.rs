//! What a person sees while signing in with a code or by browser: pure text, from the event to the screen.
//!
//! The screen must answer four questions before anything is typed: where, what, for whom, and whether this
//! was asked for at all. The code is large, and stands once more by itself so that it copies whole.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entra_proto::account::{AccountInfo, Flow};
use entra_proto::cloud::Cloud;
use entra_proto::error::ErrorBody;
use entra_proto::sign_in::{AuthorizationShown, CodeShown};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::print::Stream;
use crate::text::{plain, wrap};
use crate::when::{clock_face, rough};

/// What else to show.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    /// Copy the code to the clipboard.
    pub(crate) copy: bool,
    /// Open the page in a browser.
    pub(crate) open: bool,
    /// Draw the page's address.
    pub(crate) qr: bool,
}

/// The prompt for a terminal `width` characters wide, without the countdown.
pub(crate) fn screen(code: &CodeShown, stream: &Stream, width: usize, extras: Extras) -> String {
    let mut screen = Page { stream, width, text: "\n".to_owned() };
    if code.is_trusted_uri {
        if extras.qr {
            screen.qr(&code.verification_uri);
        }
        screen.paragraph(if extras.open {
            "To sign in, go to the page that opens in your browser:"
        } else {
            "To sign in, open this page in a browser:"
        });
    } else {
        screen.warning(UNTRUSTED);
        screen.paragraph("The page that was named:");
    }
    screen.line(&format!("    {}", stream.bold(&plain(&code.verification_uri))));
    screen.line("");
    screen.paragraph("and enter this code:");
    screen.code(&plain(code.user_code.expose()));
    if extras.copy {
        screen.copy(code.user_code.expose());
    }
    screen.line("");
    screen.warning(ANTI_PHISHING);
    screen.line("");
    for (label, value) in Asked::from(code).facts() {
        screen.fact(label, &value);
    }
    screen.line("");
    screen.text
}

/// The same for a page that opens in the browser by itself.
pub(crate) fn page_screen(page: &AuthorizationShown, stream: &Stream, width: usize) -> String {
    let mut screen = Page { stream, width, text: "\n".to_owned() };
    screen.paragraph("To sign in, go to the page that opens in your browser. If none opens, open this one on this machine:");
    screen.line("");
    // Whole, since a broken address cannot be copied.
    screen.line(&plain(page.url.expose()));
    screen.line("");
    screen.warning(ANTI_PHISHING_PAGE);
    screen.line("");
    for (label, value) in Asked::from(page).facts() {
        screen.fact(label, &value);
    }
    screen.line("");
    screen.text
}

/// The same for a pipe or a file.
pub(crate) fn page_lines(page: &AuthorizationShown) -> String {
    let mut lines = String::new();
    let _ =
        writeln!(lines, "To sign in, go to the page that opens in your browser, or open it on this machine:");
    let _ = writeln!(lines, "{}", plain(page.url.expose()));
    let _ = writeln!(lines, "It is waited for {}.", rough(page.expires_in));
    let _ = writeln!(lines, "{ANTI_PHISHING_PAGE}");
    for (label, value) in Asked::from(page).facts() {
        let _ = writeln!(lines, "{label}: {value}");
    }
    lines
}

/// What is said when a code was refused and the browser is next.
pub(crate) fn switched(to: Flow, error: &ErrorBody) -> String {
    format!("{} Going on by {}.", error.message, to.describe())
}

/// The prompt for a pipe or a file: lines without colour, box or movement.
pub(crate) fn lines(code: &CodeShown) -> String {
    let mut lines = String::new();
    let (page, user_code) = (plain(&code.verification_uri), plain(code.user_code.expose()));
    if !code.is_trusted_uri {
        let _ = writeln!(lines, "Warning: {UNTRUSTED}");
    }
    let _ = writeln!(lines, "To sign in, open {page} and enter the code {user_code}");
    let _ = writeln!(lines, "The code is good for {}.", rough(code.expires_in));
    let _ = writeln!(lines, "{ANTI_PHISHING}");
    for (label, value) in Asked::from(code).facts() {
        let _ = writeln!(lines, "{label}: {value}");
    }
    lines
}

/// The one line that is drawn again each second.
pub(crate) fn countdown(left: Duration, stream: &Stream, width: usize) -> String {
    let face = clock_face(left);
    let (text, face) = if left.is_zero() {
        ("  The code has expired \u{b7} waiting for entrad's word", String::new())
    } else {
        ("  Waiting for you \u{b7} ", format!("{face} left \u{b7} Ctrl-C cancels"))
    };
    // A line that wraps cannot be drawn over.
    let line: String = format!("{text}{face}").chars().take(width.saturating_sub(1)).collect();
    if left < LAST_MINUTE { stream.caution(&line) } else { line }
}

/// A notice of the wait, to stand above the countdown.
pub(crate) fn notice(notice: &str, width: usize) -> String {
    wrap(&plain(notice), width.saturating_sub(2)).iter().map(|line| format!("  {line}\n")).collect()
}

/// The good end, with what a desktop could do better where there is none.
pub(crate) fn signed_in(account: &AccountInfo, has_desktop: bool, stream: &Stream) -> String {
    let (username, tenant) = (plain(&account.username), plain(&account.tenant));
    let name = account.name.as_ref().map(|name| format!(" ({})", plain(name))).unwrap_or_default();
    let how = account.provenance.flow.describe();
    let sentence = format!(
        "{} as {}{name}, tenant {tenant}, with {how}.",
        stream.success("Signed in"),
        stream.bold(&username),
    );
    let mut text = stream.flow(0, &sentence)
        + &stream.flow(0, "Tools get tokens from now on; try `entra token --for graph`.");
    if account.provenance.flow == Flow::DeviceCode && !has_desktop {
        text.push_str(&stream.flow(0, &stream.dim(WITHOUT_DESKTOP)));
    }
    text
}

/// Who asks for what, in either flow.
struct Asked<'a> {
    profile: &'a str,
    cloud: Cloud,
    tenant: &'a str,
    client_id: &'a str,
    app_name: Option<&'a str>,
    program: &'a str,
    scopes: &'a [String],
}

macro_rules! asked {
    ($shown:ident) => {
        impl<'a> From<&'a $shown> for Asked<'a> {
            fn from(shown: &'a $shown) -> Self {
                Self {
                    profile: &shown.profile,
                    cloud: shown.cloud,
                    tenant: &shown.tenant,
                    client_id: &shown.client_id,
                    app_name: shown.app_name.as_deref(),
                    program: &shown.program,
                    scopes: &shown.scopes,
                }
            }
        }
    };
}

asked!(CodeShown);
asked!(AuthorizationShown);

impl Asked<'_> {
    fn facts(&self) -> [(&'static str, String); 5] {
        let client_id = plain(self.client_id);
        let app = match self.app_name {
            Some(name) => format!("{} ({client_id})", plain(name)),
            None => client_id.into_owned(),
        };
        let scopes: Vec<_> = self.scopes.iter().map(|scope| plain(scope)).collect();
        [
            ("Profile", format!("{} ({} cloud)", plain(self.profile), self.cloud)),
            ("Tenant", plain(self.tenant).into_owned()),
            ("App", app),
            ("Asked by", plain(self.program).into_owned()),
            ("Scopes", scopes.join(" ")),
        ]
    }
}

/// The code in groups that the eye can hold: threes, or fours where they fit better.
fn groups(code: &str) -> Vec<String> {
    let chars: Vec<char> = code.chars().collect();
    if !chars.iter().all(char::is_ascii_alphanumeric) {
        return vec![code.to_owned()];
    }
    let size = if !chars.len().is_multiple_of(3) && chars.len().is_multiple_of(4) { 4 } else { 3 };
    chars.chunks(size).map(|group| group.iter().collect()).collect()
}

/// A screen as it grows.
struct Page<'a> {
    stream: &'a Stream,
    width: usize,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrap(text, self.width.saturating_sub(2)) {
            self.line(&format!("  {line}"));
        }
    }

    fn warning(&mut self, text: &str) {
        for line in wrap(text, self.width.saturating_sub(2)) {
            let line = self.stream.caution(&line);
            self.line(&format!("  {line}"));
        }
    }

    fn code(&mut self, code: &str) {
        let spaced: Vec<String> = groups(code)
            .iter()
            .map(|group| group.chars().map(String::from).collect::<Vec<_>>().join(" "))
            .collect();
        let large = spaced.join("     ");
        let inner = large.chars().count() + 2 * BOX_PADDING;
        if inner + 6 <= self.width {
            let (rule, space) = ("\u{2500}".repeat(inner), " ".repeat(BOX_PADDING));
            let large = self.stream.bold(&large);
            self.line(&format!("    \u{250c}{rule}\u{2510}"));
            self.line(&format!("    \u{2502}{space}{large}{space}\u{2502}"));
            self.line(&format!("    \u{2514}{rule}\u{2518}"));
        }
        self.line(&format!("    {code}"));
    }

    /// OSC 52 asks the terminal to take text into the clipboard (xterm, "Manipulate Selection Data").
    fn copy(&mut self, code: &str) {
        let _ = write!(self.text, "\u{1b}]52;c;{}\u{7}", STANDARD.encode(code));
        self.paragraph("Copied to the clipboard, if your terminal allows it.");
    }

    /// With colours the modules are dark on light, as scanners expect. Without, the terminal's own
    /// foreground must serve as the light, since most are light on dark.
    fn qr(&mut self, page: &str) {
        let Ok(qr) = QrCode::new(page) else { return };
        let (dark, light) = if self.stream.has_colour() {
            (Dense1x2::Dark, Dense1x2::Light)
        } else {
            (Dense1x2::Light, Dense1x2::Dark)
        };
        let drawn = qr.render::<Dense1x2>().dark_color(dark).light_color(light).build();
        if drawn.lines().next().is_none_or(|line| line.chars().count() + 4 > self.width) {
            return self.paragraph("The terminal is too narrow for the QR code.");
        }
        for row in drawn.lines() {
            let row = if self.stream.has_colour() {
                format!("{BLACK_ON_WHITE}{row}{RESET}")
            } else {
                row.to_owned()
            };
            self.line(&format!("    {row}"));
        }
        self.line("");
    }

    fn fact(&mut self, label: &str, value: &str) {
        for (index, line) in wrap(value, self.width.saturating_sub(FACT_INDENT)).iter().enumerate() {
            let label = self.stream.dim(&format!("{:<9}", if index == 0 { label } else { "" }));
            self.line(&format!("  {label} {line}"));
        }
    }
}

/// The sentence that stops a device-code phish, in which somebody else's code is sent to a victim.
const ANTI_PHISHING: &str =
    "Only continue if you started this yourself. Nobody from IT or support will ever send you a code.";

/// The same where there is no code to send.
const ANTI_PHISHING_PAGE: &str = "Only continue if you started this yourself.";

const UNTRUSTED: &str = "This page is not one of Microsoft's for this cloud. Type nothing there unless you know why it was named.";

/// Said after a code without a desktop; what a policy does to such a sign-in is Microsoft's "Protocol tracking".
const WITHOUT_DESKTOP: &str = "It was signed in with a code, which a policy may end at any time (AADSTS530036); where this machine has a desktop, \
     `entra login --reroot` there moves it to the browser.";

/// When the countdown asks for attention.
const LAST_MINUTE: Duration = Duration::from_secs(60);

/// Columns left and right of the code inside its box.
const BOX_PADDING: usize = 4;

/// Where the facts begin on the line.
const FACT_INDENT: usize = 12;

/// Exact black and white of the 256-colour palette; the first eight are the terminal theme's.
const BLACK_ON_WHITE: &str = "\u{1b}[38;5;16;48;5;231m";
const RESET: &str = "\u{1b}[0m";

#[cfg(test)]
mod tests {
    use entra_proto::secret::UserCode;
    use rstest::rstest;

    use super::*;

    fn code() -> CodeShown {
        CodeShown {
            user_code: UserCode::new("BL6XB575V".to_owned()),
            verification_uri: "https://microsoft.com/devicelogin".to_owned(),
            is_trusted_uri: true,
            expires_on: 900,
            expires_in: 900,
            message: String::new(),
            flow: Flow::DeviceCode,
            profile: "default".to_owned(),
            cloud: Cloud::Public,
            tenant: "contoso.onmicrosoft.com".to_owned(),
            client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46".to_owned(),
            app_name: Some("Microsoft Azure CLI".to_owned()),
            program: "entra (process 1234)".to_owned(),
            scopes: vec!["https://management.azure.com/.default".to_owned()],
            correlation_id: "c".to_owned(),
        }
    }

    fn monochrome(code: &CodeShown, width: usize, extras: Extras) -> String {
        screen(code, &Stream::monochrome(), width, extras)
    }

    #[rstest]
    #[case("BL6XB575V", "BL6 XB5 75V")]
    #[case("ABCDEFGH", "ABCD EFGH")]
    #[case("ABCDEFGHJKLM", "ABC DEF GHJ KLM")]
    #[case("ABCDE", "ABC DE")]
    #[case("WDJB-MJHT", "WDJB-MJHT")]
    fn a_code_falls_into_groups(#[case] code: &str, #[case] grouped: &str) {
        assert_eq!(groups(code).join(" "), grouped);
    }

    #[rstest]
    #[case(80)]
    #[case(50)]
    fn the_screen_answers_the_four_questions_in_its_width(#[case] width: usize) {
        let screen = monochrome(&code(), width, Extras::default());
        let flat = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "https://microsoft.com/devicelogin",
            "B L 6 X B 5 7 5 V",
            "Nobody from IT or support will ever send you a code.",
            "default (public cloud)",
            "contoso.onmicrosoft.com",
            "Microsoft Azure CLI (04b07795-8ddb-461a-bbee-02f9e1bf7b46)",
            "entra (process 1234)",
        ] {
            assert!(flat.contains(words), "{words} is not in:\n{screen}");
        }
        assert!(screen.lines().any(|line| line.trim() == "BL6XB575V"), "{screen}");
        assert!(screen.lines().all(|line| line.chars().count() <= width), "{screen}");
        assert!(screen.lines().count() < 24, "{screen}");
    }

    #[test]
    fn a_narrow_screen_keeps_the_plain_code() {
        let screen = monochrome(&code(), 30, Extras::default());
        assert!(!screen.contains('\u{250c}') && screen.contains("\n    BL6XB575V\n"), "{screen}");
    }

    #[test]
    fn a_foreign_page_is_shown_with_a_warning_and_not_drawn() {
        let mut code = code();
        code.is_trusted_uri = false;
        let screen = monochrome(&code, 120, Extras { qr: true, ..Extras::default() });
        assert!(screen.contains("not one of Microsoft's") && !screen.contains('\u{2588}'), "{screen}");
        assert!(lines(&code).starts_with("Warning: "));
    }

    #[test]
    fn relayed_text_cannot_move_the_cursor() {
        let mut code = code();
        code.tenant = "a\u{1b}[2J\u{1b}]52;c;QQ==\u{7}b".to_owned();
        code.verification_uri = "https://microsoft.com/\u{1b}[1A".to_owned();
        let screen = monochrome(&code, 80, Extras::default());
        assert!(!screen.contains('\u{1b}') && screen.contains("ab"), "{screen}");
        assert!(!lines(&code).contains('\u{1b}'));
    }

    #[test]
    fn the_code_is_copied_by_the_terminal() {
        let screen = monochrome(&code(), 80, Extras { copy: true, ..Extras::default() });
        assert!(screen.contains("\u{1b}]52;c;Qkw2WEI1NzVW\u{7}"), "{screen:?}");
        assert!(screen.contains("Copied to the clipboard"), "{screen}");
    }

    #[test]
    fn the_address_is_drawn_where_it_fits() {
        let extras = Extras { qr: true, ..Extras::default() };
        assert!(monochrome(&code(), 80, extras).contains('\u{2588}'));
        assert!(monochrome(&code(), 30, extras).contains("too narrow"));
    }

    #[test]
    fn the_countdown_never_wraps() {
        let stream = Stream::monochrome();
        let line = countdown(Duration::from_secs(872), &stream, 80);
        assert_eq!(line, "  Waiting for you \u{b7} 14:32 left \u{b7} Ctrl-C cancels");
        assert_eq!(countdown(Duration::from_secs(872), &stream, 20).chars().count(), 19);
        assert!(countdown(Duration::ZERO, &stream, 80).contains("expired"));
    }
}
