//! Programs that do what somebody else wrote: to trust one of them is to trust everybody. So what counts is the script that
//! one of them runs, which is no more than its own word: it stands among its arguments, and it can write those anew.
//!
//! An option that is not known is taken for one without a value of its own. A script that is named wrongly for that is weak, as
//! each of them is.

use std::ffi::OsStr;
use std::path::Path;

/// Whether the program runs scripts, or carries what its caller says, as its file's name tells.
#[must_use]
pub fn is_interpreter(program: &Path) -> bool {
    program.file_name().and_then(OsStr::to_str).is_some_and(is_interpreters_name)
}

/// The same by a file's name: `python3.12`, `PWSH.EXE`, `bash`.
#[must_use]
pub fn is_interpreters_name(name: &str) -> bool {
    let name = plain(name);
    kind_of(&name).is_some() || CARRIERS.contains(&name.as_str()) || is_loader(&name)
}

/// The script that an interpreter of this name was told to run; nothing where it is none, reads its input, or was given the
/// program's text or the name of a module in place of a file.
#[must_use]
pub fn script<'a>(program: &Path, words: &[&'a [u8]]) -> Option<&'a [u8]> {
    let name = plain(program.file_name()?.to_str()?);
    // The system's loader runs whatever program it is told to; busybox is what it is called, or what its first word says.
    let (kind, words) = match words {
        [own, rest @ ..] if name == "busybox" => {
            let own = plain(std::str::from_utf8(last_part(own)).ok()?);
            let (applet, rest) =
                if own == name { (rest.first()?, rest.get(1..)?) } else { (&words[0], rest) };
            (kind_of(&plain(std::str::from_utf8(last_part(applet)).ok()?))?, rest)
        }
        [_, rest @ ..] if is_loader(&name) => (&LOADER, rest),
        [_, rest @ ..] => (kind_of(&name)?, rest),
        [] => return None,
    };
    kind.script(words)
}

/// An interpreter's command line, as far as the way to its script.
struct Kind {
    names: &'static [&'static str],
    /// Words that come before options and are none: `deno run`.
    verbs: &'static [&'static str],
    /// Letters that may stand together behind one `-`; after these comes the program's text, or a module's name.
    texts: &'static [u8],
    /// Letters whose value is the rest of their word, or the next word.
    valued: &'static [u8],
    /// Letters whose value is the rest of their word, or nothing.
    joined: &'static [u8],
    /// The same as whole words.
    text_words: &'static [&'static str],
    valued_words: &'static [&'static str],
    /// After these comes the script.
    script_words: &'static [&'static str],
    /// A word that is no option is something else than a script.
    is_by_option: bool,
}

impl Kind {
    const PLAIN: Self = Self {
        names: &[],
        verbs: &[],
        texts: b"",
        valued: b"",
        joined: b"",
        text_words: &[],
        valued_words: &[],
        script_words: &[],
        is_by_option: false,
    };

    fn script<'a>(&self, words: &[&'a [u8]]) -> Option<&'a [u8]> {
        let mut words = words.iter().copied().peekable();
        if words.peek().is_some_and(|word| is_one_of(word, self.verbs)) {
            words.next();
        }
        while let Some(word) = words.next() {
            if is_one_of(word, self.script_words) {
                return words.next();
            }
            if word == b"--" {
                return words.next().filter(|_| !self.is_by_option);
            }
            // Its input.
            if word == b"-" || is_one_of(word, self.text_words) {
                return None;
            }
            if is_one_of(word, self.valued_words) {
                words.next();
                continue;
            }
            match word {
                [b'-', b'-', ..] => {}
                [b'-' | b'+', letters @ ..] => match self.first_of(letters) {
                    Letter::Text => return None,
                    Letter::ValueFollows => drop(words.next()),
                    Letter::Plain => {}
                },
                [] => return None,
                _ => return Some(word).filter(|_| !self.is_by_option),
            }
        }
        None
    }

    fn first_of(&self, letters: &[u8]) -> Letter {
        for (at, letter) in letters.iter().enumerate() {
            if self.texts.contains(letter) {
                return Letter::Text;
            }
            if self.joined.contains(letter) {
                return Letter::Plain;
            }
            if self.valued.contains(letter) {
                return if at + 1 == letters.len() { Letter::ValueFollows } else { Letter::Plain };
            }
        }
        Letter::Plain
    }
}

/// What the letters behind one `-` come to.
enum Letter {
    Plain,
    Text,
    ValueFollows,
}

fn kind_of(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.names.contains(&name))
}

