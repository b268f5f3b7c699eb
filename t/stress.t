#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Many sessions at once while the configuration is reloaded again and again. Each message is judged as if it were alone,
under one configuration from its beginning to its end. In a build with ThreadSanitizer every data race it sees is a
failure. STRESS_MESSAGES: how many messages.
"""

import collections
import copy
import os
import random
import re
import signal
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dnsserver import DnsServer

from lab import message
from lab.process import read, wait_for, write
from lab.tap import Tap
from lab.wire import SESSION, STEPS, Closed, Letter, Wire, passes
from milter.daemon import org
from milter.signed import Signer
from milter.target import Target, good

SESSIONS = 64
MESSAGES = int(os.environ.get("STRESS_MESSAGES") or {"yes": 1500, "thread": 3000}.get(os.environ.get("SANITIZERS"), 2500))
RELOADS_MIN = 8


SENTENCE = "tls and message and org and from and envelope and dkim and ip"


def kinds(signer):
    """Messages, and what is to become of each under every configuration."""
    def signed(content, **options):
        return Letter(signer.sign(content, **options))
    every = [
        (signed(message()), "accept", None),
        (signed(message(extra=[("Authentication-Results", "relay.test; dkim=pass")] * 3)), "accept", None),
        (signed(message(body=("x" * 76 + "\r\n") * 3000)), "accept", None),
        (Letter(signer.sign(message()), recipients=["u%d@dest.test" % i for i in range(20)]), "accept", None),
        (Letter(signer.sign(message()), macros=SESSION), "reject", "tls-absent"),
        (signed(message(lk=None)), "reject", "org-absent"),
        (signed(message(lk="00D4x000004z0H4")), "reject", "org-unknown"),
        (signed(message(author="x@attack.example")), "reject", "from-domain"),
        (Letter(signer.sign(message()), sender="x@attack.example"), "reject", "envelope-domain"),
        (Letter(message()), "reject", "dkim-none"),
        (signed(message(), domain="attack.example"), "reject", "dkim-unaligned"),
        (Letter(signer.sign(message()).replace("Thank", "Thonk")), "reject", "dkim-bodyhash"),
        (signed(message(), selector="gone"), "reject", "dkim-key"),
        (signed(message(), selector="failing"), "tempfail", "dkim-temperror"),
    ]
    # Whether it is the key or the time that is given up first is a matter of chance.
    return every * 8 + [(signed(message(), selector="silent"), "tempfail", None)]


def name_server(signer):
    server = DnsServer()
    for name in signer.names:
        server.add(name, "TXT", signer.text)
    server.add("_spf.test", "TXT", '"v=spf1 include:_more.test -all"')
    server.add("_more.test", "TXT", '"v=spf1 ip4:13.110.0.0/16 -all"')
    server.rules["failing._domainkey.example.com"] = "servfail"
    server.rules["silent._domainkey.example.com"] = "drop"
    return server.start()


class Configurations:
    """
    Two that differ in name, contact and resolver, and one that is wrong; each takes the file's place at once. server:
    the address of the name server.
    """

    def __init__(self, target, server):
        self.target = target
        self.texts = []
        for number, name in enumerate(("one", "two")):
            networks = ["198.51.100.%d/32" % i for i in range(100)]
            orgs = org(name=name, reject_unless=SENTENCE, ip={"networks": networks, "spf": ["_spf.test"]})
            target.configure(reply_contact="contact-" + name, orgs=orgs, message_timeout=2,
                             dns={"nameservers": [server], "cache_ttl_max": 60 + number})
            self.texts.append(read(target.file))
        self.texts.append(self.texts[0] + "no_such_option: 1\n")
        self.put(0)

    def put(self, number):
        write(self.target.file + ".new", self.texts[number])
        os.replace(self.target.file + ".new", self.target.file)


class Session(threading.Thread):
    """One client: messages over a connection that it renews or drops now and then."""

    def __init__(self, target, every, number, count):
        super().__init__(daemon=True)
        self.target = target
        self.every = every
        self.chance = random.Random(number)
        self.count = count
        self.wrong = []
        self.replies = {}  # the contact that was named, by message
        self.dropped = 0
        self.judged = 0

    def run(self):
        wire = None
        try:
            for _ in range(self.count):
                wire = wire or Wire(self.target.address).open(steps=self.chance.choice((STEPS, STEPS, 0x7f)))
                self.one(wire, *self.chance.choice(self.every))
                if self.chance.random() < 0.1:
                    wire = self.leave(wire)
        except (OSError, Closed, ValueError) as error:
            self.wrong.append(repr(error))
        if wire:
            wire.close()

    def one(self, wire, letter, verdict, reason):
        outcome = wire.deliver(letter)
        self.judged += 1
        if passes(outcome) != (verdict == "accept"):
            self.wrong.append((outcome, verdict, reason))
        if verdict != "accept":
            found = re.search(rb" ([a-z-]+): .*\(id (\w+)\) contact-(\w+)", wire.reply)
            if not found or reason not in (None, found.group(1).decode()):
                self.wrong.append((wire.reply, reason))
            else:
                self.replies[found.group(2).decode()] = found.group(3).decode()

    def leave(self, wire):
        """End the connection: politely, or in a message."""
        if self.chance.random() < 0.5:
            wire.step(("Q", b""))
        else:
            steps = good().steps()
            for pair in steps[:2 + self.chance.randrange(len(steps) - 4)]:
                wire.step(pair)
            wire.rest()
            self.dropped += 1
        wire.close()


def reload_until(target, configurations, over):
    """Reload every 100 ms until all is over and it has happened often enough."""
    number = 0
    while not over.wait(0.1) or number < RELOADS_MIN:
        number += 1
        configurations.put((0, 1, 0, 1, 2)[number % 5])
        target.process.send_signal(signal.SIGUSR1)
    return number


def stress(tap):
    with Target() as target:
        signer = Signer(target.root)
        server = name_server(signer)
        configurations = Configurations(target, server.address)
        every = kinds(signer)
        target.start()
        threads = target.threads()
        over = threading.Event()
        reloads = threading.Thread(target=reload_until, args=(target, configurations, over), daemon=True)
        reloads.start()
        sessions = [Session(target, every, number, MESSAGES // SESSIONS) for number in range(SESSIONS)]
        for session in sessions:
            session.start()
        for session in sessions:
            session.join()
        over.set()
        reloads.join()
        check(tap, target, sessions)
        tap.ok(wait_for(lambda: target.threads() <= threads, "threads to end"), "resolvers that were replaced have ended")
        target.lives(tap, letter=every[0][0])
        tap.equal(target.stop(), 0, "the daemon ends")
        tap.equal(target.complaints(), [], "nothing is found at its end", log=tail(target))
        server.stop()


def tail(target):
    return "\n".join(line for line in target.since(0) if not line.startswith("ev="))[:8000]


def check(tap, target, sessions):
    judged = sum(session.judged for session in sessions)
    dropped = sum(session.dropped for session in sessions)
    wrong = [what for session in sessions for what in session.wrong]
    tap.equal((judged, wrong[:5]), (MESSAGES // SESSIONS * SESSIONS, []), "%d messages are judged right" % judged,
              log=tail(target))
    target.await_messages(judged + dropped)
    lines = target.messages()
    tap.equal((len(lines), len({line["sid"] for line in lines})), (judged + dropped, judged + dropped),
              "one line for each, and for each of %d that were dropped" % dropped)
    names = {line["sid"]: line.get("org_name") for line in lines}
    contacts = {sid: name for session in sessions for sid, name in session.replies.items()}
    mixed = [sid for sid, name in contacts.items() if names.get(sid, name) not in (None, name)]
    tap.equal(mixed, [], "none is judged under one configuration and answered under another")
    tap.equal({"one", "two"} - set(names.values()), set(), "both configurations were used")
    results = {line.get("result") for line in target.lines("reload")}
    tap.equal(results, {"ok", "failed"}, "%d reloads, good and bad ones" % len(target.lines("reload")))


class Unstopped(Session):
    """A client that goes on until it is turned away or its connection is closed; answered: by queue ID."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.answered = {}
        self.sent = set()

    def run(self):
        number = 0
        try:
            while True:
                with Wire(self.target.address).open() as wire:
                    for _ in range(5):
                        letter, verdict, reason = self.chance.choice(self.every)
                        number += 1
                        letter = copy.copy(letter)
                        letter.queue_id = "Q%dx%d" % (id(self), number)
                        self.sent.add(letter.queue_id)
                        outcome = wire.deliver(letter)
                        if outcome[1] == "y" and wire.reply.startswith(b"421"):
                            self.sent.discard(letter.queue_id)
                            return
                        self.answered[letter.queue_id] = passes(outcome)
                        if passes(outcome) != (verdict == "accept"):
                            self.wrong.append((outcome, verdict, reason))
        except (OSError, Closed):
            pass


