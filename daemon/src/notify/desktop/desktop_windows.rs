//! Windows: a toast, whose buttons tell this process while it runs; the page is opened by the shell's launcher.
//!
//! A toast belongs to an application that Windows knows by its id. A program without a package is known by a key of the
//! user's registry; ours is volatile, so it is gone after the log-out and there is nothing to uninstall.
//! Sources: learn.microsoft.com, "Toast content", "`ToastNotification` class", "Application User Model IDs"; the key is the
//! one that Microsoft's Windows Community Toolkit writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use entra_proto::secret::PageAddress;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::{TypedEventHandler, Uri};
use windows::System::Launcher;
use windows::UI::Notifications::{
    NotificationSetting, ToastActivatedEventArgs, ToastDismissalReason, ToastDismissedEventArgs,
    ToastFailedEventArgs, ToastNotification, ToastNotificationManager, ToastNotifier,
};
use windows::core::{Error, HRESULT, HSTRING, IInspectable, Interface, Ref, Result as Said};
use windows_registry::CURRENT_USER;

use super::aside::aside;
use super::{Notice, PATIENCE, Press, Trouble};

#[path = "lock_windows.rs"]
mod lock;

/// The desktop of the person.
#[derive(Debug, Default)]
pub struct Desktop;

impl Desktop {
    /// Costs nothing: Windows is asked when it is first used.
    #[must_use]
    pub fn new() -> Self {
        Self
    }

    /// Shows the notification and waits for what the person does, for [`super::PATIENCE`] at most. Dropping the future
    /// closes it. After some seconds Windows moves it to the notification centre, where its buttons go on working.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn show(&self, notice: &Notice) -> Result<Press, Trouble> {
        let (tell, mut told) = unbounded_channel();
        let text = toast(notice);
        let _standing = aside(move || put_up(&text, &tell).map_err(trouble)?).await?;
        match timeout(PATIENCE, told.recv()).await {
            Ok(Some(pressed)) => pressed,
            Ok(None) => Err(Trouble::Gone),
            Err(_) => Ok(Press::Closed),
        }
    }

    /// Has the desktop open the page; the daemon executes nothing.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(&self, page: &PageAddress) -> Result<(), Trouble> {
        let address = HSTRING::from(page.expose());
        let is_opened = aside(move || launch(&address).map_err(trouble)).await?;
        if is_opened { Ok(()) } else { Err(Trouble::Refused("nothing opens web pages".to_owned())) }
    }

    /// The screen's lock, where the system tells.
    pub async fn is_locked(&self) -> Option<bool> {
        aside(|| lock::is_locked().ok_or(Trouble::NoDesktop)).await.ok()
    }

    /// Returns when it is unlocked next, at once where it is; never where the system does not tell.
    pub async fn unlocked(&self) {
        loop {
            let change = lock::changed();
            match self.is_locked().await {
                Some(true) => {}
                Some(false) => return,
                None => std::future::pending().await,
            }
            // Where the change is not told, a look now and then finds it.
            let _looked = timeout(LOOK, change).await;
        }
    }
}

/// A toast that stands, until it is dropped.
struct Standing {
    notifier: ToastNotifier,
    toast: ToastNotification,
}

impl Drop for Standing {
    fn drop(&mut self) {
        let (notifier, toast) = (self.notifier.clone(), self.toast.clone());
        // It may hang as the other calls may, and nobody waits for it. One that was answered is gone already.
        let _started = thread::Builder::new().name("desktop".to_owned()).spawn(move || {
            let _gone = notifier.Hide(&toast);
            let _gone = toast.Tag().and_then(|tag| {
                ToastNotificationManager::History()?.RemoveGroupedTagWithId(
                    &tag,
                    &HSTRING::from(GROUP),
                    &HSTRING::from(APP),
                )
            });
        });
    }
}

/// Shows it, and has what becomes of it told. Within: notifications that are turned off.
fn put_up(text: &str, tell: &UnboundedSender<Result<Press, Trouble>>) -> Said<Result<Standing, Trouble>> {
    register()?;
    let app = HSTRING::from(APP);
    let notifier = ToastNotificationManager::CreateToastNotifierWithId(&app)?;
    // An application that never showed any has no setting yet.
    if notifier.Setting().is_ok_and(|setting| setting != NotificationSetting::Enabled) {
        return Ok(Err(Trouble::Refused("notifications are turned off in Windows's settings".to_owned())));
    }
    let document = XmlDocument::new()?;
    document.LoadXml(&HSTRING::from(text))?;
    let toast = ToastNotification::CreateToastNotification(&document)?;
    // What an earlier process left in the notification centre has another number.
    let number = SHOWN.fetch_add(1, Ordering::Relaxed);
    toast.SetTag(&HSTRING::from(format!("{}-{number}", std::process::id())))?;
    toast.SetGroup(&HSTRING::from(GROUP))?;
    // Whoever showed it may have gone.
    let pressed = tell.clone();
    toast.Activated(&TypedEventHandler::new(move |_, told: Ref<'_, IInspectable>| {
        let words = told.ok()?.cast::<ToastActivatedEventArgs>()?.Arguments()?;
        if let Some(press) = Press::of(&words.to_string()) {
            let _gone = pressed.send(Ok(press));
        }
        Ok(())
    }))?;
    let closed = tell.clone();
    toast.Dismissed(&TypedEventHandler::new(move |_, told: Ref<'_, ToastDismissedEventArgs>| {
        if told.ok()?.Reason()? != ToastDismissalReason::TimedOut {
            let _gone = closed.send(Ok(Press::Closed));
        }
        Ok(())
    }))?;
    let failed = tell.clone();
    toast.Failed(&TypedEventHandler::new(move |_, told: Ref<'_, ToastFailedEventArgs>| {
        let code = told.ok()?.ErrorCode()?;
        let _gone = failed.send(Err(trouble(Error::from_hresult(code))));
        Ok(())
    }))?;
    notifier.Show(&toast)?;
    Ok(Ok(Standing { notifier, toast }))
}

