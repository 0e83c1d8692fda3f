//! What the demo does by Windows's own means: copies, access lists, a named pipe, and handles that
//! end a process for certain.
#![expect(unsafe_code, reason = "other processes have no safe interface")]

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};
use std::process::Child;

use entrad::windows::{Descriptor, Sid};
use windows_sys::Win32::Foundation::GENERIC_WRITE;
use windows_sys::Win32::Storage::FileSystem::WRITE_DAC;
use windows_sys::Win32::System::Threading::{TerminateProcess, WaitForSingleObject};

/// Has `own` play another program too. A copy, which can be deleted while the demo still runs.
pub(crate) fn cast(own: &Path, name: &Path) -> io::Result<()> {
    std::fs::copy(own, name).map(drop)
}

/// Writes a new file that nobody else may read.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).access_mode(GENERIC_WRITE | WRITE_DAC).create_new(true).open(path)?;
    Descriptor::of_user_alone(&Sid::ours()?)?.apply(file.as_handle())?;
    file.write_all(text.as_bytes())
}

/// Where the daemon listens. Pipes have no folders; the daemon refuses a name that is taken.
pub(crate) fn address(_: &Path) -> PathBuf {
    PathBuf::from(format!(r"\\.\pipe\entrad-demo-{}", std::process::id()))
}

/// A process that we started.
pub(crate) struct Grip(OwnedHandle);

impl Grip {
    /// Takes hold of it.
    pub(crate) fn on(child: &Child) -> io::Result<Self> {
        child.as_handle().try_clone_to_owned().map(Self)
    }

    /// Ends it and waits until it has: its files cannot be deleted before.
    pub(crate) fn kill(&self) {
        let process = self.0.as_raw_handle();
        // SAFETY: the handle is open. It may have ended by itself, which is as good.
        unsafe {
            TerminateProcess(process, 1);
            WaitForSingleObject(process, END_LIMIT);
        }
    }
}

/// What a command stands after, as shells show it.
pub(crate) const PROMPT: &str = ">";

/// What a person types to start the daemon by hand.
pub(crate) const START: &str = "start entrad";

/// What a person types to stop it and start it again.
pub(crate) const RESTART: &str = "start entrad    (after Ctrl-C in its window)";

/// What it listens on.
pub(crate) const ENDPOINT: &str = "pipe";

/// Ending takes milliseconds; this only bounds the wait. In milliseconds.
const END_LIMIT: u32 = 5_000;
