//! `entrad`: signs a workstation in to Microsoft Entra ID once and serves access tokens over a local socket.
//!
//! ARCHITECTURE.md has the rooms and the walls between them.

pub mod account;
pub mod entra;
pub mod vault;
