# Another user of the machine: a real second user id.
#
# To be sourced.
# shellcheck shell=bash

# How often the lease for models was used by whoever had its secret: in this suite on purpose.
lease_uses=0

another_user() {
    from_files
    from_processes
    from_the_socket
    from_the_port_for_tools
    from_a_page
    from_the_port_of_an_answer
}

# As the other user: `status`, `out`, `err`.
stranger() {
    status=0
    out=$("${as_other[@]}" env -i -C / PATH=/usr/bin:/bin timeout -k 5 30 "$@" 2>"$work/stranger.err" </dev/null) || status=$?
    err=$(<"$work/stranger.err")
}

person() {
    status=0
    out=$("${as_person[@]}" env -i -C / PATH=/usr/bin:/bin timeout -k 5 30 "$@" 2>"$work/stranger.err" </dev/null) || status=$?
    err=$(<"$work/stranger.err")
}

is_denied() { ((status != 0)) && [[ -z $out && $err == *[Pp]ermission\ denied* ]]; }

# --- files

# Where the person has opened their home, and all that entrad did not make, to everybody.
from_files() {
    local path entered=0 read=0 seen=0
    stranger ls "$work/home"
    check "another user cannot enter the person's home" is_denied
    chmod 755 "$work/home" "$work/run" "$work/home/.local" "$work/home/.local/state"
    "${as_person[@]}" sh -c "umask 022 && echo open >'$work/home/open'"
    stranger cat "$work/home/open"
    check "which the person may open to everybody" test "$out" = open
    while IFS= read -r path; do
        seen=$((seen + 1))
        if [[ -d $path ]]; then
            stranger ls "$path"
        else
            stranger cat "$path"
        fi
        is_denied || { read=$((read + 1)) && echo "FAIL $suite: $path: $out $err"; }
        stranger test -w "$path"
        ((status != 0)) || entered=$((entered + 1))
    done < <(find "$state" "${socket%/*}")
    out="$seen files and folders"
    check "of entrad's own files and folders they can read none even then" count_is "$read" 0
    check "nor write one" count_is "$entered" 0
    for path in vault.sealed audit loopback-port entrad.lock; do
        check "$path was among them" test -e "$state/$path"
    done
    # Each by its own mode, too, should the folders above it be opened.
    chmod 755 "$state" "${socket%/*}"
    local open
    # But for the number of the port, which the kernel tells everybody.
    open=$(find "$state" "${socket%/*}" -mindepth 1 -perm /077 ! -name loopback-port)
    out=$open
    check "each file of them is closed by itself as well" test -z "$open"
    stranger cat "$state/vault.sealed"
    check "also where its folder is not" is_denied
    chmod 700 "$state" "${socket%/*}"
}

# --- processes

from_processes() {
    local file
    for file in mem environ maps fd/0 exe; do
        stranger cat "/proc/$daemon/$file"
        check "another user cannot read entrad's /proc/PID/$file" is_denied
    done
    stranger ls "/proc/$daemon/fd"
    check "nor see what it has open" is_denied
    stranger python3 -c "import os, sys; os.kill(int(sys.argv[1]), 0)" "$daemon"
    check "nor send it a signal" test "$status" -ne 0
    # A name that is no file (unix(7)) is open to everybody.
    out=$(awk -v pattern='^@' 'NR > 1 && $8 ~ pattern {print $8}' /proc/net/unix)
    check "no socket of it has a name without a file" lacks entrad
    check "a program that entra run started has the secret" has_the_secret
    stranger cat "/proc/$lent/environ"
    check "which another user cannot read" is_denied
    kill "$lent"
}

lacks() { [[ $out != *"$1"* ]]; }

has_the_secret() {
    (program "${entra_program[@]}" run --for foundry -- sleep 60) >"$work/lent.log" 2>&1 </dev/null &
    started+=($!)
    unwatched
    await is_lent || return 1
    grep -qa '^IDENTITY_HEADER=entra_lease_' < <(tr '\0' '\n' <"/proc/$lent/environ")
}
is_lent() { lent=$(pgrep -u "$uid" -x sleep | head -n 1) && [[ $lent ]]; }

# --- the socket

from_the_socket() {
    stranger curl --silent --show-error --max-time 10 --unix-socket "$socket" http://entrad/v1/status
    check "another user cannot connect to the socket" cannot_connect
    stranger env XDG_RUNTIME_DIR="$work/run" "$work/bin/entra" token --for foundry --socket "$socket"
    check "nor can entra for them, which says why" says 'may not be used by you'
    check "and no token comes" test "$status" -eq 4 -a -z "$out"
    # By the kernel's own way to a file that somebody has open, not by its path.
    exec {held}<"${socket%/*}"
    stranger curl --silent --show-error --max-time 10 --unix-socket "/proc/$$/fd/$held/entrad.sock" http://entrad/v1/status
    check "nor by a descriptor of another process" cannot_connect
    chmod 755 "${socket%/*}"
    chmod 666 "$socket"
    stranger curl --silent --show-error --max-time 10 --unix-socket "$socket" http://entrad/v1/status
    check "with every door open entrad itself sends them away" is_sent_away "$other"
    stranger "$work/bin/entra" token --for foundry --socket "$socket"
    check "entra as well" is_sent_away "$other"
    chmod 600 "$socket"
    chmod 700 "${socket%/*}"
    exec {held}<&-
}

