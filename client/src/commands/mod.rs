//! One file a command: ask the daemon one thing, print the answer.

mod accounts;
mod explain;
mod login;
mod logout;
mod revive;
mod status;
mod token;

use entra_proto::client::Said;
use entra_proto::version::{VERSION, skew};

use crate::args::{AccountsAction, AccountsArgs, Cli, Command};
use crate::browser;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print;

/// Runs the command.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    let socket = || Socket::find(cli.socket);
    match cli.command {
        Command::Accounts(AccountsArgs { action: Some(AccountsAction::Revive(args)), .. }) => {
            revive::run(&socket()?, &args)
        }
        Command::Accounts(args) => accounts::run(&socket()?, args.json),
        Command::Explain(args) => explain::run(&args),
        Command::Login(args) => login::run(socket, *args),
        Command::Logout(args) => logout::run(&socket()?, &args),
        Command::OpenPage(args) => browser::open_page(&args.page),
        Command::Status(args) => status::run(&socket()?, args.json),
        Command::Token(args) => token::run(&socket()?, *args),
    }
}

/// The daemon's answer, after a word on standard error when its version is another than ours.
pub(crate) fn heard<T>(said: Said<T>) -> Result<T, Failure> {
    if let Some(sentence) = skew(VERSION, said.version.as_deref()) {
        print::warn(&sentence);
    }
    said.result.map_err(Failure::from)
}
