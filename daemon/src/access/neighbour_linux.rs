//! Whose process is at the other end of a loopback connection: the kernel's table of connections has its user and its socket
//! (proc_pid_net(5), Linux, `Documentation/networking/proc_net_tcp.rst`).
//!
//! An address that lets its bearer in can be read from a browser's command line by every user of the machine. This keeps
//! the others out. It is asked of loopback alone, and answers for who opened the connection, not for who is behind a relay.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};

/// Another user's id, if the connection from `theirs` to `ours` is that user's. Root, who relays for virtual machines and
/// can do anything else besides, is nobody's neighbour; neither is who the table does not have.
pub fn stranger(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    let own = rustix::process::geteuid().as_raw();
    row(ours, theirs).map(|row| row.user).filter(|user| *user != own && *user != ROOT)
}

/// The other end's socket, by the number that its holders' links to it have, if it is our own user's.
pub(in crate::access) fn socket(ours: SocketAddr, theirs: SocketAddr) -> Option<u64> {
    let own = rustix::process::geteuid().as_raw();
    // One that nobody holds any more has the number 0.
    row(ours, theirs).filter(|row| row.user == own && row.socket != 0).map(|row| row.socket)
}

/// What the kernel says of the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    user: u32,
    socket: u64,
}

fn row(ours: SocketAddr, theirs: SocketAddr) -> Option<Row> {
    // A socket for both families reaches us by IPv4 all the same, and stands in the other table.
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    tables.iter().find_map(|table| row_in(BufReader::new(File::open(table).ok()?), ours, theirs))
}

/// The row that is the other end: what is remote to us is local to it. The table has also what was closed within the last minute, by
/// the ten thousand, and is never held whole.
fn row_in(mut table: impl BufRead, ours: SocketAddr, theirs: SocketAddr) -> Option<Row> {
    let (local, remote) = (entry(theirs), entry(ours));
    let mut line = String::new();
    while table.read_line(&mut line).ok()? > 0 {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let mut is_next = |end: &str| fields.next().is_some_and(|field| field.ends_with(end));
        if is_next(&local) && is_next(&remote) {
            let mut number = |nth| fields.nth(nth)?.parse::<u64>().ok();
            let (user, socket) = (number(4)?, number(1)?);
            return Some(Row { user: user.try_into().ok()?, socket });
        }
        line.clear();
    }
    None
}

/// An address as the table writes it: each four bytes as a number of this machine, in hexadecimal.
fn entry(address: SocketAddr) -> String {
    let (short, long);
    let bytes: &[u8] = match address.ip() {
        IpAddr::V4(ip) => {
            short = ip.octets();
            &short
        }
        IpAddr::V6(ip) => {
            long = ip.octets();
            &long
        }
    };
    let mut text = String::new();
    for four in bytes.as_chunks().0 {
        // A string takes whatever is written to it.
        let _ = write!(text, "{:08X}", u32::from_ne_bytes(*four));
    }
    format!("{text}:{:04X}", address.port())
}

const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};

    use super::*;

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    #[test]
    fn the_row_of_the_other_end_is_found() {
        let ip = &entry(local(0))[..8];
        let table = format!(
            "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             \x20  0: {ip}:1F90 {ip}:C001 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n\
             \x20  1: {ip}:C001 {ip}:1F90 01 00000000:00000000 00:00000000 00000000  1001        0 2 1\n\
             \x20  2: 0000000000000000FFFF0000{ip}:C002 0000000000000000FFFF0000{ip}:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 3 1\n\
             \x20  3: {ip}:C003 {ip}:1F90 01\n"
        );
        let row = |port| row_in(table.as_bytes(), local(8080), local(port)).map(|row| (row.user, row.socket));
        assert_eq!(
            [row(0xC001), row(0xC002), row(0xC003), row(0xC004)],
            [Some((1001, 2)), Some((1002, 3)), None, None]
        );
    }

    #[test]
    fn our_own_connection_is_in_the_kernels_tables_and_is_no_strangers() {
        let names: [(IpAddr, &str); 2] = [
            (Ipv4Addr::LOCALHOST.into(), "/proc/self/net/tcp"),
            (Ipv6Addr::LOCALHOST.into(), "/proc/self/net/tcp6"),
        ];
        for (ip, table) in names {
            // Some machines have no IPv6.
            let Ok(listener) = TcpListener::bind((ip, 0)) else {
                assert!(ip.is_ipv6());
                continue;
            };
            let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (theirs, ours) = (near.local_addr().unwrap(), near.peer_addr().unwrap());
            let table = BufReader::new(File::open(table).unwrap());
            let row = row_in(table, ours, theirs).unwrap();
            assert_eq!(row.user, rustix::process::geteuid().as_raw(), "{ip}");
            assert_eq!((stranger(ours, theirs), socket(ours, theirs)), (None, Some(row.socket)));
        }
    }
}
