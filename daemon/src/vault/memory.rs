//! The home that is none: the key is in this process and the sealed bytes beside it.
//!
//! For demonstrations and tests. Honest about it: nothing is written, and nothing survives the process.

use super::error::HomeError;
use super::home::{Access, Home, random};
use super::locked_key::LockedKey;
use super::sealed_file::{Header, KeyId, KeySlot};

/// See the module.
#[derive(Debug)]
pub(super) struct Memory;

impl Home for Memory {
    fn check(&self) -> Result<(), HomeError> {
        Ok(())
    }

    fn fetch(&self, _: &Header, _: Access) -> Result<LockedKey, HomeError> {
        // The vault holds the key for as long as there is anything to open with it.
        Err(HomeError::NoKey)
    }

    fn create(&self, _: KeyId, _: Access) -> Result<(LockedKey, KeySlot), HomeError> {
        Ok((LockedKey::take(&mut random()?)?, KeySlot::Memory))
    }
}
