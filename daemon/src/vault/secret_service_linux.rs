//! The desktop's Secret Service as the key's home.
//!
//! The keyring store unlocks on its own, which opens a dialog. So the bus is asked first, in ways that never
//! prompt: is anybody there, and is what we need locked. (Were it locked between that look and the store's own, a
//! dialog would appear; the store has no call that could rule it out.) There is no moment at which a connection is kept: a
//! provider that was restarted knows nothing of the sessions before it, and an idle daemon is to be idle.
//!
//! Source of the calls: Secret Service API Draft 0.2, freedesktop.org.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use secret_service::Error as ServiceError;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::blocking::fdo::DBusProxy;
use zbus::names::BusName;
use zbus::zvariant::{OwnedObjectPath, OwnedValue};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

use super::error::HomeError;
use super::home::{Access, Home, HomeKind, random};
use super::key_text_unix::{decode, encode};
use super::locked_key::{KEY_BYTES, LockedKey};
use super::sealed_file::{Header, KeyId, KeySlot};

/// The home of this system.
pub(super) const KIND: HomeKind = HomeKind::SecretService;

/// See the module.
#[derive(Debug)]
pub(super) struct SystemHome;

impl Home for SystemHome {
    fn check(&self) -> Result<(), HomeError> {
        Provider::find()?.default_collection().map(drop)
    }

    fn fetch(&self, header: &Header, access: Access) -> Result<LockedKey, HomeError> {
        again_if_broken(|| {
            let provider = Provider::find()?;
            if access == Access::Silent {
                provider.check_unlocked(header.key_id)?;
            }
            match entry(header.key_id)?.get_password() {
                Ok(text) => decode(Zeroizing::new(text)),
                Err(keyring_core::Error::NoEntry) => Err(provider.no_key()?),
                Err(error) => Err(translate(error)),
            }
        })
    }

    fn create(&self, key_id: KeyId, access: Access) -> Result<(LockedKey, KeySlot), HomeError> {
        let mut key = Zeroizing::new(random::<KEY_BYTES>()?);
        let text = encode(&key);
        again_if_broken(|| {
            let provider = Provider::find()?;
            let collection = provider.default_collection()?;
            if access == Access::Silent && provider.is_locked(&collection)? {
                return Err(HomeError::Locked);
            }
            let entry = entry(key_id)?;
            entry.set_password(&text).map_err(translate)?;
            // Nothing may be sealed under a key that the provider took and did not keep.
            match Zeroizing::new(entry.get_password().map_err(translate)?) == text {
                true => Ok(()),
                false => Err(HomeError::BadKey),
            }
        })?;
        Ok((LockedKey::take(&mut key)?, KeySlot::SecretService))
    }

    fn erase(&self, header: &Header) -> Result<(), HomeError> {
        again_if_broken(|| {
            Provider::find()?.check_unlocked(header.key_id)?;
            entry(header.key_id)?.delete_credential().map_err(translate)
        })
    }
}

/// A provider that is there, or that the bus can start.
struct Provider {
    bus: Connection,
}

impl Provider {
    /// Finds out whether anybody is there, without starting them.
    fn find() -> Result<Self, HomeError> {
        let connect = || Builder::session()?.method_timeout(CALL_LIMIT).build();
        let bus = connect().map_err(|_| HomeError::NoBus)?;
        let names = DBusProxy::new(&bus).map_err(|error| translate_bus(&error))?;
        let name = BusName::from_static_str(SERVICE).map_err(|error| translate_bus(&error.into()))?;
        let is_there = names.name_has_owner(name).map_err(|error| translate_bus(&error.into()))?;
        if is_there {
            return Ok(Self { bus });
        }
        let startable = names.list_activatable_names().map_err(|error| translate_bus(&error.into()))?;
        if startable.iter().any(|name| name.as_str() == SERVICE) {
            Ok(Self { bus })
        } else {
            Err(HomeError::Absent)
        }
    }

