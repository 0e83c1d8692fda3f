//! Callers of a moment ago: a program that connects anew for each request is looked at anew once a second.
//!
//! What is asked each time is whether it is the same process, and runs the same file. No number comes round within so short a time.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::peer::Stream;
use super::process::Process;
use super::{Caller, Known, program};

/// Who connected `stream` and has this number.
pub(super) fn caller(stream: &Stream, pid: Option<u32>) -> Caller {
    let recent = || RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    let is_fresh = |known: &Known, now| known.process.at <= now && now <= known.process.at + FRESH;
    if let Some(pid) = pid {
        let now = program::now();
        let known = recent().iter().rev().find(|known| known.process.pid == Some(pid)).cloned();
        if let Some(known) =
            known.filter(|known| is_fresh(known, now) && known.process.is_behind(stream, pid))
        {
            return Caller { known, agent: None };
        }
    }
    let caller = Caller::from(Process::behind(stream, pid));
    let mut recent = recent();
    recent.retain(|known| known.process.pid != pid);
    if recent.len() == MOST {
        recent.pop_front();
    }
    recent.push_back(Arc::clone(&caller.known));
    caller
}

static RECENT: LazyLock<Mutex<VecDeque<Arc<Known>>>> = LazyLock::new(Mutex::default);

/// A second, by the clock of [`program::now`].
const FRESH: u64 = 100;

/// Each has a few hundred bytes, and is looked through for each connection.
const MOST: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::caller::peer::tests::pair;

    #[tokio::test]
    async fn who_connects_again_is_looked_at_once() {
        let (stream, _far) = pair().await;
        let us = Some(std::process::id());
        let first = caller(&stream, us);
        let Some(process) = Some(&first.known.process).filter(|process| process.is_vouched) else {
            return; // Before Linux 6.5.
        };
        assert!(process.is_behind(&stream, std::process::id()));
        assert!(!process.is_behind(&stream, std::process::id() + 1));
        // Others connect meanwhile in other tests, and may take its place once.
        let is_same = |_| Arc::ptr_eq(&caller(&stream, us).known, &caller(&stream, us).known);
        assert!((0..20).any(is_same));
        assert!(caller(&stream, None).known.process.mark.is_none(), "nobody is no one of before");
    }
}
