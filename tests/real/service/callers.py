#!/usr/bin/env python3
"""Callers that ask for tokens without a pause, and count what was lost.

usage: callers.py HOW COUNT ANSWERED STOP [WORDS...]
HOW is `entra`, one process of the command WORDS a request; `socket`, one connection to the socket WORDS; or `port`, one to
the port, with the secret of a lease. No request is made twice. The number of answers is written to the file ANSWERED as
they come; when the file STOP is there, each caller ends its request and a JSON object says how many were good and how
each other one ended.
"""
import http.client
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

how, count, answered, stop, *words = sys.argv[1:]
answered, stop = pathlib.Path(answered), pathlib.Path(stop)
fresh = answered.with_suffix(".new-" + how)
lock = threading.Lock()
good = 0
lost = []
longest = 0.0

# The daemon may be starting, and refresh.
PATIENCE = 30


class Local(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(words[0])


def by_entra():
    ended = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, text=True)
    if ended.returncode or not ended.stdout.strip():
        return f"exit status {ended.returncode}: {ended.stderr.strip()}"
    return None


def by_socket():
    connection = Local("entrad")
    try:
        body = json.dumps({"resource": "graph"})
        connection.request("POST", "/v1/token", body, {"Content-Type": "application/json", "Connection": "close"})
        answer = connection.getresponse()
        said = json.load(answer)
        return None if answer.status == 200 and said["access_token"] else f"{answer.status}: {said}"
    finally:
        connection.close()


def by_port():
    port, secret = words
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=PATIENCE)
    try:
        path = "/msi/token?api-version=2019-08-01&resource=https://graph.microsoft.com"
        connection.request("GET", path, headers={"X-IDENTITY-HEADER": secret, "Connection": "close"})
        answer = connection.getresponse()
        said = json.load(answer)
        return None if answer.status == 200 and said["access_token"] else f"{answer.status}: {said}"
    finally:
        connection.close()


ask = {"entra": by_entra, "socket": by_socket, "port": by_port}[how]


def caller():
    global good, longest
    while not stop.exists():
        begun = time.monotonic()
        try:
            fault = ask()
        except (OSError, ValueError, http.client.HTTPException, subprocess.SubprocessError) as error:
            fault = f"{type(error).__name__}: {error}"
        with lock:
            longest = max(longest, time.monotonic() - begun)
            if fault is None:
                good += 1
                fresh.write_text(f"{good}\n")
                fresh.replace(answered)
            else:
                lost.append(fault)


threads = [threading.Thread(target=caller) for _ in range(int(count))]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps({"good": good, "lost": len(lost), "how": sorted(set(lost))[:5], "longest": round(longest, 2)}))
