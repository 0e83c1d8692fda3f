//! Systems without a registry.

use super::error::LayerError;
use super::managed_values::Values;
use super::places::Hive;

/// There is none.
pub(super) fn values(_hive: Hive, _path: &'static str) -> Result<Option<Values>, LayerError> {
    Ok(None)
}
