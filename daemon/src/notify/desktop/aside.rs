//! Calls of the system that may hang: each has a thread of its own, and its answer is waited for only so long.

use std::thread;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{ANSWER_TIME, Trouble};

/// What the call says. One that hangs keeps its thread, and nobody else.
///
/// # Errors
/// Its own, and [`Trouble::Late`] after [`ANSWER_TIME`].
pub(super) async fn aside<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let (tell, told) = oneshot::channel();
    let started = thread::Builder::new().name("desktop".to_owned()).spawn(move || {
        // Nobody waits any more when it took too long.
        let _late = tell.send(call());
    });
    started.map_err(|error| Trouble::Refused(error.kind().to_string()))?;
    match timeout(ANSWER_TIME, told).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(Trouble::Gone),
        Err(_) => Err(Trouble::Late(ANSWER_TIME)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_call_that_hangs_is_given_up() {
        assert_eq!(aside(|| Ok(7)).await.unwrap(), 7);
        assert!(matches!(aside(|| Err::<(), _>(Trouble::NoDesktop)).await, Err(Trouble::NoDesktop)));
        let (let_go, held) = mpsc::channel::<()>();
        let call = move || held.recv().map_err(|_| Trouble::Gone);
        // Only now: paused time runs on while a thread is at work.
        tokio::time::pause();
        assert!(matches!(aside(call).await, Err(Trouble::Late(ANSWER_TIME))));
        drop(let_go);
    }
}