    /// Whether the key can be read without anybody being asked.
    fn check_unlocked(&self, key_id: KeyId) -> Result<(), HomeError> {
        let locks = self.locks()?;
        if !locks.is_empty() && locks.iter().all(|is_locked| *is_locked) {
            // KeePassXC would open its dialog to search.
            return Err(HomeError::Locked);
        }
        let user = user_of(key_id);
        let attributes = HashMap::from([("service", SERVICE_ATTRIBUTE), ("username", user.as_str())]);
        let (unlocked, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            self.call(PATH, INTERFACE, "SearchItems", &(attributes,))?;
        match (unlocked.is_empty(), locked.is_empty()) {
            (_, false) => Err(HomeError::Locked),
            (true, true) => Err(self.no_key()?),
            (false, true) => Ok(()),
        }
    }

    /// What it means that the key was not found. GNOME Keyring finds locked items, KeePassXC does not: as long as
    /// anything is locked, the key may be in there.
    fn no_key(&self) -> Result<HomeError, HomeError> {
        let is_any_locked = self.locks()?.contains(&true);
        Ok(if is_any_locked { HomeError::Locked } else { HomeError::NoKey })
    }

    /// Which of the lasting collections are locked.
    fn locks(&self) -> Result<Vec<bool>, HomeError> {
        let collections: Vec<OwnedObjectPath> = self.property(PATH, INTERFACE, "Collections")?;
        let lasting = collections.iter().filter(|path| path.as_str() != SESSION_COLLECTION);
        lasting.map(|path| self.is_locked(path)).collect()
    }

    /// The collection that new items go to. One that ends with the session is none.
    fn default_collection(&self) -> Result<OwnedObjectPath, HomeError> {
        let path: OwnedObjectPath = self.call(PATH, INTERFACE, "ReadAlias", &("default",))?;
        if matches!(path.as_str(), "/" | SESSION_COLLECTION) {
            return Err(HomeError::NoCollection);
        }
        Ok(path)
    }

    fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, HomeError> {
        self.property(collection.as_str(), COLLECTION_INTERFACE, "Locked")
    }

    fn property<T>(&self, path: &str, interface: &str, name: &str) -> Result<T, HomeError>
    where
        T: TryFrom<OwnedValue, Error = zbus::zvariant::Error>,
    {
        let value: OwnedValue = self.call(path, PROPERTIES, "Get", &(interface, name))?;
        T::try_from(value).map_err(|error| translate_bus(&error.into()))
    }

    fn call<B, R>(&self, path: &str, interface: &str, method: &str, body: &B) -> Result<R, HomeError>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
        R: for<'d> zbus::zvariant::DynamicDeserialize<'d>,
    {
        self.bus
            .call_method(Some(SERVICE), path, Some(interface), method, body)
            .and_then(|message| message.body().deserialize())
            .map_err(|error| translate_bus(&error))
    }
}

/// A provider that was restarted in the middle is tried once more, on a new connection.
fn again_if_broken<T>(call: impl Fn() -> Result<T, HomeError>) -> Result<T, HomeError> {
    match call() {
        Err(HomeError::Broken) => call(),
        result => result,
    }
}

fn entry(key_id: KeyId) -> Result<Entry, HomeError> {
    let label = HashMap::from([("label", LABEL)]);
    let store = Store::new().map_err(translate)?;
    store.build(SERVICE_ATTRIBUTE, &user_of(key_id), Some(&label)).map_err(translate)
}

fn user_of(key_id: KeyId) -> String {
    format!("vault-key-{key_id}")
}

/// The store's errors carry the provider's; by value, since some of them hold what was stored.
fn translate(error: keyring_core::Error) -> HomeError {
    let (keyring_core::Error::PlatformFailure(cause) | keyring_core::Error::NoStorageAccess(cause)) = error
    else {
        return match error {
            keyring_core::Error::NoEntry => HomeError::NoKey,
            _ => HomeError::BadKey,
        };
    };
    match cause.downcast_ref() {
        Some(ServiceError::Locked) => HomeError::Locked,
        Some(ServiceError::NoResult) => HomeError::NoCollection,
        Some(ServiceError::Prompt) => HomeError::Cancelled,
        Some(ServiceError::PromptDisconnected) => HomeError::Broken,
        Some(ServiceError::Unavailable) => HomeError::Absent,
        Some(ServiceError::Zbus(error)) => translate_bus(error),
        Some(ServiceError::ZbusFdo(error)) => translate_bus(&error.clone().into()),
        _ => HomeError::Garbled,
    }
}

fn translate_bus(error: &zbus::Error) -> HomeError {
    match error {
        zbus::Error::InputOutput(cause) if cause.kind() == io::ErrorKind::TimedOut => {
            HomeError::Hung { after: CALL_LIMIT }
        }
        zbus::Error::InputOutput(_) => HomeError::Broken,
        zbus::Error::MethodError(name, _, _) => translate_name(name.as_str()),
        zbus::Error::FDO(error) => match &**error {
            zbus::fdo::Error::ZBus(error) => translate_bus(error),
            error => translate_name(zbus::DBusError::name(error).as_str()),
        },
        _ => HomeError::Garbled,
    }
}

/// The names of D-Bus errors say what their texts only describe.
fn translate_name(name: &str) -> HomeError {
    match name {
        "org.freedesktop.Secret.Error.IsLocked" => HomeError::Locked,
        // The item or session was there a moment ago: the provider was exchanged.
        "org.freedesktop.Secret.Error.NoSession"
        | "org.freedesktop.Secret.Error.NoSuchObject"
        | "org.freedesktop.DBus.Error.NoReply"
        | "org.freedesktop.DBus.Error.Disconnected"
        | "org.freedesktop.DBus.Error.UnknownObject" => HomeError::Broken,
        "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
            HomeError::Absent
        }
        "org.freedesktop.DBus.Error.Timeout" | "org.freedesktop.DBus.Error.TimedOut" => {
            HomeError::Hung { after: CALL_LIMIT }
        }
        name => HomeError::Refused { name: name.to_owned() },
    }
}

