# SOCKS5: microsocks, with and without a user name and password.
#
# To be sourced.
# shellcheck shell=bash

socks_port=3131

microsocks_asks() {
    company_begin
    microsocks_begin -u ada -P s3cret
    local at=127.0.0.1:$socks_port
    program_environment=(ALL_PROXY="socks5h://ada:s3cret@$at")
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    asks
    check "a token comes" gets_one
    check "by microsocks" grep -q "connected to ${authority#https://}:443" "$work/microsocks.log"
    asks_with ALL_PROXY="socks5h://$at"
    check "no password" is_told_that 5 "The proxy socks5h://$at asks for a user name and password." HTTPS_PROXY
    explained_by_doctor network.connection "asks for a user name and password"
    asks_with ALL_PROXY="socks5h://ada:wrong@$at"
    check "a wrong one" is_told_that 5 "The proxy socks5h://$at does not take the user name and password that ALL_PROXY has." https_proxy
    explained_by_doctor network.connection "does not take the user name and password"
    asks_with ALL_PROXY="http://$at"
    check "no http there" is_told_that 5 "What answers at http://$at, which ALL_PROXY names, is no such proxy." "socks5h://"
    asks_with ALL_PROXY="socks4://$at"
    check "SOCKS4 is refused" is_told_that 5 "ALL_PROXY names no proxy that entrad can use: SOCKS4 is not supported." "socks5h://"
    microsocks_end
    asks_with ENTRAD_ALL_PROXY="socks5://$at"
    check "not there" is_told_that 6 "The proxy socks5://$at, which \`all_proxy\` names, does not answer." "entra status"
    explained_by_doctor network.connection "does not answer"
    microsocks_begin
    await gets_token api://open
    check "without a user name a token comes" is_from refresh
    check "and the name was looked up here" grep -q "connected to $entra_address:443" "$work/microsocks.log"
    ip route del default
    asks_with ENTRAD_ALL_PROXY="socks5h://$at"
    check "it cannot go on itself" is_told_that 6 "The proxy socks5h://$at cannot reach ${authority#https://}." "entra status"
    explained_by_doctor network.connection "cannot reach"
    check "still signed in" is_signed_in
    check "no password is in a log" has_no_password
    daemon_end
}

microsocks_begin() { # OPTIONS...
    serve microsocks.log microsocks -i 127.0.0.1 -p "$socks_port" "$@"
    microsocks=$server
    await listens "$socks_port" || fatal "microsocks did not start: $(tail -n 5 "$work/microsocks.log")"
}

microsocks_end() {
    kill -KILL "$microsocks"
    await is_gone "$microsocks" || fatal "microsocks did not end"
}
