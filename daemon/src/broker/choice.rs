//! Which account and which scopes a request means.

use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode};
use entra_proto::limits::{MAX_MIN_VALIDITY, MAX_NAME, MAX_WAIT, MIN_VALIDITY};
use entra_proto::resource;
use entra_proto::scope::{ScopeError, Scopes};
use entra_proto::token::TokenRequest;

use super::State;
use crate::account::key::AccountKey;
use crate::account::machine::Ask;
use crate::config::DEFAULT_PROFILE;
use crate::entra::claims::Claims;

/// How the caller wants its token, checked.
pub(super) fn ask(request: &TokenRequest) -> Result<Ask, ErrorBody> {
    let min_validity = request.min_validity.map_or(MIN_VALIDITY, std::time::Duration::from_secs);
    if min_validity > MAX_MIN_VALIDITY {
        return Err(bad(format!(
            "`min_validity` is over {} seconds; no token lives that long.",
            MAX_MIN_VALIDITY.as_secs()
        )));
    }
    if request.wait.is_some_and(|seconds| u64::from(seconds) > MAX_WAIT.as_secs()) {
        return Err(bad(format!("`wait` is over {} seconds.", MAX_WAIT.as_secs())));
    }
    let claims =
        request.claims.as_deref().map(Claims::parse).transpose().map_err(|error| bad(error.to_string()))?;
    Ok(Ask {
        min_validity,
        claims: claims.map(|claims| claims.as_str().to_owned()),
        force: request.force_refresh,
    })
}

/// The scopes a caller means, in the account's cloud.
pub(super) fn scopes(
    scopes: Option<&[String]>,
    resource: Option<&str>,
    cloud: Cloud,
) -> Result<Scopes, ErrorBody> {
    let wrong = |error: ScopeError| bad(error.to_string());
    match (scopes, resource) {
        (Some(scopes), None) => Scopes::new(scopes.iter().cloned()).map_err(wrong),
        (None, Some(resource)) => match resource::named(resource) {
            Some(named) => {
                let address = named.address(cloud).ok_or_else(|| {
                    bad(format!("The address of `{}` in the cloud {cloud} is not known; name it as `resource` or `scopes`.", named.name))
                })?;
                Scopes::of_resource(address).map_err(wrong)
            }
            None if !resource.contains([':', '.', '-', '/']) => Err(bad(format!(
                "`{}` is neither a resource's address nor a short name; `entra token --help` lists the short names.",
                resource.chars().take(80).collect::<String>()
            ))),
            None => Scopes::of_resource(resource).map_err(wrong),
        },
        (Some(_), Some(_)) => Err(bad("Give `scopes` or `resource`, not both.".to_owned())),
        (None, None) => Err(bad("Give `scopes` or `resource`: what is the token for?".to_owned())),
    }
}

impl State {
    /// The account that a caller means. An account may be named by its id or its user name.
    pub(super) fn choose(
        &self,
        account: Option<&str>,
        profile: Option<&str>,
    ) -> Result<AccountKey, ErrorBody> {
        names([account, profile])?;
        let fitting: Vec<_> = self
            .known
            .values()
            .filter(|known| profile.is_none_or(|profile| known.entry.key.profile == profile))
            .filter(|known| {
                account.is_none_or(|account| {
                    is_called(known.entry.key.account.as_str(), &known.entry.username, account)
                })
            })
            .map(|known| &known.entry)
            .collect();
        match fitting[..] {
            [] => Err(nobody(account, profile)),
            [entry] => Ok(entry.key.clone()),
            _ => {
                let mut default = fitting.iter().filter(|entry| entry.key.profile == DEFAULT_PROFILE);
                if let (None, Some(entry), None) = (profile, default.next(), default.next()) {
                    return Ok(entry.key.clone());
                }
                let names: Vec<_> = fitting
                    .iter()
                    .map(|entry| format!("{} (profile {})", entry.username, entry.key.profile))
                    .collect();
                let sentence = format!("Several accounts fit: {}.", names.join(", "));
                Err(ErrorBody::new(ErrorCode::AccountNeeded, sentence)
                    .with_hint("Name one by `--account` or `--profile`; `entra accounts` lists them."))
            }
        }
    }
}

/// Checks the length of the names that a caller gives.
pub(super) fn names<'a>(names: impl IntoIterator<Item = Option<&'a str>>) -> Result<(), ErrorBody> {
    if names.into_iter().flatten().any(|name| name.len() > MAX_NAME) {
        return Err(bad(format!("A name is longer than {MAX_NAME} bytes.")));
    }
    Ok(())
}

/// Whether a caller's word names this account.
pub(super) fn is_called(id: &str, username: &str, word: &str) -> bool {
    id.eq_ignore_ascii_case(word) || username.eq_ignore_ascii_case(word)
}

fn nobody(account: Option<&str>, profile: Option<&str>) -> ErrorBody {
    let plain = |name: &str| name.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    let who = account.map_or_else(|| "Nobody".to_owned(), |account| format!("`{}`", plain(account)));
    let place =
        profile.map_or_else(String::new, |profile| format!(" under the profile `{}`", plain(profile)));
    let not = if account.is_some() { "not signed in" } else { "signed in" };
    let flag = profile.map_or_else(String::new, |profile| format!(" --profile {}", plain(profile)));
    ErrorBody::new(ErrorCode::SignInNeeded, format!("{who} is {not}{place}."))
        .with_hint(format!("Sign in: `entra login{flag}`."))
}

fn bad(sentence: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_the_clouds_own_address() {
        let of = |name, cloud| scopes(None, Some(name), cloud).map(|scopes| scopes.to_string());
        assert_eq!(of("foundry", Cloud::Public).unwrap(), "https://ai.azure.com/.default");
        assert_eq!(of("foundry", Cloud::UsGovernment).unwrap(), "https://ai.azure.us/.default");
        assert_eq!(
            of("https://vault.azure.net/", Cloud::Public).unwrap(),
            "https://vault.azure.net//.default"
        );
        assert!(of("devops", Cloud::China).unwrap_err().message.contains("not known"));
        assert!(of("foundri", Cloud::Public).unwrap_err().message.contains("short name"));
    }

    #[test]
    fn exactly_one_of_scopes_and_resource() {
        let one = ["a".to_owned()];
        assert!(scopes(Some(&one), Some("b"), Cloud::Public).is_err());
        assert!(scopes(None, None, Cloud::Public).is_err());
    }

    #[test]
    fn requests_are_checked_before_anything_is_sent() {
        let request = |min_validity, claims: Option<&str>| TokenRequest {
            min_validity,
            claims: claims.map(str::to_owned),
            ..TokenRequest::default()
        };
        assert_eq!(ask(&request(None, None)).unwrap().min_validity, MIN_VALIDITY);
        assert!(ask(&request(Some(90_000), None)).is_err());
        assert!(ask(&request(None, Some("{broken"))).is_err());
        let waiting = |wait| ask(&TokenRequest { wait: Some(wait), ..TokenRequest::default() });
        assert!(waiting(600).is_ok() && waiting(601).is_err());
    }
}
