# A workstation and the rest of the world, in network namespaces joined by a cable; Entra is simulated.
#
# To be sourced after workstation.sh, and run by scenarios.sh in mount and network namespaces of the scenario's own. `entrad` runs
# here; the simulator, the name server and the way to both are behind the cable, and the authority is an https
# address that the administrator's file names.
# shellcheck shell=bash

authority=https://login.contoso.test
client_id=00000000-0000-0000-0000-00000000c11e
ada=ada@example.com

# Documentation addresses (RFC 5737), so that nothing real can be meant.
entra_address=203.0.113.10
gateway_address=192.0.2.1
own_address=192.0.2.2
moved_address=192.0.2.3

gateway=
# What stands before a program that is to run behind the cable.
behind=()
names=
simulator=
servers=()

# What the programs may write of the machine is a copy that ends with the namespace.
isolate() {
    cp -a /etc "$work/etc"
    mount --bind "$work/etc" /etc
    mount -t tmpfs tmpfs /dev/shm
    ip link set lo up
}

suite_end() {
    local server
    [[ -z $names ]] || kill -CONT "$names" 2>/dev/null || true
    for server in "${servers[@]}"; do
        kill -KILL "$server" 2>/dev/null || true
        await is_gone "$server" || true
    done
}

# Runs a program as a server of the scenario, which ends with it.
serve() { # LOG PROGRAM ARGUMENTS...
    "${@:2}" >>"$work/$1" 2>&1 </dev/null &
    server=$!
    servers+=("$server")
    unwatched
}

# --- behind the cable

site_begin() {
    serve gateway.log unshare --net sleep infinity
    gateway=$server
    await is_apart "$gateway" || fatal "there is no second network namespace"
    behind=(nsenter --net="/proc/$gateway/ns/net")
    ip link add lan0 type veth peer name wan0 netns "$gateway"
    at_gateway ip link set lo up
    at_gateway ip address add "$gateway_address/24" dev wan0
    at_gateway ip link set wan0 up
    ip address add "$own_address/24" dev lan0
    ip link set lan0 up
    ip route add default via "$gateway_address"
    make_certificates
    simulator_begin --tls-cert "$work/server.pem" --tls-key "$work/server.key"
    # The simulator listens on loopback only.
    at_gateway sysctl -q -w net.ipv4.conf.wan0.route_localnet=1
    at_gateway nft -f - <<RULES
table ip site {
    chain arriving {
        type nat hook prerouting priority dstnat;
        ip daddr $entra_address tcp dport 443 dnat to 127.0.0.1:${origin##*:}
    }
}
RULES
    echo "nameserver $gateway_address" >/etc/resolv.conf
    names_begin --host-record="${authority#https://},$entra_address"
    mkdir -p /etc/entrad
    printf '%s = "%s"\n' authority "$authority" tenant 99999999-8888-7777-6666-555555555555 client_id "$client_id" \
        >/etc/entrad/config.toml
    daemon_options=(--store passphrase --passphrase-file "$work/passphrase" --log entrad=debug)
    program_environment=(SSL_CERT_FILE="$work/ca.pem")
}

is_apart() { ! [[ /proc/$1/ns/net -ef /proc/self/ns/net ]]; }
at_gateway() { "${behind[@]}" "$@"; }

names_begin() { # OPTIONS...
    serve names.log "${behind[@]}" dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root \
        --no-resolv --no-hosts --bind-interfaces --listen-address="$gateway_address" --local=/test/ "$@"
    names=$server
    await at_gateway_listens 53 || fatal "the name server did not start: $(tail -n 3 "$work/names.log")"
}

names_end() {
    kill -KILL "$names"
    await is_gone "$names" || fatal "the name server did not end"
    names=
}

at_gateway_listens() { [[ -n $(at_gateway ss -Hlnt "sport = :$1") ]]; }

# A CA and a certificate for the authority; with clocks in mind, for the simulator's own lifetime and not more.
make_certificates() {
    (
        cd "$work"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=A CA for one test" \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf '%s\n' "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:${authority#https://}" basicConstraints=CA:FALSE \
            keyUsage=digitalSignature extendedKeyUsage=serverAuth >server.ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem
    ) 2>"$work/openssl.log" || fatal "no certificate could be made: $(<"$work/openssl.log")"
}

# --- the simulator

# Behind the cable where there is one. `origin` is its own idea of where it is.
simulator_begin() { # OPTIONS...
    local line=''
    mkfifo "$work/simulator"
    "${behind[@]}" "${simulator_clock[@]}" "$target/debug/entra-sim" --interval 1 --access-token-life 3600 "$@" \
        >"$work/simulator" 2>"$work/simulator.log" </dev/null &
    simulator=$!
    servers+=("$simulator")
    unwatched
    read -r -t 30 line <"$work/simulator" || true
    [[ $line == "READY "* ]] || fatal "the simulator did not start: $(<"$work/simulator.log")"
    origin=${line#READY }
}

# What stands before the simulator to give it another clock.
simulator_clock=()

ask() { # PATH OPTIONS...
    "${behind[@]}" curl --silent --show-error --fail --max-time 10 --noproxy '*' --cacert "$work/ca.pem" \
        "${@:2}" "$origin/_sim/$1"
}

tell() { # PATH BODY
    ask "$1" --data "$2" >>"$work/control"
}

refreshes() { ask "requests?leg=refresh"; }
count_refreshes() { refreshes | jq length; }

# --- the client's side

sign_in() {
    login_begin
    [[ -n $code ]] || fatal "there is no code: $out $err"
    tell approve "{\"user_code\": \"$code\", \"user\": \"$ada\"}"
    login_end
}

token() { # RESOURCE OPTIONS...
    entra token --resource "$1" --output json "${@:2}"
}

is_from() { ended 0 && holds --arg source "$1" '.source == $source'; }

gets_token() {
    token "$1"
    ended 0
}

is_signed_in() {
    entra accounts --json
    ended 0 && holds --arg ada "$ada" '.accounts[0] | .username == $ada and .health.state == "good"'
}

# One sentence, a way on, and a time.
is_told_when() { is_told && says "Try again in"; }
is_told() { ended 6 && is_one_sentence && says "Hint:"; }
is_one_sentence() { [[ $(grep -c '^Error: .*\.$' <<<"$err") == 1 && $(grep -c '^Error: .*\. ' <<<"$err") == 0 ]]; }

# Seconds with one decimal until a token comes, or 99.
measure() { # RESOURCE
    local begun=${EPOCHREALTIME/./}
    if await gets_token "$1"; then
        tenths=$(((${EPOCHREALTIME/./} - begun) / 100000))
    else
        tenths=990
    fi
    seconds=$((tenths / 10)).$((tenths % 10))
}

within() { ((tenths <= $1 * 10 * slack)); }

told() { echo "TIME $suite: $1"; }

# --- the process

ticks() { awk '{print $14 + $15}' "/proc/$daemon/stat"; }

# For two seconds no more than 30 ms of processor time.
is_idle() {
    local before
    before=$(ticks)
    pause 2
    (($(ticks) - before <= 3))
}

pause() { read -r -t "$1" <> <(:) || true; }
