//! Every size and time limit of the protocol, each with the reason for its value.
//!
//! Sizes are bytes, counts are pieces, times are [`Duration`]s. A test in `tests/` exceeds each of those
//! that the daemon enforces and sees the refusal that PROTOCOL.md promises.

use std::time::Duration;

/// Longest request or answer head (start line and headers): our own heads are under 400 bytes, a proxy or
/// a debugging tool may add some, and nothing honest needs more.
pub const MAX_HEAD: usize = 16 * 1024;

/// Longest request body the daemon reads: a claims challenge ([`MAX_CLAIMS`]) escaped as JSON plus room for
/// [`MAX_SCOPES`] scopes.
pub const MAX_REQUEST_BODY: usize = 64 * 1024;

/// Longest answer body a client reads. `GET /v1/status` of a daemon that holds ten thousand tokens is the
/// longest honest answer, at about 300 bytes a token.
pub const MAX_ANSWER_BODY: usize = 4 * 1024 * 1024;

/// Longest line of a sign-in's event stream: Entra's `message` and `error_description` are under 4 KiB, a
/// claims challenge is at most [`MAX_CLAIMS`].
pub const MAX_EVENT_LINE: usize = 64 * 1024;

/// Longest claims challenge, decoded, and with the capability that entrad adds where the caller handles challenges. Conditional
/// Access writes a few hundred bytes.
pub const MAX_CLAIMS: usize = 16 * 1024;

/// Most scopes in one request. Entra takes one resource a request, and no API has this many permissions
/// that make sense together.
pub const MAX_SCOPES: usize = 64;

/// Longest single scope, resource, account, profile or tenant name.
pub const MAX_NAME: usize = 512;

/// Most resources of one lease: more than any tool speaks to.
pub const MAX_LEASE_RESOURCES: usize = 64;

/// Most leases at once. A person has a few tools; a program that makes one for each of its runs and never ends them
/// has gone wrong.
pub const MAX_LEASES: usize = 256;

/// Longest name of an AI agent: it stands in a header, and in a table.
pub const MAX_AGENT_NAME: usize = 64;

/// Most connections served at once: ten thousand waiting callers and room to spare, while a connection's
/// buffers stay near 10 KiB. A further one has the place of whoever is idle for longest.
pub const MAX_CONNECTIONS: usize = 12_288;

/// Most connections served at once on loopback, where any user of the machine may connect: an SDK asks once per process
/// and hour, and hundreds may start together. As many may wait to be taken in, where the system lets them.
pub const MAX_LOOPBACK_CONNECTIONS: usize = 4_096;

/// Most sign-ins open at once. A person signs in one account at a time; more is a program gone wrong.
pub const MAX_SIGN_INS: usize = 3;

/// Most pages for signing in open at once; a further one takes the place of the oldest on which nothing was begun. One an
/// account that needs a person is asked for, and few people have more than two accounts.
pub const MAX_PAGES: usize = 8;

/// Most connections served at once on a page's port, where any user of the machine may connect: a browser keeps at most six,
/// and a person may have two.
pub const MAX_PAGE_CONNECTIONS: usize = 32;

/// Longest time an open page waits for a person to begin: a notification that nobody answered for so long is answered by
/// nobody.
pub const PAGE_LIFE: Duration = Duration::from_secs(15 * 60);

/// Time a caller has to say anything, from connecting; and to send a complete request head, from its first byte or from the end of
/// the last answer. Local callers send it in one write.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// So much longer than [`HEAD_TIMEOUT`] a connection may take at most; the daemon gives some more and some less, so that many that came
/// at once do not end at once.
pub const HEAD_SPREAD: Duration = Duration::from_millis(2_500);

/// Time a caller has to send the body it announced.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Time a caller has to take the next bytes of an answer, once no more fit between the two. Whoever never reads would keep a
/// place for as long as it lives.
pub const TAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest the daemon works on a token before it answers: one request to Entra (30 s), one retry of it,
/// and the key store's own deadline.
pub const TOKEN_TIMEOUT: Duration = Duration::from_secs(75);

/// Longest the daemon works on a container registry's token: docker waits in silence, and the client for eight seconds. An
/// access token is mostly at hand, and a registry exchanges one within two seconds.
pub const REGISTRY_TIMEOUT: Duration = Duration::from_millis(7500);

/// Longest the daemon looks for what is wrong: each check is cut off by itself, and the longest row of those that wait for each
/// other takes less. Whoever runs the doctor has an answer within ten seconds, whatever the network does.
pub const DOCTOR_TIMEOUT: Duration = Duration::from_millis(7600);

/// Longest any other request takes. Only a token or an event stream may wait for the network.
pub const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Longest a client waits for bytes of an answer: the daemon's longest work and some room, so that the
/// daemon's own sentence wins over the client's.
pub const CLIENT_TIMEOUT: Duration = Duration::from_secs(90);

/// Longest a sign-in in a browser is waited for.
pub const BROWSER_TIMEOUT: Duration = Duration::from_secs(300);

/// Longest a token's caller may wait for a person to sign in (`wait`): an hour's meeting is too long, a walk to the phone is
/// not.
pub const MAX_WAIT: Duration = Duration::from_secs(600);

/// Longest a prompt can be put off: over a week-end and a holiday.
pub const MAX_SNOOZE: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A sign-in's event stream says `waiting` at least this often, so that a silent stream is a dead one.
pub const EVENT_INTERVAL: Duration = Duration::from_secs(30);

/// A cached access token is served while more than this remains of its life. Microsoft's own libraries
/// use the same five minutes (MSAL .NET, Go, JS, Python).
pub const MIN_VALIDITY: Duration = Duration::from_secs(300);

/// The longest remaining life a caller may ask for: Entra's longest tokens live 28 hours.
pub const MAX_MIN_VALIDITY: Duration = Duration::from_secs(24 * 60 * 60);
