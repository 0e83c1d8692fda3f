# Faults of the network: cables, routes, filters and the name server of a namespace.
#
# To be sourced. Links and routes are what the kernel tells of, so entrad tries again by itself once they are back;
# a filter or a name server that works again is found by the back-off.
# shellcheck shell=bash

network_cuts() {
    cuts_begin
    cut refused 15 back-off nft add rule inet cut leaving tcp dport 443 reject with tcp reset
    cut unreachable 15 back-off nft add rule inet cut leaving tcp dport 443 reject with icmp host-unreachable
    cut dropped 30 back-off nft add rule inet cut leaving ip daddr "$entra_address" drop
    cut cable 30 event at_gateway ip link set wan0 down
    cut interface 15 event ip link set lan0 down
    cut route 15 event ip route del default
    waiting_caller
    another_address
    stop_while_waiting
    cuts_end
}

name_cuts() {
    cuts_begin
    drop_connections
    cut no_name_server 15 back-off names_end
    drop_connections
    cut unknown_name 15 back-off names_forget
    drop_connections
    cut resolv_conf 15 back-off unname
    drop_connections
    cut hanging_names 30 back-off names_hang
    cuts_end
}

cuts_begin() {
    site_begin
    nft add table inet cut
    nft add chain inet cut leaving '{ type filter hook output priority 0; }'
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    token api://ledger
    check "a token comes" is_from refresh
}

cuts_end() {
    check "Entra refused nothing" holds_refreshes 'all(.status == 200)'
    check "idle" is_idle
    daemon_end
}

# Cuts the network, tries, and mends it. The limit is for a caller that has no token, in seconds.
cut() { # NAME LIMIT NOTICED COMMAND...
    local name=$1 limit=$2 noticed=$3 most
    "${@:4}"
    token api://ledger
    check "$name: a held token is served" is_from cache
    check "$name: within half a second" took_less_than 500
    token "api://$name"
    check "$name: a caller without a token is told when to come back" is_told_when
    check "$name: within $limit s" took_less_than "$((limit * 1000))"
    told "$name: the refusal took $took ms: $(head -n 1 <<<"$err")"
    check "$name: still signed in" is_signed_in
    token api://ledger
    check "$name: the held token is still served" is_from cache
    mend "$name"
    measure "api://$name"
    told "$name: the next token came after $seconds s ($noticed)."
    case $noticed in
        event) most=5 ;;
        back-off) most=8 ;;
    esac
    check "$name: once it is mended a token comes within $most s" within "$most"
}

mend() { # NAME
    case $1 in
        cable) at_gateway ip link set wan0 up ;;
        interface) ip link set lan0 up && ip route replace default via "$gateway_address" ;;
        route) ip route add default via "$gateway_address" ;;
        no_name_server) names_begin --host-record="${authority#https://},$entra_address" ;;
        unknown_name)
            names_end
            names_begin --host-record="${authority#https://},$entra_address"
            ;;
        resolv_conf) echo "nameserver $gateway_address" >/etc/resolv.conf ;;
        hanging_names) kill -CONT "$names" ;;
        *) nft flush chain inet cut leaving ;;
    esac
}

names_forget() {
    names_end
    names_begin
}

# Then the resolver asks this machine, where nobody answers.
unname() { : >/etc/resolv.conf; }

names_hang() { kill -STOP "$names"; }

