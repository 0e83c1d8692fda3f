//! Rules in force: requests are held against them, and a caller is looked at only where a rule needs that.
//!
//! Most requests are decided without it, or by where their caller is, which is known for a whole connection: the answer from memory
//! is not to wait.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use entra_proto::agent::AgentMark;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::policy::Effect;

use super::ask::{Ask, EXPLAIN, Nobody, Question};
use super::{Placed, Policy, Subject, Wants};
use crate::access::agent::{Agents, Label};
use crate::access::caller::Caller;
use crate::access::facts::Facts;
use crate::broker::{Asker, Gate, Passage, Wish};
use crate::clock::SystemClock;

/// Holds requests against the policy in force.
pub struct Gatekeeper {
    policy: Mutex<Policy>,
    ask: Arc<dyn Ask>,
    agents: Agents,
}

impl Gatekeeper {
    /// With these rules, somebody who asks a person where they say so, and what is known of AI agents.
    #[must_use]
    pub fn new(policy: Policy, ask: Arc<dyn Ask>, agents: Agents) -> Self {
        Self { policy: Mutex::new(policy), ask, agents }
    }

    /// What is known of AI agents.
    #[must_use]
    pub fn agents(&self) -> &Agents {
        &self.agents
    }

    /// With these rules, nobody to ask, and no agent known: what they would ask for is refused.
    #[must_use]
    pub fn alone(policy: Policy) -> Self {
        Self::new(policy, Arc::new(Nobody), Agents::new(Arc::new(SystemClock), None))
    }

    /// Puts other rules in force, at once.
    pub fn follow(&self, policy: Policy) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    /// Whether a caller may make leases for whatever it likes, which are narrowed where they are used: one from here, and no agent.
    #[must_use]
    pub fn lends_freely(&self, caller: &Caller) -> bool {
        self.glance(caller, Wants::Place).is_some_and(|facts| facts.agent.is_none())
    }

    /// Whether another caller may make a lease for what each of these asks, for this agent where it is for one: it may lend what it
    /// may ask for itself, and to an agent what that may ask for.
    ///
    /// # Errors
    /// `refused` with the rule that refuses one of them.
    pub async fn may_lend(
        &self,
        caller: &Caller,
        agent: Option<&str>,
        each: Vec<Subject>,
    ) -> Result<(), ErrorBody> {
        let mut facts = self.seen(caller, Wants::Hash).await;
        if let (None, Some(agent)) = (&facts.agent, agent) {
            facts.agent = Some(agent.to_owned());
        }
        let policy = self.policy();
        for subject in each {
            let subject = Subject { caller: Some(facts.clone()), ..subject };
            // A lease stands for longer than a word that was meant for once, so nobody is asked about one.
            let nobody: Arc<dyn Ask> = Arc::new(Nobody);
            decided(settled(policy.decide(&subject), &subject, None, &nobody)).await?;
        }
        Ok(())
    }

    /// The agent that asks: of the lease that it presents, else the one that the caller is.
    fn label(&self, asker: &Asker) -> Option<Label> {
        match asker.agent() {
            Some((name, known_by)) => Some(Label { name: Arc::clone(name), known_by }),
            None => self.agents.label(asker.caller()?),
        }
    }

    /// What is known of a caller without a look, where that is all that is wanted: it is from here, and whether it is an agent,
    /// which costs a read of its parent's name at most.
    fn glance(&self, caller: &Caller, wants: Wants) -> Option<Facts> {
        let is_enough = wants == Wants::Place && caller.is_from_here();
        is_enough.then(|| labelled(Facts::of_nobody(), self.agents.label(caller)))
    }

    /// What is found out of a caller.
    pub(super) async fn seen(&self, caller: &Caller, wants: Wants) -> Facts {
        seen(&self.agents, caller, wants).await
    }

