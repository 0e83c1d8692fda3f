//! `git-credential-entra`, git's credential helper for Azure DevOps (git-credential(1), gitcredentials(7)).
//!
//! Git writes lines of `name=value` and reads such lines back. It calls every helper for every host that it is configured
//! for, so another host is answered with nothing, and a host of ours that cannot be answered with `quit`: the next helper
//! could only ask the person for a password that Azure DevOps does not take.
//!
//! Nothing is kept here. That a credential was refused is told to the daemon as long as it would serve the same again.

use std::ffi::OsString;

use entra_proto::error::exit;
use entra_proto::token::{TokenAnswer, TokenRequest};
use zeroize::Zeroizing;

use super::{ask, hosts, pipes};
use crate::failure::Failure;
use crate::print;

pub(crate) fn run(words: &[OsString]) -> u8 {
    let word = words.first().and_then(|word| word.to_str()).unwrap_or_default();
    let done = match word {
        "capability" => print::write_output(CAPABILITIES),
        "get" => pipes::input().and_then(|input| get(&Asked::read(&input))),
        "erase" => pipes::input().and_then(|input| erase(&Asked::read(&input))),
        "" => Err(Failure::new(exit::USAGE, "bad_input", "git-credential-entra is called by git.")
            .hint("Configure it: `git config --global credential.https://dev.azure.com.helper entra`.")),
        // `store` has nothing to keep, and a helper ignores what later versions of git add.
        _ => Ok(()),
    };
    match done {
        Ok(()) => exit::GOOD,
        Err(failure) => pipes::complain(&failure),
    }
}

/// What git says of the credential it wants or has.
#[derive(Default)]
pub(super) struct Asked<'a> {
    scheme: &'a str,
    host: &'a str,
    username: Option<&'a str>,
    /// The token, in whichever of the two forms it was given.
    secret: Option<&'a str>,
    tenant: Option<String>,
    /// Git can send a header of our choice (2.46 and later).
    takes_bearer: bool,
}

impl<'a> Asked<'a> {
    pub(super) fn read(input: &'a str) -> Self {
        let mut asked = Self::default();
        for (name, value) in input.lines().filter_map(|line| line.split_once('=')) {
            match name {
                "protocol" => asked.scheme = value,
                "host" => asked.host = value,
                "username" => asked.username = Some(value).filter(|value| !value.is_empty()),
                "credential" | "password" => asked.secret = Some(value),
                "capability[]" => asked.takes_bearer |= value == "authtype",
                "wwwauth[]" => asked.tenant = hosts::tenant_of(value).or(asked.tenant.take()),
                _ => {}
            }
        }
        asked
    }

    /// What answers it; nothing for a host that is not ours.
    pub(super) fn request(&self) -> Option<TokenRequest> {
        hosts::is_of_repositories(self.scheme, self.host).then(|| hosts::devops(self.tenant.clone()))
    }
}

fn get(asked: &Asked<'_>) -> Result<(), Failure> {
    let Some(request) = asked.request() else { return Ok(()) };
    let lines = ask::token(request).map(|answer| lines(asked, &answer));
    if lines.is_err() {
        print::write_output(b"quit=1\n")?;
    }
    print::write_output(&lines?)
}

/// Bearer where git can send it, else a password: Azure DevOps takes a token for one, with any name.
fn lines(asked: &Asked<'_>, answer: &TokenAnswer) -> Zeroizing<Vec<u8>> {
    let token = answer.access_token.expose();
    let username = asked.username.unwrap_or("entra");
    let mut lines = Zeroizing::new(Vec::with_capacity(token.len() + username.len() + LINES_ROOM));
    let pairs: &[(&str, &str)] = if asked.takes_bearer {
        &[("capability[]", "authtype"), ("authtype", "Bearer"), ("credential", token), ("ephemeral", "1")]
    } else {
        &[("username", username), ("password", token)]
    };
    let expiry = answer.expires_on.to_string();
    for (name, value) in pairs.iter().chain(&[("password_expiry_utc", expiry.as_str())]) {
        for part in [name, "=", value, "\n"] {
            lines.extend_from_slice(part.as_bytes());
        }
    }
    lines
}

/// Git erases what a server refused. Only when that is what the next `get` would be answered with, it is renewed: anything
/// else is another helper's, or old.
fn erase(asked: &Asked<'_>) -> Result<(), Failure> {
    let (Some(refused), Some(request)) = (asked.secret, asked.request()) else { return Ok(()) };
    if ask::token(request.clone())?.access_token.expose() == refused {
        ask::token(TokenRequest { force_refresh: true, ..request })?;
    }
    Ok(())
}

/// git-credential(1), "Capability input/output format".
const CAPABILITIES: &[u8] = b"version 0\ncapability authtype\n";

/// Room beside the token and the name for the longer of both forms.
const LINES_ROOM: usize = 160;

#[cfg(test)]
mod tests {
    use entra_proto::secret::AccessToken;
    use entra_proto::token::Source;

    use super::*;

    const ASKED: &str = "capability[]=authtype\ncapability[]=state\nprotocol=https\nhost=dev.azure.com\n\
        wwwauth[]=Bearer authorization_uri=https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47\n\
        wwwauth[]=Basic realm=\"https://tfsprodcus.visualstudio.com/\"\nwwwauth[]=TFS-Federated\n";

    fn answer(token: &str) -> TokenAnswer {
        TokenAnswer {
            access_token: AccessToken::new(token.to_owned()),
            token_type: "Bearer".to_owned(),
            expires_on: 1_795_229_074,
            scopes: Vec::new(),
            account: "u.t".parse().unwrap(),
            tenant: "t".to_owned(),
            source: Source::Cache,
            refresh_due_on: 0,
        }
    }

    fn lines_for(input: &str) -> String {
        String::from_utf8(lines(&Asked::read(input), &answer("ey.J")).to_vec()).unwrap()
    }

    #[test]
    fn what_git_asks_is_read() {
        let asked = Asked::read(ASKED);
        assert!(asked.request().is_some() && asked.takes_bearer);
        assert_eq!(asked.tenant.as_deref(), Some("72f988bf-86f1-41af-91ab-2d7cd011db47"));
        assert_eq!(Asked::read("protocol=https\nhost=github.com\n").request(), None);
        assert_eq!(Asked::read("").request(), None);
    }

    #[test]
    fn git_is_answered_in_the_form_it_takes() {
        assert_eq!(
            lines_for(ASKED),
            "capability[]=authtype\nauthtype=Bearer\ncredential=ey.J\nephemeral=1\npassword_expiry_utc=1795229074\n"
        );
        assert_eq!(
            lines_for("protocol=https\nhost=dev.azure.com\n"),
            "username=entra\npassword=ey.J\npassword_expiry_utc=1795229074\n"
        );
        assert!(lines_for("username=contoso\n").starts_with("username=contoso\n"));
    }

    #[test]
    fn the_room_is_enough() {
        for input in [ASKED, "username=contoso\n"] {
            let asked = Asked::read(input);
            let lines = lines(&asked, &answer(&"x".repeat(3000)));
            assert!(lines.len() <= 3000 + asked.username.unwrap_or("entra").len() + LINES_ROOM);
        }
    }
}
