//! `entra setup`.

use crate::args::SetupArgs;
use crate::connect::Socket;
use crate::failure::Failure;

pub(crate) fn run(_socket: &Socket, _args: SetupArgs) -> Result<(), Failure> {
    Err(Failure::new(1, "unbuilt", "unbuilt"))
}
