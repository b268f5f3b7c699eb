#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a message shows of itself - org, author, envelope, bounce address - through a real Postfix."""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, B, BUILDDIR, SRCDIR, Lab, Org, Tap, message, verp
from lab.expect import accepted, config, logged, refused
from lab.message import STRANGER
from lab.process import TIMEOUT

CONFIGURATIONS = {
    "usual": config({A: {}, B: {}}),
    "strict": config({A: {"verp": {"undecodable": "fail"}, "envelope": {"null_sender": False}}}),
    "quarantine": config({A: {"quarantine_unless": "auth", "warn_unless": "ip"}}),
    "contact": config({A: {}}, reply_contact="see https://example.com/100%"),
}


def deliverability(tap, relays):
    """Bounce management and security compliance shape the envelope, Sender ID compliance adds Sender:."""
    relay = relays["usual"]
    for sender in (None, "no-reply@salesforce.com"):
        with_sender = "with Sender:" if sender else "without Sender:"
        accepted(tap, relay.send(A.address, message(sender=sender, relay=True)),
                 "nothing on, %s" % with_sender, r_envelope="pass", r_verp="skip", lk=A.short, org=A.id)
        accepted(tap, relay.send(verp(A), message(sender=sender)),
                 "bounce management, %s" % with_sender, r_envelope="pass", r_verp="pass")
        accepted(tap, relay.send(verp(A, shape="long"), message(sender=sender)),
                 "security compliance only, %s" % with_sender, r_envelope="pass", r_verp="pass")
    accepted(tap, relay.send(verp(B, shape="longer"), message(B)), "V06 the longest shape", org=B.id, r_verp="pass")
    accepted(tap, relay.send(verp(A).upper(), message()), "V06 in upper case", r_verp="pass")
    canned = Org("00DgL00000Fp7YH", A.domain, "can98")
    refused(tap, relay.send(verp(canned), message()), "V06 a Hyperforce pod is decoded", "verp-org", r_verp="fail")


def organization(tap, relays):
    relay = relays["usual"]
    accepted(tap, relay.send(A.address, message(lk=A.id)), "O04 18 characters", org=A.id)
    accepted(tap, relay.send(A.address, message(lk=None, extra=["X-Sfdc-Lk:\r\n\t %s  " % A.short])),
             "O10 folded, spaced, other spelling")
    accepted(tap, relay.send(A.address, message(relay=True)), "O15 X-SFDCOrgRelay says the same")
    for name, lk, reason in (
            ("O01 absent", None, "org-absent"), ("O01 empty", "", "org-malformed"),
            ("O02 another organization", STRANGER.short, "org-unknown"),
            ("O02 another organization, 18", STRANGER.id, "org-unknown"),
            ("O03 one letter in another case", "00D8D000003TRx3", "org-unknown"),
            ("O05 wrong checksum", A.short + "EAA", "org-malformed"), ("O05 14", A.short[:-1], "org-malformed"),
            ("O05 16", A.short + "E", "org-malformed"), ("O06 lower case", A.short.lower(), None),
            ("O07 twice the same", [A.short, A.short], "org-duplicate"),
            ("O07 good and bad", [A.short, STRANGER.short], "org-duplicate"),
            ("O07 bad and good", [STRANGER.short, A.short], "org-duplicate"),
            ("O09 in a comment", "(x) " + A.short, "org-malformed"),
            ("O09 a list", A.short + "," + A.short, "org-malformed"),
            ("O11 60 KB", A.short * 4000, None), ("O13 a second token", A.short + "\r\n x", "org-malformed")):
        outcome = relay.send(A.address, message(lk=lk))
        refused(tap, outcome, name, reason or outcome.log.get("reason"))
    refused(tap, relay.send(A.address, message(extra=["x-sfdc-lk : " + A.short])), "O08 again in another spelling",
            "org-duplicate")
    refused(tap, relay.send(A.address, message(lk=None, body="X-SFDC-LK: %s\r\n" % A.short)), "O12 only in the body",
            "org-absent")
    refused(tap, relay.send(A.address, message(lk=None, extra=["X-SFDC-LKID: " + A.short, "X_SFDC_LK: " + A.short])),
            "O12 under another name", "org-absent")
    refused(tap, relay.send(A.address, message(extra=[("X-SFDCOrgRelay", B.short)])), "O15 X-SFDCOrgRelay differs",
            "org-relay-mismatch")


