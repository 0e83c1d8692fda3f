//! One page: what it shows, and what a person may do on it.
//!
//! What is shown is one value that changes; each reader is written the newest one. A sign-in that is begun here is followed
//! by a task of its own, so that a browser that goes away ends nothing.

use std::sync::Arc;
use std::time::Duration;

use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::PAGE_LIFE;
use entra_proto::secret::AuthorizationUrl;
use entra_proto::sign_in::{SignInEvent, SignInRequest};
use tokio::sync::watch;

use super::address::Address;
use crate::access::caller::Caller;
use crate::broker::Broker;
use crate::clock::Clock;
use crate::notify::page::{Scene, Subject, View};
use crate::notify::words::ENGLISH;

/// A page that is open.
pub(super) struct Page {
    pub(super) address: Address,
    pub(super) subject: Subject,
    sign_in: SignInRequest,
    caller: Caller,
    broker: Arc<Broker>,
    clock: Arc<dyn Clock>,
    shown: watch::Sender<Shown>,
}

/// What it shows. Times are the boot clock's.
pub(super) struct Shown {
    scene: Scene,
    /// Counts the scenes.
    serial: u64,
    /// The sign-in that was begun last.
    id: Option<String>,
    /// Why the way that was tried first was refused.
    refused: Option<String>,
    /// When the code, or the wait for the browser, ends.
    ends: Option<Duration>,
    /// Until when the page is good.
    until: Duration,
    is_over: bool,
}

impl Page {
    /// A page on which nothing was begun. `caller` is who asks for the sign-in once a person begins it.
    pub(super) fn new(
        address: Address,
        subject: Subject,
        sign_in: SignInRequest,
        caller: Caller,
        broker: Arc<Broker>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let until = clock.now().boot + PAGE_LIFE;
        let shown = Shown {
            scene: Scene::Begin,
            serial: 0,
            id: None,
            refused: None,
            ends: None,
            until,
            is_over: false,
        };
        let shown = watch::Sender::new(shown);
        Arc::new(Self { address, subject, sign_in, caller, broker, clock, shown })
    }

    /// Begins a sign-in, unless one is under way or has worked: two tabs may have the button. Returns when there is
    /// something to show, or soon.
    pub(super) async fn begin(self: &Arc<Self>) {
        let until = self.clock.now().boot + PAGE_LIFE;
        let is_begun = self.shown.send_if_modified(|shown| {
            let may_begin = shown.scene.may_begin() && !shown.is_over;
            if may_begin {
                shown.turn(Scene::Starting, until);
                shown.id = None;
                shown.refused = None;
            }
            may_begin
        });
        if is_begun {
            tokio::spawn(Arc::clone(self).carry_out());
        }
        let mut shown = self.shown.subscribe();
        let told = shown.wait_for(|shown| !matches!(shown.scene, Scene::Starting));
        let _late = tokio::time::timeout(GLANCE, told).await.map(drop);
    }

    /// Cancels the sign-in that is under way, if there is one.
    pub(super) fn cancel(&self) {
        let id = {
            let shown = self.shown.borrow();
            shown.id.clone().filter(|_| shown.scene.is_under_way())
        };
        if let Some(id) = id
            && let Err(error) = self.broker.cancel_sign_in(&id)
        {
            tracing::debug!("a sign-in could not be cancelled: {}", error.message);
        }
    }

    /// Waits until the page is good no longer.
    pub(super) async fn outlived(&self) {
        let mut shown = self.shown.subscribe();
        loop {
            let until = {
                let shown = shown.borrow_and_update();
                if shown.is_over || shown.until <= self.clock.now().boot {
                    return;
                }
                shown.until
            };
            tokio::select! {
                () = self.clock.wait_until(until) => {}
                _ = shown.changed() => {}
            }
        }
    }

    /// Ends it: whoever listens is let go, and a sign-in whose code nobody sees is cancelled.
    pub(super) fn end(&self) {
        self.cancel();
        self.shown.send_modify(|shown| shown.is_over = true);
    }

