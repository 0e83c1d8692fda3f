//! `entra lease`.

use clap::Args;

#[derive(Args, Debug)]
#[group(skip)]
pub(crate) struct LeaseArgs {}
