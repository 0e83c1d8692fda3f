"""A stand-in for an Azure Container Registry over TLS: one manifest, behind the two steps of its sign-in.

usage: registry.py LOG CERTIFICATE KEY
An Entra token is exchanged for a refresh token of the registry, and that for an access token to one repository.
"""

import hashlib
import json
import sys
import urllib.parse

import loopback

HOST = "contoso.azurecr.io"
AUDIENCES = ("https://containerregistry.azure.net", "https://management.azure.com")
USER = "00000000-0000-0000-0000-000000000000"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


class Registry(loopback.Exchange):
    """A request of docker, or of whoever exchanges a token for it."""

    def do_GET(self):
        address = urllib.parse.urlsplit(self.path)
        if address.path == "/oauth2/token":
            asked = dict(urllib.parse.parse_qsl(address.query))
            user, password = loopback.basic(self.headers.get("Authorization")) or ("", "")
            return self.grant(asked, password if user == USER else "")
        fault = loopback.fault_of(loopback.bearer(self.headers.get("Authorization")) or "", f"access:{HOST}")
        self.note(fault=fault)
        if fault:
            challenge = f'Bearer realm="https://{HOST}/oauth2/token",service="{HOST}",scope="repository:app:pull"'
            return self.fail(401, "UNAUTHORIZED", [("WWW-Authenticate", challenge)])
        if address.path == "/v2/":
            return self.reply(200, {})
        if address.path == "/v2/app/manifests/1":
            return self.reply(200, MANIFEST, form=MANIFEST_TYPE)
        if address.path == f"/v2/app/blobs/{DIGEST}":
            return self.reply(200, IMAGE, form="application/octet-stream")
        return self.fail(404, "NOT_FOUND")

    do_HEAD = do_GET

    def do_POST(self):
        asked = dict(urllib.parse.parse_qsl(self.body().decode()))
        if self.path == "/oauth2/token":
            return self.grant(asked, asked.get("refresh_token", ""))
        faults = [loopback.fault_of(asked.get("access_token", ""), audience) for audience in AUDIENCES]
        fault = None if None in faults else faults[0]
        if asked.get("grant_type") != "access_token" or asked.get("service") != HOST:
            fault = "the exchange is not asked for as it is documented"
        self.note(fault=fault, exchange=asked.get("service"), tenant=asked.get("tenant"))
        if self.path != "/oauth2/exchange" or fault:
            return self.fail(401, "UNAUTHORIZED")
        return self.reply(200, {"refresh_token": loopback.token_for(f"refresh:{HOST}", 10800, grant_type="refresh_token")})

    def grant(self, asked, refresh):
        fault = loopback.fault_of(refresh, f"refresh:{HOST}")
        self.note(fault=fault, scope=asked.get("scope"), service=asked.get("service"))
        if fault:
            return self.fail(401, "UNAUTHORIZED")
        return self.reply(200, {"access_token": loopback.token_for(f"access:{HOST}")})

    def fail(self, status, code, headers=()):
        self.reply(status, {"errors": [{"code": code, "message": "authentication required"}]}, headers)


# An image of nothing, with the description that docker reads before it shows the manifest.
IMAGE = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
DIGEST = "sha256:" + hashlib.sha256(IMAGE).hexdigest()
IMAGE_TYPE = "application/vnd.docker.container.image.v1+json"
CONFIG = {"mediaType": IMAGE_TYPE, "size": len(IMAGE), "digest": DIGEST}
MANIFEST = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": CONFIG, "layers": []}

loopback.serve(Registry, *sys.argv[2:4])
