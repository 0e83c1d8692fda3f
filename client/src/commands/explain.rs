//! `entra explain`: what an error number or code means, who can mend it and what to do, without the network.

use entra_proto::aadsts::{Explanation, Mender, Names, explain};
use entra_proto::error::{Row, TABLE, exit};
use serde_json::{Value, json};

use crate::args::ExplainArgs;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::wrap;

/// Explains the code found in the words, or says where else to look.
pub(crate) fn run(args: &ExplainArgs) -> Result<(), Failure> {
    let words = args.text.join(" ");
    let Some(meaning) = Meaning::of(&words) else { return Err(unknown(&words)) };
    if args.json {
        return print::write_json(&meaning.to_json(), JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(meaning.to_words(&stream).as_bytes())
}

/// What the two tables know.
#[derive(Debug)]
enum Meaning {
    Entra(Explanation),
    Entrad(&'static Row),
}

impl Meaning {
    fn of(words: &str) -> Option<Self> {
        let name = words.trim().trim_matches('`');
        if let Some(row) = TABLE.iter().find(|row| row.name.eq_ignore_ascii_case(name)) {
            return Some(Self::Entrad(row));
        }
        number(words).and_then(explain).map(Self::Entra)
    }

    fn to_words(&self, stream: &Stream) -> String {
        let (name, facts) = match self {
            Self::Entra(known) => (format!("AADSTS{}", known.code), entra_facts(known)),
            Self::Entrad(row) => (row.name.to_owned(), entrad_facts(row)),
        };
        let mut words = format!("{}\n", stream.bold(&name));
        for (label, fact) in facts {
            for (index, line) in
                wrap(&fact, stream.width().min(100).saturating_sub(INDENT)).iter().enumerate()
            {
                let label = if index == 0 { label } else { "" };
                words.push_str(&format!("  {label:<9} {line}\n"));
            }
        }
        words
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Entra(known) => json!({
                "aadsts": known.code,
                "cause": known.cause,
                "mender": mender_name(known.mender),
                "remedy": known.remedy_for(&Names::GENERAL),
                "is_documented": known.is_documented,
                "page": page(known.code),
            }),
            Self::Entrad(row) => {
                json!({ "code": row.name, "cause": row.meaning, "remedy": remedy(row.exit), "exit": row.exit })
            }
        }
    }
}

fn entra_facts(known: &Explanation) -> Vec<(&'static str, String)> {
    let source = if known.is_documented {
        format!("Microsoft's table of error codes; see also {}", page(known.code))
    } else {
        "Not in Microsoft's table: from reports of people who met it.".to_owned()
    };
    vec![
        ("Cause", format!("{}.", known.cause)),
        ("Who", mender_words(known.mender).to_owned()),
        ("Next", known.remedy_for(&Names::GENERAL)),
        ("Source", source),
    ]
}

fn entrad_facts(row: &Row) -> Vec<(&'static str, String)> {
    vec![
        ("Cause", row.meaning.to_owned()),
        ("Next", remedy(row.exit).to_owned()),
        ("Exit", format!("`entra` ends with status {} after it.", row.exit)),
    ]
}

/// What to do after one of entrad's own codes: all codes of one exit status share the next step.
fn remedy(status: u8) -> &'static str {
    match status {
        exit::CANCELLED => "Run `entra login` to start again.",
        exit::LATER => {
            "Wait a moment and try again; `entra status` shows until when entrad waits, and what is locked."
        }
        exit::MISCONFIGURED => {
            "Read the error's hint: the configuration, the app registration or the tenant must change. `entra status` shows what is in force."
        }
        exit::REFUSED => "Read the error's hint; asking again without a change is refused again.",
        exit::SIGN_IN_NEEDED => "Run `entra login`.",
        exit::USAGE => {
            "Correct the command or request; `entra help` and `entra accounts` show what there is."
        }
        _ => "Look into entrad's log (`journalctl --user -u entrad`) and report it.",
    }
}

/// The number in `50076`, in `AADSTS50076`, or in a message that holds one.
fn number(words: &str) -> Option<u32> {
    let words = words.trim();
    let marked = words.to_ascii_uppercase().match_indices(MARK).find_map(|(at, _)| {
        let rest = &words[at + MARK.len()..];
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..end].parse().ok()
    });
    marked.or_else(|| words.parse().ok())
}

