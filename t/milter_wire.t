#!/usr/bin/python3
"""What miltertest cannot send or see: missing actions, the order of changes, replies, steps out of order, garbage."""

import os
import signal
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.tap import Tap
from milter.daemon import Daemon, org
from milter.wire import (ACTIONS, ADDHDRS, CHGHDRS, LEADSPC, QUARANTINE, SETSYMLIST, SKIP, STEPS, Closed, Wire,
                         good_fields, strings)


def actions(tap):
    """An MTA that cannot do what a verdict may need is refused; to it the filter is down."""
    with Daemon().start() as daemon:
        for missing, part in ((ADDHDRS, "add header fields"), (CHGHDRS, "remove header fields"),
                              (QUARANTINE, "quarantine messages")):
            with Wire(daemon.path) as wire:
                wire.send("O", struct.pack("!III", 6, ACTIONS & ~missing, STEPS))
                tap.ok(wire.ended(), "refused: an MTA that does not let " + part)
            text = daemon.lines("error")[-1]["text"]
            tap.contains(text, part, "the log names it")
            tap.contains(text, "milter_protocol", "and what to do")
        with Wire(daemon.path) as wire:
            wire.send("O", struct.pack("!III", 1, ACTIONS, STEPS))
            tap.ok(wire.ended(), "refused: version 1 of the protocol")
        for _ in range(2):
            with Wire(daemon.path) as wire:
                wire.negotiate(actions=ADDHDRS | CHGHDRS | QUARANTINE)
                tap.equal(wire.symbols, {}, "no macros are asked for where they cannot be")
        tap.equal(len([line for line in daemon.lines("warning") if "macros" in line["text"]]), 1, "which is warned about once")
        with Wire(daemon.path) as wire:
            wire.negotiate()
            tap.equal(wire.actions, ADDHDRS | CHGHDRS | QUARANTINE | SETSYMLIST, "the actions asked for")
            for name in ("v", "j", "{tls_version}", "{cert_issuer}", "{verify}", "{auth_authen}", "{client_addr}"):
                tap.contains(wire.symbols[2].replace("{v}", "v"), name, "asked for at MAIL: " + name)
            tap.contains(wire.symbols[3], "{rcpt_mailer}", "asked for at RCPT: {rcpt_mailer}")
            tap.contains(wire.symbols[6], "i", "asked for at the end of the header: i")


def order(tap):
    """From the highest index down, before anything is inserted."""
    with Daemon().start() as daemon:
        for steps, space in ((STEPS, " "), (STEPS & ~LEADSPC, "")):
            with Wire(daemon.path) as wire:
                wire.session(steps=steps)
                wire.message([("X-SFDC-Relay", "forged"), ("Authentication-Results", "relay.test; dkim=pass"),
                              ("Authentication-Results", "other.test; dkim=pass"), ("x-sfdc-relay", "forged"),
                              ("Authentication-Results", "Relay.Test 1; spf=pass")] + good_fields())
                got = [(kind, index, name) if kind == "insert" else (kind, index, name, value)
                       for kind, index, name, value in wire.edits]
                tap.equal(got, [("change", 3, "Authentication-Results", ""), ("change", 1, "Authentication-Results", ""),
                                ("change", 2, "X-SFDC-Relay", ""), ("change", 1, "X-SFDC-Relay", ""),
                                ("insert", 0, "X-SFDC-Relay"), ("insert", 0, "Authentication-Results")], "removals first")
                tap.ok(all(value.startswith(space + "relay.test") for kind, _, _, value in wire.edits if kind == "insert"),
                       "values begin with %r" % space, edits=wire.edits)


def quarantine(tap):
    with Daemon(orgs=org(quarantine_unless="auth")).start() as daemon, Wire(daemon.path) as wire:
        tap.equal(wire.session().message(good_fields()), "c", "the message goes on")
        sid = daemon.messages()[0]["sid"]
        tap.equal(wire.edits[-1], ("quarantine", "sfdc-milter: auth-none (id %s)" % sid), "and is held, with the reason")


def replies(tap):
    with Daemon(reply_contact="100% help: https://relay.test/%s").start() as daemon, Wire(daemon.path) as wire:
        tap.equal(wire.session().message(good_fields(lk=None)), "y", "refused with a reply")
        reply = wire.reply.rstrip(b"\0").decode()
        line = daemon.messages()[0]
        tap.ok(reply.startswith("550 5.7.1 org-absent: "), "code, enhanced code and reason", reply=reply)
        tap.ok(reply.endswith("(id %s) 100%% help: https://relay.test/%%s".replace("%", "%%").replace("%%s", "%s", 1)
                              % line["sid"]), "identifier and contact, percent signs doubled", reply=reply)
        tap.equal(line["reply"], "550 5.7.1", "the same in the log")
        tap.equal(wire.mail(macros={"j": "relay.test"}), None, "MAIL has no reply")
        first, reply = wire.rcpt("<a@dest.test>"), wire.reply
        tap.equal([first, wire.rcpt("<b@dest.test>")], ["y", "y"], "RCPT is refused")
        tap.equal(wire.reply, reply, "each with the same reply")
        tap.ok(reply.startswith(b"530 5.7.0 tls-absent: "), "code and reason", reply=reply)
        tap.equal(len(daemon.messages()), 2, "and one line")


