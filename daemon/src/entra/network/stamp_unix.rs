//! The number of the file, and when anything of it changed, which nobody can set.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

pub(super) fn identity(metadata: &Metadata) -> (u64, i64) {
    (metadata.ino(), metadata.ctime().wrapping_mul(1_000_000_000).wrapping_add(metadata.ctime_nsec()))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::time::SystemTime;

    use super::super::Stamp;

    #[test]
    fn another_file_of_the_same_size_and_time_is_another() {
        let home = tempfile::tempdir().unwrap();
        let (file, other) = (home.path().join("file"), home.path().join("other"));
        for path in [&file, &other] {
            fs::write(path, "same").unwrap();
            File::options().write(true).open(path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        let before = Stamp::of(std::slice::from_ref(&file));
        fs::rename(&other, &file).unwrap();
        assert_ne!(Stamp::of(&[file]), before);
    }
}
