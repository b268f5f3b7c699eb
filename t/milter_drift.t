#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Genuine mail that begins to fail, as the log tells of it, and messages that near their deadline, over the milter protocol.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.tap import Tap
from lab.wire import CERTIFICATE, CLIENT, SESSION, TLS, Letter, Wire, passes
from milter.daemon import ORG, org
from milter.signed import Signer
from milter.target import Target

STRANGER = "00D4x000004z0H4"
POLICY = "tls and message and org and from and envelope and verp and dkim and cert and ip"
NEW = {"{cert_subject}": "mail.new.example", "{cert_issuer}": "New Root CA"}
GOOD = {**SESSION, **TLS, **CERTIFICATE}


def target(mode="enforce", **options):
    """A daemon that asks for signature, certificate and address; its signer."""
    daemon = Target()
    signer = Signer(daemon.root)
    daemon.configure(orgs=org(mode=mode, reject_unless=POLICY, **options), mode=mode,
                     dns={"nameservers": [daemon.nameserver.address], "local_data": signer.local_data})
    return daemon, signer


def deliver(daemon, content, macros, address=CLIENT):
    """The answer to one message over a connection of its own, and its line in the log."""
    before = len(daemon.messages())
    with Wire(daemon.address) as wire:
        answers = wire.open(address=address).deliver(Letter(content, macros={**macros, "{client_addr}": address}))
    daemon.await_messages(before + 1)
    return answers, daemon.messages()[before]


def told(daemon):
    return [[line.get(key) for key in ("kind", "org", "org_name", "value", "reason", "more")] for line in daemon.lines("drift")]


def kinds(tap):
    """One of each kind, in each mode; the message has its answer all the same."""
    for mode, verdict, reply in (("monitor", "accept", ""), ("defer", "tempfail", "451"), ("enforce", "reject", "550")):
        daemon, signer = target(mode)
        with daemon.start():
            signed = signer.sign(message())
            answers, line = deliver(daemon, signed, GOOD)
            tap.ok(passes(answers) and line["verdict"] == "accept", mode + ": what is good passes", line=line)
            for content, macros, address, reason, expected in (
                    (signed, GOOD, "198.51.100.9", "ip-unlisted", ["ip", ORG, "production", "198.51.100.9", "ip-unlisted", None]),
                    (signed, {**GOOD, **NEW}, CLIENT, "cert-name", ["cert", ORG, "production", "mail.new.example", "cert-name", None]),
                    (signer.sign(message(lk=STRANGER)), GOOD, CLIENT, "org-unknown",
                     ["org", ORG, "production", STRANGER + "EAI", "org-unknown", None]),
                    (signed, {**GOOD, **NEW}, CLIENT, "cert-name", None),
                    (message(), {**GOOD, **NEW}, CLIENT, "cert-name" if mode == "enforce" else "dkim-none", None),
                    (signer.sign(message(author="x@attack.example"), "attack.example"), {**GOOD, **NEW}, CLIENT, None, None),
                    (signed, {**GOOD, **NEW}, "198.51.100.10", None, None)):
                before = told(daemon)
                answers, line = deliver(daemon, content, macros, address)
                tap.equal([line["verdict"], line["would"], (line.get("reply") or "")[:3]], [verdict, "reject", reply],
                          "%s: answered as ever: %s" % (mode, line["reason"]))
                if reason:
                    tap.equal(line["reason"], reason, "for that reason")
                tap.equal(told(daemon)[len(before):], [expected] if expected else [], "%s: drift is told" % mode if expected
                          else "%s: nothing is told" % mode)
            sid = daemon.lines("drift")[0]["sid"]
            tap.ok(any(entry["sid"] == sid for entry in daemon.messages()), "and by its sid the message is found")


def waits(tap):
    """Of a crowd only a few wait; all are answered alike."""
    daemon, signer = target()
    with daemon.start():
        signed = signer.sign(message())
        seen = [deliver(daemon, signed, {**GOOD, **NEW}) for _ in range(60)]
        replies = {(line["verdict"], line["reply"], line["reason"], line["why"]) for _, line in seen}
        tap.equal(replies, {("reject", "550 5.7.1", "cert-name", "cert")}, "60 messages with one answer")
        waited = ["msgid" in line for _, line in seen]
        tap.ok(waited[:10] == [True] * 10, "the first ten waited for their end", waited=waited)
        tap.ok(not all(waited), "and then they do not", waited=waited)
        tap.ok(all(line["r_dkim"] == ("pass" if late else "pending") for late, (_, line) in zip(waited, seen)),
               "what waits is verified, and only that")
        tap.equal(len(told(daemon)), 1, "one line for all")
        daemon.lives(tap, letter=Letter(signed, macros=GOOD))


def counts(tap):
    """At most 20 for an organization; the rest is counted, here because the daemon stops."""
    daemon, signer = target("defer")
    with daemon.start():
        signed = signer.sign(message())
        numbers = range(25)
        for number in numbers:
            lk = "00D4x0000%06d" % number
            deliver(daemon, signer.sign(message(lk=lk)), GOOD)
        tap.equal([len(told(daemon)), len(set(line[3] for line in told(daemon)))], [20, 20], "20 are told")
        deliver(daemon, signed, {**GOOD, **NEW})
        tap.equal(len(told(daemon)), 20, "of all kinds together")
        tap.equal(daemon.stop(), 0, "it stops")
        tap.equal(told(daemon)[20:], [[None, ORG, "production", None, None, "6"]], "and says how many there were besides")


def deadlines(tap):
    """The durations are in seconds here; what comes again is the same from another client."""
    daemon = Target(deadline_warning=["1s", "2s"], orgs=org(mode="defer", reject_unless="org and from and cert"), mode="defer")
    with daemon.start():
        wrong = message(author="x@attack.example", ident="slow@sfdc.net")
        attempts = 0
        while len(daemon.lines("deadline")) < 2:
            attempts += 1
            answers, line = deliver(daemon, wrong, GOOD, "13.110.74.%d" % (attempts % 200))
            if line["verdict"] != "tempfail" or attempts > 2000:
                break
        first, second = daemon.lines("deadline")
        tap.equal([[line.get(key) for key in ("org", "org_name", "msgid", "from", "rcpt", "reason", "hours_left", "after")]
                   for line in (first, second)],
                  [[ORG, "production", "<slow@sfdc.net>", "info@example.com", "user@dest.test", "from-domain", "23", after]
                   for after in ("1", "2")], "each duration is told of once")
        tap.ok(1 < int(first["attempts"]) <= int(second["attempts"]) == attempts, "with its attempts", lines=(first, second),
               attempts=attempts)
        answers, line = deliver(daemon, message(ident="slow@sfdc.net"), GOOD)
        tap.equal(line["verdict"], "accept", "it is accepted")
        deliver(daemon, wrong, GOOD)
        tap.equal(len(daemon.lines("deadline")), 2, "and then begins anew")


with Tap(needs_root=False) as points:
    for test in (kinds, waits, counts, deadlines):
        points.case(test)
