//! A connection to ourselves by a pipe.

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

/// Both ends, the daemon's first.
pub(crate) async fn pair() -> (NamedPipeServer, NamedPipeClient) {
    let name = format!(r"\\.\pipe\entrad-ninety-days-{}", std::process::id());
    let server = ServerOptions::new().create(&name).expect("a pipe");
    let client = ClientOptions::new().open(&name).expect("a free instance");
    server.connect().await.expect("a caller");
    (server, client)
}
