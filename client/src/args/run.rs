//! `entra run` and `entra env`.

use clap::Args;

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct RunArgs {}

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct EnvArgs {}
