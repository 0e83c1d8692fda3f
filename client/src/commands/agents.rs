//! `entra agents`: who they are, that they stop, and that they may ask again.

use entra_proto::agent::{AgentInfo, AgentMark, AgentsAnswer, AgentsRequest};

use super::heard;
use crate::args::{AgentsAction, AgentsArgs};
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when;

/// Does what the words say; without one it lists.
pub(crate) fn run(socket: &Socket, args: AgentsArgs) -> Result<(), Failure> {
    match args.action {
        None => list(socket, args.json),
        Some(AgentsAction::Ls(ls)) => list(socket, ls.json),
        Some(AgentsAction::Stop(which)) => {
            let request = AgentsRequest { name: which.name };
            heard(socket.connect()?.stop_agents(&request)?)?;
            let sentence = format!(
                "{} stopped: their leases are void, and whatever they ask is refused until `entra agents resume`. Tokens that they \
                 have work until they expire.",
                whom(&request)
            );
            tell(&sentence)
        }
        Some(AgentsAction::Resume(which)) => {
            let request = AgentsRequest { name: which.name };
            heard(socket.connect()?.resume_agents(&request)?)?;
            let sentence = format!(
                "{} let ask again. Leases that were revoked stay so: start what has one by `entra run --agent` anew.",
                whom(&request)
            );
            tell(&sentence)
        }
    }
}

fn whom(request: &AgentsRequest) -> String {
    match &request.name {
        Some(name) => format!("The AI agent `{name}` and those that call themselves so are"),
        None => "All AI agents are".to_owned(),
    }
}

fn tell(sentence: &str) -> Result<(), Failure> {
    let stream = Stream::output();
    stream.write(stream.flow(0, sentence).as_bytes())
}

fn list(socket: &Socket, json: bool) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.agents()?)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(report(&stream, &answer, when::now()).as_bytes())
}

fn report(stream: &Stream, answer: &AgentsAnswer, now: u64) -> String {
    let mut text = if answer.agents.is_empty() {
        "No AI agent has asked since entrad started, and none has a lease.\n".to_owned()
    } else {
        table(stream, answer, now)
    };
    if answer.all_stopped {
        let sentence = "All AI agents are stopped; `entra agents resume` lets them ask again.";
        text.push_str(&stream.flow(0, &format!("{} {sentence}", stream.caution("Stopped:"))));
    }
    text
}

fn table(stream: &Stream, answer: &AgentsAnswer, now: u64) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(answer.agents.iter().map(|agent| row(agent, answer.budget, now)));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEADINGS.len()).map(width).collect();
    let mut lines = String::new();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ").trim_end().to_owned();
        lines.push_str(&if number == 0 { stream.bold(&line) } else { line });
        lines.push('\n');
    }
    lines
}

fn row(agent: &AgentInfo, budget: u32, now: u64) -> [String; 6] {
    let leases: Vec<_> = agent.leases.iter().map(|id| plain(id)).collect();
    [
        plain(&agent.name).into_owned(),
        agent.known_by.map_or("-", known_by).to_owned(),
        if leases.is_empty() { "-".to_owned() } else { leases.join(", ") },
        format!("{} of {budget}", agent.tokens),
        agent.seen_on.map_or_else(|| "-".to_owned(), |on| when::relative(now, on)),
        if agent.is_stopped { "stopped" } else { "may ask" }.to_owned(),
    ]
}

/// How sure it is, in the words of the page on agents.
pub(super) fn known_by(mark: AgentMark) -> &'static str {
    match mark {
        AgentMark::Declared => "declared: a lease says so",
        AgentMark::Named => "detected: by its name",
        AgentMark::Told => "detected: its own word",
    }
}

const HEADINGS: [&str; 6] = ["NAME", "KNOWN BY", "LEASES", "TOKENS THIS HOUR", "LAST SEEN", "STATE"];

/// A few agents of some 200 bytes.
const JSON_ROOM: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_with_how_it_is_known_and_nothing_moves_the_cursor() {
        let claude = AgentInfo {
            name: "claude".to_owned(),
            known_by: Some(AgentMark::Declared),
            leases: vec!["0a1b2c3d4e5f".to_owned()],
            tokens: 7,
            seen_on: Some(940),
            is_stopped: false,
        };
        let bot = AgentInfo { name: "b\u{1b}[31mot".to_owned(), is_stopped: true, ..AgentInfo::default() };
        let answer = AgentsAnswer { agents: vec![claude, bot], all_stopped: true, budget: 600 };
        assert_eq!(
            report(&Stream::plain(), &answer, 1000),
            "NAME    KNOWN BY                   LEASES        TOKENS THIS HOUR  LAST SEEN  STATE\n\
             claude  declared: a lease says so  0a1b2c3d4e5f  7 of 600          60 s ago   may ask\n\
             bot     -                          -             0 of 600          -          stopped\n\
             Stopped: All AI agents are stopped; `entra agents resume` lets them ask again.\n"
        );
        let nobody = report(&Stream::plain(), &AgentsAnswer::default(), 0);
        assert!(nobody.starts_with("No AI agent has asked"), "{nobody}");
    }
}
