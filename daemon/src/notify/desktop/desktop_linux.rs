//! Linux: notifications by `org.freedesktop.Notifications` (Desktop Notifications Specification 1.3), pages by the
//! desktop's portal (`org.freedesktop.portal.OpenURI`), else by `xdg-open` that the user's service manager starts.
//!
//! Any process of the user's could send the signals that are listened to, so only those of who showed the notification
//! count; and who can do that could open a page anyway, which begins nothing.

use std::sync::{Mutex, PoisonError};

use entra_proto::secret::PageAddress;
use tokio::time::timeout;
use zbus::message::Message;
use zbus::zvariant::Value;

use super::bus_linux::{Bus, Options, Place, TIDY_TIME, is, next, object, trouble};
use super::{ANSWER_TIME, Notice, PATIENCE, Press, Trouble, manager, screen_linux};

/// The desktop of the person.
#[derive(Debug, Default)]
pub struct Desktop {
    /// What lets the page come to the front, of the last button that was pressed.
    token: Mutex<Option<String>>,
}

impl Desktop {
    /// Costs nothing: it is connected when first used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows the notification and waits for what the person does, for [`PATIENCE`] at most. Dropping the future closes it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn show(&self, notice: &Notice) -> Result<Press, Trouble> {
        self.show_on(Bus::session().await?, notice).await
    }

    async fn show_on(&self, bus: Bus, notice: &Notice) -> Result<Press, Trouble> {
        let answer = bus.call(SERVICE, "GetCapabilities", &()).await?;
        let can: Vec<String> = answer.body().deserialize().map_err(|error| trouble(&error))?;
        let mut signals = bus.signals(SERVICE.interface).await?;
        let mut owners = bus.owners(SERVICE.name).await?;
        let owner = bus.owner(SERVICE.name).await?;
        // In a task of its own: whoever gives up before the service has answered must not leave a notification behind.
        let standing = tokio::spawn(put_up(bus, notice.clone(), can)).await;
        let standing = standing.map_err(|_| Trouble::Gone)??;
        let id = standing.id;
        let pressed = async {
            loop {
                tokio::select! {
                    signal = next(&mut signals) => {
                        let signal = signal.ok_or(Trouble::Gone)?;
                        if let Some(press) = self.heard(&signal, id, &owner, notice.on_click) {
                            return Ok(press);
                        }
                    }
                    change = next(&mut owners) => {
                        let change = change.ok_or(Trouble::Gone)?;
                        let owners = change.body().deserialize::<(String, String, String)>();
                        if owners.is_ok_and(|(_, old, _)| old == owner) {
                            return Err(Trouble::Gone);
                        }
                    }
                }
            }
        };
        timeout(PATIENCE, pressed).await.unwrap_or(Ok(Press::Closed))
    }

    /// Has the desktop open the page; the daemon executes nothing.
    ///
    /// # Errors
    /// [`Trouble`].
    pub async fn open(&self, page: &PageAddress) -> Result<(), Trouble> {
        let token = self.token.lock().unwrap_or_else(PoisonError::into_inner).take();
        match by_portal(Bus::session().await?, page, token.as_deref()).await {
            Ok(()) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "the desktop's portal did not open the page");
                // The address stands on a command line then, which other users can read; the page turns them away.
                let command = [OPENER.to_owned(), page.expose().to_owned()];
                let variables = token.map(|token| vec![("XDG_ACTIVATION_TOKEN", token)]).unwrap_or_default();
                manager::run(&command, &variables).await
            }
        }
    }

    /// The screen's lock, where the system tells.
    pub async fn is_locked(&self) -> Option<bool> {
        screen_linux::Lock::find().await.map(|(_, is_locked)| is_locked)
    }

    /// Returns when it is unlocked next; never where the system does not tell.
    pub async fn unlocked(&self) {
        match screen_linux::Lock::find().await {
            Some((lock, true)) => lock.opened().await,
            Some((_, false)) => {}
            None => std::future::pending().await,
        }
    }

    fn heard(&self, signal: &Message, id: u32, owner: &str, on_click: Press) -> Option<Press> {
        let body = signal.body();
        if is(signal, "ActionInvoked", owner) {
            let (of, key) = body.deserialize::<(u32, &str)>().ok()?;
            let press = if key == CLICK { Some(on_click) } else { Press::of(key) };
            return press.filter(|_| of == id);
        }
        if is(signal, "ActivationToken", owner) {
            let (of, token) = body.deserialize::<(u32, String)>().ok()?;
            if of == id {
                *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
            }
            return None;
        }
        if is(signal, "NotificationClosed", owner) {
            let (of, _) = body.deserialize::<(u32, u32)>().ok()?;
            return (of == id).then_some(Press::Closed);
        }
        None
    }
}

async fn put_up(bus: Bus, notice: Notice, can: Vec<String>) -> Result<Standing, Trouble> {
    let service = bus.call(SERVICE, "GetServerInformation", &()).await.ok();
    let service = service.and_then(|it| it.body().deserialize::<(String, String, String, String)>().ok());
    let draws_all = service.is_some_and(|(name, ..)| name == DRAWS_ALL);
    let (body, actions) = written(&notice, &can, draws_all);
    let hints = Options::from([
        ("urgency", Value::U8(NORMAL)),
        ("desktop-entry", Value::from("entra")),
        ("category", Value::from("network")),
    ]);
    let call = (APP, 0_u32, ICON, notice.title.as_str(), body.as_str(), actions, hints, NEVER);
    let answer = bus.call(SERVICE, "Notify", &call).await?;
    let id = answer.body().deserialize().map_err(|error| trouble(&error))?;
    Ok(Standing { bus, id })
}

