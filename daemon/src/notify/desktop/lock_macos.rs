//! Whether the screen is locked, by what the window server says of the session (developer.apple.com,
//! "CGSessionCopyCurrentDictionary"). The key is not documented; where it is missing the screen is not locked.
#![expect(unsafe_code, reason = "the window server's dictionary has no safe interface")]

use core_foundation::base::{CFType, TCFType};
use core_foundation::boolean::CFBoolean;
use core_foundation::dictionary::{CFDictionary, CFDictionaryRef};
use core_foundation::number::CFNumber;
use core_foundation::string::CFString;

/// Whether the screen is locked; nothing in a session without one.
pub(super) fn is_locked() -> Option<bool> {
    // SAFETY: it takes nothing, and gives null or a dictionary that is ours to release.
    let session = unsafe { CGSessionCopyCurrentDictionary() };
    if session.is_null() {
        return None;
    }
    // SAFETY: as above; its keys are strings, and each of its values is an object.
    let session: CFDictionary<CFString, CFType> = unsafe { CFDictionary::wrap_under_create_rule(session) };
    let Some(value) = session.find(CFString::from_static_string("CGSSessionScreenIsLocked")) else {
        return Some(false);
    };
    let number = value.downcast::<CFNumber>().and_then(|number| number.to_i32());
    Some(value.downcast::<CFBoolean>().map_or(number.is_some_and(|number| number != 0), bool::from))
}

#[link(name = "CoreGraphics", kind = "framework")]
unsafe extern "C" {
    fn CGSessionCopyCurrentDictionary() -> CFDictionaryRef;
}
