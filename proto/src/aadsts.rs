//! Entra's error numbers: what they mean, who can mend them, what to do next.
//!
//! One table for the daemon's hints and for `entra explain`. Microsoft says that codes and texts can
//! change and must not be depended on, so nothing here decides what the daemon does: it only chooses words.

/// What is known about one `AADSTS` number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The number.
    pub code: u32,
    /// Who can mend it.
    pub mender: Mender,
    /// What it means, one sentence without a period.
    pub cause: &'static str,
    /// What to do, one full sentence. `{app}`, `{resource}` and `{tenant}` stand for the request's own.
    pub remedy: &'static str,
    /// Whether the meaning is in Microsoft's published table (else from issue threads or third parties).
    pub is_documented: bool,
}

/// Who can mend an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mender {
    /// An administrator of the tenant.
    Admin,
    /// Whoever set up the app registration or entrad's configuration.
    Configuration,
    /// Nobody need do anything: it is a step of a sign-in.
    Nobody,
    /// The person, by signing in or finishing a step.
    Person,
    /// A defect of entrad, to be reported.
    Report,
    /// Time.
    Time,
}

/// What is known about `code`.
#[must_use]
pub fn explain(code: u32) -> Option<Explanation> {
    explanations().find(|explanation| explanation.code == code)
}

/// The whole table, by number.
pub fn explanations() -> impl Iterator<Item = Explanation> {
    std::iter::empty()
}
