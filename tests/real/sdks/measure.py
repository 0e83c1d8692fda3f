"""Measures what entrad costs a library, against the same library on an endpoint that does no work; and a program against another.

Reads one JSON object: `probes` and `programs` name commands, `places` the two environments, the floor's first, `scopes` what to
ask for. The two are asked in turn, so that whatever else the machine does falls on both. Prints a table of medians.
"""

import json
import os
import statistics
import subprocess
import sys
import time

plan = json.load(sys.stdin)
QUESTIONS = "".join(f"mi {scope}\n" for scope in plan["scopes"])
TOO_SLOW, TOO_LITTLE = 1.05, 200


def asked(command, environment):
    """Milliseconds of the first answer in a process, which loads what it needs, and of each that follows."""
    done = subprocess.run(command, env=environment, input=QUESTIONS, capture_output=True, text=True, timeout=60, check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    faults = [answer["error"] for answer in answers if not answer["ok"]]
    if faults or len(answers) != len(plan["scopes"]):
        raise SystemExit(f"a probe got no token: {faults[:1]}")
    return [answer["ms"] for answer in answers]


def ran(command, environment):
    """Milliseconds from start to end of a program that must succeed."""
    with open(os.devnull, "wb") as nothing:
        actions = [(os.POSIX_SPAWN_DUP2, nothing.fileno(), 1)]
        begun = time.perf_counter()
        child = os.posix_spawn(command[0], command, environment, file_actions=actions)
        _, status = os.waitpid(child, 0)
        took = time.perf_counter() - begun
    if status:
        raise SystemExit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return took * 1000


def row(name, floor, ours, bound):
    ratio = ours / floor
    good = ratio <= bound
    print(f"{name:28} {floor:10.2f} {ours:10.2f} {ratio:8.3f}  {'good' if good else f'over {bound}'}")
    return good


good = True
(_, floor), (_, ours) = plan["places"].items()
print(f"{'median of milliseconds':28} {'floor':>10} {'entrad':>10} {'ratio':>8}")
for name, command in plan["probes"].items():
    asked(command, floor), asked(command, ours)
    pairs = [(asked(command, floor), asked(command, ours)) for _ in range(plan["rounds"])]
    first = [statistics.median(side[0] for side in sides) for sides in zip(*pairs)]
    later = [statistics.median(ms for side in sides for ms in side[1:]) for sides in zip(*pairs)]
    good &= row(f"{name}, first token", *first, TOO_SLOW)
    row(f"{name}, each further one", *later, TOO_SLOW)

print(f"\n{'median of milliseconds':28} {'Azure CLI':>10} {'shim':>10} {'times':>8}")
real, shim = ((program["command"], program["environment"]) for program in plan["programs"])
ran(*real), ran(*shim)
pairs = [(ran(*real), ran(*shim)) for _ in range(plan["rounds"])]
slow, quick = (statistics.median(side) for side in zip(*pairs))
print(f"{'az account get-access-token':28} {slow:10.2f} {quick:10.2f} {slow / quick:8.0f}  ", end="")
print("good" if slow / quick >= TOO_LITTLE else f"less than {TOO_LITTLE}")
sys.exit(0 if good and slow / quick >= TOO_LITTLE else 1)
