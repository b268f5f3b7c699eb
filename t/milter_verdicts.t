#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the MTA is answered for each kind of verdict, over the milter protocol."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.tap import Tap
from milter.daemon import Daemon, org


def accept(tap):
    with Daemon().start() as daemon:
        daemon.lua(tap, "accept.lua")
        line, = daemon.messages()
        tap.equal([line.get(key) for key in ("ev", "verdict", "would", "qid", "lk", "org_name", "from", "rcpts", "tls")],
                  ["verdict", "accept", "accept", "QUEUE1", "00D8d000003TRx3EAG", "production", "joe@example.com", "1",
                   "TLSv1.3"], "one line says so")
        tap.ok(len(line["sid"]) == 16 and int(line["sid"], 16) >= 0, "with an identifier", line=line)


def refuse(tap):
    with Daemon().start() as daemon:
        daemon.lua(tap, "org.lua")
        tap.equal([(line["verdict"], line.get("reason")) for line in daemon.messages()],
                  [("reject", "org-unknown"), ("reject", "org-absent"), ("reject", "org-duplicate"), ("accept", None)],
                  "one line for each message")
        tap.ok("size" not in daemon.messages()[0], "the body of the first was not seen")
        tap.equal(len({line["sid"] for line in daemon.messages()}), 4, "each with an identifier of its own")


def early(tap):
    with Daemon().start() as daemon:
        daemon.lua(tap, "early_rcpt.lua")
        tap.equal([(line["verdict"], line.get("reason"), line["rcpts"]) for line in daemon.messages()],
                  [("reject", "tls-absent", "1"), ("accept", None, "1")], "one line for three refused recipients")
    with Daemon(early_reject="mail").start() as daemon:
        daemon.lua(tap, "early_mail.lua")
        tap.equal([(line["verdict"], line["rcpts"]) for line in daemon.messages()],
                  [("reject", "0"), ("reject", "0"), ("accept", "1")], "one line for each refused MAIL")


def monitor(tap):
    with Daemon(orgs=org(mode="monitor")).start() as daemon:
        daemon.lua(tap, "monitor.lua")
        line, = daemon.messages()
        tap.equal([line.get(key) for key in ("verdict", "would", "mode", "reason")],
                  ["accept", "reject", "monitor", "org-unknown"], "the line says what would be done")


def quarantine(tap):
    with Daemon(orgs=org(quarantine_unless="auth")).start() as daemon:
        daemon.lua(tap, "quarantine.lua")
        line, = daemon.messages()
        tap.equal([line.get(key) for key in ("verdict", "reason")], ["quarantine", "auth-none"], "the line says so")


def exempt(tap):
    with Daemon(exempt_clients=["198.51.100.0/24"]).start() as daemon:
        daemon.lua(tap, "exempt.lua")
        line, = daemon.messages()
        tap.equal([line.get(key) for key in ("verdict", "client")], ["exempt", "198.51.100.7"], "the line says so")


with Tap(needs_root=False) as points:
    for test in (accept, refuse, early, monitor, quarantine, exempt):
        points.case(test)
