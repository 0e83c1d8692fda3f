//! The lease of Claude Code's settings: kept where it still stands, made where it does not, and ended on undo.

use entra_proto::error::{ErrorCode, exit};
use entra_proto::lease::{LeaseGrant, LeaseInfo, LeaseRequest};
use entra_proto::secret::LeaseSecret;

use super::tools::claude_code::Settings;
use crate::args::ClaudeCodeArgs;
use crate::commands::heard;
use crate::connect::Socket;
use crate::failure::Failure;

/// The endpoint and the secret that the settings may keep: the lease is listed, and is for what is asked for now.
pub(super) fn standing(
    socket: &Socket,
    settings: &Settings,
    args: &ClaudeCodeArgs,
) -> Result<Option<(String, LeaseSecret)>, Failure> {
    let answer = heard(socket.connect()?.leases()?)?;
    let Some(secret) = settings.variable("IDENTITY_HEADER").filter(|_| !args.new_lease) else {
        return Ok(None);
    };
    let endpoint =
        answer.identity_endpoint.or_else(|| settings.variable("IDENTITY_ENDPOINT").map(str::to_owned));
    // A lease knows its account by its id alone, and people name theirs by its user name.
    let account = match &args.account {
        Some(name) => heard(socket.connect()?.accounts()?)?.accounts.into_iter().find(|account| {
            account.id.as_str().eq_ignore_ascii_case(name) || account.username.eq_ignore_ascii_case(name)
        }),
        None => None,
    };
    let is_it = |lease: &&LeaseInfo| {
        let start = format!("{}{}_", LeaseSecret::PREFIX, lease.id);
        lease.name == NAME
            && lease.resources == RESOURCES
            && lease.agent.as_deref() == Some(AGENT)
            && secret.starts_with(&start)
            && (args.account.is_none()
                || account.as_ref().is_some_and(|account| lease.account.as_ref() == Some(&account.id)))
            && (args.profile.is_none() || args.profile == lease.profile)
    };
    let secret = answer.leases.iter().find(is_it).map(|_| LeaseSecret::new(secret.to_owned()));
    Ok(endpoint.zip(secret))
}

/// Makes one. A former one of the name is void from then on.
pub(super) fn make(socket: &Socket, args: &ClaudeCodeArgs) -> Result<LeaseGrant, Failure> {
    let request = LeaseRequest {
        name: NAME.to_owned(),
        resources: RESOURCES.map(str::to_owned).to_vec(),
        account: args.account.clone(),
        profile: args.profile.clone(),
        agent: Some(AGENT.to_owned()),
        ..LeaseRequest::default()
    };
    let grant = heard(socket.connect()?.make_lease(&request)?)?;
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    if !grant.secret.expose().starts_with(LeaseSecret::PREFIX)
        || !is_plain(grant.secret.expose())
        || !is_plain(&grant.identity_endpoint)
    {
        return Err(Failure::new(
            exit::INTERNAL,
            "foreign_answer",
            "entrad's answer holds no lease that can be written into settings.",
        )
        .hint("Check that the socket is entrad's, and that entra and entrad are of the same version."));
    }
    Ok(grant)
}

/// Ends it. One that is gone already is as good.
pub(super) fn revoke(socket: Result<Socket, Failure>, id: &str) -> Result<(), Failure> {
    match heard(socket?.connect()?.revoke_lease(id)?) {
        Err(failure) if *failure.code() != ErrorCode::NotFound => Err(failure),
        _ => Ok(()),
    }
}

/// What people call it.
pub(super) const NAME: &str = "claude-code";

/// What it is as a caller: all that asks in the right of this lease is this agent.
const AGENT: &str = "claude";

/// Claude Code asks for the first, the Foundry SDKs for the second.
const RESOURCES: [&str; 2] = ["cognitive", "foundry"];
