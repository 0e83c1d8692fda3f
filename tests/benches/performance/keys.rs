//! A daemon with very many cached keys, in a process of its own.
//!
//! The daemon asks Entra for no more than sixty tokens in five minutes, so ten thousand keys would take it
//! fourteen hours. This one is put together from the daemon's own parts as the program does it, with one
//! difference: its clock jumps ahead while the cache is filled.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::future::{Future, pending};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use entra_proto::account::{Flow, Provenance};
use entra_proto::cloud::Cloud;
use entra_proto::config::ConfigAnswer;
use entra_proto::token::TokenRequest;
use entra_sim::{ADA, DEFAULT_CLIENT, DEFAULT_TENANT};
use entra_tests::Env;
use entrad::access::consent::Consents;
use entrad::access::lease::Leases;
use entrad::access::policy::{Gatekeeper, Policy};
use entrad::account::demand::Demands;
use entrad::account::key::AccountKey;
use entrad::account::refresh_token::RefreshToken;
use entrad::account::time::Now;
use entrad::broker::{Broker, Gate, Parts, Rules};
use entrad::clock::{Clock, SystemClock};
use entrad::config::{Bounds, Consenting, DEFAULT_PROFILE, Flows, LoopbackChoice, Notify, Profile, Setting};
use entrad::dialects::{self, Door};
use entrad::doctor::Doctor;
use entrad::entra::Entra;
use entrad::prompts::Prompts;
use entrad::server::{self as daemon, Listener, Loopback, Pages, Rooms};
use entrad::vault::{Access, Entry, HomeKind, Record, StoreChoice, Vault, VaultOptions};

use super::server::{self, Server};

/// The word that makes this program such a daemon.
pub(crate) const KEYS: &str = "serve-keys";

/// A daemon that holds some keys.
pub(crate) struct Keys {
    pub(crate) server: Server,
    pub(crate) socket: PathBuf,
}

impl Keys {
    /// Starts one on the environment's simulator and waits until it holds `count` keys from the `first` on.
    pub(crate) fn start(env: &Env, first: usize, count: usize) -> Self {
        let socket = env.folder().join("run").join(format!("keys-{count}.sock"));
        let refresh_token = env.sim().control().issue_refresh_token(ADA).unwrap();
        let (first, count) = (first.to_string(), count.to_string());
        let origin = env.sim().origin();
        let words: [&OsStr; 6] = [
            KEYS.as_ref(),
            socket.as_ref(),
            origin.as_ref(),
            refresh_token.as_ref(),
            first.as_ref(),
            count.as_ref(),
        ];
        Self { server: Server::start(&words), socket }
    }
}

/// The resource of the key of this number.
pub(crate) fn resource(number: usize) -> String {
    format!("https://resource-{number:05}.example")
}