fn is_one_of(word: &[u8], words: &[&str]) -> bool {
    words.iter().any(|it| it.as_bytes() == word)
}

fn last_part(path: &[u8]) -> &[u8] {
    // The shell of a log-in is called `-sh`.
    let path = path.strip_prefix(b"-").unwrap_or(path);
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// Without its version and what its build is called: `python3.12d` and `PERL5.EXE` too.
fn plain(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let name = name.strip_suffix("-static").unwrap_or(name);
    let before_digits = &name[..name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len())];
    let before_digits = before_digits.trim_end_matches('-');
    if kind_of(before_digits).is_some() {
        return before_digits.to_owned();
    }
    name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')).to_owned()
}

/// `ld-linux-x86-64.so.2 PROGRAM`: the kernel then names the loader.
fn is_loader(name: &str) -> bool {
    name.starts_with("ld-") || name.starts_with("ld.so") || name.starts_with("qemu-")
}

const LOADER: Kind = Kind {
    valued_words: &["--library-path", "--preload", "--audit", "--argv0", "--inhibit-rpath", "-L", "-E", "-0"],
    ..Kind::PLAIN
};

const KINDS: &[Kind] = &[
    Kind {
        names: &["sh", "ash", "bash", "busybox", "dash", "fish", "ksh", "mksh", "zsh", "csh", "tcsh"],
        texts: b"cs",
        valued: b"oO",
        text_words: &["--command"],
        valued_words: &["--rcfile", "--init-file", "--init-command"],
        ..Kind::PLAIN
    },
    Kind {
        names: &["python", "pythonw", "pypy"],
        texts: b"cm",
        valued: b"WX",
        valued_words: &["--check-hash-based-pycs"],
        ..Kind::PLAIN
    },
    Kind {
        names: &["node", "nodejs"],
        text_words: &["-e", "--eval", "-p", "--print", "-pe"],
        valued_words: &[
            "-r",
            "--require",
            "--import",
            "--loader",
            "--experimental-loader",
            "-C",
            "--conditions",
            "--env-file",
            "--title",
        ],
        ..Kind::PLAIN
    },
    Kind {
        names: &["bun", "deno"],
        verbs: &["run", "serve", "test"],
        text_words: &["-e", "--eval", "-p", "--print", "eval", "repl", "x"],
        valued_words: &["-c", "--config", "--import-map", "-r", "--preload", "--cwd", "--env-file"],
        ..Kind::PLAIN
    },
    Kind { names: &["perl"], texts: b"eE", valued: b"I", joined: b"MmixlFD0CdV", ..Kind::PLAIN },
    Kind {
        names: &["ruby"],
        texts: b"e",
        valued: b"ICEr",
        joined: b"FKTWxi0",
        valued_words: &["--encoding", "--external-encoding", "--internal-encoding"],
        ..Kind::PLAIN
    },
    Kind {
        names: &["java", "javaw"],
        text_words: &["-m", "--module"],
        valued_words: &["-cp", "-classpath", "--class-path", "-p", "--module-path", "--add-modules"],
        script_words: &["-jar"],
        is_by_option: true,
        ..Kind::PLAIN
    },
    Kind { names: &["php"], texts: b"rB", valued: b"cdzt", script_words: &["-f"], ..Kind::PLAIN },
    Kind { names: &["lua", "luajit", "tclsh"], texts: b"e", valued: b"l", ..Kind::PLAIN },
    Kind { names: &["guile"], texts: b"c", valued: b"elLCx", script_words: &["-s"], ..Kind::PLAIN },
    Kind {
        names: &["pwsh", "powershell"],
        script_words: &["-File", "-file", "-f", "--file"],
        text_words: &["-Command", "-command", "-c"],
        ..Kind::PLAIN
    },
    Kind { names: &["dotnet", "mono"], verbs: &["exec"], ..Kind::PLAIN },
    Kind { names: &["osascript"], texts: b"e", valued: b"l", ..Kind::PLAIN },
    Kind {
        names: &["awk", "gawk", "mawk"],
        valued: b"Fv",
        script_words: &["-f"],
        is_by_option: true,
        ..Kind::PLAIN
    },
];

