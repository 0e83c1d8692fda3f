//! `entra whoami`: how the daemon sees the one who asks, and how well it can know.
//!
//! The one who asks is whoever started this program, as for every token that it gets.

use entra_proto::caller::{CallerAnswer, Certainty};

use super::agents::known_by;
use super::heard;
use crate::args::ReportArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when;

/// Asks and prints.
pub(crate) fn run(socket: &Socket, args: &ReportArgs) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.caller()?)?;
    if args.json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(report(&stream, &answer, when::now()).as_bytes())
}

fn report(stream: &Stream, answer: &CallerAnswer, now: u64) -> String {
    let certainty = match answer.certainty {
        Certainty::Strong => stream.success("strong: the system vouches for the program"),
        Certainty::Weak => stream.caution("weak: another program of yours could have arranged it so"),
        Certainty::Unknown => stream.alarm("unknown: no rule that lets a program in fits it"),
    };
    let shown = |text: &Option<String>| text.as_ref().map(|text| plain(text).into_owned());
    let mut rows = vec![("Certainty", certainty)];
    rows.extend(answer.reasons.iter().map(|reason| ("", plain(reason).into_owned())));
    let texts = [
        ("Program", &answer.program),
        ("SHA-256", &answer.sha256),
        ("Signer", &answer.signer),
        ("Script", &answer.script),
        ("Through", &answer.through),
    ];
    rows.extend(texts.into_iter().filter_map(|(name, text)| Some((name, shown(text)?))));
    rows.extend(answer.pid.map(|pid| ("Process", pid.to_string())));
    rows.extend(shown(&answer.user).map(|user| ("User", user)));
    for (number, parent) in answer.parents.iter().enumerate() {
        let name = if number == 0 { "Started by" } else { "" };
        let since = when::relative(now, parent.started_on);
        rows.push((name, format!("{}, which began {since}", plain(&parent.program))));
    }
    rows.extend(shown(&answer.unit).map(|unit| ("Unit", unit)));
    rows.push(("Container", yes_or_no(answer.container)));
    rows.push(("Forwarded", yes_or_no(answer.forwarded)));
    let agent = shown(&answer.agent).map(|name| match answer.agent_known_by {
        Some(mark) => format!("{name} ({})", known_by(mark)),
        None => name,
    });
    rows.push(("Agent", agent.unwrap_or_else(|| "no".to_owned())));
    rows.iter().map(|(name, text)| format!("{name:<WIDTH$}{text}\n")).collect()
}

fn yes_or_no(is_so: bool) -> String {
    if is_so { "yes" } else { "no" }.to_owned()
}

/// The longest name and two spaces.
const WIDTH: usize = 12;

/// Some paths and sentences.
const JSON_ROOM: usize = 4096;

#[cfg(test)]
mod tests {
    use entra_proto::agent::AgentMark;
    use entra_proto::caller::CallerParent;

    use super::*;

    #[test]
    fn everything_is_told_and_nothing_moves_the_cursor() {
        let parent = |program: &str, started_on| CallerParent { program: program.to_owned(), started_on };
        let answer = CallerAnswer {
            pid: Some(42),
            user: Some("1000".to_owned()),
            program: Some("/usr/bin/\u{1b}[31mbash".to_owned()),
            through: Some("/usr/bin/entra".to_owned()),
            parents: vec![parent("/usr/bin/foot", 40), parent("/usr/lib/systemd/systemd", 10)],
            unit: Some("app-foot-7.scope".to_owned()),
            certainty: Certainty::Weak,
            reasons: vec!["`bash` does what others wrote.".to_owned()],
            ..CallerAnswer::default()
        };
        assert_eq!(
            report(&Stream::plain(), &answer, 100),
            "Certainty   weak: another program of yours could have arranged it so\n\
             \x20           `bash` does what others wrote.\n\
             Program     /usr/bin/bash\n\
             Through     /usr/bin/entra\n\
             Process     42\n\
             User        1000\n\
             Started by  /usr/bin/foot, which began 60 s ago\n\
             \x20           /usr/lib/systemd/systemd, which began 90 s ago\n\
             Unit        app-foot-7.scope\n\
             Container   no\n\
             Forwarded   no\n\
             Agent       no\n"
        );
    }

    #[test]
    fn an_agent_is_told_with_how_that_is_known() {
        let mark = Some(AgentMark::Told);
        let answer = CallerAnswer {
            agent: Some("claude".to_owned()),
            agent_known_by: mark,
            ..CallerAnswer::default()
        };
        let text = report(&Stream::plain(), &answer, 0);
        assert!(text.ends_with("Agent       claude (detected: its own word)\n"), "{text}");
    }

    #[test]
    fn who_is_not_known_is_told_so() {
        let text = report(&Stream::plain(), &CallerAnswer::default(), 0);
        assert!(text.starts_with("Certainty   unknown: ") && !text.contains("Program"), "{text}");
    }
}
