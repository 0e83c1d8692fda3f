//! One file a command: ask the daemon one thing, print the answer.

mod accounts;
mod agents;
mod config;
mod consent;
mod doctor;
mod env;
mod explain;
mod lease;
mod lock;
mod log;
mod login;
mod logout;
mod metrics;
mod panic;
mod passphrase;
mod policy;
mod revive;
mod run;
mod service;
mod setup;
mod snooze;
mod status;
mod token;
mod watch;
mod whoami;

use entra_proto::client::Said;
use entra_proto::error::exit;
use entra_proto::version::{VERSION, skew};

use crate::args::{AccountsAction, AccountsArgs, Cli, Command};
use crate::browser;
use crate::connect::Socket;
use crate::dialects;
use crate::failure::Failure;
use crate::print::{self, Stream};

/// Runs the command, and says which status the program ends with.
pub(crate) fn run(cli: Cli) -> Result<u8, Failure> {
    let socket = || Socket::find(cli.options.socket);
    match cli.command {
        // Two end with the status of what they run, and three say how things are by it.
        Command::Log(args) => return log::run(&socket()?, &args),
        Command::Helper(args) => return dialects::run(&args.words),
        Command::Run(args) => return run::run(&socket()?, *args).map(|never| match never {}),
        Command::Doctor(args) => return doctor::run(&socket()?, &args),
        Command::Status(args) => return status::run(socket, &args),
        Command::Accounts(AccountsArgs { action: Some(AccountsAction::Revive(args)), .. }) => {
            revive::run(&socket()?, &args)
        }
        Command::Accounts(args) => accounts::run(&socket()?, args.json),
        Command::Agents(args) => agents::run(&socket()?, args),
        Command::Config(args) => config::run(socket, &args),
        Command::Consent(args) => consent::run(&socket()?, &args),
        Command::Env(args) => env::run(&socket()?, *args),
        Command::Explain(args) => explain::run(&args),
        Command::Lease(args) => lease::run(&socket()?, args),
        Command::Lock => lock::lock(&socket()?),
        Command::Login(args) => login::run(socket, *args),
        Command::Logout(args) => logout::run(&socket()?, &args),
        Command::Metrics(args) => metrics::run(&socket()?, &args),
        Command::OpenPage(args) => browser::open_page(&args.page),
        Command::Panic(args) => panic::run(&socket()?, &args),
        Command::Policy(args) => policy::run(socket, &args),
        Command::Service(args) => service::run(&socket()?, &args),
        Command::Setup(args) => setup::run(socket, &args),
        Command::Snooze(args) => snooze::run(&socket()?, &args),
        Command::Token(args) => token::run(&socket()?, *args),
        Command::Unlock => lock::unlock(&socket()?),
        Command::Watch(args) => watch::run(socket()?, args),
        Command::Whoami(args) => whoami::run(&socket()?, &args),
    }?;
    Ok(exit::GOOD)
}

/// The daemon's answer, after a word on standard error when its version is another than ours.
pub(crate) fn heard<T>(said: Said<T>) -> Result<T, Failure> {
    if let Some(sentence) = skew(VERSION, said.version.as_deref()) {
        print::warn(&sentence);
    }
    said.result.map_err(Failure::from)
}

/// The same for what tools run: they may take anything on standard error for a failure, so only a person is told.
pub(crate) fn heard_by_a_tool<T>(said: Said<T>) -> Result<T, Failure> {
    if let Some(sentence) = skew(VERSION, said.version.as_deref())
        && Stream::errors().is_terminal()
    {
        print::warn(&sentence);
    }
    said.result.map_err(Failure::from)
}
