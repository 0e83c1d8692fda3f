//! Each form of `entra config export`, read back by a parser that is not ours.
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use roxmltree::{Document, Node};
use serde_json::{Value, json};
use support::{FakeDaemon, err};

/// A setting of each kind with what has to be escaped somewhere, by its key: kind, choices, value.
fn settings() -> Vec<(&'static str, &'static str, Vec<&'static str>, Value)> {
    let awkward = "a \"b\" <c> & 'd' \\ %e% ]]> \u{fc}\u{1f511}";
    vec![
        ("tenant", "text", vec![], json!(awkward)),
        ("foundry_resource", "text", vec![], json!("true")),
        ("prompts_per_day", "number", vec![], json!(5)),
        ("forwarding", "switch", vec![], json!("off")),
        ("leases", "switch", vec![], json!("on")),
        ("snooze", "duration", vec![], json!("30m")),
        ("store", "choice", vec!["auto", "secret-service", "passphrase"], json!("secret-service")),
        ("allowed_domains", "list", vec![], json!(["contoso.com", awkward, "a, b"])),
        ("no_proxy", "list", vec![], json!([])),
        ("log_sinks", "choices", vec!["stderr", "syslog"], json!(["syslog", "stderr"])),
        ("profile.work-1.tenant", "text", vec![], json!("fabrikam.com")),
        ("profile.work_1.tenant", "text", vec![], json!(awkward)),
        ("profile.work_1.cloud", "choice", vec!["public", "china"], json!("china")),
    ]
}

fn daemon() -> FakeDaemon {
    let settings: Vec<Value> = settings()
        .into_iter()
        .map(|(key, kind, choices, value)| {
            json!({
                "key": key, "kind": kind, "choices": choices, "value": value, "summary": format!("What <{key}> is for."),
                "is_of_profile": key == "tenant" || key.starts_with("profile."),
                "origin": { "layer": "user", "place": "/u:1" },
            })
        })
        .collect();
    let answer = json!({ "settings": settings, "sources": [], "egress": [], "applied_on": 1 });
    FakeDaemon::saying(200, &answer.to_string())
}

fn exported(format: &str) -> Vec<u8> {
    let output = daemon().run(&format!("config export --format {format}"));
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    output.stdout
}

fn text(format: &str) -> String {
    String::from_utf8(exported(format)).unwrap()
}

/// The values as they are where there are types.
fn typed() -> BTreeMap<String, Value> {
    settings().into_iter().map(|(key, _, _, value)| (key.to_owned(), value)).collect()
}

/// The values as they are where there are strings alone.
fn strings() -> BTreeMap<String, String> {
    let string = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    typed().into_iter().map(|(key, value)| (key, string(value))).collect()
}

#[test]
fn a_configuration_profile_is_a_property_list_with_the_same_values() {
    let bytes = exported("mobileconfig");
    let profile = plist::Value::from_reader_xml(&*bytes).unwrap();
    let profile = profile.as_dictionary().unwrap();
    assert_eq!(profile.get("PayloadType").unwrap().as_string(), Some("Configuration"));
    let payload = profile.get("PayloadContent").unwrap().as_array().unwrap()[0].as_dictionary().unwrap();
    assert_eq!(payload.get("PayloadType").unwrap().as_string(), Some("dev.entrad"));
    let mut values = BTreeMap::new();
    flatten("", payload, &mut values);
    let switches = [("forwarding", json!(false)), ("leases", json!(true))];
    let mut expected = typed();
    expected.extend(switches.map(|(key, value)| (key.to_owned(), value)));
    assert_eq!(values, expected);
    assert_eq!(exported("mobileconfig"), bytes, "a second export is the first");
}

fn flatten(prefix: &str, table: &plist::Dictionary, values: &mut BTreeMap<String, Value>) {
    for (key, value) in table.iter().filter(|(key, _)| !key.starts_with("Payload")) {
        let full = format!("{prefix}{key}");
        let value = match value {
            plist::Value::Dictionary(inner) => {
                flatten(&format!("{full}."), inner, values);
                continue;
            }
            plist::Value::Array(items) => items.iter().map(|item| item.as_string().unwrap()).collect(),
            plist::Value::Boolean(is_on) => json!(is_on),
            plist::Value::Integer(number) => json!(number.as_signed().unwrap()),
            other => json!(other.as_string().unwrap()),
        };
        values.insert(full, value);
    }
}

