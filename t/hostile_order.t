#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Steps of the milter protocol in every order: what is passed on is predicted and compared, message by message, in answers
and in the log. The names of points begin with those of the catalogue of attacks: P milter, T TLS, U AUTH, E envelope.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.tap import Tap
from lab.wire import OPENING, STEPS, Letter, Order, Wire, converse, packets, passes
from milter import conversations
from milter.conversations import (OLD, STRICT, WHOLE, Part, after_each_other, kinds_of_message, packets_of, pairs_of_kinds,
                                  signed_kinds)
from milter.daemon import org
from milter.signed import Signer
from milter.target import Target, good

TOLD = ("verdict", "reason", "why", "reply", "lk", "org", "from", "hfrom", "tls", "cert", "cert_issuer", "auth", "rcpts")


class Expectation:
    """What is to become of a conversation: the places of packets that end a message which passes; messages begun."""

    def __init__(self):
        self.order = Order(STEPS)
        self.began = None  # the MAIL that is under way
        self.seen = []
        self.passing = []
        self.messages = 0
        self.place = len(OPENING)
        for command, _ in OPENING:
            self.order.take(command)

    def take(self, part):
        part = Part(part.name, part.pairs, part.sound)  # each time it is sent it counts
        for command, _ in part.pairs:
            place = self.place
            self.place += 1
            if command == "D":
                continue
            if not self.order._can(command, self.order.state):
                self.began = None
            if self.order.take(command):
                self._taken(command, part, place)

    def _taken(self, command, part, place):
        if command in "HAC":
            self.began = None
        if command == "M":
            self.messages += 1
            self.began = part
            self.seen = []
        elif self.began and not (self.seen and self.seen[-1] is part):
            self.seen.append(part)
        if command == "E":
            if self._sound():
                self.passing.append(place)
            self.began = None

    def _sound(self):
        if not self.began:
            return False
        names = [part.name for part in self.seen if part.name not in ("data", "unknown")]
        while names[:2] == ["rcpt", "rcpt"]:
            names.pop(0)
        whole = [name for name in names if name != "body"]
        if whole != ["rcpt", "header", "eoh", "end"] or "body" in names[:names.index("eoh")]:
            return False
        return self.began.sound and all(part.sound for part in self.seen)


def compare(tap, target, sequence, name):
    """Send the parts as one conversation and compare answers and log with what is expected."""
    expected = Expectation()
    pairs = packets_of(sequence)
    for part in sequence:
        expected.take(part)
    before = len(target.messages())
    answers = converse(target.address, pairs)
    target.await_messages(before + expected.messages)
    lines = target.messages()[before:]
    got = [place for place, letter in answers if pairs[place][0] == "E" and letter in "ca"]
    tap.equal(got, expected.passing, name + ": what passes is what should")
    accepted = [line for line in lines if line.get("verdict") == "accept"]
    tap.equal((len(lines), len(accepted)), (expected.messages, len(expected.passing)), name + ": one line for each message")
    tap.ok(not any(letter in "ad" for _, letter in answers), name + ": nothing is accepted early or discarded")
    return expected


def permutations(tap):
    with Target().start() as target:
        expected = compare(tap, target, conversations.permutations(), "P03 P05 5040 orders of 7 steps")
        tap.note("%d messages, %d of them pass" % (expected.messages, len(expected.passing)))
        target.lives(tap, "P03 the daemon")


def walks(tap):
    with Target().start() as target:
        sequence = conversations.walk()
        expected = compare(tap, target, sequence, "P03 P05 %d steps at random" % len(sequence))
        tap.ok(expected.messages > len(expected.passing) > 100, "many pass and many do not", passing=len(expected.passing))
        target.lives(tap, "P03 the daemon")


def told(line):
    """What a log line says of its message, but for what differs from one to the next by itself."""
    return {key: value for key, value in line.items() if key in TOLD or key.startswith("r_")}


def each_after_each(tap, target, kinds, good_ones, name):
    """Each kind of message after each other kind, as if it had been alone."""
    alone = {}
    for kind, letter in kinds.items():
        mark = len(target.messages())
        converse(target.address, OPENING + letter.steps())
        target.await_messages(mark + 1)
        alone[kind] = told(target.messages()[mark])
    tap.equal([kind for kind, line in alone.items() if line["verdict"] == "accept"], good_ones,
              name + " alone, the good ones pass", alone=alone)
    for opening, mta in ((OPENING, "one after the other"), (OLD, "the same with an MTA of old")):
        sequence = pairs_of_kinds(kinds)
        pairs = after_each_other(kinds, opening)
        mark = len(target.messages())
        answers = converse(target.address, pairs)
        target.await_messages(mark + len(sequence))
        lines = target.messages()[mark:]
        wrong = [(kind, before, told(line), alone[kind]) for before, kind, line in zip([""] + sequence, sequence, lines)
                 if told(line) != alone[kind]]
        tap.equal(wrong[:1], [], "%s %s: %d messages are judged as if alone" % (name, mta, len(sequence)))
        ends = sum(1 for place, letter in answers if pairs[place][0] == "E" and letter == "c")
        tap.equal(ends, sum(alone[kind]["verdict"] == "accept" for kind in sequence), "%s %s: as many pass" % (name, mta))


