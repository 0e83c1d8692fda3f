//! What is so on Unix alone: socket files, a shell, a full device, systemd.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rstest::rstest;
use support::{FakeDaemon, entra, err, out};

const TOKEN: &str = r#"{"access_token":"'$(exit)`exit`.e30.sig","token_type":"Bearer","expires_on":1795231440,"scopes":["https://graph.microsoft.com/.default"],"account":"u.t","tenant":"t","source":"cache","refresh_due_on":1795231000}"#;

#[test]
fn env_lines_are_safe_to_eval() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let output = daemon.run("token --for graph --output env");
    let script = format!("{}printf %s \"$ENTRA_TOKEN\"", out(&output));
    let shell = std::process::Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
    assert_eq!(out(&shell), "'$(exit)`exit`.e30.sig");
}

// systemd is Linux's.
#[cfg(target_os = "linux")]
#[test]
fn the_unit_is_named_where_systemd_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("systemd/user")).unwrap();
    std::fs::write(folder.path().join("systemd/user/entrad.service"), "").unwrap();
    let output = entra("status").env("XDG_RUNTIME_DIR", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(err(&output).contains("systemctl --user start entrad"), "{}", err(&output));
}

#[test]
fn a_socket_file_without_a_daemon_is_tried_for_a_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    drop(UnixListener::bind(&path).unwrap());
    let start = Instant::now();
    let output = entra("status").arg("--socket").arg(&path).output().unwrap();
    assert_eq!(output.status.code(), Some(7));
    assert!(err(&output).contains("nobody listens"), "{}", err(&output));
    let waited = start.elapsed();
    assert!((Duration::from_secs(1)..Duration::from_secs(5)).contains(&waited), "{waited:?}");
    // A shell's prompt does not wait for so long.
    let start = Instant::now();
    let output = entra("status --short").arg("--socket").arg(&path).output().unwrap();
    // A busy machine takes longer than the limit to find nobody there.
    assert!(matches!(output.status.code(), Some(6 | 7)), "{output:?}");
    assert_eq!((out(&output), err(&output)), ("", ""));
    assert!(start.elapsed() < waited, "{:?}", start.elapsed());
}

/// The lines of the first block of this kind in the page about prompts.
fn snippet(kind: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/prompts.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split(&format!("```{kind}\n")).nth(1).unwrap();
    block.split("```").next().unwrap().to_owned()
}

#[rstest]
#[case("bash", ".bashrc", "bash --rcfile .bashrc -i")]
#[case("zsh", ".zshrc", "zsh -i")]
#[case("fish", ".config/fish/functions/fish_right_prompt.fish", "fish -c fish_right_prompt")]
fn each_shell_shows_the_line_as_it_is_documented(
    #[case] shell: &str,
    #[case] file: &str,
    #[case] line: &str,
) {
    let daemon = FakeDaemon::saying(200, support::prompts::PROMPTS);
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(file);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, snippet(shell)).unwrap();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_entra")).parent().unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    let end = Instant::now() + support::PATIENCE;
    // A busy machine may have no line in time, and one of the next prompts has.
    loop {
        let entra = daemon.entra("");
        let socket = entra.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let mut words = line.split(' ');
        let mut command = std::process::Command::new(words.next().unwrap());
        command.args(words).env_clear().envs(socket).env("PATH", &path).env("HOME", home.path());
        command.env("TERM", "dumb").current_dir(home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            // What is not installed here is nobody's shell; `tests/real` wants them all.
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound && shell != "bash" => return,
            child => child.unwrap(),
        };
        // The shell may have ended by itself.
        let _ended = child.stdin.take().unwrap().write_all(b"(exit 5)\necho status=$?\nexit\n");
        let output = child.wait_with_output().unwrap();
        let seen = format!("{}{}", out(&output), err(&output));
        if seen.contains("entra: sign in (ada@example.com)") {
            assert!(shell == "fish" || seen.contains("status=5"), "{seen}");
            return;
        }
        assert!(Instant::now() < end, "{seen}");
    }
}

// Elsewhere the system itself names the user's own folder.
#[cfg(target_os = "linux")]
#[test]
fn without_a_runtime_folder_the_way_out_is_named() {
    let output = entra("status").output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains("XDG_RUNTIME_DIR is not set"), "{}", err(&output));
}

// macOS has no device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let daemon = FakeDaemon::saying(200, TOKEN);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = daemon.entra("token --for graph").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("could not be written"), "{}", err(&output));
}

