"""Asks with wrong secrets, as fast as one program can: strangers.py ENDPOINT COUNT

Half of the secrets have a real one's form, and of those half name the lease whose secret is in IDENTITY_HEADER.
Prints one JSON line: how often each status came, and what was said.
"""

import collections
import http.client
import json
import os
import secrets
import sys
import urllib.parse

endpoint, count = urllib.parse.urlsplit(sys.argv[1]), int(sys.argv[2])
real = os.environ["IDENTITY_HEADER"]
known = real.rpartition("_")[0]
statuses, sentences = collections.Counter(), set()


def wrong(number):
    if number % 2:
        return secrets.token_urlsafe(24)
    lease = known if number % 4 else f"entra_lease_{secrets.token_hex(6)}"
    return f"{lease}_{secrets.token_hex(32)}"


connection = http.client.HTTPConnection(endpoint.hostname, endpoint.port, timeout=20)
for number in range(count):
    headers = {"X-IDENTITY-HEADER": wrong(number)}
    query = "?api-version=2019-08-01&resource=https://cognitiveservices.azure.com"
    # Where the other end closed between two requests, the client opens another connection by itself.
    connection.request("GET", endpoint.path + query, headers=headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    statuses[answer.status] += 1
    sentences.add(body.get("message", ""))
    if "access_token" in body:
        raise SystemExit("a wrong secret got a token")
print(json.dumps({"statuses": statuses, "sentences": sorted(sentences)[:4]}))
