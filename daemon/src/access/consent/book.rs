//! The book of what was asked and what was said: pure but for the channels by which those who wait are told.
//!
//! Times are arguments. A question is in the book from when it is asked until its answer is of no use any more; meanwhile
//! whoever asks the same joins it, is served by what was said, or is refused without asking anybody. So nobody can nag.

use std::collections::VecDeque;
use std::time::Duration;

use entra_proto::consent::{
    ConsentDecision, ConsentMatter, ConsentQuestion, ConsentState, ConsentWord, ConsentsAnswer,
};
use tokio::sync::watch;
use uuid::Uuid;

use super::matter::is_same;
use crate::account::time::Now;
use crate::audit::Event;
use crate::vault::ConsentRecord;

/// What the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// How long a person has to answer.
    pub(super) patience: Duration,
    /// Whether something can be allowed for good.
    pub(super) remembers: bool,
}

/// A request that needs a person's word.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub(super) matter: ConsentMatter,
    pub(super) who: String,
    /// The programs that started it, the nearest first.
    pub(super) parents: Vec<String>,
    pub(super) wanted: String,
    pub(super) rule: String,
    pub(super) answers: Vec<ConsentWord>,
    /// The process that asks: its id, and a mark that tells it from a later one.
    pub(super) process: Option<(u32, u64)>,
    /// What the audit log is to have of it, once somebody could hear it: else whoever asks in a loop would fill the log.
    pub(super) noted: Option<Event>,
}

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Reply {
    /// It was allowed before.
    Allowed,
    /// It is not, and nobody is asked.
    Refused(Refusal),
    /// The question of this name is open. Whoever asked it first has to see that a person is asked.
    Open { id: String, is_new: bool, told: Told },
}

/// What those who wait are told: nothing yet, or whether it is allowed.
pub(super) type Told = watch::Receiver<Option<Result<(), Refusal>>>;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// A person said no, and is not asked again for so long.
    Denied(Duration),
    /// A person said never.
    Never,
    /// There are too many questions, of this caller or of all.
    TooMany,
    /// Nobody answered, and nobody is asked again for so long.
    Unanswered(Duration),
    /// Nobody could be asked.
    Unheard,
}

/// See the module.
pub(super) struct Book {
    rules: Rules,
    open: Vec<Open>,
    decisions: Vec<ConsentDecision>,
    /// Whom a person was asked about, and when.
    asked: VecDeque<(Duration, ConsentMatter)>,
}

struct Open {
    id: String,
    asking: Asking,
    state: ConsentState,
    asked_on: u64,
    /// By the clock that nobody sets.
    until: Duration,
    tell: watch::Sender<Option<Result<(), Refusal>>>,
}

