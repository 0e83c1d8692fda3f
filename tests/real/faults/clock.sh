# Faults of the clock, by libfaketime: the wall clock jumps while entrad runs, boot time goes on.
#
# To be sourced. The kernel's timers are real: that a clock was set is noticed here at the next request or wake,
# not at once as by the timer that watches for it.
# shellcheck shell=bash

offset=0
own_clock=()

clock_jumps() {
    own_clock_begin
    simulator_begin
    daemon_options=(--authority "$origin" --client-id "$client_id" --log entrad=debug
        --store passphrase --passphrase-file "$work/passphrase")
    with_own_clock daemon_begin
    sign_in
    check "a person signs in" ended 0
    token api://ledger
    check "a token's end is true" ends_in 3600
    local resource
    for resource in api://mail api://files; do
        token "$resource"
        token "$resource"
    done

    jump 7200
    token api://ledger
    check "after +2 h the token counts as expired and the caller gets a fresh one" is_from refresh
    check "its end is true by the new wall clock" ends_in 3600
    check "the status shows how far Entra's clock is" skew_is -7200
    check "and warns" holds '.warnings | any(test("clock is 72\\d\\d seconds ahead of Entra"))'
    check "still signed in" is_signed_in
    check "and idle" is_idle

    jump -7200
    token api://ledger
    check "after -2 h a token that still lives is served from memory" is_from cache
    check "what is told of its end follows the new wall clock, and nothing is extended" ends_in 3600
    token api://ledger --force-refresh
    check "a refresh works" is_from refresh
    check "and its end is true" ends_in 3600
    check "the status shows how far Entra's clock is now" skew_is 7200
    check "still signed in now" is_signed_in
    check "and idle now" is_idle

    jump 0
    tell options '{"access_token_life": 8}'
    token api://short --min-validity 0
    local due held
    due=$(jq .expires_on <<<"$out")
    held=$(jq -r .access_token <<<"$out")
    jump -7200
    token api://short --min-validity 1
    check "a short token is served after the clock was set back" holds --arg held "$held" '.access_token == $held'
    check "with the same end, told by the new clock" holds --argjson due "$((due - 7200))" '.expires_on - $due | fabs <= 1'
    await is_past "$due" || fatal "time does not pass"
    token api://short --min-validity 0
    check "it ends by boot time, however much the wall clock has left" holds --arg held "$held" '.access_token != $held'
    tell options '{"access_token_life": 3600}'

    suspended
    daemon_end
    exercised
}

# Days in which nobody asks for anything: the refresh token is used all the same, so that it does not die.
exercised() {
    local before
    before=$(count_refreshes)
    jump "$((4 * 86400))"
    with_own_clock daemon_begin
    await count_is_at_least "$((before + 1))" || true
    check "after four days without a request the refresh token is used by itself, once" \
        count_is "$(count_refreshes)" "$((before + 1))"
    await exercise_is_ahead || true
    check "the status says when it would die, and when it is used next" exercise_is_ahead
    check "it is idle between" is_idle
    daemon_end
}

exercise_is_ahead() {
    program_environment=("${own_clock[@]}")
    entra status --json
    program_environment=()
    ended 0 && holds --argjson wall "$(wall)" '.accounts[0]
        | (.refresh_token_dies_on - $wall - 90 * 86400 | fabs <= 30)
        and (.exercise_due_on - $wall | . > 2 * 86400 and . <= 3 * 86400)'
}

# A resume: no time for the process, hours for the wall clock.
suspended() {
    local before resource
    jump 0
    for resource in api://ledger api://mail api://files; do
        token "$resource" --force-refresh
        token "$resource"
    done
    kill -STOP "$daemon"
    jump 28800
    before=$(count_refreshes)
    kill -CONT "$daemon"
    token api://mail
    check "after a night asleep the first caller gets a fresh token" is_from refresh
    check "soon" took_less_than 3000
    await count_is_at_least "$((before + 3))" || true
    check "it is idle after the resume" is_idle
    check "and renewed the three tokens that somebody wants, once each" count_is "$(count_refreshes)" "$((before + 3))"
    token api://ledger
    check "so the next caller does not wait" is_from cache
    check "still signed in after the resume" is_signed_in
}

clock_at_boot() {
    own_clock_begin
    make_certificates
    simulator_begin --tls-cert "$work/server.pem" --tls-key "$work/server.key"
    daemon_options=(--authority "https://localhost:${origin##*:}" --client-id "$client_id" --log entrad=debug
        --store passphrase --passphrase-file "$work/passphrase")
    program_environment=(SSL_CERT_FILE="$work/ca.pem")
    with_own_clock daemon_begin
    sign_in
    check "a person signs in" ended 0
    token api://ledger
    boots_at "1970" "$((300 - EPOCHSECONDS))"
    boots_at "two years ahead" "$((2 * 365 * 86400))"
    daemon_end
}

