//! Whether the screen is locked: as the desktop's screen saver says, else as logind does. Nobody is started to be asked.

use super::Trouble;
use super::bus_linux::{Bus, Place, next};

/// Who tells of the lock.
pub(super) enum Lock {
    /// The session's screen saver.
    Saver(Bus, Place),
    /// logind, and the path of the session.
    Session(Bus, String),
}

impl Lock {
    /// Whoever tells, and what they say now.
    pub(super) async fn find() -> Option<(Self, bool)> {
        if let Ok(bus) = Bus::session().await
            && let Some(found) = Self::of_saver(&bus).await
        {
            return Some(found);
        }
        let bus = Bus::system().await.ok()?;
        if !bus.has(LOGIND.name).await {
            return None;
        }
        let display = bus.property(USER, USER.path, "Display").await.ok()?;
        let (_, session) = <(String, zbus::zvariant::OwnedObjectPath)>::try_from(display).ok()?;
        let path = session.as_str().to_owned();
        let is_locked = Self::hint(&bus, &path).await?;
        Some((Self::Session(bus, path), is_locked))
    }

    pub(super) async fn of_saver(bus: &Bus) -> Option<(Self, bool)> {
        for saver in SAVERS {
            if bus.has(saver.name).await
                && let Ok(answer) = bus.call(saver, "GetActive", &()).await
                && let Ok(is_locked) = answer.body().deserialize()
            {
                return Some((Self::Saver(bus.clone(), saver), is_locked));
            }
        }
        None
    }

    /// Waits until the screen is not locked any more, or who tells of it has gone.
    pub(super) async fn opened(self) {
        if self.becomes(false).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the screen is locked, or is not, or who tells of it has gone. Fails where nobody can be listened to.
    pub(super) async fn becomes(self, wanted: bool) -> Result<(), Trouble> {
        let bus = match &self {
            Self::Saver(bus, _) | Self::Session(bus, _) => bus,
        };
        let interface = match &self {
            Self::Saver(_, saver) => saver.interface,
            Self::Session(..) => "org.freedesktop.DBus.Properties",
        };
        let mut signals = bus.signals(interface).await?;
        // It may have become so before anybody listened.
        while self.is_locked().await == Some(!wanted) {
            if next(&mut signals).await.is_none() {
                break;
            }
        }
        Ok(())
    }

    async fn is_locked(&self) -> Option<bool> {
        match self {
            Self::Saver(bus, saver) => {
                bus.call(*saver, "GetActive", &()).await.ok()?.body().deserialize().ok()
            }
            Self::Session(bus, path) => Self::hint(bus, path).await,
        }
    }

    async fn hint(bus: &Bus, path: &str) -> Option<bool> {
        bool::try_from(bus.property(LOGIND, path, "LockedHint").await.ok()?).ok()
    }
}

const SAVERS: [Place; 2] = [
    Place {
        name: "org.freedesktop.ScreenSaver",
        path: "/org/freedesktop/ScreenSaver",
        interface: "org.freedesktop.ScreenSaver",
    },
    Place {
        name: "org.gnome.ScreenSaver",
        path: "/org/gnome/ScreenSaver",
        interface: "org.gnome.ScreenSaver",
    },
];

const LOGIND: Place = Place {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1",
    interface: "org.freedesktop.login1.Session",
};

const USER: Place = Place {
    name: "org.freedesktop.login1",
    path: "/org/freedesktop/login1/user/self",
    interface: "org.freedesktop.login1.User",
};
