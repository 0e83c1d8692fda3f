//! `entra consent`: what rules want a person's word for, and the person's answers.

use std::io::{BufRead, IsTerminal, Read};

use entra_proto::consent::{ConsentQuestion, ConsentState, ConsentWord, ConsentsAnswer};
use entra_proto::limits::MAX_NAME;

use super::heard;
use crate::args::{ConsentAction, ConsentArgs, TakeBackArgs};
use crate::connect::Socket;
use crate::consent_words::{asks, decided, said, standing};
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when::now;

/// Does what the words say; without any it asks the person who is there, or lists.
pub(crate) fn run(socket: &Socket, args: &ConsentArgs) -> Result<(), Failure> {
    match &args.action {
        None if args.json => list(socket, true),
        None => ask(socket),
        Some(ConsentAction::List(args)) => list(socket, args.json),
        Some(ConsentAction::Allow(args)) => answer(socket, &args.id, args.word(), args.json),
        Some(ConsentAction::Deny(args)) => answer(socket, &args.id, args.word(), args.json),
        Some(ConsentAction::Revoke(args)) => revoke(socket, args),
    }
}

fn list(socket: &Socket, json: bool) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.consents()?)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(listed(&stream, &answer, now()).as_bytes())
}

fn listed(stream: &Stream, answer: &ConsentsAnswer, now: u64) -> String {
    if answer.questions.is_empty() && answer.decisions.is_empty() {
        return "Nothing is asked of you, and nothing was decided.\n".to_owned();
    }
    let mut text = String::new();
    for question in &answer.questions {
        text.push_str(&told(stream, question, now));
    }
    for decision in &answer.decisions {
        let line = format!("{}  {}", stream.bold(&plain(&decision.id)), decided(decision, now));
        text.push_str(&stream.flow(0, &line));
    }
    text
}

fn told(stream: &Stream, question: &ConsentQuestion, now: u64) -> String {
    let mut text = stream.flow(0, &format!("{}  {}", stream.bold(&plain(&question.id)), asks(question)));
    for line in standing(question, now) {
        text.push_str(&stream.flow(INDENT, &line));
    }
    text
}

/// Asks about each question that is open, one after the other.
fn ask(socket: &Socket) -> Result<(), Failure> {
    let stream = Stream::output();
    if !stream.is_terminal() || !std::io::stdin().is_terminal() {
        return list(socket, false);
    }
    let held = heard(socket.connect()?.consents()?)?;
    let is_open = |question: &&ConsentQuestion| question.state != ConsentState::Allowed;
    let open: Vec<_> = held.questions.iter().filter(is_open).collect();
    if open.is_empty() {
        return stream.write(listed(&stream, &held, now()).as_bytes());
    }
    for question in open {
        stream.write(told(&stream, question, now()).as_bytes())?;
        stream.write(offer(&question.answers).as_bytes())?;
        let mut line = String::new();
        // An endless line is cut and is no answer.
        let read = std::io::stdin().lock().take(MAX_NAME as u64).read_line(&mut line);
        if !matches!(read, Ok(1..)) {
            return stream.write(b"\n");
        }
        let Some(word) = chosen(&line, &question.answers) else {
            stream.write(stream.flow(INDENT, "It was left as it is.").as_bytes())?;
            continue;
        };
        match heard(socket.connect()?.answer_consent(&question.id, word)?) {
            Ok(_) => stream.write(stream.flow(INDENT, &format!("It is {}.", said(Some(word)))).as_bytes())?,
            // One that is over by now must not keep the others from being asked.
            Err(failure) => drop(failure.report()),
        }
    }
    Ok(())
}

/// `  [o]nce, [s]ession, [a]lways, [d]eny, [n]ever, or Enter to leave it: `
fn offer(answers: &[ConsentWord]) -> String {
    let words: Vec<_> = answers
        .iter()
        .map(|word| {
            let (first, rest) = word.word().split_at(1);
            format!("[{first}]{rest}")
        })
        .collect();
    format!("{:INDENT$}{}, or Enter to leave it: ", "", words.join(", "))
}

/// The answer that begins so. Each begins with another letter.
fn chosen(line: &str, answers: &[ConsentWord]) -> Option<ConsentWord> {
    let line = line.trim().to_ascii_lowercase();
    answers.iter().copied().find(|word| !line.is_empty() && word.word().starts_with(&line))
}

fn answer(socket: &Socket, id: &str, word: ConsentWord, json: bool) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.answer_consent(id, word)?)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    let left = answer.questions.iter().find(|question| question.id == id);
    let sentence = match left.filter(|question| question.state == ConsentState::Allowed) {
        Some(question) => {
            format!(
                "It is {}: whoever asked has gone, and may ask again. ({})",
                said(Some(word)),
                asks(question)
            )
        }
        None => format!("It is {}.", said(Some(word))),
    };
    stream.write(stream.flow(0, &sentence).as_bytes())
}

fn revoke(socket: &Socket, args: &TakeBackArgs) -> Result<(), Failure> {
    let stream = Stream::output();
    let (mut failed, mut last) = (None, None);
    // One that is not there must not keep the others standing.
    for id in &args.ids {
        match heard(socket.connect()?.revoke_consent(id)?) {
            Ok(answer) => {
                last = Some(answer);
                if !args.json {
                    stream.write(format!("Revoked {}.\n", plain(id)).as_bytes())?;
                }
            }
            Err(failure) => {
                failure.report();
                failed = Some(failure.silenced());
            }
        }
    }
    if let (true, Some(answer)) = (args.json, &last) {
        print::write_json(answer, JSON_ROOM)?;
    }
    failed.map_or(Ok(()), Err)
}

/// As wide as a question's name and the space behind it.
const INDENT: usize = 10;

/// A few questions and decisions.
const JSON_ROOM: usize = 4096;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::consent_words::tests::question;

    #[rstest]
    #[case("o\n", Some(ConsentWord::Once))]
    #[case("Session\n", Some(ConsentWord::Session))]
    #[case(" n ", Some(ConsentWord::Never))]
    #[case("d", Some(ConsentWord::Deny))]
    #[case("\n", None)]
    #[case("yes", None)]
    #[case("onceandforall", None)]
    fn only_a_whole_answer_is_one(#[case] line: &str, #[case] word: Option<ConsentWord>) {
        assert_eq!(chosen(line, &ConsentWord::ALL), word);
    }

    #[test]
    fn what_is_not_offered_cannot_be_chosen() {
        let answers = [ConsentWord::Once, ConsentWord::Deny];
        assert_eq!(chosen("a", &answers), None);
        assert_eq!(offer(&answers), "          [o]nce, [d]eny, or Enter to leave it: ");
    }

    #[test]
    fn the_list_has_questions_and_decisions() {
        let empty = listed(&Stream::plain(), &ConsentsAnswer::default(), 100);
        assert_eq!(empty, "Nothing is asked of you, and nothing was decided.\n");
        let answer = ConsentsAnswer { questions: vec![question()], decisions: Vec::new() };
        let text = listed(&Stream::plain(), &answer, 100);
        assert!(text.starts_with("0123abcd  /usr/bin/git (process 42) wants"), "{text}");
        assert!(text.contains("\n          can be answered for 2 min\n"), "{text}");
    }
}
