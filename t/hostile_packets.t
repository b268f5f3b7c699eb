#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Packets of the milter protocol that are cut, false or too large, and connections that do not go on. Nothing of it passes,
the daemon lives on, and the log does not run over. The names of points begin with those of the catalogue of attacks.
"""

import os
import random
import resource
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.process import read, wait_for
from lab.tap import Tap
from lab.wire import (ADDHDRS, CHGHDRS, DATA_MAX, NEEDED, OPENING, QUARANTINE, SETSYMLIST, Answers, Closed, Letter, Wire,
                      connect, header, helo, macros, mail, negotiation, packet, packets, passes, strings, text)
from milter.daemon import org
from milter.target import Target, good

START = packets(*OPENING)


def letters(answers):
    return [letter for letter, _ in answers]


def whole(letter=None):
    return START + packets(*(letter or good()).steps())


def with_fields(*fields):
    """A good message with more packets before its header, up to its end."""
    letter = good()
    return START + packets(*letter.mail(), *letter.rcpt()) + b"".join(fields) + \
        packets(*letter.header(), *letter.eoh(), *letter.content(), *letter.end())


def with_field(name, *fields):
    """A good message with these packets in place of a field."""
    letter = good()
    kept = [pair for pair in letter.header() if not pair[1].startswith(name.encode() + b"\0")]
    return START + packets(*letter.mail(), *letter.rcpt()) + b"".join(fields) + \
        packets(*kept, *letter.eoh(), *letter.content(), *letter.end())


def with_mail(*pairs):
    """A good message with these packets in place of MAIL and its macros."""
    return START + packets(*pairs, *good().steps()[2:])


def said(lines):
    """What was logged beside the line that each message has of its own."""
    return [line for line in lines if "ev=abort" not in line]


def exchange(target, data):
    """The letters that answer these bytes, after which nothing follows."""
    with Wire(target.address) as wire:
        try:
            return letters(wire.exchange(data))
        except (Closed, BrokenPipeError, ConnectionResetError):
            return ["closed"]


def cuts(tap):
    """A conversation in two parts, at each offset; and ended there."""
    data = whole()
    for kind, every in (("unix", 1), ("inet", 7)):
        with Target(kind=kind).start() as target:
            alone = exchange(target, data)
            tap.equal(alone[-1], "c", "P01 %s: the message passes in one piece" % kind)
            wrong = []
            for offset in range(1, len(data), every):
                with Wire(target.address) as wire:
                    wire.send_apart(data, offset)
                    got = letters(wire.rest())
                    if got != alone:
                        wrong.append((offset, got))
            tap.equal(wrong, [], "P01 %s: the same in two, cut at each %d. of %d bytes" % (kind, every, len(data)))
            wrong = []
            for offset in range(0, len(data), every):
                got = exchange(target, data[:offset])
                if got != alone[:len(got)] or len(got) == len(alone):
                    wrong.append((offset, got))
            tap.equal(wrong, [], "P01 P02 %s: ended there, it does not pass" % kind)
            target.lives(tap, "P01 %s: the daemon" % kind)


def pieces(tap):
    """Byte by byte, and a message between whose bytes others are judged."""
    data = whole()
    with Target().start() as target, Wire(target.address) as wire:
        answers = Answers()
        for at in range(0, len(data), 64):
            for byte in range(at, min(at + 64, len(data))):
                wire.raw(data[byte:byte + 1])
            if not target.passes():
                tap.ok(False, "P01 another message passes meanwhile")
        tap.equal(letters(answers.feed(b"") + wire.rest())[-1], "c", "P01 a message byte by byte passes")
        target.lives(tap, "P01 the daemon")


def rubbish():
    return {
        "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "SMTP": b"EHLO relay.test\r\nMAIL FROM:<info@example.com>\r\n",
        "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(190),
        "NUL": bytes(4096),
        "0xff": b"\xff" * 4096,
        "half a length": b"\0\0",
        "a length and nothing": b"\0\0\0\r",
        "a negotiation cut": packets(negotiation())[:-1],
        "nothing": b"",
    }


def garbage(tap):
    with Target().start() as target:
        target.passes()
        for name, data in rubbish().items():
            mark = target.quiet()
            tap.ok(exchange(target, data) in ([], ["closed"]), "P01 %s is not answered" % name)
            tap.ok(len(target.since(mark)) <= 1, "P01 %s: one line in the log at most" % name, log=target.since(mark))
        chance = random.Random(20261121)
        data = bytearray(whole(Letter(message(lk=None))))
        passing = []
        for _ in range(1500):
            spoilt = bytearray(data)
            for _ in range(chance.choice((1, 1, 2, 5))):
                spoilt[chance.randrange(len(START), len(spoilt))] = chance.randrange(256)
            answers = exchange(target, bytes(spoilt))
            if answers.count("i") or answers[-1:] == ["c"] and len(answers) > 3:
                passing.append(bytes(spoilt))
        tap.equal(passing, [], "P01 of 1500 spoilt copies of a message without X-SFDC-LK none passes")
        target.lives(tap, "P01 the daemon")


def lengths(tap):
    """Lengths that are not those of the packet."""
    with Target().start() as target:
        letter = good()
        before = START + packets(*letter.mail(), *letter.rcpt())
        after = packets(*letter.header(), *letter.eoh(), *letter.end())
        for length in (0, 1, DATA_MAX + 1, DATA_MAX + 2, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff):
            got = exchange(target, before + packet("L", b"", length) + after)
            tap.ok(got in (["O", "c"], ["closed"]), "P01 length %d ends the session" % length, answers=got)
        for size, good_size in ((DATA_MAX - 1, True), (DATA_MAX, True), (DATA_MAX + 1, False), (DATA_MAX + 2, False)):
            got = exchange(target, with_fields(packet("L", strings("X-Large", "x" * (size - 9)))))
            tap.equal(got[-1] == "c" and "i" in got, good_size, "P01 a field of %d bytes" % size, answers=got)
            got = exchange(target, START + packet("D", b"M" + strings("{large}", "x" * (size - 10))) + packets(*letter.steps()))
            tap.equal(got[-1] == "c" and "i" in got, good_size, "P01 macros of %d bytes" % size, answers=got)
        target.lives(tap, "P01 the daemon")


def large(tap):
    """What is large, but well-formed."""
    letter = good()
    cases = {
        "X02 5,000 fields": (with_fields(*[packets(header("X-%d" % i, "x")) for i in range(5000)]), "y"),
        "X02 24 MB of header": (with_fields(*[packets(header("X-%d" % i, "x" * 60000)) for i in range(400)]), "y"),
        "X02 a field of 1 MB": (with_fields(packet("L", strings("X-Large", "x" * (1 << 20)))), None),
        "F18 a From of 60 KB": (with_field("From", packets(header("From", "x" * 60000 + "@example.com"))), "y"),
        "F18 10,000 commas": (with_field("From", packets(header("From", "," * 10000 + " info@example.com"))), "y"),
        "F18 10,000 parentheses": (with_field("From", packets(header("From", "(" * 10000 + " info@example.com"))), "y"),
        "O11 an X-SFDC-LK of 60 KB": (with_field("X-SFDC-LK", packets(header("X-SFDC-LK", "0" * 60000))), "y"),
        "E05 a sender of 64 KB": (with_mail(letter.mail()[0], mail("x" * 64000 + "@example.com")), "y"),
        "E05 a sender of 100 KB": (with_mail(letter.mail()[0], mail("x" * 100000 + "@example.com")), None),
        "T03 a TLS version of 60 KB": (with_mail(macros("M", {**letter.macros, "{tls_version}": "T" * 60000}),
                                                 letter.mail()[1]), "y"),
        "P01 macros of 100 KB": (with_mail(macros("M", {**letter.macros, "{tls_version}": "T" * 100000}),
                                           letter.mail()[1]), None),
        "E06 1,000 recipients": (whole(Letter(message(), recipients=["u%d@dest.test" % i for i in range(1000)])), "c"),
        "E06 the same 1,000 times": (whole(Letter(message(), recipients=["u@dest.test"] * 1000)), "c"),
        "X02 a body of 8 MB": (whole(Letter(message(body="x" * 76 + "\r\n" * (8 << 20) + "\r\n"))), "c"),
        "R01 200 forged results": (with_fields(*[packets(header("Authentication-Results", "relay.test; dkim=pass"))] * 200),
                                   "c"),
        "R11 201 forged results": (with_fields(*[packets(header("Authentication-Results", "relay.test; dkim=pass"))] * 201),
                                   "y"),
        "R06 a result of 60 KB": (with_fields(packets(header("Authentication-Results", "relay.test; " + "x" * 60000))), "c"),
    }
    with Target().start() as target:
        for name, (data, end) in cases.items():
            mark = target.quiet()
            got = exchange(target, data)
            if end is None:
                tap.ok(got in (["O"], ["O", "c"], ["closed"]), "%s: the session ends" % name, answers=got[:9])
            else:
                tap.equal(got[-1], end, "%s: %s" % (name, "passes" if end == "c" else "is refused"), answers=got[:9])
            lines = target.since(mark)
            tap.ok(len(said(lines)) <= 1 and len(lines) <= 2 and all(len(line) < 8192 for line in lines),
                   "%s: one line, not too long" % name, lines=[len(line) for line in lines])
        target.lives(tap, "X02 the daemon")


def negotiations(tap):
    """An MTA that cannot do what is needed is told no, and the log says why."""
    offers = {
        "version 0": (negotiation(version=0), "version too old"),
        "version 1": (negotiation(version=1), "version too old"),
        "version 4294967295": (negotiation(version=0xffffffff), "version too old"),
        "no data": (("O", b""), ""),
        "11 bytes": (("O", bytes(11)), "too short"),
        "no actions": (negotiation(actions=0), "remove header fields"),
        "all actions but adding": (negotiation(actions=0x1ff & ~ADDHDRS), "add header fields"),
        "all actions but removing": (negotiation(actions=0x1ff & ~CHGHDRS), "remove header fields"),
        "all actions but quarantine": (negotiation(actions=0x1ff & ~QUARANTINE), "quarantine messages"),
    }
    steps = good().steps()
    with Target().start() as target:
        for name, (offer, why) in offers.items():
            mark = target.quiet()
            tap.ok(exchange(target, packets(offer, connect(), helo(), *steps)) in ([], ["closed"]), "P04 refused: " + name)
            lines = target.since(mark)
            tap.ok(not why or any(why in line for line in lines), "P04 the log says so: " + name, lines=lines)
            tap.ok(len(lines) <= 2, "P04 once: " + name, lines=lines)
        for name, offer in (("version 2", negotiation(version=2)), ("version 7", negotiation(version=7)),
                            ("no list of macros", negotiation(actions=0x1ff & ~SETSYMLIST)),
                            ("the three actions alone", negotiation(actions=NEEDED)),
                            ("no protocol steps", negotiation(steps=0)),
                            ("all steps and more", negotiation(steps=0xffffffff)),
                            ("more actions", negotiation(actions=0xffffffff)),
                            ("a longer one", ("O", negotiation()[1] + b"\0\0\0\2{tls}\0"))):
            got = exchange(target, packets(offer, connect(), helo(), *steps))
            tap.equal(got[-1], "c", "P04 agreed: " + name)
            got = exchange(target, packets(offer, connect(), helo(), *Letter(message(lk=None)).steps()))
            tap.equal(got[-1], "y", "P04 and judged: " + name)
        mark = target.quiet()
        for name, opening in (("MAIL first", []), ("connection first", OPENING[1:])):
            got = exchange(target, packets(*opening, *steps))
            tap.equal(set(got[1:]), {"t"}, "P04 without a negotiation all is deferred: " + name, answers=got)
        tap.equal(["negotiate" in line for line in target.since(mark)], [True, True], "P04 and the log says so, each time")
        got = exchange(target, packets(*OPENING, negotiation(actions=0), *steps))
        tap.equal(got[-1], "c", "P04 a second negotiation changes nothing")
        target.lives(tap, "P04 the daemon")


def contents(tap):
    """Payloads that are not what their packet is for."""
    letter = good()
    first, rest = letter.mail(), letter.steps()[2:]
    before = START + packets(*letter.mail(), *letter.rcpt())
    after = packets(*letter.header(), *letter.eoh(), *letter.content(), *letter.end())
    judged = {
        "MAIL with an empty argument": START + packets(first[0], ("M", b"\0"), *rest),
        "MAIL with a NUL inside": START + packets(first[0], ("M", b"<info@example.com\0>\0"), *rest),
        "MAIL with another sender behind a NUL": START + packets(first[0], ("M", b"x@attack.example\0<info@example.com>\0"), *rest),
        "MAIL with CRLF": START + packets(first[0], ("M", b"<info@example.com>\r\nRCPT TO:<x@y>\0"), *rest),
        "a client of an unknown kind": packets(OPENING[0], connect(family="U"), helo(), *letter.steps()),
        "a client on a local socket": packets(OPENING[0], connect(family="L", address="/x"), helo(), *letter.steps()),
        "a client whose address is another in its macro": packets(OPENING[0], connect(address="203.0.113.5"), helo(),
                                                                  *letter.steps()),
        "X-SFDC-LK in the body": START + packets(*letter.mail(), *letter.rcpt(), *Letter(message(lk=None)).header(),
                                                 *letter.eoh(), ("B", b"X-SFDC-LK: 00D8d000003TRx3\r\n"), *letter.end()),
    }
    ending = {
        "MAIL without arguments": (START + packets(first[0], ("M", b""), *rest), "arguments of MAIL"),
        "MAIL without its NUL": (START + packets(first[0], ("M", b"<info@example.com>"), *rest), "arguments of MAIL"),
        "RCPT without arguments": (START + packets(*first, ("R", b""), *rest[2:]), "arguments of RCPT"),
        "RCPT without its NUL": (START + packets(*first, ("R", b"<a@dest.test>"), *rest[2:]), "arguments of RCPT"),
        "HELO without its NUL": (packets(OPENING[0], OPENING[1], ("H", b"no.nul"), *letter.steps()), "HELO"),
        "HELO with a NUL inside": (packets(OPENING[0], OPENING[1], ("H", b"a\0b\0"), *letter.steps()), "HELO"),
        "a field without its NUL": (before + packets(("L", b"X-A\0 x")) + after, "header field"),
        "a field without a value": (before + packets(("L", b"X-A\0")) + after, "header field"),
        "a field without a name": (before + packets(("L", b"\0\0")) + after, "header field"),
        "an empty field": (before + packets(("L", b"")) + after, "header field"),
        "X-SFDC-LK behind a NUL in another field": (before + packets(
            ("L", b"X-A\0 x\0X-SFDC-LK\0 00D8d000003TRx3\0"), *Letter(message(lk=None)).header()) + after, "header field"),
        "an unknown command": (before + packets(("?", b"x\0")) + after, "none of the commands"),
        "an unknown command with a high bit": (before + packets((b"\xcc", b"x\0")) + after, "none of the commands"),
        "a piece of body without bytes": (START + packets(*letter.steps()[:-2], ("B", b""), *letter.end()), "body"),
        "a client without a NUL": (packets(OPENING[0], ("C", b"abc"), helo(), *letter.steps()), "client"),
        "a client without an address": (packets(OPENING[0], ("C", b"abc\0004\0"), helo(), *letter.steps()), "client"),
        "a client of no known family": (packets(OPENING[0], connect(family="X"), helo(), *letter.steps()), "family"),
        "a client with too long a path": (packets(OPENING[0], connect(family="L", address="/x" * 200), helo(),
                                                  *letter.steps()), "path too long"),
    }
    with Target().start() as target:
        for name, data in judged.items():
            got = exchange(target, data)
            tap.ok(got[-1] == "y" and "i" not in got, "P03 refused: " + name, answers=got)
        for name, (data, why) in ending.items():
            mark = target.quiet()
            got = exchange(target, data)
            tap.ok("i" not in got and len(got) <= 4 and got.count("c") <= 2, "P03 ends the session: " + name, answers=got)
            lines = target.since(mark)
            tap.ok(len(said(lines)) == 1 and len(lines) <= 2 and why in said(lines)[0], "P03 one line says why: " + name,
                   lines=lines)
        got = exchange(target, START + packets(*letter.steps()[:-2], ("E", letter.body)))
        tap.ok("c" not in got[4:], "P03 a body within the end of message does not pass", answers=got)
        target.lives(tap, "P03 the daemon")


def false_macros(tap):
    """
    Lists of macros that are not names and values in turn, in place of those of each step and before those of each. From
    a name without a value libmilter would read past the end of its list.
    """
    steps = [("D", b"C{none}\0\0"), ("D", b"H{none}\0\0")] + good().steps()
    places = [at for at, pair in enumerate(steps) if pair[0] == "D"]
    lists = (b"{odd}\0", b"\0", b"{a}\0b\0{odd}\0", b"{odd}", b"{a}\0b", b"{a}\0b\0{odd}\0c", b"{odd}\0" * 4095)
    with Target().start() as target:
        for at in places:
            stage = steps[at][1][:1]
            wrong = []
            for what in lists:
                for kept in (0, 1):
                    mark = target.quiet()
                    pairs = steps[:at] + [("D", stage + what)] + steps[at + 1 - kept:]
                    got = exchange(target, START + packets(*pairs))
                    lines = target.since(mark)
                    if "i" in got or len(said(lines)) != 1 or "list of macros" not in said(lines)[0]:
                        wrong.append((what[:32], kept, got, lines))
            tap.equal(wrong[:3], [], "P03 a false list of macros for %s ends the session" % stage.decode())
        got = exchange(target, START + packets(("D", b""), *good().steps()))
        tap.equal(got, ["O"], "P03 a list of macros for nothing ends the session")
        got = exchange(target, START + packets(("D", b"Z{a}\0b\0"), ("D", b"M"), *good().steps()))
        tap.equal(got[-1], "c", "P03 a list for an unknown step, and an empty one, are overlooked")
        target.lives(tap, "P03 the daemon")


def addresses(tap):
    """Texts in the connect packet that inet_aton(3) reads as the address that is listed, and inet_pton(3) does not."""
    false = [("4", "13.7212758"), ("4", "013.110.014.214"), ("4", "0x0d.110.14.214"), ("4", "225316566"), ("4", "13.110.14.214 "),
             ("4", "13.110.14.214 x"), ("4", "::ffff:13.110.14.214"), ("6", "13.110.14.214"), ("6", "::ffff:13.7212758"), ("4", "")]
    with Target(orgs=org(reject_unless="org and from and ip")).start() as target:
        for family, address in [("4", "13.110.14.214"), ("6", "::ffff:13.110.14.214")] + false:
            with Wire(target.address) as wire:
                wire.negotiate()
                wire.step(connect(address=address, family=family))
                wire.step(helo())
                letter = good()
                letter.macros = {name: value for name, value in letter.macros.items() if name != "{client_addr}"}
                outcome = wire.deliver(letter)
            known = (family, address) not in false
            line = target.messages()[-1]
            tap.equal((passes(outcome), line["r_ip"], line.get("reason"), line.get("client")),
                      (True, "pass", None, "13.110.14.214") if known else (False, "fail", "ip-unknown", None),
                      "I09 %s, %r is %s" % (family, address, "an address" if known else "no address"))
        target.lives(tap, "I09 the daemon")


def crowds(tap):
    """Connections that do nothing, and such that stop within a packet."""
    count = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY:
        count = min(count, hard - 300)
    with Target().start() as target:
        mark, before = target.quiet(), target.descriptors()
        for name, said in (("that say nothing", b""), ("in a session", START), ("in the header of a message",
                           START + packets(*good().steps()[:9]))):
            crowd = [Wire(target.address) for _ in range(count)]
            for wire in crowd:
                wire.raw(said)
            tap.ok(target.passes(), "X07 a message passes beside %d connections %s" % (count, name))
            for wire in crowd:
                wire.close()
        threads = target.threads()
        crowd = [Wire(target.address) for _ in range(300)]
        for wire in crowd:
            wire.send_apart(START[:-3], len(START) - 3)
        tap.ok(target.passes(), "X07 a message passes beside %d connections that stop within a packet" % len(crowd))
        tap.ok(wait_for(lambda: target.threads() <= threads + 2, "their threads to end"), "X07 and they hold no thread")
        for wire in crowd:
            wire.close()
        wait_for(lambda: target.descriptors() <= before + 8, "all connections to be seen to their end")
        lines = target.since(mark)
        tap.ok(len(lines) <= count + 4, "X07 one line for each message", lines=len(lines))
        target.lives(tap, "X07 the daemon")
    with Target(wrapper=["prlimit", "--nofile=40:40", "--"]).start() as target:
        crowd = [Wire(target.address) for _ in range(60)]
        for wire in crowd:
            wire.raw(START)
        wait_for(lambda: "connections are taken" in read(target.output), "the line that says that all connections are taken")
        for wire in crowd:
            wire.close()
        tap.ok(wait_for(target.revived, "a message to pass"), "X07 a message passes after all descriptors were taken")
        told = [line["text"] for line in target.lines("warning") if "connections are taken" in line["text"]]
        tap.ok(len(told) == 1 and "LimitNOFILE" in told[0], "X07 one line says that all connections are taken", told=told)
        target.lives(tap, "X07 the daemon")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


with Tap(needs_root=False) as points:
    for test in (cuts, pieces, garbage, lengths, large, negotiations, contents, addresses, false_macros, crowds):
        points.case(test)
