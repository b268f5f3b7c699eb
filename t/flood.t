#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Floods of mail whose keys lie with name servers that never answer, and genuine mail in between that needs a key which is
not cached: none of it is deferred, however the flood is made. And name servers that answer late.

FLOOD=full ("make check-flood") is the whole: forty messages a second for twenty seconds of each kind, and the time that
genuine mail takes compared with that of a quiet minute of the same run, the median of three. Without it all kinds come
at once for a few seconds, and only what became of the messages and what was asked is looked at.
"""

import json
import os
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dnsserver import DnsServer

from lab import message
from lab.tap import Tap
from lab.wire import SESSION, TLS, Letter, Wire, passes
from milter.daemon import ORG, org
from milter.signed import Signer
from milter.target import Target

FULL = os.environ.get("FLOOD") == "full"
RATE = 40            # messages a second
SECONDS = 20 if FULL else 2
TIMEOUT = 20 if FULL else 5
ROUNDS = 3 if FULL else 1
PAUSE = 0.03 if FULL else 0.1  # between two genuine messages
MONITORED = "00D4x000004z0H4"
LISTED, FOREIGN = "13.110.74.200", "198.51.100.7"
SENTENCE = "tls and message and org and from and envelope and dkim and (cert or auth or ip)"


def configure(target, server):
    orgs = org(domains=["example.com", "*.example.com"], reject_unless=SENTENCE, quarantine_unless="dmarc",
               warn_unless="spf", ip={"networks": [], "spf": ["_spf.test"]})
    orgs[MONITORED] = dict(orgs[ORG], mode="monitor", name="monitored", domains=["monitored.test"])
    target.configure(orgs=orgs, message_timeout=TIMEOUT, dns={"nameservers": [server.address]})


def zones(server, signer):
    server.add("_spf.test", "TXT", '"v=spf1 include:_more.test -all"')
    server.add("_more.test", "TXT", '"v=spf1 ip4:13.110.0.0/16 -all"')
    server.add("_dmarc.example.com", "TXT", '"v=DMARC1; p=reject"')
    server.add("example.com", "TXT", '"v=spf1 -all"')
    server.add("steady._domainkey.example.com", "TXT", signer.text, ttl=0)
    for zone in ("never.test", "dead.example.com", "_domainkey.example.com", "_domainkey.monitored.test"):
        server.rules["*." + zone] = "drop"
    server.rules["steady._domainkey.example.com"] = 0
    return server


def junk(domain, selector):
    return ("DKIM-Signature", "v=1; a=rsa-sha256; d=%s; s=%s; h=from:to:subject:date:content-type:mime-version; bh=%s; b=%s"
            % (domain, selector, "A" * 43 + "=", "B" * 88))


def forged(tag, number, author, lk, names):
    """A message with eight signatures; names gives d= and s= of each."""
    extra = [junk(*names(tag, number, each)) for each in range(8)]
    return message(author=author % {"tag": tag, "n": number}, lk=lk, extra=extra)


def stranger(tag, number, each):
    return "%s-%d-%d.never.test" % (tag, number, each), "s"


def invented(tag, number, each):
    return "example.com", "%s-%d-%d" % (tag, number, each)


def dead(tag, number, each):
    return "%s-%d.dead.example.com" % (tag, number), "s%d" % each


def monitored(tag, number, each):
    return ("monitored.test", "%s-%d-%d" % (tag, number, each)) if each < 4 else stranger(tag, number, each)


# What is forged, from where, what becomes of it, and how many questions each message may make us ask. The tag tells by the
# names that are asked who made us ask.
KINDS = {
    "strangers' signatures": ("info@example.com", ORG, stranger, FOREIGN, {"y"}, 0),
    "strangers' signatures, from the address of genuine mail": ("info@example.com", ORG, stranger, LISTED, {"y"}, 0),
    "selectors of ours that do not exist": ("info@example.com", ORG, invented, FOREIGN, {"y"}, 0),
    "selectors of ours that do not exist, from the address of genuine mail":
        ("info@example.com", ORG, invented, LISTED, {"t", "y"}, 2),
    "a subdomain that is dead": ("info@%(tag)s-%(n)d.dead.example.com", ORG, dead, LISTED, {"t", "y"}, 4),
    "an organization that is monitored": ("info@monitored.test", MONITORED, monitored, FOREIGN, {"c", "a"}, 6),
}
TAGS = {kind: "k%d" % number for number, kind in enumerate(KINDS)}


class Flood:
    """Forged messages at a steady rate, in a process of its own, so that they do not stand in the way of the genuine."""

    def __init__(self, target, kinds, seconds):
        self.target = target
        self.kinds = [(TAGS[kind],) + KINDS[kind] for kind in kinds]
        self.count = int(RATE * seconds)
        self.outcomes = []

    def start(self):
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(reading)
                self.run()
                os.write(writing, json.dumps(self.outcomes).encode())
                status = 0
            finally:
                os._exit(status)
        os.close(writing)
        self.reading = reading
        return self

    def run(self):
        began = time.monotonic()
        threads = []
        for number in range(self.count):
            time.sleep(max(0, began + number / RATE - time.monotonic()))
            threads.append(threading.Thread(target=self.one, args=(number, self.kinds[number % len(self.kinds)])))
            threads[-1].start()
        for thread in threads:
            thread.join()

    def one(self, number, kind):
        tag, author, lk, names, address, *_ = kind
        letter = Letter(forged(tag, number, author, lk, names), macros=dict(SESSION, **TLS, **{"{client_addr}": address}),
                        sender="info@example.com" if lk == ORG else "info@monitored.test")
        with Wire(self.target.address, 120) as wire:
            wire.open(address=address)
            self.outcomes.append((number, wire.deliver(letter)[1], wire.reply.decode("latin-1")[:40]))

    def end(self):
        """(number, answer, reply) of each message."""
        data = b""
        while piece := os.read(self.reading, 1 << 16):
            data += piece
        os.close(self.reading)
        os.waitpid(self.pid, 0)
        return json.loads(data)


class Genuine:
    """Mail with keys that are never cached: by one selector, and by ever new ones."""

    def __init__(self, target, server, signer):
        self.server = server
        self.target = target
        self.letters = {"steady": Letter(signer.sign(message(), selector="steady"))}
        self.signer = signer
        self.number = 0

    def _letter(self):
        self.number += 1
        if self.number % 2:
            return self.letters["steady"]
        domain = "mail.example.com"
        self.server.add("new%d._domainkey.%s" % (self.number, domain), "TXT", self.signer.text, ttl=0)
        return Letter(self.signer.sign(message(author="info@" + domain), domain=domain, selector="new%d" % self.number))

    def send(self, seconds):
        """Seconds that each took, and what was answered to those that were not accepted."""
        times, wrong = [], []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            letter = self._letter()
            began = time.monotonic()
            with Wire(self.target.address, 120) as wire:
                outcome = wire.open(address=LISTED).deliver(letter)
                times.append(time.monotonic() - began)
                if not passes(outcome):
                    wrong.append((outcome, wire.reply))
            time.sleep(PAUSE)
        return times, wrong


def p99(times):
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


def judge_flood(tap, server, kinds, outcomes):
    """What became of the forged messages, and what they made us ask."""
    tap.equal(len(outcomes), RATE * SECONDS, "every message of the flood was answered")
    expected = [KINDS[kind][4] for kind in kinds]
    wrong = [each for each in outcomes if each[1] not in expected[each[0] % len(kinds)]]
    tap.equal(wrong[:3], [], "as it is to be")
    for kind in kinds:
        names = {name for name, _, _ in server.seen if any(label.startswith(TAGS[kind] + "-") for label in name.split("."))}
        most = KINDS[kind][5] * -(-RATE * SECONDS // len(kinds))
        tap.ok(len(names) <= most, "%s: %d questions at most for each message" % (kind, KINDS[kind][5]), asked=len(names), most=most)


def flood(tap, target, server, genuine, kinds):
    quiet, loud = [], []
    for _ in range(ROUNDS):
        quiet_times, wrong = genuine.send(SECONDS)
        tap.equal(wrong[:3], [], "quiet: %d genuine messages are accepted" % len(quiet_times))
        server.seen.clear()
        attack = Flood(target, kinds, SECONDS).start()
        loud_times, wrong = genuine.send(SECONDS)
        tap.equal(wrong[:3], [], "%s: %d genuine messages are accepted, none is deferred" % (", ".join(kinds), len(loud_times)))
        judge_flood(tap, server, kinds, attack.end())
        quiet.append(p99(quiet_times))
        loud.append(p99(loud_times))
    if FULL:
        ratio = statistics.median(loud) / statistics.median(quiet)
        tap.ok(ratio < 2, "p99 of genuine mail stays below twice that of a quiet time", quiet=quiet, loud=loud, ratio=ratio)
        tap.note("%s: p99 %.1f ms, quiet %.1f ms" % (", ".join(kinds), 1000 * statistics.median(loud), 1000 * statistics.median(quiet)))


def floods(tap):
    with Target() as target:
        signer = Signer(target.root)
        server = zones(DnsServer(), signer).start()
        configure(target, server)
        target.start()
        genuine = Genuine(target, server, signer)
        genuine.send(0.1)
        for kinds in [[kind] for kind in KINDS] if FULL else [list(KINDS)]:
            flood(tap, target, server, genuine, kinds)
        target.lives(tap, letter=genuine.letters["steady"])
        server.stop()


def slow(tap):
    """Answers after 1, 3 and 8 seconds where message_timeout is 20, or in that proportion; alone and many at once."""
    crowd = 500 if FULL else 100
    with Target() as target:
        signer = Signer(target.root)
        server = zones(DnsServer(), signer)
        delays = [TIMEOUT * part / 20 for part in (1, 3, 8)]
        for number in range(len(delays)):
            for name in ("alone%d" % number, "crowd%d" % number):
                server.add(name + "._domainkey.example.com", "TXT", signer.text, ttl=0)
                server.rules[name + "._domainkey.example.com"] = delays[number]
        server.start()
        configure(target, server)
        target.start()
        for number, delay in enumerate(delays):
            tap.ok(target.passes(Letter(signer.sign(message(), selector="alone%d" % number))),
                   "a key that comes after %g of %d s" % (delay, TIMEOUT))
            letter = Letter(signer.sign(message(), selector="crowd%d" % number))
            results = []

            def send():
                results.append(target.passes(letter))
            threads = [threading.Thread(target=send) for _ in range(crowd)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            tap.equal((len(results), sum(results)), (crowd, crowd), "%d at once" % crowd)
        before = len(target.messages())
        with Wire(target.address, 120) as wire:
            outcome = wire.open().deliver(Letter(signer.sign(message(), selector="dead")))
        tap.equal((outcome, wire.reply[:9]), (("E", "y"), b"451 4.7.5"), "a key that never comes: deferred")
        target.await_messages(before + 1)
        line = target.messages()[before]
        tap.ok(line["reason"] == "dns-timeout" and int(line["ms"]) >= 1000 * TIMEOUT, "not before its time is up", line=line)
        if FULL:
            tap.ok(int(line["ms"]) < 1000 * TIMEOUT + 2000, "and not much later", line=line)
        server.stop()


with Tap(needs_root=False) as points:
    points.case(floods)
    points.case(slow)
