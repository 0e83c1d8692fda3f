//! Windows: `GetTickCount64`, which counts sleep and hibernation (`QueryUnbiasedInterruptTime` would not).
//!
//! A waitable timer follows either the wall clock, which may be set, or a time that stands still in sleep; so waits go
//! in steps, and a wake that the system tells of ends the step under way.
//! Source: learn.microsoft.com, "GetTickCount64 function" and "Interrupt Time".
#![expect(unsafe_code, reason = "the call that reads this clock has no safe interface")]

use std::time::Duration;

use windows_sys::Win32::System::SystemInformation::GetTickCount64;

#[path = "wake_windows.rs"]
mod wake;

pub(super) use self::wake::woken;

/// The boot clock, in steps of 10 to 16 ms, which is finer than any deadline here.
pub(super) fn boot() -> Duration {
    // SAFETY: it takes nothing and cannot fail.
    Duration::from_millis(unsafe { GetTickCount64() })
}
