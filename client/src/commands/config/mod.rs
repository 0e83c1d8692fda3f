//! `entra config`: the settings of entrad, one file a sub-command.
//!
//! The daemon knows every key and describes it; this program has no list of keys of its own and only shows, sorts and
//! translates what it is told. Where no daemon answers, its program reads the same settings and tells the same (`answer`).

mod answer;
mod check;
mod egress;
mod explain;
mod export;
mod formats;
mod passphrase;
mod report;
mod safe;
mod show;
mod words;

use std::path::{Path, PathBuf};

use entra_proto::error::exit;

use crate::args::{ConfigAction, ConfigArgs};
use crate::connect::Socket;
use crate::failure::Failure;

/// Does what the command line says.
pub(super) fn run(
    socket: impl FnOnce() -> Result<Socket, Failure>,
    args: &ConfigArgs,
) -> Result<(), Failure> {
    match &args.action {
        ConfigAction::Show(args) => show::run(socket, args),
        ConfigAction::Explain(args) => explain::run(socket, args),
        ConfigAction::Check(args) => check::run(args),
        ConfigAction::Export(args) => export::run(socket, args),
        ConfigAction::Report => report::run(socket),
        ConfigAction::Egress(args) => egress::run(socket, args.json),
        ConfigAction::Passphrase(args) => passphrase::run(&socket()?, args),
    }
}

/// The path that was named, from the root.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(exit::USAGE, "no_path", "There is no file of an empty name.").because(&error)
    })
}
