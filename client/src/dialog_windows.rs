//! A window with text on Windows: a message box of PowerShell's, whose script is read from standard input.

use std::process::Command;

/// The program and what it reads; it ends well with the good button alone.
pub(crate) fn dialog(lines: &[String]) -> (Command, String) {
    let mut powershell = Command::new("powershell.exe");
    powershell.args(["-NoProfile", "-NonInteractive", "-Command", "-"]);
    let text: Vec<String> = lines.iter().map(|line| format!("'{line}'")).collect();
    let script = format!(
        "Add-Type -AssemblyName System.Windows.Forms\n\
         if ([System.Windows.Forms.MessageBox]::Show((@({}) -join [Environment]::NewLine), 'Sign in for Claude', \
         'OKCancel') -ne 'OK') {{ exit 1 }}\n",
        text.join(",")
    );
    (powershell, script)
}