# A caller that waits while the cable comes back, for a request on a connection that was good when it was made.
waiting_caller() {
    token api://before
    at_gateway ip link set wan0 down
    (token api://waiting && ended 0) &
    local caller=$! begun lost=0
    pause 3
    at_gateway ip link set wan0 up
    begun=${EPOCHREALTIME/./}
    wait "$caller" || lost=1
    tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
    told "waiting caller: its token came $((tenths / 10)).$((tenths % 10)) s after the cable."
    check "waiting caller: gets its token" count_is "$lost" 0
    check "waiting caller: within 5 s of the cable" within 5
}

# The open connection is to an address that is gone, and nothing says so to whoever writes to it.
another_address() {
    token api://before-moving
    ip address del "$own_address/24" dev lan0
    ip address add "$moved_address/24" dev lan0
    ip route replace default via "$gateway_address"
    token api://moved
    told "another address: a token came after $took ms."
    check "another address: a caller gets its token" is_from refresh
    check "another address: within 10 s" took_less_than 10000
    check "another address: still signed in" is_signed_in
}

# A laptop that is shut down offline, with a request under way.
stop_while_waiting() {
    nft add rule inet cut leaving ip daddr "$entra_address" drop
    (token api://stopping) &
    local caller=$! begun
    pause 1
    begun=${EPOCHREALTIME/./}
    daemon_end
    tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
    wait "$caller"
    told "stop while waiting: entrad was gone after $((tenths / 10)).$((tenths % 10)) s."
    check "stop while waiting: entrad is gone within 10 s" within 10
    mend dropped
    daemon_begin
    check "stop while waiting: signed in after the start" is_signed_in
    token api://stopping
    check "stop while waiting: and a token comes" is_from refresh
}

# An open connection needs no name. A change of the routes, and another network is meant.
drop_connections() {
    local before
    before=$(count_changes)
    ip route add 198.51.100.0/24 via "$gateway_address"
    await has_changed_since "$before" || fatal "the change of a route was not noticed"
    before=$(count_changes)
    ip route del 198.51.100.0/24
    await has_changed_since "$before" || fatal "the change of a route was not noticed"
}

count_changes() { grep -c "the network changed" "$work/entrad.log" || true; }
has_changed_since() { (($(count_changes) > $1)); }

holds_refreshes() {
    out=$(refreshes)
    holds "$@"
}

keys=({1..12})

# Twelve tools ask at once and nothing answers: the requests of an account wait for each other.
callers_at_once() {
    cuts_begin
    nft add rule inet cut leaving ip daddr "$entra_address" drop
    # The daemon's own limit is to be seen.
    client_limit=90
    local key waiting=() lost=0 begun=${EPOCHREALTIME/./}
    for key in "${keys[@]}"; do
        (
            token "api://key/$key"
            told "$key of twelve was told after $took ms: $(head -n 1 <<<"$err")"
            is_told
        ) &
        waiting+=($!)
    done
    for key in "${waiting[@]}"; do
        wait "$key" || lost=$((lost + 1))
    done
    took=$(((${EPOCHREALTIME/./} - begun) / 1000))
    check "all twelve are told in one sentence with a way on" count_is "$lost" 0
    check "within the 75 s that a request may take" took_less_than 77000
    check "still signed in" is_signed_in
    token api://ledger
    check "a held token is served" is_from cache
    check "within half a second" took_less_than 500
    mend dropped
    measure api://key/1
    told "the next token came after $seconds s."
    check "once it is mended a token comes within 8 s" within 8
    cuts_end
}

# A laptop that starts on a train: a dozen tools want a token, and then the network is there.
offline_at_boot() {
    site_begin
    daemon_begin
    sign_in
    check "a person signs in" ended 0
    daemon_end
    ip link set lan0 down
    daemon_begin
    check "without a network entrad is ready within five seconds" took_less_than 5000
    check "and knows who is signed in" is_signed_in
    token api://key/1
    check "a caller is told when to come back" is_told_when
    check "within five seconds" took_less_than 5000
    check "idle" is_idle

    local key waiting=()
    for key in "${keys[@]}"; do
        (await gets_token "api://key/$key") &
        waiting+=($!)
    done
    pause 3
    far_away
    ask requests --request DELETE >>"$work/control"
    local begun=${EPOCHREALTIME/./}
    link_up
    await count_is_at_least 1 || true
    tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
    told "the first of twelve tokens came $((tenths / 10)).$((tenths % 10)) s after the network."
    check "the first of twelve tokens comes within 5 s" within 5
    local lost=0
    for key in "${waiting[@]}"; do
        wait "$key" || lost=$((lost + 1))
    done
    tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
    told "the last came after $((tenths / 10)).$((tenths % 10)) s."
    check "all twelve callers got one" count_is "$lost" 0
    check "within 10 s" within 10
    check_no_crowd "twelve callers"
    renewals
    daemon_end
}

# Tokens that were wanted when their renewal fell into an outage, and nobody asks again.
renewals() {
    daemon_end
    daemon_begin
    ask faults --request DELETE >>"$work/control"
    # Shorter than an hour, for which entrad takes Entra's `refresh_in` to the second. Until then all twelve are there.
    local key due=$((6 * slack))
    tell options '{"access_token_life": 3500}'
    tell faults '[{"leg": "refresh", "times": 12, "actions": [{"kind": "set_fields", "fields": {"refresh_in": '"$due"'}}]}]'
    for key in "${keys[@]}"; do
        token "api://key/$key"
        token "api://key/$key"
    done
    check "twelve tokens are held that are due soon" has_due 12
    ip link set lan0 down
    pause $((due + 2))
    check "the outage is known" has_errors
    far_away
    ask requests --request DELETE >>"$work/control"
    local begun=${EPOCHREALTIME/./}
    link_up
    await count_is_at_least 12 || true
    tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
    told "twelve renewals were over $((tenths / 10)).$((tenths % 10)) s after the network."
    check "twelve renewals are over within 10 s, with nobody asking" within 10
    check "none was sent twice" count_is "$(count_refreshes)" 12
    check_no_crowd "twelve renewals"
    token api://key/12
    check "still served from memory" is_from cache
}

# As far away as Entra is: the requests of an account go one after another, each as soon as the one before is answered.
far_away() {
    tell faults '[{"leg": "refresh", "times": 1000, "actions": [{"kind": "delay", "ms": 100}]}]'
}

link_up() {
    ip link set lan0 up
    ip route replace default via "$gateway_address"
}

count_is_at_least() { (($(count_refreshes) >= $1)); }

has_due() {
    entra status --json
    holds --argjson count "$1" '[.accounts[0].tokens[] | select(.expires_on and .refresh_due_on)] | length == $count'
}

has_errors() {
    entra status --json
    holds 'any(.accounts[0].tokens[]; .last_error.code == "unavailable" and .expires_on)'
}

# In no tenth of a second more than a few.
check_no_crowd() { # NAME
    out=$(refreshes | jq '[.[].at_ms] | sort | . as $at | {requests: length, crowd: ([range(length) as $i |
        [$at[] | select(. >= $at[$i] and . < $at[$i] + 100)] | length] | max)}')
    told "$1: $(jq -r '"\(.requests) requests, at most \(.crowd) within 100 ms"' <<<"$out")."
    check "$1: at most three requests within 100 ms" holds '.requests >= 12 and .crowd <= 3'
}
