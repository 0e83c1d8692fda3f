//! `entra accounts revive`: tries a refresh token again that Entra declared dead.
//!
//! entrad keeps such a token for a day, since a verdict can be taken back: a policy that was changed and
//! changed back, a user who was disabled by mistake.

use entra_proto::account::{AccountInfo, Health};
use entra_proto::error::exit;

use super::heard;
use super::logout::is_called;
use crate::args::ReviveArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::Stream;
use crate::text::plain;

/// Chooses the account, has it tried, and says how that went.
pub(crate) fn run(socket: &Socket, args: &ReviveArgs) -> Result<(), Failure> {
    let known = heard(socket.connect()?.accounts()?)?.accounts;
    let stream = Stream::output();
    let chosen = match choose(&known, args)? {
        Chosen::Dead(account) => account,
        Chosen::Well(account) => {
            let sentence = format!("{} is signed in; there is nothing to revive.", plain(&account.username));
            return stream.write(stream.flow(0, &sentence).as_bytes());
        }
    };
    let said = socket.connect()?.revive(&chosen.id, Some(&chosen.profile))?;
    let account = said.result.map_err(Failure::from)?;
    let sentence = format!(
        "Entra took the refresh token of {} (profile {}) again; the account is signed in.",
        plain(&account.username),
        plain(&account.profile)
    );
    stream.write(stream.flow(0, &sentence).as_bytes())
}

#[derive(Debug, PartialEq)]
enum Chosen<'a> {
    Dead(&'a AccountInfo),
    Well(&'a AccountInfo),
}

fn choose<'a>(known: &'a [AccountInfo], args: &ReviveArgs) -> Result<Chosen<'a>, Failure> {
    let fits = |account: &&AccountInfo| {
        args.profile.as_ref().is_none_or(|name| account.profile == *name)
            && args.account.as_ref().is_none_or(|name| is_called(account, name))
    };
    let fitting: Vec<_> = known.iter().filter(fits).collect();
    let is_dead = |account: &&&AccountInfo| matches!(account.health, Health::SignInNeeded { .. });
    let dead: Vec<_> = fitting.iter().filter(is_dead).collect();
    match (&dead[..], &fitting[..]) {
        ([account], _) => Ok(Chosen::Dead(account)),
        ([], [account, ..]) => Ok(Chosen::Well(account)),
        ([], []) => Err(Failure::new(exit::USAGE, "not_found", "No such account is known.")
            .hint("`entra accounts` lists those that are.")),
        _ => {
            let failure =
                Failure::new(exit::USAGE, "account_needed", "Several accounts need a sign-in; name one.");
            Err(dead.iter().fold(failure, |failure, account| {
                let (id, profile, username) = (&account.id, &account.profile, &account.username);
                failure.hint(format!("`entra accounts revive {id} --profile {profile}` revives {username}."))
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use entra_proto::error::{ErrorBody, ErrorCode};

    use super::super::accounts::tests::account;
    use super::*;

    fn args(account: Option<&str>) -> ReviveArgs {
        ReviveArgs { account: account.map(str::to_owned), profile: None }
    }

    fn dead(username: &str) -> AccountInfo {
        let error = Box::new(ErrorBody::new(ErrorCode::SignInNeeded, "It is dead."));
        AccountInfo { health: Health::SignInNeeded { error, since: 0 }, ..account(username, "default") }
    }

    #[test]
    fn the_only_dead_account_needs_no_name_and_doubt_revives_nobody() {
        let known = [account("ada@contoso.com", "default"), dead("grace@contoso.com")];
        assert_eq!(choose(&known, &args(None)).unwrap(), Chosen::Dead(&known[1]));
        assert_eq!(choose(&known, &args(Some("ada@contoso.com"))).unwrap(), Chosen::Well(&known[0]));
        assert_eq!(choose(&known, &args(Some("alan"))).unwrap_err().exit(), exit::USAGE);
        let known = [dead("ada@contoso.com"), dead("grace@contoso.com")];
        let hint = choose(&known, &args(None)).unwrap_err().to_body().hint.unwrap();
        assert!(hint.contains("entra accounts revive grace.t-1 --profile default"), "{hint}");
    }
}
