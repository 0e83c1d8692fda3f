//! `entra logout`: deletes an account's refresh token from this workstation.
//!
//! The daemon is asked for its accounts first, so that a name that fits several is answered with the list
//! and nothing is signed out by guess.

use entra_proto::account::AccountInfo;
use entra_proto::error::exit;

use super::heard;
use crate::args::LogoutArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;

/// Chooses the accounts, signs each out and says what that does not do.
pub(crate) fn run(socket: &Socket, args: &LogoutArgs) -> Result<(), Failure> {
    let held = heard(socket.connect()?.accounts()?)?.accounts;
    let chosen = choose(&held, args)?;
    let stream = Stream::output();
    if chosen.is_empty() {
        return stream.write(b"No account is signed in; there is nothing to do.\n");
    }
    for account in chosen {
        // Always by profile: an account that is signed in under two of them is two refresh tokens.
        let said = socket.connect()?.sign_out(&account.id, Some(&account.profile))?;
        said.result.map_err(Failure::from)?;
        let (username, profile) = (plain(&account.username), plain(&account.profile));
        let sentence = format!(
            "Signed out {username} (profile {profile}); its refresh token is deleted from this workstation."
        );
        stream.write(stream.flow(0, &sentence).as_bytes())?;
    }
    stream.write(stream.flow(0, NOT_REVOKED).as_bytes())
}

fn choose<'a>(held: &'a [AccountInfo], args: &LogoutArgs) -> Result<Vec<&'a AccountInfo>, Failure> {
    let is_profile =
        |account: &&AccountInfo| args.profile.as_ref().is_none_or(|name| account.profile == *name);
    let is_named = |account: &&AccountInfo| args.account.as_ref().is_none_or(|name| is_called(account, name));
    let fitting: Vec<&AccountInfo> = held.iter().filter(is_profile).filter(is_named).collect();
    if args.all || held.is_empty() {
        return Ok(fitting);
    }
    let Some(first) = fitting.first() else {
        return Err(Failure::new(exit::USAGE, "not_found", "No such account is signed in.")
            .hint("`entra accounts` lists those that are."));
    };
    if fitting.iter().any(|other| other.id != first.id) {
        let fitting: Vec<AccountInfo> = fitting.into_iter().cloned().collect();
        let failure =
            Failure::new(exit::USAGE, "account_needed", "Several accounts fit; name one, or give --all.");
        return Err(listed(failure, &fitting));
    }
    Ok(fitting)
}

pub(super) fn is_called(account: &AccountInfo, name: &str) -> bool {
    account.id.as_str().eq_ignore_ascii_case(name) || account.username.to_lowercase() == name.to_lowercase()
}

fn listed(failure: Failure, accounts: &[AccountInfo]) -> Failure {
    accounts.iter().fold(failure, |failure, account| {
        failure.hint(format!(
            "`entra logout {} --profile {}` signs out {}.",
            account.id, account.profile, account.username
        ))
    })
}

/// Microsoft: "Revoke user access in Microsoft Entra ID"; the My Account portal.
const NOT_REVOKED: &str = "Sessions at Entra are not revoked: access tokens already handed out work until \
    they expire. To end them everywhere, use \"Sign out everywhere\" on https://myaccount.microsoft.com, or ask \
    an administrator to revoke your sessions (Entra admin center, Users, Revoke sessions).";

#[cfg(test)]
mod tests {
    use super::super::accounts::tests::account;
    use super::*;

    fn args(account: Option<&str>, profile: Option<&str>, all: bool) -> LogoutArgs {
        LogoutArgs { account: account.map(str::to_owned), profile: profile.map(str::to_owned), all }
    }

    #[test]
    fn the_only_account_needs_no_name() {
        let held = [account("ada@contoso.com", "default"), account("ada@contoso.com", "work")];
        assert_eq!(choose(&held, &args(None, None, false)).unwrap().len(), 2);
        assert_eq!(choose(&held, &args(None, Some("work"), false)).unwrap().len(), 1);
    }

    #[test]
    fn one_of_several_is_named_by_user_name_or_id() {
        let held = [account("ada@contoso.com", "default"), account("grace@contoso.com", "default")];
        assert_eq!(choose(&held, &args(Some("ADA@contoso.com"), None, false)).unwrap(), [&held[0]]);
        assert_eq!(choose(&held, &args(Some("grace.t-1"), None, false)).unwrap(), [&held[1]]);
        assert_eq!(choose(&held, &args(None, None, true)).unwrap().len(), 2);
    }

    #[test]
    fn doubt_signs_nobody_out() {
        let held = [account("ada@contoso.com", "default"), account("grace@contoso.com", "default")];
        let failure = choose(&held, &args(None, None, false)).unwrap_err();
        assert_eq!(failure.exit(), exit::USAGE);
        let hint = failure.to_body().hint.unwrap();
        assert!(hint.contains("entra logout ada.t-1") && hint.contains("grace@contoso.com"), "{hint}");
        assert_eq!(choose(&held, &args(Some("alan"), None, false)).unwrap_err().exit(), exit::USAGE);
    }
}
