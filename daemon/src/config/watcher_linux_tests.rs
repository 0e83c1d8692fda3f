use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::super::Watch;
use super::*;

/// A folder with a file of ours and a neighbour, watched for the file.
fn watched() -> (TempDir, Watcher) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.toml", "neighbour"] {
        fs::write(folder.path().join(name), "a").unwrap();
    }
    let mut watcher = Watcher::start().unwrap();
    watcher.watch(vec![folder.path().join("config.toml")]);
    (folder, watcher)
}

/// All that waits. The kernel queues an event before the call that made it returns, so nothing is on its way.
fn all(watcher: &Watcher) -> Vec<Taken> {
    let mut all = Vec::new();
    loop {
        match watcher.take().unwrap() {
            Taken::Nothing => return all,
            taken => all.push(taken),
        }
    }
}

async fn rings(watch: &mut Watch) -> bool {
    tokio::time::timeout(Duration::from_secs(60), watch.changed()).await.is_ok()
}

#[tokio::test]
async fn opening_and_reading_wake_nobody() {
    let (folder, mut watcher) = watched();
    let managed = folder.path().join("managed.d");
    fs::create_dir(&managed).unwrap();
    fs::write(managed.join("10-it.toml"), "").unwrap();
    watcher.watch(vec![folder.path().join("config.toml"), managed.clone()]);
    all(&watcher);
    for path in
        [folder.path().join("config.toml"), folder.path().join("neighbour"), managed.join("10-it.toml")]
    {
        let mut text = String::new();
        File::open(&path).unwrap().read_to_string(&mut text).unwrap();
        assert!(Command::new("cat").arg(&path).output().unwrap().status.success());
        fs::metadata(&path).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    assert_eq!(fs::read_dir(&managed).unwrap().count(), 1);
    assert!(fs::read(folder.path().join("none")).is_err());
    assert_eq!(all(&watcher), []);
    fs::write(managed.join("20-more.toml"), "").unwrap();
    assert!(all(&watcher).contains(&Taken::Ours), "what is in a folder of ours is ours");
}

#[tokio::test]
async fn where_ours_is_not_yet_only_what_comes_is_told() {
    let (folder, mut watcher) = watched();
    watcher.watch(vec![folder.path().join("entrad").join("config.toml")]);
    all(&watcher);
    let neighbour = folder.path().join("neighbour");
    fs::write(&neighbour, "b").unwrap();
    fs::set_permissions(&neighbour, fs::Permissions::from_mode(0o600)).unwrap();
    fs::remove_file(&neighbour).unwrap();
    assert_eq!(all(&watcher), [], "a file that was there is written and goes");
    fs::write(&neighbour, "c").unwrap();
    assert_eq!(all(&watcher), [Taken::Others]);
    fs::create_dir(folder.path().join("entrad")).unwrap();
    assert_eq!(all(&watcher), [Taken::Ours]);
}

#[tokio::test]
async fn each_way_to_change_a_file_is_noticed() {
    let (folder, watcher) = watched();
    let (file, other) = (folder.path().join("config.toml"), folder.path().join("other"));
    let is_noticed = || all(&watcher).contains(&Taken::Ours);

    let mut open = OpenOptions::new().append(true).open(&file).unwrap();
    open.write_all(b"b").unwrap();
    assert!(!is_noticed(), "who writes it is not done");
    drop(open);
    assert!(is_noticed(), "it was written where it is");
    fs::write(&other, "c").unwrap();
    assert!(!is_noticed(), "an editor writes a file of its own");
    fs::rename(&other, &file).unwrap();
    assert!(is_noticed(), "and puts it in our file's place");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap();
    assert!(is_noticed(), "others may read it now");
    fs::rename(&file, &other).unwrap();
    assert!(is_noticed(), "it was called another name");
    fs::hard_link(&other, &file).unwrap();
    assert!(is_noticed(), "it has its name again");
    fs::remove_file(&file).unwrap();
    assert!(is_noticed(), "it was removed");
    symlink(&other, &file).unwrap();
    assert!(is_noticed(), "it is a link now");
    fs::remove_dir_all(folder.path()).unwrap();
    assert!(is_noticed(), "all of it went");
}

#[tokio::test]
async fn a_folder_that_is_asked_for_by_several_names_tells_of_each() {
    let (folder, mut watcher) = watched();
    let by_link = folder.path().join("link");
    symlink(folder.path(), &by_link).unwrap();
    // The last one asks for the least, and takes nothing from the others.
    watcher.watch(vec![
        folder.path().join("neighbour"),
        by_link.join("config.toml"),
        folder.path().join("entrad").join("config.toml"),
    ]);
    all(&watcher);
    for name in ["neighbour", "config.toml"] {
        fs::write(folder.path().join(name), "b").unwrap();
        assert_eq!(all(&watcher), [Taken::Ours], "{name}");
    }
    fs::create_dir(folder.path().join("entrad")).unwrap();
    assert_eq!(all(&watcher), [Taken::Ours]);
}

#[tokio::test]
async fn what_was_given_up_concerns_nobody() {
    let (folder, mut watcher) = watched();
    fs::write(folder.path().join("config.toml"), "b").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    watcher.watch(vec![elsewhere.path().join("config.toml")]);
    fs::write(folder.path().join("config.toml"), "c").unwrap();
    assert!(!all(&watcher).contains(&Taken::Ours));
    fs::write(elsewhere.path().join("config.toml"), "d").unwrap();
    assert!(all(&watcher).contains(&Taken::Ours));
}

#[tokio::test]
async fn where_events_were_lost_anything_may_have_changed() {
    let (folder, watcher) = watched();
    let room: usize =
        fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    fs::write(&one, "").unwrap();
    assert!(!all(&watcher).contains(&Taken::Ours));
    // Each makes two events of names that are not ours, and no two that follow each other are alike.
    for _ in 0..=room.div_ceil(4) {
        fs::rename(&one, &two).unwrap();
        fs::rename(&two, &one).unwrap();
    }
    let all = all(&watcher);
    assert_eq!(all.last(), Some(&Taken::Ours));
    assert_eq!(all.iter().filter(|taken| **taken == Taken::Ours).count(), 1);
}

#[tokio::test]
async fn a_link_changes_where_it_leads_to() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (file, real) = (folder.path().join("config.toml"), elsewhere.path().join("real.toml"));
    fs::write(&real, "a").unwrap();
    symlink(&real, &file).unwrap();
    let mut watch = Watch::start(vec![file]).unwrap();
    fs::write(&real, "b").unwrap();
    assert!(rings(&mut watch).await);
}

