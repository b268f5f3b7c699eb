#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The piece of sendmail.mc as it ships, on a real Sendmail, over a unix and an inet socket."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, SRCDIR, Client, Lab, Tap, message, verp
from lab.expect import accepted, config, refused
from lab.laboratory import Relay
from lab.message import STRANGER
from lab.pki import TRUSTED
from lab.postfix import HOSTNAME, OTHER_USER, USER
from lab.process import read
from lab.sendmail import LISTED, Sendmail

USERS = ["%s@%s" % (USER, HOSTNAME)]
POLICY = "tls and message and org and from and envelope and verp and "
UNLISTED = "127.8.8.8"
AR, RESULT = "Authentication-Results", "X-SFDC-Relay"

CONFIGURATIONS = {
    "unix": config({A: {"reject_unless": POLICY + "(cert or auth)", "auth": {"users": USERS}}}),
    "inet": config({A: {"reject_unless": POLICY + "ip", "ip": {"networks": ["127.9.8.0/24"], "spf": []},
                        "quarantine_unless": "cert"}}),
    "scope": config({A: {"reject_unless": POLICY + "cert"}}, scope="salesforce", local_mailers=[]),
}


def install(lab):
    """The shipped piece, with nothing changed but socket and port; and a second port whose milter is on TCP."""
    server = lab.sendmail()
    kinds = {"unix": "unix", "inet": "inet", "scope": "unix"}
    relays = {name: Relay(lab, server.port(), lab.milter(configuration, kind=kinds[name], name=name))
              for name, configuration in CONFIGURATIONS.items()}
    snippet = read(os.path.join(SRCDIR, "conf", "sendmail.mc"))
    for old, new in (("local:/run/sfdc-milter/sfdc-milter.sock", relays["unix"].milter.sendmail),
                     ("/etc/ssl/certs/ca-certificates.crt", server.root + "/ca.pem"),
                     ("Port=10025, ", "Port=%d, Addr=127.0.0.1, " % relays["unix"].port)):
        if old not in snippet:
            raise AssertionError("%r is not in sendmail.mc" % old)
        snippet = snippet.replace(old, new)
    snippet += "define(`confAUTH_REALM', `%s')dnl\n" % HOSTNAME
    snippet += "MAIL_FILTER(`second', `S=%s, F=T')dnl\n" % relays["inet"].milter.sendmail
    snippet += "DAEMON_OPTIONS(`Port=%d, Addr=127.0.0.1, Name=SECOND, InputMailFilters=second')dnl\n" \
        % relays["inet"].port
    snippet += "MAIL_FILTER(`third', `S=%s, F=T')dnl\n" % relays["scope"].milter.sendmail
    snippet += "DAEMON_OPTIONS(`Port=%d, Addr=127.0.0.1, Name=THIRD, InputMailFilters=third')dnl\n" % relays["scope"].port
    server.start(snippet)
    return relays


def certificates(tap, relays):
    relay = relays["unix"]
    for version in ("1.2", "1.3"):
        accepted(tap, relay.send(A.address, message(), source=LISTED, tls=version), "TLS %s, trusted" % version,
                 cert=TRUSTED, r_cert="pass", tls="TLSv" + version, client=LISTED)
    for name in ("untrusted", "self-signed", "expired", "server-only"):
        refused(tap, relay.send(A.address, message(), source=LISTED, certificate=name), "C02 %s" % name,
                "cert-unverified", stage="rcpt", r_cert="fail")
    refused(tap, relay.send(A.address, message(), source=LISTED, certificate=None), "C01 no certificate", "cert-absent",
            stage="rcpt", r_cert="none", why="cert,auth")
    for case, name in (("C03 no common name", "no-cn"), ("C04 another name", "wrong-name"),
                       ("C08 the name in O=", "name-in-o")):
        refused(tap, relay.send(A.address, message(), source=LISTED, certificate=name), case, "cert-name", stage="rcpt")
    accepted(tap, relay.send(A.address, message(), source=LISTED, second_ehlo=False), "STARTTLS without a second EHLO",
             r_tls="pass", cert=TRUSTED)


def plaintext(tap, relays):
    for relay in (relays["unix"], relays["inet"]):
        refused(tap, relay.send(A.address, message(), source=LISTED, tls=None), "T01 no STARTTLS", "tls-absent",
                "530 5.7.0", "rcpt")


