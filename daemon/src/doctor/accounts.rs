//! The key store and the accounts: who is signed in and how, what is expected, and what Entra said last.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use entra_proto::aadsts::explain;
use entra_proto::account::{Flow, Health};
use entra_proto::doctor::Check;
use entra_proto::error::ErrorBody;
use entra_proto::status::{AccountStatus, LoopbackStatus, StoreStatus};

use super::check::{Finding, Named, waits_for};

/// Whether refresh tokens can be read and written.
pub(super) const STORE: Named = Named::new("store.open", 2000);
/// What entrad itself warns of.
pub(super) const WARNINGS: Named = Named::new("entrad.warnings", 50);
/// The port for tools.
pub(super) const PORT: Named = Named::new("loopback.port", 50);
/// Whether anybody is signed in.
pub(super) const SIGNED_IN: Named = Named::new("account.signed_in", 50);
/// Whether the account serves tokens.
pub(super) const HEALTH: Named = Named::new("account.health", 50);
/// How it was signed in.
pub(super) const PROVENANCE: Named = Named::new("account.provenance", 50);
/// When it will need a person.
pub(super) const EXPECTATION: Named = Named::new("account.expectation", 50);
/// What Entra said last of its tokens.
pub(super) const ERRORS: Named = Named::new("account.errors", 50);

/// What the store says of itself.
pub(super) fn store(store: &StoreStatus) -> Finding {
    if let Some(error) = &store.error {
        return Finding::of_error(error);
    }
    match store.home.as_str() {
        "none" => Finding::good("A home for the key is chosen at the first sign-in."),
        "memory" => Finding::warning(
            "Refresh tokens are kept in memory alone, and are gone when entrad ends.",
            "Choose another `store` to stay signed in.",
        ),
        home => Finding::good(format!("The key is in {home}, and opens the sealed file.")),
    }
}

/// What entrad warns of, all in one.
pub(super) fn warnings(warnings: &[String]) -> Finding {
    if warnings.is_empty() {
        return Finding::good("entrad warns of nothing.");
    }
    Finding::warning(warnings.join(" "), "Each sentence says what to do.")
}

/// The port where tools ask.
pub(super) fn port(status: Option<&LoopbackStatus>) -> Finding {
    match status.map(|status| (status.port, &status.fault)) {
        Some((_, Some(fault))) => Finding::failed(fault, "entrad takes it by itself as soon as it is free."),
        Some((Some(port), None)) => Finding::good(format!("Tools ask on 127.0.0.1:{port}.")),
        Some((None, None)) | None => Finding::skipped("No tool has wanted it yet."),
    }
}

/// All of them; `None` where the store did not say who there is.
pub(super) fn look(accounts: Option<&[AccountStatus]>, now: u64) -> Vec<Check> {
    let Some(accounts) = accounts else { return vec![SIGNED_IN.found(None, waits_for(STORE))] };
    if accounts.is_empty() {
        let finding = Finding::failed("Nobody is signed in.", "Run `entra login`.");
        return vec![SIGNED_IN.found(None, finding)];
    }
    let count = match accounts.len() {
        1 => "One account is signed in.".to_owned(),
        more => format!("{more} accounts are signed in."),
    };
    let mut checks = vec![SIGNED_IN.found(None, Finding::good(count))];
    for account in accounts {
        let about = format!("{} ({})", account.account.username, account.account.profile);
        let about = Some(about.as_str());
        checks.extend([
            HEALTH.found(about, health(account)),
            PROVENANCE.found(about, provenance(account)),
            EXPECTATION.found(about, expectation(account, now)),
            ERRORS.found(about, errors(account)),
        ]);
    }
    checks
}

fn health(account: &AccountStatus) -> Finding {
    match &account.account.health {
        Health::Good => Finding::good("It serves tokens."),
        Health::SignInNeeded { error, since } => {
            Finding::of_error(error).and(&format!("It has been so since {}.", date(*since)))
        }
    }
}

fn provenance(account: &AccountStatus) -> Finding {
    let provenance = &account.account.provenance;
    let when = date(provenance.signed_in_on);
    match provenance.flow {
        Flow::Browser => Finding::good(format!("Signed in by browser on {when}.")),
        Flow::DeviceCode => Finding::good(format!(
            "Signed in with a device code on {when}, which a policy may end later (AADSTS530036); `entra login --reroot` \
             moves it to the browser."
        )),
    }
}

fn expectation(account: &AccountStatus, now: u64) -> Finding {
    let Some(expected) = &account.expectation else {
        return Finding::good(format!(
            "No new sign-in is expected; unused, the refresh token lives until {}.",
            date(account.refresh_token_dies_on)
        ));
    };
    let evidence = format!(
        "A new sign-in is expected on {} (AADSTS{}): {}",
        date(expected.on),
        expected.aadsts,
        expected.reason
    );
    if expected.on > now.saturating_add(SOON) {
        return Finding::good(evidence);
    }
    Finding::warning(evidence, "Run `entra login` when it suits you, before it interrupts you.")
}

fn errors(account: &AccountStatus) -> Finding {
    let mut found: BTreeMap<&str, (&ErrorBody, Vec<String>)> = BTreeMap::new();
    for token in &account.tokens {
        if let Some(error) = token.last_error.as_deref() {
            let (_, scopes) = found.entry(&error.message).or_insert_with(|| (error, Vec::new()));
            scopes.push(token.scopes.join(" "));
        }
    }
    let Some((first, _)) = found.values().next() else {
        return Finding::good("Entra refused nothing lately.");
    };
    let remedy = first.hint.clone().unwrap_or_else(|| "`entra status` shows more.".to_owned());
    let told: Vec<String> = found.values().map(|(error, scopes)| explained(error, scopes)).collect();
    Finding::warning(told.join(" "), remedy)
}

/// The error with what it is about, and what its number means.
fn explained(error: &ErrorBody, scopes: &[String]) -> String {
    let known = error.aadsts.and_then(explain).filter(|known| !error.message.contains(known.cause));
    let meaning = known.map(|known| format!(" AADSTS{} means: {}.", known.code, known.cause));
    format!("{}: {}{}", scopes.join(", "), error.message, meaning.unwrap_or_default())
}

/// For people; instants past the year 9999 are nobody's.
pub(super) fn date(instant: u64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(instant.min(LAST_INSTANT));
    humantime::format_rfc3339_seconds(at).to_string()
}

const LAST_INSTANT: u64 = 253_402_300_799;

/// A day: somebody can choose the moment.
const SOON: u64 = 24 * 60 * 60;
