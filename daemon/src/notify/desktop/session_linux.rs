//! Linux: the screen as [`screen_linux`] has it, and sleep as logind tells of it (org.freedesktop.login1(5), `PrepareForSleep` and
//! inhibitor locks).
//!
//! Whoever may send on the bus could send these signals, so none is believed: each only has logind, or the screen saver, asked
//! how things are.

use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::sleep;
use zbus::zvariant::OwnedFd;

use super::bus_linux::{Bus, Place, next, trouble};
use super::{Happening, Trouble, screen_linux};

/// Has the machine wait with its sleep until it is dropped; logind waits for five seconds, unless told otherwise
/// (`InhibitDelayMaxSec=` of logind.conf(5)).
#[derive(Debug)]
pub struct Delay {
    _held: OwnedFd,
}

/// Tells how the screen is, and each time that this changes, until there is nobody to ask.
pub(super) async fn follow_screen(tell: &Sender<Happening>) -> Trouble {
    loop {
        let Some((lock, is_locked)) = screen_linux::Lock::find().await else { return Trouble::NoDesktop };
        let what = if is_locked { Happening::ScreenLocked } else { Happening::ScreenOpened };
        if tell.send(what).await.is_err() {
            return Trouble::Gone;
        }
        if let Err(error) = lock.becomes(!is_locked).await {
            return error;
        }
        sleep(BREATH).await;
    }
}

/// Tells each time that the machine goes to sleep or is back, until logind cannot be asked.
pub(super) async fn follow_sleep(tell: &Sender<Happening>) -> Trouble {
    match Bus::system().await {
        Ok(bus) => follow_sleep_on(&bus, tell).await.err().unwrap_or(Trouble::Gone),
        Err(error) => error,
    }
}

pub(super) async fn follow_sleep_on(bus: &Bus, tell: &Sender<Happening>) -> Result<(), Trouble> {
    let mut signals = bus.signals(LOGIND.interface).await?;
    let mut delay = Some(inhibit(bus).await?);
    let mut is_asleep = false;
    loop {
        next(&mut signals).await.ok_or(Trouble::Gone)?;
        let prepares = bus.property(LOGIND, LOGIND.path, "PreparingForSleep").await?;
        let prepares = bool::try_from(prepares).map_err(|error| trouble(&error.into()))?;
        if prepares == is_asleep {
            continue;
        }
        is_asleep = prepares;
        let what = match delay.take() {
            Some(delay) if is_asleep => Happening::Sleeps(delay),
            _ => {
                // For the next sleep.
                delay = Some(inhibit(bus).await?);
                Happening::Woke
            }
        };
        if tell.send(what).await.is_err() {
            return Err(Trouble::Gone);
        }
    }
}

async fn inhibit(bus: &Bus) -> Result<Delay, Trouble> {
    let why = ("sleep", "entrad", "Tokens and keys leave memory first", "delay");
    let answer = bus.call(LOGIND, "Inhibit", &why).await?;
    let held = answer.body().deserialize().map_err(|error| trouble(&error))?;
    Ok(Delay { _held: held })
}

const LOGIND: Place = Place {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Manager",
};

/// Between two looks at a screen saver that goes and comes.
const BREATH: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use tokio::sync::mpsc::channel;
    use tokio::time::timeout;
    use zbus::connection::Builder;
    use zbus::{Guid, interface};

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// Plays logind's manager.
    struct Manager {
        prepares: Arc<AtomicBool>,
        inhibited: Arc<AtomicU32>,
    }

    #[interface(name = "org.freedesktop.login1.Manager")]
    impl Manager {
        fn inhibit(&self, what: &str, who: &str, _why: &str, mode: &str) -> OwnedFd {
            assert_eq!((what, who, mode), ("sleep", "entrad", "delay"));
            self.inhibited.fetch_add(1, Ordering::SeqCst);
            std::os::fd::OwnedFd::from(File::open("/dev/null").unwrap()).into()
        }

        #[zbus(property)]
        fn preparing_for_sleep(&self) -> bool {
            self.prepares.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_sleep_waits_for_us_and_a_signal_alone_is_not_believed() {
        let (near, far) = UnixStream::pair().unwrap();
        let (prepares, inhibited) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let manager = Manager { prepares: Arc::clone(&prepares), inhibited: Arc::clone(&inhibited) };
        let server = async {
            let server = Builder::async_io_unix_stream(far).server(Guid::generate())?.p2p();
            server.serve_at(LOGIND.path, manager)?.build().await
        };
        let client = Builder::async_io_unix_stream(near).p2p().build();
        let (far, near) = tokio::join!(server, client);
        let (far, bus) = (far.unwrap(), Bus::over(near.unwrap()));
        let (tell, mut heard) = channel(4);
        let following = tokio::spawn(async move { follow_sleep_on(&bus, &tell).await });
        while inhibited.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        let signal = async |is_before: bool| {
            let name = LOGIND.interface;
            far.emit_signal(None::<&str>, LOGIND.path, name, "PrepareForSleep", &(is_before,)).await.unwrap();
        };
        signal(true).await;
        assert!(timeout(Duration::from_millis(100), heard.recv()).await.is_err(), "logind says otherwise");
        prepares.store(true, Ordering::SeqCst);
        signal(true).await;
        let slept = timeout(LONG, heard.recv()).await.unwrap().unwrap();
        assert!(matches!(slept, Happening::Sleeps(_)), "{slept:?}");
        prepares.store(false, Ordering::SeqCst);
        signal(false).await;
        assert!(matches!(timeout(LONG, heard.recv()).await.unwrap(), Some(Happening::Woke)));
        assert_eq!(inhibited.load(Ordering::SeqCst), 2, "the next sleep waits as well");
        far.close().await.unwrap();
        assert!(matches!(timeout(LONG, following).await.unwrap().unwrap(), Err(Trouble::Gone)));
    }
}
