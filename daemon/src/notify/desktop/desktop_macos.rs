//! macOS: an alert with up to three buttons; the page is opened by Launch Services.
//!
//! Only a program in an application bundle may show a notification in the corner of the screen (`UNUserNotificationCenter`).
//! A bare one may ask for an alert (`CFUserNotification`), which stands in the middle, so it is taken back sooner.
//! Sources: developer.apple.com, "CFUserNotification", "LSOpenCFURLRef".
#![expect(unsafe_code, reason = "Core Foundation's alerts have no safe interface")]

use std::ptr::null;
use std::thread;
use std::time::{Duration, Instant};

use core_foundation::base::{CFRelease, TCFType, kCFAllocatorDefault};
use core_foundation::dictionary::CFDictionary;
use core_foundation::string::CFString;
use core_foundation::url::{CFURL, CFURLCreateWithString, CFURLRef};
use core_foundation_sys::user_notification::{
    CFUserNotificationCancel, CFUserNotificationCreate, CFUserNotificationReceiveResponse,
    kCFUserNotificationAlertHeaderKey, kCFUserNotificationAlertMessageKey,
    kCFUserNotificationAlternateButtonTitleKey, kCFUserNotificationAlternateResponse,
    kCFUserNotificationDefaultButtonTitleKey, kCFUserNotificationDefaultResponse,
    kCFUserNotificationOtherButtonTitleKey, kCFUserNotificationOtherResponse,
    kCFUserNotificationPlainAlertLevel,
};
use entra_proto::secret::PageAddress;
use tokio::sync::oneshot::{self, Sender};

use super::aside::aside;
use super::{Notice, Press, Trouble};

#[path = "lock_macos.rs"]
mod lock;

/// The desktop of the person.
#[derive(Debug, Default)]
pub struct Desktop;

impl Desktop {
    /// Costs nothing: macOS is asked when it is first used.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Shows the alert and waits for what the person does, for [`STANDING`] at most. Dropping the future closes it within
    /// [`STEP`].
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn show(&self, notice: &Notice) -> Result<Press, Trouble> {
        let notice = notice.clone();
        let (tell, told) = oneshot::channel();
        let standing = thread::Builder::new().name("desktop".to_owned()).spawn(move || {
            let said = ask(&notice, &tell);
            // Whoever asked may have gone.
            let _gone = tell.send(said);
        });
        standing.map_err(|error| Trouble::Refused(error.kind().to_string()))?;
        told.await.unwrap_or(Err(Trouble::Gone))
    }

    /// Has the desktop open the page; the daemon executes nothing.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(&self, page: &PageAddress) -> Result<(), Trouble> {
        let address = page.expose().to_owned();
        aside(move || launch(&address)).await
    }

    /// The screen's lock, where the system tells.
    pub async fn is_locked(&self) -> Option<bool> {
        aside(|| lock::is_locked().ok_or(Trouble::NoDesktop)).await.ok()
    }

    /// Returns when it is unlocked next, at once where it is; never where the system does not tell. macOS tells only programs
    /// with an event loop of a change, so it is looked at every [`LOOK`].
    pub async fn unlocked(&self) {
        loop {
            match self.is_locked().await {
                Some(true) => tokio::time::sleep(LOOK).await,
                Some(false) => return,
                None => std::future::pending().await,
            }
        }
    }
}