def authentication(tap, relays):
    relay = relays["unix"]
    for mechanism in ("PLAIN", "LOGIN"):
        accepted(tap, relay.send(A.address, message(), "user@outside.test", source=UNLISTED, certificate=None,
                                 user=USERS[0], mechanism=mechanism), "AUTH %s" % mechanism, auth=USERS[0])
    refused(tap, relay.send(A.address, message(), source=UNLISTED, certificate=None,
                            user="%s@%s" % (OTHER_USER, HOSTNAME)), "U01 another login", "cert-absent", stage="rcpt",
            r_auth="fail")
    with Client(relay.port) as client:
        tap.ok("AUTH" not in client.ehlo().text, "no AUTH is offered without TLS")


def messages(tap, relays):
    relay = relays["unix"]
    accepted(tap, relay.send(verp(A), message(sender="no-reply@salesforce.com"), source=LISTED), "bounce management",
             r_verp="pass")
    accepted(tap, relay.send("", message(), source=LISTED), "E03 null sender")
    accepted(tap, relay.send(A.address, message(lk=None, extra=["X-Sfdc-Lk:\r\n\t %s" % A.short]), source=LISTED),
             "O10 folded")
    outcome = relay.send(A.address, message(lk=STRANGER.short, body="x" * 70 + "\r\n" * 20000), source=LISTED)
    refused(tap, outcome, "another organization", "org-unknown", size=None)
    refused(tap, relay.send(A.address, message(author="x@attack.example"), source=LISTED), "foreign From:",
            "from-domain")
    refused(tap, relay.send(verp(STRANGER, A.address), message(), source=LISTED), "V01 another's bounce address",
            "verp-org")
    with relay.session(source=LISTED) as client:
        accepted(tap, relay.submit(client, A.address, message()), "P05 1: good")
        refused(tap, relay.submit(client, A.address, message(lk=None)), "P05 2: none inherited", "org-absent")
        accepted(tap, relay.submit(client, A.address, message()), "P05 3: good")
        client.mail("x@attack.example")
        client.command("RSET")
        reply = client.submit(A.address, "user@dest.test", message())[1]
        aborted, line = relay.milter.next(2)
        tap.ok(aborted["ev"] == "abort" and aborted["from"] == "x@attack.example", "P05 4: RSET ends a message",
               line=aborted)
        tap.ok(reply.code == 250 and line["verdict"] == "accept", "P05 5: good again", reply=reply, line=line)


def headers(tap, relays):
    forged = ["%s: %s; dkim=pass" % (AR, HOSTNAME), "%s: %s; verdict=accept" % (RESULT, HOSTNAME),
              "%s: %s; spf=pass" % (AR, HOSTNAME.upper()), "%s: x" % RESULT]
    foreign = "%s: mx.example.org; spf=pass" % AR
    for kind in ("unix", "inet"):
        relay = relays[kind]
        outcome = relay.send(A.address, message(extra=[forged[0], foreign] + forged[1:] + [foreign] + forged),
                             source=LISTED)
        accepted(tap, outcome, "R01 forged fields, %s" % kind)
        delivered = relay.lab.delivered(outcome)
        ours = [value for value in delivered.all(AR) if HOSTNAME in value.lower()]
        tap.ok(len(ours) == 1 and "dkim=pass" not in ours[0] and len(delivered.all(AR)) == 3,
               "R01 ours gone, others' kept", found=delivered.all(AR))
        tap.ok(len(delivered.all(RESULT)) == 1 and "; verdict=accept; org=%s;" % A.id in delivered.all(RESULT)[0],
               "one result header", found=delivered.all(RESULT))
        for name in (AR, RESULT):
            start = ("\n%s: %s;" % (name, HOSTNAME)).encode()
            tap.ok(start in b"\n" + delivered.raw, "one space after the colon of %s" % name, start=delivered.raw[:500])
        names = delivered.names()
        tap.ok(max(names.index(AR), names.index(RESULT)) < names.index("Received"), "R08 above the server's Received:",
               names=names)


def withheld(tap, relays):
    """headers.remove_sfdc: indexes do not shift in Sendmail."""
    relay = relays["scope"]
    names = ["X-SFDC-LK", "X-SFDC-User", "X-SFDC-EntityId", "X-SFDC-CORRELATION-ID"]
    relay.milter.reload({**CONFIGURATIONS["scope"], "headers": {"remove_sfdc": True}})
    outcome = relay.send(A.address, message(extra=["X-SFDC-CORRELATION-ID: 1", "x-sfdc-user: 2", "X-SFDC-User: 3", "%s: x" % RESULT]),
                         "user@outside.test", source=LISTED)
    accepted(tap, outcome, "remove_sfdc: judged whole", r_org="pass")
    delivered = relay.lab.delivered(outcome)
    tap.equal([delivered.all(name) for name in names + [RESULT]], [[]] * 5, "remove_sfdc: what does not leave is gone",
              names=delivered.names())
    tap.equal(len(delivered.all("X-SFDC-Binding")), 1, "remove_sfdc: other fields stay")
    signed = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=From:X-SFDC-LK:X-SFDC-User;\r\n" \
        " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA"
    outcome = relay.send(A.address, message(extra=[signed, "X-SFDC-User: 3"]), "user@outside.test", source=LISTED)
    delivered = relay.lab.delivered(outcome)
    tap.equal([len(delivered.all(name)) for name in names], [1, 1, 0, 0], "remove_sfdc: what a signature that nobody "
              "verified covers stays", names=delivered.names())
    tap.ok(delivered.all("X-SFDC-User") != ["3"], "remove_sfdc: the last of them")
    relay.milter.reload(CONFIGURATIONS["scope"])


