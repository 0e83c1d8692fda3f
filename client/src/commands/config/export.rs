//! `entra config export`: the settings in force, in the form of a device management.
//!
//! What is handed on is what somebody chose. What belongs to this machine alone stays here unless it is asked for, and a
//! password stays here whatever is asked for: an export is a file that many people read.

use std::path::Path;

use entra_proto::config::{ConfigAnswer, Kind, Layer, SettingInfo};
use entra_proto::error::exit;
use serde_json::Value;

use super::answer::ask;
use super::formats::{self, Product};
use super::safe::holds_password;
use super::{absolute, words};
use crate::args::{ExportArgs, ExportFormat};
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::setup::file::{self, Content, FileError};
use crate::text::plain;

/// Asks, and writes it.
pub(super) fn run(
    socket: impl FnOnce() -> Result<Socket, Failure>,
    args: &ExportArgs,
) -> Result<(), Failure> {
    let told = ask(socket)?;
    told.note();
    for fault in words::faults(&told.answer.sources) {
        print::note(&format!("What is bad is not exported: {}", plain(fault)));
    }
    let product = match args.format {
        ExportFormat::Admx => Product::Policies(formats::admx::written(&told.answer)),
        ExportFormat::JsonSchema => Product::Text(formats::schema::written(&told.answer)),
        format => of_chosen(&told.answer, format, args.all)?,
    };
    match &args.output {
        Some(path) => save(&product, &absolute(path)?),
        None => show(&product),
    }
}

/// The forms that hold values.
fn of_chosen(answer: &ConfigAnswer, format: ExportFormat, all: bool) -> Result<Product, Failure> {
    let chosen = choose(&answer.settings, all)?;
    for sentence in &chosen.notes {
        print::note(sentence);
    }
    if chosen.settings.is_empty() {
        return Err(Failure::new(
            exit::USAGE,
            "nothing_set",
            "There is nothing to export: nobody set anything that is not this machine's own.",
        )
        .hint("`entra config show` shows what is set. The forms admx and json-schema need no values."));
    }
    Ok(match format {
        ExportFormat::Mobileconfig => Product::Text(formats::mobileconfig::written(&chosen.settings)),
        ExportFormat::Reg => Product::Registry(formats::reg::written(&chosen.settings)),
        ExportFormat::IntuneJson => Product::Text(formats::intune::written(answer, &chosen.settings)),
        _ => Product::Text(formats::toml::written(&chosen.settings)),
    })
}

/// What is handed on, and what has to be said of the rest.
#[derive(Debug)]
struct Chosen<'a> {
    settings: Vec<&'a SettingInfo>,
    notes: Vec<String>,
}

fn choose(settings: &[SettingInfo], all: bool) -> Result<Chosen<'_>, Failure> {
    let mut chosen = Chosen { settings: Vec::new(), notes: Vec::new() };
    let mut machines_own = Vec::new();
    for setting in settings {
        let Some(value) = setting.value.as_ref().filter(|_| setting.origin.layer != Layer::BuiltIn) else {
            continue;
        };
        if formats::is_in_no_file(&setting.key) {
            continue;
        }
        if !all && is_machines_own(setting) {
            machines_own.push(plain(&setting.key));
            continue;
        }
        if holds_password(&setting.key, value) {
            let key = plain(&setting.key);
            if matches!(setting.origin.layer, Layer::Environment | Layer::CommandLine) {
                let from = words::origin(&setting.origin);
                chosen.notes.push(format!("`{key}` is left out: its value ({from}) holds a password."));
                continue;
            }
            return Err(password_refused(setting));
        }
        if strings(value).any(|text| text.contains(is_unwritable)) {
            return Err(unwritable(setting));
        }
        chosen.settings.push(setting);
    }
    if !machines_own.is_empty() {
        let keys = machines_own.join(", ");
        chosen.notes.push(format!("Left out, since it is this machine's own: {keys}. --all takes it too."));
    }
    Ok(chosen)
}

/// Whether it says where something is on this machine, which on the next one is elsewhere.
fn is_machines_own(setting: &SettingInfo) -> bool {
    setting.kind == Kind::Path || setting.key == "passphrase_fd"
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value.as_str().into_iter().chain(items.iter().filter_map(Value::as_str))
}

/// XML holds neither (XML 1.0 section 2.2), and a value of the registry in a text file no line ends.
fn is_unwritable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn password_refused(setting: &SettingInfo) -> Failure {
    let sentence = format!(
        "`{}` holds a password ({}), and an export is read by many: nothing was exported.",
        plain(&setting.key),
        words::origin(&setting.origin)
    );
    Failure::new(exit::REFUSED, "password", sentence)
        .hint("Take the password out of the value, or use a proxy that asks for none.")
}

fn unwritable(setting: &SettingInfo) -> Failure {
    let sentence = format!(
        "`{}` holds a control character ({}), which no export can hold.",
        plain(&setting.key),
        words::origin(&setting.origin)
    );
    Failure::new(exit::MISCONFIGURED, "unwritable", sentence).hint("Take it out of the value.")
}