    /// The rules in force.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Gate for Gatekeeper {
    fn pass(&self, asker: &Asker, wish: &Wish<'_>) -> Passage {
        let policy = self.policy();
        if matches!(asker, Asker::Ourselves) {
            return Passage::Open(None);
        }
        let mut subject = Subject::of(asker, wish);
        // Nothing can be found out of a caller that nobody names.
        let Some(caller) = asker.caller() else {
            return settled(policy.decide(&subject), &subject, None, &self.ask);
        };
        let wants = match policy.decide_unseen(&subject) {
            Ok(placed) if !placed.asks() => return settled(placed, &subject, None, &self.ask),
            // A person is told who asks, and their word is for the program as it is.
            Ok(_) => Wants::Hash,
            Err(wants) => wants,
        };
        if let Some(facts) = self.glance(caller, wants) {
            subject.caller = Some(facts);
            let placed = policy.decide(&subject);
            if !placed.asks() {
                return settled(placed, &subject, None, &self.ask);
            }
        }
        let (caller, ask, agents) = (caller.clone(), Arc::clone(&self.ask), self.agents.clone());
        Passage::Wait(Box::pin(async move {
            subject.caller = Some(seen(&agents, &caller, wants).await);
            if wants != Wants::Hash && policy.decide(&subject).asks() {
                subject.caller = Some(seen(&agents, &caller, Wants::Hash).await);
            }
            decided(settled(policy.decide(&subject), &subject, Some(&caller), &ask)).await
        }))
    }

    fn admit(&self, asker: &Asker) -> Result<(), ErrorBody> {
        self.label(asker).map_or(Ok(()), |label| self.agents.admit(&label))
    }

    fn spend(&self, asker: &Asker) -> Result<(), ErrorBody> {
        self.label(asker).map_or(Ok(()), |label| self.agents.spend(&label))
    }

    fn agent(&self, asker: &Asker) -> Option<Arc<str>> {
        self.label(asker).map(|label| label.name)
    }
}

impl fmt::Debug for Gatekeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gatekeeper").field("policy", &self.policy()).finish_non_exhaustive()
    }
}

/// What is found out of a caller, each within a limited time: what takes longer is not known.
async fn seen(agents: &Agents, caller: &Caller, wants: Wants) -> Facts {
    let facts = caller.look(wants == Wants::Hash).await.facts.clone();
    labelled(facts, agents.label(caller))
}

/// With the label of an agent, where it is one.
fn labelled(facts: Facts, label: Option<Label>) -> Facts {
    let is_agent_unsure = label.as_ref().is_some_and(|label| label.known_by != AgentMark::Declared);
    Facts { agent: label.map(|label| label.name.to_string()), is_agent_unsure, ..facts }
}

async fn decided(passage: Passage) -> Result<Option<Arc<str>>, ErrorBody> {
    match passage {
        Passage::Open(rule) => Ok(rule),
        Passage::Shut(error) => Err(*error),
        Passage::Wait(decision) => decision.await,
    }
}

/// What a rule makes of a request.
fn settled(placed: &Placed, subject: &Subject, caller: Option<&Caller>, ask: &Arc<dyn Ask>) -> Passage {
    let name = || placed.is_written().then(|| Arc::from(placed.to_string()));
    match placed.rule.effect {
        Effect::Allow => Passage::Open(name()),
        Effect::Deny => Passage::Shut(Box::new(refusal(placed))),
        Effect::Ask => {
            let question = Question::of(placed, subject, caller);
            let rule = question.rule.clone();
            let answer = ask.ask(question);
            Passage::Wait(Box::pin(async move {
                answer.await.map(|()| Some(Arc::from(rule.as_str()))).map_err(|error| error.with_rule(rule))
            }))
        }
    }
}

fn refusal(placed: &Placed) -> ErrorBody {
    let refused = |message, hint: &str| ErrorBody::new(ErrorCode::Refused, message).with_hint(hint);
    let error = match &placed.instead_of {
        Some(reason) => refused(
            format!("No token is given out while rules cannot be read that may forbid it: {reason}"),
            "`entra policy show` shows which rules are in force; mend the others.",
        ),
        None => refused(format!("The rule {placed} does not allow it."), EXPLAIN),
    };
    error.with_rule(placed.to_string())
}

#[cfg(test)]
#[path = "gatekeeper_tests.rs"]
mod tests;
