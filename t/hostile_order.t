#!/usr/bin/python3
"""
Steps of the milter protocol in every order: what is passed on is predicted and compared, message by message, in answers
and in the log. The names of points begin with those of the catalogue of attacks: P milter, T TLS, U AUTH, E envelope.
"""

import itertools
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.tap import Tap
from lab.wire import (AUTH, CERTIFICATE, OPENING, SESSION, STEPS, TLS, Letter, Order, Wire, connect, converse, helo,
                      macros, mail, negotiation, packets, passes)
from milter.daemon import org
from milter.signed import Signer
from milter.target import Target, good

PLAIN = dict(SESSION)
WHOLE = {**SESSION, **TLS, **CERTIFICATE, **AUTH}
STRICT = {"reject_unless": "tls and message and org and from and envelope and verp and cert and auth"}
TOLD = ("verdict", "reason", "why", "reply", "lk", "org", "from", "hfrom", "tls", "cert", "cert_issuer", "auth", "rcpts")


class Part:
    """A step of one message: what is sent for it, and whether the message may pass as far as this step goes."""

    def __init__(self, name, pairs, sound=True):
        self.name = name
        self.pairs = pairs
        self.sound = sound


def parts(letter, mail_sound=True, header_sound=True):
    return [Part("mail", letter.mail(), mail_sound), Part("rcpt", letter.rcpt()),
            Part("header", letter.header(), header_sound), Part("eoh", letter.eoh()), Part("body", letter.content()),
            Part("end", letter.end())]


def variants():
    """Messages that differ in what makes them acceptable."""
    bad_headers = [message(lk=None), message(lk="00D4x000004z0H4"), message(author="ceo@attack.example"),
                   message(extra=[("From", "ceo@attack.example")])]
    return [parts(good()), parts(Letter(message(), macros=PLAIN), mail_sound=False),
            parts(Letter(message(), sender="x@attack.example"), mail_sound=False)] + \
        [parts(Letter(content), header_sound=False) for content in bad_headers]


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
    pairs = list(OPENING)
    for part in sequence:
        expected.take(part)
        pairs += part.pairs
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
        kinds = variants()
        extra = [[Part("abort", [("A", b"")])], [Part("helo", [helo()])]]
        sequence = []
        for number, order in enumerate(itertools.permutations(range(7))):
            mail_, rcpt_, header_, eoh_, body_, end_ = kinds[number % len(kinds)]
            whole = [[mail_], [rcpt_], [header_], [eoh_], [body_, end_]] + extra
            for index in order:
                sequence += whole[index]
        expected = compare(tap, target, sequence, "P03 P05 5040 orders of 7 steps")
        tap.note("%d messages, %d of them pass" % (expected.messages, len(expected.passing)))
        target.lives(tap, "P03 the daemon")


def walks(tap):
    """Longer disorder: parts of different messages mixed, mostly in a sensible order so that many nearly pass."""
    with Target().start() as target:
        kinds = variants()
        chance = random.Random(20261121)
        extra = [Part("abort", [("A", b"")]), Part("helo", [helo()]), Part("connect", [connect()]),
                 Part("data", [("T", b"")]), Part("unknown", [("U", b"NOOP\0")]), Part("negotiate", [negotiation()])]
        sequence = []
        step = 0
        for _ in range(12000):
            if chance.random() < 0.08:
                sequence.append(chance.choice(extra))
            step = chance.randrange(6) if chance.random() < 0.05 else (step + 1) % 6
            kind = kinds[0] if chance.random() < 0.9 else chance.choice(kinds)
            sequence.append(kind[step])
        expected = compare(tap, target, sequence, "P03 P05 %d steps at random" % len(sequence))
        tap.ok(expected.messages > len(expected.passing) > 100, "many pass and many do not", passing=len(expected.passing))
        target.lives(tap, "P03 the daemon")


def told(line):
    """What a log line says of its message, but for what differs from one to the next by itself."""
    return {key: value for key, value in line.items() if key in TOLD or key.startswith("r_")}


def without(*names):
    return {name: value for name, value in WHOLE.items() if name not in names}


def kinds_of_message():
    return {
        "good": Letter(message(), macros=WHOLE),
        "null sender": Letter(message(), sender="", macros=WHOLE),
        "null sender, foreign From": Letter(message(author="x@attack.example"), sender="", macros=WHOLE),
        "foreign sender": Letter(message(), sender="x@attack.example", macros=WHOLE),
        "foreign From": Letter(message(author="x@attack.example"), macros=WHOLE),
        "two From": Letter(message(extra=[("From", "x@attack.example")]), macros=WHOLE),
        "no From": Letter(message(omit=("From",)), macros=WHOLE),
        "no LK": Letter(message(lk=None), macros=WHOLE),
        "LK of others": Letter(message(lk="00D4x000004z0H4"), macros=WHOLE),
        "two LK": Letter(message(lk=["00D8d000003TRx3"] * 2), macros=WHOLE),
        "no TLS": Letter(message(), macros=without(*TLS)),
        "no certificate": Letter(message(), macros=without(*CERTIFICATE)),
        "another certificate": Letter(message(), macros={**WHOLE, "{cert_subject}": "attack.example"}),
        "certificate not verified": Letter(message(), macros=without("{cert_issuer}")),
        "no AUTH": Letter(message(), macros=without(*AUTH)),
        "another user": Letter(message(), macros={**WHOLE, "{auth_authen}": "mallory@relay.test"}),
        "no macros": Letter(message(), macros={}),
        "two recipients": Letter(message(), recipients=("a@dest.test", "b@dest.test"), macros=WHOLE),
    }


