//! How entrad is started on Windows.

/// The command that starts it, as a hint; it means the same to cmd and to PowerShell.
pub(super) fn how_to_start() -> &'static str {
    "Start it with `start entrad`."
}

/// The way to a fresh start when it hangs, as a hint.
pub(crate) const HOW_TO_RESTART: &str =
    "Its log says what it waits for; `taskkill /f /im entrad.exe`, then `start entrad`, starts it anew.";
