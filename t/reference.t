#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The daemon beside libmilter: a filter on libmilter with the same sessions (t/reference_libmilter.c) gets the same
conversations - those of hostile_order.t, and those that were recorded from a real Postfix and a real Sendmail - and every
answer is compared. Where they are meant to differ stands in t/reference_differences, which must say no more and no less.
"""

import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.process import read
from lab.tap import Tap
from lab.wire import OPENING, SESSION, TLS, Closed, Letter, Wire, connect, helo, packets
from milter import conversations, recorded
from milter.conversations import OLD, STRICT, after_each_other, kinds_of_message, packets_of, signed_kinds
from milter.daemon import org
from milter.signed import Signer
from milter.target import Target, good

HERE = os.path.dirname(os.path.abspath(__file__))
REFERENCE = os.path.join(os.environ.get("BUILDDIR", "."), "t", "reference_libmilter")


class Reference:
    """The filter on libmilter, with the configuration of a daemon."""

    def __init__(self, target):
        self.address = os.path.join(target.root, "reference")
        with open(target.output, "ab") as log:
            self.process = subprocess.Popen([REFERENCE, target.file, "unix:" + self.address], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log)
        if self.process.stdout.readline() != b"ready\n":
            raise AssertionError("the reference does not start: " + read(target.output)[-2000:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


def answers(address, pairs):
    """All that is answered, without what differs from one message to the next by itself; progress is no answer."""
    with Wire(address) as wire:
        try:
            said = wire.exchange(packets(*pairs))
        except (Closed, BrokenPipeError, ConnectionResetError):
            return ["closed"]
    return [(letter, re.sub(rb"id [0-9a-f]{16}", b"id", data)) for letter, data in said if letter != "p"]


def first_difference(ours, theirs):
    """Where two lists of answers part: "answer 7: c, libmilter y"; None where they do not."""
    for place in range(max(len(ours), len(theirs))):
        mine, other = (side[place] if place < len(side) else ("nothing", b"") for side in (ours, theirs))
        if mine != other:
            return "answer %d: %s, libmilter %s" % (place + 1, mine[0], other[0])
    return None


def differences():
    """{conversation: difference} of the file; each has its reason in a comment above."""
    found = {}
    reason = False
    for line in read(os.path.join(HERE, "reference_differences")).splitlines():
        if not line:
            reason = False
        elif line.startswith("#"):
            reason = True
        elif reason:
            name, _, what = line.partition(" | ")
            found[name] = what
        else:
            raise ValueError("%r has no reason above it" % line)
    return found


class Comparison:
    def __init__(self, tap):
        self.tap = tap
        self.known = differences()
        self.used = set()

    def all(self, what, target, several, first=None):
        """several: (name, packets) of each conversation. first: one to begin with, so that what it needs is cached."""
        count = 0
        wrong = []
        with Reference(target) as reference:
            for address in (target.address, reference.address) if first else ():
                answers(address, first)
            for name, pairs in several:
                count += 1
                found = first_difference(answers(target.address, pairs), answers(reference.address, pairs))
                if found:
                    self.used.add(name)
                if found != self.known.get(name):
                    wrong.append("%s | %s" % (name, found))
        self.tap.ok(count and not wrong, "%s: %d conversations are answered as by libmilter" % (what, count),
                    differences="\n".join(wrong[:20]))

    def finish(self):
        self.tap.equal(sorted(set(self.known) - self.used), [], "every difference that is listed is there")


def disorder():
    yield "5040 orders", packets_of(conversations.permutations())
    yield "steps at random", packets_of(conversations.walk())
    for what, several in conversations.interruptions():
        for count, pairs in enumerate(several):
            yield "%s after %d packets" % (what, count), pairs
            yield "%s after %d packets, and the end" % (what, count), pairs[:len(OPENING) + count]
    after, others = conversations.second_sessions()
    yield "QUIT_NC after a message", after
    for name, pairs in others:
        yield "QUIT_NC " + name, pairs
    steps_ = good().steps()
    hidden = Letter(message(), macros={key: value for key, value in {**SESSION, **TLS}.items() if key != "{client_addr}"})
    yield "a client 13.7212758", [OPENING[0], connect(address="13.7212758"), helo()] + hidden.steps()
    yield "a body in the end", OPENING + steps_[:-1] + [("E", b"more\r\n")]
    yield "a body in the end, version 2", OLD + steps_[:-3] + [("E", b"all\r\n")]


def messages(kinds):
    for kind, letter in kinds.items():
        yield kind, OPENING + letter.steps()
    for opening, name in ((OPENING, "version 6"), (OLD, "version 2")):
        yield "each after each, " + name, after_each_other(kinds, opening)


def steps(tap, comparison):
    del tap
    with Target() as target:
        target.start()
        comparison.all("disorder", target, disorder())


def macros(tap, comparison):
    del tap
    with Target(orgs=org(**STRICT)) as target:
        target.start()
        comparison.all("sessions", target, messages(kinds_of_message()))
        comparison.all("macros", target, ((name, pairs) for name, pairs, _ in conversations.stale_macros()))


def signatures(tap, comparison):
    del tap
    with Target() as target:
        signer = Signer(target.root)
        target.configure(orgs=org(reject_unless="tls and message and org and from and envelope and dkim"),
                         dns={"nameservers": ["127.0.0.1@9"], "local_data": signer.local_data})
        target.start()
        kinds = signed_kinds(signer)
        comparison.all("signatures", target, (("DKIM: " + name, pairs) for name, pairs in messages(kinds)),
                       after_each_other(kinds, OPENING))


def recordings(tap, comparison):
    with Target() as target:
        target.configure(**recorded.CONFIGURATION)
        target.start()
        found = list(recorded.recordings())
        tap.ok({name.split("-")[0] for name, _ in found} == {"postfix", "sendmail"} and len(found) > 20,
               "%d conversations were recorded from both MTAs" % len(found))
        passing = [name for name, pairs in found if any(letter == "i" for letter, _ in answers(target.address, pairs))]
        tap.ok(len(passing) > 8, "%d of them hold a message that passes" % len(passing))
        comparison.all("recorded", target, found)


with Tap(needs_root=False) as points:
    compared = Comparison(points)
    for test in (steps, macros, signatures, recordings):
        points.case(test, compared)
    compared.finish()
