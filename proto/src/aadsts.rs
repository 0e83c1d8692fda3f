//! Entra's error numbers: what they mean, who can mend them, what to do next.
//!
//! One table for the daemon's hints and for `entra explain`. Microsoft says that codes and texts can
//! change and must not be depended on, so nothing here decides what the daemon does: it only chooses words.

/// What is known about one `AADSTS` number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The number.
    pub code: u32,
    /// Who can mend it.
    pub mender: Mender,
    /// What it means, one sentence without a period.
    pub cause: &'static str,
    /// What to do, in full sentences with the places that [`Explanation::remedy_for`] fills. Paths through the admin center
    /// are as it names them (Microsoft: how to add a redirect URI, grant tenant-wide admin consent).
    pub remedy: &'static str,
    /// Whether the meaning is in Microsoft's published table (else from issue threads or third parties).
    pub is_documented: bool,
}

impl Explanation {
    /// What to do, in full sentences about these names.
    #[must_use]
    pub fn remedy_for(&self, names: &Names<'_>) -> String {
        let mut filled = String::with_capacity(self.remedy.len());
        let mut rest = self.remedy;
        while let Some((before, after)) = rest.split_once('{') {
            let (place, behind) = after.split_once('}').unwrap_or((after, ""));
            filled.push_str(before);
            filled.push_str(names.of(place).unwrap_or_default());
            rest = behind;
        }
        filled.push_str(rest);
        filled
    }
}

/// What a remedy is about: each stands in its place.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Where administrators work, in the cloud that refused.
    pub admin_center: &'a str,
    /// The app registration.
    pub app: &'a str,
    /// The page where an administrator consents for everyone.
    pub consent_page: &'a str,
    /// The resource, or the scopes, asked for.
    pub resource: &'a str,
    /// The tenant asked.
    pub tenant: &'a str,
}

impl Names<'static> {
    /// General words, where no request is known.
    pub const GENERAL: Self = Self {
        admin_center: "the Microsoft Entra admin center (https://entra.microsoft.com)",
        app: "the app",
        consent_page: "https://login.microsoftonline.com/TENANT/adminconsent?client_id=CLIENT_ID",
        resource: "the resource",
        tenant: "the tenant",
    };
}

impl<'a> Names<'a> {
    fn of(&self, place: &str) -> Option<&'a str> {
        Some(match place {
            "admin_center" => self.admin_center,
            "app" => self.app,
            "consent_page" => self.consent_page,
            "resource" => self.resource,
            "tenant" => self.tenant,
            _ => return None,
        })
    }
}

/// Who can mend an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mender {
    /// An administrator of the tenant.
    Admin,
    /// Whoever set up the app registration or entrad's configuration.
    Configuration,
    /// Nobody need do anything: it is a step of a sign-in.
    Nobody,
    /// The person, by signing in or finishing a step.
    Person,
    /// A defect of entrad, to be reported.
    Report,
    /// Time.
    Time,
}

/// What is known about `code`.
#[must_use]
pub fn explain(code: u32) -> Option<Explanation> {
    explanations().find(|explanation| explanation.code == code)
}

/// The whole table, by number.
pub fn explanations() -> impl Iterator<Item = Explanation> {
    TABLE.lines().skip(1).filter_map(parse)
}

/// One line: number, mender, source, cause, remedy, between tabs.
fn parse(line: &'static str) -> Option<Explanation> {
    let mut fields = line.split('\t');
    let mut field = || fields.next().filter(|field| !field.is_empty());
    let code = field()?.parse().ok()?;
    let mender = match field()? {
        "admin" => Mender::Admin,
        "configuration" => Mender::Configuration,
        "nobody" => Mender::Nobody,
        "person" => Mender::Person,
        "report" => Mender::Report,
        "time" => Mender::Time,
        _ => return None,
    };
    let is_documented = match field()? {
        "documented" => true,
        "observed" => false,
        _ => return None,
    };
    let (cause, remedy) = (field()?, field()?);
    fields.next().is_none().then_some(Explanation { code, mender, cause, remedy, is_documented })
}

