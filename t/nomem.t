#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Memory fails in the daemon: for each kind of message, each allocation that the thread which judges it makes - ours and
those of libraries - is made to fail once, and then with all that follow. A message that must be refused never passes;
one that may pass passes with all its changes, or is deferred; the daemon lives on and leaves nothing behind.
"""

import mmap
import os
import re
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.process import read, wait_for, write
from lab.tap import Tap
from lab.wire import SESSION, Closed, Letter, Wire, passes
from milter.daemon import org
from milter.signed import Signer
from milter.target import SYSLOG_SHIM, Target

SHIM = os.path.join(os.path.dirname(SYSLOG_SHIM), "nomem_shim.so")
SENTENCE = "tls and message and org and from and envelope and "
RUN_MAX = 20000
START_MAX = 1000000  # the library prepares for every question that may be under way
SLACK = 2048  # bytes that may differ from one sweep to the next: threads and buffers that come and go


class Control:
    """What the test and t/nomem_shim.c share."""

    def __init__(self, path):
        write(path, "\0" * 32)
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 32)

    def arm(self, fail_at, from_then_on):
        self.memory[8:24] = struct.pack("QQ", from_then_on, 0)
        self.memory[0:8] = struct.pack("Q", fail_at)

    def disarm(self):
        """How many allocations were counted."""
        self.memory[0:8] = bytes(8)
        return struct.unpack_from("Q", self.memory, 16)[0]

    @property
    def live(self):
        return struct.unpack_from("q", self.memory, 24)[0]


class Starved(Target):
    def __init__(self, sentence, scope="all", **options):
        super().__init__()
        self.control = Control(os.path.join(self.root, "control"))
        self.signer = Signer(self.root)
        self.configure(orgs=org(reject_unless=SENTENCE + sentence, **options), scope=scope,
                       dns={"nameservers": ["127.0.0.1@9"], "local_data": self.signer.local_data})

    def start(self, *options, **environment):
        return super().start(*options, LD_PRELOAD=SYSLOG_SHIM + ":" + SHIM,
                             NOMEM_CONTROL=os.path.join(self.root, "control"), **environment)


def edits(wire):
    """What was asked for at the end of the message, without the message's identifier."""
    return [(letter, re.sub(rb"id [0-9a-f]{16}", b"id", data)) for letter, data in wire.edits]


def judge(target, letters, fail_at=0, from_then_on=0, whole_session=False):
    """
    Send the letters over one connection, the last of them with failing memory, or with whole_session all of it. The
    result is what became of the last, (outcome, reply, edits), and how many allocations were made.
    """
    with Wire(target.address) as wire:
        try:
            if whole_session:
                target.control.arm(fail_at or RUN_MAX, from_then_on)
            wire.open()
            for letter in letters[:-1]:
                wire.deliver(letter)
            if not whole_session:
                target.control.arm(fail_at or RUN_MAX, from_then_on)
            outcome = wire.deliver(letters[-1])
            result = outcome, wire.reply, edits(wire)
        except (Closed, OSError):
            result = "closed", b"", []
        count = target.control.disarm()
        wire.rest()
    return result, count


def deferred(result):
    outcome, reply, _ = result
    return outcome == "closed" or outcome[1] == "t" or outcome[1] == "y" and reply.startswith(b"4")


def same_refusal(result, whole):
    """Refused as without failures, or with the MTA's own text where ours could not be set."""
    return not passes(result[0]) and (result[0][1] == "r" or result[0][1] == "y" and result[1][:9] == whole[1][:9])


def harmless(result, whole):
    if deferred(result):
        return True
    if passes(whole[0]):
        return passes(result[0]) and result[2] == whole[2]
    return same_refusal(result, whole)


def sweep(target, letters, whole, **how):
    """Each allocation in turn; those that did harm, and how many there are."""
    wrong = []
    number = 1
    while True:
        result, count = judge(target, letters, number, **how)
        if not harmless(result, whole):
            wrong.append((number, result))
        if count < number:
            return wrong, number - 1
        number += 1


ONE, ALL = "one", "one and all that follow"


def starve(tap, target, name, letters, passing, manners=(ONE, ALL)):
    judge(target, letters)  # what libraries do once, at their first use, is over then
    whole, total = judge(target, letters)
    tap.ok(passes(whole[0]) == passing and total > 0, "%s: %s, with %d allocations" % (
        name, "passes" if passing else "is refused", total), result=whole)
    for manner in manners:
        wrong, count = sweep(target, letters, whole, from_then_on=int(manner == ALL))
        tap.ok(not wrong and count > 0, "%s: %s of %d allocations fails" % (name, manner, count), wrong=wrong[:3])


def messages(tap):
    with Starved("dkim") as target:
        sign = target.signer.sign
        target.start()
        forged = message(extra=[("Authentication-Results", "relay.test; dkim=pass"), ("X-SFDC-Relay", "relay.test; verdict=accept")])
        good, bad = Letter(sign(message())), Letter(sign(message(lk=None)))
        starve(tap, target, "a signed message", [good], True)
        starve(tap, target, "forged results", [Letter(sign(forged))], True, [ALL])
        starve(tap, target, "no X-SFDC-LK", [bad], False)
        starve(tap, target, "no signature", [Letter(message())], False)
        starve(tap, target, "another body", [Letter(sign(message()).replace("Thank", "Thonk"))], False, [ONE])
        starve(tap, target, "foreign From", [Letter(sign(message(author="x@attack.example")))], False)
        starve(tap, target, "no TLS after a message with TLS", [good, Letter(sign(message()), macros=SESSION)], False)
        starve(tap, target, "no X-SFDC-LK after a good message", [good, bad], False)
        target.lives(tap, "without memory the daemon", good)


