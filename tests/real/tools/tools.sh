# How each tool is installed, used, and what its server saw.
#
# To be sourced. `use_TOOL` sets `status`, `out`, `err` and `took`; `judge_TOOL` looks at the server's log of a good use.
# shellcheck shell=bash

cache=${ENTRAD_REAL_CACHE:-$root/tests/real/.cache}/tools
feed=https://pkgs.dev.azure.com/org/_packaging/feed
repository=https://dev.azure.com/org/proj/_git/repo
registry=contoso.azurecr.io

install() {
    install_python "$here/requirements.txt" "$cache/venv"
    install_node "$here" "$cache/node"
    node=$(node -p process.execPath)
    pnpm=$cache/node/node_modules/pnpm/bin/pnpm.cjs
    # Beside rustup's own `cargo` stands whatever the home says, and this home says nothing.
    cargo=$(rustup which cargo 2>/dev/null || command -v cargo)
}

stand_ins_begin() {
    local server tunnels=()
    for server in devops kubernetes registry; do
        serve "$server" "$work/server.pem" "$work/server.key"
        case $server in
            devops) tunnels+=(dev.azure.com="$place" pkgs.dev.azure.com="$place") ;;
            kubernetes) cluster=https://127.0.0.1:$place ;;
            registry) tunnels+=("$registry=$place") ;;
        esac
    done
    serve tunnel "${tunnels[@]}"
    simulator_begin
    # For the daemon too, which calls the registry.
    program_environment=(
        HTTPS_PROXY="http://127.0.0.1:$place" https_proxy="http://127.0.0.1:$place"
        NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost
        SSL_CERT_FILE="$work/ca.pem" GIT_SSL_CAINFO="$work/ca.pem" PIP_CERT="$work/ca.pem"
        NODE_EXTRA_CA_CERTS="$work/ca.pem" CARGO_HTTP_CAINFO="$work/ca.pem"
        GIT_TERMINAL_PROMPT=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
        npm_config_update_notifier=false npm_config_fetch_retries=0 npm_config_cafile="$work/ca.pem"
        PATH="$(path_of git docker "$cargo" kubectl psql "$node")"
    )
}

# Where entra keeps the names of helpers, and where these programs are.
path_of() { # PROGRAM...
    local program folders=$work/home/.local/share/entrad/bin
    for program; do
        program=$(command -v "$program") && folders+=:$(dirname "$program")
    done
    echo "$folders:/usr/bin:/bin"
}

use() { # SERVER COMMAND...
    : >"$work/$1.log"
    cd "$work/home"
    program_into "${@:2}"
    cd "$root"
}

# --- git

floor_git() { program_into git --version; }
use_git() { use devops git ls-remote "${1:-$repository}"; }

judge_git() {
    local first
    check "it saw the repository" shows refs/heads/main
    check "it brought the token as Bearer" log_holds devops '.[-1] | .fault == null and (.authorization | startswith("Bearer "))'
    first=$(jq -rs '.[-1].authorization' "$work/devops.log")
    # A token that the server has come to refuse is erased by git, and so is renewed.
    use_git "${repository/org/spent/org}"
    check "a refused token fails" fails
    use_git "${repository/org/spent/org}"
    check "the next call brings another one" ended 0
    check "which is not the first" log_holds devops "any(.fault == null and .authorization != null) and all(.authorization != \"$first\")"
    use devops "$(old_git)" ls-remote "$repository"
    check "a git that cannot say Bearer works too" ended 0
    check "as Basic" log_holds devops '.[-1] | .fault == null and (.authorization | startswith("Basic "))'
}

# Before 2.46 git knew user names and passwords only (git, "RelNotes/2.46.0"). Where there is no such git, the system's own
# is kept from saying that it knows more.
old_git() {
    local version
    version=$(/usr/bin/git --version | cut -d' ' -f3)
    if [[ $(printf '%s\n' "$version" 2.46 | sort -V | head -n 1) == "$version" ]]; then
        echo /usr/bin/git
        return
    fi
    cat >"$work/old-git" <<'SCRIPT'
#!/bin/sh
exec git -c credential.https://dev.azure.com.helper= \
    -c 'credential.https://dev.azure.com.helper=!f() { grep -v "^capability" | git-credential-entra "$@"; }; f' "$@"
SCRIPT
    chmod +x "$work/old-git"
    echo "$work/old-git"
}

# --- kubectl

floor_kubectl() { program_into kubectl version --client; }
use_kubectl() { use kubernetes kubectl --context "${1:-aks}" get --raw /api/v1/namespaces/default; }

judge_kubectl() {
    check "it saw the namespace" holds '.metadata.name == "default"'
    check "it brought the token" log_holds kubernetes 'length > 0 and all(.fault == null)'
    use_kubectl aks-beta
    check "it works in the words of v1beta1 too" ended 0
    check "with the token" log_holds kubernetes 'length > 0 and all(.fault == null)'
    use_kubectl ours
    check "and in a context that entra setup changed" ended 0
    check "with the token too" log_holds kubernetes 'length > 0 and all(.fault == null)'
    use_kubectl aks
}

