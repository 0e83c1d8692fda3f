# A box between entrad and Entra: mitmproxy, which takes answers apart.
#
# To be sourced. It is an ordinary proxy on this machine, named in HTTPS_PROXY.
# shellcheck shell=bash

# The server rotated the refresh token and the client never hears of it.
lost_answers() {
    box_begin
    lose 1
    token api://once
    check "after a lost answer the second try brings the token" is_from refresh
    out=$(refreshes)
    check "both tries brought the same refresh token and were answered" holds \
        'length == 2 and all(.status == 200) and (map(.refresh_token // .form.refresh_token) | unique | length == 1)'
    check "still signed in" is_signed_in

    lose 2
    is_held_up "two lost answers" twice
    is_made_good "two lost answers" twice 8

    tell options '{"strict_rotation": true}'
    lose 1
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

# So many answers get lost, and requests are counted from here on.
lose() { # TIMES
    ask requests --request DELETE >>"$work/control"
    fault drop_answer "$1"
}

boxes_between() {
    box_begin
    box unavailable "HTTP status 503"
    box page "is not Entra's"
    box redirect "redirects"
    throttled
    fault slow 1
    token api://slow
    check "slow: the answer is waited for" is_from refresh
    out=$(refreshes)
    check "slow: and not asked for again" holds '[.[] | select(.form.scope // "" | contains("api://slow"))] | length == 1'
    daemon_end
    intercepted
}

# Everything is answered by the box, for as long as it is there.
box() { # FAULT WORDS
    fault "$1" 99
    is_held_up "$1" "$1" "$2"
    rm "$work/fault"
    is_made_good "$1" "$1" 8
}

throttled() {
    fault throttle 1
    is_held_up throttle throttled "Try again in 6 s"
    local before
    before=$(count_refreshes)
    token api://another
    check "throttle: another key waits as well" ended 6
    check "throttle: nothing is sent meanwhile" count_is "$(count_refreshes)" "$before"
    is_made_good throttle throttled 7
}

# Whoever has no token is told what happened and when to come back; nobody else notices.
is_held_up() { # NAME RESOURCE [WORDS]
    token "api://$2"
    check "$1: a caller without a token is told when to come back" is_told_when
    [[ -z ${3:-} ]] || check "$1: and what happened" says "$3"
    check "$1: still signed in" is_signed_in
    token api://ledger
    check "$1: a held token is served" is_from cache
}

# Once nothing is in the way, whoever comes back as told has a token within so many seconds.
is_made_good() { # NAME RESOURCE SECONDS
    measure "api://$2"
    told "$1: the token came $seconds s later."
    check "$1: then the token comes within $3 s" within "$3"
}

# The same box, on a machine that does not trust its certificate.
intercepted() {
    by_mitmproxy "$work/ca.pem"
    daemon_begin
    token api://intercepted
    check "interception: a caller is told when to come back" is_told_when
    check "interception: the certificate is named" says "certificate is not trusted"
    check "interception: with what to do" says "inspects traffic"
    check "interception: still signed in" is_signed_in
    daemon_end
}

# A person has signed in through the box, and holds one token.
box_begin() {
    site_begin
    mitm_begin
    by_mitmproxy "$work/trusted.pem"
    daemon_begin
    sign_in
    check "a person signs in through mitmproxy" ended 0
    token api://ledger
    check "a token comes" is_from refresh
}

by_mitmproxy() { # WHAT IS TRUSTED
    program_environment=(SSL_CERT_FILE="$1" HTTPS_PROXY="http://127.0.0.1:$mitm_port")
}
