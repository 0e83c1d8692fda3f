//! `entra setup`: makes a tool take its tokens from entrad, shows how, or takes that back.
//!
//! Only a lease needs the daemon; everything else works without.

use crate::args::SetupArgs;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::setup::{self, Wish};

/// Does what the command line says.
pub(crate) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, args: &SetupArgs) -> Result<(), Failure> {
    match setup::wish(args) {
        Wish::List => setup::list(),
        Wish::Export(args, form) => setup::export(args, form),
        Wish::Print(tool) => setup::print(tool),
        Wish::SetUp(tool) => setup::set_up(socket, tool),
        Wish::Undo(name) => setup::undo(socket, name),
    }
}