# --- docker

floor_docker() { program_into docker --version; }
use_docker() { use registry docker manifest inspect "$registry/app:1"; }

judge_docker() {
    check "it saw the manifest" holds '.schemaVersion == 2'
    check "the registry exchanged a token of Entra's for one of its own" log_holds registry 'any(.exchange != null and .fault == null)'
    check "docker brought what it got" log_holds registry 'any(.fault == null and .authorization != null) and all(.fault == null or .authorization == null)'
}

# --- cargo

# The crate's page is read anew each time.
floor_cargo() { program_into "$cargo" --version; }
use_cargo() {
    rm -rf "$work/home/.cargo/registry"
    use devops "$cargo" info --registry feed hello
}

judge_cargo() {
    check "it saw the crate" shows 1.0.0
    check "it brought the token as Bearer" is_bearer
}

# --- pip and uv

floor_pip() { program_into "$cache/venv/bin/python" -m pip --version; }
use_pip() {
    rm -rf "$work/home/wheels"
    use devops "$cache/venv/bin/python" -m pip download --quiet --no-deps --index-url "$feed/pypi/simple/" --dest "$work/home/wheels" hello
}
helper_of_pip() { program_into keyring --mode=creds --output=json get "$feed/pypi/simple/"; }
judge_pip() {
    check "it has the package" test -s "$work/home/wheels/hello-1.0-py3-none-any.whl"
    check "it brought the token as Basic" is_basic
}

floor_uv() { program_into "$cache/venv/bin/uv" --version; }
# uv asks its helper only where the address names a user.
use_uv() {
    rm -rf "$work/home/packages"
    use devops "$cache/venv/bin/uv" pip install --quiet --no-cache --target "$work/home/packages" --python "$cache/venv/bin/python" \
        --index-url "${feed/pkgs/VssSessionToken@pkgs}/pypi/simple/" hello
}
judge_uv() {
    check "it has the package" test -e "$work/home/packages/hello/__init__.py"
    check "it brought the token as Basic" is_basic
}

is_bearer() { log_holds devops 'any(.fault == null and (.authorization | startswith("Bearer ")))'; }
is_basic() { log_holds devops 'any(.fault == null and (.authorization | startswith("Basic ")))'; }

# --- npm and pnpm

floor_npm() { program_into npm --version; }
use_npm() { lending --env=ENTRA_NPM_TOKEN=devops use devops npm view --registry "$feed/npm/registry/" hello version; }
judge_npm() {
    check "it saw the package" shows 1.0.0
    check "it brought the token as Bearer" is_bearer
}

floor_pnpm() { program_into "$node" "$pnpm" --version; }
# Of a feed of its own, as it shares its file with npm.
use_pnpm() {
    rm -rf "$work/home/project"
    mkdir "$work/home/project"
    # pnpm leaves the whole file aside where a variable of npm's line in it is missing.
    with ENTRA_NPM_TOKEN=none use devops "$node" "$pnpm" --dir "$work/home/project" add --lockfile-only --registry "$feed-of-pnpm/npm/registry/" hello
}
helper_of_pnpm() {
    check "signed out, pnpm names the helper" shows pnpm-token-entra
    program_into pnpm-token-entra
}
judge_pnpm() {
    check "it found the package" grep -q hello@1.0.0 "$work/home/project/pnpm-lock.yaml"
    check "it brought the token as Bearer" is_bearer
}

# --- psql

floor_psql() { program_into psql --version; }
use_psql() { lending --env=PGPASSWORD=postgres use_database; }
use_database() {
    use postgres psql --host 127.0.0.1 --port "$database_port" --username ada --dbname postgres --no-psqlrc --tuples-only \
        --command 'select 6 * 7'
}
judge_psql() { check "the server let it in and answered" shows 42; }

database_port=1

# A server that knows one user, by the token that there is now. It never sees the token itself: only proof of it (RFC 5802).
prepare_psql() {
    # Root is refused by it; this is whoever runs the suite under another number, so that the files stay theirs.
    local programs folder=$work/database nobody=(unshare --user --map-user=65534 --map-group=65534)
    ((EUID == 0)) || nobody=()
    programs=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | tail -n 1)")
    entra token --for postgres --output json
    (umask 077 && jq -r .access_token <<<"$out" >"$folder.password")
    "${nobody[@]}" "$programs/initdb" --pgdata "$folder" --username ada --pwfile "$folder.password" --auth scram-sha-256 \
        --no-sync >>"$work/postgres.log" 2>&1 || fatal "there is no database: $(<"$work/postgres.log")"
    database_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    (exec "${nobody[@]}" "$programs/postgres" -D "$folder" -h 127.0.0.1 -p "$database_port" -k '' -F) \
        >>"$work/postgres.log" 2>&1 </dev/null &
    started+=($!)
    unwatched
    await "$programs/pg_isready" --quiet --host 127.0.0.1 --port "$database_port" || fatal "the database did not start: $(<"$work/postgres.log")"
}
