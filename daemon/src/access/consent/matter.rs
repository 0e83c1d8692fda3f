//! Who asks for what, as it is kept, and what can be said about it.
//!
//! The hard idea is whether the next one who asks is the same: what cannot be told apart from another must not inherit its
//! answer. So for good only a program is allowed whose file was read, and anything at all is remembered only of who is known.

use std::collections::BTreeSet;
use std::path::Path;

use entra_proto::consent::{ConsentMatter, ConsentWord};
use entra_proto::resource::RESOURCES;

use crate::access::facts::{Facts, Strength};
use crate::access::interpreter::is_interpreter;
use crate::access::lease::allowed;
use crate::access::policy::{Question, Subject};

/// What the question is about.
pub(super) fn of(question: &Question) -> ConsentMatter {
    let Subject { caller, lease, agent, account, profile, tenant, scopes } = &question.subject;
    let known = known(question);
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let resource = |scope: &String| allowed::resource_of(scope).unwrap_or_else(|| scope.clone());
    let resources: BTreeSet<String> = scopes.iter().map(resource).collect();
    ConsentMatter {
        program: known.and_then(|facts| facts.program.as_deref()).map(path),
        hash: known.and_then(|facts| facts.program_hash.as_ref()).map(hash_text),
        script: known.and_then(|facts| facts.script.as_deref()).map(path),
        agent: agent.as_ref().map(|(name, _)| name.clone()).or_else(|| caller.as_ref()?.agent.clone()),
        lease: lease.clone(),
        container: caller.as_ref().is_some_and(|facts| facts.container),
        forwarded: caller.as_ref().is_some_and(|facts| facts.forwarded),
        account: account.as_ref().and_then(|account| account.id.clone()),
        username: account.as_ref().and_then(|account| account.username.clone()),
        profile: profile.clone(),
        tenant: tenant.as_ref().map(|tenant| tenant.id.as_ref().unwrap_or(&tenant.name).clone()),
        resources: resources.into_iter().collect(),
        administrators: question.is_administrators,
    }
}

/// Whether an answer about one holds for the other. The user name is only what the account is called.
pub(super) fn is_same(one: &ConsentMatter, other: &ConsentMatter) -> bool {
    let unnamed = |matter: &ConsentMatter| ConsentMatter { username: None, ..matter.clone() };
    unnamed(one) == unnamed(other)
}

/// What a person can say about it, the narrowest first.
pub(super) fn answers(question: &Question, matter: &ConsentMatter, remembers: bool) -> Vec<ConsentWord> {
    let caller = question.subject.caller.as_ref();
    let is_known = match caller {
        // Over loopback a lease's secret is all there is.
        None => matter.lease.is_some(),
        Some(facts) => is_known(facts),
    };
    let is_from_here = !matter.container && !matter.forwarded;
    let is_kept = is_known && is_from_here && remembers && matter.hash.is_some();
    let may = |word: &ConsentWord| match word {
        ConsentWord::Once | ConsentWord::Deny => true,
        ConsentWord::Session => is_known,
        ConsentWord::Always => is_kept,
        // A refusal that is kept takes nothing from an administrator.
        ConsentWord::Never => is_known,
    };
    ConsentWord::ALL.into_iter().filter(may).collect()
}

/// Whether it can be told from every other program.
fn is_known(facts: &Facts) -> bool {
    let does_what_others_say = |program: &Path| is_interpreter(program) && facts.script.is_none();
    let program = facts.program.as_deref();
    facts.strength != Strength::Unknown && program.is_some_and(|program| !does_what_others_say(program))
}

/// What for, as people are told: resources by their titles.
pub(super) fn wanted(matter: &ConsentMatter) -> String {
    let title = |wanted: &String| {
        let named =
            RESOURCES.iter().find(|named| allowed::addresses_of(named).any(|address| address == *wanted));
        named.map_or_else(|| plain(wanted), |named| named.title.to_owned())
    };
    match matter.resources.as_slice() {
        [] => "a token of any service".to_owned(),
        some => some.iter().map(title).collect::<Vec<_>>().join(", "),
    }
}

/// Who asks, where no process is known.
pub(super) fn who(matter: &ConsentMatter) -> String {
    let who = match (&matter.program, &matter.lease) {
        (Some(program), _) => plain(program),
        (None, Some(lease)) => format!("the lease `{}`", plain(lease)),
        (None, None) => "an unknown process".to_owned(),
    };
    let where_from = match (matter.forwarded, matter.container) {
        (true, true) => " of another machine or container",
        (true, false) => " of another machine",
        (false, true) => " in a container",
        (false, false) => "",
    };
    let agent = matter.agent.as_deref().map(|agent| format!(" (AI agent {})", plain(agent)));
    format!("{who}{where_from}{}", agent.unwrap_or_default())
}

/// The programs that started who asks, as people are told. Which they are makes it no other matter: they come and go.
pub(super) fn parents(question: &Question) -> Vec<String> {
    let parents = known(question).map(|facts| facts.parents.as_slice()).unwrap_or_default();
    parents.iter().take(MOST_PARENTS).map(|parent| plain(&parent.to_string_lossy())).collect()
}

/// Who asks, where it can be told which program that is.
fn known(question: &Question) -> Option<&Facts> {
    question.subject.caller.as_ref().filter(|facts| facts.strength != Strength::Unknown)
}

