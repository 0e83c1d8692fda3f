//! The surroundings as each shell, and each place that keeps an environment, reads them.
//!
//! Values need no quotes, which `surroundings` sees to, and get them all the same. What is printed is evaluated
//! elsewhere, perhaps twice and perhaps with other exceptions from a proxy than ours, so those are added to on the spot
//! where the language can: a second evaluation changes nothing.

mod fish;
mod places;
mod posix;
mod powershell;

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write};
use std::path::Path;

use entra_proto::error::exit;
use serde_json::json;
use zeroize::Zeroizing;

pub(crate) use self::posix::write_word as write_posix_word;
use crate::args::Shell;
use crate::failure::Failure;
use crate::surroundings::{Surroundings, exempted, out_of_use};

/// What `$SHELL` names, else what is usual on this system.
///
/// # Errors
/// When it names a shell whose language is not known here.
pub(crate) fn guess(named: Option<&OsStr>, usual: &str) -> Result<Shell, Failure> {
    let named = named.filter(|path| !path.is_empty()).unwrap_or(usual.as_ref());
    // On Windows too, where Git's shells set it.
    let name = Path::new(named).file_stem().unwrap_or_default().to_string_lossy();
    match name.as_ref() {
        "bash" | "sh" | "dash" | "ash" | "ksh" | "mksh" | "busybox" => Ok(Shell::Bash),
        "fish" => Ok(Shell::Fish),
        "powershell" | "pwsh" => Ok(Shell::Powershell),
        "zsh" => Ok(Shell::Zsh),
        _ => Err(Failure::new(
            exit::USAGE,
            "unknown_shell",
            format!("entra does not know the language of your shell, `{name}`."),
        )
        .hint("Give one that it knows by --shell, or take --shell json.")),
    }
}

/// How a person has this shell read it.
pub(crate) fn how_to_read(shell: Shell, line: &str) -> String {
    match shell {
        Shell::Bash | Shell::Zsh => format!("eval \"$({line})\""),
        Shell::EnvironmentD => format!("(umask 077; {line} > ~/.config/environment.d/50-entrad.conf)"),
        Shell::Fish => format!("{line} | source"),
        Shell::Json => line.to_owned(),
        Shell::Launchctl => format!("{line} | sh"),
        Shell::Powershell => format!("{line} | Out-String | Invoke-Expression"),
        Shell::Setx => format!("{line} > entrad.cmd"),
    }
}

/// Whether what it reads stays when the shell has ended, where a token that lives an hour is of no use.
pub(crate) fn is_lasting(shell: Shell) -> bool {
    matches!(shell, Shell::EnvironmentD | Shell::Launchctl | Shell::Setx)
}

/// The text, with its end of line.
pub(crate) fn written(
    shell: Shell,
    it: &Surroundings,
    present: &impl Fn(&str) -> Option<OsString>,
) -> Result<Zeroizing<String>, fmt::Error> {
    let write = |out: &mut dyn Write| match shell {
        Shell::Bash | Shell::Zsh => posix::write(it, out),
        Shell::EnvironmentD => places::write_environment_d(it, present, out),
        Shell::Fish => fish::write(it, out),
        Shell::Json => write_json(it, present, out),
        Shell::Launchctl => posix::write_launchctl(it, out),
        Shell::Powershell => powershell::write(it, out),
        Shell::Setx => places::write_setx(it, present, out),
    };
    // Twice: text that fits is never moved, which would leave an unwiped copy behind.
    let mut length = Length(0);
    write(&mut length)?;
    let mut text = Zeroizing::new(String::with_capacity(length.0));
    write(&mut *text)?;
    Ok(text)
}

/// One object of what to set and what to unset.
fn write_json(
    it: &Surroundings,
    present: impl Fn(&str) -> Option<OsString>,
    out: &mut dyn Write,
) -> fmt::Result {
    out.write_str("{\"set\":{")?;
    for (name, value) in &it.set {
        // Neither has a character that JSON escapes.
        write!(out, "\"{name}\":\"{}\",", value.expose())?;
    }
    let unset: Vec<_> = it.unset.iter().chain(out_of_use(&present)).collect();
    let [upper, lower] =
        exempted(present).map(|(name, value)| format!("\"{name}\":{}", json!(value.to_string_lossy())));
    writeln!(out, "{upper},{lower}}},\"unset\":{},\"lease\":{}}}", json!(unset), json!(it.lease))
}

/// Counts what would be written, in bytes.
struct Length(usize);

impl Write for Length {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;
    use rstest::rstest;

    use super::*;
    use crate::surroundings::tests::surroundings;

    const SECRET: &str = "entra_lease_0a1b2c3d4e5f_00";

    #[rstest]
    #[case("/bin/bash", Some(Shell::Bash))]
    #[case("/usr/bin/dash", Some(Shell::Bash))]
    #[case("/opt/homebrew/bin/fish", Some(Shell::Fish))]
    #[case("/bin/zsh", Some(Shell::Zsh))]
    #[case("pwsh.exe", Some(Shell::Powershell))]
    #[case("", Some(Shell::Zsh))]
    #[case("/bin/tcsh", None)]
    #[case("/usr/bin/nu", None)]
    fn the_shell_is_the_environments(#[case] named: &str, #[case] shell: Option<Shell>) {
        assert_eq!(guess(Some(named.as_ref()), "zsh").ok(), shell);
    }

    #[test]
    fn an_unknown_shell_is_told_the_way_out() {
        let failure = guess(Some("/bin/tcsh".as_ref()), "bash").unwrap_err();
        assert_eq!(failure.exit(), exit::USAGE);
        assert!(failure.to_body().hint.is_some_and(|hint| hint.contains("--shell json")));
        assert_eq!(guess(None, "powershell").ok(), Some(Shell::Powershell));
    }

    #[test]
    fn the_text_is_written_into_the_room_that_it_takes() {
        let it = surroundings(&[("IDENTITY_HEADER", SECRET)], &["MSI_ENDPOINT"]);
        for shell in Shell::value_variants() {
            let text = written(*shell, &it, &|_| None).unwrap();
            assert!(text.contains(SECRET) && text.ends_with('\n'), "{shell:?}: {}", *text);
            assert_eq!(text.len(), text.capacity(), "{shell:?}");
        }
    }

    #[test]
    fn json_is_for_programs() {
        let it = surroundings(&[("IDENTITY_HEADER", SECRET)], &["MSI_ENDPOINT"]);
        let text = written(Shell::Json, &it, &|name| (name == "NO_PROXY").then(|| "a\"b".into())).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["set"]["IDENTITY_HEADER"], SECRET);
        assert_eq!(value["set"]["no_proxy"], "a\"b,127.0.0.1,localhost");
        assert_eq!(value["unset"][0], "MSI_ENDPOINT");
        assert_eq!(value["lease"]["id"], "0a1b2c3d4e5f");
        assert_eq!(value["unset"].as_array().map(Vec::len), Some(1));
        let text = written(Shell::Json, &it, &|name| (name == "NO_PROXY").then(|| "*".into())).unwrap();
        assert!(text.contains("\"unset\":[\"MSI_ENDPOINT\",\"ALL_PROXY\","), "{}", *text);
    }
}
