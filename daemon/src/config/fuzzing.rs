//! What files, managed sources and the environment can hold. Whatever is taken in must be of use, and of one form.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::layer::{Layer, Layers};
use super::managed_values::{Node, Values, json, property_list, settings};
use super::source::Source;
use super::values::Given;
use super::{Bounds, LayerError, Network, Owner, Prompting, file, flows, keys, profiles};

/// TOML of the user's or a managed one, or the environment: lines of `name=value`. The first byte says which.
pub fn configuration(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let path = Path::new("config.toml");
    check(match which % 3 {
        0 => {
            file::parse(text, path, &|line| Source::File { path: path.to_owned(), line, owner: Owner::User })
        }
        1 => file::parse(text, path, &|line| Source::Managed(format!("config.toml:{line}"))),
        _ => {
            let set: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
            secret_stays(set.get("HTTPS_PROXY").copied().unwrap_or_default());
            Layer::environment(&|name: &str| Some(OsString::from(set.get(name.strip_prefix("ENTRAD_")?)?)))
        }
    });
}

/// Managed settings: a property list, JSON, or what is read of a registry, a line a value.
pub fn managed(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let path = Path::new("place");
    let values = match which % 3 {
        0 => property_list(rest, path),
        1 => json(rest, path),
        _ => Ok(std::str::from_utf8(rest).map(recorded).unwrap_or_default()),
    };
    check(values.and_then(|values| settings(&values, "place")));
}

/// `profile\NAME\key`, a letter for the type (`d` number, `m` list, `s` text, any other binary data) and the value, with tabs
/// between them.
fn recorded(text: &str) -> Values {
    let mut values = Values::new();
    for line in text.lines() {
        let mut fields = line.splitn(3, '\t');
        let (Some(path), Some(kind), Some(value)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let given = match kind {
            "d" => value.parse().map_or(Given::Other("a number out of range"), Given::Number),
            "m" => Given::List(value.split('|').map(str::to_owned).collect()),
            "s" => Given::Text(value.to_owned()),
            _ => Given::Other("binary data"),
        };
        let (keys, name) = path.rsplit_once('\\').unwrap_or(("", path));
        let mut table = &mut values;
        for key in keys.split('\\').filter(|key| !key.is_empty()).take(3) {
            let node = table.entry(key.to_owned()).or_insert_with(|| Node::Table(Values::new()));
            if let Node::Value(_) = node {
                *node = Node::Table(Values::new());
            }
            let Node::Table(below) = node else { unreachable!("it was made one") };
            table = below;
        }
        table.insert(name.to_owned(), Node::Value(given));
    }
    values
}

fn check(layer: Result<Layer, LayerError>) {
    let layer = match layer {
        Ok(layer) => layer,
        Err(error) => {
            let said = error.to_string();
            assert!(!said.is_empty() && !said.contains(char::is_control), "{said:?}");
            return;
        }
    };
    let layers = Layers(vec![layer]);
    for full in layers.names() {
        let (Some(key), Some(setting)) = (keys::find(&full), layers.text(&full)) else {
            panic!("{full} was taken, and there is no such setting");
        };
        // The form that is kept is one that may be set.
        let again = key.take(Given::Text(setting.value.clone()));
        assert_eq!(again.ok().as_ref(), Some(&setting.value), "{full}");
    }
    let bounds = Bounds::read(&layers);
    flows(&layers, &bounds);
    profiles(&layers);
    Prompting::read(&layers);
    drop(Network::read(&layers).map(|network| format!("{network:?} {layers:?}")));
}

/// No message and no report has the password of a proxy.
fn secret_stays(rest: &str) {
    const SECRET: &str = "s3cret-of-ada";
    let value = format!("http://ada:{SECRET}{rest}@proxy.example:8080");
    // What has it beside its password, such as in the host, gives it away itself.
    if value.matches(SECRET).count() > 1 {
        return;
    }
    let taken =
        Layer::environment(&|name: &str| (name == "ENTRAD_HTTPS_PROXY").then(|| OsString::from(&value)));
    let said = match taken {
        Ok(layer) => format!("{:?}", Network::read(&Layers(vec![layer]))),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!said.contains(SECRET) && !super::redacted(&value).contains(SECRET), "{said}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn committed_inputs_are_fine() {
        crate::replay::all(
            "entrad::config::fuzzing",
            &[("configuration", configuration), ("managed", managed)],
        );
    }
}