def sessions(tap):
    """From the negotiation on."""
    with Starved("ip") as target:
        target.start()
        for name, content, passing in (("a good session", message(), True), ("a bad session", message(lk=None), False)):
            letter = Letter(content)
            whole, total = judge(target, [letter], whole_session=True)
            tap.equal(passes(whole[0]), passing, "%s of %d allocations" % (name, total))
            for from_then_on in (0, 1):
                wrong, count = sweep(target, [letter], whole, from_then_on=from_then_on, whole_session=True)
                tap.equal(wrong[:3], [], "%s: each of %d fails%s" % (name, count, " with those after it" * from_then_on))
        target.lives(tap, "without memory the daemon")


def alive(target, letters):
    """What is wrong after failures: three good messages pass, and the process is the same."""
    later = []
    for _ in range(3):
        try:
            later.append(target.passes(letters[0]))
        except (OSError, Closed) as error:
            later.append(repr(error))
    if later != [True] * 3 or target.filter_pid() != target.child:
        return later, target.filter_pid() == target.child, target.since(0)[-4:]
    return None


def first(tap):
    """The first message of a daemon, when libraries set themselves up and keys are decoded: every 10th allocation."""
    for from_then_on in (0, 1):
        wrong = []
        total = number = 0
        while number <= total:
            with Starved("dkim") as target:
                target.start()
                letters = [Letter(target.signer.sign(message()))]
                result, count = judge(target, letters, number, from_then_on)
                total = max(total, count)
                harm = alive(target, letters)
                if not harmless(result, (("E", "c"), b"", result[2])) or harm:
                    wrong.append((number, result, harm))
            number += 10
        tap.ok(not wrong and total > 50, "a daemon's first message, every 10th of %d allocations%s" % (
            total, " with those after it" * from_then_on), wrong=wrong)


def start(target, number):
    """Start with a failing allocation: None if it takes sessions in the end, else (exit code, what it said)."""
    def settled():
        try:
            with Wire(target.address) as wire:
                wire.negotiate()
        except (Closed, OSError):
            return target.process.poll() is not None
        return True
    target.control.arm(number, 0)
    try:
        target.start(NOMEM_FROM_START="1")
    except (AssertionError, Closed, OSError):
        pass
    target.control.disarm()
    wait_for(settled, "the daemon to end, or to take sessions")
    if target.process.poll() is not None:
        return target.process.returncode, read(target.output)
    target.child = target.filter_pid()
    return None


def start_without(number):
    """Start with that allocation failing: what is wrong then, or None; what it said where it ended, else ""."""
    with Starved("dkim") as target:
        target.control.arm(START_MAX, 0)
        failure = start(target, number)
        if failure is None:
            return alive(target, [Letter(target.signer.sign(message()))]), ""
        return failure if failure[0] not in (75, 78) or not failure[1].strip() else None, failure[1]


def starts(tap):
    """Memory fails while the daemon starts: it says so and exits, or is as good as ever."""
    with Starved("dkim") as target:
        target.control.arm(START_MAX, 0)
        target.start(NOMEM_FROM_START="1")
        total = target.control.disarm()
    # Most are of the library that asks the DNS, which prepares for many questions.
    step = max(400, total // 20)
    numbers = range(1, total, step)
    outcomes = [(number,) + start_without(number) for number in numbers]
    wrong = [(number, harm) for number, harm, _ in outcomes if harm]
    tap.ok(not wrong and total > 1000, "a start, every %dth of %d allocations" % (step, total), wrong=wrong)
    ended = [said for _, _, said in outcomes if said]
    # It comes near the end of the start; how many of its allocations matter depends on OpenSSL.
    for number in range(total, max(0, total - 3000), -60):
        if any("built-in message" in said for said in ended):
            break
        ended.append(start_without(number)[1])
    tap.ok(any("built-in message" in said for said in ended), "the built-in message is tried before the first", ended=ended)


def quarantine(tap):
    with Starved("ip", quarantine_unless="auth") as target:
        target.start()
        letter = Letter(message())
        whole, _ = judge(target, [letter])
        tap.ok(passes(whole[0]) and whole[2][-1][0] == "q", "quarantine", result=whole)
        starve(tap, target, "quarantine", [letter], True)
        target.lives(tap, "without memory the daemon")


def scope(tap):
    """A foreign message for a user here, who may get it, and for one elsewhere, because of whom it is refused."""
    with Starved("ip", scope="salesforce") as target:
        target.start()
        foreign = message(lk="00D4x000004z0H4", author="x@tenant.example")
        here, there = "user@dest.test", "user@outside.test"
        mailers = {here: "local", there: "smtp"}
        starve(tap, target, "a foreign message that stays here",
               [Letter(foreign, recipients=[here, here], mailers=mailers)], True)
        starve(tap, target, "a foreign message that leaves",
               [Letter(foreign, recipients=[here, there], mailers=mailers)], False)


def rest(tap):
    """What failures leave behind: the same sweep again and again takes no more memory."""
    with Starved("dkim") as target:
        target.start()
        letters = [Letter(target.signer.sign(message()))]
        whole, _ = judge(target, letters)
        used = []
        for _ in range(3):
            sweep(target, letters, whole, from_then_on=1)
            for _ in range(8):
                judge(target, letters)
            used.append(target.control.live)
        tap.ok(used[2] - used[1] <= SLACK, "nothing is left behind by failures", in_use=used)
        target.lives(tap, "the daemon", letters[0])


if os.environ.get("SANITIZERS", "no") != "no":
    Tap.skip_all("sanitizers have an allocator of their own")
with Tap(needs_root=False) as points:
    for test in (messages, sessions, first, starts, quarantine, scope, rest):
        points.case(test)
