//! What is a rule and what is told of what is none.

use rstest::rstest;

use super::*;

fn read(text: &str) -> Result<Vec<(usize, Rule)>, Vec<RuleFault>> {
    parse(text.lines())
}

fn faults(text: &str) -> Vec<String> {
    read(text).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_text_has_a_rule_a_line_and_comments() {
    let text = "# who may ask\n\
                deny   forwarded resource=graph\n\
                \n\
                \tallow  program=/usr/bin/git resource=devops   # a comment\n\
                ask    agent resource=!foundry\n\
                allow  unit=claude-desktop.service resource=foundry account=*@contoso.example\r\n\
                deny program=\"/opt/My # Tool/run\" !container account=a#b\n\
                allow";
    let rules = read(text).unwrap();
    let written: Vec<_> = rules.iter().map(|(line, rule)| (*line, rule.to_string())).collect();
    let expected = [
        (2, "deny forwarded resource=graph"),
        (4, "allow program=/usr/bin/git resource=devops"),
        (5, "ask agent resource=!foundry"),
        (6, "allow unit=claude-desktop.service resource=foundry account=*@contoso.example"),
        (7, "deny program=\"/opt/My # Tool/run\" !container account=a#b"),
        (8, "allow"),
    ];
    assert_eq!(written, expected.map(|(line, text)| (line, text.to_owned())));
}

#[rstest]
#[case("alow resource=arm", "column 1: `alow` is no beginning of a rule; did you mean `allow`?")]
#[case("Deny", "did you mean `deny`?")]
#[case("deny progam=/bin/x", "column 6: There is no condition `progam`; did you mean `program`?")]
#[case("deny  !forwardd", "column 7: There is no condition `forwardd`; did you mean `forwarded`?")]
#[case("deny resource", "column 6: `resource` needs a value, as in `resource=foundry`.")]
#[case("deny resource=", "`resource` needs a value")]
#[case("deny resource=!\"\"", "`resource` needs a value")]
#[case("deny forwarded=yes", "`forwarded` takes no value; write `forwarded` or `!forwarded`.")]
#[case("deny !resource=arm", "write `resource=!…`")]
#[case("deny resource=foundri", "did you mean `foundry`?")]
#[case("deny program=git", "The path of `program` should be one from the root")]
#[case("deny script=~/bin/x", "`~` and variables are not replaced")]
#[case("deny hash=sha256:12", "A hash is `sha256:` and 64 hexadecimal digits")]
#[case("deny program=\"/a b", "column 14: A quote is not closed")]
#[case("deny program=/a\"b\"", "A quote stands around a whole value")]
#[case("deny resource=arm resource=graph", "column 19: `resource` stands twice")]
#[case("deny ten\u{200b}ant=x", "column 9: The line holds a character that cannot be seen")]
#[case("allow program=/usr/bin/python3", "`python3` runs what others write")]
#[case("allow program=/usr/bin/node* resource=arm", "add `script=` or `parent=`")]
#[case("allow program=/usr/bin/bash script=!/tmp/x", "runs what others write")]
#[case("allow program=**/git", "`program` names a file in any folder")]
#[case("deny tenant=contoso.example", "A tenant has several names")]
#[case("allow tenant=!contoso.example", "write its id")]
fn a_fault_is_told_with_its_place_and_what_to_write(#[case] line: &str, #[case] expected: &str) {
    let told = faults(&format!("# first\n{line}"));
    assert!(told.len() == 1 && told[0].starts_with("line 2, ") && told[0].contains(expected), "{told:?}");
}

#[rstest]
#[case("allow program=/usr/bin/python3 script=/usr/bin/az")]
#[case("allow program=/usr/bin/bash parent=/usr/bin/make")]
#[case("deny program=/usr/bin/python3")]
#[case("ask program=**/curl")]
#[case("allow tenant=contoso.example")]
#[case("deny tenant=99999999-8888-7777-6666-555555555555")]
#[case("deny resource=!foundry resource=!graph")]
#[case("allow parent=/usr/bin/make parent=/usr/bin/bash")]
#[case("allow resource=https://vault.azure.net/ account=\"!odd one\"")]
#[case("deny lease=claude agent=claude")]
#[case("deny !lease")]
fn what_is_safe_is_a_rule(#[case] line: &str) {
    let rules = read(line).unwrap();
    assert_eq!(rules[0].1.to_string(), line);
}

#[test]
fn every_fault_of_a_text_is_told_in_order() {
    let told = faults("alow progam=/x forwarded=1\nallow\ndeny unit");
    let places: Vec<_> = told.iter().map(|fault| fault.split(':').next().unwrap()).collect();
    assert_eq!(places, ["line 1, column 1", "line 1, column 6", "line 1, column 16", "line 3, column 6"]);
}

#[test]
fn nothing_is_longer_than_it_need_be() {
    assert!(faults(&format!("deny #{}", "x".repeat(MAX_LINE)))[0].contains("longer than any rule needs"));
    assert!(faults(&format!("deny program=/{}", "x".repeat(1024)))[0].contains("longer than any rule needs"));
    let many = "allow\n".repeat(super::super::MAX_RULES + 1);
    assert_eq!(faults(&many), ["line 1001, column 1: There are more than 1000 rules."]);
    assert_eq!(read(many.strip_suffix("allow\n").unwrap()).unwrap().len(), 1000);
}
