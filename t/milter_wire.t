#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What miltertest cannot send or see: missing actions, the order of changes, replies, steps out of order, garbage."""

import itertools
import os
import signal
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import message
from lab.tap import Tap
from lab.wire import (ACTIONS, ADDHDRS, CHGHDRS, DATA_MAX, LEADSPC, NEEDED, QUARANTINE, SETSYMLIST, SKIP, STEPS, Letter, Wire,
                      connect, edit, helo, mail, negotiation, rcpt, strings)
from milter.daemon import Daemon, org
from milter.target import good


def head(letter):
    """The steps of a message down to the last field of its header."""
    return letter.mail() + letter.rcpt() + letter.header()


def actions(tap):
    """An MTA that cannot do what a verdict may need is refused; to it the filter is down."""
    with Daemon().start() as daemon:
        for missing, part in ((ADDHDRS, "add header fields"), (CHGHDRS, "remove header fields"),
                              (QUARANTINE, "quarantine messages")):
            with Wire(daemon.path) as wire:
                wire.send(negotiation(actions=ACTIONS & ~missing))
                tap.ok(wire.ended(), "refused: an MTA that does not let " + part)
            text = daemon.lines("error")[-1]["text"]
            tap.contains(text, part, "the log names it")
            tap.contains(text, "milter_protocol", "and what to do")
        with Wire(daemon.path) as wire:
            wire.send(negotiation(version=1))
            tap.ok(wire.ended(), "refused: version 1 of the protocol")
        for _ in range(2):
            with Wire(daemon.path) as wire:
                wire.negotiate(actions=NEEDED)
                tap.equal(wire.symbols, {}, "no macros are asked for where they cannot be")
        tap.equal(len([line for line in daemon.lines("warning") if "macros" in line["text"]]), 1, "which is warned about once")
        with Wire(daemon.path) as wire:
            wire.negotiate()
            tap.equal(wire.actions, NEEDED | SETSYMLIST, "the actions asked for")
            for name in ("{v}", "j", "{tls_version}", "{cert_issuer}", "{verify}", "{auth_authen}", "{client_addr}"):
                tap.contains(wire.symbols[2], name, "asked for at MAIL: " + name)
            tap.contains(wire.symbols[3], "{rcpt_mailer}", "asked for at RCPT: {rcpt_mailer}")
            tap.contains(wire.symbols[6], "i", "asked for at the end of the header: i")


def order(tap):
    """From the highest index down, before anything is inserted."""
    forged = message(extra=[("X-SFDC-Relay", "forged"), ("Authentication-Results", "relay.test; dkim=pass"),
                            ("Authentication-Results", "other.test; dkim=pass"), ("x-sfdc-relay", "forged"),
                            ("Authentication-Results", "Relay.Test 1; spf=pass")])
    with Daemon().start() as daemon:
        for steps, space in ((STEPS, " "), (STEPS & ~LEADSPC, "")):
            with Wire(daemon.path) as wire:
                wire.open(steps=steps).deliver(Letter(forged, space=space))
                edits = [edit(*answer) for answer in wire.edits]
                got = [(kind, index, name) if kind == "i" else (kind, index, name, value) for kind, index, name, value in edits]
                tap.equal(got, [("m", 3, "Authentication-Results", ""), ("m", 1, "Authentication-Results", ""),
                                ("m", 2, "X-SFDC-Relay", ""), ("m", 1, "X-SFDC-Relay", ""),
                                ("i", 0, "X-SFDC-Relay"), ("i", 0, "Authentication-Results")], "removals first")
                tap.ok(all(value.startswith(space + "relay.test") for kind, _, _, value in edits if kind == "i"),
                       "values begin with %r" % space, edits=edits)


def quarantine(tap):
    with Daemon(orgs=org(quarantine_unless="auth")).start() as daemon, Wire(daemon.path) as wire:
        tap.equal(wire.open().deliver(good()), ("E", "c"), "the message goes on")
        sid = daemon.messages()[0]["sid"]
        tap.equal(edit(*wire.edits[-1]), ("q", "sfdc-milter: auth-none (id %s)" % sid), "and is held, with the reason")


def replies(tap):
    with Daemon(reply_contact="100% help: https://relay.test/%s").start() as daemon, Wire(daemon.path) as wire:
        tap.equal(wire.open().deliver(good(lk=None)), ("N", "y"), "refused with a reply")
        reply = wire.reply.rstrip(b"\0").decode()
        line = daemon.messages()[0]
        tap.ok(reply.startswith("550 5.7.1 org-absent: "), "code, enhanced code and reason", reply=reply)
        tap.ok(reply.endswith("(id %s) 100%% help: https://relay.test/%%s".replace("%", "%%").replace("%%s", "%s", 1)
                              % line["sid"]), "identifier and contact, percent signs doubled", reply=reply)
        tap.equal(line["reply"], "550 5.7.1", "the same in the log")
        letter = Letter(message(), recipients=("a@dest.test", "b@dest.test"), macros={"j": "relay.test"})
        tap.equal(wire.walk(letter.mail()), None, "MAIL has no reply")
        first, reply = wire.walk(letter.rcpt()[:2]), wire.reply
        tap.equal([first, wire.walk(letter.rcpt()[2:])], ["y", "y"], "RCPT is refused")
        tap.equal(wire.reply, reply, "each with the same reply")
        tap.ok(reply.startswith(b"530 5.7.0 tls-absent: "), "code and reason", reply=reply)
        tap.equal(len(daemon.messages()), 2, "and one line")


