//! Sets of instants, as spans.

use std::time::Duration;

/// From `from` until just before `until`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Duration,
    pub(crate) until: Duration,
}

impl Span {
    pub(crate) fn holds(self, at: Duration) -> bool {
        self.from <= at && at < self.until
    }
}

/// Spans that do not touch, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans(Vec<Span>);

impl Spans {
    /// The union of the given ones.
    pub(crate) fn of(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut spans: Vec<_> = spans.into_iter().collect();
        spans.sort_by_key(|span| span.from);
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut().filter(|last| span.from <= last.until) {
                Some(last) => last.until = last.until.max(span.until),
                None => merged.push(span),
            }
        }
        Self(merged)
    }

    /// The span that holds the instant.
    pub(crate) fn at(&self, at: Duration) -> Option<Span> {
        let after = self.0.partition_point(|span| span.from <= at);
        self.0[..after].last().copied().filter(|span| span.holds(at))
    }

    /// Whether one span holds everything between the two instants.
    pub(crate) fn cover(&self, from: Duration, until: Duration) -> bool {
        self.at(from).is_some_and(|span| until <= span.until)
    }

    /// Whether some instant between the two is held.
    pub(crate) fn touch(&self, from: Duration, until: Duration) -> bool {
        let before = self.0.partition_point(|span| span.from < until);
        self.0[..before].last().is_some_and(|span| span.until > from)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Span> {
        self.0.iter().copied()
    }
}
