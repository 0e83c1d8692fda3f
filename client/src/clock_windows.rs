//! Windows's clock for the countdown.
#![expect(unsafe_code, reason = "GetTickCount64 is a function of Windows")]

use std::time::Duration;

use windows_sys::Win32::System::SystemInformation::GetTickCount64;

/// The time since the machine started, sleep included, in steps of about 15 ms (Microsoft: "GetTickCount64
/// function").
pub(crate) fn since_boot() -> Duration {
    // SAFETY: it takes nothing and cannot fail.
    Duration::from_millis(unsafe { GetTickCount64() })
}
