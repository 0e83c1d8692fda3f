//! systemd's readiness protocol (sd_notify(3)). Without a manager (`NOTIFY_SOCKET` unset) nobody is told.

use sd_notify::NotifyState;

pub(super) fn say_ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("Serving tokens.")]);
}

pub(super) fn say_stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told");
    }
}
