//! Real processes that connect, and what they do to be taken for others. The programs are copies of perl: it can connect, and become
//! another program on command, and is no interpreter under another name.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio, id};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::UnixListener;

use super::super::Caller;
use super::*;
use crate::access::facts::Strength;
use crate::harden;

/// A socket, and a folder for programs.
struct Scene {
    folder: TempDir,
    listener: UnixListener,
}

/// A process that does what it is told.
struct Player {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

const SCRIPT: &str = r#"
use Socket;
$^F = 255;
$| = 1;
socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die;
print "ready\n";
while (defined(my $word = <STDIN>)) {
    chomp $word;
    connect($socket, pack_sockaddr_un($ARGV[0])) or die if $word eq "connect";
    exec split(/ /, $1) or die if $word =~ /^exec (.*)/;
    $0 = $1 if $word =~ /^call (.*)/;
    print "ready\n";
}
"#;

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("script"), SCRIPT).unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        Self { folder, listener }
    }

    fn path(&self, name: &str) -> PathBuf {
        // As the kernel will call it: the way to temporary files may be a link.
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// A program of this name.
    fn program(&self, name: &str) -> PathBuf {
        // By another process: what another test starts meanwhile would hold the copy open for writing, and nobody could run it.
        assert!(Command::new("cp").arg(perl()).arg(self.path(name)).status().unwrap().success());
        self.path(name)
    }

    /// Starts it with its script.
    fn play(&self, command: &mut Command) -> Player {
        self.play_from(command, &self.path("script"))
    }

    fn play_from(&self, command: &mut Command, script: &Path) -> Player {
        command.arg(script).arg(self.path("socket"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (to, from) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut player = Player { child, to, from };
        player.is_ready();
        player
    }

    /// A program of this name that has connected.
    async fn connected(&self, name: &str) -> (Player, Caller) {
        let mut player = self.play(&mut Command::new(self.program(name)));
        let caller = self.accept(&mut player).await;
        (player, caller)
    }

    async fn accept(&self, player: &mut Player) -> Caller {
        player.tell("connect");
        let (stream, _) = self.listener.accept().await.unwrap();
        Caller::of(&stream).unwrap()
    }
}

impl Player {
    fn tell(&mut self, word: &str) {
        writeln!(self.to, "{word}").unwrap();
        self.is_ready();
    }

    fn is_ready(&mut self) {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }

    fn end(&mut self) {
        let _ended_already = self.child.kill();
        self.child.wait().unwrap();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.end();
    }
}

fn perl() -> PathBuf {
    fs::canonicalize("/usr/bin/perl").unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// What is so of a program that has no fault: it lies in a folder of the user's.
fn unblemished() -> Strength {
    if is_root() { Strength::Strong } else { Strength::Weak(told_of(&Doubt::OWN_FILE)) }
}

fn told_of(doubt: &Doubt) -> String {
    Look::new(None, Facts::of_nobody(), vec![doubt.clone()]).told(None).reasons.remove(0)
}

fn has(look: &Look, words: &str) -> bool {
    look.told(None).reasons.iter().any(|reason| reason.contains(words))
}

#[tokio::test]
async fn a_program_is_known_by_its_path_and_its_bytes() {
    let scene = Scene::new();
    let (player, caller) = scene.connected("tool").await;
    let look = caller.look(true).await;
    assert_eq!(look.facts.program, Some(scene.path("tool")));
    assert_eq!(look.facts.strength, unblemished(), "{look:?}");
    let digest: [u8; 32] = Sha256::digest(fs::read(perl()).unwrap()).into();
    assert_eq!(look.facts.program_hash, Some(digest));
    assert_eq!(look.pid, Some(player.child.id()));
    assert_eq!(look.facts.parents.first(), std::env::current_exe().ok().as_ref());
    assert!(!look.facts.container && !look.facts.forwarded && look.facts.script.is_none());
    assert!(Arc::ptr_eq(&look, &caller.look(true).await), "it is looked at once");
}

#[tokio::test]
async fn who_becomes_another_program_after_connecting_is_known_as_neither() {
    let scene = Scene::new();
    let (mut player, caller) = scene.connected("tool").await;
    assert_eq!(caller.look(false).await.facts.strength, unblemished());
    player.tell("exec /bin/sh -c echo${IFS}ready;read${IFS}end");
    let look = caller.look(false).await;
    assert_eq!(look.facts.strength, Strength::Unknown, "{look:?}");
    assert!(has(&look, "another program than when it connected"), "{look:?}");
    let noted = caller.noted();
    assert_eq!(noted.program.as_deref(), scene.path("tool").to_str());
    assert!(noted.became.is_some_and(|path| path.ends_with("sh")));
}

#[tokio::test]
async fn a_program_of_the_same_path_is_another_program() {
    let scene = Scene::new();
    let (mut player, caller) = scene.connected("tool").await;
    fs::rename(scene.program("other"), scene.path("tool")).unwrap();
    let words = [scene.path("tool"), scene.path("script"), scene.path("socket")];
    let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
    player.tell(&format!("exec {}", words.join(" ")));
    let look = caller.look(false).await;
    assert_eq!(look.facts.strength, Strength::Unknown, "{look:?}");
    assert!(has(&look, "another program than when it connected"), "{look:?}");
}

#[tokio::test]
async fn a_renamed_program_is_called_as_it_is_now() {
    let scene = Scene::new();
    let (_player, caller) = scene.connected("tool").await;
    fs::rename(scene.path("tool"), scene.path("git")).unwrap();
    let look = caller.look(false).await;
    assert_eq!(look.facts.program, Some(scene.path("git")));
    assert_eq!(look.facts.strength, unblemished(), "{look:?}");
}

#[tokio::test]
async fn a_replaced_or_deleted_program_is_told_from_what_stands_at_its_path() {
    let scene = Scene::new();
    let (_player, caller) = scene.connected("tool").await;
    fs::rename(scene.program("other"), scene.path("tool")).unwrap();
    let seen = look(&caller.known.process);
    assert_eq!(seen.facts.program, Some(scene.path("tool")));
    assert!(has(&seen, "replaced or deleted") && seen.facts.strength != Strength::Strong, "{seen:?}");
    fs::remove_file(scene.path("tool")).unwrap();
    let seen = look(&caller.known.process);
    assert!(has(&seen, "replaced or deleted"), "{seen:?}");

    // The kernel's mark for such a file is a name that any file may have.
    let (_player, caller) = scene.connected("tool (deleted)").await;
    let seen = look(&caller.known.process);
    assert_eq!(seen.facts.program, Some(scene.path("tool (deleted)")));
    assert!(!has(&seen, "replaced or deleted"), "{seen:?}");
}

#[tokio::test]
async fn an_interpreter_is_known_through_links_and_lies_and_counts_as_its_script() {
    let scene = Scene::new();
    symlink(perl(), scene.path("git")).unwrap();
    symlink(scene.path("script"), scene.path("linked")).unwrap();
    let mut by_link = Command::new(scene.path("git"));
    let mut by_lie = Command::new(perl());
    by_lie.arg0("/usr/bin/git");
    for command in [&mut by_link, &mut by_lie] {
        let mut player = scene.play(command);
        let caller = scene.accept(&mut player).await;
        let look = caller.look(false).await;
        assert_eq!(look.facts.program, Some(perl()), "{look:?}");
        assert_eq!(look.facts.script, Some(scene.path("script")));
        assert!(has(&look, "does what others wrote") && look.facts.strength != Strength::Strong);
    }
    // From the folder where the process is, and without the link.
    let mut command = Command::new(perl());
    command.arg("-w").current_dir(scene.folder.path());
    let mut player = scene.play_from(&mut command, Path::new("linked"));
    let caller = scene.accept(&mut player).await;
    assert_eq!(caller.look(false).await.facts.script, Some(scene.path("script")));
}

#[tokio::test]
async fn our_client_asks_for_who_started_it() {
    let scene = Scene::new();
    let (mut player, caller) = scene.connected("entra").await;
    let us = std::env::current_exe().unwrap();
    let look = caller.look(false).await;
    assert_eq!((look.facts.program.as_ref(), look.pid), (Some(&us), Some(id())), "{look:?}");
    assert_eq!(look.through, Some(scene.path("entra")));
    assert!(has(&look, "through entra") && look.facts.strength != Strength::Strong);
    assert!(!look.may_be_kept(), "who is behind may end before its client");
    assert_eq!(caller.asks_for(), format!("{} (process {})", us.display(), id()));

    // For the log it is known also when the client is gone, and not taken for a later process of our number.
    player.end();
    let noted = caller.noted();
    assert_eq!(noted.program.as_deref(), scene.path("entra").to_str());
    assert_eq!(noted.behind.as_deref(), us.to_str());
    let process = &caller.known.process;
    let began = program::origin_of(id()).unwrap().started;
    assert_eq!(ancestry::who_started(process.parent.unwrap(), began - 1), None);
}

#[tokio::test]
async fn who_is_gone_is_not_known() {
    let scene = Scene::new();
    let (mut player, caller) = scene.connected("tool").await;
    player.end();
    let look = caller.look(true).await;
    assert_eq!((&look.facts.strength, &look.facts.program), (&Strength::Unknown, &None), "{look:?}");

    let mut player = scene.play(&mut Command::new(scene.path("tool")));
    player.tell("connect");
    player.end();
    let (stream, _) = scene.listener.accept().await.unwrap();
    let caller = Caller::of(&stream).unwrap();
    assert!(caller.is_from_elsewhere(), "it is taken for one from anywhere");
    let look = caller.look(true).await;
    assert_eq!((&look.facts.strength, &look.facts.program), (&Strength::Unknown, &None), "{look:?}");
}

/// The next process gets the number that follows this one (`ns_last_pid` of proc(5)), unless another was faster.
fn with_number(wanted: u32, command: &mut Command) -> Option<Child> {
    for _ in 0..200 {
        fs::write("/proc/sys/kernel/ns_last_pid", (wanted - 1).to_string()).ok()?;
        let mut child = command.spawn().unwrap();
        if child.id() == wanted {
            return Some(child);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    None
}

#[tokio::test]
async fn a_later_process_of_the_same_number_is_another() {
    let scene = Scene::new();
    let mut early = scene.play(&mut Command::new(scene.program("tool")));
    let mut late = scene.play(&mut Command::new(scene.path("tool")));
    let accepted = scene.accept(&mut early).await;
    let numbered = Caller::from(Process::numbered(early.child.id(), program::now()));
    late.tell("connect");
    let numbers = [early.child.id(), late.child.id()];
    early.end();
    late.end();
    let mut sleep = Command::new("/bin/sleep");
    sleep.arg("60");
    let others = numbers.map(|number| with_number(number, &mut sleep));
    let (stream, _) = scene.listener.accept().await.unwrap();
    let late = Caller::of(&stream).unwrap();
    let mut looks = Vec::new();
    for caller in [&accepted, &numbered, &late] {
        looks.push(caller.look(true).await);
    }
    let noted = [&accepted, &numbered, &late].map(|caller| caller.noted().became);
    let are_there = others.each_ref().map(Option::is_some);
    for mut other in others.into_iter().flatten() {
        other.kill().unwrap();
        other.wait().unwrap();
    }
    assert!(are_there == [true; 2] || !is_root(), "only root chooses numbers");
    for look in looks {
        assert_eq!((&look.facts.strength, &look.facts.program), (&Strength::Unknown, &None), "{look:?}");
    }
    assert_eq!(noted, [None, None, None]);
}

#[tokio::test]
async fn a_kernel_that_tells_the_number_alone_makes_all_of_it_weak() {
    let scene = Scene::new();
    let (player, _) = scene.connected("tool").await;
    let caller = Caller::from(Process::numbered(player.child.id(), program::now()));
    let look = caller.look(false).await;
    assert_eq!(look.facts.program, Some(scene.path("tool")));
    assert_eq!(look.facts.strength, Strength::Weak(told_of(&Doubt::BY_NUMBER)), "{look:?}");
}

#[tokio::test]
async fn an_ssh_server_speaks_for_another_machine_by_either_of_its_names() {
    let scene = Scene::new();
    let (_player, caller) = scene.connected("sshd-session").await;
    assert!(caller.look(false).await.facts.forwarded && caller.is_from_elsewhere());
    let mut player = scene.play(&mut Command::new(scene.program("tool")));
    player.tell("call sshd");
    let caller = scene.accept(&mut player).await;
    assert!(caller.look(false).await.facts.forwarded && caller.is_from_elsewhere());
}

#[tokio::test]
async fn a_program_with_other_files_around_it_is_not_the_one_of_that_path() {
    if !is_root() {
        eprintln!("SKIPPED: only root can mount; run this test as root to see it");
        return;
    }
    let scene = Scene::new();
    let tool = scene.program("tool");
    let mut command = Command::new("unshare");
    let mount = r#"mount --bind "$0" /usr/bin/env && exec /usr/bin/env "$@""#;
    command.args(["--mount", "sh", "-c", mount]).arg(tool);
    let mut player = scene.play(&mut command);
    let caller = scene.accept(&mut player).await;
    let look = caller.look(false).await;
    assert_eq!(caller.noted().program.as_deref(), Some("/usr/bin/env"), "the kernel calls it so");
    assert_eq!(look.facts.program, None, "{look:?}");
    assert!(has(&look, "`/usr/bin/env` where it runs") && look.facts.container, "{look:?}");

    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child"]).arg(scene.path("tool"));
    let mut player = scene.play(&mut command);
    let caller = scene.accept(&mut player).await;
    let look = caller.look(false).await;
    assert!(look.facts.container && caller.is_from_elsewhere(), "{look:?}");
}

#[tokio::test]
async fn a_confined_daemon_takes_nobodys_word_for_a_program() {
    let scene = Scene::new();
    let mut player = scene.play(Command::new(scene.program("tool")).arg0("/usr/bin/git"));
    player.tell("connect");
    let (stream, _) = scene.listener.accept().await.unwrap();
    let state = scene.path("state");
    fs::create_dir(&state).unwrap();
    // A thread's confinement is its own.
    let confined = std::thread::spawn(move || {
        harden::confine(&harden::Own { written: vec![state], ..harden::Own::default() });
        let caller = Caller::of(&stream).unwrap();
        (look(&caller.known.process), caller.noted())
    });
    let (look, noted) = confined.join().unwrap();
    if look.facts.program == Some(scene.path("tool")) {
        // A kernel without Landlock, where there is nothing to see.
        return;
    }
    assert_eq!(look.facts.program, None);
    assert!(has(&look, "it calls itself `/usr/bin/git`, as any program could"), "{look:?}");
    assert!(matches!(look.facts.strength, Strength::Weak(_)), "{look:?}");
    assert_eq!(noted.program.as_deref(), Some("/usr/bin/git"), "the log has what there is");
}