OLD = [negotiation(version=2, actions=0x31, steps=0x7f), connect(), helo()]


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
        sequence = [kind for pair in itertools.product(kinds, kinds) for kind in pair]
        pairs = opening + [part for kind in sequence for part in kinds[kind].steps()]
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
        kinds = {
            "signed": Letter(signer.sign(message())),
            "signed, null sender": Letter(signer.sign(message()), sender=""),
            "not signed": Letter(message()),
            "signed by others": Letter(signer.sign(message(), "attack.example")),
            "signed by both": Letter(signer.sign(signer.sign(message()), "attack.example")),
            "another body": Letter(signer.sign(message()).replace("Thank", "Thonk")),
            "another subject": Letter(signer.sign(message()).replace("Subject: Your", "Subject: My")),
            "signed, without TLS": Letter(signer.sign(message()), macros=PLAIN),
            "foreign From, signed by the org": Letter(signer.sign(message(author="x@attack.example"))),
        }
        target.start()
        each_after_each(tap, target, kinds, ["signed", "signed, null sender", "signed by both"], "P05 DKIM")
        target.lives(tap, "P05 DKIM the daemon", kinds["signed"])


def lost(letter):
    """The steps of a message without any macros."""
    return [pair for pair in letter.steps() if pair[0] != "D"]


def stale_macros(tap):
    """What an MTA told of one session or message says nothing of the next."""
    first = Letter(message(), macros=WHOLE)
    start = [negotiation(), connect()]
    cases = (
        ("T05 MAIL without macros after a good message", OPENING + first.steps() + lost(first), [1]),
        ("T05 MAIL with an empty list of macros", OPENING + first.steps() + [("D", b"M")] + lost(first), [1]),
        ("T05 macros of a message that was aborted", OPENING + first.mail() + [("A", b"")] + lost(first), [0]),
        ("T05 macros of a message before HELO", OPENING + first.steps() + [helo()] + lost(first), [1]),
        ("T05 macros of the first HELO, and others with the second",
         start + [macros("H", WHOLE), helo(), macros("H", PLAIN), helo()] + lost(first), [0]),
        ("T05 macros of the end before MAIL", OPENING + [macros("E", WHOLE)] + lost(first), [0]),
        ("T05 macros of RCPT before MAIL", OPENING + [macros("R", WHOLE)] + lost(first), [0]),
        ("T05 macros after MAIL", OPENING + first.mail()[1:] + [macros("M", WHOLE)] + lost(first)[1:], [0]),
        ("T05 TLS that is told with RCPT only",
         OPENING + [macros("M", PLAIN), mail("info@example.com"), macros("R", WHOLE)] + lost(first)[1:], [0]),
        ("T04 MAIL before STARTTLS, the rest after HELO",
         OPENING + Letter(message(), macros=PLAIN).mail() + [macros("H", WHOLE), helo()] + first.steps()[2:], [0]),
        ("T04 and a whole message after it",
         OPENING + Letter(message(), macros=PLAIN).mail() + [macros("H", WHOLE), helo()] + first.steps(), []),
        ("U05 AUTH of a session that begins anew",
         OPENING + first.steps() + [helo()] + Letter(message(), macros=without(*AUTH)).steps(), [1]),
        ("U04 the author of AUTH= is nobody's login",
         OPENING + Letter(message(), macros={**without("{auth_authen}"), "{auth_author}": "sfuser@relay.test"}).steps(), [0]),
        ("U03 a line break in the login",
         OPENING + Letter(message(), macros={**WHOLE, "{auth_authen}": "sfuser@relay.test\r\nev=verdict"}).steps(), [0]),
    )
    with Target(orgs=org(**STRICT)).start() as target:
        for name, pairs, refused in cases:
            answers = converse(target.address, pairs)
            ends = sum(1 for pair in pairs if pair[0] == "E")
            got = sum(1 for place, letter in answers if pairs[place][0] == "E" and letter in "ca")
            tap.equal(got, ends - len(refused), "%s: %s" % (name, "refused" if refused else "passes"), answers=answers)
        tap.equal(target.lines("error"), [], "the log has no errors")
        target.lives(tap, "T05 the daemon", first)


def interruptions(tap):
    """RSET, HELO or the end of the connection after each packet of a message."""
    whole, bad = good(), Letter(message(lk=None), sender="", macros=SESSION)
    steps = whole.steps()
    with Target().start() as target:
        for what, between in (("RSET", [("A", b"")]), ("HELO", [helo()]), ("MAIL", [])):
            wrong = []
            for count in range(len(steps)):
                pairs = OPENING + steps[:count] + between + bad.steps() + whole.steps()
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
        pairs = OPENING + whole.steps() + [("K", b""), connect(), helo()] + whole.steps() + whole.steps()
        answers = converse(target.address, pairs)
        passing = [place for place, letter in answers if pairs[place][0] == "E" and letter in "ca"]
        tap.equal(passing, [len(OPENING + whole.steps()) - 1], "P02 QUIT_NC: the first session's message alone passes")
        later = [letter for place, letter in answers if place > passing[0]]
        tap.ok(later and set(later) == {"t"}, "P02 QUIT_NC: those that follow are deferred", later=later)
        # Elsewhere than after a message libmilter overlooks QUIT_NC, and the connection that follows, too.
        stranger = Letter(message(), macros={**SESSION, **TLS, "{client_addr}": "203.0.113.5", "{client_name}": "unknown"})
        for name, before in (("in a message", whole.mail()), ("without a message", [])):
            pairs = OPENING + before + [("K", b""), connect("unknown", "203.0.113.5"), helo("x.example")] + stranger.steps()
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
