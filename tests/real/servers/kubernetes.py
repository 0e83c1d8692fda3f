"""A stand-in for the API server of a cluster over TLS, for whoever brings a token for Azure's Kubernetes service.

usage: kubernetes.py LOG CERTIFICATE KEY
"""

import sys

import loopback

AUDIENCE = "6dae42f8-4368-4678-94ff-3960e28e3630"


class Cluster(loopback.Exchange):
    """A request of kubectl."""

    def do_GET(self):
        fault = loopback.fault_of(loopback.bearer(self.headers.get("Authorization")) or "", AUDIENCE)
        self.note(fault=fault)
        if fault:
            return self.fail(401, "Unauthorized", fault)
        if self.path == "/api/v1/namespaces/default":
            meta = {"name": "default", "creationTimestamp": "2026-01-01T00:00:00Z"}
            return self.reply(200, {"kind": "Namespace", "apiVersion": "v1", "metadata": meta})
        return self.fail(404, "NotFound", "there is no such path")

    def fail(self, status, reason, message):
        body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status}
        self.reply(status, body | {"reason": reason, "message": message})


loopback.serve(Cluster, *sys.argv[2:4])
