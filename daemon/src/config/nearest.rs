//! What somebody may have meant who wrote a word that there is not.

/// The one of the words that is most like it.
pub fn most_like<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |other: &str| strsim::jaro_winkler(other, word);
    words.into_iter().max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}
