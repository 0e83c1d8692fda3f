//! Who asks, and may they.

pub mod caller;
