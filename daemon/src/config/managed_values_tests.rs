//! Recorded values of property lists and JSON files.

use std::path::Path;

use rstest::rstest;

use super::*;

fn of_plist(body: &str) -> Result<Layer, LayerError> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\"><dict>{body}</dict></plist>\n"
    );
    settings(&property_list(text.as_bytes(), Path::new("/p.plist"))?, "/p.plist")
}

fn value(layer: &Layer, key: &str) -> String {
    layer.get(key).unwrap_or_else(|| panic!("{key} is set")).value.clone()
}

#[test]
fn a_managed_property_list_is_read_in_every_form_that_mdm_writes() {
    let layer = of_plist(
        "<key>PayloadUUID</key><string>x</string>\
         <key>leases</key><string>true</string>\
         <key>sign_in_page</key><false/>\
         <key>prompts_per_day</key><integer>3</integer>\
         <key>audit_size</key><string>32</string>\
         <key>allowed_tenants</key><array><string>a.example</string><string>b.example</string></array>\
         <key>allowed_domains</key><string>[\"a.example\"]</string>\
         <key>allowed_resources</key><string>foundry, graph</string>\
         <key>profile</key><dict><key>work</key><dict><key>tenant</key><string>w.example</string></dict></dict>",
    )
    .unwrap();
    let all = [
        ("leases", "on"),
        ("sign_in_page", "off"),
        ("prompts_per_day", "3"),
        ("audit_size", "32"),
        ("allowed_tenants", r#"["a.example","b.example"]"#),
        ("allowed_domains", r#"["a.example"]"#),
        ("allowed_resources", r#"["foundry","graph"]"#),
        ("profile.work.tenant", "w.example"),
    ];
    for (key, expected) in all {
        assert_eq!(value(&layer, key), expected, "{key}");
    }
    assert_eq!(layer.len(), all.len());
    assert_eq!(layer.get("leases").unwrap().source.to_string(), "/p.plist (leases)");
}

#[rstest]
#[case(
    "<key>tenent</key><string>x</string>",
    "/p.plist (tenent): there is no setting `tenent`; did you mean `tenant`?"
)]
#[case("<key>leases</key><string>perhaps</string>", "`leases` should be `on` or `off`")]
#[case("<key>leases</key><real>1.5</real>", "`leases` is a fraction; it should be `on` or `off`")]
#[case("<key>tenant</key><dict/>", "`tenant` is a table")]
#[case("<key>profile</key><dict><key>w</key><string/></dict>", "`profile.w` is a single value")]
#[case("<key>allowed_tenants</key><string></string>", "it names nothing")]
#[case("<key>config</key><string>/x</string>", "there is no setting `config`")]
#[case("<key>a\u{7f}\nb</key><string>/x</string>", "/p.plist (ab): there is no setting `ab`")]
#[case(
    "<key>profile</key><dict><key>a\u{7f}b</key><true/></dict>",
    "/p.plist (profile.ab): `profile.ab` is a single value; it should be a table"
)]
#[case("<array>", "it is no property list")]
fn a_bad_one_is_refused_whole(#[case] body: &str, #[case] message: &str) {
    let error = of_plist(body).err().unwrap().to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn a_property_list_may_be_binary() {
    let mut bytes = Vec::new();
    let mut table = plist::Dictionary::new();
    table.insert("tenant".to_owned(), Value::String("a.example".to_owned()));
    Value::Dictionary(table).to_writer_binary(&mut bytes).unwrap();
    let values = property_list(&bytes, Path::new("/p.plist")).unwrap();
    assert_eq!(value(&settings(&values, "/p.plist").unwrap(), "tenant"), "a.example");
}

#[test]
fn json_has_types_of_its_own() {
    let text =
        br#"{"leases":false,"tenant":"a.example","allowed_tenants":["a.example"],"n":null,"x":{"y":1}}"#;
    let values = json(text, Path::new("/s.json")).unwrap();
    assert!(matches!(values["leases"], Node::Value(Given::Switch(false))));
    assert!(matches!(&values["allowed_tenants"], Node::Value(Given::List(list)) if list == &["a.example"]));
    assert!(matches!(&values["x"], Node::Table(table) if table.len() == 1));
    assert!(json(b"{\n\n\"a\":", Path::new("/s.json")).err().unwrap().to_string().starts_with("/s.json:3"));
    assert!(json(b"[]", Path::new("/s.json")).is_err());
}
