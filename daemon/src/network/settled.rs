//! Many messages that are one change.

use std::io;
use std::time::Duration;

/// Takes messages until none comes for [`QUIET`], for at most [`LONGEST`].
pub(super) async fn settled<F: Future<Output = io::Result<()>>>(
    mut message: impl FnMut() -> F,
) -> io::Result<()> {
    let all = async {
        while let Ok(more) = tokio::time::timeout(QUIET, message()).await {
            more?;
        }
        Ok(())
    };
    tokio::time::timeout(LONGEST, all).await.unwrap_or(Ok(()))
}

/// A network that comes up sends a dozen messages within a second; they are one change.
const QUIET: Duration = Duration::from_secs(1);

/// On a machine whose containers come and go it is never quiet, and a change must be told all the same.
const LONGEST: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_that_come_together_are_one_change() {
        let mut messages = 0;
        let begun_at = Instant::now();
        let burst = || {
            messages += 1;
            let next = if messages < 4 { QUIET / 2 } else { QUIET * 2 };
            async move {
                sleep(next).await;
                Ok(())
            }
        };
        settled(burst).await.unwrap();
        assert_eq!(begun_at.elapsed(), QUIET / 2 * 3 + QUIET);
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_that_never_rests_is_told_of_all_the_same() {
        let begun_at = Instant::now();
        let restless = || async {
            sleep(QUIET / 2).await;
            Ok(())
        };
        settled(restless).await.unwrap();
        assert_eq!(begun_at.elapsed(), LONGEST);
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_that_broke_is_an_error() {
        let broken = settled(|| async { Err(io::Error::other("closed")) }).await;
        assert_eq!(broken.unwrap_err().to_string(), "closed");
    }
}
