//! `entra token`, which tools run before each of their own requests: what it does not need is not built.

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum};
use entra_proto::limits::{MAX_MIN_VALIDITY, MAX_WAIT};

use super::short_name;

#[derive(Args, Debug)]
#[group(skip)]
#[command(override_usage = TOKEN_USAGE, after_help = TOKEN_EXAMPLES)]
pub(crate) struct TokenArgs {
    /// A well-known service by its short name, such as `foundry`; --help lists them
    #[arg(long = "for", value_name = "NAME", value_parser = short_name, group = "target")]
    pub(crate) for_name: Option<String>,
    /// A resource's address or app id; `/.default` is appended
    #[arg(long, value_name = "R", group = "target")]
    pub(crate) resource: Option<String>,
    /// Scopes of one resource, as its documentation names them
    #[arg(long, value_name = "S", num_args = 1.., group = "target")]
    pub(crate) scope: Option<Vec<String>>,
    /// How to print it; the bare token when not given
    #[arg(long, short, value_enum, value_name = "FORM")]
    pub(crate) output: Option<TokenOutput>,
    /// Least remaining life of the token; 300 when not given
    #[arg(long, value_name = "SECONDS", value_parser = RangedU64ValueParser::<u64>::new().range(0..=MAX_MIN_VALIDITY.as_secs()))]
    pub(crate) min_validity: Option<u64>,
    /// Pass over the cached token, when a service has refused it
    #[arg(long)]
    pub(crate) force_refresh: bool,
    /// The claims challenge of a service's refusal, as JSON or base64
    #[arg(long, value_name = "CLAIMS")]
    pub(crate) claims: Option<String>,
    /// Say that the caller handles claims challenges; such tokens live longer and can be revoked
    #[arg(long)]
    pub(crate) cae: bool,
    /// The account, by user name or id, when several are signed in
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The profile of entrad's configuration
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Another tenant in which the account is a guest or member
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Wait for a person where one must sign in, for 120 seconds when none are given; the longest is 600
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "120", value_parser = clap::value_parser!(u16).range(1..=MAX_WAIT.as_secs().cast_signed()))]
    pub(crate) wait: Option<u16>,
}

/// How `entra token` prints.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TokenOutput {
    /// `export ENTRA_TOKEN='…'` and `export ENTRA_TOKEN_EXPIRES_ON='…'`
    Env,
    /// `Authorization: Bearer …`
    Header,
    /// One JSON object with the expiry, the account and the source
    Json,
    /// The token alone
    Raw,
}

pub(super) const NO_TARGET: &str = "Say what the token is for, in one of three ways:
  --for NAME       a well-known service, such as `foundry` or `graph`
  --resource R     a resource's address, such as https://management.azure.com
  --scope S...     scopes, such as https://graph.microsoft.com/Mail.Read";

const TOKEN_USAGE: &str = "entra token (--for NAME | --resource R | --scope S...) [OPTIONS]";

pub(super) const TOKEN_EXAMPLES: &str = "Examples:
  entra token --for graph
  entra token --resource https://ai.azure.com --output header
  entra token --scope https://graph.microsoft.com/Mail.Read --output json
  entra token --for devops --wait
  eval \"$(entra token --for arm --output env)\"";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use crate::args::Command;
    use crate::args::tests::{read, words};

    #[rstest]
    #[case("entra token --for arm", None)]
    #[case("entra token --wait --for arm", Some(120))]
    #[case("entra token --for arm --wait", Some(120))]
    #[case("entra token --wait 600 --for arm", Some(600))]
    fn a_wait_is_bounded_and_asked_for(#[case] line: &str, #[case] wait: Option<u16>) {
        let Command::Token(args) = read(line).unwrap().command else { panic!() };
        assert_eq!((args.wait, args.for_name.as_deref()), (wait, Some("arm")));
    }

    #[rstest]
    #[case("0")]
    #[case("601")]
    #[case("2m")]
    fn a_wait_beyond_the_bounds_is_none(#[case] wait: &str) {
        let words = words(&format!("entra token --for arm --wait {wait}"));
        assert!(words.contains(&format!("invalid value '{wait}' for '--wait")), "{words}");
    }
}
