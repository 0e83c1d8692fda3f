//! Who may read and write what entrad has on disk.

use std::io;
use std::path::{Path, PathBuf};

use entra_proto::config::{Layer, SourceInfo};
use entra_proto::doctor::Check;

use super::check::{Finding, Named, waits_for};
use super::configuration::VALID;
use super::file_system;
use crate::vault;

#[cfg_attr(unix, path = "permissions_unix.rs")]
#[cfg_attr(windows, path = "permissions_windows.rs")]
mod system;

/// The folder of the sealed file.
pub(super) const STATE_FOLDER: Named = Named::new("permissions.state_folder", 1000);
/// The sealed file.
pub(super) const SEALED_FILE: Named = Named::new("permissions.sealed_file", 1000);
/// The socket.
pub(super) const SOCKET: Named = Named::new("permissions.socket", 1000);
/// The files that settings come from.
pub(super) const CONFIGURATION: Named = Named::new("permissions.configuration", 1000);

/// Who may do what with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// It is ours, and nobody else may so much as read it.
    Private,
    /// It is ours or an administrator's, and nobody else may write to it.
    Ours,
    /// It is an administrator's, and nobody else may write to it.
    Administrators,
}

/// What is wrong with a file, and what mends it.
struct Fault {
    evidence: String,
    remedy: String,
}

/// Looks at all of them.
pub(super) async fn look(
    state_dir: Option<&Path>,
    socket: Option<&Path>,
    sources: &[SourceInfo],
) -> Vec<Check> {
    let (folder, file_system, sealed, socket) = tokio::join!(
        one(STATE_FOLDER, state_dir.map(Path::to_owned)),
        file_system::look(state_dir),
        one(SEALED_FILE, state_dir.map(|folder| folder.join(vault::SEALED_FILE))),
        socket_file(socket.map(Path::to_owned)),
    );
    let files = sources.iter().filter(|source| Path::new(&source.place).is_absolute()).map(configuration);
    let mut checks = vec![folder, file_system, sealed, socket];
    checks.extend(futures_util::future::join_all(files).await);
    checks
}

async fn one(named: Named, path: Option<PathBuf>) -> Check {
    let Some(path) = path else { return named.found(None, waits_for(VALID)) };
    named.run_aside(None, move || finding(&path, Want::Private)).await
}

async fn socket_file(path: Option<PathBuf>) -> Check {
    if !system::SOCKET_IS_A_FILE {
        let finding = Finding::skipped("It is a pipe, whose access list is looked at with each connection.");
        return SOCKET.found(None, finding);
    }
    one(SOCKET, path).await
}

async fn configuration(source: &SourceInfo) -> Check {
    let want = match source.layer {
        Layer::Machine | Layer::Managed | Layer::ClaudeDesktop => Want::Administrators,
        Layer::BuiltIn | Layer::CommandLine | Layer::Environment | Layer::User => Want::Ours,
    };
    let path = PathBuf::from(&source.place);
    CONFIGURATION.run_aside(Some(&source.place), move || finding(&path, want)).await
}

fn finding(path: &Path, want: Want) -> Finding {
    let shown = path.display();
    match system::fault(path, want) {
        Ok(None) => Finding::good(match want {
            Want::Private => format!("{shown} is yours alone."),
            Want::Ours => format!("Nobody else can change {shown}."),
            Want::Administrators => format!("Only an administrator can change {shown}."),
        }),
        Ok(Some(fault)) => Finding::failed(format!("{shown} {}.", fault.evidence), fault.remedy),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Finding::skipped(format!("There is no {shown}."))
        }
        Err(error) => Finding::failed(
            format!("{shown} cannot be looked at: {error}."),
            "See that it and the folders above it are yours.",
        ),
    }
}
