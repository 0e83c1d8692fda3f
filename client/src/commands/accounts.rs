//! `entra accounts`: who is signed in, as a table.

use entra_proto::account::{AccountInfo, Health};

use super::heard;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when;

/// Asks and prints.
pub(crate) fn run(socket: &Socket, json: bool) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.accounts()?)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    let stream = Stream::output();
    if answer.accounts.is_empty() {
        return stream.write(b"No account is signed in; run `entra login`.\n");
    }
    stream.write(table(&stream, &answer.accounts, when::now()).as_bytes())
}

/// The accounts with aligned columns; lines with their ends.
pub(super) fn table(stream: &Stream, accounts: &[AccountInfo], now: u64) -> String {
    let rows: Vec<[String; 5]> = accounts.iter().map(|account| row(account, now)).collect();
    let widths: [usize; 5] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([HEADINGS[column].len()]).max().unwrap_or(0)
    });
    let line = |cells: [&str; 5]| {
        let padded: Vec<String> =
            cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let mut lines = stream.bold(&line(HEADINGS));
    lines.push('\n');
    for row in &rows {
        lines.push_str(&line(std::array::from_fn(|column| row[column].as_str())));
        lines.push('\n');
    }
    lines
}

fn row(account: &AccountInfo, now: u64) -> [String; 5] {
    let state = match &account.health {
        Health::Good => "good",
        Health::SignInNeeded { .. } => "sign-in needed",
    };
    [
        plain(&account.username).into_owned(),
        plain(&account.profile).into_owned(),
        plain(&account.tenant).into_owned(),
        when::relative(now, account.provenance.signed_in_on),
        state.to_owned(),
    ]
}

const HEADINGS: [&str; 5] = ["ACCOUNT", "PROFILE", "TENANT", "SIGNED IN", "STATE"];

/// A few accounts of some 500 bytes.
const JSON_ROOM: usize = 4096;

#[cfg(test)]
pub(super) mod tests {
    use entra_proto::account::{Flow, Provenance};
    use entra_proto::cloud::Cloud;
    use entra_proto::error::{ErrorBody, ErrorCode};

    use super::*;

    pub(in crate::commands) fn account(username: &str, profile: &str) -> AccountInfo {
        AccountInfo {
            id: format!("{}.t-1", username.split('@').next().unwrap()).parse().unwrap(),
            username: username.to_owned(),
            name: None,
            profile: profile.to_owned(),
            cloud: Cloud::Public,
            tenant: "contoso.com".to_owned(),
            client_id: "04b07795-8ddb-461a-bbee-02f9e1bf7b46".to_owned(),
            provenance: Provenance { flow: Flow::DeviceCode, signed_in_on: 0 },
            health: Health::Good,
        }
    }

    #[test]
    fn columns_line_up_and_cells_are_safe() {
        let mut grace = account("grace@contoso.com", "work");
        grace.username.insert_str(5, "\u{1b}[31m");
        grace.health = Health::SignInNeeded {
            error: Box::new(ErrorBody::new(ErrorCode::SignInNeeded, "Sign in.")),
            since: 86_400,
        };
        let accounts = [account("ada@contoso.com", "default"), grace];
        assert_eq!(
            table(&Stream::plain(), &accounts, 172_800),
            "ACCOUNT            PROFILE  TENANT       SIGNED IN   STATE\n\
             ada@contoso.com    default  contoso.com  2 days ago  good\n\
             grace@contoso.com  work     contoso.com  2 days ago  sign-in needed\n"
        );
    }
}
