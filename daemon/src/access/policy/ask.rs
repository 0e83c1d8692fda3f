//! A person's word, where a rule wants one: who asks for it, what is asked, and what is said where nobody can be.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::resource::RESOURCES;

use super::parse::parse;
use super::rule::Fit;
use super::{Placed, Subject};
use crate::access::caller::Caller;
use crate::access::interpreter::is_interpreter;
use crate::access::lease::allowed;

/// Asks a person whether a request may be made.
pub trait Ask: Send + Sync {
    /// Completes with their word, within a time that whoever asks bounds.
    fn ask(&self, question: Question) -> Answer;
}

/// A person's word: the request may be made, or why it may not.
pub type Answer = Pin<Box<dyn Future<Output = Result<(), ErrorBody>> + Send>>;

/// What a person is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// Who asks for a token, and what for.
    pub subject: Subject,
    /// The process that asks; nothing over loopback.
    pub caller: Option<Caller>,
    /// Why a person is asked: the rule that wants their word, and where it stands.
    pub rule: String,
    /// Whether that is an administrator's.
    pub is_administrators: bool,
    /// How it can be granted in advance, in sentences.
    pub in_advance: String,
}

impl Question {
    /// Of a request that this rule fits.
    pub(super) fn of(placed: &Placed, subject: &Subject, caller: Option<&Caller>) -> Self {
        let is_administrators = placed.is_administrators();
        let who = if is_administrators { "An administrator" } else { "You" };
        let rule = grant(subject).map_or_else(|| "an `allow` rule".to_owned(), |rule| format!("`{rule}`"));
        let in_advance =
            format!("{who} can grant it in advance: {rule} in `policy`, before the rule that asks.");
        let (subject, caller) = (subject.clone(), caller.cloned());
        Self { subject, caller, rule: placed.to_string(), is_administrators, in_advance }
    }
}

/// Where a person cannot be asked: what a rule would ask for is refused.
pub(super) struct Nobody;

impl Ask for Nobody {
    fn ask(&self, question: Question) -> Answer {
        let Question { rule, in_advance, .. } = question;
        let message = format!("The rule {rule} wants a person's word, and nobody can be asked.");
        let hint = format!("{in_advance} {EXPLAIN}");
        Box::pin(async move { Err::<(), _>(ErrorBody::new(ErrorCode::Refused, message).with_hint(hint)) })
    }
}

/// A narrow rule that would let this request in; nothing where none would that the checker takes.
fn grant(subject: &Subject) -> Option<String> {
    let mut words = vec!["allow".to_owned()];
    words.extend(who(subject)?);
    words.push(format!("resource={}", resource(subject)?));
    let rule = words.join(" ");
    let parsed = parse([rule.as_str()]).ok()?;
    let fits = |(_, parsed): &(usize, super::Rule)| matches!(parsed.fit(subject), Fit::Fits { .. });
    parsed.first().is_some_and(fits).then_some(rule)
}

fn who(subject: &Subject) -> Option<Vec<String>> {
    let path = |name: &str, path: &Path| Some(format!("{name}=\"{}\"", path.to_str()?));
    let Some(facts) = &subject.caller else {
        return Some(vec![format!("lease={}", subject.lease.as_ref()?)]);
    };
    if facts.forwarded {
        return Some(vec!["forwarded".to_owned()]);
    }
    if facts.container {
        return Some(vec!["container".to_owned()]);
    }
    if let Some(agent) = &facts.agent {
        return Some(vec![format!("agent={agent}")]);
    }
    let program = facts.program.as_deref()?;
    let mut words = vec![path("program", program)?];
    if is_interpreter(program) {
        words.push(match (&facts.script, facts.parents.first()) {
            (Some(script), _) => path("script", script)?,
            (None, Some(parent)) => path("parent", parent)?,
            (None, None) => return None,
        });
    }
    Some(words)
}

/// The one resource that is asked for, by its short name where it has one.
fn resource(subject: &Subject) -> Option<String> {
    let mut addresses = subject.scopes.iter().map(|scope| allowed::resource_of(scope));
    let address = addresses.next()??;
    if !addresses.all(|other| other.as_ref() == Some(&address)) {
        return None;
    }
    let named = RESOURCES.iter().find(|named| allowed::addresses_of(named).any(|known| known == address));
    Some(named.map_or(address, |named| named.name.to_owned()))
}

/// What shows the rules.
pub(in crate::access) const EXPLAIN: &str =
    "`entra policy explain` shows which rule decides and why, `entra policy show` all of them.";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::access::facts::Facts;
    use crate::access::policy::tests::{asking, facts, policy};

    const GRAPH: &str = "https://graph.microsoft.com/.default";

    fn python(script: Option<&str>, parent: Option<&str>) -> Facts {
        Facts {
            script: script.map(Into::into),
            parents: parent.map(Into::into).into_iter().collect(),
            ..facts("/usr/bin/python3")
        }
    }

    #[rstest]
    #[case(facts("/usr/bin/git"), GRAPH, "allow program=\"/usr/bin/git\" resource=graph")]
    #[case(facts("/opt/my tool"), "api://one/read", "allow program=\"/opt/my tool\" resource=api://one")]
    #[case(
        python(Some("/opt/az"), None),
        GRAPH,
        "allow program=\"/usr/bin/python3\" script=\"/opt/az\" resource=graph"
    )]
    #[case(
        python(None, Some("/usr/bin/make")),
        GRAPH,
        "allow program=\"/usr/bin/python3\" parent=\"/usr/bin/make\" resource=graph"
    )]
    #[case(Facts { forwarded: true, ..facts("/usr/bin/sshd") }, GRAPH, "allow forwarded resource=graph")]
    #[case(Facts { container: true, ..facts("/usr/bin/git") }, GRAPH, "allow container resource=graph")]
    #[case(Facts { agent: Some("claude".to_owned()), ..facts("/usr/bin/node") }, GRAPH, "allow agent=claude resource=graph")]
    fn the_rule_that_is_proposed_would_let_it_in(
        #[case] caller: Facts,
        #[case] scope: &str,
        #[case] rule: &str,
    ) {
        let subject = asking(Some(caller), scope);
        assert_eq!(grant(&subject).as_deref(), Some(rule));
        assert_eq!(policy(&format!("{rule}\ndeny")).decide(&subject).number, 1);
    }

    #[rstest]
    #[case::an_interpreter_of_which_nothing_is_known(Some(python(None, None)), GRAPH)]
    #[case::a_scope_of_no_resource(Some(facts("/usr/bin/git")), "User.Read")]
    #[case::nobody(None, GRAPH)]
    #[case::a_path_that_is_a_pattern(Some(facts("/opt/a\"b")), GRAPH)]
    fn no_rule_is_proposed_that_would_not(#[case] caller: Option<Facts>, #[case] scope: &str) {
        let subject = asking(caller, scope);
        let proposed = grant(&subject);
        assert!(proposed.is_none(), "{proposed:?}");
        let policy = policy("ask");
        let question = Question::of(policy.decide(&subject), &subject, None);
        assert!(question.in_advance.contains("You can grant it in advance: an `allow` rule"), "{question:?}");
    }
}
