"""A stand-in for Azure Resource Manager over TLS: one subscription, for whoever brings a token for it.

usage: arm.py LOG CERTIFICATE KEY
"""

import sys

import loopback

AUDIENCE = "https://management.core.windows.net/"
SUBSCRIPTION = "5b5c0000-0000-4000-8000-000000000001"


class ResourceManager(loopback.Exchange):
    """A request of the Azure CLI."""

    def do_GET(self):
        fault = loopback.fault_of(loopback.bearer(self.headers.get("Authorization")) or "", AUDIENCE)
        self.note(fault=fault)
        if fault:
            return self.reply(401, {"error": {"code": "InvalidAuthenticationToken", "message": fault}})
        path = self.path.partition("?")[0].rstrip("/")
        subscription = {
            "id": f"/subscriptions/{SUBSCRIPTION}",
            "subscriptionId": SUBSCRIPTION,
            "tenantId": loopback.TENANT,
            "displayName": "A subscription for one test",
            "state": "Enabled",
        }
        if path == "/subscriptions":
            return self.reply(200, {"value": [subscription]})
        if path == f"/subscriptions/{SUBSCRIPTION}":
            return self.reply(200, subscription)
        return self.reply(404, {"error": {"code": "NotFound", "message": "There is no such path."}})


loopback.serve(ResourceManager, *sys.argv[2:4])
