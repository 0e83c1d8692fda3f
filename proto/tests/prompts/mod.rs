//! The messages about prompts.

use entra_proto::prompt::{HeldBack, Holder, Need, Prompt, PromptEvent, PromptsAnswer, SnoozeRequest};

use super::ACCOUNT;
use super::wire::check as same;

pub(super) fn check(name: &str, text: &str) {
    match name {
        "prompts_answer.maximal" => same(text, PromptsAnswer { prompts: vec![bare(), full()], lock: None }),
        "prompts_answer.minimal" => same(text, PromptsAnswer::default()),
        "prompt_event.raised" => same(text, PromptEvent::Raised { prompt: Box::new(bare()) }),
        "prompt_event.settled" => {
            let account = ACCOUNT.parse().unwrap();
            same(text, PromptEvent::Settled { account, profile: "default".to_owned() });
        }
        "prompt_event.waiting" => same(text, PromptEvent::Waiting),
        "snooze_request" => {
            let (account, profile) = (Some("ada@example.com".to_owned()), Some("work".to_owned()));
            same(text, SnoozeRequest { account, profile, seconds: Some(3600) });
        }
        _ => panic!("no message for {name}"),
    }
}

fn bare() -> Prompt {
    Prompt {
        account: ACCOUNT.parse().unwrap(),
        username: "ada@example.com".to_owned(),
        profile: "default".to_owned(),
        need: Need::Expected,
        reason: "The organisation asks for a new sign-in every 7 days.".to_owned(),
        program: None,
        wanted: None,
        refused: 0,
        waiting: 0,
        since: 1_795_220_000,
        shown_on: None,
        held_back: None,
    }
}

fn full() -> Prompt {
    Prompt {
        need: Need::Now,
        program: Some("/usr/bin/git (process 42)".to_owned()),
        wanted: Some("Azure DevOps".to_owned()),
        refused: 7,
        waiting: 2,
        shown_on: Some(1_795_220_100),
        held_back: Some(HeldBack { by: Holder::QuietHours, until: Some(1_795_250_000) }),
        ..bare()
    }
}
