//! `entra lease`.

use crate::args::LeaseArgs;
use crate::connect::Socket;
use crate::failure::Failure;

pub(crate) fn run(_socket: &Socket, _args: LeaseArgs) -> Result<(), Failure> {
    Err(Failure::new(1, "unbuilt", "unbuilt"))
}
