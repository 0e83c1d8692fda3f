//! The simulator as a program: starts, says where it is, serves until it is told to stop.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use entra_sim::{Options, Sim, Tls};
use uuid::Uuid;

#[cfg_attr(unix, path = "end_unix.rs")]
#[cfg_attr(windows, path = "end_windows.rs")]
mod end;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(run(arguments.into())));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let sim = Sim::start(options).await?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "READY {}", sim.origin())?;
    stdout.flush()?;
    end::asked_for().await?;
    Ok(())
}

/// Simulates Microsoft Entra ID's v2.0 sign-in endpoints on a loopback address, for tests.
#[derive(Debug, Parser)]
#[command(name = "entra-sim", version)]
struct Arguments {
    /// Loopback address and port to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Certificate chain in PEM; with --tls-key the simulator speaks https.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The tenant that is at home here.
    #[arg(long, value_name = "GUID")]
    tenant: Option<Uuid>,
    /// A registered public client; may be given several times.
    #[arg(long = "client-id", value_name = "GUID")]
    client_ids: Vec<Uuid>,
    /// A registered redirect URI; may be given several times [default: http://localhost].
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Life of access tokens [default: 60 to 90 minutes].
    #[arg(long, value_name = "SECONDS")]
    access_token_life: Option<u64>,
    /// Life of device codes.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    device_code_life: u64,
    /// The polling interval told to clients.
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    interval: u64,
    /// Answer a poll that comes before the interval has passed with slow_down.
    #[arg(long)]
    enforce_interval: bool,
    /// Revoke the whole family when a superseded refresh token is used again.
    #[arg(long)]
    strict_rotation: bool,
}

impl From<Arguments> for Options {
    fn from(arguments: Arguments) -> Self {
        let mut options = Self { listen: arguments.listen, ..Self::default() };
        options.tls =
            arguments.tls_cert.zip(arguments.tls_key).map(|(certificate, key)| Tls { certificate, key });
        if let Some(tenant) = arguments.tenant {
            options.tenant = tenant.to_string();
        }
        if !arguments.client_ids.is_empty() {
            options.clients = arguments.client_ids.iter().map(Uuid::to_string).collect();
        }
        if !arguments.redirect_uris.is_empty() {
            options.redirect_uris = arguments.redirect_uris;
        }
        options.rules.access_token_life = arguments.access_token_life.map(Duration::from_secs);
        options.rules.device_code_life = Duration::from_secs(arguments.device_code_life);
        options.rules.interval = Duration::from_secs(arguments.interval);
        options.rules.enforce_interval = arguments.enforce_interval;
        options.rules.strict_rotation = arguments.strict_rotation;
        options
    }
}

#[expect(clippy::print_stderr, reason = "a program tells its user why it did not start")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("{error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
