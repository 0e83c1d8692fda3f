//! Files beside each other in place of links, and the folders of a profile.

use std::env::{consts::EXE_SUFFIX, var_os};
use std::fs::{self, Metadata};
use std::path::Path;
use std::process::Command;

/// Where records are.
pub(crate) const STATE: &str = "data/entrad/setup";

/// Claude Desktop's folder.
pub(crate) const CLAUDE_DESKTOP: &str = "data/Claude-3p";

/// A program's file.
pub(super) fn program(name: &str) -> String {
    format!("{name}{EXE_SUFFIX}")
}

/// The path as TOML has it, which escapes nothing between single quotes.
pub(crate) fn toml(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// A file takes after its folder.
pub(super) fn open_to_others(_path: &Path) {}

/// Whether it may be written.
pub(super) fn mode(about: &Metadata) -> u32 {
    u32::from(!about.permissions().readonly())
}

/// The folder decides, which is the profile's.
pub(crate) fn is_private(_mode: u32) -> bool {
    true
}

/// What the file holds, or that it is the program, which is large.
pub(super) fn content(path: &Path) -> Vec<u8> {
    let program = fs::metadata(env!("CARGO_BIN_EXE_entra")).unwrap().len();
    if fs::metadata(path).unwrap().len() == program {
        b"the program".to_vec()
    } else {
        fs::read(path).unwrap()
    }
}

/// Its variables, and those without which no program starts well.
pub(super) fn dress(command: &mut Command, home: &Path) {
    command
        .env("USERPROFILE", home)
        .env("LOCALAPPDATA", home.join("data"))
        .env("APPDATA", home.join("config"))
        .envs(["SystemRoot", "TEMP", "TMP"].into_iter().filter_map(|name| Some((name, var_os(name)?))));
}

/// It is the program, and a batch file that calls it is beside it.
#[track_caller]
pub(super) fn assert_leads_to(link: &Path, program: &Path) {
    assert!(fs::read(link).unwrap() == fs::read(program).unwrap(), "{link:?}");
    let name = link.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string(link.with_extension("cmd")).unwrap();
    assert_eq!(text, format!("@\"%~dp0{name}\" %*\r\n"));
}
