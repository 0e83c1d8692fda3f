//! The rules that stand behind everybody's: what holds where nobody wrote anything.
//!
//! Whoever comes as far as here runs as the user, and has passed what leases and an administrator's bounds narrow. It may ask,
//! unless somebody else may be speaking through it: an agent, which does what a text told it to, and a caller from another machine
//! or a container, where others may be at home. These have Foundry, which is what they are mostly run for; agents by both of the names
//! that it is asked for by, since the one that Claude Code knows is that of Cognitive Services. Somebody's lease says
//! that more was wanted; whoever is narrowed can lend no more than it has ([`super::Gatekeeper::may_lend`]), or a lease would be a
//! way around.

use super::rule::Rule;
use super::{parse, shut};

/// The rules in their order. The last fits everything.
pub(super) fn rules() -> Vec<Rule> {
    // A test reads them; if that ever failed to see a fault, nobody would be let in by what cannot be read.
    parse::parse(TEXT.lines())
        .map_or_else(|_| vec![shut()], |rules| rules.into_iter().map(|(_, rule)| rule).collect())
}

const TEXT: &str = "\
deny agent resource=!foundry resource=!cognitive
ask forwarded !lease resource=!foundry
ask container !lease resource=!foundry
allow";

#[cfg(test)]
mod tests {
    use entra_proto::policy::Effect;
    use rstest::rstest;

    use super::*;
    use crate::access::facts::Facts;
    use crate::access::policy::Policy;
    use crate::access::policy::tests::{asking, facts};

    const FOUNDRY: &str = "https://ai.azure.com/.default";
    const GRAPH: &str = "https://graph.microsoft.com/.default";

    fn local() -> Facts {
        facts("/usr/bin/git")
    }

    #[test]
    fn they_are_read_as_they_are_written() {
        let written: Vec<_> = rules().iter().map(ToString::to_string).collect();
        assert_eq!(written.join("\n"), TEXT);
    }

    #[rstest]
    #[case::from_here(Some(local()), None, GRAPH, Effect::Allow)]
    #[case::an_agent(Some(Facts { agent: Some("claude".to_owned()), ..local() }), None, GRAPH, Effect::Deny)]
    #[case::an_agent(Some(Facts { agent: Some("claude".to_owned()), ..local() }), None, FOUNDRY, Effect::Allow)]
    #[case::an_agent(Some(Facts { agent: Some("claude".to_owned()), ..local() }), None, "https://cognitiveservices.azure.com/.default", Effect::Allow)]
    #[case::one_by_its_own_word(Some(Facts { agent: Some("claude".to_owned()), is_agent_unsure: true, ..local() }), None, GRAPH, Effect::Deny)]
    #[case::an_agent_with_a_lease(Some(Facts { agent: Some("x".to_owned()), ..local() }), Some("x"), GRAPH, Effect::Deny)]
    #[case::over_ssh(Some(Facts { forwarded: true, ..local() }), None, GRAPH, Effect::Ask)]
    #[case::over_ssh(Some(Facts { forwarded: true, ..local() }), None, FOUNDRY, Effect::Allow)]
    #[case::over_ssh_with_a_lease(Some(Facts { forwarded: true, ..local() }), Some("x"), GRAPH, Effect::Allow)]
    #[case::in_a_container(Some(Facts { container: true, ..local() }), None, GRAPH, Effect::Ask)]
    #[case::in_a_container(Some(Facts { container: true, ..local() }), None, FOUNDRY, Effect::Allow)]
    #[case::in_a_container_with_a_lease(Some(Facts { container: true, ..local() }), Some("x"), GRAPH, Effect::Allow)]
    #[case::over_loopback(None, Some("x"), GRAPH, Effect::Allow)]
    #[case::nobody_known(None, None, GRAPH, Effect::Ask)]
    #[case::a_service_by_an_id_that_is_not_known(Some(Facts { forwarded: true, ..local() }), None, "11111111-8888-7777-6666-555555555555/.default", Effect::Ask)]
    fn whoever_may_speak_for_another_has_foundry(
        #[case] caller: Option<Facts>,
        #[case] lease: Option<&str>,
        #[case] scope: &str,
        #[case] expected: Effect,
    ) {
        let mut subject = asking(caller, scope);
        subject.lease = lease.map(str::to_owned);
        assert_eq!(Policy::default().decide(&subject).rule.effect, expected);
    }
}
