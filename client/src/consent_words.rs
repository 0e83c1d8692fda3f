//! A question of consent in words: who asks, what for, why, and what can be said.
//!
//! Its texts were written by programs and settings, so each is made safe to show here.

use entra_proto::consent::{ConsentDecision, ConsentMatter, ConsentQuestion, ConsentState, ConsentWord};

use crate::text::plain;
use crate::when::{relative, rough};

/// `/usr/bin/git (process 7) wants Microsoft Graph as ada@example.com`.
pub(crate) fn asks(question: &ConsentQuestion) -> String {
    format!("{} wants {}{}", plain(&question.who), plain(&question.wanted), as_whom(&question.matter))
}

/// What started who asks, why it is asked, how it stands and until when it can be answered, a line each without its end.
pub(crate) fn standing(question: &ConsentQuestion, now: u64) -> Vec<String> {
    let left = rough(question.until.saturating_sub(now));
    let state = match question.state {
        ConsentState::Allowed => format!("allowed once; whoever asked has gone, and has {left} to ask again"),
        ConsentState::Asked => format!("can be answered for {left}"),
        ConsentState::Denied => format!("denied; for {left} it is not asked again, and can be allowed still"),
        ConsentState::Unanswered => {
            format!("nobody answered; for {left} it is not asked again, and can be answered still")
        }
        ConsentState::Unheard => format!("nobody could be asked; can be answered for {left}"),
    };
    let asked = format!("asked {} by the rule {}", relative(now, question.asked_on), plain(&question.rule));
    let parents: Vec<_> = question.parents.iter().map(|parent| plain(parent)).collect();
    let mut lines = Vec::new();
    lines.extend((!parents.is_empty()).then(|| format!("started by {}", parents.join(", "))));
    lines.push(asked);
    lines.extend(question.matter.hash.as_ref().map(|hash| format!("its file: {}", plain(hash))));
    lines.push(state);
    lines
}

/// `always: /usr/bin/git for https://graph.microsoft.com as ada@example.com`.
pub(crate) fn decided(decision: &ConsentDecision, now: u64) -> String {
    let ConsentDecision { answer, matter, since, .. } = decision;
    let resources: Vec<_> = matter.resources.iter().map(|resource| plain(resource)).collect();
    let (what, who) = (resources.join(", "), of(matter));
    format!("{}: {who} for {what}{} ({})", answer.word(), as_whom(matter), relative(now, *since))
}

/// What was said, at the end of a sentence.
pub(crate) fn said(answer: Option<ConsentWord>) -> &'static str {
    match answer {
        Some(ConsentWord::Once) => "allowed once",
        Some(ConsentWord::Session) => "allowed for this session",
        Some(ConsentWord::Always) => "allowed until that is revoked",
        Some(ConsentWord::Deny) => "denied",
        Some(ConsentWord::Never) => "refused until that is revoked",
        None => "over: nobody answered",
    }
}

fn of(matter: &ConsentMatter) -> String {
    let mut who = match (&matter.program, &matter.lease) {
        (Some(program), _) => plain(program).into_owned(),
        (None, Some(lease)) => format!("the lease {}", plain(lease)),
        (None, None) => "an unknown process".to_owned(),
    };
    let script = matter.script.as_ref().map(|script| format!(" with {}", plain(script)));
    let agent = matter.agent.as_ref().map(|agent| format!(" (AI agent {})", plain(agent)));
    let forwarded = matter.forwarded.then(|| " of another machine".to_owned());
    let container = matter.container.then(|| " in a container".to_owned());
    who.extend([script, agent, forwarded, container].into_iter().flatten());
    who
}

fn as_whom(matter: &ConsentMatter) -> String {
    let whom = matter.username.as_ref().or(matter.account.as_ref());
    whom.map(|whom| format!(" as {}", plain(whom))).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn question() -> ConsentQuestion {
        ConsentQuestion {
            id: "0123abcd".to_owned(),
            state: ConsentState::Asked,
            who: "/usr/bin/git (process 42)".to_owned(),
            parents: vec!["/usr/bin/zsh".to_owned(), "/usr/bin/foot".to_owned()],
            wanted: "Azure DevOps".to_owned(),
            matter: ConsentMatter {
                program: Some("/usr/bin/git".to_owned()),
                username: Some("ada@example.com".to_owned()),
                resources: vec!["https://app.vssps.visualstudio.com".to_owned()],
                ..ConsentMatter::default()
            },
            rule: "`ask resource=devops` (/u.toml:1, line 1)".to_owned(),
            asked_on: 100,
            until: 220,
            waiting: 1,
            answers: ConsentWord::ALL.to_vec(),
        }
    }

    #[test]
    fn a_question_says_who_what_why_and_how_long() {
        let question = question();
        assert_eq!(asks(&question), "/usr/bin/git (process 42) wants Azure DevOps as ada@example.com");
        assert_eq!(
            standing(&question, 100),
            [
                "started by /usr/bin/zsh, /usr/bin/foot",
                "asked now by the rule `ask resource=devops` (/u.toml:1, line 1)",
                "can be answered for 2 min"
            ]
        );
    }

    #[test]
    fn a_decision_says_about_whom_and_nothing_forges_a_line() {
        let matter = ConsentMatter {
            program: Some("/opt/x\n".to_owned()),
            script: Some("/s".to_owned()),
            agent: Some("claude".to_owned()),
            forwarded: true,
            ..question().matter
        };
        let decision =
            ConsentDecision { id: "0123abcd".to_owned(), answer: ConsentWord::Always, matter, since: 100 };
        assert_eq!(
            decided(&decision, 100),
            "always: /opt/x  with /s (AI agent claude) of another machine for https://app.vssps.visualstudio.com as \
             ada@example.com (now)"
        );
    }
}
