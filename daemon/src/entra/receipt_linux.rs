//! How long the kernel waits for the other end's receipt: `TCP_USER_TIMEOUT` (tcp(7)).

use std::time::Duration;

use reqwest::ClientBuilder;

pub(super) fn bounded(builder: ClientBuilder, within: Duration) -> ClientBuilder {
    builder.tcp_user_timeout(within)
}
