"""Many processes that want one token at the same moment: herd.py COUNT SCOPE

Each is a process of its own that has loaded the library, and asks once all are there. Prints one JSON line.
"""

import json
import os
import sys
import time

from azure.identity import ManagedIdentityCredential

count, scope = int(sys.argv[1]), sys.argv[2]
gate, signal = os.pipe()
answers, answer = os.pipe()


def ask():
    """In a child: waits until the gate closes, asks, and writes less than a pipe takes whole."""
    os.close(signal)
    os.read(gate, 1)
    begun = time.perf_counter()
    try:
        said = {"token": ManagedIdentityCredential().get_token(scope).token[-40:]}
    except Exception as error:  # noqa: BLE001 - whatever the library throws is its answer
        said = {"error": f"{type(error).__name__}: {error}"[:400]}
    said["ms"] = round((time.perf_counter() - begun) * 1000, 2)
    os.write(answer, (json.dumps(said) + "\n").encode())
    os._exit(0)


for _ in range(count):
    if os.fork() == 0:
        ask()
os.close(answer)
os.close(signal)
with os.fdopen(answers) as lines:
    said = [json.loads(line) for line in lines]
for _ in range(count):
    os.wait()
tokens = {one["token"] for one in said if "token" in one}
print(json.dumps({
    "good": sum("token" in one for one in said),
    "tokens": len(tokens),
    "slowest": max((one["ms"] for one in said), default=0),
    "errors": sorted({one["error"] for one in said if "error" in one}),
}))
