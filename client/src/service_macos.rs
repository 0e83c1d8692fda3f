//! How entrad is started on macOS.

/// The command that starts it, as a hint.
pub(super) fn how_to_start() -> &'static str {
    "Start it with `entrad &`."
}

/// The way to a fresh start when it hangs, as a hint.
pub(crate) const HOW_TO_RESTART: &str =
    "Its log says what it waits for; `pkill -x entrad; entrad &` starts it anew.";
