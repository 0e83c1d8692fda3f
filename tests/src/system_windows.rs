//! Homes by settings, since known folders cannot be moved; pipes named for the test; events in place of signals.
#![expect(unsafe_code, reason = "events and a process's memory have no safe interface")]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use entrad::windows::{AccessList, Descriptor, ObjectKind, Sid, wide};
use tempfile::TempDir;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_SHARE_READ, READ_CONTROL, WRITE_DAC,
};
use windows_sys::Win32::System::Console::{CTRL_BREAK_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{
    CREATE_NEW_PROCESS_GROUP, EVENT_MODIFY_STATE, OpenEventW, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
    PROCESS_TERMINATE, PROCESS_VM_READ, SetEvent, TerminateProcess,
};

/// A temporary folder; the user's own are closed to others.
pub(crate) fn private_folder() -> TempDir {
    tempfile::Builder::new().prefix("entrad-").tempdir().expect("a folder")
}

/// Makes the home of a workstation in its folder.
pub(crate) fn furnish(folder: &Path) {
    std::fs::create_dir(folder.join("home")).expect("a folder");
    // It is named in the environment, so it must be there.
    std::fs::write(config_file(folder), "").expect("a file");
}

/// Closes a file to others, as the daemon closes its own.
pub(crate) fn make_private(file: &Path) {
    let file = OpenOptions::new().access_mode(READ_CONTROL | WRITE_DAC).open(file).expect("a file");
    let ours = Sid::ours().expect("a user");
    let descriptor = Descriptor::of_user_alone(&ours).expect("a descriptor");
    descriptor.apply(file.as_handle()).expect("an access list");
}

/// Sends a program into the home, with nothing else in its environment than what the system itself needs.
pub(crate) fn send_home(command: &mut Command, folder: &Path) {
    for kept in ["SystemRoot", "SystemDrive", "PATH", "TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"]
    {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command.env("ENTRAD_SOCKET", socket(folder, "entrad")).env("ENTRAD_STATE_DIR", state_dir(folder));
    command.env("ENTRAD_CONFIG", config_file(folder));
    // A group of its own, so that an interruption means it and not the test.
    command.creation_flags(CREATE_NEW_PROCESS_GROUP);
}

/// The pipe of this name: pipes have no folders, so it bears the name of the test's.
pub(crate) fn socket(folder: &Path, name: &str) -> PathBuf {
    let folder = folder.file_name().expect("a name").to_string_lossy();
    PathBuf::from(format!(r"\\.\pipe\{folder}-{name}"))
}

pub(crate) fn state_dir(folder: &Path) -> PathBuf {
    folder.join("home").join("state")
}

pub(crate) fn config_file(folder: &Path) -> PathBuf {
    folder.join("home").join("config.toml")
}

/// Asks a daemon that we started to stop, by the event that it made for this.
///
/// # Errors
/// What the system says: one that has ended by itself has no event any more.
pub fn stop(pid: u32) -> io::Result<()> {
    let name = wide(format!(r"Local\entrad-stop-{pid}").as_ref())?;
    // SAFETY: the name ends in zero.
    let event = owned(unsafe { OpenEventW(EVENT_MODIFY_STATE, 0, name.as_ptr()) })
        .ok_or_else(io::Error::last_os_error)?;
    // SAFETY: the event is open.
    match unsafe { SetEvent(event.as_raw_handle()) } {
        0 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Interrupts a program by Ctrl-Break, which can be sent to one group alone.
pub(crate) fn interrupt(pid: u32) {
    // SAFETY: it takes numbers alone.
    let is_sent = unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, pid) } != 0;
    assert!(is_sent, "{}", io::Error::last_os_error());
}

/// Ends a program at once.
pub(crate) fn kill(pid: u32) {
    // SAFETY: it takes numbers alone.
    if let Some(process) = owned(unsafe { OpenProcess(PROCESS_TERMINATE, 0, pid) }) {
        // SAFETY: the process is open. It may have ended by itself.
        unsafe { TerminateProcess(process.as_raw_handle(), 1) };
    }
}

/// Room for this many connections on the test's side: handles are bounded by memory alone.
#[must_use]
pub fn room_for(connections: u64) -> u64 {
    connections
}

/// Memory in use by a process, in KiB: its working set.
///
/// # Panics
/// When there is no such process.
#[must_use]
pub fn resident(pid: u32) -> u64 {
    // SAFETY: it takes numbers alone.
    let process = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION | PROCESS_VM_READ, 0, pid) };
    let process = owned(process).expect("a process");
    let mut counters = PROCESS_MEMORY_COUNTERS::default();
    let size = u32::try_from(size_of_val(&counters)).expect("a small structure");
    // SAFETY: the process is open, and the structure of this size is ours to write.
    let is_told = unsafe { K32GetProcessMemoryInfo(process.as_raw_handle(), &raw mut counters, size) } != 0;
    assert!(is_told, "{}", io::Error::last_os_error());
    u64::try_from(counters.WorkingSetSize / 1024).expect("a number")
}

/// Whether a daemon's pipe can be reached by its owner alone.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn is_private_socket(pipe: &Path) -> bool {
    is_ours_alone(pipe, ObjectKind::Kernel)
}

/// Whether a file or a folder is open to its owner alone.
///
/// # Panics
/// When it is not there.
#[must_use]
pub fn is_private(path: &Path) -> bool {
    is_ours_alone(path, ObjectKind::File)
}

fn is_ours_alone(path: &Path, kind: ObjectKind) -> bool {
    let mut options = OpenOptions::new();
    // The flag is what a folder is opened with.
    let options = options.access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS);
    let object = options.open(path).expect("it is there");
    let list = AccessList::of(object.as_handle(), kind).expect("an access list");
    let ours = Sid::ours().expect("a user");
    list.is_owned_by(&ours) && !list.is_open_to_others_than(&ours)
}

/// What the system tells of a process to whoever asks: no more than its program. The command line and the
/// environment can be read only from the process's own memory.
#[must_use]
pub fn told_of_process(_: u32) -> Vec<(String, Vec<u8>)> {
    Vec::new()
}

/// Nothing: a file that is held by another program is held for an administrator too.
pub fn give_up_privileges() {}

/// A file that can be read but not replaced until this is dropped, as when another program has it open.
pub struct Refusal {
    _held: File,
}

impl Refusal {
    /// Holds the file in that folder, shared with those who read it.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn begin(folder: &Path, file: &str) -> Self {
        let held = OpenOptions::new()
            .read(true)
            .share_mode(FILE_SHARE_READ)
            .open(folder.join(file))
            .expect("a file");
        Self { _held: held }
    }
}

/// What the system says of what is refused so; the sentence before the number is in the user's language.
pub const REFUSED: &str = "(os error ";

/// What a person is told to do where no daemon runs.
pub const HOW_TO_START: &str = "Start it with `start entrad`.";

fn owned(handle: HANDLE) -> Option<OwnedHandle> {
    // SAFETY: the handle was just opened, and nobody else closes it.
    (!handle.is_null()).then(|| unsafe { OwnedHandle::from_raw_handle(handle) })
}
