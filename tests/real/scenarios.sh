# Scenarios side by side, each in namespaces of its own: the machine's clock, network and /etc are never touched. As root.
#
# To be sourced after workstation.sh and site.sh. The suite names its scenarios in `all`, has `scenario_limit` seconds for
# each, and may define `install` and `further_namespaces SCENARIO`. Most of the time of a scenario is waiting.
# shellcheck shell=bash

output=
running=()

scenarios() { # WORD OF THE SUITE...
    if [[ ${1:-} == --inside ]]; then
        suite="$suite $2"
        workstation_begin
        isolate
        "$2"
        finish
    fi
    local chosen=("${@:-${all[@]}}") scenario ended lost=0
    ! declare -F install >/dev/null || install
    "$root/tests/real/build"
    output=$(mktemp -d)
    trap scenarios_end EXIT
    trap 'exit 130' INT TERM
    for scenario in "${chosen[@]}"; do
        scenario_begin "$scenario"
    done
    # What each says comes together, when it has ended.
    for scenario in "${chosen[@]}"; do
        ended=0
        [[ -z ${running[0]:-} ]] || wait "${running[0]}" || ended=$?
        running=("${running[@]:1}")
        cat "$output/$scenario"
        ((ended != 124 && ended != 137)) || echo "FAIL $suite $scenario: it took longer than $scenario_limit s."
        ((ended == 0)) || lost=1
    done
    exit "$lost"
}

scenario_begin() { # SCENARIO
    local apart=(unshare --mount --net) reason
    ! declare -F further_namespaces >/dev/null || mapfile -t -O 3 apart < <(further_namespaces "$1")
    if ! reason=$("${apart[@]}" true 2>&1); then
        echo "SKIP $suite $1: this system gives no namespaces (${reason##*: }); root is needed."
        : >"$output/$1"
        running+=("")
        return
    fi
    timeout -k 10 "$scenario_limit" "${apart[@]}" "$here/run" --inside "$1" >"$output/$1" 2>&1 </dev/null &
    running+=($!)
}

# Ends what still runs; each scenario tidies up after itself.
scenarios_end() {
    local job
    for job in "${running[@]}"; do
        [[ -z $job ]] || kill -TERM "$job" 2>/dev/null || true
    done
    wait
    rm -rf "$output"
}
