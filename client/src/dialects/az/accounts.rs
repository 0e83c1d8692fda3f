//! `az account list` and `az account show`: entrad's accounts, each as the Azure CLI shows one without subscriptions.

use entra_proto::account::{AccountId, AccountInfo};
use entra_proto::cloud::Cloud;
use entra_proto::error::{ErrorBody, ErrorCode, exit};

use super::form::Node;
use crate::dialects::ask;
use crate::failure::Failure;
use crate::text::{is_guid, plain};

/// Every account; an empty list where nobody is signed in, as the Azure CLI has it.
pub(super) fn list() -> Result<Node<'static>, Failure> {
    let accounts = ask::accounts()?;
    let default = default(&accounts).map(|account| (&account.id, &account.profile));
    let node = |account| node(account, "cloudName", default == Some((&account.id, &account.profile)));
    Ok(Node::List(accounts.iter().map(node).collect()))
}

/// The default account, or the one named by its tenant.
pub(super) fn show(named: Option<&str>) -> Result<Node<'static>, Failure> {
    let accounts = ask::accounts()?;
    let default = default(&accounts).ok_or_else(|| {
        Failure::from(
            ErrorBody::new(ErrorCode::SignInNeeded, "Nobody is signed in.").with_hint("Run `entra login`."),
        )
    })?;
    let account = match named {
        None => default,
        Some(named) => find(&accounts, named).ok_or_else(|| {
            let sentence = format!("entrad has no account in `{}`.", plain(named));
            Failure::new(exit::USAGE, "no_account", sentence).hint(
                "Subscriptions are not known to it; `entra accounts` lists the accounts and their tenants.",
            )
        })?,
    };
    Ok(node(account, "environmentName", account == default))
}

/// The account in the tenant of this id or name; the default one where several are, or where the name is that of all.
pub(super) fn find<'a>(accounts: &'a [AccountInfo], named: &str) -> Option<&'a AccountInfo> {
    let default = default(accounts)?;
    let is_meant = |account: &&AccountInfo| {
        named == TENANT_LEVEL
            || [account.tenant.as_str(), home_tenant(&account.id)]
                .iter()
                .any(|id| id.eq_ignore_ascii_case(named))
    };
    Some(default).filter(is_meant).or_else(|| accounts.iter().find(is_meant))
}

/// The directory in which the account lives: the second half of its id.
pub(super) fn home_tenant(id: &AccountId) -> &str {
    id.as_str().rsplit_once('.').map_or("", |(_, tenant)| tenant)
}

/// The tenant, by its id where that is known: an alias such as `organizations` is the home tenant. A domain is left as it
/// is; it is good wherever a tenant is named.
pub(super) fn tenant_id<'a>(tenant: &'a str, home: &'a str) -> &'a str {
    let is_alias = ["common", "consumers", "organizations"].contains(&tenant);
    if is_alias && is_guid(home) { home } else { tenant }
}

/// The one that answers when none is named, as entrad chooses.
fn default(accounts: &[AccountInfo]) -> Option<&AccountInfo> {
    accounts.iter().find(|account| account.profile == "default").or_else(|| accounts.first())
}

fn node(account: &AccountInfo, cloud: &'static str, is_default: bool) -> Node<'static> {
    let text = |text: &str| Node::text(plain(text).into_owned());
    let home = home_tenant(&account.id);
    let tenant = tenant_id(&account.tenant, home);
    let user = vec![("name", text(&account.username)), ("type", Node::text("user"))];
    Node::Object(vec![
        (cloud, Node::text(cloud_name(account.cloud))),
        ("homeTenantId", text(if is_guid(home) { home } else { tenant })),
        ("id", text(tenant)),
        ("isDefault", Node::Flag(is_default)),
        ("managedByTenants", Node::List(Vec::new())),
        ("name", Node::text(TENANT_LEVEL)),
        ("state", Node::text("Enabled")),
        ("tenantId", text(tenant)),
        ("user", Node::Object(user)),
    ])
}

/// The Azure CLI's names of the clouds (`az cloud list`).
fn cloud_name(cloud: Cloud) -> &'static str {
    match cloud {
        Cloud::China => "AzureChinaCloud",
        Cloud::Public => "AzureCloud",
        Cloud::UsGovernment => "AzureUSGovernment",
    }
}

/// What the Azure CLI calls an account without subscriptions, whose id is then the tenant's (`az login
/// --allow-no-subscriptions`).
pub(super) const TENANT_LEVEL: &str = "N/A(tenant level account)";

#[cfg(test)]
mod tests {
    use entra_proto::account::{Flow, Health, Provenance};
    use rstest::rstest;

    use super::*;

    const HOME: &str = "99999999-8888-7777-6666-555555555555";

    fn account(profile: &str, home: &str, tenant: &str) -> AccountInfo {
        AccountInfo {
            id: format!("1111.{home}").parse().unwrap(),
            username: format!("ada@{profile}"),
            name: None,
            profile: profile.to_owned(),
            cloud: Cloud::Public,
            tenant: tenant.to_owned(),
            client_id: "c".to_owned(),
            provenance: Provenance { flow: Flow::Browser, signed_in_on: 0 },
            health: Health::Good,
        }
    }

    #[rstest]
    #[case(HOME, "b")]
    #[case("99999999-8888-7777-6666-55555555555A", "default")]
    #[case("FABRIKAM.example", "default")]
    #[case("contoso.example", "b")]
    #[case(TENANT_LEVEL, "default")]
    fn a_tenant_stands_for_its_account(#[case] named: &str, #[case] profile: &str) {
        let other = "99999999-8888-7777-6666-55555555555a";
        let accounts = [account("b", HOME, "contoso.example"), account("default", other, "fabrikam.example")];
        assert_eq!(find(&accounts, named).map(|account| account.profile.as_str()), Some(profile));
        assert_eq!(find(&accounts, "11111111-2222-3333-4444-555555555555"), None);
        assert_eq!(find(&[], named), None);
    }

    #[test]
    fn the_default_account_goes_before_its_likes() {
        let accounts = [account("b", HOME, HOME), account("default", HOME, HOME)];
        assert_eq!(find(&accounts, HOME).map(|account| account.profile.as_str()), Some("default"));
    }

    #[rstest]
    #[case("organizations", HOME, HOME)]
    #[case("organizations", "t", "organizations")]
    #[case("contoso.example", HOME, "contoso.example")]
    fn an_alias_is_the_home_tenant(#[case] tenant: &str, #[case] home: &str, #[case] id: &str) {
        assert_eq!(tenant_id(tenant, home), id);
    }
}
