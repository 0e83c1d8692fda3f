//! `entra lease`, and the terms on which every command makes a lease.

use clap::{Args, Subcommand};
use entra_proto::agent::{UNNAMED, is_name};
use entra_proto::lease::{EVERY_RESOURCE, LeaseRequest};

use super::agents::name;
use super::{ReportArgs, short_name, short_names};

#[derive(Args, Debug)]
#[group(skip)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct LeaseArgs {
    /// Print the daemon's answer as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) action: Option<LeaseAction>,
}

// A doc comment here would become the text of `entra lease --help`.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum LeaseAction {
    /// List the leases: what each is for, when it ends and how it was used
    #[command(visible_alias = "list")]
    Ls(ReportArgs),
    /// Make a lease that stands by itself, and show its secret once
    Make(Box<MakeArgs>),
    /// Revoke leases: their secrets are void at once
    Revoke(RevokeArgs),
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(override_usage = MAKE_USAGE, after_help = MAKE_EXAMPLES, after_long_help = short_names(MAKE_EXAMPLES))]
pub(crate) struct MakeArgs {
    /// What to call it; a lease of this name that stands by itself is replaced
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) terms: Terms,
    /// When it ends by itself, such as 30m, 8h or 7d from now; when it is revoked if not given
    #[arg(long, value_name = "TIME", value_parser = lifetime)]
    pub(crate) expires_in: Option<u64>,
    /// Print the daemon's answer, with the secret, as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
#[group(skip)]
#[command(override_usage = REVOKE_USAGE, after_help = REVOKE_EXAMPLES)]
pub(crate) struct RevokeArgs {
    /// Leases by name or id; a name stands for every lease of that name
    #[arg(value_name = "NAME|ID", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) named: Vec<String>,
    /// Every lease, those of running programs too
    #[arg(long)]
    pub(crate) all: bool,
}

// What a lease is for, and for whom it speaks. A doc comment here would become the text of the command's help.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub(crate) struct Terms {
    /// A well-known service by its short name, such as `foundry`; may be repeated, and --help lists them
    #[arg(long = "for", value_name = "NAME", value_parser = short_name)]
    pub(crate) for_names: Vec<String>,
    /// A resource's address or app id; may be repeated
    #[arg(long, value_name = "R", value_parser = resource)]
    pub(crate) resource: Vec<String>,
    /// Every resource that you can get a token for
    #[arg(long, conflicts_with_all = ["for_names", "resource"])]
    pub(crate) all_resources: bool,
    /// The account, by user name or id, when several are signed in
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<String>,
    /// The profile of entrad's configuration
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Take the secret in the path of a request too, for clients that send no header, such as Terraform
    #[arg(long)]
    pub(crate) in_path: bool,
    /// Make it an AI agent's, which may ask for less (docs/agents.md); under the lease's name when none is given
    #[arg(long, value_name = "NAME", value_parser = name, num_args = 0..=1, require_equals = true, default_missing_value = UNNAMED)]
    pub(crate) agent: Option<String>,
}

impl Terms {
    /// Whether no resource is named.
    pub(crate) fn is_for_nothing(&self) -> bool {
        self.for_names.is_empty() && self.resource.is_empty() && !self.all_resources
    }

    /// The request for a lease on these terms that is for `further` resources too.
    pub(crate) fn request(self, name: String, further: Vec<String>) -> LeaseRequest {
        let mut resources: Vec<String> = Vec::new();
        if self.all_resources {
            resources.push(EVERY_RESOURCE.to_owned());
        } else {
            for resource in self.for_names.into_iter().chain(self.resource).chain(further) {
                if !resources.contains(&resource) {
                    resources.push(resource);
                }
            }
        }
        // Whoever does not say what the agent is called means what is started.
        let agent =
            self.agent.map(|agent| if agent == UNNAMED && is_name(&name) { name.clone() } else { agent });
        LeaseRequest {
            agent,
            name,
            resources,
            account: self.account,
            profile: self.profile,
            in_path: self.in_path,
            ..LeaseRequest::default()
        }
    }
}

/// A resource as it is given: an address or an app id.
pub(super) fn resource(text: &str) -> Result<String, String> {
    if text == EVERY_RESOURCE {
        return Err("for every resource give --all-resources".to_owned());
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a resource is an address or an app id without spaces".to_owned());
    }
    Ok(text.to_owned())
}

/// How long a lease stands.
pub(super) fn lifetime(text: &str) -> Result<u64, String> {
    match seconds(text)? {
        0 => Err("a lease must last at least a second".to_owned()),
        count if count <= LONGEST => Ok(count),
        _ => Err("the longest time is 3650d; without a time it stands until it is revoked".to_owned()),
    }
}

/// `90s`, `30m`, `8h` or `7d` in seconds; the most there can be for what is more.
pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let wrong = || "a time is a number with s, m, h or d behind it, such as 30m, 8h or 7d".to_owned();
    let (at, unit) = text.char_indices().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let digits = &text[..at];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    Ok(digits.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(seconds))
}

/// Ten years. More is no time but a slip, and would not fit every clock.
const LONGEST: u64 = 3650 * 86_400;

pub(super) const NO_RESOURCE: &str = "Say what the lease is for, in one or more of these ways:
  --for NAME         a well-known service, such as `foundry` or `arm`
  --resource R       a resource's address, such as https://management.azure.com
  --all-resources    every resource that you can get a token for";

