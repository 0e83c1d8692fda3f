//! Places that keep an environment: systemd's `environment.d` and the user's variables of Windows.
//!
//! Neither can be told to unset a variable: the first has no word for it, and in the second it would be lost for good, so
//! what stands in the way is named in a comment.

use std::ffi::OsString;
use std::fmt::{Result, Write};

use crate::surroundings::{EXEMPT, PROXY_EXCEPTIONS, Surroundings, exempted, out_of_use};

/// A file for environment.d(5), read whenever the user's service manager starts, with the environment of that moment. Its
/// few expansions cannot tell `*` from other exceptions, so where that is in force now, it is left alone, and proxies go.
pub(super) fn write_environment_d(
    it: &Surroundings,
    present: impl Fn(&str) -> Option<OsString>,
    out: &mut dyn Write,
) -> Result {
    writeln!(out, "# Holds a secret: keep this file to yourself (chmod 600).")?;
    for (name, value) in &it.set {
        write!(out, "{name}=")?;
        write_quoted(value.expose(), out)?;
        out.write_char('\n')?;
    }
    let [upper, lower] = PROXY_EXCEPTIONS;
    let [first, ..] = EXEMPT;
    let hosts = EXEMPT.join(",");
    let out_of_use = out_of_use(present);
    for name in out_of_use {
        // There is no word for taking it away; an empty one is none.
        writeln!(out, "{name}=")?;
    }
    if out_of_use.is_empty() {
        // Each line sees what those before it have set. A host in the place of nothing, because `:+` has been taken for
        // "set" where its manual says "not empty".
        writeln!(out, "{upper}=\"${{{upper}:-${{{lower}:-{first}}}}}\"")?;
        writeln!(out, "{lower}=\"${{{lower}:-${{{upper}}}}}\"")?;
        for name in PROXY_EXCEPTIONS {
            writeln!(out, "{name}=\"${{{name}}},{hosts}\"")?;
        }
    }
    write_in_the_way("#", it, out)
}

/// A command file of `setx`, for the variables of the user, which what starts from now on has. They cannot be added to on
/// the spot, since a command file sees those of its own process: what this one sees is written.
pub(super) fn write_setx(
    it: &Surroundings,
    present: impl Fn(&str) -> Option<OsString>,
    out: &mut dyn Write,
) -> Result {
    out.write_str("@echo off\n")?;
    for (name, value) in &it.set {
        // Without a quote, a percent sign or a backslash, by what a value may hold.
        writeln!(out, "setx {name} \"{}\" >nul", value.expose())?;
    }
    // The two are one variable on Windows.
    let [(name, value), _] = exempted(present);
    let is_plain = |char: char| char.is_ascii_alphanumeric() || ".-_:*/[] ".contains(char);
    let value = value.to_string_lossy();
    let plain: Vec<&str> = value.split(',').filter(|host| host.chars().all(is_plain)).collect();
    writeln!(out, "setx {name} \"{}\" >nul", plain.join(","))?;
    write_in_the_way("rem", it, out)
}

fn write_in_the_way(comment: &str, it: &Surroundings, out: &mut dyn Write) -> Result {
    if it.unset.is_empty() {
        return Ok(());
    }
    let names = it.unset.join(", ");
    writeln!(
        out,
        "{comment} These lead tools past entrad where they are set, and cannot be unset here: {names}."
    )
}

/// The text in double quotes, with what is special in them escaped, and `$` doubled against expansion.
fn write_quoted(text: &str, out: &mut dyn Write) -> Result {
    out.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' | '`' => out.write_char('\\')?,
            '$' => out.write_char('$')?,
            _ => {}
        }
        out.write_char(char)?;
    }
    out.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::tests::surroundings;

    #[test]
    fn a_file_for_systemd_is_exact() {
        let mut text = String::new();
        let it = surroundings(&[("IDENTITY_HEADER", "s_1")], &["MSI_SECRET", "MSI_ENDPOINT"]);
        write_environment_d(&it, |_| None, &mut text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1..6],
            [
                "IDENTITY_HEADER=\"s_1\"",
                "NO_PROXY=\"${NO_PROXY:-${no_proxy:-127.0.0.1}}\"",
                "no_proxy=\"${no_proxy:-${NO_PROXY}}\"",
                "NO_PROXY=\"${NO_PROXY},127.0.0.1,localhost\"",
                "no_proxy=\"${no_proxy},127.0.0.1,localhost\"",
            ]
        );
        assert!(
            lines[0].starts_with('#')
                && lines[6].starts_with('#')
                && lines[6].contains("MSI_SECRET, MSI_ENDPOINT")
        );
        assert_eq!(lines.len(), 7);
        let mut text = String::new();
        write_environment_d(&it, |_| Some("*".into()), &mut text).unwrap();
        assert!(
            !text.contains("NO_PROXY")
                && text.contains("\nHTTP_PROXY=\n")
                && text.contains("IDENTITY_HEADER"),
            "{text}"
        );
        let mut quoted = String::new();
        write_quoted("a\"b\\c$d`", &mut quoted).unwrap();
        assert_eq!(quoted, r#""a\"b\\c$$d\`""#);
    }

    #[test]
    fn a_command_file_holds_nothing_that_it_would_expand() {
        let mut text = String::new();
        let it = surroundings(&[("IDENTITY_HEADER", "s_1")], &[]);
        let present = |name: &str| (name == "NO_PROXY").then(|| "a.b,\"&calc,%x%,10.0.0.0/8".into());
        write_setx(&it, present, &mut text).unwrap();
        assert_eq!(
            text,
            "@echo off\nsetx IDENTITY_HEADER \"s_1\" >nul\nsetx NO_PROXY \"a.b,10.0.0.0/8,127.0.0.1,localhost\" >nul\n"
        );
    }
}
