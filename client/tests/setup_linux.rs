//! `entra setup` where files have modes and links are symbolic, and what else a test can only play on Linux.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

#[path = "support/home.rs"]
mod home;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};

use home::{Home, assert_same};
use support::{entra, err, out};

const FEED: &str = "https://pkgs.dev.azure.com/o/_packaging/f/npm/registry/";

#[test]
fn folders_of_links_are_private() {
    let home = Home::with(&[]);
    home.good("setup git");
    let folder = fs::metadata(home.at("data/entrad/bin")).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700);
}

#[test]
fn an_entra_on_path_that_stays_across_updates_is_preferred() {
    let home = Home::with(&[]);
    fs::create_dir_all(home.at("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_entra"), home.at("bin/entra")).unwrap();
    let mut command = entra("setup kubectl");
    home.dress(&mut command);
    command.env("PATH", home.at("bin")).env("SHELL", "/usr/bin/fish");
    let output = command.output().unwrap();
    assert_eq!(fs::read_link(home.at("data/entrad/bin/kubelogin")).unwrap(), home.at("bin/entra"));
    assert!(out(&output).contains("fish_add_path"), "{}", out(&output));
}

#[test]
fn a_linked_file_is_changed_where_it_is() {
    let home = Home::with(&[("dotfiles/gitconfig", "[user]\n")]);
    symlink("dotfiles/gitconfig", home.at(".gitconfig")).unwrap();
    let before = home.tree();
    home.good("setup git");
    assert!(home.at(".gitconfig").is_symlink());
    assert!(home.read("dotfiles/gitconfig").contains("dev.azure.com"));
    home.good("setup git --undo");
    assert_same(&home.tree(), &before);
    fs::remove_file(home.at("dotfiles/gitconfig")).unwrap();
    let output = home.run("setup git");
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains("is a link to a file that does not exist"), "{}", err(&output));
}

#[test]
fn a_secret_that_goes_where_a_link_leads_is_warned_of() {
    let home = Home::with(&[("dotfiles/claude/settings.json", "{}")]);
    let warned = || {
        let output = home.run("setup claude-code --foundry my-resource --print");
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let file = home.at("dotfiles/claude/settings.json");
        err(&output).contains(&format!("so the secret of the lease is in {}", file.display()))
    };
    fs::create_dir(home.at(".claude")).unwrap();
    assert!(!warned());
    symlink("../dotfiles/claude/settings.json", home.at(".claude/settings.json")).unwrap();
    assert!(warned());
    fs::remove_dir_all(home.at(".claude")).unwrap();
    symlink("dotfiles/claude", home.at(".claude")).unwrap();
    assert!(warned());
}

#[test]
fn what_is_read_only_is_left_alone() {
    let home = Home::with(&[(".docker/config.json", "{}"), (".npmrc", "")]);
    let mode = |name: &str, mode| fs::set_permissions(home.at(name), Permissions::from_mode(mode)).unwrap();
    mode(".docker", 0o555);
    mode(".npmrc", 0o444);
    let before = home.tree();
    for line in ["docker --registry a.azurecr.io".to_owned(), format!("npm --registry {FEED}")] {
        let output = home.run(&format!("setup {line}"));
        assert_eq!(output.status.code(), Some(5));
        assert!(err(&output).contains("is read-only"), "{}", err(&output));
        assert_same(&home.tree(), &before);
    }
    mode(".docker", 0o755);
}

#[test]
fn two_runs_at_once_are_one_after_the_other() {
    let home = Home::with(&[(".gitconfig", "[user]\n\tname = A\n")]);
    let before = home.tree();
    let other = fs::File::open(home.at("")).unwrap();
    other.lock().unwrap();
    for line in ["setup git", "setup git --undo"] {
        let output = home.run(line);
        assert_eq!(output.status.code(), Some(6), "{}", err(&output));
        assert!(err(&output).contains("Another `entra setup`"), "{}", err(&output));
    }
    assert_same(&home.tree(), &before);
    drop(other);
    home.good("setup git");
    home.good("setup git --undo");
    assert_same(&home.tree(), &before);
}

#[test]
fn a_pipe_is_no_file_and_is_not_waited_for() {
    let home = Home::with(&[]);
    assert!(std::process::Command::new("mkfifo").arg(home.at(".gitconfig")).status().unwrap().success());
    let mut command = std::process::Command::new("timeout");
    command.args(["5", env!("CARGO_BIN_EXE_entra"), "setup", "git"]);
    home.dress(&mut command);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains(".gitconfig is not a file"), "{}", err(&output));
}

#[test]
fn root_sets_nothing_up_in_another_s_home() {
    let home = Home::with(&[(".gitconfig", "")]);
    if std::os::unix::fs::chown(home.at(""), Some(12_345), None).is_err() {
        // Only root can give a folder away, and only root is refused.
        home.good("setup git");
        return;
    }
    let before = home.tree();
    for line in ["setup git", "setup git --undo"] {
        let output = home.run(line);
        assert_eq!(output.status.code(), Some(5));
        assert!(err(&output).contains("without sudo"), "{}", err(&output));
        assert_same(&home.tree(), &before);
    }
    home.good("setup git --print");
}

