//! The machine against a model that remembers everything and decides by looking through it.
//!
//! The model keeps nothing but the history: what was asked and started, how it ended, when the network changed. What a
//! caller hears, what is sent by itself and when the next request is due is read from that, slowly and plainly, after
//! every one of a random sequence of operations; the machine, which keeps none of it, must say exactly the same.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use self::event::{End, Most};
use self::run::Run;
use self::verdict::{KEYS, Wish};
use super::super::budget::Limits;
use super::super::outcome::Reach;

mod check;
mod event;
mod history;
mod outage;
mod run;
mod samples;
mod spent;
mod verdict;

/// What happens next.
#[derive(Clone, Debug)]
enum Op {
    Ask(Wish),
    /// One of the flights that were sent ends.
    End(usize, End),
    Pass(Duration),
    /// Time passes up to whatever is due next, and it is sent.
    SendDue,
    /// That so many times in a row, and each time the way to Entra is closed.
    LongOutage {
        times: usize,
        has_arrived: bool,
    },
    /// The wall clock is set by so many seconds.
    SetWall(i64),
    NetworkChanged,
    Tick,
    SignIn,
    Revive,
    /// A token for the key comes with a sign-in, of so many seconds' life.
    Fill(usize, u64),
}

/// Each may be left out, so that shrinking, which takes out first and simplifies then, can take out a second time.
fn operations() -> impl Strategy<Value = Vec<Op>> {
    let maybe = prop::option::weighted(0.99, operation());
    prop::collection::vec(maybe, 1..80).prop_map(|all| all.into_iter().flatten().collect())
}

fn operation() -> impl Strategy<Value = Op> {
    let long_outage = (1..12_usize, any::<bool>());
    let long_outage = long_outage.prop_map(|(times, has_arrived)| Op::LongOutage { times, has_arrived });
    prop_oneof![
        24 => wish().prop_map(Op::Ask),
        20 => (0..4_usize, end()).prop_map(|(which, end)| Op::End(which, end)),
        10 => select(SHORT).prop_map(|millis| Op::Pass(Duration::from_millis(millis))),
        2 => select(LONG).prop_map(|seconds| Op::Pass(Duration::from_secs(seconds))),
        5 => Just(Op::SendDue),
        1 => long_outage,
        2 => Just(Op::Tick),
        1 => select(&[1, -1, 900, -900, 86_400, -86_400, 345_600][..]).prop_map(Op::SetWall),
        1 => Just(Op::NetworkChanged),
        1 => Just(Op::SignIn),
        1 => Just(Op::Revive),
        1 => (0..KEYS, life()).prop_map(|(key, life)| Op::Fill(key, life)),
    ]
}

fn wish() -> impl Strategy<Value = Wish> {
    let key = prop_oneof![3 => Just(0), 3 => Just(1), 1 => 2..KEYS];
    let claims = prop_oneof![3 => Just(None), 1 => Just(Some("{1}")), 1 => Just(Some("{2}"))];
    let min_validity = select(&[300, 0, 60, 3000][..]).prop_map(Duration::from_secs);
    let force = prop::bool::weighted(0.2);
    let wish = |(key, claims, force, min_validity)| Wish { key, claims, force, min_validity };
    (key, claims, force, min_validity).prop_map(wish)
}

fn life() -> impl Strategy<Value = u64> {
    select(&[3600, 300, 900, 5400, 86_400][..])
}

fn end() -> impl Strategy<Value = End> {
    let after = || select(&[None, Some(0), Some(30), Some(90), Some(9000)][..]);
    let pause = |reach| move |after| End::Away { after, reach, has_arrived: true };
    let outage = |(after, has_arrived)| End::Away { after, reach: Reach::Outage, has_arrived };
    prop_oneof![
        14 => life().prop_map(End::Granted),
        6 => (prop_oneof![4 => Just(None), 1 => after()], any::<bool>()).prop_map(outage),
        2 => after().prop_map(pause(Reach::Key)),
        2 => after().prop_map(pause(Reach::Client)),
        1 => Just(End::OwnPause),
        2 => Just(End::SignInNeeded),
        1 => Just(End::OwnRefusal),
        1 => Just(End::Dead),
    ]
}

/// Budgets that four keys can use up, and the ones that are shipped.
fn limits() -> impl Strategy<Value = (Limits, Most)> {
    let narrow = Limits { per_key: 4, per_challenge: 2, per_client: 9 };
    let narrow = (narrow, Most { of_key: 4, of_challenge: 2, of_all: 9 });
    let shipped = (Limits::default(), Most { of_key: 7, of_challenge: 3, of_all: 60 });
    select(vec![shipped, narrow])
}

/// Milliseconds that add up to the borders of what the machine counts, and steps beside them.
const SHORT: &[u64] = &[1_000, 1, 200, 5_000, 10_000, 30_000, 60_000, 119_999, 180_000, 300_000];

/// Seconds in which tokens fall due, expire, and refresh tokens fall idle.
const LONG: &[u64] = &[3_600, 600, 900, 3_000, 86_400, 259_200];

/// The same histories in each run, so that a change is judged by what it changed. `PROPTEST_CASES` and
/// `PROPTEST_RNG_SEED` look further.
fn config() -> ProptestConfig {
    let given = ProptestConfig::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(20_261_121),
        seed => seed,
    };
    let cases = if given.cases == STANDARD_CASES { 300 } else { given.cases };
    ProptestConfig { cases, max_shrink_iters: 20_000, rng_seed, ..given }
}

/// proptest's own number, unless somebody asks for another.
const STANDARD_CASES: u32 = 256;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whoever_remembers_everything_says_the_same(
        (limits, most) in limits(),
        operations in operations(),
    ) {
        let mut run = Run::new(limits, most);
        for operation in &operations {
            run.happen(operation)?;
        }
    }
}
