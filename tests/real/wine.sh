# Wine, without a display, in a folder of its own.
#
# To be sourced, after packaging/cross.sh, which installs what is missing.
# shellcheck shell=bash

# Begins the script anew with addresses that are not random: with random ones Wine 8 loses a program in some three thousand
# before its first instruction (ERROR_INTERNAL_ERROR, 1359), and of sixteen thousand without them none.
keep_addresses() { # SCRIPT ARGUMENT...
    [ -z "${ENTRAD_ADDRESSES_KEPT:-}" ] || return 0
    setarch --addr-no-randomize true || return 0
    export ENTRAD_ADDRESSES_KEPT=1
    exec setarch --addr-no-randomize "$@"
}

# Programs that Cargo runs: it tells them where the certificates of its own OpenSSL are (`start_wine` on what that does).
# shellcheck disable=SC2034
wine_runner='env -u SSL_CERT_FILE -u SSL_CERT_DIR wine'

want_wine() { want wine wine64 libgnutls30 gcc-mingw-w64-x86-64-win32; }

# Starts Wine with its files in a folder, which is made where it is missing; the environment then leads there.
# Whoever starts it also ends it, with stop_wine.
start_wine() { # FOLDER
    want_wine
    export WINEPREFIX=$1 WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml='
    unset DISPLAY WAYLAND_DISPLAY
    # Wine makes no chain engine with roots of its own (CertCreateCertificateChainEngine), so no client that trusts more than
    # the system does.
    unset SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS
    # The first program starts services that keep its standard streams open for as long as they live, and
    # with them the pipe that somebody may read our own output from.
    wineserver --persistent >/dev/null 2>&1 </dev/null || true
    [ -e "$WINEPREFIX/system.reg" ] || quietly timeout 300 wineboot --init
    fill_in_random_numbers
    quietly timeout 60 wine cmd /c ver
}

# Ends every program in the folder that the environment leads to.
stop_wine() { wineserver --kill >/dev/null 2>&1 || true; }

# Programs of Rust import ProcessPrng, which Wine lacks up to version 8.
fill_in_random_numbers() {
    local library=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
    [ ! -e "$library" ] || return 0
    x86_64-w64-mingw32-gcc -x c -O2 -shared -o "$library" - -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) {
    for (SIZE_T done = 0; done < count;) {
        ULONG piece = count - done < 0x40000000 ? (ULONG)(count - done) : 0x40000000;
        if (!SystemFunction036(bytes + done, piece)) return FALSE;
        done += piece;
    }
    return TRUE;
}
C
}