/// Such a daemon: fills its cache, then serves until it is killed.
pub(crate) fn serve(socket: &str, origin: &str, refresh_token: &str, first: &str, count: &str) {
    let (first, count): (usize, usize) = (first.parse().unwrap(), count.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = Listener::bind(Path::new(socket)).await.unwrap();
        let clock = Arc::new(JumpingClock::default());
        let vault = vault(origin, refresh_token).await;
        let leases = Arc::new(Leases::new(vault.clone(), Arc::clone(&clock) as Arc<dyn Clock>));
        let gatekeeper = Arc::new(Gatekeeper::alone(Policy::default()));
        let broker = Broker::new(Parts {
            vault: vault.clone(),
            entra: Entra::new(),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            rules: Rules::new(&profiles(origin), Setting::built_in(Flows::default()), Bounds::default())
                .unwrap(),
            gate: Arc::clone(&gatekeeper) as Arc<dyn Gate>,
            socket: socket.into(),
            audit: entrad::audit::Audit::default(),
        });
        broker.restore(Access::Silent).await.unwrap();
        for number in first..first + count {
            let request = TokenRequest { resource: Some(resource(number)), ..TokenRequest::default() };
            broker.token(request.clone()).await.unwrap();
            // Only a token that is asked for again will be renewed.
            broker.token(request).await.unwrap();
            if number % BETWEEN_JUMPS == 0 {
                clock.jump();
            }
        }
        tokio::spawn(Arc::clone(&broker).keep_schedule());
        tokio::spawn(Arc::clone(&broker).keep_watch());
        server::say_listening();
        let door = Door::new(Arc::clone(&broker), Arc::clone(&leases));
        let dialects = move |port| dialects::router(door.clone(), port);
        let loopback = Loopback::new(LoopbackChoice::Off, PathBuf::new(), None, dialects);
        let pages = Pages::new(Arc::clone(&broker), Arc::new(SystemClock));
        let settings =
            entrad::config::Prompting { notify: Setting::built_in(Notify::Off), ..Default::default() };
        let (audit, consenting) = (entrad::audit::Audit::default(), Consenting::default());
        let consents = Consents::new(vault.clone(), Arc::new(SystemClock), audit, (&consenting, &settings));
        let prompts = Prompts::new(Arc::clone(&broker), vault, Arc::new(SystemClock), settings);
        let answer = ConfigAnswer {
            settings: Vec::new(),
            sources: Vec::new(),
            egress: Vec::new(),
            applied_on: 0,
            waiting_for_restart: Vec::new(),
        };
        let told = Arc::new(entrad::config::Told::new(answer));
        let subject = || unreachable!("nobody asks for the doctor");
        let doctor = Doctor::new(Arc::clone(&broker), Entra::new(), Arc::new(SystemClock), subject);
        let rooms = Rooms { broker, consents, doctor, gatekeeper, leases, loopback, pages, prompts, told };
        daemon::serve(listener, rooms, pending()).await;
    });
}

/// Below the sixty that are allowed.
const BETWEEN_JUMPS: usize = 50;

async fn vault(origin: &str, refresh_token: &str) -> Vault {
    let choice = StoreChoice::Pinned(HomeKind::Memory);
    let vault = Vault::new(VaultOptions { state_dir: PathBuf::new(), choice, passphrase: None });
    let account = format!("11111111-2222-3333-4444-000000000001.{DEFAULT_TENANT}").parse().unwrap();
    let now = SystemClock.now().epoch();
    let entry = Entry {
        key: AccountKey { profile: DEFAULT_PROFILE.to_owned(), account },
        cloud: Cloud::Public,
        authority: origin.to_owned(),
        tenant: "organizations".to_owned(),
        client_id: DEFAULT_CLIENT.to_owned(),
        scopes: Vec::new(),
        username: ADA.to_owned(),
        name: None,
        provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: now },
        obtained_on: now,
        used_on: now,
        quarantined_on: None,
        demands: Demands::default(),
        quarantined_for: None,
    };
    let record = Record { entry, refresh_token: RefreshToken::new(refresh_token.to_owned()) };
    vault.put(record, Access::MayPrompt).await.unwrap();
    vault
}

fn profiles(origin: &str) -> BTreeMap<String, Profile> {
    let profile = Profile {
        cloud: Setting::built_in(Cloud::Public),
        tenant: Setting::built_in("organizations".to_owned()),
        client_id: Some(Setting::built_in(DEFAULT_CLIENT.to_owned())),
        authority: Some(Setting::built_in(origin.to_owned())),
    };
    BTreeMap::from([(DEFAULT_PROFILE.to_owned(), profile)])
}

/// The machine's clock, some five minutes ahead.
#[derive(Default)]
struct JumpingClock {
    jumps: AtomicU64,
}

impl JumpingClock {
    fn jump(&self) {
        self.jumps.fetch_add(1, Ordering::Relaxed);
    }

    fn ahead(&self) -> Duration {
        Duration::from_secs(300 * self.jumps.load(Ordering::Relaxed))
    }
}

impl Clock for JumpingClock {
    fn now(&self) -> Now {
        let Now { boot, wall } = SystemClock.now();
        Now { boot: boot + self.ahead(), wall: wall + self.ahead() }
    }

    fn wait_until(&self, boot: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        SystemClock.wait_until(boot.saturating_sub(self.ahead()))
    }

    fn wait_until_set(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        SystemClock.wait_until_set()
    }
}