/// They run what has no file here, or run nothing and say to a socket whatever they are told to.
const CARRIERS: [&str; 11] =
    ["cmd", "cscript", "curl", "gdb", "lldb", "nc", "ncat", "netcat", "socat", "wget", "wscript"];

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/usr/bin/python3.12")]
    #[case("/usr/bin/python3.12d")]
    #[case("/bin/sh")]
    #[case("node")]
    #[case("/opt/lua5.4")]
    #[case("/usr/bin/perl5.36-x86_64-linux-gnu")]
    #[case("/usr/bin/bash-static")]
    #[case("PowerShell.exe")]
    #[case("/usr/bin/curl")]
    #[case("/usr/lib64/ld-linux-x86-64.so.2")]
    #[case("/bin/busybox")]
    fn an_interpreter_is_known_with_its_version(#[case] path: &str) {
        assert!(is_interpreter(Path::new(path)));
    }

    #[rstest]
    #[case("/usr/bin/git")]
    #[case("/usr/bin/pythonista")]
    #[case("/usr/bin/shfmt")]
    #[case("/usr/bin/claude")]
    #[case("/usr/bin/7z")]
    #[case("/usr/bin/3")]
    #[case("/")]
    fn another_program_is_none(#[case] path: &str) {
        assert!(!is_interpreter(Path::new(path)));
    }

    #[rstest]
    #[case("/bin/bash", "bash /opt/tool --flag x", Some("/opt/tool"))]
    #[case("/bin/bash", "bash -eu -o pipefail tool", Some("tool"))]
    #[case("/bin/bash", "-bash", None)]
    #[case("/bin/dash", "sh -c tool", None)]
    #[case("/bin/dash", "sh -ec tool", None)]
    #[case("/bin/bash", "bash --rcfile rc tool", Some("tool"))]
    #[case("/bin/bash", "bash -s tool", None)]
    #[case("/bin/bash", "bash -- -tool", Some("-tool"))]
    #[case("/bin/busybox", "busybox sh tool", Some("tool"))]
    #[case("/bin/busybox", "/bin/sh tool", Some("tool"))]
    #[case("/bin/busybox", "busybox wget x", None)]
    #[case("/usr/bin/python3.12", "python3 -u -X dev -Wonce tool.py --json", Some("tool.py"))]
    #[case("/usr/bin/python3.12", "python3 -m pip install", None)]
    #[case("/usr/bin/python3.12", "python3 -Im pip", None)]
    #[case("/usr/bin/python3.12", "python3 -c code", None)]
    #[case("/usr/bin/python3.12", "python3 - tool", None)]
    #[case("/usr/bin/node", "node --max-old-space-size=4096 -r hook cli.js -p", Some("cli.js"))]
    #[case("/usr/bin/node", "node -e code", None)]
    #[case("/usr/bin/deno", "deno run --allow-net main.ts", Some("main.ts"))]
    #[case("/usr/bin/perl", "perl -w -Ilib -I lib tool", Some("tool"))]
    #[case("/usr/bin/perl", "perl -ne code file", None)]
    #[case("/usr/bin/perl", "perl -l -0777 tool", Some("tool"))]
    #[case("/usr/bin/php8.2", "php -d a=b -f tool.php", Some("tool.php"))]
    #[case("/usr/bin/gawk", "awk text file", None)]
    #[case("/usr/bin/gawk", "awk -F : -v n=1 -f tool", Some("tool"))]
    #[case("/usr/bin/ruby3.1", "ruby -W0 -r json tool.rb", Some("tool.rb"))]
    #[case("/usr/lib/jvm/java-21/bin/java", "java -Xmx1g -cp lib -jar app.jar serve", Some("app.jar"))]
    #[case("/usr/lib/jvm/java-21/bin/java", "java -cp lib Main", None)]
    #[case("/usr/bin/pwsh", "pwsh -NoProfile -File tool.ps1", Some("tool.ps1"))]
    #[case("/usr/lib64/ld-linux-x86-64.so.2", "ld.so --library-path lib ./tool", Some("./tool"))]
    #[case("/usr/bin/git", "git fetch", None)]
    #[case("/usr/bin/curl", "curl tool", None)]
    fn what_an_interpreter_runs_stands_among_its_arguments(
        #[case] program: &str,
        #[case] line: &str,
        #[case] expected: Option<&str>,
    ) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        assert_eq!(script(Path::new(program), &words), expected.map(str::as_bytes));
    }

    #[test]
    fn no_words_are_no_script() {
        assert_eq!(script(Path::new("/bin/sh"), &[]), None);
        assert_eq!(script(Path::new("/bin/busybox"), &[b"busybox"]), None);
        assert_eq!(script(Path::new("/bin/sh"), &[b"sh", b""]), None);
        assert_eq!(script(Path::new("/bin/sh"), &[b"sh", b"-o"]), None);
    }
}
