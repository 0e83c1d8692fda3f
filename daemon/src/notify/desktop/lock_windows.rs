//! Whether the session is locked (learn.microsoft.com, "`WTSINFOEX_LEVEL1_W` structure"), and a message of Windows when that
//! changes ("`WTSRegisterSessionNotification` function").
//!
//! The message needs a window, which is one that is never seen, with a thread of its own. Both last as long as the process,
//! and touch nothing but a static.
#![expect(unsafe_code, reason = "sessions and windows have no safe interface")]

use std::future::Future;
use std::mem::{size_of, zeroed};
use std::ptr::{null, null_mut};
use std::sync::Once;
use std::thread;

use tokio::sync::Notify;
use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, WPARAM};
use windows_sys::Win32::System::RemoteDesktop::{
    NOTIFY_FOR_THIS_SESSION, WTS_CURRENT_SERVER_HANDLE, WTS_CURRENT_SESSION, WTS_SESSIONSTATE_LOCK,
    WTS_SESSIONSTATE_UNLOCK, WTSFreeMemory, WTSINFOEXW, WTSQuerySessionInformationW,
    WTSRegisterSessionNotification, WTSSessionInfoEx,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DispatchMessageW, GetMessageW, HWND_MESSAGE, RegisterClassW,
    WM_WTSSESSION_CHANGE, WNDCLASSW,
};
use windows_sys::w;

/// Whether the session is locked; nothing where Windows does not say.
pub(super) fn is_locked() -> Option<bool> {
    let mut told = null_mut();
    let mut size = 0;
    // SAFETY: both are ours to write; the first becomes memory of the system's, freed below.
    let is_told = unsafe {
        WTSQuerySessionInformationW(
            WTS_CURRENT_SERVER_HANDLE,
            WTS_CURRENT_SESSION,
            WTSSessionInfoEx,
            &raw mut told,
            &raw mut size,
        )
    };
    if is_told == 0 || told.is_null() {
        return None;
    }
    let is_whole = usize::try_from(size).is_ok_and(|size| size >= size_of::<WTSINFOEXW>());
    // SAFETY: it holds the structure, by its size; each pattern of bits is a value of it.
    let info = is_whole.then(|| unsafe { told.cast::<WTSINFOEXW>().read_unaligned() });
    // SAFETY: the system gave it out above, and nothing points there any more.
    unsafe { WTSFreeMemory(told.cast()) };
    let info = info.filter(|info| info.Level == 1)?;
    // SAFETY: the level says which of the union's structures it is.
    let flags = unsafe { info.Data.WTSInfoExLevel1.SessionFlags }.cast_unsigned();
    match flags {
        WTS_SESSIONSTATE_LOCK => Some(true),
        WTS_SESSIONSTATE_UNLOCK => Some(false),
        _ => None,
    }
}

/// Completes when the session has changed after this call, where Windows tells of it.
pub(super) fn changed() -> impl Future<Output = ()> {
    SUBSCRIBED.call_once(|| {
        let listening = thread::Builder::new().name("session".to_owned()).spawn(listen);
        if let Err(error) = listening {
            tracing::debug!(%error, "nobody listens for changes of the session");
        }
    });
    CHANGED.notified()
}

static CHANGED: Notify = Notify::const_new();
static SUBSCRIBED: Once = Once::new();

/// Makes the window and hands on its messages, for as long as the process lasts.
fn listen() {
    let name = w!("entrad session");
    let class = WNDCLASSW { lpfnWndProc: Some(receive), lpszClassName: name, ..WNDCLASSW::default() };
    // SAFETY: class and name outlive the calls, which copy them; a null module is this program.
    let window = unsafe {
        RegisterClassW(&raw const class);
        CreateWindowExW(0, name, null(), 0, 0, 0, 0, 0, HWND_MESSAGE, null_mut(), null_mut(), null())
    };
    // SAFETY: the window is this thread's own.
    if window.is_null() || unsafe { WTSRegisterSessionNotification(window, NOTIFY_FOR_THIS_SESSION) } == 0 {
        tracing::debug!("the system tells of no change of the session");
        return;
    }
    // SAFETY: all zeroes are a message.
    let mut message = unsafe { zeroed() };
    // SAFETY: the message is ours to write; zero and -1 are the end.
    while unsafe { GetMessageW(&raw mut message, window, 0, 0) } > 0 {
        // SAFETY: as Windows wrote it.
        unsafe { DispatchMessageW(&raw const message) };
    }
}

/// Called by Windows with each message of the window.
unsafe extern "system" fn receive(window: HWND, message: u32, about: WPARAM, of: LPARAM) -> LRESULT {
    if message == WM_WTSSESSION_CHANGE {
        CHANGED.notify_waiters();
    }
    // SAFETY: as it was called.
    unsafe { DefWindowProcW(window, message, about, of) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_change_of_the_session_is_told_and_no_other_message_is() {
        let (early, late) = (changed(), changed());
        // SAFETY: as Windows calls it; no window has this handle, and the default does nothing for it.
        unsafe { receive(null_mut(), WM_WTSSESSION_CHANGE + 1, 0, 0) };
        assert!(timeout(Duration::from_millis(50), early).await.is_err());
        // SAFETY: as above.
        unsafe { receive(null_mut(), WM_WTSSESSION_CHANGE, 0, 0) };
        timeout(Duration::from_secs(5), late).await.expect("all who wait are told");
    }

    #[test]
    fn a_session_that_runs_tests_is_not_said_to_be_locked() {
        assert_ne!(is_locked(), Some(true));
    }
}
