//! `entra policy explain`: which rule decides about a request, and why each before it does not.

use entra_proto::policy::{Effect, ExplainAnswer};

use super::answer;
use crate::args::ExplainRuleArgs;
use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;

/// Asks and prints.
pub(super) fn run(socket: &Socket, args: &ExplainRuleArgs) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.explain_policy(&args.request())?)?;
    if args.report.json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(explained(&stream, &answer).as_bytes())
}

fn explained(stream: &Stream, answer: &ExplainAnswer) -> String {
    let rule = &answer.rule;
    let verdict = match rule.effect {
        Effect::Allow => stream.success("Allowed:"),
        Effect::Ask => stream.caution("Asked:"),
        Effect::Deny => stream.alarm("Refused:"),
    };
    let mut lines = stream.flow(
        0,
        &format!(
            "{verdict} rule {} decides, `{}` ({}).",
            rule.number,
            plain(&rule.text),
            answer::place(rule)
        ),
    );
    lines.push_str(&stream.flow(0, &plain(&answer.why)));
    if !answer.passed_over.is_empty() {
        lines.push_str(&format!("\n{}\n", stream.bold("Rules before it")));
        for passed in &answer.passed_over {
            let rule = &passed.rule;
            let (number, text, place) = (rule.number, plain(&rule.text), answer::place(rule));
            let words = format!("{number}  `{text}` ({place}): {}", plain(&passed.why));
            lines.push_str(&stream.flow(2, &words));
        }
    }
    lines.push_str(&format!("\n{}\n", stream.bold("What they were held against")));
    let width = answer.facts.iter().map(|fact| fact.name.chars().count()).max().unwrap_or(0);
    for fact in &answer.facts {
        let value = fact.value.as_deref().map_or_else(|| "not known".into(), plain);
        lines.push_str(&format!("  {:<width$}  {value}\n", plain(&fact.name)));
    }
    if let Some(weakness) = &answer.weakness {
        lines.push('\n');
        lines.push_str(&stream.flow(0, &format!("{} {}", stream.caution("Weak:"), plain(weakness))));
    }
    lines
}

/// Some ten rules, with what they say.
const JSON_ROOM: usize = 4096;

#[cfg(test)]
mod tests {
    use entra_proto::config::Layer;
    use entra_proto::policy::{Fact, PassedOver};

    use super::super::show::tests::rule;
    use super::*;

    #[test]
    fn the_rule_that_decides_comes_first_and_each_before_it_says_why_not() {
        let fact =
            |name: &str, value: Option<&str>| Fact { name: name.to_owned(), value: value.map(str::to_owned) };
        let answer = ExplainAnswer {
            rule: rule(2, "deny resource=graph", Layer::User, "/u.toml:1"),
            why: "All of its conditions hold.".to_owned(),
            passed_over: vec![PassedOver {
                rule: rule(1, "allow agent", Layer::Managed, "/m.toml:1"),
                why: "`agent` does not hold: agent is none.".to_owned(),
            }],
            facts: vec![fact("program", Some("/usr/bin/git")), fact("unit", None)],
            weakness: Some("It is its own word.".to_owned()),
        };
        assert_eq!(
            explained(&Stream::plain(), &answer),
            "Refused: rule 2 decides, `deny resource=graph` (/u.toml:1).\n\
             All of its conditions hold.\n\n\
             Rules before it\n  1  `allow agent` (/m.toml:1): `agent` does not hold: agent is none.\n\n\
             What they were held against\n  program  /usr/bin/git\n  unit     not known\n\
             \nWeak: It is its own word.\n"
        );
    }
}
