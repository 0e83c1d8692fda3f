# A simulated Entra for a throw-away workstation, and stand-ins for the servers that tools speak to.
#
# To be sourced after workstation.sh. All of it ends with the suite, which names `suite_end` no more.
# shellcheck shell=bash

servers=$root/tests/real/servers
started=()

# Runs the suite anew in a network that has nothing but loopback, where the system allows that: whatever a tool sends past its
# stand-in then reaches nobody. What must be fetched and built is to be there before.
leave_the_network() { # WORD OF THE SUITE...
    if [[ ${ENTRAD_REAL_ALONE:-} ]]; then
        ip link set lo up
    elif unshare --net true 2>/dev/null; then
        ENTRAD_REAL_ALONE=1 exec unshare --net -- "$here/run" "$@"
    else
        echo "SKIP $suite: there are no network namespaces here, so the network stays within reach."
    fi
}

build() {
    [[ ${ENTRAD_REAL_ALONE:-} ]] || "$root/tests/real/build"
}

suite_end() {
    ((${#started[@]} == 0)) || kill -KILL "${started[@]}" 2>/dev/null
}

# Starts a program that prints READY and where it is, in a bare environment: `place`.
start() { # NAME PROGRAM ARGUMENTS...
    local name=$1 line=''
    shift
    rm -f "$work/$name.ready"
    mkfifo "$work/$name.ready"
    env -i PATH="$PATH" PYTHONDONTWRITEBYTECODE=1 TMPDIR="$work" "$@" >"$work/$name.ready" 2>"$work/$name.err" </dev/null &
    started+=($!)
    unwatched
    read -r -t 30 line <"$work/$name.ready" || true
    [[ $line == "READY "* ]] || fatal "$name did not start: $(tail -n 5 "$work/$name.err")"
    place=${line#READY }
}

# Starts a stand-in, whose log is NAME.log: `place` is its port.
serve() { # NAME ARGUMENTS...
    start "$1" python3 "$servers/$1.py" "$work/$1.log" "${@:2}"
}

simulator_begin() {
    local place
    start simulator "$target/debug/entra-sim" --interval 1
    simulator=$place
    daemon_options=(--authority "$simulator" --client-id 00000000-0000-0000-0000-00000000c11e
        --store passphrase --passphrase-file "$work/passphrase")
}

control() { # PATH CURL-ARGUMENTS...
    curl --silent --show-error --fail --max-time 10 "$simulator/_sim/$1" "${@:2}"
}

# What the authority was asked for tokens, whatever the grant.
count_refreshes() { control 'requests?leg=refresh' | jq length; }

sign_in() { # [USER]
    login_begin
    [[ -n $code ]] || fatal "there is no code: $out $(<"$work/entra.err")"
    control approve --data "{\"user_code\": \"$code\", \"user\": \"${1:-ada@example.com}\"}" >>"$work/control"
    login_end
    ended 0 || fatal "nobody could sign in: $out $err"
}

# --- programs of the workstation

# What the next of them finds in its environment, and what it is started by.
surroundings=()
lender=()

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

# Lets `entra run` start one command, with a lease for these resources: lending RESOURCE|OPTION... COMMAND...
lending() {
    local kept=("${lender[@]}") ended=0
    lender=("${entra_program[@]}" run)
    until declare -F -- "$1" >/dev/null; do
        case $1 in
            -*) lender+=("$1") ;;
            *:*) lender+=(--resource "$1") ;;
            *) lender+=(--for "$1") ;;
        esac
        shift
    done
    lender+=(--)
    "$@" || ended=$?
    lender=("${kept[@]}")
    return "$ended"
}

# Runs a program of the workstation as the two above say: `status`, `out`, `err`, and `took` in
# milliseconds.
program_into() {
    local program_environment=("${program_environment[@]}" "${surroundings[@]}")
    local begun=${EPOCHREALTIME/./}
    status=0
    out=$(program timeout -k 5 60 "${lender[@]}" "$@" 2>"$work/program.err") || status=$?
    took=$(((${EPOCHREALTIME/./} - begun) / 1000))
    err=$(<"$work/program.err")
}

# A CA and a certificate that live as long as this run: ca.pem, and server.pem with server.key for loopback and more names.
make_certificate() { # [DNS:NAME...]
    local names=''
    (($# == 0)) || names=$(printf ',%s' "$@")
    names=${names#,}
    (
        cd "$work"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=A CA for one test" \
            -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf '%s\n' "subjectAltName=DNS:localhost,IP:127.0.0.1${names:+,$names}" basicConstraints=CA:FALSE keyUsage=digitalSignature \
            extendedKeyUsage=serverAuth >server.ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem
    ) 2>"$work/openssl.log" || fatal "no certificate could be made: $(<"$work/openssl.log")"
}

# --- installing, each time only what a list of pins has new

install_python() { # REQUIREMENTS VENV
    if ! cmp -s "$1" "$2/installed.txt"; then
        rm -rf "$2"
        python3 -m venv "$2"
        # Everything is listed, and what is not imported need not be compiled.
        timeout -k 5 300 "$2/bin/pip" install --quiet --disable-pip-version-check --no-deps --no-compile --requirement "$1" ||
            fatal "pip could not install $1"
        cp "$1" "$2/installed.txt"
    fi
}

install_node() { # FOLDER-OF-LOCK FOLDER
    if ! cmp -s "$1/package-lock.json" "$2/installed.json"; then
        mkdir -p "$2"
        cp "$1/package.json" "$1/package-lock.json" "$2"
        (cd "$2" && timeout -k 5 300 npm ci --silent --no-audit --no-fund --ignore-scripts) || fatal "npm could not install $1"
        cp "$1/package-lock.json" "$2/installed.json"
    fi
}
