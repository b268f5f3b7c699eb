#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""10,000 organizations with 100,000 domains and 100,000 networks load within CPU time and memory for it."""
import os
import resource
import subprocess
import sys
import tempfile

SRC = os.environ.get("SRCDIR", ".")
PROBE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "config_probe")
PLAIN = os.environ.get("SANITIZERS", "no") == "no"
ORGS = 10000
CPU_SECONDS = 20
MEMORY_MAX = 200 * 1024
sys.path.insert(0, os.path.join(SRC, "t"))
from lab.tap import Tap  # noqa: E402


def organizations(count):
    """One organization per step, with ten domains and ten networks."""
    for number in range(count):
        domains = ", ".join("d%d.org%d.example" % (i, number) for i in range(10))
        networks = ", ".join("%d.%d.%d.%d/28" % (20 + number % 200, number // 200, i, 16 * (number % 16)) for i in range(10))
        yield "  00D%012d:\n    name: org%d\n    domains: [%s]\n    ip: {networks: [%s]}\n" % (number, number, domains, networks)


def load(text):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        limit = (lambda: resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))) if PLAIN else None
        return subprocess.run([PROBE, "--usage", file.name], capture_output=True, text=True, preexec_fn=limit)


def numbers(run):
    return {line.split()[0]: int(line.split()[1]) for line in run.stdout.splitlines() if len(line.split()) == 2}


def large(tap):
    run = load("mode: enforce\norgs:\n" + "".join(organizations(ORGS)))
    tap.equal(run.returncode, 0, "%d organizations load" % ORGS, output=run.stdout[-2000:] + run.stderr[-2000:])
    usage = numbers(run)
    tap.equal([usage.get(key) for key in ("orgs", "owned", "networks")], [ORGS, ORGS * 10, ORGS * 10], "all of them are there")
    tap.note(run.stdout)
    if PLAIN:
        tap.ok(usage.get("rss", MEMORY_MAX + 1) <= MEMORY_MAX, "within 200 MB", got=usage.get("rss"))


def inherited(tap):
    """What is inherited is shared: a long list in defaults costs once."""
    networks = ", ".join("10.%d.%d.0/24" % (i // 256, i % 256) for i in range(5000))
    text = "defaults: {ip: {networks: [%s]}}\norgs:\n" % networks
    text += "".join("  00D%012d: {domains: [d%d.example]}\n" % (i, i) for i in range(ORGS))
    run = load(text)
    tap.equal(run.returncode, 0, "%d organizations that inherit load" % ORGS, output=run.stdout[-2000:])
    if PLAIN:
        tap.ok(numbers(run).get("rss", MEMORY_MAX) <= MEMORY_MAX // 2, "within 100 MB", got=run.stdout)


def duplicates(tap):
    """Nothing is quadratic: many keys, many organizations twice, many errors."""
    run = load("orgs:\n" + "".join("  00D%012d: {domains: [d.example]}\n" % (i % ORGS) for i in range(2 * ORGS)))
    tap.equal(run.stdout.count("is given twice"), ORGS, "as many organizations given twice are found")
    run = load("".join("key%d: x\n" % (i % 50000) for i in range(100000)))
    tap.equal(run.stdout.count("is given twice"), 50000, "as are keys")
    run = load("orgs:\n" + "".join("  00D%012d: {mode: enforce}\n" % i for i in range(ORGS)))
    tap.equal(run.stdout.count("domains is empty"), ORGS, "every error is reported")


with Tap(needs_root=False) as points:
    for group in (large, inherited, duplicates):
        points.case(group)
