//! How every dialect asks: in the right of the lease that the surroundings hold, for a token with some life left, and with
//! an end to the waiting.

use std::borrow::Cow;
use std::time::Duration;

use entra_proto::account::AccountInfo;
use entra_proto::client::{Client, Said};
use entra_proto::error::ErrorCode;
use entra_proto::http1::ExchangeError;
use entra_proto::registry::{RegistryAnswer, RegistryRequest};
use entra_proto::secret::LeaseSecret;
use entra_proto::token::{TokenAnswer, TokenRequest};

use crate::connect::Socket;
use crate::failure::Failure;
use crate::platform::{self, Stream};
use crate::print;

/// A token for the tool that called. The caller need not look at versions: a word about them would be taken for a failure.
pub(crate) fn token(request: TokenRequest) -> Result<TokenAnswer, Failure> {
    let min_validity = request.min_validity.or(Some(WANTED.as_secs()));
    let request = TokenRequest { lease: lease(), min_validity, ..request };
    let answer = exchange(|client| client.token(&request))?;
    platform::close_memory();
    print::sendable(answer.access_token.expose())?;
    Ok(answer)
}

/// What docker presents to a registry.
pub(crate) fn registry_token(request: RegistryRequest) -> Result<RegistryAnswer, Failure> {
    let request = RegistryRequest { lease: lease(), ..request };
    let answer = exchange(|client| client.registry_token(&request))?;
    platform::close_memory();
    print::sendable(answer.refresh_token.expose())?;
    Ok(answer)
}

/// Who is signed in.
pub(crate) fn accounts() -> Result<Vec<AccountInfo>, Failure> {
    exchange(Client::accounts).map(|answer| answer.accounts)
}

/// Whether nobody is signed in who could be asked for, which a sign-in without more mends. One that must carry a claims
/// challenge is another matter: its sentence names the challenge.
pub(crate) fn is_signed_out(failure: &Failure) -> bool {
    matches!(failure.code(), ErrorCode::SignInNeeded | ErrorCode::SignInExpired)
        && failure.to_body().claims_handle.is_none()
}

/// What happened and which command mends it, in one line for a tool that shows one.
pub(crate) fn sentence(failure: &Failure) -> String {
    let body = failure.to_body();
    let line = match &body.hint {
        Some(hint) => format!("entrad: {} {hint}", body.message),
        None => format!("entrad: {}", body.message),
    };
    let is_whole = |line: &str| !line.contains(char::is_control);
    let line = if is_whole(&line) { Cow::from(line) } else { Cow::from(line.replace(char::is_control, " ")) };
    line.into_owned()
}

fn exchange<T>(ask: impl Fn(Client<Stream>) -> Result<Said<T>, ExchangeError>) -> Result<T, Failure> {
    let said = Socket::find(None)?.ask_within(CONNECT_PATIENCE, PATIENCE, ask)?;
    said.result.map_err(Failure::from)
}

/// The lease of a program that `entra run` started or `entra env` prepared: what it may not ask over loopback, its tools
/// may not ask here.
fn lease() -> Option<LeaseSecret> {
    let secret = std::env::var("IDENTITY_HEADER").ok().map(LeaseSecret::new)?;
    secret.expose().starts_with(LeaseSecret::PREFIX).then_some(secret)
}

/// SDKs ask again for each call when a token has less than five minutes; this leaves them ten more.
const WANTED: Duration = Duration::from_secs(15 * 60);

/// Together with the connecting under the ten seconds that Python's and Go's SDKs give `az`.
const PATIENCE: Duration = Duration::from_secs(8);

/// A local daemon takes a connection and a request at once, or its queue is full.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);
