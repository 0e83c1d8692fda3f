"""A proxy through which the names of Microsoft's services lead to the stand-ins on loopback, and nothing leads anywhere else.

usage: tunnel.py LOG HOST=PORT...
So a tool is tried with the configuration that it really has; the log says which names it asked for.
"""

import json
import socket
import socketserver
import sys
import threading

import loopback

ports = dict(word.split("=") for word in sys.argv[2:])
log = open(sys.argv[1], "a", buffering=1, encoding="utf-8")


class Tunnel(socketserver.StreamRequestHandler):
    """One CONNECT, and then bytes both ways."""

    def handle(self):
        self.request.settimeout(loopback.LIFE)
        verb, name, _ = self.rfile.readline().decode("latin-1").split(" ", 2)
        while self.rfile.readline().strip():
            pass
        port = ports.get(name.removesuffix(":443")) if verb == "CONNECT" else None
        log.write(json.dumps({"verb": verb, "name": name, "leads": bool(port)}) + "\n")
        if not port:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(port)), timeout=loopback.LIFE) as inner:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pass_on, args=(inner, self.request), daemon=True)
            back.start()
            pass_on(self.request, inner)
            back.join()


def pass_on(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        # One end is gone, and so is what it had to say.
        pass


class Proxy(socketserver.ThreadingTCPServer):
    """Many at once."""

    daemon_threads = True
    request_queue_size = 256


with Proxy(("127.0.0.1", 0), Tunnel) as server:
    loopback.end_in_time()
    loopback.ready(server.server_address[1])
    server.serve_forever()
