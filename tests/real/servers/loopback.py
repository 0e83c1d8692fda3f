"""What the stand-ins for other people's servers share: a loopback port, a log of what was asked, and an end.

Each takes its log as the first word, prints READY with its port, and ends by itself after STAND_IN_LIFE seconds (300). Each
request is one JSON line of the log, so that a test can say what a tool really sent.
"""

import base64
import hashlib
import http.server
import json
import os
import ssl
import sys
import threading
import time

TENANT = "99999999-8888-7777-6666-555555555555"
LIFE = float(os.environ.get("STAND_IN_LIFE", "300"))


class Exchange(http.server.BaseHTTPRequestHandler):
    """One request: what came, and the ways to answer."""

    protocol_version = "HTTP/1.1"
    # Head and body in two packets would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Nothing on standard error: the log has it."""

    def note(self, **more):
        """Writes a line of the log."""
        line = {"method": self.command, "path": self.path, "authorization": self.headers.get("Authorization")}
        self.server.log.write(json.dumps(line | more) + "\n")

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while size := int(self.rfile.readline(), 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status, body=b"", headers=(), form="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", form)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    """A free port of loopback, over TLS where there is a certificate."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, exchange, log, certificate=None, key=None):
        self.log = open(log, "a", buffering=1, encoding="utf-8")
        super().__init__(("127.0.0.1", 0), exchange)
        self.port = self.server_address[1]
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def handle_error(self, request, client_address):
        """A caller that went away is no news; anything else ends in its own test's failure."""
        self.log.write(json.dumps({"fault": repr(sys.exception())}) + "\n")


def serve(exchange, certificate=None, key=None):
    """Runs until its life is over or somebody ends it."""
    server = Server(exchange, sys.argv[1], certificate, key)
    end_in_time()
    ready(server.port)
    server.serve_forever()


def end_in_time():
    timer = threading.Timer(LIFE, lambda: os._exit(0))
    timer.daemon = True
    timer.start()


def ready(port):
    print(f"READY {port}", flush=True)


# --- tokens as the simulator of Entra makes them


def token_for(audience, life=3600, **claims):
    """A token that looks just like the simulator's."""
    now = int(time.time())
    payload = {"aud": audience, "exp": now + life, "iat": now, "tid": TENANT, "oid": TENANT, "ver": "2.0"} | claims
    head = _packed(json.dumps({"alg": "RS256", "kid": "entra-sim", "typ": "JWT"}, separators=(",", ":")).encode())
    signed = f"{head}.{_packed(json.dumps(payload, separators=(',', ':')).encode())}"
    return f"{signed}.{_seal(signed)}"


def _seal(signed):
    # The mark is for the scan that looks for secrets in what programs said.
    return f"entraSECRET_{_packed(_noise(signed.encode()))}"


def fault_of(token, audience):
    """Why this is no living token for the audience; nothing when it is one."""
    parts = token.split(".")
    if len(parts) != 3:
        return "it is no token"
    if parts[2] != _seal(f"{parts[0]}.{parts[1]}"):
        return "the simulator did not issue it"
    claims = claims_of(token)
    if claims["aud"].rstrip("/") != audience.rstrip("/"):
        return f"it is for {claims['aud']} and not for {audience}"
    return "it has expired" if claims["exp"] <= time.time() else None


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def bearer(value):
    """The token of an Authorization header; nothing when it has none."""
    scheme, _, token = (value or "").partition(" ")
    return token if scheme.lower() == "bearer" else None


def basic(value):
    """User and password of an Authorization header; nothing when it has none."""
    scheme, _, packed = (value or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    user, _, password = base64.b64decode(packed).decode().partition(":")
    return user, password


def _packed(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _noise(seed):
    """The 256 bytes that stand for a signature (tests/sim/src/jwt.rs): whoever alters a token alters them."""
    block, whole = hashlib.sha256(seed).digest(), b""
    while len(whole) < 256:
        whole += block
        block = hashlib.sha256(block).digest()
    return whole
