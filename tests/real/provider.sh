# An OAuth server that no one here wrote: npm's oidc-provider, laid out at Entra's paths by the suite `oidc`.
#
# To be sourced after simulated.sh. Before it begins a suite says what it is like: `scheme` (http or https), `words` (rfc or
# entra) and `port` (0 for any).
# shellcheck shell=bash

provider_cache=${ENTRAD_REAL_CACHE:-$root/tests/real/.cache}/oidc
tenant=a1b2c3d4-0000-4000-8000-00000000e57a
client=c0ffee00-0000-4000-8000-00000000c11e
provider=

# Installs what the lock file pins, unless the cache holds just that.
provider_install() {
    install_node "$root/tests/real/oidc" "$provider_cache"
    # A module finds its packages from where it stands.
    cp "$root"/tests/real/oidc/*.mjs "$provider_cache"
}

provider_begin() {
    local line='' tls=()
    [[ $scheme == http ]] || tls=(--cert "$work/server.pem" --key "$work/server.key")
    mkdir -p "$work/provider"
    rm -f "$work/provider/ready"
    mkfifo "$work/provider/ready"
    (cd "$provider_cache" && exec node provider.mjs --store "$work/provider/store" --port "$port" --words "$words" "${tls[@]}") \
        >"$work/provider/ready" 2>>"$work/provider/log" </dev/null &
    provider=$!
    unwatched
    read -r -t 30 line <"$work/provider/ready" || true
    [[ $line == "READY "* ]] || fatal "the provider did not start: $(tail -n 5 "$work/provider/log")"
    origin=${line#READY }
    port=${origin##*:}
}

provider_end() {
    save_requests
    kill -TERM "$provider"
    await is_gone "$provider" || fatal "the provider did not stop"
    provider=
}

suite_end() {
    ((${#started[@]} == 0)) || kill -KILL "${started[@]}" 2>/dev/null
    [[ -z $provider ]] || kill -KILL "$provider" 2>/dev/null
}

ask() { curl --silent --show-error --fail --max-time 10 --cacert "$work/ca.pem" "$@"; }
rule() { ask --data "$1" "$origin/_test/rules" >>"$work/control"; }
requests() { ask "$origin/_test/requests"; }
count_requests() { requests | jq length; }
save_requests() { requests | jq -r '.[] | .brought, .got | select(.)' >>"$work/issued"; }
