//! By the file system's number (statfs(2)), and for FUSE by its name among the mounts (proc(5), "mountinfo").

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{major, minor, statfs};

/// The name of the network file system that the path is on; nothing where it is on a local one.
///
/// # Errors
/// As the system says. It may take its time where the server is away.
pub(crate) fn network_file_system(path: &Path) -> io::Result<Option<String>> {
    // Some systems' numbers are signed and narrower.
    let number = u64::try_from(statfs(path)?.f_type).unwrap_or(0) & 0xffff_ffff;
    if number != FUSE {
        return Ok(name_of(number).map(str::to_owned));
    }
    let device = path.symlink_metadata()?.dev();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let kind = kind_of(&mounts, &format!("{}:{}", major(device), minor(device)));
    Ok(Some(kind.unwrap_or("FUSE").to_owned()).filter(|kind| !LOCAL.contains(&kind.as_str())))
}

fn name_of(number: u64) -> Option<&'static str> {
    NETWORK.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// What kind of file system is mounted as that device.
fn kind_of<'a>(mounts: &'a str, device: &str) -> Option<&'a str> {
    let mut mounts = mounts.lines().filter(|line| line.split(' ').nth(2) == Some(device));
    mounts.next()?.split_once(" - ")?.1.split(' ').next()
}

/// linux/magic.h, and statfs(2) for those of file systems outside the kernel.
const NETWORK: [(u64, &str); 13] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00c3_6400, "Ceph"),
    (0x0102_1997, "9P"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
];

const FUSE: u64 = 0x6573_5546;

/// Those over FUSE that keep their files on a disk of this machine.
const LOCAL: [&str; 9] = [
    "fuseblk",
    "fuse.bindfs",
    "fuse.cryfs",
    "fuse.encfs",
    "fuse.fuse-overlayfs",
    "fuse.gocryptfs",
    "fuse.mergerfs",
    "fuse.ntfs-3g",
    "fuse.securefs",
];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nfs(0x6969, Some("NFS"))]
    #[case::smb(0x517b, Some("SMB"))]
    #[case::cifs(0xff53_4d42, Some("CIFS"))]
    #[case::smb2(0xfe53_4d42, Some("SMB2"))]
    #[case::ceph(0x00c3_6400, Some("Ceph"))]
    #[case::plan9(0x0102_1997, Some("9P"))]
    #[case::ext4(0xef53, None)]
    #[case::btrfs(0x9123_683e, None)]
    #[case::xfs(0x5846_5342, None)]
    #[case::tmpfs(0x0102_1994, None)]
    #[case::overlay(0x794c_7630, None)]
    #[case::zfs(0x2fc1_2fc1, None)]
    fn numbers_tell_network_file_systems_from_local_ones(#[case] number: u64, #[case] name: Option<&str>) {
        assert_eq!(name_of(number), name);
    }

    #[test]
    fn what_is_behind_fuse_is_named_among_the_mounts() {
        let mounts = "36 35 98:0 / /mnt rw,noatime shared:1 - ext4 /dev/root rw\n\
            77 35 0:52 / /home/ada rw,nosuid shared:9 master:2 - fuse.sshfs ada@host:/home/ada rw,user_id=7\n";
        assert_eq!(kind_of(mounts, "0:52"), Some("fuse.sshfs"));
        assert_eq!(kind_of(mounts, "98:0"), Some("ext4"));
        assert_eq!(kind_of(mounts, "0:5"), None);
    }

    #[test]
    fn a_missing_path_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = network_file_system(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }
}
