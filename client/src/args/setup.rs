//! `entra setup`.

use clap::Args;

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct SetupArgs {}
