//! Not told of: the screen and sleep of other systems than Linux.

use std::convert::Infallible;

use tokio::sync::mpsc::Sender;

use super::{Happening, Trouble};

/// There is none.
#[derive(Debug)]
pub struct Delay {
    _never: Infallible,
}

#[expect(clippy::unused_async, reason = "the signature is that of Linux")]
pub(super) async fn follow_screen(_: &Sender<Happening>) -> Trouble {
    Trouble::NotHere
}

#[expect(clippy::unused_async, reason = "the signature is that of Linux")]
pub(super) async fn follow_sleep(_: &Sender<Happening>) -> Trouble {
    Trouble::NotHere
}
