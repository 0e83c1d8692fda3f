//! The network between the daemon and the simulator, for a test to break and to mend.
//!
//! A relay listens on one loopback port for as long as it lives, also while it refuses connections, so that the
//! way back is the same address. What its weather is decides what becomes of a connection; those that are open
//! when the weather changes are cut, except the ones that it held back.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// What becomes of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// It reaches the simulator.
    Clear,
    /// It reaches somebody else: a box that speaks for the simulator.
    Elsewhere(SocketAddr),
    /// It is taken and held back until the weather changes.
    Held,
    /// It is refused.
    #[default]
    Off,
    /// It is answered with these bytes and closed, whatever it asked.
    Says(String),
    /// It is taken and never answered, whatever the weather becomes.
    Swallows,
}

/// How a relay is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As the server itself.
    Direct,
    /// As a proxy that is told where to connect to (RFC 9110 §9.3.6), and goes to the simulator all the same.
    Proxy,
}

/// A relay. Its threads end with the test's process.
pub struct Relay {
    road: Arc<Road>,
    address: SocketAddr,
    /// Bound and never listening: keeps the port while nobody listens on it.
    _port: Socket,
}

struct Road {
    kind: Kind,
    far: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    weather: Weather,
    /// The thread that listens.
    accepting: Option<JoinHandle<()>>,
    /// Both ends of what is being passed on.
    open: Vec<TcpStream>,
    /// Those that are never answered.
    swallowed: Vec<TcpStream>,
    /// Connections taken so far.
    taken: usize,
    /// Hosts that a proxy was asked for.
    asked: Vec<String>,
}

/// Far above what any step takes; a test that hangs fails by it.
const LIMIT: Duration = Duration::from_secs(30);

/// For one call to a listener that is to stop, and for its hanging up. More calls follow.
const WAKING: Duration = Duration::from_secs(1);

/// More than any test lets wait to be taken.
const BACKLOG: i32 = 1024;

impl Relay {
    /// A way to this server, in clear weather.
    ///
    /// # Panics
    /// When loopback has no port.
    #[must_use]
    pub fn to(far: SocketAddr) -> Self {
        Self::new(far, Kind::Direct)
    }

    /// A proxy that takes every host for this server.
    ///
    /// # Panics
    /// When loopback has no port.
    #[must_use]
    pub fn proxy_to(far: SocketAddr) -> Self {
        Self::new(far, Kind::Proxy)
    }

    fn new(far: SocketAddr, kind: Kind) -> Self {
        let port = bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let address = port.local_addr().ok().and_then(|address| address.as_socket()).expect("an address");
        let road = Road { kind, far, state: Mutex::default(), changed: Condvar::new() };
        let relay = Self { road: Arc::new(road), address, _port: port };
        relay.set(Weather::Clear);
        relay
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections taken so far.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.road.lock().taken
    }

    /// The hosts that a proxy was asked for so far, with their ports.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.road.lock().asked.clone()
    }

    /// Changes the weather.
    ///
    /// # Panics
    /// When the port cannot be listened on again, or does not stop being listened on.
    pub fn set(&self, weather: Weather) {
        let is_off = weather == Weather::Off;
        let mut state = self.road.lock();
        for stream in state.open.drain(..) {
            // Its other end may have gone before.
            let _gone = stream.shutdown(Shutdown::Both);
        }
        state.weather = weather;
        self.road.changed.notify_all();
        if !is_off && state.accepting.is_none() {
            let listener = bound(self.address);
            listener.listen(BACKLOG).expect("the port is kept");
            let road = Arc::clone(&self.road);
            state.accepting = Some(thread::spawn(move || road.accept(&listener.into())));
        }
        let accepting = if is_off { state.accepting.take() } else { None };
        drop(state);
        if let Some(accepting) = accepting {
            let begun = Instant::now();
            while !accepting.is_finished() {
                assert!(begun.elapsed() < LIMIT, "it still listens");
                wake(self.address);
            }
            accepting.join().expect("it listens no more");
        }
    }

    /// Waits until this many connections were taken.
    ///
    /// # Panics
    /// When they do not come.
    pub fn wait_for(&self, taken: usize) {
        let state = self.road.lock();
        let waited = self.road.changed.wait_timeout_while(state, LIMIT, |state| state.taken < taken);
        let (state, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!waited.timed_out(), "{} connections came, not {taken}", state.taken);
    }
}

impl Road {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes connections for as long as the port is listened on.
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for near in listener.incoming().map_while(Result::ok) {
            if self.lock().weather == Weather::Off {
                return;
            }
            let road = Arc::clone(&self);
            thread::spawn(move || road.take(near));
        }
    }

    /// Does with a connection what the weather says.
    fn take(&self, near: TcpStream) {
        let mut state = self.lock();
        state.taken += 1;
        self.changed.notify_all();
        let held = self.changed.wait_timeout_while(state, LIMIT, |state| state.weather == Weather::Held);
        state = held.unwrap_or_else(PoisonError::into_inner).0;
        let far = match state.weather.clone() {
            Weather::Clear => self.far,
            Weather::Elsewhere(far) => far,
            Weather::Held | Weather::Off => return,
            Weather::Says(text) => {
                drop(state);
                return say(near, &text);
            }
            Weather::Swallows => return state.swallowed.push(near),
        };
        // Entered before the lock goes, so that a change of the weather finds it.
        state.open.push(near.try_clone().expect("a descriptor"));
        drop(state);
        // A connection that is cut meanwhile ends here or in the relays.
        let _cut = self.pass(near, far);
    }

    fn pass(&self, mut near: TcpStream, far: SocketAddr) -> std::io::Result<()> {
        if self.kind == Kind::Proxy {
            let head = read_head(&mut near)?;
            let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
            self.lock().asked.push(host.unwrap_or(&head).to_owned());
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        }
        let far = TcpStream::connect(far)?;
        let (near_too, far_too) = (near.try_clone()?, far.try_clone()?);
        thread::spawn(move || copy(near_too, far_too));
        copy(far, near);
        Ok(())
    }
}

/// Calls whoever listens there and should not: it sees that, hangs up, and gives the listener up. One that is gone
/// already, or that was too busy to be called, is the asker's to find out.
fn wake(listener: SocketAddr) {
    let _hung_up = TcpStream::connect_timeout(&listener, WAKING).and_then(|mut caller| {
        caller.set_read_timeout(Some(WAKING))?;
        caller.read(&mut [0])
    });
}

/// A socket with this address, which another one may have as well.
fn bound(address: SocketAddr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.bind(&address.into()).expect("a port");
    socket
}

/// Answers a request that is not looked at, and waits for the caller to hang up: closing before it has sent
/// everything would take the answer away from it.
fn say(mut near: TcpStream, text: &str) {
    let _hung_up = near
        .set_read_timeout(Some(Duration::from_secs(5)))
        .and_then(|()| near.read(&mut [0; 16 * 1024]))
        .and_then(|_| near.write_all(text.as_bytes()))
        .and_then(|()| near.shutdown(Shutdown::Write))
        .and_then(|()| std::io::copy(&mut near, &mut std::io::sink()));
}

/// One byte after the other, so that nothing of what follows the head is taken.
fn read_head(near: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && head.len() < 8 * 1024 {
        near.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    // Either end may go at any time; the other is told.
    let _cut = std::io::copy(&mut from, &mut to);
    let _gone = to.shutdown(Shutdown::Write);
}