def author(tap, relays):
    relay = relays["usual"]
    for name, text in (
            ("D03 upper case", "<INFO@EXAMPLE.COM>"),
            ("F16 a comment", "Info (not <x@attack.example>) <info@example.com>"),
            ("F16 quoted", '"A, B <x@attack.example>" <info@example.com>'),
            ("F17 another address as name", '"x@attack.example" <info@example.com>')):
        accepted(tap, relay.send(A.address, message(omit=["From"], extra=[("From", text)])), name)
    evil = "From: Info <info@attack.example>"
    for name, extra, reason, reply in (
            ("F01 two From:", [evil], "message-duplicate", "550 5.6.0"),
            ("F04 again in another case", ["FROM: info@example.com"], "message-duplicate", "550 5.6.0"),
            ("F05 again with a space", ["X-First: 1", "From : info@attack.example"], "message-duplicate", "550 5.6.0")):
        refused(tap, relay.send(A.address, message(extra=extra)), name, reason, reply)
    for name, lines, reason, reply in (
            ("F08 none, but Sender:", ["Sender: info@example.com"], "from-absent", "550 5.6.0"),
            ("F05 the only one with a space", ["X-First: 1", "From : info@attack.example"], "from-domain", "550 5.7.1"),
            ("F09 two mailboxes", ["From: info@example.com, x@attack.example"], "from-several", "550 5.7.1"),
            ("F14 empty", ["From:"], "from-malformed", "550 5.6.0"),
            ("F14 no domain", ["From: info"], "from-malformed", "550 5.6.0"),
            ("F15 a group", ["From: us: info@example.com;"], "from-several", "550 5.7.1"),
            ("another domain", [evil], "from-domain", "550 5.7.1"),
            ("D01 a longer name", ["From: info@evil-example.com"], "from-domain", "550 5.7.1"),
            ("D02 a longer domain", ["From: info@example.com.attack.example"], "from-domain", "550 5.7.1"),
            ("D06 a name below", ["From: info@sub.example.com"], "from-domain", "550 5.7.1"),
            ("D08 two @", ["From: <info@example.com@attack.example>"], "from-malformed", "550 5.6.0")):
        outcome = relay.send(A.address, message(omit=["From"], extra=lines))
        refused(tap, outcome, name, reason, reply)
    outcome = relay.send(A.address, message(sender="x@attack.example"))
    refused(tap, outcome, "a Sender: that is neither ours nor Salesforce's", "message-sender", "550 5.6.0")
    outcome = relay.send(A.address, message(extra=["Subject: again"]))
    refused(tap, outcome, "X03 a second Subject:", "message-duplicate", "550 5.6.0")


def envelope(tap, relays):
    relay = relays["usual"]
    accepted(tap, relay.send("", message()), "E03 null sender", **{"from": "<>"}, r_envelope="pass", r_verp="skip")
    refused(tap, relay.send("", message(author="info@attack.example")), "E04 null sender, foreign From:", "from-domain")
    refused(tap, relays["strict"].send("", message()), "E03 null sender not wanted", "envelope-null")
    refused(tap, relay.send("info@attack.example", message()), "E01 foreign sender", "envelope-domain")
    refused(tap, relay.send(verp(A).replace("bnc.salesforce.com", "evilbnc.salesforce.com"), message()),
            "V05 evilbnc.salesforce.com", "envelope-domain")
    refused(tap, relay.send(verp(A) + ".attack.example", message()), "V05 bnc.salesforce.com.attack.example",
            "envelope-domain")
    refused(tap, relay.send(verp(STRANGER, A.address), message()), "V01 another organization's bounce address",
            "verp-org", r_verp="fail", r_org="pass")
    refused(tap, relay.send(verp(B, A.address), message()), "V01 that of another organization served", "verp-org")
    refused(tap, relay.send("x=y__z@a.%s.%s.na63.bnc.salesforce.com" % (A.label, STRANGER.label), message()),
            "V02 the right label too far left", "verp-org")
    refused(tap, relay.send(verp(A, "other@example.com"), message()), "another author's bounce address", "verp-from")
    broken = verp(A).replace("trx3eag", "trx3eah")
    accepted(tap, relay.send(broken, message()), "V03 an undecodable one is skipped", r_verp="skip")
    refused(tap, relays["strict"].send(broken, message()), "V03 or refused, as configured", "verp-undecodable")
    refused(tap, relays["strict"].send("x@bnc.salesforce.com", message()), "V04 bare bnc.salesforce.com",
            "envelope-domain")


