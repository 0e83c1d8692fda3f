//! The ninety days, lived through event by event.
//!
//! The next event is whatever comes first: a request, a happening of the world, an instant that the daemon waits for,
//! or the person's look at a machine that asks for a sign-in. The clocks are moved there, and before they move on
//! everything under way has landed: an exchange takes no virtual time. A request is polled once, which is all that an
//! answer from memory needs.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use entra_proto::error::ErrorBody;
use entra_proto::token::{Source, TokenAnswer, TokenRequest};
use entrad::clock::Clock;

use crate::asks::Asks;
use crate::ledger::Ledger;
use crate::rig::{Rig, rest};
use crate::spans::{Span, Spans};
use crate::world::{CAE_RESOURCES, Condition, Happening, MINUTE, RESOURCES, World};

/// Lives through the world and returns what became of every request.
pub(crate) async fn live(world: &World, seed: u64) -> Ledger<'_> {
    let mut life =
        Life { world, rig: Rig::start().await, ledger: Ledger::new(world), revoked: None, person: None };
    let mut asks = Asks::new(&world.sessions, seed).peekable();
    let mut happenings = world.happenings.iter().peekable();
    life.move_to(asks.peek().expect("somebody asks").0).await;
    life.sign_in().await;
    loop {
        let ask = asks.peek().map(|(at, _)| *at);
        let happening = happenings.peek().map(|(at, _)| *at);
        let person = life.person.map(|(at, _)| at);
        let daemon = life.rig.clock.earliest();
        let at = [ask, happening, person, daemon].into_iter().flatten().min();
        let Some(at) = at.filter(|at| *at < world.end) else { break };
        if Some(at) == daemon {
            life.move_to(at).await;
        } else if Some(at) == happening {
            let (_, happening) = happenings.next().expect("peeked");
            life.happen(at, *happening).await;
        } else if Some(at) == person {
            life.look(at).await;
        } else {
            let (_, resource) = asks.next().expect("peeked");
            life.ask(at, resource).await;
        }
    }
    life.ledger
}

struct Life<'a> {
    world: &'a World,
    rig: Rig,
    ledger: Ledger<'a>,
    /// Since when the person's refresh token is revoked.
    revoked: Option<Duration>,
    /// When the person looks next, and what for.
    person: Option<(Duration, Errand)>,
}

#[derive(Clone, Copy)]
enum Errand {
    /// To see whether the machine asks for a sign-in.
    Look,
    /// To sign in.
    SignIn,
}

impl Life<'_> {
    /// Moves the clocks, and lets the daemon do what is due then.
    async fn move_to(&mut self, at: Duration) {
        self.rig.clock.move_to(at);
        self.settle().await;
    }

    async fn settle(&mut self) {
        let now = self.rig.clock.now().boot;
        let condition = self.world.condition(now);
        self.rig.meet(now, condition);
        for refresh in self.rig.settle().await {
            self.ledger.sent(&refresh, condition, now);
        }
    }

    async fn happen(&mut self, at: Duration, happening: Happening) {
        self.rig.clock.move_to(at);
        match happening {
            Happening::Challenged { resource } => self.challenge(at, resource).await,
            Happening::ClockSet { by } => {
                let step = Duration::from_millis(by.unsigned_abs());
                self.rig.clock.set_wall(|wall| if by < 0 { wall - step } else { wall + step });
            }
            Happening::NetworkChanged => self.rig.broker.network_changed(),
            Happening::PasswordChanged => {
                self.rig.revoke();
                self.revoked = Some(at);
                self.person = Some((at + MINUTE, Errand::Look));
            }
            // Whatever waits for an instant of the night finds it past in the morning.
            Happening::Suspended { until } => self.rig.clock.move_to(until),
        }
        self.settle().await;
    }

    async fn look(&mut self, at: Duration) {
        self.move_to(at).await;
        let (_, errand) = self.person.take().expect("an errand");
        let is_offline = self.world.condition(at) == Condition::Offline;
        self.person = match errand {
            Errand::Look if self.rig.needs_sign_in().await => Some((at + NOTICED_AFTER, Errand::SignIn)),
            Errand::SignIn if !is_offline => {
                self.sign_in().await;
                None
            }
            errand => Some((at + MINUTE, errand)),
        };
    }

    async fn sign_in(&mut self) {
        self.settle().await;
        self.rig.sign_in().await;
        self.settle().await;
        let now = self.rig.clock.now().boot;
        self.ledger.resources[SIGN_IN_RESOURCE].given.push(now);
        if let Some(from) = self.revoked.take() {
            self.ledger.signed_out = Spans::of([Span { from, until: now }]);
        }
    }

    async fn ask(&mut self, at: Duration, resource: usize) {
        self.rig.clock.move_to(at);
        self.ledger.asked(resource, at);
        self.request(at, resource, plain(resource)).await;
    }

    /// The program asks with the challenge, whatever the memory holds.
    async fn challenge(&mut self, at: Duration, resource: usize) {
        let of = &mut self.ledger.resources[resource];
        of.challenges += 1;
        of.given.push(at);
        let challenge = format!(
            r#"{{"access_token":{{"nbf":{{"essential":true,"value":"{}"}}}}}}"#,
            self.rig.clock.now().epoch()
        );
        self.request(at, resource, TokenRequest { claims: Some(challenge), ..plain(resource) }).await;
    }

    async fn request(&mut self, at: Duration, resource: usize, request: TokenRequest) {
        let is_challenge = request.claims.is_some();
        let broker = self.rig.broker.clone();
        let mut answer = pin!(broker.token(request));
        let mut polled = poll(answer.as_mut());
        let is_ready = polled.is_ready();
        for _ in 0..MOST_FLIGHTS {
            if polled.is_ready() {
                break;
            }
            self.settle().await;
            polled = poll(answer.as_mut());
        }
        let Poll::Ready(answer) = polled else { panic!("a request is never answered") };
        if !(is_ready && matches!(&answer, Ok(TokenAnswer { source: Source::Cache, .. }))) {
            self.ledger.waited(resource, at, is_challenge, end(&answer));
        }
        if let Ok(answer) = answer
            && self.ledger.answered(resource, &answer, self.rig.clock.now())
        {
            // The first answer from memory is what makes a token worth renewing: let the schedule see it.
            rest().await;
        }
    }
}

fn plain(resource: usize) -> TokenRequest {
    TokenRequest {
        resource: Some(RESOURCES[resource].to_owned()),
        cae: CAE_RESOURCES.contains(&resource),
        ..TokenRequest::default()
    }
}

fn end(answer: &Result<TokenAnswer, ErrorBody>) -> String {
    match answer {
        Ok(TokenAnswer { source: Source::Refresh, .. }) => "a new token".to_owned(),
        Ok(TokenAnswer { source: Source::Cache, .. }) => {
            "the old token, after a refresh that failed".to_owned()
        }
        Err(error) => error.code.name().to_owned(),
    }
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A caller is sent round at most this often, when its account signs in anew meanwhile.
const MOST_FLIGHTS: usize = 4;

/// A sign-in's token is Microsoft Graph's: a place among [`RESOURCES`].
const SIGN_IN_RESOURCE: usize = 1;

/// A person has seen the notice, finds the phone and types the code: less than any token has left that was due.
const NOTICED_AFTER: Duration = Duration::from_secs(4 * 60);