/// The text and the buttons as a service with these capabilities shows them.
fn written<'a>(notice: &'a Notice, can: &[String], draws_all: bool) -> (String, Vec<&'a str>) {
    let can = |what: &str| can.iter().any(|it| it == what);
    let (mut body, mut actions) = (notice.body.clone(), Vec::new());
    if can("actions") {
        let clicked = notice.buttons.iter().find(|(press, _)| *press == notice.on_click && !draws_all);
        actions.extend(clicked.iter().flat_map(|(_, label)| [CLICK, label]));
        actions.extend(notice.buttons.iter().flat_map(|(press, label)| [press.word(), label]));
    } else if !body.contains(notice.by_hand) {
        body = format!("{body}\n{}", notice.by_hand);
    }
    if can("body-markup") {
        body = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    }
    (body, actions)
}

/// A notification that is shown; it goes away with this.
struct Standing {
    bus: Bus,
    id: u32,
}

impl Drop for Standing {
    fn drop(&mut self) {
        let (bus, id) = (self.bus.clone(), self.id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let closed = async {
                    // A service that has gone has taken it along, and is not to be started for this.
                    if bus.has(SERVICE.name).await {
                        bus.call(SERVICE, "CloseNotification", &(id,)).await.map(drop)?;
                    }
                    Ok::<_, Trouble>(())
                };
                if let Ok(Err(error)) = timeout(TIDY_TIME, closed).await {
                    tracing::debug!(%error, "a notification was not closed");
                }
            });
        }
    }
}

async fn by_portal(bus: Bus, page: &PageAddress, token: Option<&str>) -> Result<(), Trouble> {
    let mut answers = bus.signals("org.freedesktop.portal.Request").await?;
    let options = token.map(|token| Options::from([("activation_token", Value::from(token))]));
    let answer = bus.call(PORTAL, "OpenURI", &("", page.expose(), options.unwrap_or_default())).await?;
    let request = object(&answer)?;
    let answered = async {
        while let Some(answer) = next(&mut answers).await {
            let header = answer.header();
            let is_ours = header.path().is_some_and(|path| path.as_str() == request.as_str());
            if is_ours && header.member().is_some_and(|member| member.as_str() == "Response") {
                let response = answer
                    .body()
                    .deserialize::<(u32, std::collections::HashMap<String, zbus::zvariant::OwnedValue>)>();
                return response.is_ok_and(|(code, _)| code != FAILED);
            }
        }
        false
    };
    // One that asks the person which browser to take has not answered yet, and is at work.
    match timeout(ANSWER_TIME, answered).await {
        Ok(false) => Err(Trouble::Refused("the portal could not open it".to_owned())),
        Ok(true) | Err(_) => Ok(()),
    }
}

const SERVICE: Place = Place {
    name: "org.freedesktop.Notifications",
    path: "/org/freedesktop/Notifications",
    interface: "org.freedesktop.Notifications",
};

const PORTAL: Place = Place {
    name: "org.freedesktop.portal.Desktop",
    path: "/org/freedesktop/portal/desktop",
    interface: "org.freedesktop.portal.OpenURI",
};

/// A request's third outcome: neither done nor called off by the person (XDG Desktop Portal, `Request::Response`).
const FAILED: u32 = 2;

/// Draws a button for the click on the text as well.
const DRAWS_ALL: &str = "Xfce Notify Daemon";
const APP: &str = "entra";
const ICON: &str = "dialog-password";
const OPENER: &str = "xdg-open";
/// The specification's name for a click on the text.
const CLICK: &str = "default";
/// Urgency.
const NORMAL: u8 = 1;
/// It stands until somebody answers.
const NEVER: i32 = 0;

#[cfg(test)]
#[path = "linux_tests.rs"]
mod on_a_bus;

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            title: "T".to_owned(),
            body: "a <b> & c".to_owned(),
            buttons: vec![(Press::SignIn, "In"), (Press::Later, "Later")],
            on_click: Press::SignIn,
            by_hand: "Run `entra login`.",
        }
    }

    fn can(all: &[&str]) -> Vec<String> {
        all.iter().map(|&it| it.to_owned()).collect()
    }

    #[test]
    fn a_service_with_buttons_has_them_and_another_one_a_command() {
        let notice = notice();
        let (body, actions) = written(&notice, &can(&["actions", "body"]), false);
        assert_eq!((body.as_str(), actions.len()), ("a <b> & c", 6));
        assert_eq!(written(&notice, &can(&["actions"]), true).1, ["sign-in", "In", "later", "Later"]);
        let deny = Notice { on_click: Press::Closed, ..notice.clone() };
        let quiet = written(&deny, &can(&["actions"]), false).1;
        assert_eq!(quiet, ["sign-in", "In", "later", "Later"], "nothing by a click on the text");
        let (body, actions) = written(&notice, &can(&["body"]), false);
        assert!(body.contains("`entra login`") && actions.is_empty(), "{body}");
    }

    #[test]
    fn markup_is_escaped_where_it_would_be_read() {
        assert_eq!(written(&notice(), &can(&["actions", "body-markup"]), false).0, "a &lt;b&gt; &amp; c");
    }
}
