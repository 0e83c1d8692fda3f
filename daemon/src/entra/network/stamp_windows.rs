//! When the file was made, and its attributes. Its number would take opening it.

use std::fs::Metadata;
use std::os::windows::fs::MetadataExt;

pub(super) fn identity(metadata: &Metadata) -> (u64, i64) {
    (metadata.creation_time(), i64::from(metadata.file_attributes()))
}