/// The provider's well-known name, object and interfaces.
const SERVICE: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const INTERFACE: &str = "org.freedesktop.Secret.Service";
const COLLECTION_INTERFACE: &str = "org.freedesktop.Secret.Collection";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// GNOME Keyring's collection in memory; it may be the default where there is no keyring.
const SESSION_COLLECTION: &str = "/org/freedesktop/secrets/collection/session";

/// The attribute `service` of our items, and how a person sees them.
const SERVICE_ATTRIBUTE: &str = "entrad";
const LABEL: &str = "entrad: key of the sealed sign-ins";

/// The longest a call that cannot prompt may take. Long enough for the bus to start a provider, and shorter than
/// a silent call's deadline, so that a provider that hangs costs no thread.
const CALL_LIMIT: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stores_errors_become_states() {
        let access = |error: ServiceError| translate(keyring_core::Error::NoStorageAccess(Box::new(error)));
        let failure = |error: ServiceError| translate(keyring_core::Error::PlatformFailure(Box::new(error)));
        assert!(matches!(access(ServiceError::Prompt), HomeError::Cancelled));
        assert!(matches!(access(ServiceError::NoResult), HomeError::NoCollection));
        assert!(matches!(failure(ServiceError::Locked), HomeError::Locked));
        assert!(matches!(failure(ServiceError::Unavailable), HomeError::Absent));
        assert!(matches!(translate(keyring_core::Error::NoEntry), HomeError::NoKey));
        let timeout = zbus::Error::from(io::Error::from(io::ErrorKind::TimedOut));
        assert!(matches!(failure(timeout.into()), HomeError::Hung { .. }));
        let unknown = zbus::fdo::Error::ServiceUnknown("x".to_owned());
        assert!(matches!(failure(ServiceError::ZbusFdo(unknown)), HomeError::Absent));
        assert!(matches!(translate_name("org.freedesktop.Secret.Error.NoSession"), HomeError::Broken));
    }

    #[test]
    fn a_broken_session_is_tried_once_more() {
        let tries = std::cell::Cell::new(0);
        let result = again_if_broken(|| {
            tries.set(tries.get() + 1);
            if tries.get() == 1 { Err(HomeError::Broken) } else { Ok(()) }
        });
        assert!(result.is_ok());
        assert!(matches!(again_if_broken(|| Err::<(), _>(HomeError::Broken)), Err(HomeError::Broken)));
    }
}
