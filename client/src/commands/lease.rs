//! `entra lease`: what tools may ask for, as a table; making and revoking it by hand.

mod table;

use std::fmt::Write as _;

use entra_proto::error::{ErrorCode, exit};
use entra_proto::lease::{LeaseGrant, LeaseInfo, LeaseRequest, LeasesAnswer};
use zeroize::Zeroizing;

use self::table::{ends, for_what, table};
use super::heard;
use crate::args::{LeaseAction, LeaseArgs, MakeArgs, RevokeArgs};
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;
use crate::when;

/// Does what the words say; without one it lists.
pub(crate) fn run(socket: &Socket, args: LeaseArgs) -> Result<(), Failure> {
    match args.action {
        None => list(socket, args.json),
        Some(LeaseAction::Ls(ls)) => list(socket, ls.json),
        Some(LeaseAction::Make(args)) => make(socket, *args),
        Some(LeaseAction::Revoke(args)) => revoke(socket, &args),
    }
}

fn list(socket: &Socket, json: bool) -> Result<(), Failure> {
    let answer = heard(socket.connect()?.leases()?)?;
    if json {
        return print::write_json(&answer, JSON_ROOM);
    }
    // A lease knows its account by an id that no person does.
    let accounts = if answer.leases.iter().any(|lease| lease.account.is_some()) {
        heard(socket.connect()?.accounts()?)?.accounts
    } else {
        Vec::new()
    };
    let stream = Stream::output();
    let mut text = if answer.leases.is_empty() {
        "There is no lease: no tool may ask over loopback.\n".to_owned()
    } else {
        table(&stream, &answer.leases, &accounts, when::now())
    };
    if let Some(sentence) = strangers(&answer) {
        text.push_str(&stream.flow(0, &format!("{} {sentence}", stream.caution("Warning:"))));
    }
    stream.write(text.as_bytes())
}

fn strangers(answer: &LeasesAnswer) -> Option<String> {
    let rest = "no lease's secret since entrad started: a tool has an old one, or something else asks.";
    match answer.strangers {
        0 => None,
        1 => Some(format!("One request presented {rest}")),
        count => Some(format!("{count} requests presented {rest}")),
    }
}

fn make(socket: &Socket, args: MakeArgs) -> Result<(), Failure> {
    let request = args.terms.request(args.name, Vec::new());
    let request = LeaseRequest { expires_in: args.expires_in, ..request };
    if let Some(fault) = request.fault() {
        return Err(Failure::new(exit::USAGE, "bad_lease", format!("This can be no lease: {fault}.")));
    }
    let grant = heard(socket.connect()?.make_lease(&request)?)?;
    let room = grant_room(&grant);
    if args.json {
        return print::write_json(&grant, room);
    }
    let text = shown_once(&grant, when::now(), room)
        .map_err(|_| Failure::new(exit::INTERNAL, "output_failed", "The lease cannot be written as text."))?;
    print::write_output(text.as_bytes())
}

/// The lease, its secret and its endpoints.
fn shown_once(grant: &LeaseGrant, now: u64, room: usize) -> Result<Zeroizing<String>, std::fmt::Error> {
    let lease = &grant.lease;
    let mut text = Zeroizing::new(String::with_capacity(room));
    let (name, what, end) = (plain(&lease.name), for_what(lease), ends(lease, now));
    writeln!(text, "Made the lease {name} ({}) for {what}; it ends {end}.\n", plain(&lease.id))?;
    let secret = plain(grant.secret.expose());
    writeln!(text, "IDENTITY_ENDPOINT  {}", plain(&grant.identity_endpoint))?;
    writeln!(text, "IDENTITY_HEADER    {secret}")?;
    writeln!(text, "AZD_AUTH_ENDPOINT  {}", plain(&grant.azd_endpoint))?;
    writeln!(text, "AZD_AUTH_KEY       {secret}")?;
    if let Some(endpoint) = &grant.path_endpoint {
        writeln!(text, "ARM_MSI_ENDPOINT   {}", plain(endpoint.expose()))?;
    }
    writeln!(
        text,
        "\nThe secret is shown only this once. `entra lease revoke {}` makes it void.",
        plain(&lease.id)
    )?;
    Ok(text)
}

