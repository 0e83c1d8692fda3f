//! A connection to ourselves by a pipe.

use std::path::{Path, PathBuf};

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

/// Both ends, the daemon's first.
pub(crate) async fn pair() -> (NamedPipeServer, NamedPipeClient) {
    let name = format!(r"\\.\pipe\entrad-ninety-days-{}", std::process::id());
    let server = ServerOptions::new().create(&name).expect("a pipe");
    let client = ClientOptions::new().open(&name).expect("a free instance");
    server.connect().await.expect("a caller");
    (server, client)
}

/// A pipe's name for the configuration; nobody listens there.
pub(crate) fn unused_socket(_: &Path) -> PathBuf {
    PathBuf::from(r"\\.\pipe\entrad-ninety-days-unused")
}
