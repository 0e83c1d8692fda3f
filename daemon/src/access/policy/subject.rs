//! What rules are held against: a caller, and what its request came to mean.

use entra_proto::agent::AgentMark;
use entra_proto::policy::Fact;

use crate::access::facts::{Facts, Strength};
use crate::broker::{Asker, Wish};

/// A caller and its request, as far as they are known. What is absent is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The process; nothing over loopback, where nobody says which it is.
    pub caller: Option<Facts>,
    /// The lease that it presented, by name. That none was is known too.
    pub lease: Option<String>,
    /// The AI agent that the lease was made for, and whether that is sure.
    pub agent: Option<(String, bool)>,
    /// The account by its id, and by the user name that it has now.
    pub account: Option<Account>,
    /// The profile.
    pub profile: Option<String>,
    /// The tenant that the token is of.
    pub tenant: Option<Tenant>,
    /// The scopes; nothing where they are not known.
    pub scopes: Vec<String>,
}

/// An account by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// `uid.utid`.
    pub id: Option<String>,
    /// The user name.
    pub username: Option<String>,
}

/// A tenant by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// As it is asked.
    pub name: String,
    /// Its id, where that is known.
    pub id: Option<String>,
}

impl Subject {
    /// A request, without the caller's facts.
    #[must_use]
    pub fn of(asker: &Asker, wish: &Wish<'_>) -> Self {
        Self {
            caller: None,
            lease: asker.lease().map(str::to_owned),
            agent: asker.agent().map(|(name, by)| (name.to_string(), by == AgentMark::Declared)),
            account: Some(Account {
                id: Some(wish.key.account.as_str().to_owned()),
                username: Some(wish.username.to_owned()).filter(|name| !name.is_empty()),
            }),
            profile: Some(wish.key.profile.clone()),
            tenant: Some(Tenant::of(wish)),
            scopes: wish.scopes.iter().map(str::to_owned).collect(),
        }
    }

    /// The AI agent that asks, and whether that is sure. Who is not labelled as one is none.
    pub(super) fn agent(&self) -> Option<(&str, bool)> {
        let of_lease = self.agent.as_ref().map(|(agent, is_sure)| (agent.as_str(), *is_sure));
        of_lease.or_else(|| {
            let caller = self.caller.as_ref()?;
            Some((caller.agent.as_deref()?, !caller.is_agent_unsure))
        })
    }

    /// The caller, where it can be told which program it is.
    pub(super) fn known_caller(&self) -> Option<&Facts> {
        self.caller.as_ref().filter(|facts| facts.strength != Strength::Unknown)
    }

    pub(super) fn domain(&self) -> Option<&str> {
        let username = self.account.as_ref()?.username.as_deref()?;
        username.rsplit_once('@').map(|(_, domain)| domain).filter(|domain| !domain.is_empty())
    }

    /// Everything, in words, by the names of the conditions that look at it.
    pub(super) fn facts(&self) -> Vec<Fact> {
        let fact = |name: &str| Fact { name: name.to_owned(), value: self.fact(name) };
        super::condition::names().map(fact).collect()
    }

    /// What the condition of this name looks at, in words; nothing where it is not known.
    pub(super) fn fact(&self, name: &str) -> Option<String> {
        let path = |path: &std::path::PathBuf| path.to_string_lossy().into_owned();
        let caller = self.caller.as_ref();
        let known = self.known_caller();
        match name {
            "program" => known?.program.as_ref().map(path),
            "hash" => known?.program_hash.as_ref().map(hash_text),
            "script" => known?.script.as_ref().map(path),
            "parent" => {
                let parents = &known?.parents;
                (!parents.is_empty()).then(|| parents.iter().map(path).collect::<Vec<_>>().join(", "))
            }
            "unit" => caller?.unit.clone(),
            "container" => caller.map(|facts| yes_or_no(facts.container)),
            "forwarded" => caller.map(|facts| yes_or_no(facts.forwarded)),
            "agent" => Some(match self.agent() {
                Some((agent, true)) => agent.to_owned(),
                Some((agent, false)) => format!("{agent} by its own word, or none"),
                None => "none".to_owned(),
            }),
            "lease" => Some(self.lease.as_deref().unwrap_or("none").to_owned()),
            "account" => {
                let account = self.account.as_ref()?;
                account.username.clone().or_else(|| account.id.clone())
            }
            "domain" => self.domain().map(str::to_owned),
            "tenant" => self.tenant.as_ref().map(|tenant| match &tenant.id {
                Some(id) if *id != tenant.name => format!("{} ({id})", tenant.name),
                _ => tenant.name.clone(),
            }),
            "profile" => self.profile.clone(),
            "resource" | "scope" => (!self.scopes.is_empty()).then(|| self.scopes.join(" ")),
            _ => None,
        }
    }
}

impl Tenant {
    /// A tenant has its id besides its names. Who signs in to no tenant in particular signs in to their own, and so does who
    /// names the domain that their user name has.
    fn of(wish: &Wish<'_>) -> Self {
        let name = wish.tenant.to_owned();
        let home =
            || wish.key.account.as_str().rsplit_once('.').map(|(_, home)| home).filter(|home| is_id(home));
        let is_own_domain =
            wish.username.rsplit_once('@').is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(&name));
        let id = if is_id(&name) {
            Some(name.to_ascii_lowercase())
        } else if is_own_domain || NO_TENANT.iter().any(|word| name.eq_ignore_ascii_case(word)) {
            home().map(str::to_ascii_lowercase)
        } else {
            None
        };
        Self { name, id }
    }
}

/// Whether it is an id as Entra writes those of tenants and apps: a GUID with hyphens.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// As rules write it.
pub(super) fn hash_text(hash: &[u8; 32]) -> String {
    hash.iter().fold(HASH.to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes".to_owned() } else { "no".to_owned() }
}

/// How a hash begins, by the name of its kind.
pub(super) const HASH: &str = "sha256:";

/// Tenants that are none (Microsoft: "Endpoints" of the identity platform).
const NO_TENANT: [&str; 3] = ["common", "consumers", "organizations"];

#[cfg(test)]
mod tests {
    use entra_proto::scope::Scopes;
    use rstest::rstest;

    use super::*;
    use crate::account::key::AccountKey;

    const HOME: &str = "99999999-8888-7777-6666-555555555555";
    const OTHER: &str = "11111111-8888-7777-6666-555555555555";

    #[rstest]
    #[case("organizations", Some(HOME))]
    #[case("contoso.example", Some(HOME))]
    #[case("fabrikam.example", None)]
    #[case("11111111-8888-7777-6666-555555555555", Some(OTHER))]
    fn a_tenant_is_known_by_its_id_where_it_can_be(#[case] tenant: &str, #[case] id: Option<&str>) {
        let key = AccountKey { profile: "default".to_owned(), account: format!("u.{HOME}").parse().unwrap() };
        let scopes = Scopes::new(["a"]).unwrap();
        let wish = Wish { key: &key, username: "ada@Contoso.example", tenant, scopes: &scopes };
        assert_eq!(Tenant::of(&wish).id.as_deref(), id);
        let subject = Subject::of(&Asker::Lease("claude".to_owned()), &wish);
        assert_eq!(subject.domain(), Some("Contoso.example"));
        assert_eq!(subject.fact("lease").as_deref(), Some("claude"));
        assert_eq!(subject.fact("program"), None);
    }
}