def several(tap, relays):
    """P05: nothing is inherited by the next message of the connection."""
    relay = relays["usual"]
    with relay.session() as client:
        accepted(tap, relay.submit(client, A.address, message()), "P05 1: good")
        refused(tap, relay.submit(client, A.address, message(lk=None)), "P05 2: no org, none inherited", "org-absent")
        accepted(tap, relay.submit(client, verp(B), message(B)), "P05 3: good, of another org", org=B.id)
        refused(tap, relay.submit(client, A.address, message(author="x@attack.example")), "P05 4: bad From:",
                "from-domain", r_verp="skip")
        client.mail("info@attack.example")
        client.rcpt("user@dest.test")
        client.command("RSET")
        reply = client.submit(A.address, "user@dest.test", message())[1]
        aborted, line = relay.milter.next(2)
        tap.ok(aborted["ev"] == "abort" and aborted["from"] == "info@attack.example" and not aborted.get("verdict"),
               "P05 5: RSET ends a message", line=aborted)
        tap.ok(reply.code == 250 and line["verdict"] == "accept", "P05 6: good again", reply=reply, line=line)
        client.mail("info@attack.example")
        client.rcpt("user@dest.test")
        client.command("DATA")
        client.send(message()[:200])
    line = relay.milter.next()
    tap.ok(line.get("ev") == "abort", "P02 the client leaves in the middle of a message", line=line)
    refused(tap, relay.send(A.address, message(omit=["From"])), "P05 a new connection: no From: is none", "from-absent",
            "550 5.6.0")
    with relay.session() as client:
        mails = "".join("MAIL FROM:<%s>\r\nRCPT TO:<user@dest.test>\r\n" % A.address for _ in range(1)) + "DATA\r\n"
        client.send(mails)
        codes = [client.read().code for _ in range(3)]
        client.content(message(lk=STRANGER.short))
        client.send(mails)
        codes += [client.read().code for _ in range(3)]
        reply = client.content(message())
        lines = relay.milter.next(2)
        tap.equal([codes, reply.code, [line["verdict"] for line in lines]],
                  [[250, 250, 354] * 2, 250, ["reject", "accept"]], "commands in one packet", lines=lines)


def body(tap, relays):
    relay = relays["usual"]
    big = "X" * 70 + "\r\n"
    outcome = relay.send(A.address, message(lk=STRANGER.short, body=big * 30000))
    refused(tap, outcome, "a wrong org is refused before the body", "org-unknown", size=None)
    tap.ok("org-unknown" in relay.lab.mtas[0].log(), "and Postfix logs the refusal")
    outcome = relay.send(A.address, message(body=big * 30000))
    accepted(tap, outcome, "a large body")
    text = ".\r\n..\r\nFrom: x@attack.example\r\nX-SFDC-LK: x\r\nGr\u00fc\u00dfe\r\n" + "y" * 5000 + "\r\n"
    for kind in ("", "\r\n"):
        outcome = relay.send(A.address, message(body=kind + text))
        accepted(tap, outcome, "odd lines in the body")
        got = relay.lab.delivered(outcome).raw
        tap.ok(got.endswith((kind + text).encode()) or b"y" * 900 in got, "arrive as they were", got=got[-300:])
    accepted(tap, relay.send(A.address, message(body="")), "no body at all")
    recipients = ["user%d@dest.test" % number for number in range(100)]
    accepted(tap, relay.send(A.address, message(), recipients), "E06 a hundred recipients", rcpts="100")
    with relay.session() as client:
        client.mail(A.address)
        client.rcpt("user@dest.test")
        tap.equal(client.rcpt("user@refused.test").code, 250, "an outside recipient is allowed for this client")
        client.command("RSET")
    relay.milter.next()


