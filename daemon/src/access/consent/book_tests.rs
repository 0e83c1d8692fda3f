//! The book, with a clock that the test turns.

use super::super::matter::{self, tests as matters};
use super::*;

const PATIENCE: Duration = Duration::from_secs(120);

fn book() -> Book {
    Book::new(Rules { patience: PATIENCE, remembers: true })
}

fn at(seconds: u64) -> Now {
    Now { boot: Duration::from_secs(1000 + seconds), wall: Duration::from_secs(1_795_000_000 + seconds) }
}

fn asking(program: &str, scope: &str) -> Asking {
    let question = matters::question(Some(matters::facts(program)), scope);
    let matter = matter::of(&question);
    Asking {
        who: program.to_owned(),
        parents: Vec::new(),
        wanted: matter::wanted(&matter),
        answers: matter::answers(&question, &matter, true),
        rule: question.rule,
        matter,
        process: None,
        noted: None,
    }
}

fn git() -> Asking {
    asking("/usr/bin/git", matters::GRAPH)
}

/// Asks what is not known yet, or is asked already.
fn opened(book: &mut Book, asking: Asking, now: Now) -> (String, bool, Told) {
    match book.ask(asking, now) {
        Reply::Open { id, is_new, told } => (id, is_new, told),
        other => panic!("{other:?}"),
    }
}

