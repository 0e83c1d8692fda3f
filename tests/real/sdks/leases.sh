# What a lease allows and what it does not, as the libraries see it; and what nobody without one gets.
#
# To be sourced.
# shellcheck shell=bash

# What `entra env` prints, as a shell understands it: `lent` is what it set.
lend() { # SHELL RESOURCE|--all-resources
    local shell=$1 script="$work/env.$1" dump words=("$2")
    [[ $2 == --* ]] || words=(--for "$2")
    entra env "${words[@]}" --shell "$shell"
    ended 0 || fatal "entra env did not work: $err"
    printf '%s\n' "$out" >"$script"
    # What stood there stays, and what is to be kept from proxies is added.
    dump=$(with "${proxied[@]}" NO_PROXY=example.invalid no_proxy=example.invalid program_into \
        "$shell" -c "source '$script' && env"; printf '%s' "$out")
    mapfile -t lent < <(grep -E '^(IDENTITY|AZD|NO_PROXY|no_proxy)' <<<"$dump" || true)
}

lent_value() { # NAME
    printf '%s\n' "${lent[@]}" | sed -n "s/^$1=//p"
}

check_proxies() {
    local sdk shell
    : >"$work/recorder.log"
    for sdk in python node rust; do
        with "${proxied[@]}" probe_lent "$sdk" mi "$cognitive"
        check "$sdk: entra run keeps the request from the proxy" holds '.[0].ok and .[0].ms < $second'
    done
    for shell in bash zsh fish; do
        lend "$shell" cognitive
        check "$shell: entra env keeps what NO_PROXY said" grep -q example.invalid <<<"$(lent_value NO_PROXY)"
        for sdk in python node rust; do
            with "${proxied[@]}" "${lent[@]}" probe "$sdk" "mi $cognitive"
            check "$shell: $sdk gets a token by entra env" holds '.[0].ok'
        done
    done
    check "the proxy has seen nothing" test ! -s "$work/recorder.log"
}

# In one process, whose library has fixed its idea of the endpoint before.
check_restart() {
    local sdk endpoint
    lend bash --all-resources
    endpoint=$(lent_value IDENTITY_ENDPOINT)
    for sdk in python node rust; do
        with "${lent[@]}" conversation_begin "$sdk"
        ask_in_it "mi $cognitive"
        check "$sdk: a token before the restart" holds .ok
        daemon_restart 8>&- 9<&-
        ask_in_it "mi $vault"
        check "$sdk: the next call after a restart is good" holds '.ok and .ms < $second'
        conversation_end
    done
    lend bash --all-resources
    check "the port is the same" test "$endpoint" == "$(lent_value IDENTITY_ENDPOINT)"
}

check_leases() {
    local sdk name
    for sdk in python node rust; do
        lending foundry probe "$sdk" "mi $arm"
        check "$sdk: a lease for Foundry is refused Resource Manager" holds \
            '.[0] | (.ok | not) and (.error | contains("is not for")) and .ms < $second'
        lend bash cognitive
        with "${lent[@]}" conversation_begin "$sdk"
        ask_in_it "mi $cognitive"
        check "$sdk: a lease is good until it is revoked" holds .ok
        name=$(name_of_lease)
        entra lease revoke "$name"
        check "$sdk: entra lease revoke works" ended 0
        ask_in_it "dac $foundry"
        check "$sdk: and at once there is nothing" holds '(.ok | not) and .ms < $second'
        conversation_end
    done
}

# The lease that this secret is of.
name_of_lease() {
    local id
    id=$(lent_value IDENTITY_HEADER | cut -d_ -f3)
    entra lease ls --json
    jq -r --arg id "$id" '.leases[] | select(.id == $id) | .name' <<<"$out"
}