#[tokio::test]
async fn whoever_waits_is_woken_by_what_is_ours_alone() {
    let (folder, mut watcher) = watched();
    let name = folder.path().join("config.toml");
    fs::write(folder.path().join("neighbour"), "b").unwrap();
    let woken = tokio::time::timeout(Duration::from_millis(200), watcher.rung()).await;
    assert!(woken.is_err());
    fs::write(name, "b").unwrap();
    tokio::time::timeout(Duration::from_secs(60), watcher.rung()).await.unwrap();
}

/// The limits are the kernel's, of a user in a user namespace and of a process, so a process of its own meets them.
#[test]
fn a_limit_is_told_by_its_name() {
    let watches = "echo 0 > /proc/sys/user/max_inotify_watches && exec \"$0\" \"$@\"";
    let Some(said) = limited(&["unshare", "--user", "--map-root-user", "sh", "-c", watches]) else {
        eprintln!("SKIPPED: this system gives nobody a user namespace with limits of its own");
        return;
    };
    assert!(said.contains("fs.inotify.max_user_watches"), "{said}");
    let said = limited(&["sh", "-c", "ulimit -n 32 && exec \"$0\" \"$@\""]).unwrap();
    assert!(said.contains("fs.inotify.max_user_instances"), "{said}");
}

/// What the other half of this test said, started by these words.
fn limited(by: &[&str]) -> Option<String> {
    let half = "config::watcher::tests::under_a_limit";
    let mut command = Command::new(by[0]);
    command.args(&by[1..]).arg(std::env::current_exe().unwrap());
    let output =
        command.args(["--exact", half, "--ignored", "--nocapture", "--test-threads=1"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    said.contains("under_a_limit").then_some(said)
}

#[tokio::test]
#[ignore = "the other half of `a_limit_is_told_by_its_name`"]
async fn under_a_limit() {
    let (folder, mut taken) = (tempfile::tempdir().unwrap(), Vec::new());
    let mut one_more = || {
        let watcher = Watcher::start()?;
        watcher.add(folder.path(), WatchFlags::CREATE)?;
        taken.push(watcher);
        io::Result::Ok(())
    };
    let error = loop {
        if let Err(error) = one_more() {
            break error;
        }
    };
    drop(taken);
    println!("{error}");
}