#[test]
fn a_context_of_kubectl_is_converted_by_kubectl() {
    let home = Home::with(&[(".kube/config", "# mine\ncontext\nuser\n"), ("bin/kubectl", KUBECTL)]);
    fs::set_permissions(home.at("bin/kubectl"), Permissions::from_mode(0o755)).unwrap();
    let before = home.tree();
    let run = |line: &str| {
        let mut command = entra(line);
        home.dress(&mut command);
        let path = std::env::join_paths([home.at("bin"), "/usr/bin".into(), "/bin".into()]).unwrap();
        command.env("PATH", path).env("TMPDIR", home.at("bin")).output().unwrap()
    };
    home.write("bin/fail", "");
    let output = run("setup kubectl --context prod");
    assert_eq!(output.status.code(), Some(5));
    assert!(err(&output).contains("kubectl refused: error: no") && !err(&output).contains("s3cret"));
    fs::remove_file(home.at("bin/fail")).unwrap();
    let output = run("setup kubectl --context odd");
    assert_eq!(output.status.code(), Some(2), "{}", out(&output));
    assert!(err(&output).contains("Rename that user"), "{}", err(&output));
    assert_same(&home.tree(), &before);
    let output = run("setup kubectl --context prod");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let helper = home.at("data/entrad/bin/kubelogin");
    let words = "--exec-api-version=client.authentication.k8s.io/v1 --exec-arg=get-token --exec-arg=--server-id \
                 --exec-arg=6dae42f8-4368-4678-94ff-3960e28e3630 --exec-interactive-mode=Never";
    assert_eq!(
        home.read(".kube/config"),
        format!("# mine\ncontext\nuser\ndeleted ada\nada --exec-command={} {words}\n", helper.display())
    );
    let set_up = home.tree();
    assert!(out(&run("setup kubectl --context prod")).contains("nothing was changed"));
    assert_same(&home.tree(), &set_up);

    home.write(".kube/config", "changed");
    let output = run("setup kubectl --undo");
    assert_eq!(output.status.code(), Some(5));
    let copy = home.at("state/entrad/setup/kubectl-0.original");
    assert!(err(&output).contains(&format!("is in {}", copy.display())), "{}", err(&output));
    assert!(helper.is_symlink());
    // As a run leaves it that is killed before its change.
    fs::write(home.at(".kube/config"), "# mine\ncontext\nuser\n").unwrap();
    assert_eq!(run("setup kubectl --context prod").status.code(), Some(0));
    fs::write(home.at(".kube/config"), "# mine\ncontext\nuser\n").unwrap();
    assert_eq!(run("setup kubectl --undo").status.code(), Some(0));
    assert_same(&home.tree(), &before);
    // And as an undo leaves it that is killed before its end.
    assert_eq!(run("setup kubectl --context prod").status.code(), Some(0));
    fs::write(home.at(".kube/config"), "# mine\ncontext\nuser\n").unwrap();
    fs::remove_file(&copy).unwrap();
    let output = run("setup kubectl --undo");
    assert!(out(&output).contains("stays as it is"), "{}{}", out(&output), err(&output));
    assert_same(&home.tree(), &before);
    assert_eq!(run("setup kubectl --context prod").status.code(), Some(0));
    let written = &set_up[std::path::Path::new(".kube/config")].1;
    fs::write(home.at(".kube/config"), written).unwrap();
    assert_eq!(run("setup kubectl --undo").status.code(), Some(0));
    assert_same(&home.tree(), &before);
}

#[test]
fn the_kubeconfig_whose_user_counts_is_the_one_that_is_changed() {
    let files = [("a", "# a\n"), ("b", "user\n"), ("c", "context\nuser\n"), ("bin/kubectl", KUBECTL)];
    let home = Home::with(&files);
    fs::set_permissions(home.at("bin/kubectl"), Permissions::from_mode(0o755)).unwrap();
    let before = home.tree();
    let run = |line: &str, kubeconfigs: &[&str]| {
        let mut command = entra(line);
        home.dress(&mut command);
        let path = std::env::join_paths([home.at("bin"), "/usr/bin".into(), "/bin".into()]).unwrap();
        command.env("PATH", path).env("TMPDIR", home.at("bin"));
        command.env("KUBECONFIG", kubeconfigs.join(":")).current_dir(home.at(""));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    };
    for (kubeconfigs, changed) in [(&["a", "", "b", "c"][..], "b"), (&["c", "b", "missing"], "c")] {
        run("setup kubectl --context prod", kubeconfigs);
        for (name, text) in &files[..3] {
            assert_eq!(home.read(name) != *text, *name == changed, "{name}");
        }
        run("setup kubectl --undo", &[]);
        assert_same(&home.tree(), &before);
    }
    // As an absolute name too.
    run("setup kubectl --context prod", &[home.at("c").to_str().unwrap(), "b"]);
    assert!(home.read("c").contains("--exec-command=") && home.read("b") == "user\n");
    run("setup kubectl --undo", &[]);
    // One whom no file has is made where the context is.
    home.write("c", "context\n");
    run("setup kubectl --context prod", &["a", "c"]);
    assert!(home.read("c").starts_with("context\nada --exec-command="), "{}", home.read("c"));
}

/// Writes down what it is told, and knows one context.
const KUBECTL: &str = r#"#!/bin/sh
[ ! -e "${0%/*}/fail" ] || { printf 'error: no\nobject was: s3cret\n' >&2; exit 1; }
case "$1 $2" in
"config view")
    case "$5" in
    *contexts*) grep -q ^context "$KUBECONFIG" && printf 'dev\ngrace\nprod\nada\nodd\n--kubeconfig=/x\n' ; true ;;
    *users*) grep -q '^user' "$KUBECONFIG" && printf 'ada\n%s\n' "$(sed -n 's/.*--exec-command=\([^ ]*\).*/\1/p' "$KUBECONFIG")" ; true ;;
    esac ;;
"config delete-user") echo "deleted $3" >> "$KUBECONFIG" ;;
"config set-credentials") shift 2; echo "$*" >> "$KUBECONFIG" ;;
esac
"#;
