# Proxies that are asked with CONNECT: squid and tinyproxy, with and without a password, and what they refuse.
#
# To be sourced.
# shellcheck shell=bash

squid_port=3129
tinyproxy_port=3130

squid_asks() {
    company_begin
    squid_begin
    local at=127.0.0.1:$squid_port
    program_environment=(HTTPS_PROXY="http://ada:s3cret@$at")
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    asks
    check "a token comes" gets_one
    check "by a tunnel through it" tunnelled_as ada

    asks_with HTTPS_PROXY="http://$at"
    check "no password: the proxy is named with what it wants" \
        is_told_that 5 "The proxy http://$at asks for a user name and password." HTTPS_PROXY
    explained_by_doctor network.connection "asks for a user name and password"
    asks_with HTTPS_PROXY="http://ada:wrong@$at"
    check "a wrong password: the proxy is named, and who has the password" \
        is_told_that 5 "The proxy http://$at does not take the user name and password that HTTPS_PROXY has." https_proxy
    explained_by_doctor network.connection "does not take the user name and password"
    asks_with ENTRAD_HTTPS_PROXY="http://ada:s3cret@$at" HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY='*'
    check "the setting goes before the environment" gets_one
    asks_with ALL_PROXY="bob:p%40ss%3Aw%2Frd@$at"
    check "a password is decoded, and an address without a scheme is http" gets_one
    check "and so it arrived" tunnelled_as bob

    asks_with HTTPS_PROXY="http://ada:s3cret@$at" ENTRAD_NO_PROXY=.test,contoso.test:8443
    check "no_proxy of the settings holds for the environment's proxy" gets_one
    check "which was not asked" was_not_asked
    asks_with HTTPS_PROXY="http://ada:s3cret@$at:3129"
    check "an address that is none: the variable is named" \
        is_told_that 5 "HTTPS_PROXY names no proxy that entrad can use" "%40"
    explained_by_doctor network.proxy "HTTPS_PROXY names no proxy"
    asks_with HTTPS_PROXY=http://proxy.contoso.test:3128
    check "a name that is not known" \
        is_told_that 6 "The proxy http://proxy.contoso.test:3128, which HTTPS_PROXY names, has a name that is not known." "Join the network"
    explained_by_doctor network.dns "has a name that is not known"

    asks_with HTTPS_PROXY="http://ada:s3cret@$at"
    ip route del default
    daemon_restart
    asks
    check "squid cannot go on itself" is_told_that 6 "The proxy http://$at cannot reach ${authority#https://}." "entra status"
    explained_by_doctor network.connection "cannot reach"
    ip route add default via "$gateway_address"
    kill -KILL "$squid"
    await is_gone "$squid" || fatal "squid did not end"
    daemon_restart
    asks
    check "squid is gone" is_told_that 6 "The proxy http://$at, which HTTPS_PROXY names, does not answer." "entra status"
    explained_by_doctor network.connection "does not answer"
    check "still signed in" is_signed_in
    check "no password is in a log" has_no_password
    daemon_end
}

tinyproxy_asks() {
    company_begin
    tinyproxy_begin 'BasicAuth ada s3cret' 'ConnectPort 443'
    local at=127.0.0.1:$tinyproxy_port
    program_environment=(https_proxy="http://ada:s3cret@$at")
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    asks
    check "a token comes" gets_one
    check "by a tunnel through it" grep -q "CONNECT ${authority#https://}:443" "$work/tinyproxy.log"
    asks_with https_proxy="http://$at"
    check "no password" is_told_that 5 "The proxy http://$at asks for a user name and password." HTTPS_PROXY
    explained_by_doctor network.connection "asks for a user name and password"
    asks_with https_proxy="http://ada:wrong@$at"
    check "a wrong password, for which tinyproxy has a status of its own" \
        is_told_that 5 "does not take the user name and password that https_proxy has." https_proxy
    explained_by_doctor network.connection "does not take the user name and password"
    asks_with https_proxy="socks5h://$at"
    check "no SOCKS there, where tinyproxy waits for more" \
        is_told_that 6 "The proxy socks5h://$at, which https_proxy names, does not answer." "socks5h://"
    explained_by_doctor network.connection "The way there is by the proxy socks5h://$at."
    tinyproxy_end
    tinyproxy_begin 'ConnectPort 563'
    asks_with https_proxy="http://$at"
    check "a port that is forbidden" is_told_that 5 "The proxy http://$at refuses to connect to ${authority#https://}." "no_proxy"
    explained_by_doctor network.connection "refuses to connect"
    check "still signed in" is_signed_in
    check "no password is in a log" has_no_password
    daemon_end
}