impl Book {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, open: Vec::new(), decisions: Vec::new(), asked: VecDeque::new() }
    }

    /// Other rules from now on.
    pub(super) fn follow(&mut self, rules: Rules) {
        self.rules = rules;
    }

    pub(super) fn rules(&self) -> Rules {
        self.rules
    }

    /// What becomes of this request.
    pub(super) fn ask(&mut self, asking: Asking, now: Now) -> Reply {
        self.pass(now);
        match self.decided(&asking.matter) {
            Some(ConsentWord::Never) => return Reply::Refused(Refusal::Never),
            Some(_) => return Reply::Allowed,
            None => {}
        }
        let same = self.open.iter().position(|open| is_same(&open.asking.matter, &asking.matter));
        if let Some(at) = same {
            let open = &self.open[at];
            let left = open.until.saturating_sub(now.boot);
            match open.state {
                ConsentState::Allowed => {
                    self.open.remove(at);
                    return Reply::Allowed;
                }
                ConsentState::Denied => return Reply::Refused(Refusal::Denied(left)),
                ConsentState::Unanswered => return Reply::Refused(Refusal::Unanswered(left)),
                ConsentState::Asked => {
                    return Reply::Open { id: open.id.clone(), is_new: false, told: open.tell.subscribe() };
                }
                // Somebody may be there by now. It keeps its name, which a person may have read.
                ConsentState::Unheard => {}
            }
        }
        if !self.may_ask(&asking.matter, same.is_some()) {
            return Reply::Refused(Refusal::TooMany);
        }
        let id = same.map_or_else(new_id, |at| self.open.remove(at).id);
        let (tell, told) = watch::channel(None);
        self.asked.push_back((now.boot, asking.matter.clone()));
        self.open.push(Open {
            id: id.clone(),
            asking,
            state: ConsentState::Asked,
            asked_on: now.epoch(),
            until: now.boot + self.rules.patience,
            tell,
        });
        Reply::Open { id, is_new: true, told }
    }

    /// Whether there is room for one more: among all questions, and among those a person is to be asked about.
    fn may_ask(&mut self, matter: &ConsentMatter, is_known: bool) -> bool {
        let of_caller = self.asked.iter().filter(|(_, asked)| asked_by(asked) == asked_by(matter)).count();
        if of_caller >= MOST_OF_CALLER || self.asked.len() >= MOST_ASKED {
            return false;
        }
        if self.open.len() >= MOST_OPEN && !is_known {
            // What is over already makes room.
            let Some(at) = self.open.iter().position(|open| open.state != ConsentState::Asked) else {
                return false;
            };
            self.open.remove(at);
        }
        true
    }

    /// What was said about it and holds.
    fn decided(&self, matter: &ConsentMatter) -> Option<ConsentWord> {
        let of_it =
            self.decisions.iter().filter(|said| is_same(&said.matter, matter)).map(|said| said.answer);
        let holds = of_it.filter(|answer| *answer != ConsentWord::Always || self.rules.remembers);
        // A refusal is the stronger.
        holds.max_by_key(|answer| *answer == ConsentWord::Never)
    }

    /// What can be said about the question of this name, and about what; nothing where there is none.
    pub(super) fn question(&mut self, id: &str, now: Now) -> Option<&Asking> {
        self.pass(now);
        self.open.iter().find(|open| open.id == id).map(|open| &open.asking)
    }

    /// What the audit log is to have of the question, if it has not got it yet.
    pub(super) fn take_noted(&mut self, id: &str) -> Option<Event> {
        self.open.iter_mut().find(|open| open.id == id)?.asking.noted.take()
    }

    /// What was said is in force, and who waits is told. Says whether there was such a question.
    pub(super) fn answer(&mut self, id: &str, answer: ConsentWord, now: Now) -> bool {
        self.pass(now);
        let Some(at) = self.open.iter().position(|open| open.id == id) else { return false };
        let open = &mut self.open[at];
        let is_awaited = open.tell.receiver_count() > 0;
        let told = match answer {
            ConsentWord::Deny => Err(Refusal::Denied(REST)),
            ConsentWord::Never => Err(Refusal::Never),
            ConsentWord::Once | ConsentWord::Session | ConsentWord::Always => Ok(()),
        };
        open.tell.send_replace(Some(told));
        let rest = match answer {
            ConsentWord::Deny => Some((ConsentState::Denied, REST)),
            // Whoever asked may have gone, and asks again.
            ConsentWord::Once if !is_awaited => Some((ConsentState::Allowed, TO_USE)),
            _ => None,
        };
        if let Some((state, time)) = rest {
            (open.state, open.until) = (state, now.boot + time);
            return true;
        }
        let Open { id, asking, .. } = self.open.remove(at);
        if answer != ConsentWord::Once {
            self.decisions.retain(|said| !is_same(&said.matter, &asking.matter));
            self.decisions.push(ConsentDecision { id, answer, matter: asking.matter, since: now.epoch() });
        }
        true
    }

    /// Nobody could be asked. Only of one that is still open.
    pub(super) fn unheard(&mut self, id: &str) {
        let is_it = |open: &&mut Open| open.id == id && open.state == ConsentState::Asked;
        let Some(open) = self.open.iter_mut().find(is_it) else { return };
        open.state = ConsentState::Unheard;
        open.tell.send_replace(Some(Err(Refusal::Unheard)));
        // Nobody was disturbed.
        let matter = open.asking.matter.clone();
        if let Some(at) = self.asked.iter().rposition(|(_, asked)| is_same(asked, &matter)) {
            self.asked.remove(at);
        }
    }

    /// The person sent it away without a word. Only of one that is still open.
    pub(super) fn sent_away(&mut self, id: &str, now: Now) {
        let is_it = |open: &&mut Open| open.id == id && open.state == ConsentState::Asked;
        if let Some(open) = self.open.iter_mut().find(is_it) {
            open.until = now.boot;
        }
        self.pass(now);
    }

    /// Lets go what is over, and has those told who wait for an answer that did not come.
    pub(super) fn pass(&mut self, now: Now) {
        for open in &mut self.open {
            if open.state == ConsentState::Asked && open.until <= now.boot {
                (open.state, open.until) = (ConsentState::Unanswered, now.boot + REST);
                open.tell.send_replace(Some(Err(Refusal::Unanswered(REST))));
            }
        }
        self.open.retain(|open| open.until > now.boot);
        self.asked.retain(|(on, _)| *on + WINDOW > now.boot);
    }

    /// When a question that is open ends by itself; nothing where it has.
    pub(super) fn ends(&self, id: &str) -> Option<Duration> {
        let is_it = |open: &&Open| open.id == id && open.state == ConsentState::Asked;
        self.open.iter().find(is_it).map(|open| open.until)
    }

    /// Takes a decision back, or an answer that was not used yet, or a rest. Says what it was about.
    pub(super) fn revoke(&mut self, id: &str) -> Option<ConsentMatter> {
        if let Some(at) = self.decisions.iter().position(|said| said.id == id) {
            return Some(self.decisions.remove(at).matter);
        }
        let is_it = |open: &Open| open.id == id && open.state == ConsentState::Allowed;
        let at = self.open.iter().position(is_it)?;
        Some(self.open.remove(at).asking.matter)
    }

    /// What holds for a session holds no more: of this account, or of all.
    pub(super) fn end_session(&mut self, account: Option<&str>) {
        let is_of = |matter: &ConsentMatter| account.is_none() || matter.account.as_deref() == account;
        self.decisions.retain(|said| said.answer != ConsentWord::Session || !is_of(&said.matter));
        self.open.retain(|open| open.state != ConsentState::Allowed || !is_of(&open.asking.matter));
    }

    /// What is kept, in place of what was known of it.
    pub(super) fn read(&mut self, records: Vec<ConsentRecord>) {
        self.decisions.retain(|said| said.answer == ConsentWord::Session);
        self.decisions.extend(records.into_iter().map(|record| ConsentDecision {
            id: record.id,
            answer: if record.is_allowed { ConsentWord::Always } else { ConsentWord::Never },
            matter: record.matter,
            since: record.since,
        }));
    }

    /// What is to be kept.
    pub(super) fn kept(&self) -> Vec<ConsentRecord> {
        let kept = self.decisions.iter().filter(|said| said.answer != ConsentWord::Session);
        kept.map(|said| ConsentRecord {
            id: said.id.clone(),
            is_allowed: said.answer == ConsentWord::Always,
            matter: said.matter.clone(),
            since: said.since,
        })
        .collect()
    }

    /// How all of it stands.
    pub(super) fn told(&mut self, now: Now) -> ConsentsAnswer {
        self.pass(now);
        let question = |open: &Open| {
            let Asking { matter, who, parents, wanted, rule, answers, .. } = open.asking.clone();
            ConsentQuestion {
                id: open.id.clone(),
                state: open.state,
                who,
                parents,
                wanted,
                matter,
                rule,
                asked_on: open.asked_on,
                until: now.epoch() + open.until.saturating_sub(now.boot).as_secs(),
                waiting: u32::try_from(open.tell.receiver_count()).unwrap_or(u32::MAX),
                answers,
            }
        };
        ConsentsAnswer {
            questions: self.open.iter().map(question).collect(),
            decisions: self.decisions.clone(),
        }
    }
}

/// Of a matter, who asks.
fn asked_by(matter: &ConsentMatter) -> [Option<&str>; 4] {
    [matter.program.as_deref(), matter.script.as_deref(), matter.agent.as_deref(), matter.lease.as_deref()]
}

/// Short enough to be typed, and unlike the few others that there are.
fn new_id() -> String {
    Uuid::new_v4().simple().to_string()[..8].to_owned()
}

/// Most questions at once, answered ones that rest among them.
const MOST_OPEN: usize = 16;

/// Most that a person is asked within [`WINDOW`], about one caller and about all.
const MOST_OF_CALLER: usize = 4;
const MOST_ASKED: usize = 12;
const WINDOW: Duration = Duration::from_secs(10 * 60);

/// How long nobody is asked again what was denied, or what nobody answered.
pub(super) const REST: Duration = Duration::from_secs(5 * 60);

/// How long an answer waits for who asked and has gone: tools try again within a minute, and people within two.
const TO_USE: Duration = Duration::from_secs(2 * 60);

/// Most decisions that are kept.
pub(super) const MOST_KEPT: usize = 256;

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
