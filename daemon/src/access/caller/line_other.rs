//! The line of processes above a caller, on systems where nobody is asked for it yet.

use std::sync::Arc;

use super::ancestry::Kin;

/// Nobody is known to be.
pub(super) fn above(_parent: u32, _seen: u64) -> Arc<[Kin]> {
    Arc::default()
}
