//! `entra policy`: the rules of who may ask for what, one file a sub-command.
//!
//! The daemon reads, orders and decides; this program shows what it is told. Where no daemon answers, its program reads the
//! same rules (`answer`).

mod answer;
mod check;
mod explain;
mod show;

use crate::args::{PolicyAction, PolicyArgs};
use crate::connect::Socket;
use crate::failure::Failure;

/// Does what the command line says.
pub(super) fn run(
    socket: impl FnOnce() -> Result<Socket, Failure>,
    args: &PolicyArgs,
) -> Result<(), Failure> {
    match &args.action {
        PolicyAction::Show(args) => show::run(socket, args.json),
        PolicyAction::Check(args) => check::run(args),
        PolicyAction::Explain(args) => explain::run(&socket()?, args),
    }
}