check_strangers() {
    local before lines endpoint
    lend bash cognitive
    endpoint=$(lent_value IDENTITY_ENDPOINT)
    get_from "$endpoint"
    check "without a secret there is no token" is_refused
    get_from "$endpoint" --header "X-IDENTITY-HEADER: $(lent_value IDENTITY_HEADER)"
    check "with the secret there is one" holds '.access_token | length > 100'
    get_from "$endpoint" --header "X-IDENTITY-HEADER: $(lent_value IDENTITY_HEADER)" --header "Origin: http://evil.example"
    check "but not for a page of the web" is_refused
    get_from "$endpoint" --header "X-IDENTITY-HEADER: $(lent_value IDENTITY_HEADER)" --header "Host: evil.example"
    check "nor by another name of this machine" is_refused
    get_from "$endpoint" --header "X-IDENTITY-HEADER: $(lent_value IDENTITY_HEADER)" --request OPTIONS
    check "nor as the question before a page's request" is_refused
    check_another_user "$endpoint"

    entra lease ls --json
    before=$(jq .strangers <<<"$out")
    lines=$(wc -l <"$work/entrad.log")
    with "${lent[@]}" program_into "${python[@]}" "$here/strangers.py" "$endpoint" 10000
    check "10,000 wrong secrets are refused in the same few words" holds '.statuses == {"403": 10000} and (.sentences | length) == 1'
    entra lease ls --json
    check "each is counted" holds --argjson before "$before" '.strangers == $before + 10000'
    check "and few are logged" count_less "$(($(wc -l <"$work/entrad.log") - lines))" 15
    with "${lent[@]}" probe python "mi $cognitive"
    check "the right secret is as good as before" holds '.[0].ok and .[0].ms < $second'
}

check_another_user() { # ENDPOINT
    if ((EUID)); then
        echo "SKIP $suite: only root can be another user."
        return
    fi
    status=0
    out=$(env -i PATH=/usr/bin:/bin setpriv --reuid 65534 --regid 65534 --clear-groups \
        curl --silent --max-time 10 "$1?api-version=2019-08-01&resource=https://cognitiveservices.azure.com") || status=$?
    check "another user gets no token" is_refused
    with PATH="$work/shims:/usr/bin:/bin" lending cognitive probe_environment
    check "and cannot read the secret of a program that entra run started" ended 1
}

# Looks from another user's process into the environment of one that `entra run` started.
probe_environment() {
    program_into bash -c '[[ -n $IDENTITY_HEADER ]] || exit 7
        exec setpriv --reuid 65534 --regid 65534 --clear-groups grep -qa IDENTITY_HEADER "/proc/$PPID/environ"'
    ((status == 2)) && status=1
}

# For a resource: the models' when `about` does not say.
get_from() { # ENDPOINT CURL-ARGUMENTS...
    local resource=${about:-https://cognitiveservices.azure.com}
    status=0
    out=$(env -i PATH=/usr/bin:/bin curl --silent --show-error --max-time 10 "${@:2}" \
        "$1?api-version=2019-08-01&resource=$resource" 2>&1) || status=$?
}

is_refused() { [[ $out != *access_token* ]] && holds '.statusCode == 403 and (.message | startswith("entrad: "))'; }
count_less() { (($1 < $2)); }

# --- one process that is asked again

# It is spoken to by the descriptors 8 and 9, which nothing else that is started meanwhile may keep open.
conversation_begin() { # SDK
    local command program_environment=("${program_environment[@]}" "${surroundings[@]}")
    probe_of "$1"
    rm -f "$work/questions" "$work/answers"
    mkfifo "$work/questions" "$work/answers"
    (program timeout -k 5 120 "${command[@]}") <"$work/questions" >"$work/answers" 2>"$work/program.err" &
    conversation=$!
    exec 8>"$work/questions" 9<"$work/answers"
    # That it ended is seen by its silence.
    trap : PIPE
}

ask_in_it() { # QUESTION
    out=''
    printf '%s\n' "$1" >&8 || true
    read -r -t 60 -u 9 out || true
    err=$(<"$work/program.err")
}

conversation_end() {
    exec 8>&- 9<&-
    wait "$conversation" || true
}