#[test]
fn the_registrys_file_is_utf_16_and_has_the_same_values() {
    let bytes = exported("reg");
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes(pair.try_into().unwrap())).collect();
    let text = String::from_utf16(&units).unwrap();
    let mut lines = text.strip_prefix('\u{feff}').unwrap().split("\r\n");
    assert_eq!(lines.next(), Some("Windows Registry Editor Version 5.00"));
    let (mut prefix, mut values) = (None, BTreeMap::new());
    for line in lines.filter(|line| !line.is_empty()) {
        if let Some(key) = line.strip_prefix('[') {
            let below = key.strip_suffix(']').unwrap().strip_prefix(ROOT).unwrap();
            let name = below.strip_prefix('\\').map(|name| name.replace('\\', "."));
            prefix = Some(name.map_or_else(String::new, |name| name + "."));
        } else {
            let (name, rest) = quoted(line);
            let (value, rest) = quoted(rest.strip_prefix('=').unwrap());
            assert_eq!(rest, "", "{line}");
            values.insert(format!("{}{name}", prefix.as_deref().unwrap()), value);
        }
    }
    assert_eq!(values, strings());
}

/// The string at the beginning of the text, and what stands behind it.
fn quoted(text: &str) -> (String, &str) {
    let mut inner = text.strip_prefix('"').unwrap().char_indices();
    let mut value = String::new();
    loop {
        match inner.next().unwrap() {
            (at, '"') => return (value, &text[at + 2..]),
            (_, '\\') => {
                let (_, escaped) = inner.next().unwrap();
                assert!(matches!(escaped, '\\' | '"'), "{text}");
                value.push(escaped);
            }
            (_, plain) => value.push(plain),
        }
    }
}

#[test]
fn every_policy_is_whole() {
    let both = text("admx");
    let both = both.strip_prefix("==> entrad.admx <==\n").unwrap();
    let (admx, adml) = both.split_once("\n==> en-US/entrad.adml <==\n").unwrap();
    let (admx, adml) = (Document::parse(admx).unwrap(), Document::parse(adml).unwrap());
    let ids = |name: &str| -> BTreeSet<String> {
        adml.descendants().filter(|node| is(node, name)).map(|node| attribute(&node, "id")).collect()
    };
    let (strings, presentations) = (ids("string"), ids("presentation"));
    let names = |name: &str| -> BTreeSet<String> {
        admx.descendants().filter(|node| is(node, name)).map(|node| attribute(&node, "name")).collect()
    };
    for node in admx.descendants() {
        for value in node.attributes().map(|attribute| attribute.value()) {
            if let Some(id) = referred(value, "string") {
                assert!(strings.contains(id), "{value} is nowhere");
            }
            if let Some(id) = referred(value, "presentation") {
                assert!(presentations.contains(id), "{value} is nowhere");
            }
        }
        if is(&node, "parentCategory") {
            assert!(names("category").contains(&attribute(&node, "ref")));
        }
        if is(&node, "supportedOn") && node.has_attribute("ref") {
            assert!(names("definition").contains(&attribute(&node, "ref")));
        }
    }
    let mut written = BTreeSet::new();
    for policy in admx.descendants().filter(|node| is(node, "policy")) {
        let below = attribute(&policy, "key");
        let below = below.strip_prefix("SOFTWARE\\Policies\\entrad").unwrap();
        let prefix = below.strip_prefix('\\').map_or_else(String::new, |name| name.replace('\\', ".") + ".");
        let element = policy.descendants().find(|node| node.has_attribute("id"));
        let value_name = attribute(&element.unwrap_or(policy), "valueName");
        assert!(written.insert(format!("{prefix}{value_name}")), "{value_name} stands twice");
        let Some(presentation) = policy.attribute("presentation") else { continue };
        let id = referred(presentation, "presentation").unwrap();
        let shown = adml.descendants().find(|node| is(node, "presentation") && attribute(node, "id") == id);
        let field = shown.unwrap().descendants().find(|node| node.has_attribute("refId")).unwrap();
        assert_eq!(attribute(&field, "refId"), attribute(&element.unwrap(), "id"));
    }
    assert_eq!(written, typed().into_keys().collect());
    let help = adml.descendants().find(|node| node.attribute("id") == Some("tenant_help")).unwrap();
    assert!(help.text().unwrap().starts_with("What <tenant> is for."));
}

