//! A second look at a proxy through which no connection came about: the HTTP library tells little of why.
//!
//! Asks the proxy once more for the same connection, as plainly as can be, and ends it at once. Only after a failure, so at
//! most as often as the back-off lets requests be made. A proxy that is spoken to over TLS is asked for its name and port alone.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::proxies::Way;
use super::proxy_url::Speech;
use crate::entra::no_reply::ProxyTrouble;

/// What is in the way to `host`, without brackets, and `port`; nothing where all is well now, or it is not the proxy's fault.
/// Takes at most five seconds.
pub(in crate::entra) async fn look(way: &Way, host: &str, port: u16) -> Option<ProxyTrouble> {
    let has_agreed = AtomicBool::new(false);
    let looked = timeout(PATIENCE, look_without_limit(way, host, port, &has_agreed)).await;
    looked.unwrap_or_else(|_| {
        let is_behind_it = has_agreed.load(Ordering::Relaxed);
        Some(if is_behind_it { ProxyTrouble::Failed } else { ProxyTrouble::Unreachable })
    })
}

/// `has_agreed` is set once the proxy has said that it will connect: what is silent after that is behind it.
async fn look_without_limit(
    way: &Way,
    host: &str,
    port: u16,
    has_agreed: &AtomicBool,
) -> Option<ProxyTrouble> {
    let proxy = &way.proxy;
    let addresses: Vec<_> = match lookup_host((proxy.host.as_str(), proxy.port)).await {
        Ok(addresses) => addresses.collect(),
        Err(_) => return Some(ProxyTrouble::Unresolved),
    };
    let Ok(stream) = TcpStream::connect(addresses.as_slice()).await else {
        return Some(ProxyTrouble::Unreachable);
    };
    match proxy.speech {
        Speech::Http => connect(stream, way, host, port).await,
        Speech::Https => None,
        Speech::Socks => socks(stream, way, host, port, has_agreed).await,
    }
}

/// `CONNECT` (RFC 9110 §9.3.6).
async fn connect(mut stream: TcpStream, way: &Way, host: &str, port: u16) -> Option<ProxyTrouble> {
    let at = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = Zeroizing::new(String::with_capacity(MAX_REQUEST));
    for part in ["CONNECT ", &at, " HTTP/1.1\r\nHost: ", &at, "\r\n"] {
        request.push_str(part);
    }
    if let Some((name, password)) = way.proxy.credentials() {
        let plain = Zeroizing::new(format!("{}:{}", *name, *password));
        request.push_str("Proxy-Authorization: Basic ");
        BASE64_STANDARD.encode_string(plain.as_bytes(), &mut request);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    if stream.write_all(request.as_bytes()).await.is_err() {
        return Some(ProxyTrouble::NoProxy);
    }
    let mut answer = [0; STATUS_LINE];
    let mut length = 0;
    while length < STATUS_LINE && !answer[..length].contains(&b'\n') {
        match stream.read(&mut answer[length..]).await {
            Ok(0) | Err(_) => break,
            Ok(more) => length += more,
        }
    }
    let line = String::from_utf8_lossy(&answer[..length]);
    let status =
        line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.trim().parse::<u16>().ok());
    match status {
        Some(200..=299) => None,
        // tinyproxy says 401 to a wrong password.
        Some(401 | 407) => Some(ProxyTrouble::Credentials),
        Some(500..=599) => Some(ProxyTrouble::Failed),
        Some(_) => Some(ProxyTrouble::Refused),
        None => Some(ProxyTrouble::NoProxy),
    }
}

/// SOCKS5 (RFC 1928) with a user name and password (RFC 1929) where there are some.
async fn socks(
    mut stream: TcpStream,
    way: &Way,
    host: &str,
    port: u16,
    has_agreed: &AtomicBool,
) -> Option<ProxyTrouble> {
    let credentials = way.proxy.credentials();
    let methods: &[u8] = if credentials.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] };
    let [version, method] = exchange(&mut stream, methods).await.unwrap_or_default();
    match (version, method, credentials) {
        (5, 0, _) => {}
        (5, 2, Some((name, password))) => {
            let mut request = Zeroizing::new(Vec::with_capacity(3 + name.len() + password.len()));
            request.push(1);
            for part in [name, password] {
                request.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
                request.extend_from_slice(&part.as_bytes()[..part.len().min(255)]);
            }
            // Some close the connection instead of saying no.
            if !matches!(exchange(&mut stream, &request).await, Some([_, 0])) {
                return Some(ProxyTrouble::Credentials);
            }
        }
        (5, _, _) => return Some(ProxyTrouble::Credentials),
        _ => return Some(ProxyTrouble::NoProxy),
    }
    has_agreed.store(true, Ordering::Relaxed);
    let mut request = vec![5, 1, 0];
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => {
            request.push(1);
            request.extend_from_slice(&address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(4);
            request.extend_from_slice(&address.octets());
        }
        Err(_) => {
            request.extend_from_slice(&[3, u8::try_from(host.len()).ok()?]);
            request.extend_from_slice(host.as_bytes());
        }
    }
    request.extend_from_slice(&port.to_be_bytes());
    match exchange(&mut stream, &request).await {
        Some([5, 0]) => None,
        // A general failure, or what is behind it cannot be reached.
        Some([5, 1 | 3..=6]) => Some(ProxyTrouble::Failed),
        Some([5, _]) => Some(ProxyTrouble::Refused),
        _ => Some(ProxyTrouble::NoProxy),
    }
}

/// Sends a message and reads the first two bytes of the answer.
async fn exchange(stream: &mut TcpStream, message: &[u8]) -> Option<[u8; 2]> {
    let mut answer = [0; 2];
    stream.write_all(message).await.ok()?;
    stream.read_exact(&mut answer).await.ok()?;
    Some(answer)
}

/// A proxy is near, and this comes on top of a connection that has just failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longer than any status line that says something.
const STATUS_LINE: usize = 256;

/// Room for a whole request, so that the password in it is nowhere else.
const MAX_REQUEST: usize = 4096;

#[cfg(test)]
#[path = "proxy_look_tests.rs"]
mod tests;
