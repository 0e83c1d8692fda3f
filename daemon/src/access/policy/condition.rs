//! The conditions of rules: their names, what they take, and how they are written.

use std::fmt;

use entra_proto::resource::{self, RESOURCES, Resource};

use super::Wants;
use super::fault::Fault;
use super::subject::{HASH, is_id};
use super::wild::{PathPattern, Pattern};
use crate::access::lease::allowed;
use crate::config::most_like;

/// One condition of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) test: Test,
    pub(super) is_negated: bool,
    name: &'static str,
    /// As it was written.
    value: Option<String>,
}

/// What a condition looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    Account(Pattern),
    Agent(Option<Pattern>),
    Container,
    Domain(Pattern),
    Forwarded,
    Hash([u8; 32]),
    Lease(Option<Pattern>),
    Parent(PathPattern),
    Profile(Pattern),
    Program(PathPattern),
    Resource(Wanted),
    Scope(Pattern),
    Script(PathPattern),
    Tenant(Pattern, IsId),
    Unit(Pattern),
}

/// Whether a tenant is written by its id, of which it has one.
pub(super) type IsId = bool;

/// A resource that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// One that entrad knows, by the addresses that it has.
    Named(Vec<String>),
    /// An address or an id.
    Address(Pattern),
}

/// A condition's name, and how it is written.
struct Form {
    name: &'static str,
    takes: Takes,
    example: &'static str,
    test: fn(&str) -> Result<Test, Fault>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Perhaps,
    Always,
}

/// The names of all conditions, in the order in which they are told.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FORMS.iter().map(|form| form.name)
}

impl Condition {
    /// Reads one, without the blanks around it.
    pub(super) fn parse(word: &str) -> Result<Self, Fault> {
        let (is_negated, rest) = unless(word);
        let (name, value) = match rest.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (rest, None),
        };
        let Some(form) = FORMS.iter().find(|form| form.name == name) else {
            let nearest = most_like(name, names()).unwrap_or_default();
            return Err(Fault::UnknownCondition { word: shown(name), nearest });
        };
        let Form { name, example, .. } = *form;
        match (value, form.takes) {
            (None, Takes::Always) => Err(Fault::NoValue { name, example }),
            (Some(_), Takes::Nothing) => Err(Fault::ValueOfNone { name }),
            (Some(_), _) if is_negated => Err(Fault::MisplacedNot { name }),
            (None, _) => Ok(Self { test: (form.test)("")?, is_negated, name, value: None }),
            (Some(value), _) => {
                let (is_negated, value) = unless(value);
                let value = unquoted(value)?;
                if value.is_empty() {
                    return Err(Fault::NoValue { name, example });
                }
                if value.len() > MAX_VALUE {
                    return Err(Fault::TooLong);
                }
                Ok(Self { test: (form.test)(value)?, is_negated, name, value: Some(value.to_owned()) })
            }
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// What it looks at of the caller; nothing where it looks at what is asked.
    pub(super) fn wants(&self) -> Option<Wants> {
        match self.test {
            Test::Agent(_) | Test::Container | Test::Forwarded => Some(Wants::Place),
            Test::Parent(_) | Test::Program(_) | Test::Script(_) | Test::Unit(_) => Some(Wants::Program),
            Test::Hash(_) => Some(Wants::Hash),
            Test::Account(_)
            | Test::Domain(_)
            | Test::Lease(_)
            | Test::Profile(_)
            | Test::Resource(_)
            | Test::Scope(_)
            | Test::Tenant(..) => None,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = if self.is_negated { "!" } else { "" };
        match &self.value {
            None => write!(f, "{not}{}", self.name),
            // As it stands it would be read as something else.
            Some(value) if value.contains(' ') || value.starts_with('!') => {
                write!(f, "{}={not}\"{value}\"", self.name)
            }
            Some(value) => write!(f, "{}={not}{value}", self.name),
        }
    }
}

/// Whether it begins with `!`, and what follows.
fn unless(text: &str) -> (bool, &str) {
    text.strip_prefix('!').map_or((false, text), |rest| (true, rest))
}

/// The value within its quotes, where it has some.
fn unquoted(value: &str) -> Result<&str, Fault> {
    let within = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let value = within.unwrap_or(value);
    if value.contains('"') { Err(Fault::MisplacedQuote) } else { Ok(value) }
}

fn path(name: &'static str, value: &str) -> Result<PathPattern, Fault> {
    PathPattern::new(value).ok_or(Fault::NotFromRoot { name })
}

/// The bytes of a hash as rules write it.
pub(super) fn hash(value: &str) -> Result<[u8; 32], Fault> {
    let digits = value.strip_prefix(HASH).filter(|digits| digits.len() == 64 && digits.is_ascii());
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        let pair = digits.and_then(|digits| digits.get(2 * at..2 * at + 2)).ok_or(Fault::NoHash)?;
        // A sign is no digit.
        let is_hex = pair.bytes().all(|digit| digit.is_ascii_hexdigit());
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| is_hex).ok_or(Fault::NoHash)?;
    }
    Ok(hash)
}