fn unknown(words: &str) -> Failure {
    match number(words) {
        Some(code) => Failure::new(exit::USAGE, "unknown_error_code", format!("Nothing is known here about AADSTS{code}."))
            .hint(format!("Microsoft's look-up page is {}", page(code))),
        None => Failure::new(exit::USAGE, "unknown_error_code", "There is no error code in that.")
            .hint("Give a number such as 50076, a message that holds AADSTS and a number, or a code such as store_locked.")
            .hint("Microsoft's look-up page is https://login.microsoftonline.com/error"),
    }
}

/// Microsoft's look-up page (Microsoft: "Microsoft Entra authentication and authorization error codes").
fn page(code: u32) -> String {
    format!("https://login.microsoftonline.com/error?code={code}")
}

fn mender_name(mender: Mender) -> &'static str {
    match mender {
        Mender::Admin => "admin",
        Mender::Configuration => "configuration",
        Mender::Nobody => "nobody",
        Mender::Person => "person",
        Mender::Report => "report",
        Mender::Time => "time",
    }
}

fn mender_words(mender: Mender) -> &'static str {
    match mender {
        Mender::Admin => "An administrator of the tenant.",
        Mender::Configuration => "Whoever set up the app registration or entrad's configuration.",
        Mender::Nobody => "Nobody need do anything: it is a step of a sign-in.",
        Mender::Person => "You, by signing in or finishing a step.",
        Mender::Report => "The makers of entrad: please report it.",
        Mender::Time => "Time: try again later.",
    }
}

/// How Entra marks its numbers.
const MARK: &str = "AADSTS";

/// Where the facts begin on the line.
const INDENT: usize = 12;

const JSON_ROOM: usize = 1024;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("50076", Some(50076))]
    #[case(" AADSTS50076 ", Some(50076))]
    #[case("aadsts50076:", Some(50076))]
    #[case("invalid_grant: AADSTS700082: The refresh token has expired", Some(700082))]
    #[case("AADSTS is a mark, AADSTS53003 a number", Some(53003))]
    #[case("\u{df}\u{df} AADSTS16000", Some(16000))]
    #[case("AADSTS99999999999", None)]
    #[case("it failed with 50076", None)]
    #[case("", None)]
    fn the_number_is_found_wherever_it_stands(#[case] words: &str, #[case] code: Option<u32>) {
        assert_eq!(number(words), code);
    }

    #[test]
    fn each_of_our_codes_is_explained() {
        for row in TABLE {
            let words = Meaning::of(row.name).unwrap().to_words(&Stream::plain());
            assert!(words.starts_with(row.name), "{words}");
            assert!(words.contains("Next"), "{words}");
            assert_eq!(Meaning::of(row.name).unwrap().to_json()["cause"], row.meaning);
        }
    }

    #[test]
    fn a_known_number_names_who_can_mend_it() {
        let known = Explanation {
            code: 65001,
            mender: Mender::Admin,
            cause: "The app has no consent",
            remedy: "Consent to {app} for {resource} in {tenant}.",
            is_documented: true,
        };
        let words = Meaning::Entra(known).to_words(&Stream::plain());
        assert!(words.starts_with("AADSTS65001\n  Cause     The app has no consent.\n"), "{words}");
        assert!(words.contains("An administrator"), "{words}");
        assert!(words.contains("Consent to the app for the resource in the tenant."), "{words}");
    }

    #[test]
    fn an_unknown_number_ends_with_the_look_up_page() {
        let failure = unknown("AADSTS1");
        assert_eq!(failure.exit(), exit::USAGE);
        assert!(failure.to_body().hint.unwrap().ends_with("error?code=1"));
        assert!(unknown("hm").to_body().hint.unwrap().contains("store_locked"));
    }
}
