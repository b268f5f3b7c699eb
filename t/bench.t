#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The benchmark: its generator sees what is accepted and what is not, and a small run gives a report. No timing."""

import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from bench import mail
from bench.contestants import Nothing, Sfdc
from bench.nameserver import Nameserver
from lab.tap import Tap

BUILDDIR = os.environ.get("BUILDDIR", ".")
HERE = os.path.dirname(os.path.abspath(__file__))
LOAD = os.path.join(BUILDDIR, "t/bench/load")
MESSAGES = 50


def load(contestant, *arguments):
    """Run the generator: exit code, what it measured, and what it complained of."""
    done = subprocess.run([LOAD, "-s", contestant.socket, *mail.options(), *map(str, arguments)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, check=False)
    return done.returncode, json.loads(done.stdout or b"{}"), done.stderr.decode(errors="replace")


def write(root, name, data):
    path = os.path.join(root, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def texts(contestant):
    return [part for text in contestant.added for part in ("-x", text)]


def verdicts(tap, root, kind):
    """Over one kind of socket. What the generator does not accept makes it fail, so that no figure is of that."""
    tap.prefix = kind + ": "
    folder = os.path.join(root, kind)
    os.mkdir(folder)
    post = mail.Mail()
    good = [write(folder, str(size), post.message(name, size, 1)) for name, size in (("text", 4096), ("html", 200000))]
    forged = write(folder, "forged", post.message("text", 4096, 2).replace(b"the ", b"The ", 1))
    nameserver = Nameserver(folder, post.records)
    nothing, sfdc = (each(folder, nameserver.port, kind) for each in (Nothing, Sfdc))
    try:
        nameserver.start()
        nothing.start()
        sfdc.start()
        for per_connection in (1, 7):
            for contestant in (nothing, sfdc):
                status, got, complaint = load(contestant, "-c", 4, "-n", MESSAGES, "-p", per_connection,
                                              *texts(contestant), *good)
                tap.equal((status, got.get("messages"), complaint), (0, MESSAGES, ""),
                          "%s accepts all messages, %d on a connection" % (contestant.name, per_connection))
                tap.ok(0 < got.get("p50_us", 0) <= got.get("p99_us", 0), "and is timed", got=got)
        tap.equal(sfdc.judged(2 * MESSAGES), None, "each has its line in the log")
        tap.ok(sfdc.judged(2 * MESSAGES + 1), "and no more have")
        tap.ok(sfdc.cpu() > 0 and sfdc.memory() > 0, "CPU time and memory are found")
        status, _, complaint = load(sfdc, "-n", 1, *texts(sfdc), forged)
        tap.equal(status, 1, "a forged message is noticed")
        tap.contains(complaint, "dkim", "and why it is refused")
        status, _, complaint = load(nothing, "-n", 1, *texts(sfdc), good[0])
        tap.equal(status, 1, "a filter that adds nothing is noticed")
        tap.contains(complaint, "tls=pass", "and what is missing")
        status, _, complaint = load(sfdc, "-n", 1, "-f", "<joe@stranger.example>", good[0])
        tap.equal(status, 1, "a refusal is noticed")
        tap.contains(complaint, "envelope-domain", "and why it is refused")
    finally:
        for each in (sfdc, nothing, nameserver):
            each.stop()


def report(tap):
    """The whole, small."""
    command = [os.path.join(HERE, "bench", "run"), "--only", "nothing,sfdc", "--rounds", "1", "--messages", str(MESSAGES),
               "--sizes", "4K,50K", "--idle", "10"]
    done = subprocess.run([*command, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=600, check=False)
    if not tap.equal(done.returncode, 0, "a run with --json", error=done.stderr.decode(errors="replace")):
        return
    medians = json.loads(done.stdout)["medians"]
    tap.equal(sorted(medians), ["inet", "unix"], "both kinds of socket are in it")
    tap.equal(sorted(medians["unix"]), ["do-nothing", "sfdc-milter"], "and both filters")
    for size in ("4K", "50K"):
        for what in ("cpu_", "cpu_reused_", "p50_", "p99_"):
            tap.ok(medians["unix"]["sfdc-milter"].get(what + size, 0) > 0, "figure: " + what + size)
    tap.ok("cpu_50K" not in medians["inet"]["sfdc-milter"], "over TCP only the smallest size is sent")
    done = subprocess.run([*command, "--sockets", "unix"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=600,
                          check=False)
    text = done.stdout.decode()
    tap.equal(text.count("\nsfdc-milter "), 5, "the tables have a row for it", text=text)
    tap.ok(all(line.endswith("x)") for line in text.splitlines()[4:] if line.startswith("do-nothing") and "(" in line),
           "others have a ratio", text=text)


def main():
    with Tap(needs_root=False) as tap, tempfile.TemporaryDirectory(prefix="sfdc-bench-test.") as root:
        for kind in ("unix", "inet"):
            tap.case(verdicts, root, kind)
        tap.case(report)


if __name__ == "__main__":
    main()
