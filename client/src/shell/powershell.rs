//! PowerShell, on every system.
//!
//! On Windows the two variables of a proxy's exceptions are one, so what is added to the first is there already when the
//! second is looked at.

use std::fmt::{Result, Write};

use crate::surroundings::{EXEMPT, PROXIES, PROXY_EXCEPTIONS, Surroundings};

/// Assignments and removals.
pub(super) fn write(it: &Surroundings, out: &mut dyn Write) -> Result {
    for (name, value) in &it.set {
        write!(out, "$env:{name} = ")?;
        write_word(value.expose(), out)?;
        out.write_char('\n')?;
    }
    let [upper, lower] = PROXY_EXCEPTIONS;
    writeln!(out, "if (-not $env:{upper}) {{ $env:{upper} = $env:{lower} }}")?;
    writeln!(out, "if (-not $env:{lower}) {{ $env:{lower} = $env:{upper} }}")?;
    for name in PROXY_EXCEPTIONS {
        for host in EXEMPT {
            writeln!(
                out,
                "if ($env:{name} -ne '*' -and \",${{env:{name}}},\" -notlike '*,{host},*') \
                 {{ $env:{name} = \"${{env:{name}}},{host}\".TrimStart(',') }}"
            )?;
        }
    }
    let proxies = PROXIES.map(|name| format!("Env:{name}")).join(",");
    writeln!(
        out,
        "if ($env:{upper} -eq '*' -or $env:{lower} -eq '*') \
         {{ Remove-Item {proxies} -ErrorAction SilentlyContinue }}"
    )?;
    for name in &it.unset {
        writeln!(out, "Remove-Item Env:{name} -ErrorAction SilentlyContinue")?;
    }
    Ok(())
}

/// The text as one string (PowerShell, "about_Quoting_Rules": in single quotes, a quote alone is doubled; four other
/// characters count as one too).
fn write_word(text: &str, out: &mut dyn Write) -> Result {
    out.write_char('\'')?;
    for char in text.chars() {
        if matches!(char, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}') {
            out.write_char(char)?;
        }
        out.write_char(char)?;
    }
    out.write_char('\'')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::tests::surroundings;

    #[test]
    fn a_word_has_nothing_that_the_shell_reads() {
        let mut word = String::new();
        write_word("a'b$(id)`n\"\u{2019}", &mut word).unwrap();
        assert_eq!(word, "'a''b$(id)`n\"\u{2019}\u{2019}'");
    }

    #[test]
    fn the_lines_are_exact() {
        let mut text = String::new();
        write(&surroundings(&[("IDENTITY_HEADER", "s_1")], &["MSI_SECRET"]), &mut text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "$env:IDENTITY_HEADER = 's_1'");
        assert_eq!(lines[1], "if (-not $env:NO_PROXY) { $env:NO_PROXY = $env:no_proxy }");
        assert_eq!(
            lines[3],
            "if ($env:NO_PROXY -ne '*' -and \",${env:NO_PROXY},\" -notlike '*,127.0.0.1,*') \
             { $env:NO_PROXY = \"${env:NO_PROXY},127.0.0.1\".TrimStart(',') }"
        );
        assert!(lines[7].starts_with(
            "if ($env:NO_PROXY -eq '*' -or $env:no_proxy -eq '*') { Remove-Item Env:ALL_PROXY,"
        ));
        assert_eq!(lines[8..], ["Remove-Item Env:MSI_SECRET -ErrorAction SilentlyContinue"]);
    }
}