/// Shows the alert until it is answered, its time is over, or nobody waits for it.
fn ask(notice: &Notice, told: &Sender<Result<Press, Trouble>>) -> Result<Press, Trouble> {
    // SAFETY: constants of the framework, which live as long as the process.
    let key = |name| unsafe { CFString::wrap_under_get_rule(name) };
    // SAFETY: as above.
    let (header, message, titles) = unsafe {
        (
            kCFUserNotificationAlertHeaderKey,
            kCFUserNotificationAlertMessageKey,
            [
                kCFUserNotificationDefaultButtonTitleKey,
                kCFUserNotificationAlternateButtonTitleKey,
                kCFUserNotificationOtherButtonTitleKey,
            ],
        )
    };
    let buttons = in_place(notice);
    let mut pairs =
        vec![(key(header), CFString::new(&notice.title)), (key(message), CFString::new(&notice.body))];
    pairs.extend(
        titles.into_iter().zip(&buttons).map(|(title, (_, label))| (key(title), CFString::new(label))),
    );
    let words = CFDictionary::from_CFType_pairs(&pairs);
    let mut error = 0;
    // SAFETY: `error` is ours to write, and the dictionary outlives the call, which copies it.
    let alert = unsafe {
        CFUserNotificationCreate(
            kCFAllocatorDefault,
            STANDING.as_secs_f64(),
            kCFUserNotificationPlainAlertLevel,
            &raw mut error,
            words.as_concrete_TypeRef(),
        )
    };
    if alert.is_null() {
        return Err(if error == 0 { Trouble::NoDesktop } else { Trouble::Refused(error.to_string()) });
    }
    let end = Instant::now() + STANDING;
    let press = loop {
        let mut answer = 0;
        // SAFETY: the alert lives until it is released below, and `answer` is ours to write.
        if unsafe { CFUserNotificationReceiveResponse(alert, STEP.as_secs_f64(), &raw mut answer) } == 0 {
            let place = RESPONSES.iter().position(|response| *response == answer & ANSWERS);
            break place.and_then(|place| buttons.get(place)).map_or(Press::Closed, |(press, _)| *press);
        }
        if told.is_closed() || Instant::now() > end {
            // SAFETY: as above; it may have been answered just now.
            unsafe { CFUserNotificationCancel(alert) };
            break Press::Closed;
        }
    };
    // SAFETY: it was made above and is ours alone.
    unsafe { CFRelease(alert.cast()) };
    Ok(press)
}

/// The buttons in the alert's order. The return key presses the first, so that is what a click on the text would mean, or else
/// the last, which refuses.
fn in_place(notice: &Notice) -> Vec<(Press, &'static str)> {
    let mut buttons = notice.buttons.clone();
    let first = buttons.iter().position(|(press, _)| *press == notice.on_click);
    if let Some(first) = first.or(buttons.len().checked_sub(1)) {
        buttons[..=first].rotate_right(1);
    }
    buttons
}

fn launch(address: &str) -> Result<(), Trouble> {
    let text = CFString::new(address);
    // SAFETY: the text outlives the call; there is no address that this one is relative to.
    let url = unsafe {
        CFURLCreateWithString(kCFAllocatorDefault, text.as_concrete_TypeRef(), null::<()>().cast())
    };
    if url.is_null() {
        return Err(Trouble::Refused("the page's address is none".to_owned()));
    }
    // SAFETY: it was made above and is ours alone.
    let url = unsafe { CFURL::wrap_under_create_rule(url) };
    // SAFETY: the address outlives the call; what was opened need not be told.
    match unsafe { LSOpenCFURLRef(url.as_concrete_TypeRef(), null::<()>().cast_mut().cast()) } {
        0 => Ok(()),
        status => Err(Trouble::Refused(status.to_string())),
    }
}

#[link(name = "CoreServices", kind = "framework")]
unsafe extern "C" {
    fn LSOpenCFURLRef(address: CFURLRef, opened: *mut CFURLRef) -> i32;
}

/// What each button answers, in the alert's order.
const RESPONSES: [usize; 3] = [
    kCFUserNotificationDefaultResponse,
    kCFUserNotificationAlternateResponse,
    kCFUserNotificationOtherResponse,
];

/// The bits of an answer that say which button it was.
const ANSWERS: usize = 3;

/// Longest that an alert is left standing: it is in the way.
const STANDING: Duration = Duration::from_secs(10 * 60);

/// How long an alert that nobody waits for may stand on.
const STEP: Duration = Duration::from_secs(1);

/// How often the lock is looked at, while something waits for it.
const LOOK: Duration = Duration::from_secs(30);
