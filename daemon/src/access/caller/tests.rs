//! Tests of callers on every system.

use super::*;

#[tokio::test]
async fn our_own_process_is_known_by_its_program() {
    let (near, _far) = peer::tests::pair().await;
    let caller = Caller::of(&near).unwrap();
    let shown = caller.to_string();
    assert!(shown.contains(&format!("(process {})", std::process::id())), "{shown}");
    assert!(shown.contains("entrad"), "{shown}");
    assert_eq!(caller.asks_for(), shown, "the daemon's tests are not the client");
    let noted = caller.noted();
    assert_eq!((noted.pid, noted.behind, noted.became), (Some(std::process::id()), None, None));
    assert!(noted.program.is_some_and(|program| shown.starts_with(&program)));
    assert!(noted.user.is_some_and(|user| !user.is_empty()));
}

#[tokio::test]
async fn a_look_at_our_own_process_finds_its_program_and_is_kept() {
    let (near, _far) = peer::tests::pair().await;
    let caller = Caller::of(&near).unwrap();
    let look = caller.look(false).await;
    let name = |path: &Path| path.file_name().map(ToOwned::to_owned);
    let us = std::env::current_exe().unwrap();
    assert_eq!(look.facts.program.as_deref().and_then(name), name(&us), "{look:?}");
    assert!(!look.facts.forwarded && !look.facts.container, "{look:?}");
    assert!(caller.is_from_here() && !Caller::nobody().is_from_here());
    assert!(Arc::ptr_eq(&look, &caller.look(false).await), "nothing has changed");
    let told = caller.told().await;
    assert_eq!(told.pid, Some(std::process::id()));
    assert_eq!(told.user, *OUR_USER);
}

#[tokio::test]
async fn a_look_that_hangs_keeps_nobody() {
    let (end, wait) = std::sync::mpsc::channel::<()>();
    let done = Caller::bounded(Duration::from_millis(20), move || wait.recv().is_ok()).await;
    assert_eq!(done, None);
    assert_eq!(Caller::bounded(LOOK_TIMEOUT, || 7).await, Some(7), "there are other places");
    drop(end);
}
