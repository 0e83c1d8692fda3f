# Containers with the socket mounted, by crun, which podman and docker start theirs with: the person's own (rootless), one that
# root runs as the person's user id, as root, and one whose users are others' here.
#
# To be sourced.
# shellcheck shell=bash

a_container() {
    if ! command -v crun >/dev/null; then
        echo "SKIP $suite: there is no crun here."
        return
    fi
    bundles_begin
    one_of_the_persons_own
    one_that_root_runs
    one_with_a_lease
    one_with_other_files
    one_namespace_alone
    one_of_other_users
}

# --- containers

# A bundle of the Open Container Initiative: the system's programs to be read, entra, and the socket.
bundles_begin() {
    local folder
    bundle=$work/bundle
    mkdir -p "$bundle/rootfs"/{usr,proc,dev,tmp,own,run/entrad} "$work/crun" "$work/crun-root"
    for folder in bin sbin lib lib64; do
        ln -s "usr/$folder" "$bundle/rootfs/$folder"
    done
    cp "$work/bin/entra" "$bundle/rootfs/own/entra"
    # The same program at a path where none is here.
    cp /usr/bin/curl "$bundle/rootfs/own/curl"
    chown -R "$uid:$uid" "$work/crun"
    chmod 755 "$bundle" "$bundle/rootfs"
    cp "$work/bin/entra" "$bundle/rootfs/own/az"
    : >"$bundle/rootfs/run/entrad/entrad.sock"
    containers=0
    # crun does not know the older way with the newer one beside it; here it makes no control groups at all.
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
}

# The settings of a container: NAMESPACES is a JSON array of their names, USER the user id inside, HOST the one here of its user 0
# or nothing for no user namespace.
settings() { # NAMESPACES USER HOST ENVIRONMENT ARGUMENTS...
    local namespaces=$1 user=$2 host=$3 environment=$4
    shift 4
    jq -n --argjson namespaces "$namespaces" --argjson user "$user" --arg host "$host" --arg environment "$environment" --arg socket "$socket" '
        # Of those that docker gives to root, the one that opens the files of others.
        ["CAP_DAC_OVERRIDE"] as $rights |
        def bind($from; $to; $how): {destination: $to, type: "bind", source: $from, options: ["rbind", $how]};
        {
            ociVersion: "1.0.0",
            root: {path: "rootfs", readonly: true},
            process: {
                terminal: false, cwd: "/", user: {uid: $user, gid: $user}, args: $ARGS.positional, noNewPrivileges: true,
                capabilities: ({bounding: $rights, effective: $rights, permitted: $rights}),
                env: (["PATH=/usr/bin:/bin", "ENTRAD_SOCKET=/run/entrad/entrad.sock"] + ($environment | if . == "" then [] else [.] end))
            },
            mounts: [bind("/usr"; "/usr"; "ro"), bind("/proc"; "/proc"; "rw"), bind("/dev"; "/dev"; "rw"), bind($socket; "/run/entrad/entrad.sock"; "rw")],
            linux: ({namespaces: ($namespaces | map({type: .}))} + if $host == "" then {} else {
                uidMappings: [{containerID: 0, hostID: ($host | tonumber), size: 1}],
                gidMappings: [{containerID: 0, hostID: ($host | tonumber), size: 1}]
            } end)
        }' --args -- "$@" >"$bundle/config.json"
    chmod 644 "$bundle/config.json"
}

own='["pid", "mount", "ipc", "uts", "network", "user"]'
roots='["pid", "mount", "ipc", "uts", "network"]'

# Runs a program in a container: `status`, `out`, `err`.
in_own() { # ARGUMENTS...
    settings "$own" 0 "$uid" "${lent_there:-}" "$@"
    contained "${as_person[@]}" env -i -C "$bundle" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$work/run" timeout -k 5 60 crun --root "$work/crun"
}

in_roots() { # USER ARGUMENTS...
    settings "$roots" "$1" '' '' "${@:2}"
    contained env -i -C "$bundle" PATH=/usr/bin:/bin timeout -k 5 60 crun --root "$work/crun-root"
}

contained() { # CRUN...
    containers=$((containers + 1))
    status=0
    out=$("$@" --cgroup-manager=disabled run --bundle "$bundle" "strangers-$$-$containers" 2>"$work/container.err" </dev/null) || status=$?
    err=$(<"$work/container.err")
}