/// A home, and a user manager of a few lines: it knows no unit, and refuses what has the word `refused` in it.
#[cfg(target_os = "linux")]
fn with_manager(refused: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["bin", "home", "run/systemd"] {
        std::fs::create_dir_all(folder.path().join(name)).unwrap();
    }
    std::fs::write(folder.path().join("run/systemd/private"), "").unwrap();
    let systemctl = format!(
        "#!/bin/sh\necho \"$@\" >>\"${{0%/*}}/../said\"\ncase \"$*\" in\n*show-environment*) echo HOME=\"${{0%/bin/*}}/home\";;\n\
         *'{refused}'*) echo 'Not so.' >&2; exit 1;;\nesac\n"
    );
    // A sandbox is tried with this one.
    let run = format!("#!/bin/sh\ncase \"$0 $*\" in\n*'{refused}'*) exit 1;;\nesac\n");
    for (name, text) in [
        ("systemctl", systemctl.as_str()),
        ("systemd-run", &run),
        ("entrad", "#!/bin/sh\necho entrad 9.9.9\n"),
    ] {
        // Written by another process: what this one writes, a test beside could hold open while it is started.
        let mut shell = std::process::Command::new("/bin/sh");
        shell.args(["-c", "printf %s \"$1\" >\"$0\" && chmod 755 \"$0\""]);
        assert!(shell.arg(folder.path().join("bin").join(name)).arg(text).status().unwrap().success());
    }
    // Beside its daemon, as it is installed.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_entra"), folder.path().join("bin/entra")).unwrap();
    folder
}

#[cfg(target_os = "linux")]
fn service(folder: &tempfile::TempDir, words: &str) -> std::process::Output {
    let mut command = std::process::Command::new(folder.path().join("bin/entra"));
    command.env_clear().args(words.split(' '));
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.path().join("bin").display()));
    command.env("HOME", folder.path().join("home")).env("XDG_RUNTIME_DIR", folder.path().join("run"));
    command.output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn without_a_manager_no_service_is_installed() {
    let folder = with_manager("nothing");
    std::fs::remove_file(folder.path().join("run/systemd/private")).unwrap();
    for action in ["install", "uninstall", "status"] {
        let output = service(&folder, &format!("service {action}"));
        assert_eq!(output.status.code(), Some(5));
        assert!(
            err(&output).contains("no systemd user manager") && err(&output).contains("entrad &"),
            "{}",
            err(&output)
        );
    }
    assert!(!folder.path().join("said").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn an_install_that_the_manager_refuses_leaves_nothing() {
    let folder = with_manager("start entrad.socket");
    let output = service(&folder, "service install");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("start entrad.socket` failed: Not so."), "{}", err(&output));
    let left: Vec<_> = std::fs::read_dir(folder.path().join("home/.config")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
    assert!(said.contains("disable entrad.service entrad.socket"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_is_the_entrad_beside_entra_and_goes_without_a_trace() {
    let folder = with_manager("nothing");
    std::fs::create_dir_all(folder.path().join("home/.local/state/entrad")).unwrap();
    std::fs::write(folder.path().join("home/.local/state/entrad/loopback-port"), "20000\n").unwrap();
    let output = service(&folder, "service install");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let units = folder.path().join("home/.config/systemd/user");
    let unit = std::fs::read_to_string(units.join("entrad.service")).unwrap();
    let program = folder.path().join("bin/entrad");
    assert!(unit.contains(&format!("\nExecStart={}\n", program.display())), "{unit}");
    let port = std::fs::read_to_string(units.join("entrad-loopback.socket")).unwrap();
    assert!(port.contains("\nListenStream=127.0.0.1:20000\n"), "{port}");
    let output = service(&folder, "service uninstall");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(!folder.path().join("home/.config/systemd").exists());
    assert!(folder.path().join("home/.local/state/entrad/loopback-port").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_sandbox_comes_and_goes_with_its_option() {
    let folder = with_manager("nothing");
    let output = service(&folder, "service install --sandbox");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let units = folder.path().join("home/.config/systemd/user");
    let drop_in = std::fs::read_to_string(units.join("entrad.service.d/sandbox.conf")).unwrap();
    let state = folder.path().join("home/.local/state/entrad");
    assert!(drop_in.contains(&format!("\nReadWritePaths={}\n", state.display())), "{drop_in}");
    // systemd refuses to start a service that is to write into a folder that is not there.
    assert!(state.is_dir());
    let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
    assert!(said.contains("enable entrad.service entrad.socket\n"), "{said}");
    let output = service(&folder, "service install");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(!units.join("entrad.service.d").exists() && units.join("entrad.service").exists());
    service(&folder, "service install --sandbox");
    let output = service(&folder, "service uninstall");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(!folder.path().join("home/.config/systemd").exists() && !state.exists());
}

#[cfg(target_os = "linux")]
#[test]
fn where_there_are_no_namespaces_a_sandbox_is_refused_before_anything_is_written() {
    let folder = with_manager("systemd-run");
    let output = service(&folder, "service install --sandbox");
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains("no user namespaces"), "{}", err(&output));
    assert!(!folder.path().join("home/.config").exists() && !folder.path().join("home/.local").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_service_on_another_socket_than_entra_uses_is_refused() {
    let folder = with_manager("nothing");
    let output = service(&folder, "service install --socket /elsewhere/s");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("/elsewhere/s"), "{}", err(&output));
}
