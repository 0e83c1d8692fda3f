//! What to do about each cause that no reply came, by its name: one command or one setting, and never a secret.

use crate::account::outcome::PROXY_AUTHENTICATION;

/// Whether a fault of this name is one of this machine's settings, which no waiting mends. It is tried again all the same, since
/// the next network may do without.
pub(super) fn is_misconfigured(name: &str) -> bool {
    MISCONFIGURED.contains(&name)
}

/// What to do about a fault of this name, where it is one of these.
pub(super) fn remedy(name: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(other, _)| *other == name).map(|(_, remedy)| *remedy)
}

pub(super) const MISCONFIGURED: [&str; 15] = [
    PROXY_AUTHENTICATION,
    "client_certificate_refused",
    "client_certificate_unreadable",
    "client_certificate_unusable",
    "client_certificate_wanted",
    "client_key_alone",
    "client_key_mismatch",
    "client_key_passphrase_missing",
    "client_key_passphrase_unavailable",
    "client_key_passphrase_wrong",
    "client_key_unusable",
    "no_proxy_entry",
    "proxy_address",
    "proxy_none",
    "proxy_refused",
];

pub(super) const REMEDIES: [(&str, &str); 25] = [
    (
        "http_client",
        "Install the system's trusted certificates (the package ca-certificates on Linux); they are read at the next request, and \
         `entra status` shows when entrad gets through.",
    ),
    (
        PROXY_AUTHENTICATION,
        "Name the proxy with the right user name and password in `https_proxy`, which is followed at once, or in HTTPS_PROXY, with \
         which entrad must be started again; then ask again: `entra token`.",
    ),
    (
        "proxy_failed",
        "Ask whoever runs the proxy whether it is in order, or name another one in `https_proxy` or HTTPS_PROXY; `entra status` shows \
         when entrad gets through.",
    ),
    (
        "proxy_none",
        "Check scheme and port of the proxy in `https_proxy` or HTTPS_PROXY: http://, https:// and socks5h:// are three different \
         things; then ask again: `entra token`.",
    ),
    (
        "proxy_refused",
        "Ask whoever runs the proxy to allow CONNECT to that host and port 443, which `entra config egress` lists, or except it in \
         `no_proxy` or NO_PROXY where it can be reached straight.",
    ),
    (
        "proxy_unreachable",
        "Check that the proxy runs, that this network leads to it, and that http://, https:// or socks5h:// is right in `https_proxy` \
         or HTTPS_PROXY; `entra status` shows when entrad gets through.",
    ),
    (
        "proxy_unresolved",
        "Join the network that knows the name, or correct it in `https_proxy` or HTTPS_PROXY; `entra status` shows when entrad gets \
         through.",
    ),
    (
        "tls",
        "See whether a proxy or a gateway stands in between, and whether it takes TLS 1.2; `entra status` shows when entrad gets \
         through.",
    ),
    (
        "tls_unknown_issuer",
        "A network that inspects traffic needs its certificate among this system's trusted ones or in `ca_certificates`, and this \
         machine's clock must be right; `entra status` shows when entrad gets through.",
    ),
    ("tls_expired", CLOCK),
    ("tls_not_yet_valid", CLOCK),
    (
        "tls_wrong_name",
        "See whether the name server or a proxy leads to another host; `entra status` shows when entrad gets through.",
    ),
    (
        "client_certificate_unreadable",
        "Check that the file is there and that you may read it; `entra config show` says who set it.",
    ),
    (
        "client_certificate_unusable",
        "Put our certificate there in PEM, and below it those between it and its root; `entra config show client_certificate` says \
         who set the file.",
    ),
    (
        "client_key_alone",
        "Set `client_certificate` as well, or neither; `entra config show client_key` says who set it.",
    ),
    (
        "client_key_mismatch",
        "Set `client_certificate` and `client_key` to files of one pair, our own certificate first; `entra config show` says who set \
         them.",
    ),
    (
        "client_key_passphrase_missing",
        "Run `entra config passphrase`, or set `client_key_passphrase_file` to a file that only you can read.",
    ),
    (
        "client_key_passphrase_unavailable",
        "Make the file a plain one of your own that nobody else can read, or unlock the keyring; `entra status` shows how the \
         vault is.",
    ),
    (
        "client_key_passphrase_wrong",
        "Run `entra config passphrase` with the right one, or correct the file that `client_key_passphrase_file` names.",
    ),
    (
        "client_key_unusable",
        "Put the key there in PEM; `openssl pkcs8 -topk8 -v2 aes256 -in OLD -out NEW` writes any key in a form that entrad takes. \
         Then ask again: `entra token`.",
    ),
    (
        "network_files_slow",
        "See whether the disk or the machine answers that holds the certificates and the key; `entra config show` names the files, \
         and `entra status` shows when entrad gets through.",
    ),
    (
        "no_proxy_entry",
        "Write domains (.contoso.com), addresses, networks (10.0.0.0/8), each with or without a port, or *; `entra config check` says \
         whether all is well then.",
    ),
    (
        "proxy_address",
        "Write http://host:port, https://host:port or socks5h://host:port, with user:password@ before the host if need be, where @ : \
         / ? # within the password are %40 %3A %2F %3F %23; a setting is followed at once, and a variable at entrad's next start; then ask again: `entra token`.",
    ),
    (
        "client_certificate_wanted",
        "Set `client_certificate` and `client_key` to the files that your administrator gave you, then ask again: `entra token`.",
    ),
    (
        "client_certificate_refused",
        "Check with your administrator that the certificate in `client_certificate` is still valid and known there; a new one in its \
         place is taken at the next request, such as `entra token`.",
    ),
];

const CLOCK: &str = "Set this machine's clock; where it is right, whoever inspects traffic in between has to renew a certificate. `entra \
    status` shows when entrad gets through.";
