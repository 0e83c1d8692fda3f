# Boxes between entrad and Entra: mitmproxy, which takes answers apart, and squid, which wants a password.
#
# To be sourced. Both are ordinary proxies on this machine, named in HTTPS_PROXY.
# shellcheck shell=bash

mitm_port=3128
squid_port=3129

# The server rotated the refresh token and the client never hears of it.
lost_answers() {
    site_begin
    mitm_begin
    daemon_begin
    sign_in
    check "a person signs in through mitmproxy" ended 0
    token api://ledger
    check "a token comes" is_from refresh

    ask requests --request DELETE >>"$work/control"
    fault drop_answer 1
    token api://once
    check "after a lost answer the second try brings the token" is_from refresh
    out=$(refreshes)
    check "both tries brought the same refresh token and were answered" holds \
        'length == 2 and all(.status == 200) and (map(.refresh_token // .form.refresh_token) | unique | length == 1)'
    check "still signed in" is_signed_in

    fault drop_answer 2
    token api://twice
    check "after two lost answers the caller is told when to come back" is_told_when
    check "still signed in after two" is_signed_in
    token api://ledger
    check "a held token is served" is_from cache
    measure api://twice
    told "after two lost answers the token came $seconds s later."
    check "then the token comes within the back-off" within 8

    tell options '{"strict_rotation": true}'
    ask requests --request DELETE >>"$work/control"
    fault drop_answer 1
    token api://strict
    check "under strict rotation a lost answer costs the sign-in" ended 3
    check "in one sentence" is_one_sentence
    check "with the way out" says "entra login"
    out=$(refreshes)
    check "it took two tries, not more" holds 'map(.status) == [200, 400]'
    entra status --json
    check "the refresh token is in quarantine, and the status says since when" holds \
        '.accounts[0].account.health | .state == "sign_in_needed" and .since > 0'
    token api://ledger
    check "a held token is still served" is_from cache
    token api://other
    check "a caller without a token is told at once" ended 3
    out=$(refreshes)
    check "and Entra is not asked with a dead token" holds 'length == 2'
    daemon_end
    daemon_begin
    token api://other
    check "after a restart a sign-in is still needed" ended 3
    sign_in
    check "the person signs in again" ended 0
    token api://other
    check "and all is well" is_from refresh
    check "signed in" is_signed_in
    daemon_end
}

boxes_between() {
    site_begin
    mitm_begin
    daemon_begin
    sign_in
    check "a person signs in through mitmproxy" ended 0
    token api://ledger

    box unavailable "HTTP status 503"
    box page "is not Entra's"
    box redirect "redirects"
    throttled
    fault slow 1
    token api://slow
    check "slow: the answer is waited for" is_from refresh
    check "slow: and not asked for again" ended 0
    daemon_end
    intercepted
    password_wanted
}

# Everything is answered by the box, for as long as it is there.
box() { # FAULT WORDS
    fault "$1" 99
    token "api://$1"
    check "$1: a caller without a token is told when to come back" is_told_when
    check "$1: and what happened" says "$2"
    check "$1: still signed in" is_signed_in
    token api://ledger
    check "$1: a held token is served" is_from cache
    rm "$work/fault"
    measure "api://$1"
    told "$1: the token came $seconds s after the box was gone."
    check "$1: once it is gone a token comes within the back-off" within 8
}

throttled() {
    fault throttle 1
    token api://throttled
    check "throttle: a caller without a token is told when to come back" is_told_when
    check "throttle: as it was asked" says "Try again in 6 s"
    token api://ledger
    check "throttle: a held token is served" is_from cache
    check "throttle: still signed in" is_signed_in
    local before
    before=$(count_refreshes)
    token api://another
    check "throttle: another key waits as well" ended 6
    check "throttle: nothing is sent meanwhile" count_is "$(count_refreshes)" "$before"
    measure api://throttled
    told "throttle: the token came $seconds s later."
    check "throttle: when its time has come a token comes" within 7
}

