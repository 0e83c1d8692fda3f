//! Somebody who listens between the daemon and the simulator, to know the secrets that must appear nowhere.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::env::Env;

/// A relay on loopback that keeps what the simulator answered. Its threads end with the test's process.
pub struct Wiretap {
    origin: String,
    heard: Arc<Mutex<Vec<u8>>>,
}

/// The fields of Entra's answers that are secrets. The user code is one for the log, not for the terminal.
const SECRETS: [&str; 6] =
    ["access_token", "refresh_token", "id_token", "client_info", "device_code", "user_code"];

impl Wiretap {
    /// Listens to the simulator of this environment.
    ///
    /// # Panics
    /// When loopback has no port.
    #[must_use]
    pub fn new(env: &Env) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let sim = env.sim().origin().trim_start_matches("http://").to_owned();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let far = TcpStream::connect(&sim).expect("the simulator listens");
                let (near_too, far_too) =
                    (near.try_clone().expect("a descriptor"), far.try_clone().expect("a descriptor"));
                let ear = Arc::clone(&ear);
                thread::spawn(move || relay(near_too, far_too, |_| ()));
                thread::spawn(move || relay(far, near, |bytes| lock(&ear).extend_from_slice(bytes)));
            }
        });
        Self { origin, heard }
    }

    /// The authority to give to the daemon.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Every value of this field that was answered so far.
    #[must_use]
    pub fn values(&self, field: &str) -> Vec<String> {
        let heard = String::from_utf8_lossy(&lock(&self.heard)).into_owned();
        let begin = format!("\"{field}\":\"");
        let rest = heard.split(&begin).skip(1);
        rest.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())).collect()
    }

    /// Every secret that was answered so far, with the name of its field.
    #[must_use]
    pub fn secrets(&self) -> Vec<(&'static str, String)> {
        SECRETS.iter().flat_map(|name| self.values(name).into_iter().map(|value| (*name, value))).collect()
    }
}

fn lock(heard: &Mutex<Vec<u8>>) -> std::sync::MutexGuard<'_, Vec<u8>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn relay(mut from: TcpStream, mut to: TcpStream, hear: impl Fn(&[u8])) {
    let mut piece = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut piece) {
        hear(&piece[..count]);
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
    }
    // The other end may be gone already.
    let _gone = to.shutdown(Shutdown::Write);
}