# By the kernel, before entrad knows of it; what curl says of that (7).
cannot_connect() { ended 7 && [[ -z $out ]] && ! is_noticed; }
# By entrad, whose log says so.
is_sent_away() { # USER
    [[ -z $out ]] && ((status != 0)) && await is_noticed "$1"
}

# Whether one more process of another user has connected to the socket since it was asked last: of this one.
is_noticed() { # [USER]
    local lines
    lines=$(grep -E 'a process of user [0-9]+ connected' "$work/entrad.log" | grep -vE 'sign-in page|place' || true)
    (($(grep -c . <<<"$lines") > noticed)) && [[ ${lines##*$'\n'} == *"user ${1:-}"* ]] && noticed=$(grep -c . <<<"$lines")
}
noticed=0

# What curl says of an empty answer, of a connection that was reset, and of one that it could not write to.
gets_nothing() { [[ -z $out ]] && [[ $status == 52 || $status == 55 || $status == 56 ]]; }

# --- loopback

from_the_port_for_tools() {
    local url
    url="$(endpoint)?api-version=2019-08-01&resource=https://ai.azure.com"
    stranger curl --silent --max-time 10 "$url"
    check "without a secret another user gets no token on the port for tools" is_refused_there
    stranger curl --silent --max-time 10 --header "X-IDENTITY-HEADER: $(secret | tr '0-9a-f' '1-9a-f0')" "$url"
    check "nor with a wrong one" is_refused_there
    stranger curl --silent --max-time 10 --request POST --json '{"resource":"foundry"}' "http://127.0.0.1:$(port_of "$(endpoint)")/v1/token"
    check "nor does that port know the socket's language" test -z "$(grep access_token <<<"$out")"
    person curl --silent --max-time 10 --header "X-IDENTITY-HEADER: $(secret)" "$url"
    check "with it the person does" holds '.access_token | length > 100'
    lease_uses=$((lease_uses + 1))
}

is_refused_there() { [[ $out != *access_token* ]] && holds '.statusCode == 403'; }
port_of() { sed -E 's|^http://[^/]*:([0-9]+)/.*|\1|' <<<"$1"; }

from_a_page() {
    local url refusal
    person curl --silent --max-time 10 --unix-socket "$socket" --json '{}' http://entrad/v1/pages
    url=$(jq -r .url <<<"$out")
    stranger curl --silent --max-time 10 "${url%/*}/"
    check "another user gets a refusal at a sign-in page's port" is_refused_page
    refusal=$out
    stranger curl --silent --max-time 10 "$url"
    check "and the same with its address, as it stands on the browser's command line" test "$out" = "$refusal"
    stranger curl --silent --max-time 10 --data do=begin --header "Origin: ${url%/sign-in/*}" "$url"
    check "and where they would begin a sign-in" test "$out" = "$refusal"
    check "of which Entra knows nothing" count_is "$(control 'requests?leg=devicecode' | jq length)" 1
    person curl --silent --max-time 10 "$url"
    check "the person gets the page" grep -q 'value="begin"' <<<"$out"
}

is_refused_page() { ((status == 0)) && [[ $out == *'<html'* ]] && ! grep -qE '<form|sign-in/' <<<"$out"; }

from_the_port_of_an_answer() {
    local line='' url back state_of_it ip
    rm -f "$work/login"
    mkfifo "$work/login"
    (program timeout -k 5 120 "${entra_program[@]}" login --json --browser) >"$work/login" 2>>"$work/clients.err" </dev/null &
    login=$!
    unwatched
    exec {events}<"$work/login"
    while read -r -t 30 -u "$events" line; do
        [[ $(jq -r .event <<<"$line") != authorization ]] || break
    done
    url=$(jq -r .url <<<"$line")
    back=$(python3 -c 'import sys, urllib.parse as u; print(*(u.parse_qs(u.urlsplit(sys.argv[1]).query)[n][0] for n in ("redirect_uri", "state")))' "$url")
    read -r back state_of_it <<<"$back"
    for ip in 127.0.0.1 '[::1]'; do
        stranger curl --silent --max-time 10 --header "Host: localhost:$(port_of "$back/")" "http://$ip:$(port_of "$back/")/?error=access_denied&state=$state_of_it"
        check "another user is sent away where Entra's answer is waited for ($ip), even with the state" gets_nothing
    done
    person curl --silent --max-time 10 "$back?error=access_denied&state=$state_of_it"
    check "an answer of the person's browser is taken" test -n "$out"
    exec {events}<&-
    kill "$login" 2>/dev/null || true
}
