//! Whose a managed folder and its files are.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::config::locks_tests::{Machine, is_administrator};

#[test]
fn what_others_could_write_or_what_leads_out_is_no_managed_file() {
    let machine = Machine::new();
    if !is_administrator(&machine) {
        return;
    }
    let admin = machine.folder.path().join("admin");
    let mode = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let refused = |message: &str| {
        let error = machine.load().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    };
    machine.write("managed.d/10.toml", "tenant = \"a.example\"");
    for place in ["managed.d/10.toml", "managed.d", "."] {
        let path = admin.join(place);
        let former = fs::metadata(&path).unwrap().permissions().mode();
        mode(&path, 0o777);
        refused("must belong to root and be writable by root alone");
        mode(&path, former);
    }
    fs::write(machine.folder.path().join("elsewhere.toml"), "tenant = \"b.example\"").unwrap();
    symlink(machine.folder.path().join("elsewhere.toml"), admin.join("managed.d/20.toml")).unwrap();
    refused("may be no link that leads out");
    fs::remove_file(admin.join("managed.d/20.toml")).unwrap();
    symlink("10.toml", admin.join("managed.d/20.toml")).unwrap();
    machine.load().unwrap();
    fs::rename(admin.join("managed.d"), admin.join("real")).unwrap();
    symlink(admin.join("real"), admin.join("managed.d")).unwrap();
    refused("must belong to root");
}
