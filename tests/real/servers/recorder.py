"""A proxy that lets nothing through and writes down whatever reaches it.

usage: recorder.py LOG
"""

import json
import socketserver
import sys

import loopback

log = open(sys.argv[1], "a", buffering=1, encoding="utf-8")


class Caller(socketserver.BaseRequestHandler):
    """One connection: its first bytes, and the answer of a proxy that will not."""

    def handle(self):
        self.request.settimeout(10)
        head = self.request.recv(65536)
        log.write(json.dumps({"head": head.decode("latin-1")}) + "\n")
        self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")


class Recorder(socketserver.ThreadingTCPServer):
    """Many at once."""

    daemon_threads = True
    request_queue_size = 256


with Recorder(("127.0.0.1", 0), Caller) as server:
    loopback.end_in_time()
    loopback.ready(server.server_address[1])
    server.serve_forever()
