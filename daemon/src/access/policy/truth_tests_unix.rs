//! Of paths that are no text.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::Truth;
use super::tests::{facts, subject, truth};
use crate::access::facts::Facts;

#[test]
fn a_path_that_is_no_text_is_not_known() {
    let odd = PathBuf::from(OsStr::from_bytes(b"/tmp/\xff"));
    let facts = Facts { program: Some(odd.clone()), parents: vec![odd], ..facts() };
    let subject = subject(Some(facts), &["a"]);
    assert_eq!(truth("program=/tmp/**", &subject), Truth::Unknown);
    assert_eq!(truth("parent=!/tmp/**", &subject), Truth::Unknown);
}