fn revoke(socket: &Socket, args: &RevokeArgs) -> Result<(), Failure> {
    let stream = Stream::output();
    if args.all {
        let held = heard(socket.connect()?.leases()?)?.leases;
        if held.is_empty() {
            return stream.write(b"There is no lease; there is nothing to do.\n");
        }
        for LeaseInfo { id, name, .. } in &held {
            match end(socket, id) {
                // It has ended by itself since it was listed.
                Err(gone) if *gone.code() == ErrorCode::NotFound => {}
                other => other?,
            }
            stream.write(format!("Revoked {} ({}).\n", plain(name), plain(id)).as_bytes())?;
        }
        return Ok(());
    }
    // One that is not there must not keep the others standing.
    let mut failed = None;
    for named in &args.named {
        match end(socket, named) {
            Ok(()) => stream.write(format!("Revoked {}.\n", plain(named)).as_bytes())?,
            Err(failure) => {
                failure.report();
                failed = Some(failure.silenced());
            }
        }
    }
    failed.map_or(Ok(()), Err)
}

fn end(socket: &Socket, named: &str) -> Result<(), Failure> {
    socket.connect()?.revoke_lease(named)?.result.map(|_| ()).map_err(Failure::from)
}

/// Enough for the grant as text or as JSON: its secrets and endpoints, none of which needs escapes, twice where they are
/// shown twice, its resources, and its names and numbers.
fn grant_room(grant: &LeaseGrant) -> usize {
    let path = grant.path_endpoint.as_ref().map_or(0, |endpoint| endpoint.expose().len());
    let resources: usize = grant.lease.resources.iter().map(|resource| resource.len() + 4).sum();
    let names = grant.lease.name.len() + grant.lease.profile.as_ref().map_or(0, String::len);
    let endpoints = grant.identity_endpoint.len() + grant.azd_endpoint.len() + path;
    2 * grant.secret.expose().len() + endpoints + resources + names + GRANT_ROOM
}

/// Room for the words around them, and for an account's id.
const GRANT_ROOM: usize = 2048;

/// A few leases of some 300 bytes.
const JSON_ROOM: usize = 4096;

#[cfg(test)]
mod tests {
    use entra_proto::limits::{MAX_LEASE_RESOURCES, MAX_NAME};
    use entra_proto::secret::LeaseSecret;

    use super::*;

    fn grant() -> LeaseGrant {
        LeaseGrant {
            lease: table::tests::lease("nightly", &["arm"]),
            secret: LeaseSecret::new("entra_lease_0a1b2c3d4e5f_00".to_owned()),
            identity_endpoint: "http://127.0.0.1:7/msi/token".to_owned(),
            azd_endpoint: "http://127.0.0.1:7/azd".to_owned(),
            path_endpoint: Some(LeaseSecret::new("http://127.0.0.1:7/in/x".to_owned())),
        }
    }

    #[test]
    fn a_new_lease_is_shown_with_all_that_a_tool_needs() {
        let text = shown_once(&grant(), 0, 4096).unwrap();
        assert_eq!(
            *text,
            "Made the lease nightly (0a1b2c3d4e5f) for arm; it ends when revoked.\n\n\
             IDENTITY_ENDPOINT  http://127.0.0.1:7/msi/token\n\
             IDENTITY_HEADER    entra_lease_0a1b2c3d4e5f_00\n\
             AZD_AUTH_ENDPOINT  http://127.0.0.1:7/azd\n\
             AZD_AUTH_KEY       entra_lease_0a1b2c3d4e5f_00\n\
             ARM_MSI_ENDPOINT   http://127.0.0.1:7/in/x\n\n\
             The secret is shown only this once. `entra lease revoke 0a1b2c3d4e5f` makes it void.\n"
        );
    }

    #[test]
    fn the_room_is_enough_for_the_longest() {
        let mut grant = grant();
        grant.lease.name = "n".repeat(MAX_NAME);
        grant.lease.profile = Some("p".repeat(MAX_NAME));
        grant.lease.resources = vec!["r".repeat(MAX_NAME); MAX_LEASE_RESOURCES];
        grant.secret = LeaseSecret::new("s".repeat(1000));
        grant.path_endpoint = Some(LeaseSecret::new("e".repeat(1000)));
        let room = grant_room(&grant);
        assert!(serde_json::to_vec(&grant).unwrap().len() < room);
        let text = shown_once(&grant, 0, room).unwrap();
        assert!(text.len() < room && text.capacity() == room, "it has not moved");
    }

    #[test]
    fn strangers_are_told_where_there_are_some() {
        let told = |strangers| strangers_of(strangers).unwrap_or_default();
        assert_eq!(told(0), "");
        assert!(told(1).starts_with("One request presented no lease's secret"));
        assert!(told(7).starts_with("7 requests presented"));
    }

    fn strangers_of(strangers: u64) -> Option<String> {
        super::strangers(&LeasesAnswer { strangers, ..LeasesAnswer::default() })
    }
}
