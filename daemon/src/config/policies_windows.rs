//! Being told that a policy in the registry changed (Microsoft: "RegNotifyChangeKeyValue function").
//!
//! The system sets an event at one change and is then to be asked anew. It is asked before anybody may read, and again before
//! anybody is told, so that no change falls in between. All policies are watched, since ours need not be there yet; a thread
//! of its own sleeps for each hive.
#![expect(unsafe_code, reason = "waiting for the registry has no safe interface")]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr;
use std::sync::Arc;
use std::thread;

use tokio::sync::Notify;
use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};
use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Registry::{
    REG_NOTIFY_CHANGE_LAST_SET, REG_NOTIFY_CHANGE_NAME, REG_NOTIFY_THREAD_AGNOSTIC, RegNotifyChangeKeyValue,
};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, WaitForSingleObject};

use super::places::Hive;
use super::registry::NOT_FOUND;
use crate::windows::error_of;

/// Rings at each change of a policy from now on, for as long as the process lives.
pub(super) fn watch(rung: &Arc<Notify>) {
    for hive in [Hive::User, Hive::Machine] {
        let rung = Arc::clone(rung);
        let started = Policies::of(hive).and_then(|policies| {
            thread::Builder::new().name("policies".to_owned()).spawn(move || policies.tell(&rung))
        });
        match started {
            Ok(_thread) => {}
            Err(error) if error.raw_os_error() == Some(NOT_FOUND) => {
                tracing::debug!(?hive, "there are no policies to watch");
            }
            Err(error) => {
                tracing::warn!(?hive, %error, "changes of policies go unnoticed; a restart reads them");
            }
        }
    }
}

/// The policies of a hive, and what the system sets when one of them changes.
struct Policies {
    key: Key,
    changed: OwnedHandle,
}

// SAFETY: the key is the process's and no thread's own, and one thread at a time has this value.
unsafe impl Send for Policies {}

impl Policies {
    /// Watched from now on.
    fn of(hive: Hive) -> io::Result<Self> {
        let root = match hive {
            Hive::Machine => LOCAL_MACHINE,
            Hive::User => CURRENT_USER,
        };
        let key = root.open(r"SOFTWARE\Policies")?;
        // SAFETY: it has no name, and the attributes of the process.
        let event = unsafe { CreateEventW(ptr::null(), IS_SET_UNTIL_SEEN, 0, ptr::null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so this is an open handle that nothing else closes.
        let policies = Self { key, changed: unsafe { OwnedHandle::from_raw_handle(event) } };
        policies.ask()?;
        Ok(policies)
    }

    /// Asks to be told of the next change, whichever thread then lives.
    fn ask(&self) -> io::Result<()> {
        let changes = REG_NOTIFY_CHANGE_NAME | REG_NOTIFY_CHANGE_LAST_SET | REG_NOTIFY_THREAD_AGNOSTIC;
        // SAFETY: the key and the event are open; the system drops the request when the key is closed.
        let status = unsafe {
            RegNotifyChangeKeyValue(self.key.as_raw(), 1, changes, self.changed.as_raw_handle(), 1)
        };
        if status == 0 { Ok(()) } else { Err(error_of(status)) }
    }

    fn wait(&self) -> io::Result<()> {
        // SAFETY: the event is open for as long as the call lasts.
        let status = unsafe { WaitForSingleObject(self.changed.as_raw_handle(), INFINITE) };
        if status == WAIT_OBJECT_0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    fn tell(&self, rung: &Notify) {
        loop {
            if let Err(error) = self.wait().and_then(|()| self.ask()) {
                tracing::warn!(%error, "changes of policies go unnoticed from now on; a restart reads them");
                return;
            }
            rung.notify_one();
        }
    }
}

/// An event that is no longer set once a wait has seen it.
const IS_SET_UNTIL_SEEN: i32 = 0;
