//! Pages of documentation as text: fenced blocks, code spans, links and headings, as much of Markdown as ours have.
//!
//! A line within a fence is never prose, and a code span holds no link.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// One file.
pub(crate) struct Page {
    path: PathBuf,
    text: String,
}

/// What stands between two fences.
pub(crate) struct Block {
    /// The line of its first line, from 1.
    pub(crate) line: usize,
    /// Without the fences.
    pub(crate) text: String,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The README, `docs/*.md` and `docs/tools/*.md`.
pub(crate) fn all() -> Vec<Page> {
    let within = |folder: &str| {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let mut pages: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "md")).collect();
        pages.sort();
        pages
    };
    let paths = [root().join("README.md")].into_iter().chain(within("docs")).chain(within("docs/tools"));
    paths.map(|path| Page { text: std::fs::read_to_string(&path).unwrap(), path }).collect()
}

impl Page {
    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is of one tool, and may name that tool's own keys.
    pub(crate) fn is_of_a_tool(&self) -> bool {
        self.path.parent().is_some_and(|folder| folder.ends_with("docs/tools"))
    }

    /// The fenced blocks in a language.
    pub(crate) fn blocks<'a>(&'a self, language: &'a str) -> impl Iterator<Item = Block> + 'a {
        self.fenced().into_iter().filter(move |(of, _)| of == language).map(|(_, block)| block)
    }

    fn fenced(&self) -> Vec<(String, Block)> {
        let mut blocks: Vec<(String, Block)> = Vec::new();
        let mut is_within = false;
        for (at, line) in self.text.lines().enumerate() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                is_within = !is_within;
                if is_within {
                    blocks.push((language.trim().to_owned(), Block { line: at + 2, text: String::new() }));
                }
            } else if is_within {
                let text = &mut blocks.last_mut().unwrap().1.text;
                text.push_str(line);
                text.push('\n');
            }
        }
        assert!(!is_within, "{self}: a fence is not closed");
        blocks
    }

    /// The text without fenced blocks, with as many lines.
    fn prose(&self) -> String {
        let mut is_within = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            let is_fence = line.trim_start().starts_with("```");
            is_within ^= is_fence;
            prose.push_str(if is_fence || is_within { "" } else { line });
            prose.push('\n');
        }
        prose
    }

    /// What stands in backticks in the prose, with one space for each gap.
    pub(crate) fn code_spans(&self) -> Vec<String> {
        let prose = self.prose();
        let paragraphs = prose.split("\n\n");
        let spans = paragraphs.flat_map(|paragraph| paragraph.split('`').skip(1).step_by(2));
        spans.map(|span| span.split_whitespace().collect::<Vec<_>>().join(" ").replace("\\|", "|")).collect()
    }

    /// The prose with its code spans blanked out.
    fn words(&self) -> String {
        let blank = |paragraph: &str| -> String {
            let parts = paragraph.split('`').enumerate();
            let parts = parts.map(|(at, part)| match at % 2 {
                0 => part.to_owned(),
                _ => part.chars().map(|letter| if letter == '\n' { '\n' } else { 'x' }).collect(),
            });
            parts.collect::<Vec<_>>().join("`")
        };
        self.prose().split("\n\n").map(blank).collect::<Vec<_>>().join("\n\n")
    }

    /// Where its links and pictures point to, with their lines.
    pub(crate) fn links(&self) -> Vec<(usize, String)> {
        let words = self.words();
        let opened = [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')];
        let mut links: Vec<(usize, String)> = opened
            .into_iter()
            .flat_map(|(open, close)| words.match_indices(open).map(move |(at, _)| (at + open.len(), close)))
            .filter_map(|(at, close)| {
                Some((line_of(&words, at), words[at..].split(close).next()?.to_owned()))
            })
            .collect();
        links.extend(definitions(&words).into_values());
        links
    }

    /// The file that a link means.
    pub(crate) fn resolve(&self, target: &str) -> PathBuf {
        let file = target.split('#').next().unwrap();
        let folder = self.path.parent().unwrap();
        let path = if file.is_empty() { self.path.clone() } else { folder.join(file) };
        path.components().fold(PathBuf::new(), |mut path, part| {
            match part {
                Component::ParentDir => drop(path.pop()),
                other => path.push(other),
            }
            path
        })
    }

    /// Why a link leads nowhere. Those to other sites are not followed.
    pub(crate) fn follow(&self, target: &str) -> Option<String> {
        if target.starts_with("https://") {
            return None;
        }
        if target.contains(':') || target.starts_with('/') {
            return Some("it is neither relative nor https".to_owned());
        }
        let path = self.resolve(target);
        if !path.exists() {
            return Some("there is no such file".to_owned());
        }
        let anchor = target.split_once('#')?.1;
        let page = Self { text: std::fs::read_to_string(&path).unwrap(), path };
        (!page.anchors().contains(anchor)).then(|| format!("there is no such heading in {page}"))
    }

    /// What is wrong with `[name]` and its `[name]: address`: one without the other.
    pub(crate) fn references(&self) -> impl Iterator<Item = String> {
        let words = self.words();
        let defined: BTreeSet<String> = definitions(&words).into_keys().collect();
        let mut used = BTreeSet::new();
        for (at, _) in words.match_indices('[') {
            let Some((name, rest)) = words[at + 1..].split_once(']') else { continue };
            let is_definition = rest.starts_with(':') && (at == 0 || words[..at].ends_with('\n'));
            if !rest.starts_with('(') && !is_definition && name.bytes().all(is_of_a_name) {
                used.insert(name.to_owned());
            }
        }
        let undefined: Vec<_> =
            used.difference(&defined).map(|name| format!("[{name}] leads nowhere")).collect();
        let unused: Vec<_> = defined.difference(&used).map(|name| format!("[{name}] is not used")).collect();
        undefined.into_iter().chain(unused)
    }

    /// Its headings as the addresses that GitHub gives them.
    fn anchors(&self) -> BTreeSet<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let prose = self.prose();
        let headings = prose.lines().filter_map(|line| {
            let title = line.trim_start_matches('#');
            (title.len() < line.len()).then(|| title.strip_prefix(' '))?
        });
        headings
            .map(|title| {
                let kept = title.trim().to_lowercase();
                let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
                let slug: String = kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect();
                let count = seen.entry(slug.clone()).or_default();
                *count += 1;
                if *count == 1 { slug } else { format!("{slug}-{}", *count - 1) }
            })
            .collect()
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.strip_prefix(root()).unwrap_or(&self.path).display().fmt(f)
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Lines such as `[name]: address`, by name.
fn definitions(words: &str) -> BTreeMap<String, (usize, String)> {
    let lines = words.lines().enumerate();
    let defined = lines.filter_map(|(at, line)| {
        let (name, target) = line.strip_prefix('[')?.split_once("]: ")?;
        name.bytes().all(is_of_a_name).then(|| (name.to_owned(), (at + 1, target.trim().to_owned())))
    });
    defined.collect()
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte == b'-'
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}
