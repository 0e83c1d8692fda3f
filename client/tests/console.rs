//! `entra login` on a Windows console: a pseudo-console stands in for the person's.
//!
//! What comes out of it is drawn anew by the console, in as few characters as it takes, so only short pieces of
//! text can be waited for.
#![cfg(windows)]
#![allow(unsafe_code, reason = "consoles and processes in them are functions of Windows")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

mod support;

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::process::Stdio;
use std::ptr::{null, null_mut};

use support::person::Person;
use support::sign_ins::{CLIENT_ID, assert_cancelled, wanting_an_app};
use support::{FakeDaemon, PATIENCE};
use windows_sys::Win32::Foundation::{FALSE, TRUE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Console::{
    COORD, ClosePseudoConsole, CreatePseudoConsole, HPCON, SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::Threading::{
    CREATE_UNICODE_ENVIRONMENT, CreateProcessW, DeleteProcThreadAttributeList, EXTENDED_STARTUPINFO_PRESENT,
    GetExitCodeProcess, InitializeProcThreadAttributeList, PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE,
    PROCESS_INFORMATION, STARTUPINFOEXW, TerminateProcess, UpdateProcThreadAttribute, WaitForSingleObject,
};
use windows_sys::core::BOOL;

const CODE: &str = r#"{"event":"code","user_code":"BL6XB575V","verification_uri":"https://microsoft.com/devicelogin","is_trusted_uri":true,"expires_on":1795231440,"expires_in":900,"message":"Go.","flow":"device_code","profile":"default","cloud":"public","tenant":"t\u00f6st","client_id":"04b07795-8ddb-461a-bbee-02f9e1bf7b46","program":"entra (process 7)","scopes":["s"],"correlation_id":"c-1"}"#;

/// What the other end runs.
const LINE: &str = "ENTRA_TEST_LINE";

/// A program in a console of its own, and the person before that.
struct Console {
    console: HPCON,
    program: OwnedHandle,
    person: Person,
}

impl Console {
    /// Runs the program in a new console.
    fn run(daemon: &FakeDaemon, line: &str) -> Self {
        let (its_keys, keys) = io::pipe().unwrap();
        let (screen, its_screen) = io::pipe().unwrap();
        let console = new_console(&its_keys, &its_screen);
        let program = start(console, &format!("{}{LINE}={line}\0", daemon.variables()));
        Self { console, program, person: Person::new(keys, screen) }
    }

    /// The program's exit status, waited for.
    fn status(&self) -> u32 {
        let mut status = 0;
        let patience = u32::try_from(PATIENCE.as_millis()).unwrap();
        // SAFETY: the handle is open, and `status` is ours to be set.
        unsafe {
            assert_eq!(WaitForSingleObject(self.program.as_raw_handle(), patience), WAIT_OBJECT_0);
            assert_ne!(GetExitCodeProcess(self.program.as_raw_handle(), &raw mut status), 0);
        }
        status
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // SAFETY: both are open; a program that has ended stays so.
        unsafe {
            TerminateProcess(self.program.as_raw_handle(), 1);
            ClosePseudoConsole(self.console);
        }
    }
}

fn new_console(keys: &PipeReader, screen: &PipeWriter) -> HPCON {
    let mut console = 0;
    let size = COORD { X: 80, Y: 50 };
    // SAFETY: the handles are open and copied by the call, and `console` is ours to be set.
    let result = unsafe {
        CreatePseudoConsole(size, keys.as_raw_handle(), screen.as_raw_handle(), 0, &raw mut console)
    };
    assert_eq!(result, 0);
    console
}

/// Starts the other end with these variables.
fn start(console: HPCON, variables: &str) -> OwnedHandle {
    let wide = |text: &str| text.encode_utf16().chain([0]).collect::<Vec<_>>();
    let own = std::env::current_exe().unwrap();
    let mut line = wide(&format!("\"{}\" --exact the_other_end", own.display()));
    let variables = wide(variables);
    let mut attributes = [0_usize; 64];
    let mut length = size_of_val(&attributes);
    let mut process = PROCESS_INFORMATION::default();
    let mut startup = STARTUPINFOEXW::default();
    startup.StartupInfo.cb = u32::try_from(size_of::<STARTUPINFOEXW>()).unwrap();
    startup.lpAttributeList = attributes.as_mut_ptr().cast();
    // SAFETY: the list has room for one attribute, whose value is the console itself, all texts end with a
    // zero, the variables with two, and what is set is ours.
    unsafe {
        let list = startup.lpAttributeList;
        assert_ne!(InitializeProcThreadAttributeList(list, 1, 0, &raw mut length), 0);
        let kind = PROC_THREAD_ATTRIBUTE_PSEUDOCONSOLE as usize;
        let (value, size) = (console as *const _, size_of::<HPCON>());
        assert_ne!(UpdateProcThreadAttribute(list, 0, kind, value, size, null_mut(), null()), 0);
        let is_started = CreateProcessW(
            null(),
            line.as_mut_ptr(),
            null(),
            null(),
            FALSE,
            EXTENDED_STARTUPINFO_PRESENT | CREATE_UNICODE_ENVIRONMENT,
            variables.as_ptr().cast(),
            null(),
            &raw const startup.StartupInfo,
            &raw mut process,
        );
        let error = io::Error::last_os_error();
        DeleteProcThreadAttributeList(list);
        assert_ne!(is_started, 0, "{error}");
        drop(File::from_raw_handle(process.hThread));
        OwnedHandle::from_raw_handle(process.hProcess)
    }
}

/// No test: what [`start`] starts. A program gets the streams of the one that starts it, so one in the console
/// must.
#[test]
fn the_other_end() {
    let Ok(line) = std::env::var(LINE) else { return };
    /// Leaves Ctrl-C to the program.
    extern "system" fn stay(_event: u32) -> BOOL {
        TRUE
    }
    // SAFETY: `stay` has the form that is asked for.
    assert_ne!(unsafe { SetConsoleCtrlHandler(Some(stay), TRUE) }, 0);
    let open = |name| Stdio::from(File::options().read(true).write(true).open(name).unwrap());
    let mut program = support::entra(&line);
    program.env("ENTRAD_SOCKET", std::env::var_os("ENTRAD_SOCKET").unwrap());
    program.stdin(open("CONIN$")).stdout(open("CONOUT$")).stderr(open("CONOUT$"));
    std::process::exit(program.status().unwrap().code().unwrap());
}

#[test]
fn a_person_is_asked_for_the_app_until_it_is_one() {
    let daemon = wanting_an_app(CODE);
    let mut console = Console::run(&daemon, "login");
    console.person.expect("(client) id:");
    console.person.type_in("nonsense\r");
    console.person.expect("That is no id");
    console.person.type_in(&format!("{CLIENT_ID}\r"));
    console.person.expect("BL6XB575V");
    assert_eq!(daemon.asked().body, r#"{"has_browser":true}"#);
    assert_eq!(daemon.asked().body, format!(r#"{{"client_id":"{CLIENT_ID}","has_browser":true}}"#));
}

#[test]
fn the_prompt_is_drawn_and_counts_down() {
    let daemon = wanting_an_app(CODE);
    let mut console = Console::run(&daemon, &format!("login --client-id {CLIENT_ID}"));
    console.person.expect("15:00");
    // A busy machine may miss a second of them.
    console.person.expect("4:5");
    for text in ["\u{250c}\u{2500}", "t\u{f6}st", "BL6XB575V"] {
        assert!(console.person.seen.contains(text), "no {text:?} in {:?}", console.person.seen);
    }
}

#[test]
fn ctrl_c_cancels_at_once() {
    let daemon = wanting_an_app(CODE);
    let mut console = Console::run(&daemon, &format!("login --client-id {CLIENT_ID}"));
    console.person.expect("BL6XB575V");
    console.person.type_in("\u{3}");
    console.person.expect("cancelled.");
    assert_eq!(console.status(), 8);
    assert_cancelled(&daemon);
}

#[test]
fn ctrl_c_ends_the_question_too() {
    let daemon = wanting_an_app(CODE);
    let mut console = Console::run(&daemon, "login");
    console.person.expect("(client) id:");
    console.person.type_in("\u{3}");
    console.person.expect("cancelled.");
    assert_eq!(console.status(), 8);
}
