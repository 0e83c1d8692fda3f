//! POSIX shells: bash, zsh and what speaks as they do; and the lines for sh that tell launchd.
//!
//! Each command ends with a semicolon, for those who forget the quotes around `$(entra env …)`.

use std::fmt::{Result, Write};

use crate::surroundings::{EXEMPT, PROXIES, PROXY_EXCEPTIONS, Surroundings};

/// Exports and unsets.
pub(super) fn write(it: &Surroundings, out: &mut dyn Write) -> Result {
    for (name, value) in &it.set {
        write!(out, "export {name}=")?;
        write_word(value.expose(), out)?;
        out.write_str(";\n")?;
    }
    let [upper, lower] = PROXY_EXCEPTIONS;
    writeln!(out, "export {upper}=\"${{{upper}:-${{{lower}-}}}}\";")?;
    writeln!(out, "export {lower}=\"${{{lower}:-${{{upper}}}}}\";")?;
    for name in PROXY_EXCEPTIONS {
        for host in EXEMPT {
            write_unless_named(name, host, out)?;
            writeln!(out, "{name}=\"${{{name}:+${{{name}}},}}{host}\";; esac;")?;
        }
    }
    write_if_for_all(&format!("unset -v {};", PROXIES.join(" ")), out)?;
    for name in &it.unset {
        writeln!(out, "unset -v {name};")?;
    }
    Ok(())
}

/// Lines that set them for what launchd starts in this session from now on (launchctl(1), `setenv`). Its words are for
/// a moment among the arguments of a process.
pub(super) fn write_launchctl(it: &Surroundings, out: &mut dyn Write) -> Result {
    for (name, value) in &it.set {
        write!(out, "launchctl setenv {name} ")?;
        write_word(value.expose(), out)?;
        out.write_str(";\n")?;
    }
    let [upper, lower] = PROXY_EXCEPTIONS;
    // In a subshell, which keeps its own two to itself.
    writeln!(out, "({upper}=\"$(launchctl getenv {upper})\"; {lower}=\"$(launchctl getenv {lower})\";")?;
    writeln!(out, "{upper}=\"${{{upper}:-${{{lower}}}}}\"; {lower}=\"${{{lower}:-${{{upper}}}}}\";")?;
    for name in PROXY_EXCEPTIONS {
        for host in EXEMPT {
            write_unless_named(name, host, out)?;
            writeln!(out, "{name}=\"${{{name}:+${{{name}}},}}{host}\";; esac;")?;
        }
    }
    let unset: String = PROXIES.iter().map(|name| format!("launchctl unsetenv {name};")).collect();
    write_if_for_all(&unset, out)?;
    writeln!(out, "launchctl setenv {upper} \"${upper}\"; launchctl setenv {lower} \"${lower}\");")?;
    for name in &it.unset {
        writeln!(out, "launchctl unsetenv {name};")?;
    }
    Ok(())
}

/// What is done where no proxy is to be used for anything.
fn write_if_for_all(what: &str, out: &mut dyn Write) -> Result {
    let [upper, lower] = PROXY_EXCEPTIONS;
    writeln!(out, "if [ \"${{{upper}}}\" = '*' ] || [ \"${{{lower}}}\" = '*' ]; then {what} fi;")
}

/// The text as one word (POSIX.1-2024 XCU 2.2.2, single quotes).
pub(crate) fn write_word(text: &str, out: &mut dyn Write) -> Result {
    out.write_char('\'')?;
    for (number, piece) in text.split('\'').enumerate() {
        out.write_str(if number == 0 { "" } else { r"'\''" })?;
        out.write_str(piece)?;
    }
    out.write_char('\'')
}

/// The head of a line whose rest is done unless the variable has the host already, or is `*`.
fn write_unless_named(name: &str, host: &str, out: &mut dyn Write) -> Result {
    write!(out, "case \",${{{name}}},\" in ',*,'|*,{host},*) ;; *) ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::surroundings::tests::surroundings;

    #[test]
    fn a_word_has_nothing_that_the_shell_reads() {
        let mut word = String::new();
        write_word("a'b$(id)`id`\"\\\n", &mut word).unwrap();
        assert_eq!(word, "'a'\\''b$(id)`id`\"\\\n'");
    }

    #[test]
    fn the_lines_are_exact() {
        let mut text = String::new();
        write(&surroundings(&[("IDENTITY_HEADER", "s_1")], &["MSI_SECRET", "AZURE_CLIENT_ID"]), &mut text)
            .unwrap();
        assert_eq!(
            text,
            r#"export IDENTITY_HEADER='s_1';
export NO_PROXY="${NO_PROXY:-${no_proxy-}}";
export no_proxy="${no_proxy:-${NO_PROXY}}";
case ",${NO_PROXY}," in ',*,'|*,127.0.0.1,*) ;; *) NO_PROXY="${NO_PROXY:+${NO_PROXY},}127.0.0.1";; esac;
case ",${NO_PROXY}," in ',*,'|*,localhost,*) ;; *) NO_PROXY="${NO_PROXY:+${NO_PROXY},}localhost";; esac;
case ",${no_proxy}," in ',*,'|*,127.0.0.1,*) ;; *) no_proxy="${no_proxy:+${no_proxy},}127.0.0.1";; esac;
case ",${no_proxy}," in ',*,'|*,localhost,*) ;; *) no_proxy="${no_proxy:+${no_proxy},}localhost";; esac;
if [ "${NO_PROXY}" = '*' ] || [ "${no_proxy}" = '*' ]; then unset -v ALL_PROXY HTTPS_PROXY HTTP_PROXY all_proxy http_proxy https_proxy; fi;
unset -v MSI_SECRET;
unset -v AZURE_CLIENT_ID;
"#
        );
    }
}