# What each of the manual's defects looks like in a header.
HIDDEN = {
    "message-nul": "X-Nul: a\0b", "message-bare-cr": "X-Cr: a\rb", "message-name": "X-Name : a", "message-line": "no field",
}


def hidden(tap, relays):
    """Defects that Postfix hides from a milter: check-message finds them in the file, and the manual says so."""
    relay = relays["usual"]
    with open(os.path.join(SRCDIR, "conf", "sfdc-relayctl.1"), encoding="utf-8") as page:
        table = re.search(r"^\.It Sy reason Ta Sy Postfix Ta Sy Sendmail\n(.*?)^\.El", page.read(), re.MULTILINE | re.DOTALL)[1]
    rows = re.findall(r"^\.It Li (\S+) Ta \S", table, re.MULTILINE)
    tap.equal(sorted(rows), sorted(HIDDEN), "the manual's table has them")
    config = relay.lab.folder("hidden.yaml")
    with open(config, "w", encoding="ascii") as file:
        file.write('dns: {nameservers: ["127.0.0.1@9"]}\nmessage_timeout: 1\norgs: {%s: {domains: [%s]}}\n' % (A.id, A.domain))
    for reason, line in HIDDEN.items():
        text = message(extra=["X-SFDC-LK: " + A.short, line], lk=None)
        if reason == "message-line":
            text = message().replace("\r\n\r\n", "\r\n%s\r\n\r\n" % line, 1)
        found = subprocess.run([os.path.join(BUILDDIR, "sfdc-relayctl"), "check-message", "-c", config, "--json", "-"],
                               input=text.encode("utf-8", "surrogateescape"), stdout=subprocess.PIPE, timeout=TIMEOUT, check=False)
        tap.equal(json.loads(found.stdout)["checks"]["message"]["reason"], reason, "check-message finds " + reason)
        outcome = relay.send(A.address, text)
        accepted(tap, outcome, "Postfix hides it, and the milter takes the message", r_message="pass")
        got = relay.lab.delivered(outcome).raw
        tap.ok(line.encode() not in got.split(b"\r\n\r\n")[0], "what is delivered is what Postfix made of it", got=got)


def quarantine(tap, relays):
    relay = relays["quarantine"]
    outcome = relay.send(A.address, message())
    accepted(tap, outcome, "quarantine", verdict="quarantine", why="auth", reason="auth-none", warn="ip")
    server = relay.lab.mtas[0]
    tap.ok(server.held(outcome.queue_id), "the message waits in the hold queue", queue=server.queue())
    tap.ok(relay.lab.sink.find(outcome.queue_id) is None, "and was not delivered")
    server.release(outcome.queue_id)
    delivered = relay.lab.delivered(outcome)
    tap.contains("\n".join(delivered.all("X-SFDC-Relay")), "verdict=quarantine", "released, it says what it was")
    refused(tap, relay.send(A.address, message(lk=None)), "what is to be refused is not held", "org-absent")


def replies(tap, relays):
    outcome = relays["contact"].send(A.address, message(lk=STRANGER.short))
    refused(tap, outcome, "L04 the reply has the contact", "org-unknown")
    tap.equal(str(outcome.reply),
              "550 5.7.1 org-unknown: this relay does not serve the Salesforce organization named in X-SFDC-LK (id %s) "
              "see https://example.com/100%%" % outcome.log["sid"], "L04 word for word, % and all")
    outcome = relays["contact"].send("%s%d@attack.example", message(lk="%s%n\x01"))
    refused(tap, outcome, "L04 nothing the sender wrote is echoed", outcome.log["reason"])
    tap.ok("%s" not in outcome.reply.text and "attack" not in outcome.reply.text, "L04 not a byte of it",
           reply=outcome.reply)
    outcome = relays["contact"].send(A.address, message(lk="x\" verdict=accept ev=verdict \\"))
    logged(tap, outcome, "L01 no key can be forged", verdict="reject", ev="verdict", reason="org-malformed")


def main():
    with Tap() as tap, Lab() as lab:
        relays = lab.relays(CONFIGURATIONS)
        for function in (deliverability, organization, author, envelope, several, body, hidden, quarantine, replies):
            tap.case(function, relays)
        for name, relay in relays.items():
            left = relay.milter.messages()[relay.milter.mark:]
            tap.equal(left, [], "one log line for each message (%s)" % name)


main()
