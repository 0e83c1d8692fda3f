//! Windows: the IP helper calls back when an interface, its addresses' state or its metric changes.
//!
//! The system calls on a thread of its own with a pointer to a [`Notify`], which therefore stays where it is until the
//! subscription has ended; ending it waits for a call under way.
//! Source: learn.microsoft.com, "NotifyIpInterfaceChange function" and "CancelMibChangeNotify2 function".
#![expect(unsafe_code, reason = "a callback of the system has no safe interface")]

use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;
use std::sync::Arc;

use tokio::sync::Notify;
use windows_sys::Win32::Foundation::{HANDLE, NO_ERROR};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    CancelMibChangeNotify2, MIB_IPINTERFACE_ROW, MIB_NOTIFICATION_TYPE, NotifyIpInterfaceChange,
};
use windows_sys::Win32::Networking::WinSock::AF_UNSPEC;

use super::settled::settled;

/// A subscription to changes of interfaces.
#[derive(Debug)]
pub struct Watch {
    subscription: HANDLE,
    told: Arc<Notify>,
}

impl Watch {
    /// Subscribes.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn start() -> io::Result<Self> {
        let (mut subscription, told) = (null_mut(), Arc::new(Notify::new()));
        let context = Arc::as_ptr(&told).cast();
        // SAFETY: the callback has the type asked for; the context is a `Notify` that `Watch` gives up
        // only after it has ended the subscription; `subscription` is ours to write.
        let status = unsafe {
            NotifyIpInterfaceChange(AF_UNSPEC, Some(changed), context, false, &raw mut subscription)
        };
        if status != NO_ERROR {
            return Err(io::Error::from_raw_os_error(status.cast_signed()));
        }
        Ok(Self { subscription, told })
    }

    /// Waits for a change, and then until the network has been quiet for a second; three seconds at most.
    ///
    /// # Errors
    /// None; a subscription does not break.
    pub async fn changed(&self) -> io::Result<()> {
        self.told.notified().await;
        settled(|| async {
            self.told.notified().await;
            Ok(())
        })
        .await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the handle is that of our subscription and is not used again. No callback runs afterwards.
        let status = unsafe { CancelMibChangeNotify2(self.subscription) };
        debug_assert_eq!(status, NO_ERROR, "our own subscription can be ended");
    }
}

// SAFETY: the handle may be given up from any thread; what the callback touches is `Sync`.
unsafe impl Send for Watch {}
// SAFETY: through a shared reference only the `Notify` is used, which is `Sync`.
unsafe impl Sync for Watch {}

/// Called on a thread of the system.
unsafe extern "system" fn changed(
    context: *const c_void,
    _: *const MIB_IPINTERFACE_ROW,
    _: MIB_NOTIFICATION_TYPE,
) {
    // SAFETY: the context is the `Notify` of a `Watch` that has not ended its subscription.
    let told = unsafe { &*context.cast::<Notify>() };
    told.notify_one();
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_quiet_network_wakes_nobody() {
        let watch = Watch::start().unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), watch.changed()).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_system_says_is_a_change() {
        let watch = Watch::start().unwrap();
        // SAFETY: as the system calls it, while the subscription lasts.
        unsafe { changed(Arc::as_ptr(&watch.told).cast(), null_mut(), 0) };
        assert!(watch.changed().await.is_ok());
    }
}
