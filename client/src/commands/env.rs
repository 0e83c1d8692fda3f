//! `entra env`.

use crate::args::EnvArgs;
use crate::connect::Socket;
use crate::failure::Failure;

pub(crate) fn run(_socket: &Socket, _args: EnvArgs) -> Result<(), Failure> {
    Err(Failure::new(1, "unbuilt", "unbuilt"))
}
