"""A stand-in for Azure DevOps over TLS: a repository for git, and feeds for pip, npm and cargo, for whoever brings a token.

usage: devops.py LOG CERTIFICATE KEY
As Bearer or as the password of Basic. Below /spent/ the first token that comes is refused ever after, as one that was revoked.
"""

import hashlib
import io
import json
import sys
import tarfile
import zipfile

import loopback

AUDIENCE = "499b84ac-1321-427f-aa17-267ca6975798"
CHALLENGES = (
    f"Bearer authorization_uri=https://login.microsoftonline.com/{loopback.TENANT}",
    'Basic realm="https://tfsprodcus.visualstudio.com/"',
    "TFS-Federated",
)
FEED = "https://pkgs.dev.azure.com/org/_packaging/feed"
spent = []


class DevOps(loopback.Exchange):
    """A request of git, pip, uv, npm, pnpm or cargo."""

    def do_GET(self):
        fault = self.fault()
        self.note(fault=fault, host=self.headers.get("Host"))
        if fault:
            return self.refuse()
        path = self.path.partition("?")[0].removeprefix("/spent")
        for end, answer in ANSWERS.items():
            if path.endswith(end):
                return self.reply(200, answer[1], form=answer[0])
        return self.reply(404, {"message": "There is nothing of this name."})

    do_HEAD = do_GET

    def fault(self):
        value = self.headers.get("Authorization") or ""
        # cargo sends what it was given, with or without the scheme.
        token = loopback.bearer(value) or (loopback.basic(value) or ("", ""))[1]
        if fault := loopback.fault_of(token, AUDIENCE):
            return fault
        if self.path.startswith("/spent/"):
            if not spent:
                spent.append(token)
            return "it was revoked" if token in spent else None
        return None

    def refuse(self):
        challenges = [("WWW-Authenticate", challenge) for challenge in CHALLENGES]
        self.reply(401, {"message": "A token is wanted."}, challenges)


def references():
    """What git asks first: the names of a repository with one commit."""
    line = b"1" * 40 + b" refs/heads/main\0 multi_ack\n"
    return b"001e# service=git-upload-pack\n0000" + b"%04x" % (len(line) + 4) + line + b"0000"


def wheel():
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("hello/__init__.py", "")
        archive.writestr("hello-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: hello\nVersion: 1.0\n")
        archive.writestr("hello-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("hello-1.0.dist-info/RECORD", "hello/__init__.py,,\n")
    return whole.getvalue()


def crate():
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        for name, text in {"Cargo.toml": '[package]\nname = "hello"\nversion = "1.0.0"\n', "src/lib.rs": ""}.items():
            entry = tarfile.TarInfo(f"hello-1.0.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return whole.getvalue()


def answers():
    """What each path ends with, and what it has."""
    page = f'<!doctype html><a href="{FEED}/pypi/download/hello-1.0-py3-none-any.whl">hello-1.0-py3-none-any.whl</a>'
    package = {"name": "hello", "version": "1.0.0", "dist": {"tarball": f"{FEED}/npm/hello.tgz", "shasum": "0" * 40}}
    listing = {"name": "hello", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": package}}
    checksum = hashlib.sha256(CRATE).hexdigest()
    entry = {"name": "hello", "vers": "1.0.0", "deps": [], "cksum": checksum, "features": {}, "yanked": False}
    settings = {"dl": f"{FEED}/Cargo/download", "api": f"{FEED}/Cargo", "auth-required": True}
    return {
        "/_git/repo/info/refs": ("application/x-git-upload-pack-advertisement", references()),
        "/pypi/simple/hello/": ("text/html", page.encode()),
        "/hello-1.0-py3-none-any.whl": ("application/octet-stream", wheel()),
        "/npm/registry/hello": ("application/json", json.dumps(listing).encode()),
        "/Cargo/index/config.json": ("application/json", json.dumps(settings).encode()),
        "/Cargo/index/he/ll/hello": ("text/plain", json.dumps(entry).encode()),
        "/Cargo/download/hello/1.0.0/download": ("application/gzip", CRATE),
    }


CRATE = crate()
ANSWERS = answers()
loopback.serve(DevOps, *sys.argv[2:4])