/// Prints it. The policies are two files, so each is headed by its name.
fn show(product: &Product) -> Result<(), Failure> {
    let stream = Stream::output();
    match product {
        Product::Text(text) => stream.write(text.as_bytes()),
        // On a terminal for reading; into a file as the registry's editor takes it.
        Product::Registry(text) if stream.is_terminal() => stream.write(text.as_bytes()),
        Product::Registry(text) => stream.write(&formats::reg::encoded(text)),
        Product::Policies(policies) => {
            let (admx, adml) = (&policies.admx, &policies.adml);
            let both = format!("==> {ADMX} <==\n{admx}\n==> {ADML_FOLDER}/{ADML} <==\n{adml}");
            stream.write(both.as_bytes())
        }
    }
}

/// Writes it, in place of what is there.
fn save(product: &Product, path: &Path) -> Result<(), Failure> {
    match product {
        Product::Text(text) => put(path, text.as_bytes()),
        Product::Registry(text) => put(path, &formats::reg::encoded(text)),
        Product::Policies(policies) => {
            let folder = path.join(ADML_FOLDER);
            std::fs::create_dir_all(&folder).map_err(|error| {
                let sentence = format!("The folder {} cannot be made.", folder.display());
                Failure::new(exit::USAGE, "no_folder", sentence).because(&error)
            })?;
            put(&path.join(ADMX), policies.admx.as_bytes())?;
            put(&folder.join(ADML), policies.adml.as_bytes())
        }
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let put = || -> Result<(), FileError> {
        let old = file::read(path)?;
        let new = Content::private(bytes.to_vec());
        let mode = old.as_ref().and_then(|old| old.mode).or(new.mode.map(|_| FOR_ALL));
        file::replace(path, old.as_ref(), Some(&Content { mode, ..new }))
    };
    put().map_err(|error| {
        let sentence = "The export could not be written; what was there is as it was.";
        Failure::new(exit::USAGE, "unwritable", sentence)
            .because(&error)
            .hint("Name another place by --output.")
    })
}

/// A managed file is read by the daemon of every user, and no secret is in it.
const FOR_ALL: u32 = 0o644;

/// The names that Windows looks for in its central store of templates.
const ADMX: &str = "entrad.admx";
const ADML: &str = "entrad.adml";
const ADML_FOLDER: &str = "en-US";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::words::tests::{set, setting};
    use super::*;

    fn keys<'a>(chosen: &Chosen<'a>) -> Vec<&'a str> {
        chosen.settings.iter().map(|setting| setting.key.as_str()).collect()
    }

    #[test]
    fn what_somebody_chose_is_handed_on_and_what_is_the_machines_own_stays() {
        let settings = [
            setting("store", Kind::Choice),
            set("tenant", Kind::Text, json!("t"), Layer::User, "/u:1"),
            set("socket", Kind::Path, json!("/run/s"), Layer::Environment, "ENTRAD_SOCKET"),
            set("config", Kind::Path, json!("/c"), Layer::CommandLine, "--config"),
            set("log", Kind::Text, json!("entrad=info"), Layer::BuiltIn, "built in"),
        ];
        let chosen = choose(&settings, false).unwrap();
        assert_eq!(keys(&chosen), ["tenant"]);
        assert!(chosen.notes[0].contains("socket") && chosen.notes[0].contains("--all"), "{chosen:?}");
        // No file may name another one.
        assert_eq!(keys(&choose(&settings, true).unwrap()), ["tenant", "socket"]);
    }

    #[test]
    fn a_password_is_never_handed_on() {
        let proxy = |layer, place| {
            set("https_proxy", Kind::Text, json!("http://ada:hunter2@proxy:3128"), layer, place)
        };
        for layer in [Layer::User, Layer::Machine, Layer::Managed, Layer::ClaudeDesktop] {
            let failure = choose(&[proxy(layer, "/f:1")], true).unwrap_err();
            assert_eq!(failure.exit(), exit::REFUSED);
            assert!(failure.message().contains("`https_proxy` holds a password"), "{}", failure.message());
            assert!(!failure.message().contains("hunter2"));
        }
        // A shell's variable is nobody's decision for a fleet.
        let settings = [proxy(Layer::Environment, "HTTPS_PROXY")];
        let chosen = choose(&settings, true).unwrap();
        assert!(chosen.settings.is_empty() && chosen.notes[0].contains("HTTPS_PROXY"), "{chosen:?}");
        assert!(!chosen.notes[0].contains("hunter2"));
    }

    #[test]
    fn what_no_form_can_hold_is_refused() {
        for value in [json!("a\nb"), json!(["a", "b\u{1}"]), json!("\u{ffff}")] {
            let failure = choose(&[set("log", Kind::Text, value, Layer::User, "/u:1")], false).unwrap_err();
            assert!(failure.message().contains("control character"), "{}", failure.message());
        }
    }
}