fn wanted(value: &str) -> Result<Test, Fault> {
    if let Some(named) = resource::named(value) {
        return Ok(Test::Resource(Wanted::Named(allowed::addresses_of(named).collect())));
    }
    if value.contains([':', '.', '-', '/', '*', '?']) {
        return Ok(Test::Resource(Wanted::Address(Pattern::new(&allowed::address_in(value)))));
    }
    let names = RESOURCES.iter().map(|resource: &Resource| resource.name);
    let nearest = most_like(&value.to_ascii_lowercase(), names).unwrap_or_default();
    Err(Fault::UnknownResource { word: shown(value), nearest })
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

const fn form(
    name: &'static str,
    takes: Takes,
    example: &'static str,
    test: fn(&str) -> Result<Test, Fault>,
) -> Form {
    Form { name, takes, example, test }
}

/// A pattern where there is a value, and none where there need not be one.
fn perhaps(value: &str) -> Option<Pattern> {
    (!value.is_empty()).then(|| Pattern::new(value))
}

const FORMS: &[Form] = &[
    form("program", Takes::Always, "program=/usr/bin/git", |value| {
        Ok(Test::Program(path("program", value)?))
    }),
    form("hash", Takes::Always, "hash=sha256:9f86d0…", |value| Ok(Test::Hash(hash(value)?))),
    form("script", Takes::Always, "script=/usr/bin/az", |value| Ok(Test::Script(path("script", value)?))),
    form("parent", Takes::Always, "parent=/usr/bin/make", |value| Ok(Test::Parent(path("parent", value)?))),
    form("unit", Takes::Always, "unit=backup.service", |value| Ok(Test::Unit(Pattern::new(value)))),
    form("container", Takes::Nothing, "container", |_| Ok(Test::Container)),
    form("forwarded", Takes::Nothing, "forwarded", |_| Ok(Test::Forwarded)),
    form("agent", Takes::Perhaps, "agent=claude", |value| Ok(Test::Agent(perhaps(value)))),
    form("lease", Takes::Perhaps, "lease=claude-code", |value| Ok(Test::Lease(perhaps(value)))),
    form("account", Takes::Always, "account=*@contoso.example", |value| {
        Ok(Test::Account(Pattern::new(value)))
    }),
    form("domain", Takes::Always, "domain=contoso.example", |value| {
        Ok(Test::Domain(Pattern::new(value.trim_start_matches('@'))))
    }),
    form("tenant", Takes::Always, "tenant=99999999-8888-7777-6666-555555555555", |value| {
        Ok(Test::Tenant(Pattern::new(value), is_id(value)))
    }),
    form("profile", Takes::Always, "profile=work", |value| Ok(Test::Profile(Pattern::new(value)))),
    form("resource", Takes::Always, "resource=foundry", wanted),
    form("scope", Takes::Always, "scope=https://graph.microsoft.com/User.Read", |value| {
        Ok(Test::Scope(Pattern::new(value)))
    }),
];

/// Longer than any path or address that a rule is about.
const MAX_VALUE: usize = 1024;