/// Meanings after Microsoft's error table ("documented") or after answers seen in public issues ("observed").
/// Numbers whose meaning could not be verified are left out.
const TABLE: &str = include_str!("aadsts.tsv");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read_and_they_are_in_order() {
        let rows: Vec<_> = explanations().collect();
        assert_eq!(rows.len(), TABLE.lines().count() - 1);
        assert!(rows.len() >= 150);
        assert!(rows.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn causes_and_remedies_are_sentences_with_known_places() {
        for row in explanations() {
            let Explanation { code, cause, remedy, .. } = row;
            assert!(!cause.ends_with('.') && !cause.contains(". "), "{code}: {cause}");
            assert!(remedy.ends_with('.'), "{code}: {remedy}");
            assert!(cause.starts_with(|char: char| char.is_uppercase()), "{code}: {cause}");
            for place in remedy.split('{').skip(1) {
                let name = place.split_once('}').and_then(|(name, _)| Names::GENERAL.of(name));
                assert!(name.is_some(), "{code}: {remedy}");
            }
            assert!(!cause.contains(['{', '}']), "{code}: {cause}");
            let told = row.remedy_for(&Names::GENERAL);
            assert!(!told.contains(['{', '}']), "{code}: {told}");
            assert_eq!(remedy.matches('`').count() % 2, 0, "{code}: {remedy}");
        }
    }

    #[test]
    fn what_a_person_mends_names_the_command() {
        for row in explanations().filter(|row| row.mender == Mender::Person) {
            assert!(row.remedy.contains("`entra login"), "{}: {}", row.code, row.remedy);
        }
    }

    #[test]
    fn what_is_switched_in_the_admin_center_is_named_with_its_path() {
        let registration = "Entra ID > App registrations > All applications > the app > ";
        let enterprise = "Entra ID > Enterprise apps > All applications > the app > ";
        for (code, path, switch) in [
            (50011, registration, "Mobile and desktop applications with the redirect URI `http://localhost`"),
            (
                500_113,
                registration,
                "Mobile and desktop applications with the redirect URI `http://localhost`",
            ),
            (700_084, registration, "remove `http://localhost` from Single-page application"),
            (9_002_325, registration, "remove `http://localhost` from Single-page application"),
            (
                7_000_218,
                registration,
                "set Allow public client flows (in Settings or Advanced settings) to Yes",
            ),
            (65005, registration, "add a delegated permission of the resource and use Grant admin consent"),
            (650_057, registration, "add a delegated permission of the resource and use Grant admin consent"),
            (65001, enterprise, "/adminconsent?client_id=CLIENT_ID"),
            (90094, enterprise, "Permissions > Grant admin consent"),
            (90095, enterprise, "Entra ID > Enterprise apps > Admin consent requests"),
            (50105, enterprise, "Users and groups > Add user/group"),
            (53003, "Entra ID > Conditional Access > Policies", "Conditions > Authentication flows"),
            (530_035, "Entra ID > Overview > Properties", "Manage security defaults"),
        ] {
            let told = explain(code).unwrap().remedy_for(&Names::GENERAL);
            let center = "the Microsoft Entra admin center (https://entra.microsoft.com)";
            assert!(told.contains(center) && told.contains(path) && told.contains(switch), "{code}: {told}");
        }
    }

    #[test]
    fn a_name_that_looks_like_a_place_stays_a_name() {
        let names = Names { app: "{tenant}", ..Names::GENERAL };
        let told = explain(700_011).unwrap().remedy_for(&names);
        assert_eq!(told, "Check `client_id` ({tenant}) and `tenant` (the tenant) of the profile.");
    }

    #[test]
    fn numbers_are_found_or_not() {
        assert_eq!(explain(50076).unwrap().mender, Mender::Person);
        assert_eq!(explain(7_000_218).unwrap().mender, Mender::Configuration);
        assert!(!explain(530_084).unwrap().is_documented);
        for unverified in [70017, 700_171, 530_004, 90133, 1] {
            assert_eq!(explain(unverified), None);
        }
    }

    #[test]
    fn a_damaged_line_is_no_explanation() {
        for line in [
            "",
            "1",
            "x\tadmin\tdocumented\ta\tb.",
            "1\tadmin\tdocumented\t\tb.",
            "1\tadmin\tdocumented\ta\tb.\tc",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
