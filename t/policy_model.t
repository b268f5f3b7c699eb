#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Every combination of the four sentences, the modes, `undecided` and a limit, against the policy written down a second time;
and that a message is counted once where it would pass, and nowhere else.
"""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.tap import Tap

PROBE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "policy_probe")


def would_be(reject, defer, quarantine, undecided):
    """What enforcing does, and which sentence decided: the manual's order."""
    if reject == "fail":
        return "reject", "spf"
    if defer == "fail":
        return "tempfail", "dmarc"
    if defer == "temperror":
        return "tempfail", "dmarc"
    if reject == "temperror":
        return undecided, "spf"
    if quarantine == "temperror":
        return undecided, "dkim"
    if quarantine == "fail":
        return "quarantine", "dkim"
    return "accept", "-"


def expected(reject, defer, quarantine, warn, mode, undecided, limit):
    would, why = would_be(reject, defer, quarantine, undecided)
    counted = limit != "skip" and would in ("accept", "quarantine")
    if counted and limit == "fail":
        would, why = "tempfail", "limit"
    verdict = {"monitor": "accept", "enforce": would,
               "defer": "tempfail" if would == "reject" else would}[mode]
    warned = warn in ("fail", "temperror") and reject != "fail"
    code = {"tempfail": "451", "reject": "550"}.get(verdict, "-")
    # An open look-up is a 4xx by its reason; where `undecided` makes it a refusal it is a 550.
    return "1" if counted else "0", verdict, would, why, "1" if warned else "0", code


def main():
    with Tap(needs_root=False) as tap:
        rows = [line.split() for line in subprocess.check_output([PROBE], text=True).splitlines()]
        tap.equal(len(rows), 768 * 4 * 3, "all combinations")
        tap.equal(len({tuple(row[:7]) for row in rows}), 768 * 4 * 3, "each once")
        wrong = [(row, expected(*row[:7])) for row in rows if tuple(row[7:]) != expected(*row[:7])]
        tap.equal(wrong[:5], [], "the engine comes to the same", count=len(wrong))
        # No better result of a check makes a message less welcome, where nothing stays open.
        welcome = ["reject", "tempfail", "quarantine", "accept"]
        better = {"fail": ["skip", "pass"], "skip": ["pass"], "pass": []}
        verdicts = {tuple(row[:7]): row[8] for row in rows}
        known = [key for key in verdicts if "temperror" not in key[:4]]
        steps = [(key, key[:at] + (result,) + key[at + 1:]) for key in known for at in (0, 1, 2, 3, 6)
                 for result in better[key[at]]]
        tap.equal([(a, b) for a, b in steps if welcome.index(verdicts[a]) > welcome.index(verdicts[b])][:5], [],
                  "monotony: %d steps for the better" % len(steps))
        stricter = [(key, key[:4] + (mode,) + key[5:]) for key in verdicts for mode in ("defer", "enforce")
                    if (key[4], mode) in (("monitor", "defer"), ("monitor", "enforce"), ("defer", "enforce"))]
        tap.equal([(a, b) for a, b in stricter if welcome.index(verdicts[a]) < welcome.index(verdicts[b])][:5], [],
                  "nor does a milder mode: %d steps" % len(stricter))
        for mode in ("monitor", "defer", "enforce"):
            tap.ok(len({row[8] for row in rows if row[4] == mode}) == {"monitor": 1, "defer": 3, "enforce": 4}[mode],
                   "%s: every verdict it can come to" % mode)
            tap.ok({row[7] for row in rows if row[4] == mode} == {"0", "1"}, "%s: some are counted" % mode)


main()
