"""Judges `entra metrics` with the parsers of Prometheus's own library: FOLDER-OF-PROGRAMS WORK"""

import pathlib
import subprocess
import sys

from prometheus_client import parser as classic
from prometheus_client.openmetrics import parser as openmetrics

from simulator import check, finish

programs, work = map(pathlib.Path, sys.argv[1:3])
for folder in ("home", "run"):
    (work / folder).mkdir(mode=0o700)
environment = {"HOME": str(work / "home"), "XDG_RUNTIME_DIR": str(work / "run"), "PATH": "/usr/bin:/bin"}


def entra(*words):
    ran = subprocess.run([programs / "entra", *words], env=environment, capture_output=True, text=True, timeout=30)
    return ran.returncode, ran.stdout


daemon = subprocess.Popen(
    [programs / "entrad", "--store=memory", "--notify=off"],
    env=environment, stdout=subprocess.PIPE, stderr=(work / "entrad.log").open("w"), text=True,
)
try:
    check("entrad is ready", daemon.stdout.readline().startswith("ready "))
    # Refused, since nobody is signed in; and counted.
    check("a token is refused", entra("token", "--for", "arm")[0] == 3)
    status, text = entra("metrics")
    check("entra metrics", status == 0, status)
    written = entra("metrics", "--output", str(work / "entrad.prom"))
    check("entra metrics --output", written == (0, ""), written)

    families = {family.name: family for family in openmetrics.text_string_to_metric_families(text)}
    check("OpenMetrics is parsed", len(families) > 15, len(families))
    check("all are ours", all(name.startswith("entrad_") for name in families), list(families))
    check("all have a sentence", all(family.documentation.endswith(".") for family in families.values()))
    kinds = {family.type for family in families.values()}
    check("kinds are known", kinds == {"counter", "gauge", "histogram"}, kinds)
    seconds = [name for name, family in families.items() if family.unit == "seconds"]
    check("units are part of names", len(seconds) == 4 and all(name.endswith("_seconds") for name in seconds), seconds)
    refused = [sample.value for sample in families["entrad_refusals"].samples if sample.labels["code"] == "sign_in_needed"]
    check("the refusal is counted", refused == [1.0], refused)

    # What node_exporter reads is the format of old, in which comments that it does not know are comments.
    of_old = {sample.name for family in classic.text_string_to_metric_families((work / "entrad.prom").read_text())
              for sample in family.samples}
    of_new = {sample.name for family in families.values() for sample in family.samples}
    check("the format of old has the same samples", of_old == of_new, of_old ^ of_new)
finally:
    daemon.terminate()
    daemon.wait(timeout=20)

finish()
