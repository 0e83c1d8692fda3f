//! Calls over the session's bus, each bounded. A connection lives for one affair only: an idle daemon has none.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;
use tokio::time::timeout;
use zbus::connection::Builder;
use zbus::message::Message;
use zbus::zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Value};
use zbus::{Connection, MatchRule, MessageStream};

use super::{ANSWER_TIME, Trouble};

/// What options, hints and properties are.
pub(super) type Options<'a> = HashMap<&'a str, Value<'a>>;

/// A place to call: a name on the bus, an object of it and an interface of that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) interface: &'static str,
}

/// A connection to a bus.
#[derive(Clone, Debug)]
pub(super) struct Bus(Connection);

impl Bus {
    /// To the session's.
    pub(super) async fn session() -> Result<Self, Trouble> {
        Self::connect(Builder::session()).await
    }

    /// To the system's.
    pub(super) async fn system() -> Result<Self, Trouble> {
        Self::connect(Builder::system()).await
    }

    #[cfg(test)]
    pub(super) fn over(connection: Connection) -> Self {
        Self(connection)
    }

    async fn connect(builder: zbus::Result<Builder<'_>>) -> Result<Self, Trouble> {
        let builder = builder.map_err(|_| Trouble::NoDesktop)?.method_timeout(ANSWER_TIME);
        match timeout(ANSWER_TIME, builder.build()).await {
            Ok(connection) => connection.map(Self).map_err(|_| Trouble::NoDesktop),
            Err(_) => Err(Trouble::Late(ANSWER_TIME)),
        }
    }

    /// Calls a method; its answer, whatever it has.
    pub(super) async fn call<B>(&self, place: Place, method: &str, body: &B) -> Result<Message, Trouble>
    where
        B: Serialize + DynamicType,
    {
        self.call_at(place, place.path, method, body).await
    }

    /// The same of another object.
    pub(super) async fn call_at<B>(
        &self,
        place: Place,
        path: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, Trouble>
    where
        B: Serialize + DynamicType,
    {
        let call = self.0.call_method(Some(place.name), path, Some(place.interface), method, body);
        match timeout(ANSWER_TIME, call).await {
            Ok(answer) => answer.map_err(|error| trouble(&error)),
            Err(_) => Err(Trouble::Late(ANSWER_TIME)),
        }
    }

    /// A property of an object.
    pub(super) async fn property(&self, place: Place, path: &str, name: &str) -> Result<OwnedValue, Trouble> {
        let properties = Place { interface: "org.freedesktop.DBus.Properties", ..place };
        let answer = self.call_at(properties, path, "Get", &(place.interface, name)).await?;
        answer.body().deserialize().map_err(|error| trouble(&error))
    }

    /// Whether somebody has the name, without starting them.
    pub(super) async fn has(&self, name: &str) -> bool {
        let answer = self.call(DAEMON, "NameHasOwner", &(name,)).await;
        answer.is_ok_and(|answer| answer.body().deserialize().unwrap_or(false))
    }

    /// Who has the name now.
    pub(super) async fn owner(&self, name: &str) -> Result<String, Trouble> {
        let answer = self.call(DAEMON, "GetNameOwner", &(name,)).await?;
        answer.body().deserialize().map_err(|error| trouble(&error))
    }

    /// The signals of an interface, from now on.
    pub(super) async fn signals(&self, interface: &'static str) -> Result<MessageStream, Trouble> {
        let rule = MatchRule::builder().msg_type(zbus::message::Type::Signal).interface(interface);
        self.follow(rule.map_err(|error| trouble(&error))?.build()).await
    }

    /// When the name changes hands.
    pub(super) async fn owners(&self, name: &'static str) -> Result<MessageStream, Trouble> {
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface(DAEMON.interface)
            .and_then(|rule| rule.member("NameOwnerChanged"))
            .and_then(|rule| rule.arg(0, name));
        self.follow(rule.map_err(|error| trouble(&error))?.build()).await
    }

    async fn follow(&self, rule: MatchRule<'_>) -> Result<MessageStream, Trouble> {
        let stream = MessageStream::for_match_rule(rule, &self.0, Some(MOST_UNREAD));
        match timeout(ANSWER_TIME, stream).await {
            Ok(stream) => stream.map_err(|error| trouble(&error)),
            Err(_) => Err(Trouble::Late(ANSWER_TIME)),
        }
    }
}

/// The next signal of this member from this sender, with what it carries; `None` when the connection has ended.
pub(super) async fn next(stream: &mut MessageStream) -> Option<Message> {
    loop {
        if let Ok(message) = stream.next().await? {
            return Some(message);
        }
    }
}

/// Whether a message is of this member, and from this owner.
pub(super) fn is(message: &Message, member: &str, owner: &str) -> bool {
    let header = message.header();
    header.member().is_some_and(|it| it.as_str() == member)
        && header.sender().is_some_and(|sender| sender.as_str() == owner)
}

/// The object that an answer names.
pub(super) fn object(answer: &Message) -> Result<OwnedObjectPath, Trouble> {
    answer.body().deserialize().map_err(|error| trouble(&error))
}

/// By its name only: an error's text may have what was sent.
pub(super) fn trouble(error: &zbus::Error) -> Trouble {
    match error {
        zbus::Error::MethodError(name, _, _) => match name.as_str() {
            "org.freedesktop.DBus.Error.ServiceUnknown" | "org.freedesktop.DBus.Error.NameHasNoOwner" => {
                Trouble::NoDesktop
            }
            "org.freedesktop.DBus.Error.NoReply" => Trouble::Gone,
            // It is installed, and could not be started here.
            name if name.starts_with("org.freedesktop.DBus.Error.Spawn.") => Trouble::NoDesktop,
            name => Trouble::Refused(name.chars().take(100).collect()),
        },
        zbus::Error::InputOutput(reason) if reason.kind() == std::io::ErrorKind::TimedOut => {
            Trouble::Late(ANSWER_TIME)
        }
        zbus::Error::InputOutput(_) => Trouble::Gone,
        _ => Trouble::Refused("an answer of another form".to_owned()),
    }
}

const DAEMON: Place =
    Place { name: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };

/// Signals that may wait to be read: more than a notification's life has.
const MOST_UNREAD: usize = 64;

/// How long a call that tidies up may take once nobody waits for it.
pub(super) const TIDY_TIME: Duration = Duration::from_secs(2);