fn refused(book: &mut Book, now: Now) -> Refusal {
    match book.ask(git(), now) {
        Reply::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn is_allowed(book: &mut Book, now: Now) -> bool {
    matches!(book.ask(git(), now), Reply::Allowed)
}

#[test]
fn who_asks_the_same_joins_and_all_are_told_once() {
    let mut book = book();
    let (id, is_new, first) = opened(&mut book, git(), at(0));
    let (joined, is_second_new, second) = opened(&mut book, git(), at(1));
    assert!(is_new && !is_second_new && id == joined);
    assert_eq!(book.told(at(1)).questions[0].waiting, 2);
    let (other, is_other_new, third) = opened(&mut book, asking("/usr/bin/az", matters::GRAPH), at(1));
    assert!(is_other_new && other != id);
    assert!(book.answer(&id, ConsentWord::Once, at(2)));
    assert_eq!((*first.borrow(), *second.borrow(), *third.borrow()), (Some(Ok(())), Some(Ok(())), None));
    assert!(!book.answer(&id, ConsentWord::Once, at(2)), "it is over");
    // Once was once.
    assert!(opened(&mut book, git(), at(3)).1);
}

#[test]
fn once_waits_for_who_has_gone_and_not_for_ever() {
    let mut book = book();
    for (later, is_in_time) in [(119, true), (120, false)] {
        let (id, _, told) = opened(&mut book, git(), at(0));
        drop(told);
        assert!(book.answer(&id, ConsentWord::Once, at(10)));
        assert_eq!(book.told(at(10)).questions[0].state, ConsentState::Allowed);
        assert_eq!(is_allowed(&mut book, at(10 + later)), is_in_time, "{later}");
        if is_in_time {
            assert!(!is_allowed(&mut book, at(10 + later)), "once");
        }
        book = Book::new(book.rules());
    }
}

#[test]
fn a_session_ends_with_a_lock_or_a_sign_out_and_what_is_kept_does_not() {
    let mut book = book();
    for (word, is_kept) in [(ConsentWord::Session, false), (ConsentWord::Always, true)] {
        for account in [None, Some("u.t")] {
            let mut asked = git();
            asked.matter.account = Some("u.t".to_owned());
            let (id, ..) = opened(&mut book, asked.clone(), at(0));
            assert!(book.answer(&id, word, at(0)));
            assert!(matches!(book.ask(asked.clone(), at(100_000)), Reply::Allowed));
            book.end_session(Some("another"));
            assert!(matches!(book.ask(asked.clone(), at(100_000)), Reply::Allowed));
            book.end_session(account);
            assert_eq!(matches!(book.ask(asked, at(100_000)), Reply::Allowed), is_kept);
            book = Book::new(book.rules());
        }
    }
}

#[test]
fn what_is_kept_is_read_again_and_never_is_stronger_than_always() {
    let mut book = book();
    let (id, ..) = opened(&mut book, git(), at(0));
    assert!(book.answer(&id, ConsentWord::Always, at(0)));
    let kept = book.kept();
    let mut next = Book::new(book.rules());
    next.read(kept.clone());
    assert!(is_allowed(&mut next, at(0)));
    // Where an administrator wants nothing to be kept, it counts for nothing.
    next.follow(Rules { remembers: false, ..next.rules() });
    assert!(opened(&mut next, git(), at(0)).1);
    next.follow(book.rules());
    let never = ConsentRecord { id: "never".to_owned(), is_allowed: false, ..kept[0].clone() };
    next.read(vec![never, kept[0].clone()]);
    assert_eq!(refused(&mut next, at(0)), Refusal::Never);
    assert!(next.revoke("never").is_some() && next.revoke("never").is_none());
    assert!(is_allowed(&mut next, at(0)));
    assert!(next.revoke(&id).is_some());
    assert!(!is_allowed(&mut next, at(0)));
}

#[test]
fn what_was_denied_or_not_answered_rests_and_can_be_allowed_still() {
    let rest = REST.as_secs();
    for is_denied in [true, false] {
        let mut book = book();
        let (id, _, told) = opened(&mut book, git(), at(0));
        let begun = if is_denied {
            assert!(book.answer(&id, ConsentWord::Deny, at(0)));
            0
        } else {
            book.pass(at(119));
            assert_eq!(*told.borrow(), None);
            assert_eq!(book.ends(&id), Some(at(120).boot));
            book.pass(at(120));
            assert_eq!(book.ends(&id), None);
            120
        };
        assert!(matches!(*told.borrow(), Some(Err(_))));
        let why = refused(&mut book, at(begun + rest - 1));
        let left = Duration::from_secs(1);
        assert_eq!(why, if is_denied { Refusal::Denied(left) } else { Refusal::Unanswered(left) });
        assert!(opened(&mut book, git(), at(begun + rest)).1, "after the rest");
        let (id, _, told) = opened(&mut book, git(), at(begun + rest));
        drop(told);
        assert!(book.answer(&id, ConsentWord::Deny, at(begun + rest)));
        assert!(book.answer(&id, ConsentWord::Session, at(begun + rest + 1)));
        assert!(is_allowed(&mut book, at(begun + rest + 2)));
    }
}

#[test]
fn where_nobody_could_be_asked_it_is_tried_again_under_its_name() {
    let mut book = book();
    let (id, _, told) = opened(&mut book, git(), at(0));
    book.unheard(&id);
    assert_eq!(*told.borrow(), Some(Err(Refusal::Unheard)));
    book.unheard(&id);
    for _ in 0..3 * MOST_OF_CALLER {
        let (again, is_new, _told) = opened(&mut book, git(), at(1));
        assert!(is_new && again == id, "nobody was disturbed");
        book.unheard(&id);
    }
    assert!(book.answer(&id, ConsentWord::Once, at(2)));
    assert!(is_allowed(&mut book, at(3)));
}

#[test]
fn nobody_can_nag() {
    let mut book = book();
    let other = |number: usize| asking("/usr/bin/git", &format!("api://app-{number}/read"));
    for number in 0..MOST_OF_CALLER {
        let (id, ..) = opened(&mut book, other(number), at(0));
        assert!(book.answer(&id, ConsentWord::Once, at(0)));
    }
    let many = |reply| matches!(reply, Reply::Refused(Refusal::TooMany));
    assert!(many(book.ask(other(99), at(1))));
    for number in MOST_OF_CALLER..MOST_ASKED {
        opened(&mut book, asking(&format!("/opt/{number}"), matters::GRAPH), at(1));
    }
    assert!(many(book.ask(asking("/opt/last", matters::GRAPH), at(1))));
    assert!(opened(&mut book, other(99), at(WINDOW.as_secs() + 1)).1, "after a while");
}

#[test]
fn the_book_has_an_end() {
    let mut book = book();
    let unheard = |book: &mut Book, number: usize| {
        let (id, ..) = opened(book, asking(&format!("/opt/{number}"), matters::GRAPH), at(0));
        book.unheard(&id);
        id
    };
    let first = unheard(&mut book, 0);
    for number in 1..3 * MOST_OPEN {
        unheard(&mut book, number);
    }
    let standing = book.told(at(0));
    assert_eq!(standing.questions.len(), MOST_OPEN);
    assert!(book.question(&first, at(0)).is_none(), "the oldest made room");
    assert!(book.told(at(PATIENCE.as_secs())).questions.is_empty());
}

#[test]
fn what_is_sent_away_rests() {
    let mut book = book();
    let (id, _, told) = opened(&mut book, git(), at(0));
    book.sent_away(&id, at(1));
    assert_eq!(*told.borrow(), Some(Err(Refusal::Unanswered(REST))));
    assert_eq!(refused(&mut book, at(1)), Refusal::Unanswered(REST));
}
