"""A managed-identity endpoint that does no work: the floor to measure entrad against, and a proof of the probes.

usage: canned.py LOG [--quiet]
/msi/token answers as App Service does, /refused/msi/token says that a sign-in is needed; both want the header of SECRET.
"""

import asyncio
import json
import sys
import time
import urllib.parse

import loopback

SECRET = "canned-secret"
SENTENCE = "entrad: Nobody is signed in. Run `entra login`."
quiet = "--quiet" in sys.argv
answers = {}


class Endpoint(asyncio.Protocol):
    """A connection; requests may follow each other on it."""

    def connection_made(self, transport):
        self.transport, self.pending = transport, b""

    def data_received(self, data):
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, _, self.pending = self.pending.partition(b"\r\n\r\n")
            self.transport.write(answer_to(head))


def answer_to(head):
    """The bytes of the answer: made once for each question, then repeated."""
    line, _, rest = head.partition(b"\r\n")
    has_secret = f"x-identity-header: {SECRET}".encode() in rest.lower()
    if not quiet:
        log.write(json.dumps({"line": line.decode(), "has_secret": has_secret}) + "\n")
    asked = (line, has_secret)
    if asked not in answers:
        answers[asked] = made(line.decode(), has_secret)
    return answers[asked]


def made(line, has_secret):
    address = urllib.parse.urlsplit(line.split(" ")[1])
    resource = urllib.parse.parse_qs(address.query).get("resource", [""])[0]
    if address.path == "/msi/token" and has_secret and resource:
        body = {
            "access_token": loopback.token_for(resource),
            "expires_in": "3600",
            "expires_on": str(int(time.time()) + 3600),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": loopback.TENANT,
        }
        return packed("200 OK", body)
    error = "interaction_required" if has_secret else "access_denied"
    body = {"statusCode": 403, "message": SENTENCE, "error": error, "error_description": SENTENCE}
    return packed("403 Forbidden", body | {"correlationId": loopback.TENANT})


def packed(status, body):
    data = json.dumps(body)
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n{data}".encode()


async def main():
    server = await asyncio.get_running_loop().create_server(Endpoint, "127.0.0.1", 0, backlog=256)
    loopback.end_in_time()
    loopback.ready(server.sockets[0].getsockname()[1])
    await server.serve_forever()


log = open(sys.argv[1], "a", buffering=1, encoding="utf-8")
asyncio.run(main())