def reload_early(tap):
    """What was agreed on before a reload still holds: a refusal then comes at the next step that has a reply."""
    letter = Letter(message(lk=None), macros={"j": "relay.test", "v": "Postfix 3.7.11"})
    with Daemon(orgs=org(mode="monitor")).start() as daemon, Wire(daemon.path) as old, Wire(daemon.path) as new:
        old.open()
        tap.equal([old.walk(letter.mail()), old.walk(letter.rcpt())], [None, None], "monitor: no reply to MAIL and RCPT")
        # An unknown command, though not wanted, is answered, so that MAIL has been seen for sure.
        old.send(("U", strings("FOO")))
        tap.equal([old.receive()[0], old.walk(letter.rcpt())], ["c", None], "an unknown command changes nothing")
        daemon.configure(early_reject="mail")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.event("reload")
        old.walk(letter.header())
        tap.equal([old.walk(letter.eoh()), old.walk(letter.content()), old.walk(letter.end())], ["c", "s", "c"],
                  "a message under way keeps its configuration")
        tap.equal([old.walk(letter.mail()), old.walk(letter.rcpt())], [None, None],
                  "the next is refused, but cannot be told so yet")
        tap.equal(old.walk(letter.eoh()), "y", "until the end of the header")
        tap.equal(new.open().walk(letter.mail()), "y", "a new session is told at MAIL")
        tap.equal([line["verdict"] for line in daemon.messages()], ["accept", "reject", "reject"], "one line for each message")


def body(tap):
    letter = good()
    with Daemon().start() as daemon, Wire(daemon.path) as wire:
        wire.open(steps=STEPS & ~SKIP).walk(head(letter))
        tap.equal([wire.walk(letter.eoh()), wire.walk(letter.content()), wire.step(("B", b"x" * DATA_MAX)),
                   wire.walk(letter.end())], ["c", "c", "c", "c"], "without SKIP the body is taken and ignored")
        tap.ok("size" not in daemon.messages()[0], "its size is not known", line=daemon.messages()[0])
        wire.walk(head(letter))
        tap.equal([wire.walk(letter.eoh()), wire.walk(letter.end())], ["c", "c"], "no body at all")


def disorder(tap):
    """Steps that are missing or come twice: an answer that lets nothing pass, or none, and the daemon lives on."""
    letter = good()
    with Daemon().start() as daemon:
        with Wire(daemon.path) as wire:
            wire.send(connect())  # is passed over, without an answer
            tap.equal(wire.step(mail(letter.sender)), "c", "MAIL before anything was negotiated")
            tap.equal(wire.step(rcpt()), "t", "is deferred at RCPT")
        with Wire(daemon.path) as wire:
            wire.negotiate()
            tap.equal([wire.walk(letter.mail()), wire.walk(letter.rcpt())], [None, "y"],
                      "MAIL without a connection: no address, no certificate")
        with Wire(daemon.path) as wire:
            wire.open().walk(letter.mail() + letter.rcpt())
            tap.ok(wire.step("E") in ("t", "y") and not wire.edits, "end of message without a header")
            wire.walk(letter.mail() + letter.rcpt())
            tap.ok(wire.walk(letter.content()) in ("c", "s") and wire.step("E") in ("t", "y") and not wire.edits,
                   "body without a header")
            tap.equal(wire.deliver(letter), ("E", "c"), "the next message is none the worse")
        with Wire(daemon.path) as wire:
            wire.open().step("Q")
        with Wire(daemon.path) as wire:
            wire.open().deliver(letter)
            wire.walk(["K", connect(), helo()])
            tap.equal(wire.walk(letter.mail() + letter.rcpt()), "t", "a session on a connection that is used again is not known")
        with Wire(daemon.path) as wire:
            tap.equal(wire.open().deliver(letter), ("E", "c"), "the daemon lives")


def garbage(tap):
    letter = good()
    with Daemon().start() as daemon:
        pieces = {"a web browser": b"GET / HTTP/1.0\r\n\r\n", "length 0": b"\0\0\0\0", "a length of 1 GB": b"\x40\0\0\0O",
                  "an unknown command": struct.pack("!I", 1) + b"?", "a short negotiation": struct.pack("!I", 5) + b"O\0\0\0\6",
                  "half a length": b"\0\0"}
        for name, data in pieces.items():
            with Wire(daemon.path) as wire:
                wire.raw(data)
                tap.equal(wire.rest(), [], "closed: " + name)
        with Wire(daemon.path) as wire:
            wire.open()
            for pair in (("H", b"no end"), ("M", b"no end"), ("L", b"no value\0"), ("C", b"")):
                wire.send(pair)
        with Wire(daemon.path) as wire:
            wire.open().step(helo("h" * 60000))
            tap.equal(wire.deliver(letter), ("E", "c"), "an overlong HELO")
        # Gone after MAIL, after RCPT, in the header, and after the header.
        for steps in itertools.accumulate([letter.mail(), letter.rcpt(), letter.header(), letter.eoh()]):
            with Wire(daemon.path) as wire:
                wire.open().walk(steps)
        with Wire(daemon.path) as wire:
            tap.equal(wire.open().deliver(letter), ("E", "c"), "the daemon lives")


with Tap(needs_root=False) as points:
    for test in (actions, order, quarantine, replies, reload_early, body, disorder, garbage):
        points.case(test)
