//! `az account get-access-token`.
//!
//! entrad knows accounts and tenants, not subscriptions. Where `az account show` must give the id of one it gives the
//! tenant's, as the Azure CLI does for an account without any; so a subscription that is called as a tenant is that one.

use entra_proto::account::AccountInfo;
use entra_proto::token::{TokenAnswer, TokenRequest};

use super::accounts::{find, home_tenant, tenant_id};
use super::form::{Node, Wanted};
use super::local_time::local_time;
use crate::dialects::ask;
use crate::dialects::words::{Given, Known, Takes};
use crate::failure::Failure;
use crate::text::is_guid;

/// `--subscription` has a second name in this group of commands.
pub(super) const SUBSCRIPTION: Known =
    Known { name: "subscription", spellings: &["--subscription", "-s", "--name", "-n"], takes: Takes::One };

/// What the command takes besides the form.
pub(super) const OPTIONS: &[Known] = &[
    SUBSCRIPTION,
    Known { name: "resource", spellings: &["--resource"], takes: Takes::One },
    Known { name: "resource-type", spellings: &["--resource-type"], takes: Takes::One },
    Known { name: "scope", spellings: &["--scope"], takes: Takes::Many },
    Known { name: "tenant", spellings: &["--tenant", "-t"], takes: Takes::One },
];

/// What was asked for.
#[derive(Debug, PartialEq)]
pub(super) struct Asked<'a> {
    target: Target<'a>,
    subscription: Option<&'a str>,
    tenant: Option<&'a str>,
}

