#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Sessions of several messages, and MTAs that offer or tell less: nothing is inherited, nothing passes by accident."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.tap import Tap
from milter.daemon import Daemon


def several(tap):
    with Daemon().start() as daemon:
        daemon.lua(tap, "several.lua")
        daemon.event("abort", 5)
        tap.equal([(line["ev"], line.get("verdict"), line.get("reason")) for line in daemon.messages()],
                  [("verdict", "accept", None), ("verdict", "reject", "org-absent"), ("verdict", "accept", None),
                   ("verdict", "reject", "tls-absent"), ("abort", None, None), ("verdict", "accept", None),
                   ("abort", None, None), ("verdict", "accept", None), ("verdict", "accept", None),
                   ("abort", None, None), ("abort", None, None), ("abort", None, None)], "one line for each message")


def steps(tap):
    with Daemon().start() as daemon:
        daemon.lua(tap, "steps.lua")
        tap.equal([line["verdict"] for line in daemon.messages()], ["accept", "reject"], "one line for each message")


def macros(tap):
    with Daemon().start() as daemon:
        daemon.lua(tap, "macros.lua")
        tap.equal([line["reason"] for line in daemon.messages()], ["tls-absent", "cert-absent", "cert-absent"],
                  "one line for each message")
        tap.equal([line.get("r_ip") for line in daemon.messages()], ["pass", "fail", "fail"], "an address is believed or not")
        tap.equal(len([line for line in daemon.lines("warning") if "{client_addr}" in line["text"]]), 1,
                  "the contradiction is warned about")


with Tap(needs_root=False) as points:
    for test in (several, steps, macros):
        points.case(test)
