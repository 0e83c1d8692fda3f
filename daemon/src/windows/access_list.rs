//! Judging an object's owner and access list, as the system writes them (SDDL).
//!
//! `O:S-1-…D:P(A;OICI;FA;;;S-1-…)(A;;0x1200a9;;;BU)`: the owner, then entries of type, flags, rights, two object
//! ids and a user. Whatever is not understood counts against the object.
//! Source: learn.microsoft.com, "ACE Strings" and "SID Strings".

use std::io;
use std::os::windows::io::BorrowedHandle;

use super::security::text_of;
use super::{ObjectKind, Sid};

/// Who owns an object, and who may do what with it.
#[derive(Debug, PartialEq, Eq)]
pub struct AccessList {
    owner: String,
    /// `None` where there is no list, so that everybody may do everything.
    allowed: Option<Vec<Allowed>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Allowed {
    user: String,
    rights: u32,
}

impl AccessList {
    /// That of an open object. The handle needs `READ_CONTROL`.
    ///
    /// # Errors
    /// As the system says.
    pub fn of(object: BorrowedHandle<'_>, kind: ObjectKind) -> io::Result<Self> {
        Ok(Self::parse(&text_of(object, kind)?))
    }

    /// From text, of which only owner and access list are looked at.
    pub(crate) fn parse(text: &str) -> Self {
        let (owner, list) = text.split_once("D:").unwrap_or((text, "NO_ACCESS_CONTROL"));
        let owner = owner.trim_start_matches("O:").to_owned();
        let list = list.split("S:(").next().unwrap_or(list);
        let entries = || list.split('(').skip(1).map(|entry| entry.trim_end_matches(')'));
        let allowed = (!list.contains("NO_ACCESS_CONTROL"))
            .then(|| entries().filter(|entry| !is_denial(entry)).map(Allowed::parse).collect());
        Self { owner, allowed }
    }

    /// Whether it belongs to this user, or to those who can do anything anyway.
    #[must_use]
    pub fn is_owned_by(&self, user: &Sid) -> bool {
        is_user(&self.owner, user) || self.is_owned_by_administrators()
    }

    /// Whether it belongs to Administrators, the system, or the installer of the system's own files.
    #[must_use]
    pub fn is_owned_by_administrators(&self) -> bool {
        is_administrator(&self.owner)
    }

    /// Whether anybody but this user and administrators may do anything with it.
    #[must_use]
    pub fn is_open_to_others_than(&self, user: &Sid) -> bool {
        let is_other =
            |entry: &Allowed| !is_user(&entry.user, user) && !is_privileged(&entry.user) && entry.rights != 0;
        self.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(is_other))
    }

    /// Whether anybody but administrators may change it.
    #[must_use]
    pub fn lets_users_write(&self) -> bool {
        self.lets_write(|_| true)
    }

    /// Whether anybody but this user and administrators may change it.
    #[must_use]
    pub fn lets_others_write(&self, user: &Sid) -> bool {
        self.lets_write(|entry| !is_user(&entry.user, user))
    }

    fn lets_write(&self, counts: impl Fn(&Allowed) -> bool) -> bool {
        let writes =
            |entry: &Allowed| counts(entry) && !is_privileged(&entry.user) && entry.rights & !READ_ONLY != 0;
        self.allowed.as_ref().is_none_or(|allowed| allowed.iter().any(writes))
    }

    /// The owner, for messages: an identifier or one of the system's short names.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }
}

impl Allowed {
    fn parse(entry: &str) -> Self {
        let mut fields = entry.split(';').skip(2);
        let rights = fields.next().map_or(ALL, rights);
        Self { user: fields.nth(2).unwrap_or_default().to_owned(), rights }
    }
}

/// Entries that take rights away: `D`, `OD` and `XD`.
fn is_denial(entry: &str) -> bool {
    entry.split(';').next().is_some_and(|kind| ["D", "OD", "XD"].contains(&kind))
}

/// Rights as a number, or as pairs of letters.
fn rights(text: &str) -> u32 {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).unwrap_or(ALL);
    }
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| RIGHTS.iter().find(|(name, _)| name.as_bytes() == pair).map_or(ALL, |(_, bits)| *bits))
        .fold(0, |all, bits| all | bits)
}

/// `LA` is what the system calls the built-in administrator's account, whose relative id is 500.
fn is_user(name: &str, user: &Sid) -> bool {
    name == user.as_str() || (name == "LA" && user.as_str().ends_with("-500"))
}

fn is_administrator(name: &str) -> bool {
    ["BA", "SY", "S-1-5-32-544", "S-1-5-18", TRUSTED_INSTALLER].contains(&name)
}

/// As above, and the two names that stand for whoever owns the object.
fn is_privileged(name: &str) -> bool {
    is_administrator(name) || ["CO", "OW", "S-1-3-0", "S-1-3-4"].contains(&name)
}

const TRUSTED_INSTALLER: &str = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464";