# The same box, on a machine that does not trust its certificate.
intercepted() {
    program_environment=(SSL_CERT_FILE="$work/ca.pem" HTTPS_PROXY="http://127.0.0.1:$mitm_port")
    daemon_begin
    token api://intercepted
    check "interception: a caller is told when to come back" is_told_when
    check "interception: the certificate is named" says "certificate is not trusted"
    check "interception: with what to do" says "inspects traffic"
    check "interception: still signed in" is_signed_in
    daemon_end
}

password_wanted() {
    squid_begin
    program_environment=(SSL_CERT_FILE="$work/ca.pem" HTTPS_PROXY="http://127.0.0.1:$squid_port")
    daemon_begin
    token api://squid
    check "squid: without a password the proxy is named" says "The proxy asks for a user name and password."
    check "squid: with what to do" says "HTTPS_PROXY"
    check "squid: as a fault of the configuration" ended 5
    check "squid: still signed in" is_signed_in
    daemon_end
    program_environment=(SSL_CERT_FILE="$work/ca.pem" HTTPS_PROXY="http://ada:wrong@127.0.0.1:$squid_port")
    daemon_begin
    token api://squid
    check "squid: a wrong password is the same" says "The proxy asks for a user name and password."
    daemon_end
    program_environment=(SSL_CERT_FILE="$work/ca.pem" HTTPS_PROXY="http://ada:s3cret@127.0.0.1:$squid_port")
    daemon_begin
    token api://squid
    check "squid: with the right one a token comes" is_from refresh
    check "squid: by a tunnel through it" grep -q "CONNECT ${authority#https://}:443 ada" /var/spool/squid/access.log
    check "squid: the password is not in entrad's log" has_no_password
    daemon_end
}

has_no_password() { [[ -s $work/entrad.log ]] && ! grep -q s3cret "$work/entrad.log"; }

# --- the boxes

mitm_begin() {
    PYTHONDONTWRITEBYTECODE=1 FAULT="$work/fault" serve mitm.log "$cache/venv/bin/mitmdump" --quiet \
        --listen-host 127.0.0.1 --listen-port "$mitm_port" --set confdir="$work/mitm" \
        --set ssl_verify_upstream_trusted_ca="$work/ca.pem" --scripts "$here/faults.py"
    await listens "$mitm_port" || fatal "mitmproxy did not start: $(tail -n 5 "$work/mitm.log")"
    cat "$work/ca.pem" "$work/mitm/mitmproxy-ca-cert.pem" >"$work/trusted.pem"
    program_environment=(SSL_CERT_FILE="$work/trusted.pem" HTTPS_PROXY="http://127.0.0.1:$mitm_port")
}

fault() { # FAULT TIMES
    echo "$1 $2" >"$work/fault"
}

# It runs as a user who sees nothing of the scenario's folder, so what stands in for its spool belongs to that user.
squid_begin() {
    local folder=/var/spool/squid
    mount -t tmpfs -o "uid=$(id -u proxy),gid=$(id -g proxy),mode=700" tmpfs "$folder"
    printf 'ada:%s\n' "$(openssl passwd -apr1 s3cret)" >"$folder/passwords"
    chmod 644 "$folder/passwords"
    cat >"$work/squid.conf" <<CONFIGURATION
http_port 127.0.0.1:$squid_port
auth_param basic program $(dpkg -L squid-openssl | grep 'basic_ncsa_auth$') $folder/passwords
auth_param basic realm corp
acl known proxy_auth REQUIRED
http_access allow known
http_access deny all
access_log stdio:$folder/access.log
cache_log $folder/cache.log
cache deny all
pid_filename none
coredump_dir $folder
visible_hostname localhost
shutdown_lifetime 1 seconds
CONFIGURATION
    serve squid.log squid -N -f "$work/squid.conf"
    await listens "$squid_port" || fatal "squid did not start: $(tail -n 5 "$work/squid.log" "$folder/cache.log")"
}

listens() { [[ -n $(ss -Hlnt "sport = :$1") ]]; }