    /// Whether nothing is under way on it.
    pub(super) fn is_idle(&self) -> bool {
        !self.shown.borrow().scene.is_under_way()
    }

    /// Where Microsoft's page is, while the person is asked to go there.
    pub(super) fn onward(&self) -> Option<AuthorizationUrl> {
        match &self.shown.borrow().scene {
            Scene::Authorization { shown, .. } => Some(shown.url.clone()),
            _ => None,
        }
    }

    /// Whether it still waits for a person to begin.
    pub(super) fn is_untouched(&self) -> bool {
        let shown = self.shown.borrow();
        matches!(shown.scene, Scene::Begin) && !shown.is_over && shown.until > self.clock.now().boot
    }

    /// The page as it is now.
    pub(super) fn view<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        let now = self.clock.now().boot;
        let shown = self.shown.borrow();
        let left = shown.ends.map(|ends| ends.saturating_sub(now));
        look(View {
            words: &ENGLISH,
            subject: &self.subject,
            scene: &shown.scene,
            serial: shown.serial,
            left,
        })
    }

    /// What it shows, from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Shown> {
        self.shown.subscribe()
    }

    async fn carry_out(self: Arc<Self>) {
        let started = self.broker.start_sign_in(self.sign_in.clone(), self.caller.clone()).await;
        let story = started.and_then(|started| {
            let story = self.broker.follow_sign_in(&started.id)?;
            self.shown.send_modify(|shown| shown.id = Some(started.id));
            if self.shown.borrow().is_over {
                self.cancel();
            }
            Ok(story)
        });
        let mut story = match story {
            Ok(story) => story,
            Err(error) => return self.turn(Scene::Ended(Box::new(error)), None),
        };
        while let Some(event) = story.next_event().await {
            let is_last = event.is_last();
            self.tell(event);
            if is_last {
                // From here on another one may be under way.
                return;
            }
        }
        let error = ErrorBody::new(ErrorCode::Internal, "The sign-in ended without a word.");
        self.turn(Scene::Ended(Box::new(error.with_hint("Try again; the log has more."))), None);
    }

    fn tell(&self, event: SignInEvent) {
        match event {
            SignInEvent::Code(code) => {
                let ends = self.clock.now().boot + Duration::from_secs(code.expires_in);
                self.turn(Scene::Waiting { code, notice: None }, Some(ends));
            }
            SignInEvent::Waiting { notice: newest, .. } => {
                self.shown.send_if_modified(|shown| match &mut shown.scene {
                    Scene::Waiting { notice, .. } if *notice != newest => {
                        *notice = newest;
                        true
                    }
                    _ => false,
                });
            }
            SignInEvent::Authorization(shown) => {
                let ends = self.clock.now().boot + Duration::from_secs(shown.expires_in);
                let refused = self.shown.borrow().refused.clone();
                self.turn(Scene::Authorization { shown, refused }, Some(ends));
            }
            SignInEvent::Switched { error, .. } => {
                self.shown.send_modify(|shown| shown.refused = Some(error.message));
                self.turn(Scene::Starting, None);
            }
            SignInEvent::SignedIn { account } => self.turn(Scene::SignedIn(account), None),
            SignInEvent::Failed { error } => self.turn(Scene::Ended(error), None),
        }
    }

    /// Shows another scene. The page is good until some minutes after its code, or after now.
    fn turn(&self, scene: Scene, ends: Option<Duration>) {
        let until = ends.unwrap_or(self.clock.now().boot) + AFTER;
        self.shown.send_modify(|shown| {
            shown.turn(scene, until);
            shown.ends = ends;
        });
    }
}

impl Shown {
    /// Whether the page is good no more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    fn turn(&mut self, scene: Scene, until: Duration) {
        self.scene = scene;
        self.serial += 1;
        self.ends = None;
        self.until = until;
    }
}

/// For a look at how it ended, and for another try.
const AFTER: Duration = Duration::from_secs(5 * 60);

/// Microsoft mostly has a code sooner than this, and then nobody sees a page that says so little.
const GLANCE: Duration = Duration::from_millis(1500);
