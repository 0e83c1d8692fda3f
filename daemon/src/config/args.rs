//! The command line of `entrad`.

use std::path::PathBuf;

use clap::Parser;

use super::paths;
use crate::service;

/// Signs this workstation in to Microsoft Entra ID once and serves access tokens over a local socket.
///
/// Runs in the foreground and prints `ready` with the socket's path when it can serve. Sign in with
/// `entra login`. Every option is also a key of the configuration file (`a_b`) and an environment variable
/// (`ENTRAD_A_B`); the command line wins.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "entrad", version, about, after_help = after_help())]
pub struct Args {
    /// Configuration file [default: entrad/config.toml in the configuration folder]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Socket to listen on; the default is the system's.
    #[arg(long, value_name = "PATH", help = paths::SOCKET_HELP)]
    pub socket: Option<PathBuf>,
    /// Folder for the sealed file and the lock [default: entrad in the state folder]
    #[arg(long, value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
    /// Home of the sealing key: auto, secret-service, keychain, dpapi, passphrase or memory
    #[arg(long, value_name = "HOME")]
    pub store: Option<String>,
    /// File that holds the passphrase, readable by you alone
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Open file descriptor to read the passphrase from
    #[arg(long, value_name = "NUMBER")]
    pub passphrase_fd: Option<i32>,
    /// Cloud of the default profile: public, us_government or china
    #[arg(long, value_name = "CLOUD")]
    pub cloud: Option<String>,
    /// Tenant of the default profile: an id, a domain, or organizations
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,
    /// App registration (client id) of the default profile
    #[arg(long, value_name = "GUID")]
    pub client_id: Option<String>,
    /// Another sign-in host for the default profile, on loopback only; an administrator's file may name others
    #[arg(long, value_name = "ORIGIN")]
    pub authority: Option<String>,
    /// Loopback port for tools that cannot speak to the socket: auto (chosen once and kept), off, or a number
    #[arg(long, value_name = "PORT")]
    pub loopback: Option<String>,
    /// Ways to sign in, in the order in which they are tried: device_code, browser; an administrator's file may forbid one
    #[arg(long, value_name = "FLOWS")]
    pub flows: Option<String>,
    /// Desktop notifications when a person is needed: auto or off
    #[arg(long, value_name = "WAY")]
    pub notify: Option<String>,
    /// What your service manager runs when a person is needed: a program and its arguments, read by no shell
    #[arg(long, value_name = "COMMAND")]
    pub notify_command: Option<String>,
    /// When you are not to be asked, such as 22:00-07:00, or off
    #[arg(long, value_name = "HOURS")]
    pub quiet_hours: Option<String>,
    /// How long Later is, and after which time you are reminded [default: 1h]
    #[arg(long, value_name = "TIME")]
    pub snooze: Option<String>,
    /// How often you are asked for an account within 24 hours [default: 5]
    #[arg(long, value_name = "NUMBER")]
    pub prompts_per_day: Option<u16>,
    /// How long before Entra is expected to want a new sign-in you are asked for it [default: off]
    #[arg(long, value_name = "TIME")]
    pub ask_ahead: Option<String>,
    /// What to log, such as `entrad=debug`
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

fn after_help() -> String {
    format!(
        "{}\nExit statuses: 0 stopped as asked, 1 internal, 2 usage, 5 misconfigured, 6 another entrad is running.",
        service::STOPPED_BY
    )
}
