# A throw-away workstation for the suites: a home, the shipped programs in it, and checks of what they say.
#
# To be sourced. `work` is its folder; it and every process that was started here are gone at the end.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
failed=0
daemon=
daemon_options=()
# How each is called.
entrad_program=("$target/debug/entrad")
entra_program=("$target/debug/entra")
# Seconds that a client may take.
client_limit=60
# What the programs find in their environment besides a home: nothing that is not put here.
program_environment=()
# Logs of entrad in other places than here.
logs_elsewhere=()

# Whatever the environment says about certificates and proxies is for other programs.
unset SSL_CERT_FILE SSL_CERT_DIR CURL_CA_BUNDLE REQUESTS_CA_BUNDLE NODE_EXTRA_CA_CERTS NODE_OPTIONS
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy

workstation_begin() {
    work=$(mktemp -d)
    trap workstation_end EXIT
    trap 'exit 130' INT TERM
    mkdir -m 700 "$work/home" "$work/run"
    state=$work/home/.local/state/entrad
    (umask 077 && echo "correct horse battery staple" >"$work/passphrase")
}

workstation_end() {
    local status=$?
    trap - EXIT
    if ((status || failed)) && [[ -s $work/entrad.log ]]; then
        echo "The end of entrad's log:" >&2
        tail -n 20 "$work/entrad.log" >&2
    fi
    if [[ -n $daemon ]]; then
        kill -KILL "$daemon" 2>/dev/null || true
    fi
    if declare -F suite_end >/dev/null; then
        suite_end || true
    fi
    keep_what_was_said
    rm -rf "$work"
    exit "$status"
}

# For the driver, which looks for secrets in it: logs, what the client said on standard error, and the state with the audit log.
keep_what_was_said() {
    [[ ${ENTRAD_REAL_SAID:-} ]] || return 0
    local file
    for file in "$work"/entrad.log "$work"/*.err "${logs_elsewhere[@]}" "$state"/* "$state"/audit/*; do
        if [[ -f $file && -s $file ]]; then
            cp "$file" "$ENTRAD_REAL_SAID/${ENTRAD_REAL_SUITE:-alone}-${suite//[^a-z_]/_}-$$${file//\//_}" ||
                echo "FAIL $suite: ${file##*/} could not be kept for the scan"
        fi
    done
}

fatal() {
    echo "FAIL $suite: $1" >&2
    exit 1
}

# --- checks

check() { # NAME CONDITION...
    local name=$1
    shift
    if "$@"; then
        echo "PASS $suite: $name"
    else
        local said="${out:-} ${err:-}"
        echo "FAIL $suite: $name (exit status ${status:-none}: ${said:0:600})"
        failed=$((failed + 1))
    fi
}

ended() { ((status == $1)); }
# Bounds of time are for a machine that does nothing else; where it does, its driver says how many times longer all may take.
slack=${ENTRAD_REAL_SLACK:-1}
took_less_than() { ((took < $1 * slack)); }
says() { [[ $err == *"$1"* ]]; }
# A condition of jq on what the client printed, which may name the milliseconds of a `$second`. To some versions of jq everything
# holds of nothing.
holds() { [[ $out ]] && jq -e --argjson second "$((1000 * slack))" "$@" <<<"$out" >/dev/null; }
count_is() { [[ $1 -eq $2 ]]; }

await() { # CONDITION..., for about fifteen seconds
    local tries=$((300 * slack))
    until "$@"; do
        ((tries-- > 0)) || return 1
        read -r -t 0.05 <> <(:) || true
    done
}

# Of the job started last: that it was killed is no news for the shell to print.
unwatched() { disown "$!"; }

is_gone() { ! kill -0 "$1" 2>/dev/null; }

# --- the programs

program() { # PROGRAM ARGUMENTS...
    exec env -i HOME="$work/home" XDG_RUNTIME_DIR="$work/run" PATH=/usr/bin:/bin \
        "${program_environment[@]}" "$@"
}

# Starts entrad and waits until it is ready: `socket` is where, and `took` is how many milliseconds that was.
daemon_begin() {
    local line='' begun=${EPOCHREALTIME/./}
    rm -f "$work/ready"
    mkfifo "$work/ready"
    (program "${entrad_program[@]}" "${daemon_options[@]}" "$@") >"$work/ready" 2>>"$work/entrad.log" </dev/null &
    daemon=$!
    unwatched
    read -r -t 60 line <"$work/ready" || true
    took=$(((${EPOCHREALTIME/./} - begun) / 1000))
    [[ $line == "ready "* ]] || fatal "entrad did not get ready"
    socket=${line#ready }
}

# Stops it as a service manager does.
daemon_end() {
    kill -TERM "$daemon"
    await is_gone "$daemon" || fatal "entrad did not stop"
    daemon=
}

# Ends it as a power cut does.
daemon_kill() {
    kill -KILL "$daemon"
    await is_gone "$daemon" || fatal "entrad could not be killed"
    daemon=
}

daemon_restart() {
    daemon_end
    daemon_begin "$@"
}

# Runs the client: `status`, `out`, `err`, and `took` in milliseconds.
entra() {
    local begun=${EPOCHREALTIME/./} errors=$work/entra.$BASHPID.err
    status=0
    out=$(program timeout -k 5 "$client_limit" "${entra_program[@]}" "$@" 2>"$errors" </dev/null) || status=$?
    took=$(((${EPOCHREALTIME/./} - begun) / 1000))
    err=$(<"$errors")
    cat "$errors" >>"$work/clients.err"
    rm "$errors"
    printf '%s\n%s\n' "$out" "$err" >>"$work/entra.said"
}

# Begins a sign-in and stays until there is a code: `page` and `code`; both empty when it ended before.
login_begin() {
    local line=''
    page='' code='' out='' err='' status=none
    rm -f "$work/login"
    mkfifo "$work/login"
    (program timeout -k 5 120 "${entra_program[@]}" login --json "$@") >"$work/login" 2>"$work/entra.err" </dev/null &
    login=$!
    exec {events}<"$work/login"
    read -r -t 30 -u "$events" line || true
    out=$line
    if [[ $(jq -r .event <<<"$line") == code ]]; then
        page=$(jq -r .verification_uri <<<"$line")
        code=$(jq -r .user_code <<<"$line")
    fi
}

# Waits for its end: `status`, and `out` is the last event.
login_end() {
    local line
    while read -r -t 120 -u "$events" line; do
        out=$line
    done
    exec {events}<&-
    status=0
    wait "$login" || status=$?
    err=$(<"$work/entra.err")
    cat "$work/entra.err" >>"$work/clients.err"
    printf '%s\n%s\n' "$out" "$err" >>"$work/entra.said"
}

# Ends the suite with what its checks found.
finish() {
    exit "$((failed > 0))"
}
