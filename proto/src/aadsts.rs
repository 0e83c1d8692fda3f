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
    /// What to do, one full sentence. `{app}`, `{resource}` and `{tenant}` stand for the request's own.
    pub remedy: &'static str,
    /// Whether the meaning is in Microsoft's published table (else from issue threads or third parties).
    pub is_documented: bool,
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
            let mut rest = remedy.to_owned();
            for place in ["{app}", "{resource}", "{tenant}"] {
                rest = rest.replace(place, "");
            }
            assert!(!rest.contains(['{', '}']) && !cause.contains('{'), "{code}: {remedy}");
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
