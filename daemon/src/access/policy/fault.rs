//! What is wrong with a text of rules: where, what, and what to write instead.

use std::fmt;

use entra_proto::policy::{Effect, PolicyFault};

/// A fault, with its place in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    pub(super) what: Fault,
}

impl RuleFault {
    /// As the wire tells it, of this source.
    #[must_use]
    pub fn told(&self, place: &str) -> PolicyFault {
        let number = |number: usize| u32::try_from(number).ok();
        PolicyFault {
            place: place.to_owned(),
            line: number(self.line),
            column: number(self.column),
            what: self.what.to_string(),
        }
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("`{word}` is no beginning of a rule; did you mean `{}`? A rule begins with `allow`, `ask` or `deny`.", .nearest.word())]
    UnknownEffect { word: String, nearest: Effect },
    #[error("There is no condition `{word}`; did you mean `{nearest}`?")]
    UnknownCondition { word: String, nearest: &'static str },
    #[error("`{word}` is neither a resource's short name nor an address; did you mean `{nearest}`?")]
    UnknownResource { word: String, nearest: &'static str },
    #[error("`{name}` needs a value, as in `{example}`.")]
    NoValue { name: &'static str, example: &'static str },
    #[error("`{name}` takes no value; write `{name}` or `!{name}`.")]
    ValueOfNone { name: &'static str },
    #[error("A `!` stands before the value; write `{name}=!…`.")]
    MisplacedNot { name: &'static str },
    #[error("A quote is not closed; a value with a space stands between two `\"`.")]
    OpenQuote,
    #[error(
        "A quote stands around a whole value, as in `program=\"/opt/My Tool/run\"`, and nowhere within; `?` stands for any character."
    )]
    MisplacedQuote,
    #[error(
        "The path of `{name}` should be one from the root, or begin with `**/`; `~` and variables are not replaced."
    )]
    NotFromRoot { name: &'static str },
    #[error("A hash is `sha256:` and 64 hexadecimal digits, as `sha256sum FILE` prints them.")]
    NoHash,
    #[error("`{name}` stands twice, and all conditions of a rule must hold; write a rule for each value.")]
    Twice { name: &'static str },
    #[error(
        "`{program}` runs what others write, so to allow it is to allow everybody; add `script=` or `parent=`, which say what it runs or for whom."
    )]
    Interpreter { program: String },
    #[error(
        "`{name}` names a file in any folder, and everybody can name a file so; begin with the folder that it is in."
    )]
    AnyFolder { name: &'static str },
    #[error(
        "A tenant has several names, and whoever is refused by one can ask by another; write its id, as `entra accounts --json` shows it."
    )]
    TenantByName,
    #[error("The line holds a character that cannot be seen; take it out.")]
    Hidden,
    #[error(
        "This is longer than any rule needs; a line has at most {} bytes, a value 1024.",
        super::parse::MAX_LINE
    )]
    TooLong,
    #[error("There are more than {} rules.", super::MAX_RULES)]
    TooMany,
}