/// What the letters stand for that occur in lists of files (sddl.h, winnt.h); others count as everything.
const RIGHTS: [(&str, u32); 7] = [
    ("FA", 0x1f_01ff),
    ("FR", 0x12_0089),
    ("FW", 0x12_0116),
    ("FX", 0x12_00a0),
    ("GR", 0x8000_0000),
    ("GX", 0x2000_0000),
    ("RC", 0x2_0000),
];

/// Reading and running: `FILE_GENERIC_READ`, `FILE_GENERIC_EXECUTE` and what stands for them.
const READ_ONLY: u32 = 0x12_0089 | 0x12_00a0 | 0x8000_0000 | 0x2000_0000;

const ALL: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Descriptor;
    use super::*;

    fn list(text: &str) -> AccessList {
        AccessList::parse(&text.replace("ME", Sid::ours().unwrap().as_str()))
    }

    #[rstest]
    #[case::ours("O:MED:P(A;;FA;;;ME)", true, false)]
    #[case::handed_on(
        "O:MED:(A;OICIID;FA;;;ME)(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;OICIIOID;GA;;;CO)",
        true,
        false
    )]
    #[case::denials_open_nothing("O:MED:P(D;;GA;;;WD)(A;;FA;;;ME)", true, false)]
    #[case::nobody("O:MED:P", true, false)]
    #[case::an_administrators("O:BAD:P(A;;FA;;;ME)", true, false)]
    #[case::users_may_read("O:MED:P(A;;FA;;;ME)(A;;0x1200a9;;;BU)", true, true)]
    #[case::everyone("O:MED:P(A;;FR;;;WD)", true, true)]
    #[case::no_list("O:MED:NO_ACCESS_CONTROL", true, true)]
    #[case::without_a_list("O:ME", true, true)]
    #[case::a_condition("O:MED:P(XA;;FR;;;WD;(x))", true, true)]
    #[case::anothers("O:S-1-5-21-1-2-3-9D:P(A;;FA;;;ME)", false, false)]
    fn owners_and_openness(#[case] text: &str, #[case] is_ours: bool, #[case] is_open: bool) {
        let ours = Sid::ours().unwrap();
        assert_eq!(
            (list(text).is_owned_by(&ours), list(text).is_open_to_others_than(&ours)),
            (is_ours, is_open)
        );
    }

    #[rstest]
    #[case::read("O:BAD:(A;ID;FA;;;SY)(A;ID;FA;;;BA)(A;ID;0x1200a9;;;BU)(A;ID;FRFX;;;AU)", false)]
    #[case::write("O:BAD:(A;;FA;;;BA)(A;;FW;;;BU)", true)]
    #[case::one_bit("O:BAD:(A;;0x1200ab;;;BU)", true)]
    #[case::delete("O:BAD:(A;;FRSD;;;BU)", true)]
    #[case::odd("O:BAD:(A;;FRF;;;BU)", true)]
    #[case::empty("O:BAD:(A)", true)]
    fn who_may_write(#[case] text: &str, #[case] is_writable: bool) {
        assert_eq!(list(text).lets_users_write(), is_writable);
    }

    #[rstest]
    #[case::ours("O:MED:P(A;;FA;;;ME)(A;;FA;;;SY)", false)]
    #[case::others_read("O:MED:P(A;;FA;;;ME)(A;;0x1200a9;;;BU)", false)]
    #[case::others_write("O:MED:P(A;;FA;;;ME)(A;;FW;;;BU)", true)]
    #[case::no_list("O:ME", true)]
    fn who_else_may_write(#[case] text: &str, #[case] is_writable: bool) {
        assert_eq!(list(text).lets_others_write(&Sid::ours().unwrap()), is_writable);
    }

    #[test]
    fn a_folder_can_be_closed_and_looks_closed() {
        use std::os::windows::fs::OpenOptionsExt;
        use std::os::windows::io::AsHandle;

        use windows_sys::Win32::Storage::FileSystem::{FILE_FLAG_BACKUP_SEMANTICS, READ_CONTROL, WRITE_DAC};

        let folder = tempfile::tempdir().unwrap();
        let ours = Sid::ours().unwrap();
        let mut options = std::fs::OpenOptions::new();
        options.access_mode(READ_CONTROL | WRITE_DAC).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
        let handle = options.open(folder.path()).unwrap();
        Descriptor::parse("D:P(A;;FA;;;WD)").unwrap().apply(handle.as_handle()).unwrap();
        let open = AccessList::of(handle.as_handle(), ObjectKind::File).unwrap();
        assert!(open.is_open_to_others_than(&ours) && open.is_owned_by(&ours), "{open:?}");
        Descriptor::of_folder(&ours).unwrap().apply(handle.as_handle()).unwrap();
        let closed = AccessList::of(handle.as_handle(), ObjectKind::File).unwrap();
        assert!(!closed.is_open_to_others_than(&ours), "{closed:?}");
    }
}
