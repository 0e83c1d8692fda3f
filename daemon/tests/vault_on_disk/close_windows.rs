//! Closing a file to others by its access list.

use std::fs::OpenOptions;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::path::Path;

use entrad::windows::{Descriptor, Sid};

pub(crate) fn to_others(path: &Path) {
    let file = OpenOptions::new().access_mode(READ_CONTROL | WRITE_DAC).open(path).unwrap();
    let ours = Descriptor::of_user_alone(&Sid::ours().unwrap()).unwrap();
    ours.apply(file.as_handle()).unwrap();
}

/// Of winnt.h.
const READ_CONTROL: u32 = 0x2_0000;
const WRITE_DAC: u32 = 0x4_0000;