# Entra's certificate is not valid at such a time, so nothing can be had before the clock is right.
boots_at() { # NAME OFFSET
    local resource=api://boot/${1// /-}
    daemon_end
    jump "$2"
    with_own_clock daemon_begin
    token "$resource"
    check "a boot in $1: no token for now, with a time" is_told_when
    check "a boot in $1: the certificate is named" says "certificate"
    check "a boot in $1: and the clock" says "clock"
    check "a boot in $1: still signed in" is_signed_in
    check "a boot in $1: idle" is_idle
    jump 0
    measure "$resource"
    told "a token came $seconds s after the clock of $1 was put right."
    check "a boot in $1: once the clock is right a token comes within the back-off" within 8
    check "a boot in $1: its end is true" ends_in 3600
    check "a boot in $1: no skew is left" skew_is 0
}

# Without TLS in the way: everything that is kept or counted was begun under a wrong clock.
clock_put_right() {
    own_clock_begin
    simulator_begin
    daemon_options=(--authority "$origin" --client-id "$client_id" --log entrad=debug
        --store passphrase --passphrase-file "$work/passphrase")
    put_right "from 1970" "$((300 - EPOCHSECONDS))" refresh
    put_right "from two years ahead" "$((2 * 365 * 86400))" cache
}

put_right() { # NAME OFFSET SOURCE
    rm -rf "${work:?}/home"
    mkdir -m 700 "$work/home"
    jump "$2"
    with_own_clock daemon_begin
    sign_in
    check "$1: a person signs in" ended 0
    token api://ledger
    check "$1: a token comes" is_from refresh
    check "$1: its end is told by the wrong clock" ends_in 3600
    check "$1: the status shows how wrong it is" skew_is "$((-$2))"
    jump 0
    token api://ledger
    check "$1: with the clock put right a token comes" is_from "$3"
    check "$1: its end is true" ends_in 3600
    token api://mail
    check "$1: another one comes" is_from refresh
    check "$1: the status has no skew any more" skew_is 0
    check "$1: still signed in" is_signed_in
    check "$1: idle" is_idle
    daemon_end
    with_own_clock daemon_begin
    check "$1: after a restart still signed in" is_signed_in
    token api://ledger
    check "$1: and a token comes" is_from refresh
    daemon_end
}

far_future() {
    local up
    own_clock_begin
    read -r up _ </proc/uptime
    check "the machine has been up for thirty years" count_is "$((${up%.*} / 900000000))" 1
    in_year 2038 "$((0x80000000 + 60))"
    in_year 2106 "$((0x100000000 + 60))"
}

in_year() { # YEAR SECONDS
    rm -rf "${work:?}/home" "$work/simulator"
    mkdir -m 700 "$work/home"
    jump "$(($2 - EPOCHSECONDS))"
    simulator_clock=(env "${own_clock[@]}")
    simulator_begin
    daemon_options=(--authority "$origin" --client-id "$client_id" --log entrad=debug
        --store passphrase --passphrase-file "$work/passphrase")
    with_own_clock daemon_begin
    sign_in
    check "$1: a person signs in" ended 0
    token api://ledger
    check "$1: a token comes" is_from refresh
    check "$1: its end is true" ends_in 3600
    token api://ledger
    check "$1: it is served from memory" is_from cache
    token api://ledger --force-refresh
    check "$1: a refresh works" is_from refresh
    check "$1: the status has no skew" skew_is 0
    check "$1: and no warning" holds '.warnings // [] == []'
    check "$1: the refresh token has its ninety days" holds --argjson wall "$(wall)" \
        '.accounts[0].refresh_token_dies_on - $wall - 90 * 86400 | fabs <= 30'
    program_environment=("${own_clock[@]}")
    entra status
    program_environment=()
    check "$1: a person can read the status" ended 0
    check "$1: idle" is_idle
    daemon_end
    with_own_clock daemon_begin
    check "$1: after a restart still signed in" is_signed_in
    token api://ledger
    check "$1: and a token comes" is_from refresh
    daemon_end
}

# --- the clock

# Runs a command whose programs have a wall clock that `jump` sets. What is in their environment besides stays.
with_own_clock() { # COMMAND...
    local others=("${program_environment[@]}")
    program_environment+=("${own_clock[@]}")
    "$@"
    program_environment=("${others[@]}")
}

# Files and the monotonic clock keep the real time: a runtime whose own clock jumps would hang, not err.
own_clock_begin() {
    local library=(/usr/lib/*/faketime/libfaketimeMT.so.1)
    own_clock=(LD_PRELOAD="${library[0]}" FAKETIME_TIMESTAMP_FILE="$work/clock" FAKETIME_NO_CACHE=1
        FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1)
    jump 0
}

jump() { # SECONDS from the real time
    offset=$1
    printf '%+d\n' "$offset" >"$work/clock.new"
    mv "$work/clock.new" "$work/clock"
}

wall() { echo "$((EPOCHSECONDS + offset))"; }
is_past() { ((EPOCHSECONDS > $1)); }

# Some seconds may have passed, and none may have come.
ends_in() { # SECONDS
    holds --argjson wall "$(wall)" --argjson life "$1" '.expires_on - $wall | . <= $life + 1 and . >= $life - 20'
}

skew_is() { # SECONDS
    entra status --json
    holds --argjson skew "$1" '.clock_skew - $skew | fabs <= 3'
}