fn is(node: &Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

fn attribute(node: &Node<'_, '_>, name: &str) -> String {
    node.attribute(name).unwrap_or_else(|| panic!("{node:?} has no {name}")).to_owned()
}

fn referred<'a>(value: &'a str, table: &str) -> Option<&'a str> {
    value.strip_prefix("$(")?.strip_prefix(table)?.strip_prefix('.')?.strip_suffix(')')
}

#[test]
fn the_configuration_of_intune_enables_policies_that_it_brings() {
    let configuration: Value = serde_json::from_str(&text("intune-json")).unwrap();
    assert_eq!(configuration["@odata.type"], "#microsoft.graph.windows10CustomConfiguration");
    let settings = configuration["omaSettings"].as_array().unwrap();
    let admx = settings[0]["value"].as_str().unwrap();
    assert!(text("admx").contains(admx));
    let admx = Document::parse(admx).unwrap();
    let category = admx.descendants().find(|node| is(node, "category")).unwrap();
    let policies =
        format!("./Device/Vendor/MSFT/Policy/Config/entrad~Policy~{}/", attribute(&category, "name"));
    let mut values = BTreeMap::new();
    for oma in &settings[1..] {
        let name = oma["omaUri"].as_str().unwrap().strip_prefix(&policies).unwrap();
        let policy = admx.descendants().find(|node| is(node, "policy") && attribute(node, "name") == name);
        let element = policy.unwrap().descendants().find(|node| node.has_attribute("id"));
        let wrapped = format!("<value>{}</value>", oma["value"].as_str().unwrap());
        let wrapped = Document::parse(&wrapped).unwrap();
        let data = wrapped.descendants().find(|node| is(node, "data"));
        assert_eq!(data.map(|data| attribute(&data, "id")), element.map(|element| attribute(&element, "id")));
        let switch = if wrapped.descendants().any(|node| is(&node, "enabled")) { "on" } else { "off" };
        let value = data.map_or_else(|| switch.to_owned(), |data| attribute(&data, "value"));
        values.insert(oma["displayName"].as_str().unwrap().to_owned(), value);
    }
    assert_eq!(values, strings());
}

#[test]
fn the_managed_file_has_the_same_values() {
    let table: toml::Table = text("toml").parse().unwrap();
    let mut values = BTreeMap::new();
    for (key, value) in &table {
        let value = serde_json::to_value(value).unwrap();
        let Some(profiles) = value.as_object().filter(|_| key == "profile") else {
            values.insert(key.clone(), value);
            continue;
        };
        for (name, profile) in profiles {
            for (key, value) in profile.as_object().unwrap() {
                values.insert(format!("profile.{name}.{key}"), value.clone());
            }
        }
    }
    assert_eq!(values, typed());
}

#[test]
fn the_schema_knows_what_is_exported() {
    let schema: Value = serde_json::from_str(&text("json-schema")).unwrap();
    for (key, kind, choices, _) in settings() {
        let property = match key.rsplit_once('.') {
            None => &schema["properties"][key],
            Some(("profile.work-1", key)) => &schema["$defs"]["profile"]["properties"][key],
            Some(_) => continue,
        };
        // A profile's setting is described as the default profile's is.
        let name = key.rsplit('.').next().unwrap();
        assert_eq!(property["description"], format!("What <{name}> is for."));
        match kind {
            "choice" => assert_eq!(property["enum"], json!(choices)),
            "choices" => assert_eq!(property["items"]["enum"], json!(choices)),
            _ => {}
        }
    }
    assert_eq!(schema["additionalProperties"], false);
}

const ROOT: &str = r"HKEY_LOCAL_MACHINE\SOFTWARE\Policies\entrad";
