//! What inputs of the rooms above are played on: a broker over an Entra that refuses, whose one account needs a person.
//!
//! Whatever is asked of it ends at once, without a network, a file or a port.

use std::collections::BTreeMap;
use std::sync::Arc;

use entra_proto::account::{Flow, Provenance};
use entra_proto::cloud::Cloud;
use tokio::runtime::{Builder, Runtime};

use super::{Broker, Parts, Rules};
use crate::account::demand::Demands;
use crate::account::key::AccountKey;
use crate::account::refresh_token::RefreshToken;
use crate::clock::Clock;
use crate::config::{Bounds, DEFAULT_PROFILE, Flows, Setting};
use crate::entra::fuzzing::refusing;
use crate::vault::{Access, Entry, Record, Vault};

/// All of it, and what it runs on.
pub(crate) struct Stage {
    pub(crate) runtime: Runtime,
    pub(crate) broker: Arc<Broker>,
    pub(crate) vault: Vault,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Stage {
    /// Made once for many inputs, so what fails here fails all of them.
    pub(crate) fn new() -> Self {
        let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { panic!("no runtime") };
        let mut parts = Parts::empty(refusing());
        let flows = Setting::built_in(Flows::default());
        let Ok(rules) = Rules::new(&BTreeMap::new(), flows, bounds()) else { panic!("no rules") };
        parts.rules = rules;
        let (vault, clock) = (parts.vault.clone(), Arc::clone(&parts.clock));
        let broker = runtime.block_on(async {
            let put = vault.put(record(clock.now().epoch()), Access::Silent).await;
            let broker = Broker::new(parts);
            let restored = broker.restore(Access::Silent).await;
            assert!(put.is_ok() && restored.is_ok(), "the account is not known");
            broker
        });
        Self { runtime, broker, vault, clock }
    }

    /// Whether its account was signed out, or it was locked.
    pub(crate) fn is_spent(&self) -> bool {
        self.broker.must_be_open().is_err() || self.broker.state().known.is_empty()
    }
}

/// No browser is sent anywhere, and no page opened: each would be a port.
fn bounds() -> Bounds {
    let mut bounds = Bounds::default();
    bounds.forbidden_flows = Some(Setting::built_in(vec![Flow::Browser]));
    bounds.sign_in_page = Setting::built_in(false);
    bounds
}

fn record(died_on: u64) -> Record {
    let Ok(account) = "u.t".parse() else { panic!("no account") };
    let entry = Entry {
        key: AccountKey { profile: DEFAULT_PROFILE.to_owned(), account },
        cloud: Cloud::Public,
        authority: "https://login.microsoftonline.com".to_owned(),
        tenant: "organizations".to_owned(),
        client_id: "00000000-0000-0000-0000-00000000c11e".to_owned(),
        scopes: vec!["root".to_owned()],
        username: "ada@example.com".to_owned(),
        name: None,
        provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: 1 },
        obtained_on: 1,
        used_on: died_on,
        quarantined_on: Some(died_on),
        demands: Demands::default(),
        quarantined_for: Some(70_008),
    };
    Record { entry, refresh_token: RefreshToken::new("1.AX".to_owned()) }
}
