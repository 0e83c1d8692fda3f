//! Whether a condition holds: yes, no, or not known.
//!
//! No is said only where it is certain. A service, a tenant and a caller may each go by a name that nobody wrote into a rule.

use entra_proto::resource::RESOURCES;

use super::condition::{Condition, Test, Wanted};
use super::subject::{Subject, Tenant, is_id};
use super::wild::{PathPattern, Pattern};
use crate::access::facts::{Facts, Strength};
use crate::access::interpreter::is_interpreter;
use crate::access::lease::allowed;

/// Whether something is so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown,
}

impl Truth {
    fn not(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
        }
    }

    /// Of several that are asked for together: what is so of all, or of none.
    fn of_all(all: impl IntoIterator<Item = Self>) -> Self {
        let mut all = all.into_iter();
        let Some(first) = all.next() else { return Self::Unknown };
        if all.all(|other| other == first) { first } else { Self::Unknown }
    }
}

impl From<bool> for Truth {
    fn from(is_so: bool) -> Self {
        if is_so { Self::Yes } else { Self::No }
    }
}

/// Not known where there is nothing to hold it against.
fn known(is_so: Option<bool>) -> Truth {
    is_so.map_or(Truth::Unknown, Truth::from)
}

impl Condition {
    pub(super) fn truth(&self, subject: &Subject) -> Truth {
        let truth = self.test.truth(subject);
        if self.is_negated { truth.not() } else { truth }
    }
}

impl Test {
    fn truth(&self, subject: &Subject) -> Truth {
        let caller = subject.known_caller();
        match self {
            Self::Program(path) => known(caller.and_then(|facts| path.fits(facts.program.as_deref()?))),
            Self::Hash(hash) => known(caller.and_then(|facts| Some(facts.program_hash? == *hash))),
            Self::Script(path) => caller.map_or(Truth::Unknown, |facts| script(path, facts)),
            Self::Parent(path) => caller.map_or(Truth::Unknown, |facts| parent(path, facts)),
            Self::Unit(unit) => {
                known(subject.caller.as_ref().and_then(|facts| Some(unit.fits(facts.unit.as_deref()?))))
            }
            Self::Container => on_doubt(subject.caller.as_ref(), |facts| facts.container),
            Self::Forwarded => on_doubt(subject.caller.as_ref(), |facts| facts.forwarded),
            Self::Agent(name) => agent(name.as_ref(), subject.agent()),
            Self::Lease(name) => label(name.as_ref(), subject.lease.as_deref()),
            Self::Account(name) => known(subject.account.as_ref().and_then(|account| {
                let mut names = [&account.id, &account.username].into_iter().flatten().peekable();
                names.peek()?;
                Some(names.any(|one| name.fits(one)))
            })),
            Self::Domain(domain) => known(subject.domain().map(|it| domain.fits(it))),
            Self::Tenant(tenant, is_id) => match &subject.tenant {
                Some(it) => of_tenant(tenant, *is_id, it),
                None => Truth::Unknown,
            },
            Self::Profile(profile) => known(subject.profile.as_deref().map(|it| profile.fits(it))),
            Self::Resource(wanted) => Truth::of_all(subject.scopes.iter().map(|scope| wanted.truth(scope))),
            Self::Scope(scope) => Truth::of_all(subject.scopes.iter().map(|it| of_scope(scope, it))),
        }
    }
}

/// What is taken for so on doubt is certain only where the rest of the caller is known.
fn on_doubt(caller: Option<&Facts>, is_so: impl Fn(&Facts) -> bool) -> Truth {
    match caller {
        Some(facts) if !is_so(facts) => Truth::No,
        Some(facts) if facts.strength != Strength::Unknown => Truth::Yes,
        _ => Truth::Unknown,
    }
}

/// A label is there or is not; with a name, it is that one.
fn label(name: Option<&Pattern>, label: Option<&str>) -> Truth {
    label.is_some_and(|label| name.is_none_or(|name| name.fits(label))).into()
}

/// Who is one by its own word may be none, and one that it names so that a rule lets it in.
fn agent(name: Option<&Pattern>, agent: Option<(&str, bool)>) -> Truth {
    let so = label(name, agent.map(|(agent, _)| agent));
    if agent.is_some_and(|(_, is_sure)| !is_sure) { Truth::of_all([so, label(name, None)]) } else { so }
}

/// A program that is no interpreter runs no script.
fn script(path: &PathPattern, facts: &Facts) -> Truth {
    match (&facts.script, &facts.program) {
        (Some(script), _) => known(path.fits(script)),
        (None, Some(program)) if !is_interpreter(program) => Truth::No,
        (None, _) => Truth::Unknown,
    }
}

/// One of those above is enough. Who has lost its parents has some that are not known, and so has who is seen in part.
fn parent(path: &PathPattern, facts: &Facts) -> Truth {
    let fits: Vec<Option<bool>> = facts.parents.iter().map(|parent| path.fits(parent)).collect();
    if fits.contains(&Some(true)) {
        Truth::Yes
    } else if fits.is_empty() || fits.contains(&None) || !facts.are_all_parents {
        Truth::Unknown
    } else {
        Truth::No
    }
}

/// A tenant has one id and many names, so another name says nothing.
fn of_tenant(tenant: &Pattern, is_of_id: bool, it: &Tenant) -> Truth {
    match (is_of_id, &it.id) {
        (true, Some(id)) => tenant.fits(id).into(),
        _ if tenant.fits(&it.name) => Truth::Yes,
        _ => Truth::Unknown,
    }
}

impl Wanted {
    fn truth(&self, scope: &str) -> Truth {
        // Without a resource it is Microsoft Graph's to Entra, and nothing that a rule could rely on.
        let Some(resource) = allowed::resource_of(scope) else { return Truth::Unknown };
        let is_it = match self {
            Self::Named(addresses) => addresses.contains(&resource),
            Self::Address(address) => address.fits(&resource),
        };
        if is_it {
            Truth::Yes
        } else if is_id(&resource) && !is_well_known(&resource) {
            // Every service can be asked for by the id of its app.
            Truth::Unknown
        } else {
            Truth::No
        }
    }
}

fn is_well_known(address: &str) -> bool {
    RESOURCES.iter().any(|resource| allowed::addresses_of(resource).any(|known| known == address))
}

/// `.default` is whatever was consented to for its resource.
fn of_scope(scope: &Pattern, it: &str) -> Truth {
    let lower = it.to_ascii_lowercase();
    match lower.strip_suffix(".default") {
        _ if scope.fits(it) => Truth::Yes,
        Some(resource) if scope.may_fit_behind(resource) => Truth::Unknown,
        _ => Truth::No,
    }
}

#[cfg(test)]
#[path = "truth_tests.rs"]
mod tests;

#[cfg(all(test, unix))]
#[path = "truth_tests_unix.rs"]
mod tests_of_paths;
