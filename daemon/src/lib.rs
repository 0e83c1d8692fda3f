//! `entrad`: signs a workstation in to Microsoft Entra ID once and serves access tokens over a local socket.
//!
//! ARCHITECTURE.md has the rooms and the walls between them. Arrows point down only:
//! [`run`] ► [`server`], [`dialects`] ► [`doctor`] ► [`access`], [`prompts`] ► [`broker`] ► [`entra`], [`vault`], [`notify`], [`audit`] ► [`account`], [`config`], [`clock`].

pub mod access;
pub mod account;
pub mod audit;
pub mod broker;
pub mod clock;
pub mod config;
pub mod dialects;
pub mod doctor;
pub mod entra;
pub mod files;
pub mod harden;
pub mod lock;
pub mod logging;
pub mod metrics;
pub mod network;
pub mod notify;
#[cfg_attr(not(feature = "otlp"), path = "otlp/absent.rs")]
pub mod otlp;
pub mod prompts;
pub mod run;
pub mod server;
pub mod service;
pub mod vault;
#[cfg(windows)]
pub mod windows;

#[cfg(test)]
#[path = "../../fuzz/replay.rs"]
mod replay;
