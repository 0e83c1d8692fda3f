//! `entra policy show`: the rules in force, in their order.

use entra_proto::policy::PolicyAnswer;

use super::answer;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;

/// Asks and prints.
pub(super) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, json: bool) -> Result<(), Failure> {
    let answer = answer::ask(socket)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(shown(&stream, &answer).as_bytes())
}

fn shown(stream: &Stream, answer: &PolicyAnswer) -> String {
    let mut lines = String::new();
    for fault in &answer.faults {
        let words = format!("{} {}", stream.caution("Warning:"), plain(&fault.what));
        lines.push_str(&stream.flow(0, &words));
    }
    if !lines.is_empty() {
        lines.push('\n');
    }
    let texts: Vec<_> = answer.rules.iter().map(|rule| plain(&rule.text)).collect();
    let width = texts.iter().map(|text| text.chars().count()).filter(|width| *width <= WIDEST).max();
    let width = width.unwrap_or(0).max(RULE.len());
    lines.push_str(&stream.bold(&format!("{NUMBER:>NUMBERS$}  {RULE:<width$}  {FROM}")));
    lines.push('\n');
    for (rule, text) in answer.rules.iter().zip(&texts) {
        let note = if rule.instead_of.is_some() { ", in place of rules that cannot be read" } else { "" };
        let number = rule.number;
        lines.push_str(&format!("{number:>NUMBERS$}  {text:<width$}  {}{note}\n", answer::place(rule)));
    }
    lines
}

const NUMBER: &str = "#";
const RULE: &str = "RULE";
const FROM: &str = "FROM";

/// Digits of a number.
const NUMBERS: usize = 3;

/// Longer rules push what stands behind them aside, rather than all other lines.
const WIDEST: usize = 60;

/// Some ten rules.
const JSON_ROOM: usize = 2048;

#[cfg(test)]
pub(super) mod tests {
    use entra_proto::config::{Layer, Origin};
    use entra_proto::policy::{Effect, PolicyFault, RuleInfo};

    use super::*;

    pub(in super::super) fn rule(number: u32, text: &str, layer: Layer, place: &str) -> RuleInfo {
        let effect = Effect::ALL.into_iter().find(|effect| text.starts_with(effect.word())).unwrap();
        let origin = Origin { layer, place: place.to_owned() };
        RuleInfo { number, effect, text: text.to_owned(), origin, line: None, instead_of: None }
    }

    #[test]
    fn rules_stand_in_their_order_with_their_places() {
        let mut first = rule(1, "deny forwarded resource=graph", Layer::Managed, "/etc/m.toml:3");
        first.line = Some(2);
        let shut =
            RuleInfo { instead_of: Some("It is bad.".to_owned()), ..rule(2, "deny", Layer::User, "/u.toml") };
        let last = rule(3, "allow", Layer::BuiltIn, "built in");
        let what = "/u.toml:1: it is bad.\u{1b}[2J".to_owned();
        let fault = PolicyFault { place: "/u.toml".to_owned(), line: None, column: None, what };
        let answer = PolicyAnswer { rules: vec![first, shut, last], faults: vec![fault] };
        assert_eq!(
            shown(&Stream::plain(), &answer),
            "Warning: /u.toml:1: it is bad.\n\n\
             \x20 #  RULE                           FROM\n\
             \x20 1  deny forwarded resource=graph  /etc/m.toml:3, line 2\n\
             \x20 2  deny                           /u.toml, in place of rules that cannot be read\n\
             \x20 3  allow                          built in\n"
        );
    }
}