/// Makes the application known, until the person logs out.
fn register() -> Said<()> {
    // Others keep theirs beside it, so this one stays.
    let apps = CURRENT_USER.create(APPS)?;
    let ours = apps.options().read().write().create().volatile().open(APP)?;
    ours.set_string("DisplayName", APP)
}

fn launch(address: &HSTRING) -> Said<bool> {
    Launcher::LaunchUriAsync(&Uri::CreateUri(address)?)?.join()
}

/// The content, by the schema of toasts.
fn toast(notice: &Notice) -> String {
    let (title, body) = (escaped(&notice.title), escaped(&notice.body));
    let action = |(press, label): &(Press, &str)| {
        format!("<action content=\"{}\" arguments=\"{}\"/>", escaped(label), press.word())
    };
    let actions: String = notice.buttons.iter().map(action).collect();
    format!(
        "<toast launch=\"{}\"><visual><binding template=\"ToastGeneric\"><text>{title}</text><text>{body}</text>\
         </binding></visual><actions>{actions}</actions></toast>",
        notice.on_click.word()
    )
}

/// As text of XML 1.0, which has no control characters but those of white space.
fn escaped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => whole.push_str("&amp;"),
            '<' => whole.push_str("&lt;"),
            '>' => whole.push_str("&gt;"),
            '"' => whole.push_str("&quot;"),
            '\n' | '\t' => whole.push(c),
            '\u{fffe}' | '\u{ffff}' => whole.push(char::REPLACEMENT_CHARACTER),
            c if c.is_control() => whole.push(char::REPLACEMENT_CHARACTER),
            c => whole.push(c),
        }
    }
    whole
}

fn trouble(error: Error) -> Trouble {
    match error.code() {
        NO_SUCH_CLASS => Trouble::NoDesktop,
        NO_SERVER => Trouble::Gone,
        code => Trouble::Refused(format!("{:#010x}", code.0)),
    }
}

static SHOWN: AtomicU64 = AtomicU64::new(0);

/// The application's id and name.
const APP: &str = "entrad";
const APPS: &str = r"Software\Classes\AppUserModelId";
const GROUP: &str = "sign-in";

/// How often the lock is looked at, while something waits for it and Windows tells of no change.
const LOOK: Duration = Duration::from_secs(30);

/// `REGDB_E_CLASSNOTREG`: a Windows without notifications, or without a desktop.
const NO_SUCH_CLASS: HRESULT = HRESULT(0x8004_0154_u32.cast_signed());
/// `RPC_S_SERVER_UNAVAILABLE`: the notification service does not run.
const NO_SERVER: HRESULT = HRESULT(0x8007_06ba_u32.cast_signed());

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            title: "A & <B>".to_owned(),
            body: "\"x\"\u{1b}\ny".to_owned(),
            buttons: vec![(Press::SignIn, "Sign in"), (Press::Later, "Later")],
            on_click: Press::SignIn,
            by_hand: "Run it.",
        }
    }

    #[test]
    fn what_is_shown_stays_text() {
        let text = toast(&notice());
        assert!(
            text.contains("<text>A &amp; &lt;B&gt;</text><text>&quot;x&quot;\u{fffd}\ny</text>"),
            "{text}"
        );
        assert!(text.contains("content=\"Later\" arguments=\"later\""), "{text}");
        assert!(text.starts_with("<toast launch=\"sign-in\">"), "{text}");
    }

    #[test]
    fn the_application_is_known_until_the_log_out() {
        register().unwrap();
        let key = CURRENT_USER.open(format!(r"{APPS}\{APP}")).unwrap();
        assert_eq!(key.get_string("DisplayName").unwrap(), "entrad");
    }

    /// On Windows itself it would show a toast to whoever runs the tests.
    fn is_wine() -> bool {
        CURRENT_USER.open(r"Software\Wine").is_ok()
    }

    #[tokio::test]
    async fn a_system_without_notifications_is_told_of_and_nothing_worse() {
        if !is_wine() {
            return;
        }
        let desktop = Desktop::new();
        let shown = desktop.show(&notice()).await;
        assert!(matches!(shown, Err(Trouble::NoDesktop | Trouble::Refused(_))), "{shown:?}");
        let opened = desktop.open(&PageAddress::new("http://127.0.0.1:1/".to_owned())).await;
        assert!(matches!(opened, Err(Trouble::NoDesktop | Trouble::Refused(_))), "{opened:?}");
    }
}
