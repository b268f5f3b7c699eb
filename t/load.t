#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Crowds: messages that wait for a name server that is dead, idle connections, bodies of one byte a second, starts without
threads or memory to be had. What is counted here is the short form; "make check-load" (LOAD=full) takes as many as
there may be, and compares times and sizes as well.
"""

import os
import pwd
import resource
import selectors
import signal
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dnsserver import DnsServer

from lab import message
from lab.process import read, wait_for
from lab.tap import Tap
from lab.wire import OPENING, Answers, Closed, Letter, Wire, packets, passes
from milter.daemon import PROGRAM, org
from milter.signed import Signer
from milter.target import Target, good

FULL = os.environ.get("LOAD") == "full"
SANITIZED = os.environ.get("SANITIZERS", "no") != "no"
WAITING = 2000 if FULL else 150
NAMES = 25
TIMEOUT = 5  # message_timeout, seconds
SLOW = 500 if FULL else 50
POLICY = "tls and message and org and from and envelope and dkim"


class Mute(dict):
    """Rules of a name server that can be dead."""

    dead = False

    def __contains__(self, name):
        return self.dead or super().__contains__(name)

    def __getitem__(self, name):
        return "drop" if self.dead else super().__getitem__(name)


class Network:
    """A daemon that needs DKIM keys, and their name server; every selector "x..." has the key."""

    def __init__(self):
        self.target = Target()
        self.signer = Signer(self.target.root)
        self.server = DnsServer()
        self.server.rules = Mute()
        for name in self.signer.names:
            self.server.add(name, "TXT", self.signer.text)
        self.server.start()
        self.target.configure(orgs=org(reject_unless=POLICY), message_timeout=TIMEOUT,
                              dns={"nameservers": [self.server.address]})
        self.count = 0

    def __enter__(self):
        self.target.start()
        return self

    def __exit__(self, *stop):
        self.target.__exit__(*stop)
        self.server.stop()

    def fresh(self, count, valid=True):
        """So many signed messages whose keys are not cached. valid: the signatures are good, which takes its time."""
        signed = self.signer.sign(message())
        found = []
        for _ in range(count):
            self.count += 1
            name = "x%d" % self.count
            self.server.add(name + "._domainkey.example.com", "TXT", self.signer.text)
            found.append(Letter(self.signer.sign(message(), selector=name) if valid else
                                signed.replace("s=sf1;", "s=%s;" % name)))
        return found


def memory(pid, what="Pss"):
    """Kilobytes."""
    for line in read("/proc/%d/smaps_rollup" % pid).splitlines():
        if line.startswith(what + ":"):
            return int(line.split()[1])
    raise ValueError(what)


def connected(target):
    """A connection; while the queue of the socket is full it is tried again."""
    while True:
        try:
            return Wire(target.address)
        except BlockingIOError:
            time.sleep(0.01)


class Crowd:
    """Connections that are watched together; each has said something."""

    def __init__(self, target, said):
        self.selector = selectors.DefaultSelector()
        self.wires = []
        self.ended = {}  # seconds until the answer to the end of the message, by number
        self.letters = {}
        self.began = {}
        for number, data in enumerate(said):
            wire = connected(target)
            self.wires.append(wire)
            self.began[number] = time.monotonic()
            wire.raw(data)
            wire.socket.setblocking(False)
            self.selector.register(wire.socket, selectors.EVENT_READ, (number, Answers()))

    def close(self):
        for wire in self.wires:
            wire.close()
        self.selector.close()

    def take(self, timeout=0.2):
        """Read what came."""
        for key, _ in self.selector.select(timeout):
            number, answers = key.data
            try:
                data = key.fileobj.recv(65536)
            except ConnectionResetError:
                data = b""
            for letter, reply in answers.feed(data):
                if letter in "yrtc" and not letter == "p":
                    self.letters[number] = (letter, reply)
                    self.ended[number] = time.monotonic() - self.began[number]
            if not data:
                self.selector.unregister(key.fileobj)

    def take_until(self, done, seconds=60):
        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            self.take()


def latencies(target, letters):
    """Seconds that each of the messages takes, one after the other, and how many pass."""
    taken, passed = [], 0
    for letter in letters:
        with Wire(target.address) as wire:
            wire.open()
            began = time.monotonic()
            passed += passes(wire.deliver(letter))
            taken.append(time.monotonic() - began)
    return taken, passed


def p99(values):
    return sorted(values)[int(len(values) * 0.99)]


def rounds(target, letters):
    """The median, over three parts of the messages, of the 99th percentile of their times; and how many pass."""
    parts = [latencies(target, letters[first::3]) for first in range(3)]
    return statistics.median(p99(taken) for taken, _ in parts), sum(passed for _, passed in parts)


def outage(tap):
    with Network() as network:
        target = network.target
        cached = [Letter(network.signer.sign(message())) for _ in range(200 if FULL else 40)]
        latencies(target, cached)
        quiet, passed = rounds(target, cached)
        tap.equal(passed, len(cached), "X06 messages whose evidence is cached pass")
        # As many names as one client may ask for at once; many messages wait for each.
        letters = network.fresh(NAMES, valid=False) * (WAITING // NAMES)
        threads, descriptors, before = target.threads(), target.descriptors(), memory(target.child)
        network.server.rules.dead = True
        crowd = Crowd(target, [packets(*OPENING, *letter.steps()) for letter in letters])
        mark = len(target.messages())
        wait_for(lambda: len(network.server.seen) > NAMES // 2, "questions to be asked")
        wait_for(lambda: target.descriptors() > descriptors + WAITING - 2, "all of them to be there")
        tap.equal(target.threads(), threads, "X06 %d messages that wait take no thread" % WAITING)
        grown = memory(target.child) - before
        if FULL and not SANITIZED:
            tap.ok(grown < 64 * WAITING, "X06 and %.1f kB of memory each" % (grown / WAITING))
        loud, passed = rounds(target, cached)
        tap.equal(passed, len(cached), "X06 others pass meanwhile")
        if FULL:
            tap.ok(loud < 3 * quiet, "X06 as fast as ever: p99 %.1f ms, and %.1f ms without" % (loud * 1000, quiet * 1000))
        crowd.take_until(lambda: all(crowd.letters.get(number, ("", b""))[0] == "y" for number in range(WAITING)))
        deferred = sum(reply.startswith(b"451 4.") for letter, reply in crowd.letters.values() if letter == "y")
        tap.equal(deferred, WAITING, "X06 each of those that wait is deferred", letters=list(crowd.letters.values())[:3])
        if FULL:
            tap.ok(max(crowd.ended.values()) < TIMEOUT + 1, "X06 within %.1f s" % max(crowd.ended.values()))
        target.await_messages(mark + WAITING)
        crowd.close()
        network.server.rules.dead = False
        again = network.fresh(len(cached))
        back, passed = latencies(target, again)
        tap.equal(passed, len(again), "X06 when the name server is back, the next message passes, and all others")
        if FULL:
            tap.ok(max(back) < 1, "X06 at once: %.0f ms at most" % (max(back) * 1000))
        tap.ok(wait_for(lambda: target.threads() <= threads, "threads to end"), "X06 nothing is left behind")
        target.lives(tap, "X06 the daemon", cached[0])


def idle(tap):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = 20000 if hard == resource.RLIM_INFINITY else min(hard, 20000)
    allowed = limit - 500 if FULL else 1024  # of the daemon
    with Target(wrapper=["prlimit", "--nofile=%d:%d" % (allowed, allowed), "--"]).start() as target:
        count = allowed - 124 - (allowed - 1024) // 50
        target.passes()
        threads, descriptors, before = target.threads(), target.descriptors(), memory(target.child)
        crowd = [Wire(target.address) for _ in range(count)]
        for wire in crowd:
            wire.open()
        tap.ok(target.descriptors() - descriptors >= count - 1, "X07 %d idle sessions under a limit of %d" % (count, allowed))
        grown = memory(target.child) - before
        if FULL and not SANITIZED:
            tap.ok(grown < 2 * count, "X07 take %.2f kB each" % (grown / count))
        tap.equal(target.threads(), threads, "X07 and no thread")
        tap.ok(target.passes(), "X07 a message passes beside them")
        more = [Wire(target.address) for _ in range(allowed - count + 50)]
        crowd[0].close()
        for wire in more + crowd[1:]:
            wire.close()
        wait_for(lambda: target.descriptors() <= descriptors + 2, "all connections to be seen to their end")
        tap.ok(target.passes(), "X07 a message passes when more had come than may")
        target.lives(tap, "X07 the daemon")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def slow(tap):
    """Bodies that trickle, within packets and in packets of one byte."""
    with Network() as network:
        target = network.target
        letter = Letter(network.signer.sign(message()))
        cached = [letter] * (200 if FULL else 30)
        latencies(target, cached)
        quiet, _ = rounds(target, cached)
        head = packets(*OPENING, *letter.mail(), *letter.rcpt(), *letter.header(), *letter.eoh())
        crowd = []
        for number in range(SLOW):
            wire = Wire(target.address)
            wire.raw(head + (packets(("B", b"x" * 60000))[:100] if number % 2 else b""))
            crowd.append(wire)
        threads, loud, lost = target.threads(), [], 0
        for _ in range(15 if FULL else 2):
            next_ = time.monotonic() + FULL
            for number, wire in enumerate(crowd):
                wire.raw(b"x" if number % 2 else packets(("B", b"x")))
            taken, passed = rounds(target, cached)
            loud.append(taken)
            lost += len(cached) - passed
            time.sleep(max(0, next_ - time.monotonic()))
        tap.equal(lost, 0, "X07 messages pass beside %d bodies of one byte a second" % SLOW)
        tap.equal(target.threads(), threads, "X07 which take no thread")
        if FULL:
            tap.ok(statistics.median(loud) < 3 * quiet, "X07 as fast as ever: p99 %.1f ms, and %.1f ms without" % (
                statistics.median(loud) * 1000, quiet * 1000))
        for wire in crowd:
            wire.close()
        target.lives(tap, "X07 the daemon", letter)


def crowded(target):
    """64 connections with a message each, all at once; how many are answered, or closed."""
    said = packets(*OPENING, *good().steps())
    try:
        crowd = Crowd(target, [said] * 64)
    except OSError:
        return False
    crowd.take_until(lambda: len(crowd.ended) == 64 or not crowd.selector.get_map(), 5)
    crowd.close()
    return True


def limited(tap, name, options, user):
    """
    A start under such a limit: None if it says that it cannot and why, else the daemon, which serves what it can and keeps
    no connection when the load is gone.
    """
    with Target(wrapper=["prlimit", *options, "--"]) as target:
        target.strict = False
        if user:
            target.configure(user=user)
            os.chmod(target.root, 0o755)
            os.chmod(target.file, 0o644)
        try:
            target.start()
        except (AssertionError, Closed, OSError):
            code = target.process.wait(60)
            target.process = None
            said = read(target.output).strip()
            return tap.ok(code in (75, 78) and said, "X07 %s: it says that it cannot start" % name, code=code, said=said) and None
        before = target.descriptors()
        for _ in range(3):
            crowded(target)
        gone = wait_for(lambda: target.descriptors() <= before + 8, "%s: connections to be closed" % name)
        tap.ok(gone and wait_for(target.revived, "a message to pass"), "X07 %s: it serves, and keeps no connection" % name)
        return True


def starts(tap):
    if SANITIZED:
        return
    served = [limited(tap, "%d MB of address space" % size, ["--as=%d" % (size << 20)], None)
              for size in (range(150, 601, 50) if FULL else (150, 350, 600))]
    tap.ok(served[-1], "X07 some start")
    if os.geteuid() != 0:
        return
    # A user whose processes nobody else starts; the limit counts them all.
    user = "games"
    pwd.getpwnam(user)
    served = [limited(tap, "%d threads" % count, ["--nproc=%d" % count], user)
              for count in (range(1, 13) if FULL else (1, 3, 4, 12))]
    tap.ok(served[-1] and not served[0], "X07 with 12 threads it starts, with one it does not")


def orphan(tap):
    """A filter whose parent was killed finishes what is in flight, and turns away what is new."""
    letter = good()
    with Target().start() as target:
        wire, idle_ = Wire(target.address).open(), Wire(target.address).open()
        wire.walk(letter.mail() + letter.rcpt())
        target.process.kill()
        target.process.wait()

        def turned_away():
            with Wire(target.address) as other:
                other.open()
                return other.walk(letter.mail() + letter.rcpt()) == "y" and other.reply.startswith(b"421 ")

        wait_for(turned_away, "it to begin nothing any more")
        wire.walk(letter.header())
        tap.equal([wire.walk(letter.eoh()), wire.walk(letter.end())], ["c", "c"], "a message in flight is finished")
        tap.ok(idle_.ended(), "and then it ends")
        target.event("stop")
        tap.equal([line["verdict"] for line in target.lines("verdict")], ["accept"], "with its line in the log")
        target.process = None


with Tap(needs_root=False) as points:
    for test in (outage, idle, slow, starts, orphan):
        points.case(test)
