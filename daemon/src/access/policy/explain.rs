//! Which rule decides about a request, and why each before it does not.

use std::path::PathBuf;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::policy::{CallerFacts, ExplainAnswer, ExplainRequest, PassedOver};
use entra_proto::scope::Scopes;

use super::condition::{self, Condition, Test};
use super::fault::Fault;
use super::rule::{Fit, Rule};
use super::subject::{Account, Subject, Tenant, is_id};
use super::truth::Truth;
use super::{Gatekeeper, Policy, Wants};
use crate::access::caller::Caller;
use crate::access::facts::{Facts, Strength};
use crate::access::interpreter::is_interpreter;

impl Gatekeeper {
    /// What would be decided. `request` is what is asked, as far as the broker can tell what that means.
    ///
    /// # Errors
    /// `bad_request` where the caller that is thought up has a hash that is none.
    pub async fn explain(
        &self,
        asked: &ExplainRequest,
        request: Subject,
        caller: &Caller,
    ) -> Result<ExplainAnswer, ErrorBody> {
        let facts = match (asked.over_loopback, &asked.caller) {
            (true, _) => None,
            (false, Some(thought_up)) => Some(facts(thought_up)?),
            (false, None) => Some(self.seen(caller, Wants::Hash).await),
        };
        Ok(self.policy().explained(&Subject { caller: facts, lease: asked.lease.clone(), ..request }))
    }
}

impl Policy {
    fn explained(&self, subject: &Subject) -> ExplainAnswer {
        let decisive = self.decide(subject);
        let before = self.rules.iter().take_while(|placed| placed.number < decisive.number);
        let passed_over = before.map(|placed| PassedOver {
            rule: placed.info(),
            why: why_not(&placed.rule, subject).unwrap_or_default(),
        });
        let weakness = match subject.caller.as_ref().map(|facts| &facts.strength) {
            Some(Strength::Weak(reason)) => Some(reason.clone()),
            Some(Strength::Unknown) => Some("Which program asks cannot be told.".to_owned()),
            Some(Strength::Strong) => None,
            None => Some("Nothing is known of who asks.".to_owned()),
        };
        ExplainAnswer {
            rule: decisive.info(),
            why: why(&decisive.rule, subject, decisive.instead_of.as_deref()),
            passed_over: passed_over.collect(),
            facts: subject.facts(),
            weakness,
        }
    }
}

fn why(rule: &Rule, subject: &Subject, instead_of: Option<&str>) -> String {
    if let Some(reason) = instead_of {
        return format!("It stands for rules that cannot be read: {reason}");
    }
    match rule.fit(subject) {
        Fit::Fits { unknown: Some(condition) } => {
            format!("It is not known that `{condition}` does not hold: {}.", seen(condition, subject))
        }
        Fit::Fits { unknown: None } if rule.conditions.is_empty() => "It has no condition.".to_owned(),
        _ => "All of its conditions hold.".to_owned(),
    }
}

fn why_not(rule: &Rule, subject: &Subject) -> Option<String> {
    let Fit::DoesNot { condition, truth } = rule.fit(subject) else { return None };
    let program = subject.known_caller().and_then(|facts| facts.program.as_deref());
    let is_own = matches!(condition.test, Test::Program(_) | Test::Hash(_));
    let is_untrusted = is_own && rule.trusts_programs_alone() && program.is_some_and(is_interpreter);
    Some(match truth {
        Truth::Unknown if is_untrusted => {
            let program = subject.fact("program").unwrap_or_default();
            format!(
                "`{condition}` trusts {program} for what it is, which runs what others write; add `script=` or `parent=`."
            )
        }
        Truth::Unknown => format!("It is not known that `{condition}` holds: {}.", seen(condition, subject)),
        Truth::Yes | Truth::No => format!("`{condition}` does not hold: {}.", seen(condition, subject)),
    })
}

/// What a condition looked at, after a colon.
fn seen(condition: &Condition, subject: &Subject) -> String {
    let name = condition.name();
    match subject.fact(name) {
        Some(fact) => format!("{name} is {fact}"),
        None => format!("{name} is not known"),
    }
}

/// A caller that is thought up. What is not said of it is not known, but that it is in a container, forwarded or an agent.
fn facts(thought_up: &CallerFacts) -> Result<Facts, ErrorBody> {
    let path = |path: &String| PathBuf::from(path);
    let bad = |fault: Fault| ErrorBody::new(ErrorCode::BadRequest, fault.to_string());
    let program_hash = thought_up.hash.as_deref().map(condition::hash).transpose().map_err(bad)?;
    Ok(Facts {
        program: thought_up.program.as_ref().map(path),
        program_hash,
        script: thought_up.script.as_ref().map(path),
        parents: thought_up.parents.iter().map(path).collect(),
        are_all_parents: true,
        unit: thought_up.unit.clone(),
        container: thought_up.container,
        forwarded: thought_up.forwarded,
        agent: thought_up.agent.clone(),
        is_agent_unsure: false,
        strength: Strength::Strong,
    })
}

impl Subject {
    /// A request by its own words, where nobody is signed in whom it could mean.
    #[must_use]
    pub fn by_its_words(asked: &ExplainRequest) -> Self {
        let account = asked.account.clone().map(|word| {
            let is_name = word.contains('@');
            Account { id: (!is_name).then(|| word.clone()), username: is_name.then_some(word) }
        });
        let tenant = asked.tenant.clone().map(|name| {
            let id = is_id(&name).then(|| name.to_ascii_lowercase());
            Tenant { name, id }
        });
        Self { account, tenant, profile: asked.profile.clone(), scopes: scopes(asked), ..Self::default() }
    }
}

fn scopes(asked: &ExplainRequest) -> Vec<String> {
    let of = |scopes: Scopes| scopes.iter().map(str::to_owned).collect();
    match (&asked.scopes, &asked.resource) {
        (Some(scopes), _) => scopes.clone(),
        (None, Some(resource)) => {
            let address =
                entra_proto::resource::named(resource).map_or(resource.as_str(), |named| named.public);
            Scopes::of_resource(address).map(of).unwrap_or_default()
        }
        (None, None) => Vec::new(),
    }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