def inheritance(tap):
    with Target(orgs=org(**STRICT)).start() as target:
        kinds = kinds_of_message()
        each_after_each(tap, target, kinds, ["good", "null sender", "two recipients"], "P05 T05")
        target.lives(tap, "P05 the daemon", kinds["good"])


def signatures(tap):
    with Target() as target:
        signer = Signer(target.root)
        target.configure(orgs=org(reject_unless="tls and message and org and from and envelope and dkim"),
                         dns={"nameservers": ["127.0.0.1@9"], "local_data": signer.local_data})
        kinds = signed_kinds(signer)
        target.start()
        each_after_each(tap, target, kinds, ["signed", "signed, null sender", "signed by both"], "P05 DKIM")
        target.lives(tap, "P05 DKIM the daemon", kinds["signed"])


def stale_macros(tap):
    """What an MTA told of one session or message says nothing of the next."""
    with Target(orgs=org(**STRICT)).start() as target:
        for name, pairs, refused in conversations.stale_macros():
            answers = converse(target.address, pairs)
            ends = sum(1 for pair in pairs if pair[0] == "E")
            got = sum(1 for place, letter in answers if pairs[place][0] == "E" and letter in "ca")
            tap.equal(got, ends - len(refused), "%s: %s" % (name, "refused" if refused else "passes"), answers=answers)
        tap.equal(target.lines("error"), [], "the log has no errors")
        target.lives(tap, "T05 the daemon", Letter(message(), macros=WHOLE))


def interruptions(tap):
    """RSET, HELO or the end of the connection after each packet of a message."""
    steps = good().steps()
    with Target().start() as target:
        for what, several in conversations.interruptions():
            wrong = []
            for count, pairs in enumerate(several):
                answers = converse(target.address, pairs)
                passing = [place for place, letter in answers if pairs[place][0] == "E" and letter in "ca"]
                if passing != [len(pairs) - 1]:
                    wrong.append((count, answers))
            tap.equal(wrong, [], "P02 %s after each of %d packets" % (what, len(steps)))
        target.lives(tap, "P02 the daemon")
        mark = len(target.messages())
        for count in range(len(OPENING + steps)):
            with Wire(target.address) as wire:
                wire.exchange(packets(*(OPENING + steps)[:count]))
        begun = len(steps) - 2  # those to which MAIL was sent, which is the second packet
        target.await_messages(mark + begun)
        tap.equal({line["ev"] for line in target.messages()[mark:mark + begun]}, {"abort"},
                  "P02 a drop after each packet is logged as such")
        for count in range(len(OPENING + steps)):
            with Wire(target.address) as wire:
                wire.raw(packets(*(OPENING + steps)[:count]))
        target.lives(tap, "P02 the daemon")


def second_connection(tap):
    """QUIT_NC: libmilter takes another session on the connection without a negotiation; nothing of it passes."""
    whole = good()
    with Target().start() as target:
        pairs, others = conversations.second_sessions()
        answers = converse(target.address, pairs)
        passing = [place for place, letter in answers if pairs[place][0] == "E" and letter in "ca"]
        tap.equal(passing, [len(OPENING + whole.steps()) - 1], "P02 QUIT_NC: the first session's message alone passes")
        later = [letter for place, letter in answers if place > passing[0]]
        tap.ok(later and set(later) == {"t"}, "P02 QUIT_NC: those that follow are deferred", later=later)
        # Elsewhere than after a message libmilter overlooks QUIT_NC, and the connection that follows, too.
        for name, pairs in others:
            answers = converse(target.address, pairs)
            tap.ok(not any(pairs[place][0] == "E" for place, _ in answers),
                   "P02 QUIT_NC %s: the client of the next session is not taken for that of the first" % name, answers=answers)
        pairs = OPENING + whole.steps() + [("Q", b"")]
        tap.equal(converse(target.address, pairs)[-1][1], "c", "P02 QUIT")
        target.lives(tap, "P02 the daemon")


def inet(tap):
    """The same over TCP, and a connection that is reset."""
    with Target(kind="inet").start() as target:
        whole, bad = good(), Letter(message(lk=None))
        with Wire(target.address) as wire:
            wire.open()
            tap.equal([passes(wire.deliver(letter)) for letter in (whole, bad, whole)], [True, False, True],
                      "P05 over TCP")
        for count in range(0, len(whole.steps()), 5):
            with Wire(target.address) as wire:
                wire.raw(packets(*OPENING + whole.steps()[:count]))
                wire.reset()
        target.lives(tap, "P02 the daemon")


with Tap(needs_root=False) as points:
    for test in (permutations, walks, inheritance, signatures, stale_macros, interruptions, second_connection, inet):
        points.case(test)
