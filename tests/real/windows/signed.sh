# Programs with a signature, under Wine.
#
# To be sourced by the suite beside this.
# shellcheck shell=bash

# Programs that somebody signed, whom this Windows trusts or not. A copy of the client is what asks.
signed_programs() {
    local unsigned=${entra_program[1]} keys=$work/signer
    want openssl osslsigncode
    mkdir "$keys"
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=A root of these tests' -keyout "$keys/root.key" \
        -out "$keys/root.pem" -addext basicConstraints=critical,CA:TRUE 2>/dev/null
    openssl req -newkey rsa:2048 -nodes -subj '/O=These tests/CN=Ada of these tests' -keyout "$keys/ada.key" \
        -out "$keys/ada.csr" 2>/dev/null
    openssl x509 -req -in "$keys/ada.csr" -CA "$keys/root.pem" -CAkey "$keys/root.key" -set_serial 2 -days 2 \
        -extfile <(echo extendedKeyUsage=codeSigning) -out "$keys/ada.pem" 2>/dev/null
    osslsigncode sign -h sha256 -certs "$keys/ada.pem" -ac "$keys/root.pem" -key "$keys/ada.key" \
        -in "$unsigned" -out "$keys/signed.exe" >/dev/null
    # A word of its help, which is no code.
    python3 - "$keys" <<'PYTHON'
import pathlib, sys
keys = pathlib.Path(sys.argv[1])
program = (keys / "signed.exe").read_bytes()
word = b"Signer"
assert program.count(word) > 0
(keys / "changed.exe").write_bytes(program.replace(word, b"Signor"))
PYTHON
    entra whoami --json
    check "nobody is said to have signed a program without a signature" holds '.program and .signer == null'
    entra_program=(wine "$keys/signed.exe")
    entra whoami --json
    check "nor one whose signer this Windows does not trust" holds '.program and .signer == null'
    trust "$keys/root.pem"
    # A process reads the store once.
    daemon_kill
    daemon_begin
    entra whoami --json
    check "a program's signer is named once Windows trusts the root" holds '.signer == "Ada of these tests" and .certainty == "weak"'
    entra_program=(wine "$keys/changed.exe")
    entra whoami --json
    check "and no more once the program was changed" holds '.program and .signer == null'
    entra_program=(wine "$unsigned")
}

# Has this Windows trust the root: what a certificate store holds is a value of the registry, each property of the certificate behind
# its number, a 1 and its length. Of all users', since Wine asks a person before it takes one for a user's own.
trust() { # PEM
    openssl x509 -in "$1" -outform der -out "$work/root.der"
    python3 - "$work/root.der" >"$work/root.reg" <<'PYTHON'
import hashlib, pathlib, struct, sys
certificate = pathlib.Path(sys.argv[1]).read_bytes()
digest = hashlib.sha1(certificate).digest()
blob = b"".join(
    struct.pack("<III", number, 1, len(value)) + value for number, value in ((3, digest), (32, certificate))
)
print("Windows Registry Editor Version 5.00\n")
print(r"[HKEY_LOCAL_MACHINE\Software\Microsoft\SystemCertificates\Root\Certificates" + "\\" + digest.hex().upper() + "]")
print('"Blob"=hex:' + ",".join(f"{byte:02x}" for byte in blob))
PYTHON
    local file=$work/root.reg
    registry import "Z:${file//\//\\}"
    check "the root is taken into Windows's own store" ended 0
}
