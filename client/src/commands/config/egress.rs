//! `entra config egress`: what a firewall has to let through.

use entra_proto::config::Destination;

use super::answer::ask;
use crate::connect::Socket;
use crate::failure::Failure;
use crate::print::{self, Stream};
use crate::text::plain;

/// Asks and prints.
pub(super) fn run(socket: impl FnOnce() -> Result<Socket, Failure>, json: bool) -> Result<(), Failure> {
    let told = ask(socket)?;
    told.note();
    if json {
        return print::write_json(&told.answer.egress, JSON_ROOM);
    }
    let stream = Stream::output();
    stream.write(table(&stream, &told.answer.egress).as_bytes())
}

fn table(stream: &Stream, destinations: &[Destination]) -> String {
    if destinations.is_empty() {
        return stream.flow(0, "These settings need no host.");
    }
    let hosts: Vec<_> = destinations.iter().map(|destination| plain(&destination.host)).collect();
    let widest = hosts.iter().map(|host| host.chars().count()).max().unwrap_or(0).max(HOST.len());
    let mut lines = stream.bold(&format!("{HOST:<widest$}  {PORT:<5}  FOR"));
    lines.push('\n');
    for (destination, host) in destinations.iter().zip(&hosts) {
        let (port, purpose) = (destination.port, plain(&destination.purpose));
        lines.push_str(&format!("{host:<widest$}  {port:<5}  {purpose}\n"));
    }
    lines
}

const HOST: &str = "HOST";
const PORT: &str = "PORT";

const JSON_ROOM: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_stand_in_columns() {
        let destination = |host: &str, port, purpose: &str| Destination {
            host: host.to_owned(),
            port,
            purpose: purpose.to_owned(),
        };
        let destinations = [
            destination("login.microsoftonline.com", 443, "Signing in, and tokens."),
            destination("proxy", 3128, "The proxy.\u{1b}[31m"),
        ];
        assert_eq!(
            table(&Stream::plain(), &destinations),
            "HOST                       PORT   FOR\n\
             login.microsoftonline.com  443    Signing in, and tokens.\n\
             proxy                      3128   The proxy.\n"
        );
        assert_eq!(table(&Stream::plain(), &[]), "These settings need no host.\n");
    }
}
