//! What locks entrad by itself.

use super::layer::Layers;

/// The settings `lock_on` and `unlock_on_return`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LockOn {
    /// The screen's lock.
    pub screen_lock: bool,
    /// The machine going to sleep.
    pub suspend: bool,
    /// Whether what locked it so opens it again, where the store hands out the key.
    pub unlock_on_return: bool,
}

impl LockOn {
    pub(super) fn read(layers: &Layers) -> Self {
        let words = layers.list("lock_on").map(|words| words.value).unwrap_or_default();
        let has = |word: &str| words.iter().any(|it| it == word);
        Self {
            screen_lock: has(SCREEN_LOCK),
            suspend: has(SUSPEND),
            unlock_on_return: layers.is_on("unlock_on_return").value,
        }
    }
}

pub(super) const SCREEN_LOCK: &str = "screen_lock";
pub(super) const SUSPEND: &str = "suspend";
