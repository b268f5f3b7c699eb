#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-domain: what it predicts is what pyspf, dkimpy and the milter itself say of mail that was really sent
through a relay, and behind it, with and without a footer and bounce management. DOMAINS=all takes every zone of t/lab/domains.py."""

import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import Lab, Tap
from lab.domains import Course
from lab.process import sanitized

PROGRAM = os.path.join(os.environ.get("BUILDDIR", "."), "sfdc-relayctl")
ALL = os.environ.get("DOMAINS") == "all"


def check(course, *arguments):
    """Run check-domain; its exit code, and what it printed."""
    done = subprocess.run([PROGRAM, "check-domain", "--nameserver", course.nameserver.address, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=120, check=False,
                          env=sanitized())
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def compare(tap, course):
    """Each domain's four ways through the relay, and the two into it."""
    for case in course.cases(ALL):
        code, out, err = check(course, "--json", *course.arguments(case))
        if not tap.ok(code in (0, 1, 2), "%s: check-domain" % case.name, code=code, err=err):
            continue
        found = json.loads(out)
        unread = (None,) if case.strange else ()
        for row in found["paths"]:
            seen = course.send(case, row["bounce_management"], row["footer"])
            name = "%s: bounce management %s, %s" % (case.name, "on" if row["bounce_management"] else "off",
                                                     "footer" if row["footer"] else "no footer")
            tap.equal(row["spf"], seen.pyspf, name + ": SPF is pyspf's")
            tap.equal(row["spf"], seen.behind.get("spf"), name + ": SPF is that of the milter behind", seen=seen)
            tap.equal(row["dkim"] == "pass" or bool(case.dkimpy and not row["footer"]), seen.dkimpy, name + ": DKIM is dkimpy's")
            tap.ok(seen.behind.get("dkim") in (row["dkim"], *unread), name + ": DKIM is that of the milter behind", row=row, seen=seen)
            tap.equal(row["dmarc"], seen.behind.get("dmarc"), name + ": DMARC is that of the milter behind", seen=seen)
            tap.equal(row["dmarc_best"], row["dmarc"], name + ": nothing is open")
            if not row["footer"]:
                relay = next(at for at in found["at_relay"] if at["bounce_management"] == row["bounce_management"])
                for method in ("spf", "dkim", "dmarc"):
                    tap.ok(seen.relay.get(method) in (relay[method], *(unread if method == "dkim" else ())),
                           "%s: %s at the relay" % (name, method), relay=relay, seen=seen)
        for finding in case.findings:
            tap.ok(any((row["level"], row["id"]) == finding for row in found["findings"]), "%s: %s %s" % (case.name, *finding),
                   found=[(row["level"], row["id"]) for row in found["findings"]])
        tap.equal(code, case.code, "%s: exit status" % case.name)


def main():
    with Tap() as tap, Lab() as lab:
        course = Course(lab)
        tap.case(compare, course)


main()
