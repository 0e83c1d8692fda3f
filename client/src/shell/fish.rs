//! fish.

use std::fmt::{Result, Write};

use crate::surroundings::{EXEMPT, PROXIES, PROXY_EXCEPTIONS, Surroundings};

/// Sets that are exported, and erasures.
pub(super) fn write(it: &Surroundings, out: &mut dyn Write) -> Result {
    for (name, value) in &it.set {
        write!(out, "set -gx {name} ")?;
        write_word(value.expose(), out)?;
        out.write_str(";\n")?;
    }
    let [upper, lower] = PROXY_EXCEPTIONS;
    writeln!(out, "test -n \"${upper}\"; or set -gx {upper} \"${lower}\";")?;
    writeln!(out, "test -n \"${lower}\"; or set -gx {lower} \"${upper}\";")?;
    for name in PROXY_EXCEPTIONS {
        for host in EXEMPT {
            writeln!(
                out,
                "test \"${name}\" = '*'; or string match -q -- '*,{host},*' \",${name},\"; \
                 or set -gx {name} (string replace -r -- '^,' '' \"${name},{host}\");"
            )?;
        }
    }
    // To erase what is not there is an error to fish, and the last line's status is that of the whole.
    for name in PROXIES {
        writeln!(out, "test \"${upper}\" = '*'; or test \"${lower}\" = '*'; and set -e {name}; or true;")?;
    }
    for name in &it.unset {
        writeln!(out, "set -e {name}; or true;")?;
    }
    Ok(())
}

/// The text as one word (fish, "Quotes": in single ones, a backslash and a quote alone are escaped).
fn write_word(text: &str, out: &mut dyn Write) -> Result {
    out.write_char('\'')?;
    for char in text.chars() {
        if matches!(char, '\'' | '\\') {
            out.write_char('\\')?;
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
        write_word("a'b\\$(id)\"", &mut word).unwrap();
        assert_eq!(word, r#"'a\'b\\$(id)"'"#);
    }

    #[test]
    fn the_lines_are_exact() {
        let mut text = String::new();
        write(&surroundings(&[("IDENTITY_HEADER", "s_1")], &["MSI_SECRET"]), &mut text).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "set -gx IDENTITY_HEADER 's_1';");
        assert_eq!(lines[1], "test -n \"$NO_PROXY\"; or set -gx NO_PROXY \"$no_proxy\";");
        assert_eq!(
            lines[3],
            "test \"$NO_PROXY\" = '*'; or string match -q -- '*,127.0.0.1,*' \",$NO_PROXY,\"; \
             or set -gx NO_PROXY (string replace -r -- '^,' '' \"$NO_PROXY,127.0.0.1\");"
        );
        let line = "test \"$NO_PROXY\" = '*'; or test \"$no_proxy\" = '*'; and set -e ALL_PROXY; or true;";
        assert_eq!(lines[7], line);
        assert_eq!(lines[13..], ["set -e MSI_SECRET; or true;"]);
    }
}
