//! One layer of settings, read whole or refused whole.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::{Args, Owner, Presence, owner};

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub source: Source,
}

impl<T> Setting<T> {
    /// A value nobody set.
    pub fn built_in(value: T) -> Self {
        Self { value, source: Source::BuiltIn }
    }

    /// The setting with its value converted; `expected` completes "should be …".
    ///
    /// # Errors
    /// [`LayerError::Value`] with the conversion's reason.
    pub fn try_map<U, E: fmt::Display>(
        self,
        key: &str,
        expected: &'static str,
        convert: impl FnOnce(T) -> Result<U, E>,
    ) -> Result<Setting<U>, LayerError> {
        match convert(self.value) {
            Ok(value) => Ok(Setting { value, source: self.source }),
            Err(error) => Err(LayerError::Value {
                key: key.to_owned(),
                source_: self.source,
                expected,
                reason: error.to_string(),
            }),
        }
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody set it.
    BuiltIn,
    /// A flag.
    CommandLine(String),
    /// A variable.
    Environment(String),
    /// A file and line.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Who may write to it.
        owner: Owner,
    },
}

impl Source {
    /// Whether only an administrator can have set it.
    #[must_use]
    pub fn is_administrators(&self) -> bool {
        matches!(self, Self::File { owner: Owner::Administrator, .. })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built in"),
            Self::CommandLine(flag) => f.write_str(flag),
            Self::Environment(variable) => f.write_str(variable),
            Self::File { path, line, .. } => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// Settings by key; those of profiles as `profile.NAME.key`. Paths and numbers are kept as written.
#[derive(Debug, Default)]
pub(super) struct Layer(BTreeMap<String, Setting<String>>);

/// The keys of the daemon, then those of a profile (the default profile's stand at the top level).
const KEYS: [&str; 15] = [
    "ask_ahead",
    "config",
    "flows",
    "log",
    "loopback",
    "notify",
    "notify_command",
    "passphrase_fd",
    "passphrase_file",
    "prompts_per_day",
    "quiet_hours",
    "snooze",
    "socket",
    "state_dir",
    "store",
];
const PROFILE_KEYS: [&str; 4] = ["authority", "client_id", "cloud", "tenant"];

/// The one that a file has as a list of strings; kept as JSON.
const LIST: &str = "notify_command";

/// Far more than any configuration needs.
const MAX_FILE: u64 = 256 * 1024;

impl Layer {
    pub(super) fn command_line(args: &Args) -> Self {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        let given = [
            ("config", path(&args.config)),
            ("socket", path(&args.socket)),
            ("state_dir", path(&args.state_dir)),
            ("store", args.store.clone()),
            ("passphrase_file", path(&args.passphrase_file)),
            ("passphrase_fd", args.passphrase_fd.map(|fd| fd.to_string())),
            ("cloud", args.cloud.clone()),
            ("tenant", args.tenant.clone()),
            ("client_id", args.client_id.clone()),
            ("authority", args.authority.clone()),
            ("log", args.log.clone()),
            ("loopback", args.loopback.clone()),
            ("flows", args.flows.clone()),
            ("notify", args.notify.clone()),
            ("notify_command", args.notify_command.clone()),
            ("quiet_hours", args.quiet_hours.clone()),
            ("snooze", args.snooze.clone()),
            ("prompts_per_day", args.prompts_per_day.map(|often| often.to_string())),
            ("ask_ahead", args.ask_ahead.clone()),
        ];
        let set = given.into_iter().filter_map(|(key, value)| {
            let source = Source::CommandLine(format!("--{}", key.replace('_', "-")));
            Some((key.to_owned(), Setting { value: value?, source }))
        });
        Self(set.collect())
    }

    pub(super) fn environment(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, LayerError> {
        let mut layer = Self::default();
        for key in KEYS.into_iter().chain(PROFILE_KEYS) {
            let name = format!("ENTRAD_{}", key.to_ascii_uppercase());
            if let Some(value) = variable(&name).filter(|value| !value.is_empty()) {
                let value = value.into_string().map_err(|_| LayerError::NotText(name.clone()))?;
                layer.0.insert(key.to_owned(), Setting { value, source: Source::Environment(name) });
            }
        }
        Ok(layer)
    }

    pub(super) fn file(path: &Path, owner: Owner, presence: Presence) -> Result<Self, LayerError> {
        let unreadable = |reason: std::io::Error| LayerError::Unreadable { path: path.to_owned(), reason };
        let opened = match owner {
            Owner::Administrator => owner::open_administrators(path),
            Owner::User => std::fs::File::open(path).map(Some),
        };
        let file = match opened {
            Ok(Some(file)) => file,
            Ok(None) => return Err(LayerError::NotAdministrators(path.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && presence == Presence::Optional => {
                return Ok(Self::default());
            }
            Err(error) => return Err(unreadable(error)),
        };
        let mut text = String::new();
        file.take(MAX_FILE).read_to_string(&mut text).map_err(unreadable)?;
        Self::parse(&text, path, owner)
    }

    fn parse(text: &str, path: &Path, owner: Owner) -> Result<Self, LayerError> {
        let line_of = |offset: usize| text[..offset].matches('\n').count() + 1;
        let table = DeTable::parse(text).map_err(|error| LayerError::Syntax {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| line_of(span.start)),
            reason: error.message().to_owned(),
        })?;
        let mut reader = Reader { path, owner, line_of: &line_of, read: BTreeMap::new() };
        reader.table(table.get_ref(), "")?;
        Ok(Self(reader.read))
    }

    /// The settings of all layers, later ones winning.
    pub(super) fn merge(layers: impl IntoIterator<Item = Self>) -> Self {
        Self(layers.into_iter().flat_map(|layer| layer.0).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Setting<String>> {
        self.0.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<Setting<String>> {
        self.0
            .get(key)
            .map(|setting| Setting { value: setting.value.trim().to_owned(), source: setting.source.clone() })
    }

    pub(super) fn path(&self, key: &str) -> Result<Option<Setting<PathBuf>>, LayerError> {
        let absolute = |path: String| {
            let path = PathBuf::from(path);
            if path.is_absolute() { Ok(path) } else { std::path::absolute(path) }
        };
        self.text(key).map(|setting| setting.try_map(key, "a path", absolute)).transpose()
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<Setting<i32>>, LayerError> {
        self.text(key).map(|setting| setting.try_map(key, "a number", |text| text.parse())).transpose()
    }

    pub(super) fn profile_names(&self) -> BTreeSet<String> {
        let names = self.0.keys().filter_map(|key| key.strip_prefix("profile.")?.rsplit_once('.'));
        names.map(|(name, _)| name.to_owned()).collect()
    }
}

struct Reader<'a> {
    path: &'a Path,
    owner: Owner,
    line_of: &'a dyn Fn(usize) -> usize,
    read: BTreeMap<String, Setting<String>>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, prefix: &str) -> Result<(), LayerError> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let source = Source::File {
                path: self.path.to_owned(),
                line: (self.line_of)(key.span().start),
                owner: self.owner,
            };
            let full = format!("{prefix}{name}");
            match value.get_ref() {
                DeValue::Table(profiles) if full == "profile" => self.profiles(profiles)?,
                value if is_key(prefix, name) => {
                    let value = match value {
                        DeValue::String(text) => text.to_string(),
                        DeValue::Integer(number) => number.as_str().to_owned(),
                        DeValue::Array(list) if full == LIST => {
                            let words: Option<Vec<_>> =
                                list.iter().map(|word| word.get_ref().as_str()).collect();
                            let text = words.and_then(|words| serde_json::to_string(&words).ok());
                            text.ok_or_else(|| LayerError::Type {
                                key: full.clone(),
                                source_: source.clone(),
                                found: "list of other things than strings",
                            })?
                        }
                        other => {
                            return Err(LayerError::Type {
                                key: full,
                                source_: source,
                                found: other.type_str(),
                            });
                        }
                    };
                    self.read.insert(full, Setting { value, source });
                }
                _ => {
                    return Err(LayerError::Unknown {
                        nearest: nearest(prefix, name),
                        key: full,
                        source_: source,
                    });
                }
            }
        }
        Ok(())
    }

    fn profiles(&mut self, profiles: &DeTable<'_>) -> Result<(), LayerError> {
        for (name, value) in profiles {
            let line = (self.line_of)(name.span().start);
            let source = Source::File { path: self.path.to_owned(), line, owner: self.owner };
            let key = format!("profile.{}", name.get_ref());
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            if name.get_ref().is_empty() || name.get_ref().len() > 64 || !name.get_ref().bytes().all(is_plain)
            {
                return Err(LayerError::ProfileName { key, source_: source });
            }
            match value.get_ref() {
                DeValue::Table(profile) => self.table(profile, &format!("{key}."))?,
                other => return Err(LayerError::Type { key, source_: source, found: other.type_str() }),
            }
        }
        Ok(())
    }
}

fn keys(prefix: &str) -> impl Iterator<Item = &'static str> {
    let top = if prefix.is_empty() { &KEYS[..] } else { &[] };
    top.iter().chain(&PROFILE_KEYS).copied()
}

fn is_key(prefix: &str, name: &str) -> bool {
    keys(prefix).any(|key| key == name && key != "config")
}

fn nearest(prefix: &str, name: &str) -> String {
    let score = |key: &str| strsim::jaro_winkler(key, name);
    let nearest = keys(prefix).max_by(|a, b| score(a).total_cmp(&score(b))).unwrap_or("tenant");
    format!("{prefix}{nearest}")
}

/// Why a layer is refused.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The administrator's file could have been written by somebody else.
    #[error("{}", owner::refusal(.0))]
    NotAdministrators(PathBuf),
    /// A variable that is not text.
    #[error("{0} is not valid UTF-8.")]
    NotText(String),
    /// A profile's name.
    #[error(
        "{source_}: `{key}` is no profile name; use letters, digits, hyphens and underscores, at most 64."
    )]
    ProfileName {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
    },
    /// Not TOML.
    #[error("{path}:{line}: {reason}.")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The parser's reason.
        reason: String,
    },
    /// A value of a wrong type.
    #[error("{source_}: `{key}` is a {found}; it should be a string.")]
    Type {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
        /// What stands there.
        found: &'static str,
    },
    /// A key nobody knows.
    #[error("{source_}: there is no setting `{key}`; did you mean `{nearest}`?")]
    Unknown {
        /// The key.
        key: String,
        /// The valid key most like it.
        nearest: String,
        /// Where.
        source_: Source,
    },
    /// The file cannot be read.
    #[error("{path} cannot be read: {reason}.")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A value that does not convert.
    #[error("{source_}: `{key}` should be {expected}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Where.
        source_: Source,
        /// What it should be.
        expected: &'static str,
        /// Why it is not.
        reason: String,
    },
}
