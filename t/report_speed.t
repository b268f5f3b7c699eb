#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
"make check-report-speed" only: a million lines take sfdc-relayctl report no longer than three times what grep -c and jq -c
take together on the same file, median of three within one run, and no more memory than a few lines.
"""
import json
import os
import random
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lookback import ORG, OTHER, mails, make_log  # noqa: E402
from relayctl import PROGRAM, main  # noqa: E402

LINES = 1000000


def written(path, lines):
    """A million lines of real ones, each with a session and Message-ID of its own."""
    rng = random.Random(3)
    with open(path, "w", encoding="ascii") as out:
        for number in range(LINES):
            line = dict(lines[number % len(lines)], sid="%016x" % rng.getrandbits(64))
            if "msgid" in line:
                line["msgid"] = "<%d@sfdc.net>" % number
            out.write(json.dumps(line, separators=(",", ":")) + "\n")


def taken(command):
    """The median of three times, in seconds, and the most memory, in kilobytes."""
    times = []
    for _ in range(3):
        begin = time.monotonic()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        times.append(time.monotonic() - begin)
    return sorted(times)[1], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def speed(tap, bench):
    orgs = {one: {"mode": "enforce", "name": name, "domains": [domain], "reject_unless": "tls and org and from and (cert or auth or ip)",
                  "auth": {"users": ["sfuser@relay.test"]}, "ip": {"networks": ["13.110.0.0/16"], "spf": []}}
            for one, name, domain in ((ORG, "production", "example.com"), (OTHER, "second", "example.net"))}
    real = [json.loads(line) for line in make_log({"orgs": orgs}, mails(21, 2000), "json") if '"ev":"verdict"' in line]
    path = os.path.join(bench.path, "log")
    written(path, real)
    ours, memory = taken([PROGRAM, "report", "--json", path])
    grep, _ = taken(["grep", "-c", "reject", path])
    jq, _ = taken(["jq", "-c", ".", path])
    report = bench.run("report", "--json", path).objects()[0]
    tap.equal(report["messages"], LINES, "a million messages")
    tap.note("report %.1f s, grep -c %.1f s, jq -c %.1f s; %d kB" % (ours, grep, jq, memory))
    tap.ok(ours <= 3 * (grep + jq), "no slower than three times grep -c and jq -c together", report=ours, grep=grep, jq=jq)
    tap.ok(memory < 64 * 1024, "in little memory", kilobytes=memory)


main(speed)