/// Enough to tell a terminal from an editor, and few enough to be read.
const MOST_PARENTS: usize = 4;

/// Fit to be shown.
fn plain(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(200).collect()
}

fn hash_text(hash: &[u8; 32]) -> String {
    hash.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
pub(super) mod tests {
    use rstest::rstest;

    use super::*;

    /// A question of a caller that is known as well as can be.
    pub(in crate::access::consent) fn question(facts: Option<Facts>, scope: &str) -> Question {
        let subject = Subject { caller: facts, scopes: vec![scope.to_owned()], ..Subject::default() };
        Question {
            subject,
            caller: None,
            rule: "`ask` (/u.toml:3, line 1)".to_owned(),
            is_administrators: false,
            in_advance: "You can grant it in advance.".to_owned(),
        }
    }

    pub(in crate::access::consent) fn facts(program: &str) -> Facts {
        Facts {
            program: Some(program.into()),
            program_hash: Some([7; 32]),
            strength: Strength::Strong,
            ..Facts::of_nobody()
        }
    }

    pub(in crate::access::consent) const GRAPH: &str = "https://graph.microsoft.com/.default";

    const ALL: &[&str] = &["once", "session", "always", "deny", "never"];
    const NOT_FOR_GOOD: &[&str] = &["once", "session", "deny", "never"];
    const NOW: &[&str] = &["once", "deny"];

    #[rstest]
    #[case::known(facts("/usr/bin/git"), true, ALL)]
    #[case::not_to_be_kept(facts("/usr/bin/git"), false, NOT_FOR_GOOD)]
    #[case::not_read(Facts { program_hash: None, ..facts("/usr/bin/git") }, true, NOT_FOR_GOOD)]
    #[case::forwarded(Facts { forwarded: true, ..facts("/usr/bin/sshd") }, true, NOT_FOR_GOOD)]
    #[case::contained(Facts { container: true, ..facts("/usr/bin/git") }, true, NOT_FOR_GOOD)]
    #[case::a_script(Facts { script: Some("/opt/az".into()), ..facts("/usr/bin/python3") }, true, ALL)]
    #[case::an_interpreter(facts("/usr/bin/python3"), true, NOW)]
    #[case::nobody(Facts { strength: Strength::Unknown, ..facts("/usr/bin/git") }, true, NOW)]
    #[case::no_program(Facts { strength: Strength::Strong, ..Facts::of_nobody() }, true, NOW)]
    fn who_is_known_less_well_is_remembered_less(
        #[case] facts: Facts,
        #[case] remembers: bool,
        #[case] expected: &[&str],
    ) {
        let question = question(Some(facts), GRAPH);
        let said = answers(&question, &of(&question), remembers);
        assert_eq!(said.into_iter().map(ConsentWord::word).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_lease_over_loopback_is_known_by_its_secret_for_a_session() {
        let mut asked = question(None, GRAPH);
        assert_eq!(answers(&asked, &of(&asked), true).len(), NOW.len());
        asked.subject.lease = Some("az".to_owned());
        let matter = of(&asked);
        assert!(!answers(&asked, &matter, true).contains(&ConsentWord::Always));
        assert!(answers(&asked, &matter, true).contains(&ConsentWord::Session));
        assert_eq!(who(&matter), "the lease `az`");
    }

    #[test]
    fn another_file_account_or_resource_is_another_matter_and_another_name_of_the_account_is_not() {
        let matter = of(&question(Some(facts("/usr/bin/git")), GRAPH));
        let replaced = Facts { program_hash: Some([8; 32]), ..facts("/usr/bin/git") };
        for other in [
            of(&question(Some(replaced), GRAPH)),
            of(&question(Some(facts("/usr/bin/git")), "https://management.azure.com/.default")),
            ConsentMatter { account: Some("u.t".to_owned()), ..matter.clone() },
            ConsentMatter { forwarded: true, ..matter.clone() },
            ConsentMatter { administrators: true, ..matter.clone() },
        ] {
            assert!(!is_same(&matter, &other), "{other:?}");
        }
        assert!(is_same(&matter, &ConsentMatter { username: Some("ada".to_owned()), ..matter.clone() }));
        let narrower = question(Some(facts("/usr/bin/git")), "https://graph.microsoft.com/User.Read");
        assert!(is_same(&matter, &of(&narrower)), "a resource is one matter, whatever of it is asked");
        assert_eq!(wanted(&matter), "Microsoft Graph");
    }

    #[test]
    fn what_is_told_is_fit_to_be_shown() {
        let parents = vec!["/opt/\u{1b}[2J".into(); 5];
        let agent = Some("a\u{7}b".to_owned());
        let odd = Facts { forwarded: true, parents, agent, ..facts("/opt/x\n\u{1b}[2J") };
        let unknown = Facts { strength: Strength::Unknown, ..odd.clone() };
        let asked = question(Some(odd), "api://one/read");
        let matter = of(&asked);
        assert_eq!(super::parents(&asked), ["/opt/[2J"; 4]);
        assert!(super::parents(&question(Some(unknown), "api://one/read")).is_empty());
        assert_eq!(who(&matter), "/opt/x[2J of another machine (AI agent ab)");
        assert_eq!(wanted(&matter), "api://one");
    }
}
