# What it takes to build for a system that there is no standard library of: its source and a compiler of the same
# version. Works on Debian, and what is missing is installed (as root) or named.
#
# To be sourced. What is unpacked and built stays in a folder of its own, `cross_state`, and may be used again.
#
#   ENTRAD_CROSS_STATE    that folder (default: target/cross)
#   ENTRAD_CROSS_DEBIAN   not empty: Debian's own compiler and standard library in place of rustup's compiler
# shellcheck shell=bash

cross_state=${ENTRAD_CROSS_STATE:-$(dirname "${BASH_SOURCE[0]}")/../target/cross}
mkdir -p "$cross_state"
cross_state=$(cd "$cross_state" && pwd)
cross_log=$cross_state/install.log

# As lints and tests are built. What else is built for a test is built so too, and finds its parts there.
# shellcheck disable=SC2034
build_for_tests=(--locked -Z "build-std=std,panic_unwind,proc_macro,test")

step() { printf '\n== %s (%s)\n' "$1" "$(date -u +%T)"; }

# Runs quietly; on failure the end of what it said is shown.
quietly() {
    "$@" >>"$cross_log" 2>&1 </dev/null && return
    printf '%s failed; the end of %s:\n' "$1" "$cross_log" >&2
    tail -n 20 "$cross_log" >&2
    return 1
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 --quiet "$@"; }

# Installs those of the packages that are missing; says which when it may not.
want() {
    local package missing=()
    for package in "$@"; do
        if [ "$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$EUID" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "Packages are missing; install them and run this again: ${missing[*]}" >&2
        return 1
    fi
    step "install ${missing[*]}"
    alone quietly apt update
    alone quietly apt install --yes --no-install-recommends "${missing[@]}"
}

# Two that begin at once would unpack into the same folder, and apt waits for no other's lists.
alone() {
    local status=0 lock
    exec {lock}>"$cross_state/lock"
    flock --timeout 300 "$lock" && "$@" || status=$?
    # What a package started may have it open still.
    flock --unlock "$lock"
    exec {lock}>&-
    return "$status"
}

# --- The standard library ------------------------------------------------------------------------------------
# Cargo builds it from source, which must be of the compiler's own version. Debian packages that source for
# several versions; it is unpacked into the state folder and not installed.

unpack_library() { # VERSION FOLDER
    local version=$1 folder=$2 apt=$2/apt mirror key release found
    [ ! -e "$folder/library/Cargo.lock" ] || return 0
    rm -rf "$folder"
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    : >"$apt/status"
    release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mirror=$(apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v r="$release" '$1 == r { print $2; exit }')
    key=$(dpkg --listfiles debian-archive-keyring 2>/dev/null | grep '/debian-archive-keyring\.gpg$') || return 1
    key=${key%%$'\n'*}
    [ -n "$mirror" ] || return 1
    printf 'deb [signed-by=%s] %s trixie-backports main\n' "$key" "$mirror" >"$apt/sources.list"
    local apart=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=- -o "Dir::State::Lists=$apt/lists"
        -o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt" -o APT::Sandbox::User=root)
    apt "${apart[@]}" update >>"$cross_log" 2>&1 || return 1
    found=$(apt-cache "${apart[@]}" madison rust-src | awk -v v="$version+" 'index($3, v) == 1 { print $3; exit }')
    [ -n "$found" ] || return 1
    # Unpacked beside its place and then moved, so that what is there is whole.
    mkdir "$folder/whole"
    (cd "$apt" && apt "${apart[@]}" download "rust-src=$found" >>"$cross_log" 2>&1) || return 1
    dpkg-deb --fsys-tarfile "$apt"/rust-src_*.deb |
        tar --extract --directory "$folder/whole" --strip-components=4 --wildcards './usr/src/rustc-*/library' || return 1
    mv "$folder/whole/library" "$folder/library"
    rm -rf "$folder/whole" "$apt"
}

# Finds a compiler and the source of its library, and tells Cargo by the environment. `clippy` is how to call clippy.
find_toolchain() {
    local version library bin linker wrapper
    # Stable compilers build their own library only when told that they may.
    export RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$cross_state/target
    clippy=(cargo clippy)
    version=$(rustc --version 2>/dev/null | cut -d ' ' -f 2) || true
    library=$cross_state/library-$version
    if [ -z "${ENTRAD_CROSS_DEBIAN:-}" ] && [ -n "$version" ] && alone unpack_library "$version" "$library"; then
        export __CARGO_TESTS_ONLY_SRC_ROOT=$library/library
    else
        # A compiler and the source packaged with it. Its clippy is called by its path, since `cargo clippy` looks
        # into Cargo's own folder first and finds rustup's.
        want rustc-web cargo-web rust-web-clippy rust-web-src
        bin=$(dirname "$(dpkg --listfiles rustc-web | grep -m 1 '/bin/rustc$')")
        export PATH="$bin:$PATH"
        unset RUSTUP_TOOLCHAIN RUSTC CARGO __CARGO_TESTS_ONLY_SRC_ROOT
        # shellcheck disable=SC2034
        clippy=("$bin/cargo-clippy" clippy)
    fi
    # A linker that comes with rustup's compiler takes a fraction of the time of mingw's for the many programs of the tests, and nobody
    # reads the symbols, which are half of their size.
    linker=$(rustc --print target-libdir)/../bin/gcc-ld/ld.lld
    wrapper=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/linker
    [ ! -x "$linker" ] || build_for_tests+=(--config
        "target.x86_64-pc-windows-gnu.rustflags=['-Clink-arg=-wrapper','-Clink-arg=$wrapper,$linker','-Cstrip=symbols']")
}