pub(super) const NO_RESOURCE_OR_TOKEN: &str = "Say what the lease is for, in one or more of these ways:
  --for NAME            a well-known service, such as `foundry` or `arm`
  --resource R          a resource's address, such as https://management.azure.com
  --all-resources       every resource that you can get a token for
  --env VAR=RESOURCE    a token in a variable, such as PGPASSWORD=postgres";

const MAKE_USAGE: &str = "entra lease make NAME (--for NAME | --resource R | --all-resources)... [OPTIONS]";

const MAKE_EXAMPLES: &str = "Examples:
  entra lease make claude-desktop --for foundry --for cognitive
  entra lease make nightly --resource https://management.azure.com --expires-in 8h
  entra lease make terraform --for arm --in-path --expires-in 7d --json

`entra run` is safer where it will do: its lease ends with the program, and nobody need keep a secret.";

const REVOKE_USAGE: &str = "entra lease revoke (NAME|ID... | --all) [OPTIONS]";

const REVOKE_EXAMPLES: &str = "Examples:
  entra lease revoke claude-desktop
  entra lease revoke 0a1b2c3d4e5f nightly
  entra lease revoke --all";

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::args::tests::{read, words};
    use crate::args::{Cli, Command};

    fn make(line: &str) -> Box<MakeArgs> {
        match read(line).map(|cli: Cli| cli.command) {
            Ok(Command::Lease(LeaseArgs { action: Some(LeaseAction::Make(args)), .. })) => args,
            other => panic!("{other:?}"),
        }
    }

    #[rstest]
    #[case("1s", Ok(1))]
    #[case("30m", Ok(1800))]
    #[case("8h", Ok(28_800))]
    #[case("7d", Ok(604_800))]
    #[case("3650d", Ok(LONGEST))]
    #[case("", Err("30m"))]
    #[case("8", Err("30m"))]
    #[case("h", Err("30m"))]
    #[case("-8h", Err("30m"))]
    #[case("+8h", Err("30m"))]
    #[case("8\u{df}", Err("30m"))]
    #[case("1.5h", Err("30m"))]
    #[case("0h", Err("at least"))]
    #[case("3651d", Err("longest"))]
    #[case("99999999999999999999d", Err("longest"))]
    fn times_have_a_unit(#[case] text: &str, #[case] right: Result<u64, &str>) {
        match (lifetime(text), right) {
            (Ok(seconds), Ok(right)) => assert_eq!(seconds, right),
            (Err(sentence), Err(word)) => assert!(sentence.contains(word), "{sentence}"),
            (other, _) => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn each_resource_is_named_once_and_all_stand_alone() {
        let args = make("entra lease make x --for arm --resource api://a --for Foundry --for arm --in-path");
        let request = args.terms.request("x".to_owned(), vec!["arm".to_owned(), "postgres".to_owned()]);
        assert_eq!(request.resources, ["arm", "foundry", "api://a", "postgres"]);
        assert!(request.in_path && request.fault().is_none());
        let all = make("entra lease make x --all-resources").terms;
        let all = all.request("x".to_owned(), vec!["arm".to_owned()]);
        assert_eq!((all.resources.as_slice(), all.fault()), (&["*".to_owned()][..], None));
    }

    #[test]
    fn an_agent_is_called_as_its_lease_unless_somebody_says_otherwise() {
        let of = |line: &str| {
            let args = make(line);
            let name = args.name.clone();
            args.terms.request(name, Vec::new()).agent
        };
        assert_eq!(of("entra lease make x --for arm"), None);
        assert_eq!(of("entra lease make x --for arm --agent").as_deref(), Some("x"));
        assert_eq!(of("entra lease make x --agent=claude --for arm").as_deref(), Some("claude"));
        assert!(words("entra lease make x --agent=a/b --for arm").contains("64 letters"));
    }

    #[rstest]
    #[case("entra lease make x", "--all-resources    every")]
    #[case("entra lease make x", "Usage: entra lease make NAME")]
    #[case("entra lease make x --account ada", "--for NAME")]
    #[case("entra lease make x --resource *", "--all-resources")]
    #[case("entra lease make x --for arm --all-resources", "cannot be used")]
    #[case("entra lease make --for arm", "NAME")]
    #[case("entra lease make x --for arm --expires-in 8", "30m")]
    #[case("entra lease revoke", "NAME|ID")]
    #[case("entra lease revoke x --all", "cannot be used")]
    fn a_mistake_is_answered_with_what_is_right(#[case] line: &str, #[case] right: &str) {
        let said = words(line);
        assert!(said.contains(right), "{said}");
    }

    #[test]
    fn without_a_word_the_leases_are_listed() {
        for (line, is_json) in [("entra lease", false), ("entra lease --json", true)] {
            let Command::Lease(args) = read(line).unwrap().command else { panic!() };
            assert!(args.action.is_none() && args.json == is_json);
        }
        for line in ["entra lease ls --json", "entra lease list --json"] {
            let Command::Lease(LeaseArgs { action: Some(LeaseAction::Ls(args)), .. }) =
                read(line).unwrap().command
            else {
                panic!()
            };
            assert!(args.json);
        }
    }

    #[test]
    fn help_lists_the_short_names() {
        let help = words("entra lease make --help");
        assert!(help.starts_with("Make a lease that stands by itself"), "{help}");
        assert!(help.contains("https://cognitiveservices.azure.com") && help.contains("nightly"), "{help}");
    }
}