def quarantine(tap, relays):
    relay = relays["inet"]
    outcome = relay.send(A.address, message(), source=LISTED, certificate=None)
    accepted(tap, outcome, "quarantine", verdict="quarantine", reason="cert-absent")
    held = relay.lab.mtas[0].held(outcome.queue_id)
    tap.ok(held and "cert-absent" in held and outcome.log["sid"] in held, "the queue says why", held=held)
    tap.ok(relay.lab.sink.find(outcome.queue_id) is None, "and it is not delivered")
    relay.lab.mtas[0].release(outcome.queue_id)
    tap.ok(relay.lab.mtas[0].held(outcome.queue_id) is None, "the command of the manual lets it go")
    refused(tap, relay.send(A.address, message(), source=UNLISTED), "an unlisted address, when it is known whether genuine mail fails",
            "ip-unlisted", stage="end")


def hidden(tap, relays):
    """What Sendmail makes of defects before a milter sees the message: as the manual of check-message says."""
    relay = relays["unix"]
    for name, text, shown in (
            ("NUL", message(extra=["X-Nul: a\0b"]), b"X-Nul: ab"), ("white space before the colon", message(extra=["X-Name : a"]), b"X-Name: a"),
            ("a line that is no field", message().replace("\r\n\r\n", "\r\nno field\r\n\r\n", 1), b"no field")):
        outcome = relay.send(A.address, text, source=LISTED)
        accepted(tap, outcome, "hidden by Sendmail: " + name, r_message="pass")
        header, rest = relay.lab.delivered(outcome).raw.split(b"\r\n\r\n", 1)
        part = rest if shown == b"no field" else header
        tap.ok(shown in part.split(b"\r\n"), "and delivered as %r" % shown, header=header, rest=rest[:200])
    outcome = relay.send(A.address, message(extra=["X-Cr: a\rb"]), source=LISTED)
    tap.ok(outcome.reply.code == 421 and "(id " not in outcome.reply.text, "a bare CR ends the session", outcome=outcome)


def relaying(tap, relays):
    """What Sendmail refuses by itself: a certificate does not make anybody a client who may relay."""
    client = relays["unix"].session(source=UNLISTED)
    client.mail(A.address)
    reply = client.rcpt("user@outside.test")
    tap.ok(reply.code == 550 and "Relaying denied" in reply.text, "an unlisted client relays nothing", reply=reply)
    client.quit()
    relays["unix"].milter.next()


def smart_host(tap, relays):
    """W02: with SMART_HOST the mailer of all mail is relay; none of it counts as staying inside."""
    relay = relays["scope"]
    for recipient in ("user@outside.test", "user@dest.test"):
        refused(tap, relay.send(verp(STRANGER), message(STRANGER), recipient, source=LISTED),
                "W02 another company's mail to %s by SMART_HOST" % recipient, "org-unknown")
    outcome = relay.send(A.address, message(extra=["%s: x" % RESULT]), "user@outside.test", source=LISTED)
    accepted(tap, outcome, "W02 our own mail by SMART_HOST")
    tap.equal(relay.lab.delivered(outcome).all(RESULT), [], "W02 and it gains no fields, though forged ones go")


def silent(tap, relays):
    relay = relays["inet"]
    relay.milter.stop()
    with Client(relay.port, source=LISTED) as client:
        client.ehlo()
        reply = client.mail(A.address)
        tap.ok(400 <= reply.code < 500, "P07 no daemon: deferred", reply=reply)


def main():
    why = Sendmail.missing()
    if why:
        Tap.skip_all(why)
    with Tap() as tap, Lab() as lab:
        relays = install(lab)
        for function in (certificates, plaintext, authentication, messages, headers, withheld, quarantine, hidden, relaying, smart_host,
                         silent):
            tap.case(function, relays)


main()
