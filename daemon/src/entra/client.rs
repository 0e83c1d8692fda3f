//! One HTTP client: bounded in every direction, and built from the settings, the environment and the files that they name.

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, redirect, tls};
use rustls::client::danger::ServerCertVerifier;
use zeroize::Zeroizing;

use super::network::{Network, NetworkSettings, Proxies};
use super::no_reply::NoReply;
use super::receipt;

/// A client, and what has to be known of it when it fails.
#[derive(Clone)]
pub(super) struct Built {
    /// The client.
    pub(super) client: Client,
    /// Which proxy a request goes to.
    pub(super) proxies: Arc<Proxies>,
    /// Whether it has a certificate of ours to show.
    pub(super) shows_certificate: bool,
}

/// Builds a client, and says what could not be read for it.
pub(super) fn build(
    settings: &NetworkSettings,
    passphrase: Option<&Zeroizing<Vec<u8>>>,
    is_loopback: bool,
) -> Result<(Built, Vec<String>), NoReply> {
    let network = Network::read(settings, &|name: &str| env::var_os(name), passphrase)
        .map_err(|error| NoReply::Settings(Box::new(error)))?;
    let (proxies, warnings) = (Arc::clone(&network.proxies), network.warnings.clone());
    let client = network.apply(builder(is_loopback), is_loopback).build().map_err(|_| NoReply::Client)?;
    Ok((Built { client, proxies, shows_certificate: settings.client_certificate.is_some() }, warnings))
}

/// The same for a look at the way, with connections of its own that soon end, and what could not be read for it.
pub(super) fn build_watched(
    settings: &NetworkSettings,
    passphrase: Option<&Zeroizing<Vec<u8>>>,
    is_loopback: bool,
    witness: impl FnOnce(Arc<dyn ServerCertVerifier>) -> Arc<dyn ServerCertVerifier>,
) -> Result<(Client, Vec<String>), NoReply> {
    let network = Network::read(settings, &|name: &str| env::var_os(name), passphrase)
        .map_err(|error| NoReply::Settings(Box::new(error)))?;
    let watched = network.apply_watched(builder(is_loopback), is_loopback, witness).ok_or(NoReply::Client)?;
    // No token comes this way.
    let watched = watched.pool_max_idle_per_host(1).pool_idle_timeout(LOOK_IDLE_TIMEOUT);
    let client = watched.build().map_err(|_| NoReply::Client)?;
    Ok((client, network.warnings))
}

/// With all its bounds, and no way out yet.
pub(super) fn builder(is_loopback: bool) -> ClientBuilder {
    let builder = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        // A connection ends with its answer, and with it the buffers of TLS and HTTP, in which a refresh token would stay for as long
        // as the connection waits for the next request.
        .pool_max_idle_per_host(0)
        .redirect(redirect::Policy::none())
        .referer(false)
        .tls_version_min(tls::Version::TLS_1_2)
        .user_agent(user_agent());
    let builder = receipt::bounded(builder, RECEIPT_TIMEOUT);
    if is_loopback {
        let here: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let here = here.map(|address| SocketAddr::new(address, 0));
        builder.resolve_to_addrs("localhost", &here)
    } else {
        builder.https_only(true)
    }
}

/// Conditional Access and the sign-in logs read the platform from it.
fn user_agent() -> String {
    let (version, os, arch) = (env!("CARGO_PKG_VERSION"), env::consts::OS, env::consts::ARCH);
    format!("entrad/{version} ({os}; {arch})")
}

/// Name resolution, TCP and TLS. A healthy network needs far less than a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// For the other end's receipt of what was sent, whatever it makes of it (RFC 5482); of a connection's first
/// packet too. A healthy network needs milliseconds, and the kernel sends again several times meanwhile.
const RECEIPT_TIMEOUT: Duration = Duration::from_secs(5);

/// Everything up to the end of the body. Entra answers within two seconds, seldom within ten.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);

/// Long enough for what a look asks one after the other.
const LOOK_IDLE_TIMEOUT: Duration = Duration::from_secs(5);