# What is asked there without entra, which is what a program of the container's would do.
asks() { # HOW... PATH [JSON]
    local words=()
    while [[ $1 != /* ]]; do
        words+=("$1")
        shift
    done
    "${words[@]}" /usr/bin/curl --silent --show-error --max-time 20 --unix-socket /run/entrad/entrad.sock ${2:+--json "$2"} "http://entrad$1"
}

gives_a_token() { holds '.access_token | length > 100'; }
is_refused_as() { [[ $out != *access_token* ]] && holds --arg code "$1" '.code == $code'; }

# --- the checks

one_of_the_persons_own() {
    asks in_own /v1/caller
    check "a container of the person's own is known for one" holds '.container == true'
    in_own /own/entra whoami --json
    check "entra whoami says so there" holds '.container == true'
    asks in_own /v1/token '{"resource": "foundry"}'
    check "by the rules that are built in it gets a token for models" gives_a_token
    asks in_own /v1/token '{"resource": "graph"}'
    check "and none for anything else" is_refused_as refused
    check "with the rule that would let it in" grep -q 'allow container resource=graph' <<<"$out"
    in_own /own/entra token --for graph
    check "entra says that there, too" test "$status" -eq 4 -a -z "$out"
    asks in_own /v1/leases '{"name": "more", "resources": ["graph"]}'
    check "it can lend itself no more than it has" is_refused_as refused
    asks in_own /v1/panic '{}'
    check "it can erase nothing" is_refused_as refused
    in_own /usr/bin/curl --silent --show-error --max-time 5 "$(endpoint)"
    check "in a network of its own it does not reach the port for tools" ended 7
    in_own /usr/bin/sh -c 'for file in /proc/[0-9]*/environ; do cat "$file"; done 2>/dev/null | tr "\0" "\n" | grep -c entra_lease_'
    check "nor a secret of a program outside" test "$out" = 0
}

one_that_root_runs() {
    asks in_roots "$uid" /v1/caller
    check "one that root runs as the person's user is known, too" holds '.container == true'
    asks in_roots "$uid" /v1/token '{"resource": "graph"}'
    check "and gets no more" is_refused_as refused
    asks in_roots "$uid" /v1/token '{"resource": "foundry"}'
    check "and no less" gives_a_token
}

one_with_a_lease() {
    local lent
    entra lease make box --for graph --json
    lent=$(jq -r .secret <<<"$out")
    asks in_own /v1/token "{\"resource\": \"graph\", \"lease\": \"$lent\"}"
    check "with a lease that the person made for it, it gets what that is for" gives_a_token
    asks in_own /v1/token "{\"resource\": \"arm\", \"lease\": \"$lent\"}"
    check "and nothing else" is_refused_as refused
    asks in_own /v1/token "{\"resource\": \"foundry\", \"lease\": \"$lent\"}"
    check "not even what it would get without" is_refused_as refused
    lent_there=IDENTITY_HEADER=$lent
    in_own /own/az account get-access-token --resource https://graph.microsoft.com
    check "a tool's helper there is lent the same" holds '.accessToken | length > 100'
    in_own /own/az account get-access-token --resource https://management.azure.com
    check "and no more" test "$status" -ne 0 -a -z "$out"
    lent_there=
    entra lease revoke box
    asks in_own /v1/token "{\"resource\": \"graph\", \"lease\": \"$lent\"}"
    check "and nothing once it is revoked" test -z "$(grep access_token <<<"$out")"
    asks in_own /v1/token "{\"resource\": \"graph\", \"lease\": \"entra_lease_000000000000_$(printf '0%.0s' {1..64})\"}"
    check "a lease that it made up is none" test -z "$(grep access_token <<<"$out")"
}

one_with_other_files() {
    in_own /own/curl --silent --show-error --max-time 20 --unix-socket /run/entrad/entrad.sock http://entrad/v1/caller
    check "a program that is not here by its path is none that a rule could name" holds '.container == true and .program == null'
    check "and the reason says where it is" grep -q /own/curl <<<"$out"
}

# Each way of being elsewhere alone.
one_namespace_alone() {
    settings '["mount"]' "$uid" '' '' /usr/bin/curl --silent --show-error --max-time 20 --unix-socket /run/entrad/entrad.sock http://entrad/v1/caller
    contained env -i -C "$bundle" PATH=/usr/bin:/bin timeout -k 5 60 crun --root "$work/crun-root"
    check "other files alone make a container" holds '.container == true'
    status=0
    out=$(env -i -C / PATH=/usr/bin:/bin unshare --pid --fork "${as_person[@]}" curl --silent --show-error --max-time 20 --unix-socket "$socket" \
        http://entrad/v1/caller 2>"$work/container.err") || status=$?
    err=$(<"$work/container.err")
    check "and so do other processes alone" holds '.container == true'
    person curl --silent --show-error --max-time 20 --unix-socket "$socket" http://entrad/v1/caller
    check "with neither, who asks is in none" holds '.container == null and .program == "/usr/bin/curl"'
}

# The socket is the person's, and so is all that the kernel says of whoever connects.
one_of_other_users() {
    asks in_roots 0 /v1/token '{"resource": "foundry"}'
    check "who is root in a container of root's is not the person, and is sent away" is_sent_away 0
    asks in_roots "$other" /v1/token '{"resource": "foundry"}'
    check "another user there cannot connect" cannot_connect
    # Root inside is a user outside whom the machine does not have.
    settings "$own" 0 "$other" '' /usr/bin/curl --silent --show-error --max-time 20 --unix-socket /run/entrad/entrad.sock http://entrad/v1/status
    contained env -i -C "$bundle" PATH=/usr/bin:/bin timeout -k 5 60 crun --root "$work/crun-root"
    check "nor can a container's root whose users are others here" cannot_connect
    chmod 666 "$socket"
    contained env -i -C "$bundle" PATH=/usr/bin:/bin timeout -k 5 60 crun --root "$work/crun-root"
    check "and where the socket is open, entrad sends it away" is_sent_away "$other"
    chmod 600 "$socket"
}

# The last, since it takes another daemon.
none_where_it_is_off() {
    daemon_restart --forwarding off
    asks in_own /v1/token '{"resource": "foundry"}'
    check "with forwarding = \"off\" a container gets nothing at all" test -z "$(grep access_token <<<"$out")"
    entra token --for foundry
    check "and the person here does" ended 0
}
