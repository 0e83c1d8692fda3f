//! Tenants and people.
//!
//! A person has one home and may be a guest elsewhere, with another object id there: the pair *home object id, home
//! tenant* names the account, the tenant of a token may be another. Both kinds are here so that a client that
//! confuses them is found out.

use uuid::Uuid;

use crate::errors::EntraError;

/// The tenants known to the simulator and the people in them.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    tenant: String,
    users: Vec<User>,
}

impl Directory {
    /// The built-in people, with `tenant` as the one at home.
    pub(crate) fn new(tenant: &str) -> Self {
        let user = |username: &str, name: &str, home: &str, oid: &str, guest: Option<(&str, &str)>| User {
            username: username.to_owned(),
            name: name.to_owned(),
            home: Seat { tenant: home.to_owned(), oid: oid.to_owned() },
            guest: guest.map(|(tenant, oid)| Seat { tenant: tenant.to_owned(), oid: oid.to_owned() }),
        };
        let users = vec![
            user(
                ADA,
                "Ada Example",
                tenant,
                "11111111-2222-3333-4444-000000000001",
                Some((PARTNER_TENANT, "22222222-3333-4444-5555-000000000001")),
            ),
            user(BOB, "Bob Example", tenant, "11111111-2222-3333-4444-000000000002", None),
            user(
                GWEN,
                "Gwen Guest",
                PARTNER_TENANT,
                "11111111-2222-3333-4444-555555555555",
                Some((tenant, "11111111-2222-3333-4444-000000000003")),
            ),
            user(MIA, "Mia Personal", CONSUMERS_TENANT, "00000000-0000-0000-1234-56789abcdef0", None),
        ];
        Self { tenant: tenant.to_owned(), users }
    }

    /// The realm that a tenant segment of a path names. Unknown GUIDs and domains below `.invalid` do not exist.
    pub(crate) fn realm(&self, segment: &str) -> Result<Realm, EntraError> {
        let segment = segment.to_ascii_lowercase();
        if Uuid::try_parse(&segment).is_ok() {
            let known = [self.tenant.as_str(), PARTNER_TENANT, CONSUMERS_TENANT];
            return match known.iter().find(|tenant| tenant.eq_ignore_ascii_case(&segment)) {
                Some(tenant) => Ok(Realm::Tenant((*tenant).to_owned())),
                None => Err(EntraError::tenant_not_found(&segment)),
            };
        }
        match segment.as_str() {
            "common" => Ok(Realm::Common),
            "consumers" => Ok(Realm::Consumers),
            "organizations" => Ok(Realm::Organizations),
            "partner.example" => Ok(Realm::Tenant(PARTNER_TENANT.to_owned())),
            domain if domain.contains('.') && !domain.ends_with(".invalid") => {
                Ok(Realm::Tenant(self.tenant.clone()))
            }
            _ => Err(EntraError::tenant_not_found(&segment)),
        }
    }

    /// The person with this user name, in any case.
    pub(crate) fn user(&self, username: &str) -> Option<&User> {
        self.users.iter().find(|user| user.username.eq_ignore_ascii_case(username))
    }

    /// Everybody.
    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }
}

/// What a tenant segment stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Realm {
    Common,
    Consumers,
    Organizations,
    Tenant(String),
}

impl Realm {
    /// The seat that a person takes when signing in through this realm.
    pub(crate) fn seat<'a>(&self, user: &'a User) -> Result<&'a Seat, EntraError> {
        let personal = user.home.tenant == CONSUMERS_TENANT;
        let seat = match self {
            Self::Common => Some(&user.home),
            Self::Consumers => Some(&user.home).filter(|_| personal),
            Self::Organizations => Some(&user.home).filter(|_| !personal),
            Self::Tenant(tenant) => [Some(&user.home), user.guest.as_ref()]
                .into_iter()
                .flatten()
                .find(|seat| seat.tenant == *tenant),
        };
        seat.ok_or_else(|| EntraError::user_not_in_tenant(&user.username))
    }
}

/// A person.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) home: Seat,
    guest: Option<Seat>,
}

/// A person's object in one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    pub(crate) tenant: String,
    pub(crate) oid: String,
}

/// At home in the simulator's tenant, a guest in [`PARTNER_TENANT`].
pub const ADA: &str = "ada@example.com";

/// At home in the simulator's tenant, and nowhere else.
pub const BOB: &str = "bob@example.com";

/// At home in [`PARTNER_TENANT`], a guest in the simulator's tenant: `tid` and `utid` differ.
pub const GWEN: &str = "gwen@partner.example";

/// A personal account, of [`CONSUMERS_TENANT`].
pub const MIA: &str = "mia@outlook.example";

/// The tenant at home here unless another is named.
pub const DEFAULT_TENANT: &str = "99999999-8888-7777-6666-555555555555";

/// A second organisation, where [`GWEN`] is at home.
pub const PARTNER_TENANT: &str = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";

/// The tenant of personal Microsoft accounts
/// (<https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference>).
pub const CONSUMERS_TENANT: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_name_realms() {
        let directory = Directory::new(DEFAULT_TENANT);
        let home = Realm::Tenant(DEFAULT_TENANT.to_owned());
        assert_eq!(directory.realm(&DEFAULT_TENANT.to_uppercase()).unwrap(), home);
        assert_eq!(directory.realm("contoso.onmicrosoft.com").unwrap(), home);
        assert_eq!(directory.realm("Organizations").unwrap(), Realm::Organizations);
        assert_eq!(directory.realm("00000000-0000-0000-0000-000000000bad").unwrap_err().code, 90_002);
        assert_eq!(directory.realm("nowhere.invalid").unwrap_err().code, 90_002);
        assert_eq!(directory.realm("nonsense").unwrap_err().code, 90_002);
    }

    #[test]
    fn people_sit_where_they_belong() {
        let directory = Directory::new(DEFAULT_TENANT);
        let seat = |realm: &Realm, who: &str| realm.seat(directory.user(who).unwrap()).cloned();
        let home = Realm::Tenant(DEFAULT_TENANT.to_owned());
        assert_eq!(seat(&home, GWEN).unwrap().oid, "11111111-2222-3333-4444-000000000003");
        assert_eq!(seat(&Realm::Organizations, GWEN).unwrap().tenant, PARTNER_TENANT);
        assert_eq!(seat(&Realm::Tenant(PARTNER_TENANT.to_owned()), BOB).unwrap_err().code, 50_020);
        assert_eq!(seat(&Realm::Organizations, MIA).unwrap_err().code, 50_020);
        assert_eq!(seat(&Realm::Consumers, MIA).unwrap().tenant, CONSUMERS_TENANT);
    }
}
