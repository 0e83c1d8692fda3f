//! The sealed file and the homes of its key. The only room that names the keyring crates.
