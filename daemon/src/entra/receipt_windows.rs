//! How long the kernel waits for the other end's receipt: Windows is not told, since its option for that is its own and the HTTP client
//! sets none of them. What a request may take in all bounds it, and the few seconds after a change of the network.

use std::time::Duration;

use reqwest::ClientBuilder;

pub(super) fn bounded(builder: ClientBuilder, _: Duration) -> ClientBuilder {
    builder
}
