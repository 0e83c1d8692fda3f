//! What somebody may have meant who wrote a word that there is not.

/// The one of the words that is most like it.
pub fn most_like<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let judged = words.into_iter().map(|other| (strsim::jaro_winkler(other, word), other));
    judged.max_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, most)| most)
}
