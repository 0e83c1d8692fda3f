# mitmproxy, and what any box between entrad and Entra needs.
#
# To be sourced after site.sh.
# shellcheck shell=bash

mitm_port=3128
boxes_cache=${ENTRAD_REAL_CACHE:-$root/tests/real/.cache}/mitmproxy

# Installs what is pinned, unless the cache holds just that.
install_mitmproxy() {
    local pins=$root/tests/real/mitmproxy.txt
    if ! cmp -s "$pins" "$boxes_cache/requirements.txt"; then
        rm -rf "$boxes_cache"
        mkdir -p "$boxes_cache"
        python3 -m venv "$boxes_cache"
        timeout -k 5 300 "$boxes_cache/bin/pip" install --quiet --disable-pip-version-check --requirement "$pins" ||
            fatal "pip could not install mitmproxy"
        cp "$pins" "$boxes_cache/requirements.txt"
    fi
}

# It does to answers what `fault` says, and trusts the simulator.
mitm_begin() { # OPTIONS...
    PYTHONDONTWRITEBYTECODE=1 FAULT="$work/fault" serve mitm.log "$boxes_cache/bin/mitmdump" --quiet \
        --listen-host 127.0.0.1 --listen-port "$mitm_port" --set confdir="$work/mitm" \
        --set ssl_verify_upstream_trusted_ca="$work/ca.pem" --scripts "$root/tests/real/servers/faults.py" "$@"
    await listens "$mitm_port" || fatal "mitmproxy did not start: $(tail -n 5 "$work/mitm.log")"
    cat "$work/ca.pem" "$work/mitm/mitmproxy-ca-cert.pem" >"$work/trusted.pem"
}

fault() { # FAULT TIMES
    echo "$1 $2" >"$work/fault"
}

listens() { [[ -n $(ss -Hlnt "sport = :$1") ]]; }
