# SPDX-License-Identifier: BSD-2-Clause
"""
Conversations of an MTA that goes astray, as lists of packets: steps in every order, messages after one another, macros
that are missing or of another step, interruptions, and sessions that follow on one connection.
"""

import itertools
import random

from lab import message
from lab.wire import (AUTH, CERTIFICATE, OPENING, SESSION, TLS, Letter, connect, helo, macros, mail, negotiation)
from milter.target import good

PLAIN = dict(SESSION)
WHOLE = {**SESSION, **TLS, **CERTIFICATE, **AUTH}
OLD = [negotiation(version=2, actions=0x31, steps=0x7f), connect(), helo()]
# Certificate and login, since the address is never listed; no refusal rests on one check, so that none waits.
STRICT = {"reject_unless": "tls and message and org and from and envelope and verp and 2 of (cert, auth, ip)",
          "ip": {"networks": ["192.0.2.0/24"], "spf": []}}


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


def permutations():
    """5040 orders of 7 steps, as one sequence of parts."""
    kinds = variants()
    extra = [[Part("abort", [("A", b"")])], [Part("helo", [helo()])]]
    sequence = []
    for number, order in enumerate(itertools.permutations(range(7))):
        mail_, rcpt_, header_, eoh_, body_, end_ = kinds[number % len(kinds)]
        whole = [[mail_], [rcpt_], [header_], [eoh_], [body_, end_]] + extra
        for index in order:
            sequence += whole[index]
    return sequence


def walk(steps=12000):
    """Longer disorder: parts of different messages mixed, mostly in a sensible order so that many nearly pass."""
    kinds = variants()
    chance = random.Random(20261121)
    extra = [Part("abort", [("A", b"")]), Part("helo", [helo()]), Part("connect", [connect()]),
             Part("data", [("T", b"")]), Part("unknown", [("U", b"NOOP\0")]), Part("negotiate", [negotiation()])]
    sequence = []
    step = 0
    for _ in range(steps):
        if chance.random() < 0.08:
            sequence.append(chance.choice(extra))
        step = chance.randrange(6) if chance.random() < 0.05 else (step + 1) % 6
        kind = kinds[0] if chance.random() < 0.9 else chance.choice(kinds)
        sequence.append(kind[step])
    return sequence


def packets_of(sequence):
    """The parts as one conversation."""
    return OPENING + [pair for part in sequence for pair in part.pairs]


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


def pairs_of_kinds(kinds):
    """Each kind of message after each other one."""
    return [kind for pair in itertools.product(kinds, kinds) for kind in pair]


def after_each_other(kinds, opening):
    return opening + [part for kind in pairs_of_kinds(kinds) for part in kinds[kind].steps()]


def signed_kinds(signer):
    return {
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


def lost(letter):
    """The steps of a message without any macros."""
    return [pair for pair in letter.steps() if pair[0] != "D"]


def stale_macros():
    """What an MTA told of one session or message says nothing of the next: (name, packets, messages that are refused)."""
    first = Letter(message(), macros=WHOLE)
    start = [negotiation(), connect()]
    return (
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


def interruptions():
    """RSET, HELO or another MAIL after each packet of a message: (name, conversations)."""
    whole, bad = good(), Letter(message(lk=None), sender="", macros=SESSION)
    steps = whole.steps()
    for what, between in (("RSET", [("A", b"")]), ("HELO", [helo()]), ("MAIL", [])):
        yield (what, [OPENING + steps[:count] + between + bad.steps() + whole.steps() for count in range(len(steps))])


def second_sessions():
    """QUIT_NC after a message; and in one, and without one, with a client that must not be taken for the first."""
    whole = good()
    after = OPENING + whole.steps() + [("K", b""), connect(), helo()] + whole.steps() + whole.steps()
    stranger = Letter(message(), macros={**SESSION, **TLS, "{client_addr}": "203.0.113.5", "{client_name}": "unknown"})
    others = [(name, OPENING + before + [("K", b""), connect("unknown", "203.0.113.5"), helo("x.example")] + stranger.steps())
              for name, before in (("in a message", whole.mail()), ("without a message", []))]
    return after, others
