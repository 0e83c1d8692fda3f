//! Windows calls back when the machine has woken, on a thread of its own.
//!
//! The subscription lasts as long as the process and touches nothing but a static, so there is nothing to give up.
//! Where it is refused, and on machines that only doze (Modern Standby), the steps of the waiting notice it.
//! Source: learn.microsoft.com, "PowerRegisterSuspendResumeNotification function".
#![expect(unsafe_code, reason = "a callback of the system has no safe interface")]

use std::ffi::c_void;
use std::future::Future;
use std::ptr::null_mut;
use std::sync::LazyLock;

use tokio::sync::Notify;
use windows_sys::Win32::Foundation::NO_ERROR;
use windows_sys::Win32::System::Power::{
    DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS, PowerRegisterSuspendResumeNotification,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    DEVICE_NOTIFY_CALLBACK, PBT_APMRESUMEAUTOMATIC, PBT_APMRESUMESUSPEND,
};

/// Completes when the machine has woken after this call.
pub(in crate::clock) fn woken() -> impl Future<Output = ()> {
    if !*IS_TOLD {
        tracing::debug!("the system tells of no wake");
    }
    WOKEN.notified()
}

static WOKEN: Notify = Notify::const_new();

/// Subscribes when it is first asked.
static IS_TOLD: LazyLock<bool> = LazyLock::new(|| {
    let mut recipient = DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS { Callback: Some(changed), Context: null_mut() };
    let mut subscription = null_mut();
    // SAFETY: with this flag the recipient is such a structure, which the call only reads; the callback has the type
    // asked for and uses no context; `subscription` is ours to write.
    let status = unsafe {
        PowerRegisterSuspendResumeNotification(
            DEVICE_NOTIFY_CALLBACK,
            (&raw mut recipient).cast(),
            &raw mut subscription,
        )
    };
    status == NO_ERROR
});

/// Called by the system when the machine is about to sleep, and when it has woken.
unsafe extern "system" fn changed(_: *const c_void, event: u32, _: *const c_void) -> u32 {
    if matches!(event, PBT_APMRESUMEAUTOMATIC | PBT_APMRESUMESUSPEND) {
        WOKEN.notify_waiters();
    }
    NO_ERROR
}

#[cfg(test)]
mod tests {
    use std::ptr::null;
    use std::time::Duration;

    use tokio::time::timeout;
    use windows_sys::Win32::UI::WindowsAndMessaging::PBT_APMSUSPEND;

    use super::*;

    #[test]
    fn the_system_takes_the_subscription() {
        assert!(*IS_TOLD);
    }

    #[tokio::test]
    async fn a_wake_is_told_and_a_fall_asleep_is_not() {
        let (early, late) = (woken(), woken());
        // SAFETY: as the system calls it.
        unsafe { changed(null(), PBT_APMSUSPEND, null()) };
        assert!(timeout(Duration::from_millis(50), early).await.is_err());
        // SAFETY: as above.
        unsafe { changed(null(), PBT_APMRESUMEAUTOMATIC, null()) };
        timeout(Duration::from_secs(5), late).await.expect("all who wait are told");
    }
}