def reload_early(tap):
    """What was agreed on before a reload still holds: a refusal then comes at the next step that has a reply."""
    plain = {"j": "relay.test", "v": "Postfix 3.7.11"}
    with Daemon(orgs=org(mode="monitor")).start() as daemon, Wire(daemon.path) as old, Wire(daemon.path) as new:
        old.session()
        tap.equal([old.mail(macros=plain), old.rcpt()], [None, None], "monitor: no reply to MAIL and RCPT")
        # An unknown command is answered, so that MAIL has been seen for sure.
        old.send("U", strings("FOO"))
        tap.equal([old.answer(), old.rcpt()], ["c", None], "an unknown command changes nothing")
        daemon.configure(early_reject="mail")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.event("reload")
        old.headers(good_fields(lk=None))
        tap.equal([old.eoh(), old.body(), old.eom()], ["c", "s", "c"], "a message under way keeps its configuration")
        tap.equal([old.mail(macros=plain), old.rcpt()], [None, None], "the next is refused, but cannot be told so yet")
        tap.equal(old.eoh(), "y", "until the end of the header")
        new.session()
        tap.equal(new.mail(macros=plain), "y", "a new session is told at MAIL")
        tap.equal([line["verdict"] for line in daemon.messages()], ["accept", "reject", "reject"], "one line for each message")


def body(tap):
    with Daemon().start() as daemon, Wire(daemon.path) as wire:
        wire.session(steps=STEPS & ~SKIP)
        wire.mail()
        wire.rcpt()
        wire.headers()
        tap.equal([wire.eoh(), wire.body(), wire.body(b"x" * 65535), wire.eom()], ["c", "c", "c", "c"],
                  "without SKIP the body is taken and ignored")
        tap.ok("size" not in daemon.messages()[0], "its size is not known", line=daemon.messages()[0])
        wire.mail()
        wire.rcpt()
        wire.headers()
        tap.equal([wire.eoh(), wire.eom()], ["c", "c"], "no body at all")


def disorder(tap):
    """Steps that are missing or come twice: an answer that lets nothing pass, or none, and the daemon lives on."""
    with Daemon().start() as daemon:
        with Wire(daemon.path) as wire:
            wire.send("C", strings("a") + b"4" + struct.pack("!H", 1) + strings("13.110.74.200"))
            wire.send("M", strings("<joe@example.com>"))
            tap.equal(wire.answer(), "c", "MAIL before anything was negotiated")
            wire.send("R", strings("<u@dest.test>"))
            tap.equal(wire.answer(), "t", "is deferred at RCPT")
        with Wire(daemon.path) as wire:
            wire.negotiate()
            tap.equal([wire.mail(), wire.rcpt()], [None, "y"], "MAIL without a connection: no address, no certificate")
        with Wire(daemon.path) as wire:
            wire.session()
            wire.mail()
            wire.rcpt()
            wire.send("E")
            tap.ok(wire.answer() in ("t", "y"), "end of message without a header")
            wire.mail()
            wire.rcpt()
            wire.send("B", b"Hello\r\n")
            letter = wire.answer()
            wire.send("E")
            tap.ok(letter in ("c", "s") and wire.answer() in ("t", "y"), "body without a header")
            tap.equal(wire.message(good_fields()), "c", "the next message is none the worse")
        with Wire(daemon.path) as wire:
            wire.session()
            wire.quit()
        with Wire(daemon.path) as wire:
            wire.session().message(good_fields())
            wire.send("K")
            wire.connect()
            wire.helo()
            wire.mail()
            tap.equal(wire.rcpt(), "t", "a session on a connection that is used again is not known")
        with Wire(daemon.path) as wire:
            tap.equal(wire.session().message(good_fields()), "c", "the daemon lives")


def garbage(tap):
    with Daemon().start() as daemon:
        pieces = {"a web browser": b"GET / HTTP/1.0\r\n\r\n", "length 0": b"\0\0\0\0", "a length of 1 GB": b"\x40\0\0\0O",
                  "an unknown command": struct.pack("!I", 1) + b"?", "a short negotiation": struct.pack("!I", 5) + b"O\0\0\0\6",
                  "half a length": b"\0\0"}
        for name, data in pieces.items():
            with Wire(daemon.path) as wire:
                wire.raw(data)
                wire.socket.shutdown(1)
                tap.ok(wire.ended(), "closed: " + name)
        with Wire(daemon.path) as wire:
            wire.session()
            for command, data in (("H", b"no end"), ("M", b"no end"), ("L", b"no value\0"), ("C", b"")):
                try:
                    wire.send(command, data)
                except OSError:
                    break
        with Wire(daemon.path) as wire:
            wire.session()
            wire.helo("h" * 60000)
            tap.equal(wire.message(good_fields()), "c", "an overlong HELO")
        for name, step in (("after MAIL", lambda w: w.mail()), ("after RCPT", lambda w: (w.mail(), w.rcpt())),
                           ("in the header", lambda w: (w.mail(), w.rcpt(), w.headers())),
                           ("after the header", lambda w: (w.mail(), w.rcpt(), w.headers(), w.eoh()))):
            with Wire(daemon.path) as wire:
                step(wire.session())
        with Wire(daemon.path) as wire:
            tap.equal(wire.session().message(good_fields()), "c", "the daemon lives")


with Tap(needs_root=False) as points:
    for test in (actions, order, quarantine, replies, reload_early, body, disorder, garbage):
        points.case(test)