#[derive(Debug, PartialEq)]
enum Target<'a> {
    Resource(&'a str),
    Scopes(Vec<&'a str>),
}

impl<'a> Asked<'a> {
    /// From the options, the last of each; `None` where they name two targets or one that is not ours.
    pub(super) fn of(given: &[Given<'a>]) -> Option<Self> {
        let last = |name| given.iter().rfind(|given| given.name == name).map(|given| &given.values[..]);
        let one = |name| {
            last(name).and_then(|values| values.first().copied()).filter(|value: &&str| !value.is_empty())
        };
        let target = match (last("resource"), last("resource-type"), last("scope")) {
            (None, None, None) => Target::Resource("arm"),
            (Some([resource]), None, None) => Target::Resource(resource),
            (None, Some([name]), None) => Target::Resource(of_type(name)?),
            (None, None, Some(scopes)) => Target::Scopes(scopes.to_vec()),
            _ => return None,
        };
        Some(Self { target, subscription: one(SUBSCRIPTION.name), tenant: one("tenant") })
    }

    /// The same for entrad. `account` is the one whose tenant was named as the subscription.
    fn request(&self, account: Option<&AccountInfo>) -> TokenRequest {
        let (resource, scopes) = match &self.target {
            Target::Resource(resource) => (Some((*resource).to_owned()), None),
            Target::Scopes(scopes) => (None, Some(scopes.iter().map(|&scope| scope.to_owned()).collect())),
        };
        TokenRequest {
            scopes,
            resource,
            account: account.map(|account| account.id.to_string()),
            profile: account.map(|account| account.profile.clone()),
            tenant: self.tenant.map(str::to_owned),
            ..TokenRequest::default()
        }
    }
}

/// Asks for the token and prints it.
pub(super) fn print(asked: &Asked<'_>, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let accounts = if asked.subscription.is_some() { ask::accounts()? } else { Vec::new() };
    let account = asked.subscription.and_then(|named| find(&accounts, named));
    let answer = ask::token(asked.request(account))?;
    wanted.print(&node(&answer, asked.subscription))
}

/// The answer in the Azure CLI's members and their order, which is the alphabet's.
fn node<'a>(answer: &'a TokenAnswer, subscription: Option<&'a str>) -> Node<'a> {
    let tenant = tenant_id(&answer.tenant, home_tenant(&answer.account));
    let subscription = subscription.filter(|named| is_guid(named)).unwrap_or(tenant);
    Node::Object(vec![
        ("accessToken", Node::text(answer.access_token.expose())),
        ("expiresOn", Node::text(local_time(answer.expires_on))),
        ("expires_on", Node::Number(answer.expires_on)),
        ("subscription", Node::text(subscription)),
        ("tenant", Node::text(tenant)),
        ("tokenType", Node::text(answer.token_type.as_str())),
    ])
}

/// The short name of what `--resource-type` names; the others that the Azure CLI lists are services that have ended.
fn of_type(name: &str) -> Option<&'static str> {
    match name {
        "arm" => Some("arm"),
        "batch" => Some("batch"),
        "ms-graph" => Some("graph"),
        "oss-rdbms" => Some("postgres"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use entra_proto::resource::named;
    use entra_proto::secret::AccessToken;
    use entra_proto::token::Source;
    use rstest::rstest;

    use super::*;
    use crate::dialects::words::read;

    fn asked(line: &'static str) -> Option<Asked<'static>> {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        Asked::of(&read(&words, OPTIONS).unwrap())
    }

    fn answer(tenant: &str) -> TokenAnswer {
        TokenAnswer {
            access_token: AccessToken::new("eyJ0".to_owned()),
            token_type: "Bearer".to_owned(),
            expires_on: 1_795_231_445,
            scopes: Vec::new(),
            account: "1-1.99999999-8888-7777-6666-555555555555".parse().unwrap(),
            tenant: tenant.to_owned(),
            source: Source::Cache,
            refresh_due_on: 0,
        }
    }

    #[rstest]
    #[case("", r#"{"resource":"arm"}"#)]
    #[case("--resource https://a/", r#"{"resource":"https://a/"}"#)]
    #[case("--resource x --resource y", r#"{"resource":"y"}"#)]
    #[case("--scope a/.default", r#"{"scopes":["a/.default"]}"#)]
    #[case("--scope a b", r#"{"scopes":["a","b"]}"#)]
    #[case("--resource-type ms-graph -t T", r#"{"resource":"graph","tenant":"T"}"#)]
    #[case("--tenant= -s x", r#"{"resource":"arm"}"#)]
    fn options_become_a_request(#[case] line: &'static str, #[case] json: &str) {
        assert_eq!(serde_json::to_string(&asked(line).unwrap().request(None)).unwrap(), json);
    }

    #[rstest]
    #[case("--resource a --scope b")]
    #[case("--resource a --resource-type arm")]
    #[case("--resource-type aad-graph")]
    fn two_targets_or_a_foreign_one_are_not_ours(#[case] line: &'static str) {
        assert_eq!(asked(line), None);
    }

    #[test]
    fn each_type_is_a_short_name_of_ours() {
        for name in ["arm", "batch", "ms-graph", "oss-rdbms"] {
            assert!(of_type(name).and_then(named).is_some(), "{name}");
        }
    }

    #[rstest]
    #[case(
        "organizations",
        None,
        "99999999-8888-7777-6666-555555555555",
        "99999999-8888-7777-6666-555555555555"
    )]
    #[case("contoso.com", None, "contoso.com", "contoso.com")]
    #[case("contoso.com", Some("My Sub"), "contoso.com", "contoso.com")]
    #[case(
        "contoso.com",
        Some("11111111-2222-3333-4444-555555555555"),
        "contoso.com",
        "11111111-2222-3333-4444-555555555555"
    )]
    fn the_tenant_and_the_subscription_are_told_as_known(
        #[case] asked_of: &str,
        #[case] named: Option<&str>,
        #[case] tenant: &str,
        #[case] subscription: &str,
    ) {
        let answer = answer(asked_of);
        let Node::Object(members) = node(&answer, named) else { panic!() };
        let names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["accessToken", "expiresOn", "expires_on", "subscription", "tenant", "tokenType"]);
        assert_eq!(members[2].1, Node::Number(1_795_231_445));
        assert_eq!((&members[3].1, &members[4].1), (&Node::text(subscription), &Node::text(tenant)));
    }
}
