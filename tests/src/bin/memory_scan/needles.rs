//! What is looked for: secrets, whole or a piece of them, in each form in which a program may hold them.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// One secret.
pub(crate) struct Needle {
    name: String,
    text: Vec<u8>,
    /// How many bytes of it in a row are a find.
    piece: usize,
}

impl Needle {
    /// All of it must be there.
    pub(crate) fn whole(name: &str, text: &[u8]) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), piece: text.len() }
    }

    /// So many bytes of it are enough.
    pub(crate) fn pieces(name: &str, text: &[u8], piece: usize) -> Self {
        Self { piece: text.len().min(piece), ..Self::whole(name, text) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Each form in which it may be held, with the least length of a find.
    fn forms(&self) -> Vec<(&'static str, Vec<u8>, usize)> {
        let mut forms = vec![("it is", self.text.clone(), self.piece)];
        let hex = |digit: fn(u8) -> String| self.text.iter().map(|byte| digit(*byte)).collect::<String>();
        forms.push(("hexadecimal digits", hex(|it| format!("{it:02x}")).into_bytes(), 2 * self.piece));
        forms.push(("hexadecimal digits", hex(|it| format!("{it:02X}")).into_bytes(), 2 * self.piece));
        forms.push(("UTF-16", self.text.iter().flat_map(|byte| [*byte, 0]).collect(), 2 * self.piece));
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            for before in 0..3 {
                // Without what the bytes before and after it have a share in.
                let text = engine.encode([&vec![0; before], self.text.as_slice()].concat());
                let text = &text.as_bytes()[(before * 8).div_ceil(6)..text.len() - 1];
                forms.push(("base64", text.to_owned(), text.len().min(self.piece * 4 / 3)));
            }
        }
        forms
    }
}

/// One place where a secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Find {
    pub(crate) name: String,
    pub(crate) how: &'static str,
    /// From the start of the bytes that were searched.
    pub(crate) at: usize,
    pub(crate) length: usize,
}

/// All forms of all secrets, by the eight bytes with which a piece of them begins.
pub(crate) struct Needles {
    forms: Vec<(String, &'static str, Vec<u8>, usize)>,
    starts: HashMap<[u8; START], Vec<(usize, usize)>>,
    /// Whether any piece begins with these two bytes.
    pairs: Vec<bool>,
}

impl Needles {
    pub(crate) fn new(needles: &[Needle]) -> Result<Self, String> {
        let mut all = Self { forms: Vec::new(), starts: HashMap::new(), pairs: vec![false; 1 << 16] };
        for needle in needles {
            if needle.piece < START {
                return Err(format!("{} is too short to be looked for", needle.name));
            }
            for (how, text, least) in needle.forms() {
                for at in 0..=text.len() - least {
                    let start: [u8; START] = text[at..].first_chunk().copied().unwrap_or_default();
                    all.starts.entry(start).or_default().push((all.forms.len(), at));
                    all.pairs[pair(&start)] = true;
                }
                all.forms.push((needle.name.clone(), how, text, least));
            }
        }
        Ok(all)
    }

    /// Every find, each stretch once.
    pub(crate) fn find<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = Find> + 'a {
        let mut at = 0;
        std::iter::from_fn(move || {
            while at + START <= bytes.len() {
                let here = at;
                // Most of a dump: memory that was reserved and never used.
                if bytes[here] == 0 && bytes[here..].starts_with(&NOTHING) {
                    at += NOTHING.len();
                    continue;
                }
                at += 1;
                if !self.pairs[pair(&bytes[here..])] {
                    continue;
                }
                if let Some(find) = self.find_at(&bytes[here..], here) {
                    at = here + find.length;
                    return Some(find);
                }
            }
            None
        })
    }

    /// The longest stretch that begins right there.
    fn find_at(&self, bytes: &[u8], at: usize) -> Option<Find> {
        let start: [u8; START] = bytes.first_chunk().copied()?;
        let stretches = self.starts.get(&start)?.iter().filter_map(|(form, from)| {
            let (name, how, text, least) = &self.forms[*form];
            let length = text[*from..].iter().zip(bytes).take_while(|(ours, theirs)| ours == theirs).count();
            (length >= *least).then(|| Find { name: name.clone(), how, at, length })
        });
        stretches.max_by_key(|find| find.length)
    }
}

fn pair(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// A page of zeros. No form of a secret begins with more than one.
const NOTHING: [u8; 4096] = [0; 4096];

/// So many bytes are looked up at once.
const START: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"correct horse battery staple";

    fn found(bytes: &[u8]) -> Vec<(String, &'static str, usize)> {
        let key: [u8; 32] = std::array::from_fn(|at| 200 + u8::try_from(at).unwrap());
        let needles = [Needle::pieces("phrase", SECRET, 12), Needle::pieces("key", &key, 8)];
        let needles = Needles::new(&needles).unwrap();
        needles.find(bytes).map(|find| (find.name, find.how, find.length)).collect()
    }

    #[test]
    fn a_secret_is_found_whole_and_in_pieces_and_once() {
        for (from, to) in [(0, 28), (3, 17), (14, 28)] {
            let bytes = [&[0; 100], &SECRET[from..to], &[0; 9]].concat();
            assert_eq!(found(&bytes), [("phrase".to_owned(), "it is", to - from)]);
        }
        assert_eq!(found(&[b"x", &SECRET[3..14]].concat()), []);
        let key: Vec<u8> = (207..215).collect();
        assert_eq!(found(&key), [("key".to_owned(), "it is", 8)]);
    }

    #[test]
    fn it_is_found_in_other_forms() {
        let wide: Vec<u8> = SECRET.iter().flat_map(|byte| [*byte, 0]).collect();
        assert_eq!(found(&wide)[0].1, "UTF-16");
        for before in ["", "a", "ab", "abc"] {
            let text = STANDARD_NO_PAD.encode([before.as_bytes(), SECRET, b"more"].concat());
            assert_eq!(found(text.as_bytes())[0].1, "base64", "{before}");
        }
        assert_eq!(found(b"-636f727265637420686f727365-")[0].1, "hexadecimal digits");
    }
}
