//! A named event of ours that anybody may set who runs as our user: how a process without a console is asked to stop.
//!
//! The system waits for it and calls back once, with a pointer to a [`Notify`] that is given up only after the wait
//! has ended. The event stays set, so that it may be set before anybody waits.
//! Source: learn.microsoft.com, "CreateEventW function", "RegisterWaitForSingleObject function" and
//! "UnregisterWaitEx function".
#![expect(unsafe_code, reason = "events and the system's callbacks have no safe interface")]

use std::ffi::{OsStr, c_void};
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::null_mut;
use std::sync::Arc;

use tokio::sync::Notify;
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, HANDLE, INVALID_HANDLE_VALUE, SetLastError};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, RegisterWaitForSingleObject, UnregisterWaitEx, WT_EXECUTEONLYONCE,
};

use crate::windows::{Descriptor, Sid, error_of, wide};

/// The event, waited for from now on.
#[derive(Debug)]
pub(super) struct StopEvent {
    wait: HANDLE,
    told: Arc<Notify>,
    /// Open for as long as it is waited for.
    _event: OwnedHandle,
}

impl StopEvent {
    /// Makes the event for our user alone.
    ///
    /// # Errors
    /// As the system says; `ERROR_ALREADY_EXISTS` where there is an event of this name, which is not ours: whoever
    /// made it decides who may set it.
    pub(super) fn make(name: &str) -> io::Result<Self> {
        let name = wide(OsStr::new(name))?;
        let descriptor = Descriptor::of_user_alone(&Sid::ours()?)?;
        let attributes = descriptor.attributes();
        // SAFETY: the name ends in zero; the attributes and the descriptor they point to outlive the call.
        let event = unsafe {
            // On success this thread's error tells whether the event was there, so it starts from none.
            SetLastError(0);
            CreateEventW(&raw const attributes, IS_MANUAL_RESET, 0, name.as_ptr())
        };
        let said = io::Error::last_os_error();
        if event.is_null() {
            return Err(said);
        }
        // SAFETY: the call succeeded, so this is an open handle that nothing else closes.
        let event = unsafe { OwnedHandle::from_raw_handle(event) };
        if said.raw_os_error() == Some(ERROR_ALREADY_EXISTS.cast_signed()) {
            return Err(error_of(ERROR_ALREADY_EXISTS));
        }
        Self::wait_for(event)
    }

    fn wait_for(event: OwnedHandle) -> io::Result<Self> {
        let (mut wait, told) = (null_mut(), Arc::new(Notify::new()));
        let context = Arc::as_ptr(&told).cast();
        // SAFETY: the event is open, and the callback has the type asked for; event and context, a `Notify`, are given
        // up only after the wait has ended; `wait` is ours to write.
        let is_waiting = unsafe {
            RegisterWaitForSingleObject(
                &raw mut wait,
                event.as_raw_handle(),
                Some(set),
                context,
                INFINITE,
                WT_EXECUTEONLYONCE,
            )
        };
        if is_waiting == 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { wait, told, _event: event })
    }

    /// Completes, once, when the event has been set.
    pub(super) async fn is_set(&self) {
        self.told.notified().await;
    }
}

impl Drop for StopEvent {
    fn drop(&mut self) {
        // SAFETY: the handle is that of our wait and is not used again. The call returns when no callback runs and
        // none will.
        let is_ended = unsafe { UnregisterWaitEx(self.wait, INVALID_HANDLE_VALUE) };
        debug_assert_ne!(is_ended, 0, "our own wait can be ended");
    }
}

/// Called on a thread of the system.
unsafe extern "system" fn set(context: *mut c_void, _: bool) {
    // SAFETY: the context is the `Notify` of a `StopEvent` that has not ended its wait.
    let told = unsafe { &*context.cast::<Notify>() };
    told.notify_one();
}

const IS_MANUAL_RESET: i32 = 1;

#[cfg(test)]
mod tests {
    use std::os::windows::io::AsHandle;
    use std::time::Duration;

    use windows_sys::Win32::System::Threading::SetEvent;

    use super::*;
    use crate::windows::{AccessList, ObjectKind};

    fn name(test: &str) -> String {
        format!(r"Local\entrad-test-{test}-{}", std::process::id())
    }

    #[tokio::test]
    async fn set_before_anybody_waits_it_is_still_heard() {
        let event = StopEvent::make(&name("heard")).unwrap();
        // SAFETY: the handle is open.
        assert_ne!(unsafe { SetEvent(event._event.as_raw_handle()) }, 0);
        tokio::time::timeout(Duration::from_secs(5), event.is_set()).await.unwrap();
    }

    #[tokio::test]
    async fn unset_it_wakes_nobody_and_is_given_up_at_once() {
        let event = StopEvent::make(&name("quiet")).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(50), event.is_set()).await.is_err());
    }

    #[test]
    fn an_event_that_was_there_is_not_ours_until_it_is_gone() {
        let first = StopEvent::make(&name("squat")).unwrap();
        let refused = StopEvent::make(&name("squat")).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(ERROR_ALREADY_EXISTS.cast_signed()), "{refused}");
        drop(first);
        assert!(StopEvent::make(&name("squat")).is_ok());
    }

    #[test]
    fn nobody_else_may_set_it() {
        let ours = Sid::ours().unwrap();
        let event = StopEvent::make(&name("list")).unwrap();
        let list = AccessList::of(event._event.as_handle(), ObjectKind::Kernel).unwrap();
        assert!(list.is_owned_by(&ours) && !list.is_open_to_others_than(&ours), "{list:?}");
    }
}