def stop_under_load(tap):
    """SIGTERM in the middle of 64 busy sessions and reloads: what was answered is in the log, once, with that verdict."""
    with Target() as target:
        signer = Signer(target.root)
        server = name_server(signer)
        configurations = Configurations(target, server.address)
        every = [kind for kind in kinds(signer) if kind[1] == "accept" or kind[2] not in ("tls-absent", None)]
        target.start()
        over = threading.Event()
        reloads = threading.Thread(target=reload_until, args=(target, configurations, over), daemon=True)
        sessions = [Unstopped(target, every, number, 0) for number in range(SESSIONS)]
        for session in sessions:
            session.start()
        reloads.start()
        wait_for(lambda: len(target.messages()) > 4 * SESSIONS, "messages under way")
        over.set()
        reloads.join()
        tap.equal(target.stop(), 0, "it ends in the middle of it")
        for session in sessions:
            session.join()
        answered = {name: passed for session in sessions for name, passed in session.answered.items()}
        lines = [line for line in target.messages() if line["ev"] == "verdict"]
        logged = collections.Counter(line["qid"] for line in lines if "qid" in line)
        verdicts = {line["qid"]: line["verdict"] == "accept" for line in lines if "qid" in line}
        tap.equal([name for name in answered if logged[name] != 1], [], "each of %d messages that were answered has its line" %
                  len(answered))
        tap.equal([name for name, passed in answered.items() if verdicts.get(name) != passed], [], "which says the same")
        sent = {name for session in sessions for name in session.sent}
        tap.equal([name for name in logged if name not in sent], [], "and there is none for what was turned away")
        tap.equal([what for session in sessions for what in session.wrong], [], "all are judged right")
        tap.equal(target.complaints(), [], "nothing is found at its end", log=tail(target))
        server.stop()


with Tap(needs_root=False) as points:
    points.case(stress)
    points.case(stop_under_load)
