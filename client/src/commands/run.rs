//! `entra run`.

use crate::args::RunArgs;
use crate::connect::Socket;
use crate::failure::Failure;

pub(crate) fn run(_socket: &Socket, _args: RunArgs) -> Result<u8, Failure> {
    Err(Failure::new(1, "unbuilt", "unbuilt"))
}
