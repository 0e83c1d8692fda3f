//! Every bound, as it is asked.

use rstest::rstest;

use super::*;
use crate::config::file;

/// Bounds of a managed file and of a user's one.
fn bounds(managed: &str, user: &str) -> Bounds {
    let path = std::path::Path::new("/m.toml");
    let by = |line| Source::Managed(format!("/m.toml:{line}"));
    let user_by = |line| Source::File { path: path.to_owned(), line, owner: crate::config::Owner::User };
    let managed = file::parse(managed, path, &by).unwrap();
    let user = file::parse(user, path, &user_by).unwrap();
    Bounds::read(&Layers(vec![user, managed]))
}

/// Whether cloud, tenant and app registration may be used under the profile.
fn place(bounds: &Bounds, profile: &str, asked: (&str, &str, &str)) -> Result<(), ErrorBody> {
    bounds.allow_place(profile, asked.0.parse().unwrap(), asked.1, asked.2)
}

#[rstest]
#[case::nothing_is_bounded("", "default", ("china", "t", "c"), None)]
#[case::a_tenant_that_is_named("allowed_tenants = ['T']", "default", ("public", "t", "c"), None)]
#[case::another_tenant("allowed_tenants = ['a']", "default", ("public", "t", "c"), Some("allowed_tenants"))]
#[case::a_locked_tenant("tenant = 'a'", "default", ("public", "t", "c"), Some("tenant"))]
#[case::a_lock_bounds_every_profile("tenant = 'a'", "other", ("public", "t", "c"), Some("tenant"))]
#[case::a_list_widens_a_lock("tenant = 'a'\nallowed_tenants = ['t']", "default", ("public", "t", "c"), None)]
#[case::a_managed_profile_has_its_own(
    "tenant = 'a'\n[profile.w]\ntenant = 't'", "w", ("public", "t", "c"), None
)]
#[case::and_no_other(
    "tenant = 'a'\n[profile.w]\ntenant = 't'", "w", ("public", "a", "c"), Some("tenant")
)]
#[case::a_locked_app("client_id = 'a'", "other", ("public", "t", "c"), Some("client_id"))]
#[case::another_app("allowed_client_ids = ['a']", "default", ("public", "t", "c"), Some("allowed_client_ids"))]
#[case::a_locked_cloud("cloud = 'public'", "other", ("china", "t", "c"), Some("cloud"))]
#[case::another_cloud("allowed_clouds = ['public']", "default", ("china", "t", "c"), Some("allowed_clouds"))]
fn a_place_is_allowed_or_refused_by_name(
    #[case] managed: &str,
    #[case] profile: &str,
    #[case] asked: (&str, &str, &str),
    #[case] key: Option<&str>,
) {
    let refused = place(&bounds(managed, ""), profile, asked).err();
    let message = refused.as_ref().map(|error| error.message.clone()).unwrap_or_default();
    assert_eq!(refused.is_some(), key.is_some(), "{message}");
    if let Some(key) = key {
        assert!(message.contains(&format!("`{key}` in /m.toml:")), "{message}");
        assert_eq!(refused.unwrap().code, ErrorCode::Refused);
    }
}

#[test]
fn what_a_user_sets_bounds_nothing() {
    let bounds = bounds("", "tenant = 'a'\nclient_id = 'b'");
    assert!(place(&bounds, "default", ("public", "t", "c")).is_ok());
}

#[rstest]
#[case("ada@a.example", true)]
#[case("ada@A.EXAMPLE", true)]
#[case("ada@b.example", true)]
#[case("ada@sub.a.example", false)]
#[case("a.example", false)]
#[case("", false)]
fn people_are_told_by_their_domain(#[case] username: &str, #[case] is_allowed: bool) {
    let bounds = bounds("allowed_domains = ['a.example', '@b.example']", "");
    assert_eq!(bounds.allow_person(username).is_ok(), is_allowed);
}

#[test]
fn a_locked_proxys_password_is_not_among_the_bounds() {
    let bounds = bounds("https_proxy = 'http://ada:hunter2@proxy.example'\ntenant = 't'", "");
    assert!(bounds.lock("default", "tenant").is_some());
    assert!(!format!("{bounds:?}").contains("hunter2"));
}

#[test]
fn switches_and_words_shut_what_they_name() {
    let shut = bounds(
        "leases = false\nforwarding = 'off'\nsign_in_page = 0\ndialects = 'azd'\nforbidden_flows = 'browser'\nallowed_stores = ['dpapi']",
        "leases = true",
    );
    let refused = [
        shut.allow_leases(),
        shut.allow_forwarding(),
        shut.allow_sign_in_page(),
        shut.allow_dialect(Dialect::Registry),
        shut.allow_dialect(Dialect::ManagedIdentity),
        shut.allow_flow(Flow::Browser),
        shut.allow_store("passphrase"),
    ];
    assert!(refused.iter().all(Result::is_err), "{refused:?}");
    let allowed =
        [shut.allow_dialect(Dialect::Azd), shut.allow_flow(Flow::DeviceCode), shut.allow_store("dpapi")];
    assert!(allowed.iter().all(Result::is_ok), "{allowed:?}");
    let open = Bounds::default();
    let allowed = [
        open.allow_leases(),
        open.allow_forwarding(),
        open.allow_sign_in_page(),
        open.allow_dialect(Dialect::Registry),
        open.allow_flow(Flow::Browser),
        open.allow_store("passphrase"),
        open.allow_person("anybody"),
    ];
    assert!(allowed.iter().all(Result::is_ok), "{allowed:?}");
}

#[test]
fn a_lease_lives_no_longer_than_it_may() {
    let bounds = bounds("longest_lease = '2h'", "");
    assert_eq!(bounds.lease_life(None).unwrap(), Some(7200));
    assert_eq!(bounds.lease_life(Some(60)).unwrap(), Some(60));
    assert!(bounds.lease_life(Some(7201)).unwrap_err().message.contains("2h"));
    assert_eq!(Bounds::default().lease_life(None).unwrap(), None);
}