# NO_PROXY, with a proxy that is not there.
no_proxy_for() {
    company_begin
    daemon_begin
    sign_in
    check "a person signs in without a proxy" ended 0
    local list
    for list in .contoso.test "other.test contoso.test" "other.test, *.contoso.test" "LOGIN.CONTOSO.TEST:443" "*"; do
        asks_with HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY="$list"
        check "'$list' excepts ${authority#https://}" gets_one
    done
    for list in contoso.example "$entra_address" "login.contoso.test:8443"; do
        asks_with HTTPS_PROXY=http://127.0.0.1:9 no_proxy="$list"
        check "'$list' does not" is_told_that 6 "The proxy http://127.0.0.1:9, which HTTPS_PROXY names, does not answer." "entra status"
    done
    daemon_end
}

# How often squid was asked for a tunnel, and by whom last.
tunnels() { grep -c "TCP_TUNNEL/200 .* CONNECT ${authority#https://}:443" /var/spool/squid/access.log || true; }
has_tunnelled_as() { tail -n 1 /var/spool/squid/access.log | grep -q "TCP_TUNNEL/200 .* CONNECT ${authority#https://}:443 $1 "; }
# Squid writes a tunnel down when it ends.
tunnelled_as() {
    daemon_end
    await has_tunnelled_as "$1" || return 1
    tunnelled=$(tunnels)
    daemon_begin
}
tunnelled=0
# What entrad had would be written down before a tunnel that ends after it.
was_not_asked() {
    daemon_end
    curl --silent --insecure --max-time 10 --output /dev/null --proxy "http://ada:s3cret@127.0.0.1:$squid_port" "https://$entra_address/" ||
        true
    await grep -q "TCP_TUNNEL/200 .* CONNECT $entra_address:443" /var/spool/squid/access.log && count_is "$(tunnels)" "$tunnelled"
}

# It runs as a user who sees nothing of the scenario's folder, so what stands in for its spool belongs to that user.
squid_begin() { # LINES OF CONFIGURATION...
    local folder=/var/spool/squid helpers
    helpers=$(dirname "$(dpkg -L squid-openssl | grep 'basic_ncsa_auth$')")
    mount -t tmpfs -o "uid=$(id -u proxy),gid=$(id -g proxy),mode=700" tmpfs "$folder"
    printf '%s\n' "ada:$(openssl passwd -apr1 s3cret)" "bob:$(openssl passwd -apr1 p@ss:w/rd)" >"$folder/passwords"
    chmod 644 "$folder/passwords"
    [[ -z ${squid_prepare:-} ]] || $squid_prepare
    cat >"$work/squid.conf" <<CONFIGURATION
$(printf '%s\n' "${@:-http_port 127.0.0.1:$squid_port}")
auth_param basic program $helpers/basic_ncsa_auth $folder/passwords
auth_param basic realm corp
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
access_log stdio:$folder/access.log
cache_log $folder/cache.log
cache deny all
pid_filename none
pinger_enable off
coredump_dir $folder
visible_hostname localhost
connect_timeout 3 seconds
forward_timeout 4 seconds
shutdown_lifetime 1 seconds
CONFIGURATION
    serve squid.log squid -N -f "$work/squid.conf"
    squid=$server
    await listens "$squid_port" || fatal "squid did not start: $(tail -n 5 "$work/squid.log" "$folder/cache.log")"
}

tinyproxy_begin() { # LINES OF CONFIGURATION...
    printf '%s\n' "Port $tinyproxy_port" "Listen 127.0.0.1" "Timeout 60" "LogLevel Connect" "$@" >"$work/tinyproxy.conf"
    serve tinyproxy.log tinyproxy -d -c "$work/tinyproxy.conf"
    tinyproxy=$server
    await listens "$tinyproxy_port" || fatal "tinyproxy did not start: $(tail -n 5 "$work/tinyproxy.log")"
}

tinyproxy_end() {
    kill -KILL "$tinyproxy"
    await is_gone "$tinyproxy" || fatal "tinyproxy did not end"
}
