# What entrad costs: the libraries against their own floor, and the shim `az` against the Azure CLI.
#
# To be sourced. With the programs as they are shipped, which are built for speed.
# shellcheck shell=bash

bench() {
    local resource scopes=() lent endpoint secret
    serve canned --quiet
    canned_endpoint=http://127.0.0.1:$place/msi/token
    entrad_program=("$target/shipped/entrad") entra_program=("$target/shipped/entra")
    programs_begin
    sign_in
    for resource in api://bench-{1..8}; do
        # So that entrad has each, as it does whenever a tool asks again.
        entra token --resource "$resource"
        ended 0 || fatal "there is no token: $err"
        scopes+=("$resource/.default")
    done
    azure_cli_begin
    with lending --all-resources az login --identity
    ended 0 || fatal "the Azure CLI could not sign in: $err"
    lend bash --all-resources
    endpoint=$(lent_value IDENTITY_ENDPOINT) secret=$(lent_value IDENTITY_HEADER)
    plan "$endpoint" "$secret" "${scopes[@]}" >"$work/plan.json"
    python3 "$here/measure.py" <"$work/plan.json"
}

plan() { # ENDPOINT SECRET SCOPE...
    local sdk command probes='{}'
    for sdk in python node rust; do
        probe_of "$sdk"
        probes=$(jq --arg sdk "$sdk" '.[$sdk] = $ARGS.positional' --args "${command[@]}" <<<"$probes")
    done
    jq -n --argjson probes "$probes" --argjson rounds "${ENTRAD_REAL_ROUNDS:-21}" --arg home "$work/home" --arg run "$work/run" \
        --arg floor "$canned_endpoint" --arg endpoint "$1" --arg secret "$2" --arg ca "$work/ca.pem" \
        --arg python "${python[0]}" --arg shim "$work/shims/az" '
        {HOME: $home, XDG_RUNTIME_DIR: $run, PATH: "/usr/bin:/bin"} as $bare
        | ["account", "get-access-token", "--resource", "api://bench-1"] as $words
        | {$probes, $rounds, scopes: $ARGS.positional,
           places: {canned: ($bare + {IDENTITY_ENDPOINT: $floor, IDENTITY_HEADER: "canned-secret"}),
                    entrad: ($bare + {IDENTITY_ENDPOINT: $endpoint, IDENTITY_HEADER: $secret})},
           programs: [{command: ([$python, "-m", "azure.cli"] + $words),
                       environment: ($bare + {IDENTITY_ENDPOINT: $endpoint, IDENTITY_HEADER: $secret, REQUESTS_CA_BUNDLE: $ca})},
                      {command: ([$shim] + $words), environment: $bare}]}' --args "${@:3}"
}
