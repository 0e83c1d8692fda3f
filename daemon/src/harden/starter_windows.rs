//! Windows has no program that runs with another's rights than its starter's, and folders come from the user's profile.

use super::ForAnother;

/// Always agrees.
///
/// # Errors
/// None here.
pub fn refuse_to_serve_another() -> Result<(), ForAnother> {
    Ok(())
}
