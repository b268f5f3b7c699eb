#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The piece of master.cf as it ships, on a real Postfix."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, Client, Lab, Tap, free_port, message, verp
from lab.expect import accepted, config, refused
from lab.laboratory import ELSEWHERE, SALESFORCE, Relay
from lab.message import STRANGER
from lab.postfix import HOSTNAME, OTHER_USER, USER
from lab.process import run, wait_for, write
from lab.shipped import fitted, shipped

USERS = ["%s@%s" % (USER, HOSTNAME)]
OUTSIDE = "user@outside.test"


def install(lab):
    """The shipped piece, and the lists that are the administrator's. Its port; one without NO_TICKET; another service."""
    milter = lab.milter(config({A: {"auth": {"users": USERS}}}), name="sfdc")
    # Sessions in a cache, too: they are told apart by service, tickets are not.
    server = lab.postfix(main="smtpd_tls_session_cache_database = btree:$data_directory/smtpd_scache\n")
    shipped_port, weaker_port = free_port(), free_port()
    piece = shipped("postfix-master.cf")
    weaker, count = re.subn("  -o tls_ssl_options=NO_TICKET\n", "", piece[:piece.index("\nsfdc-cleanup ") + 1])
    if count != 1:
        raise AssertionError("NO_TICKET is not in postfix-master.cf")
    server.service(shipped_port, "\n" + fitted(server, lab, shipped_port, milter, piece))
    server.service(weaker_port, "\n" + fitted(server, lab, weaker_port, milter, weaker))
    other_port = server.port(smtpd_tls_CAfile=lab.pki.crt("other-ca"))
    write(os.path.join(server.etc, "sfdc_clients.cidr"), "%s OK\n" % SALESFORCE)
    write(os.path.join(server.etc, "sfdc_senders"), "%s OK\n.bnc.salesforce.com OK\n<> OK\n" % A.domain)
    server.start()
    return Relay(lab, shipped_port, milter), Relay(lab, weaker_port, milter), other_port


def refused_by_postfix(tap, outcome, code, text, name):
    """Refused before the milter had a say."""
    tap.ok(outcome.reply.code == code and text in outcome.reply.text, name, outcome=outcome)


def taken(tap, relay):
    accepted(tap, relay.send(A.address, message(), OUTSIDE), "a trusted certificate from a listed address")
    accepted(tap, relay.send(verp(A), message(), OUTSIDE), "bounce management")
    accepted(tap, relay.send("", message(), OUTSIDE), "the null sender")
    accepted(tap, relay.send(A.address, message(), OUTSIDE, address=ELSEWHERE, certificate=None, user=USERS[0]),
             "AUTH from anywhere")
    accepted(tap, relay.send(A.address, message(), OUTSIDE, tls="1.2"), "TLS 1.2")


def refusals_of_the_milter(tap, relay):
    refused(tap, relay.send(A.address, message(), OUTSIDE, certificate=None), "no certificate, no AUTH", "cert-absent",
            stage="rcpt")
    refused(tap, relay.send(A.address, message(), OUTSIDE, certificate="untrusted"), "an untrusted certificate",
            "cert-absent", stage="rcpt")
    refused(tap, relay.send(A.address, message(lk=STRANGER.short), OUTSIDE), "another organization", "org-unknown")
    refused(tap, relay.send(A.address, message(), OUTSIDE, certificate=None, address=ELSEWHERE,
                            user="%s@%s" % (OTHER_USER, HOSTNAME)), "U01 another login", "cert-absent", stage="rcpt",
            r_auth="fail")


def refusals_of_postfix(tap, relay):
    lab, port = relay.lab, relay.port
    with Client(port) as client:
        client.ehlo()
        reply = client.mail(A.address)
        tap.ok(reply.code == 530 and "STARTTLS" in reply.text, "T01 no TLS: Postfix refuses MAIL", reply=reply)
        tap.ok("AUTH" not in client.ehlo().text, "no AUTH is offered without TLS")
        tap.ok("CHUNKING" not in client.ehlo().text, "no CHUNKING")
    for version in ("1.0", "1.1"):
        try:
            lab.session(port, tls=version).close()
            tap.ok(False, "T02 TLS %s: no handshake" % version)
        except OSError as error:
            tap.ok("VERSION" in str(error).upper(), "T02 TLS %s: no handshake" % version, error=error)
    refused_by_postfix(tap, lab.send(port, A.address, message(), OUTSIDE, address=ELSEWHERE), 554, "denied",
                       "a trusted certificate from an unlisted address relays nothing")
    refused_by_postfix(tap, lab.send(port, "x@attack.example", message(), OUTSIDE), 554, "Sender address rejected",
                       "a foreign sender")
    refused_by_postfix(tap, lab.send(port, "x@sub." + A.domain, message(), OUTSIDE), 554, "Sender address rejected",
                       "a name below a listed domain is not listed")
    refused_by_postfix(tap, lab.send(port, A.address, message(), OUTSIDE, address=None), 554, "denied",
                       "loopback relays nothing")


def structure(tap, relay):
    """X01 and NUL bytes, which a milter cannot see."""
    with relay.session() as client:
        for name, text in (
                ("NUL in a field", message(extra=["Subject: a\0b"], omit=["Subject"])),
                ("NUL behind a good ID", message(lk=A.short + "\0x")),
                ("NUL in the body", message(body="a\0b\r\n"))):
            stage, reply = client.submit(A.address, OUTSIDE, text)
            tap.ok(reply.code == 550 and "5.7.1" in reply.text, name + ": refused", stage=stage, reply=reply)
    smuggled = "MAIL FROM:<x@attack.example>\r\nRCPT TO:<user@dest.test>\r\nDATA\r\n" + message(lk=None) + ".\r\n"
    for name, end in (("LF . LF", "\n.\n"), ("LF . CRLF", "\n.\r\n"), ("CRLF . LF", "\r\n.\n")):
        with relay.session() as client:
            client.mail(A.address)
            client.rcpt(OUTSIDE)
            client.command("DATA")
            client.send(message() + end + smuggled)
            reply = client.read()
            tap.ok(reply.code == 550 and "bare <LF>" in reply.text, "X01 %s: refused" % name, reply=reply)
            tap.equal(client.command("VRFY").code, 501, "X01 %s: it was one message" % name)
    tap.ok(relay.lab.sink.find("MAIL FROM:<x@attack.example>") is None, "X01 nothing of it is delivered")


def hand_over(server, text):
    """A message given to sendmail(1) on the relay itself."""
    run(["/usr/sbin/sendmail", "-C", server.etc, "-i", "-f", A.address, OUTSIDE], input=text.replace("\r\n", "\n").encode())


def local_mail(tap, relay):
    """P08: what does not come through smtpd comes by the milter only if it is told to; then it is judged as any other."""
    lab = relay.lab

    def seen():
        return [line for line in relay.milter.messages() if line["client"] == "127.0.0.1" and "tls" not in line]

    hand_over(lab.mtas[0], message(lk=None, ident="local@relay.test"))
    lab.sink.wait("local@relay.test")
    tap.equal(seen(), [], "P08 mail of sendmail(1) does not come by the milter")
    server = lab.postfix(main="non_smtpd_milters = %s\n" % relay.milter.postfix)
    server.start()
    hand_over(server, message(ident="judged@relay.test"))
    lines = wait_for(seen, "the message to be judged")
    tap.equal([(line["verdict"], line["reason"]) for line in lines], [("reject", "tls-absent")],
              "P08 with non_smtpd_milters it does, from loopback, and is refused")
    bounce = lab.sink.wait("judged@relay.test")
    tap.equal(bounce.recipients, [A.address], "P08 and goes nowhere but back")


def bring_along(relay, other_port, version):
    """
    C14: a certificate that this port cannot verify. First the other service, which can; its session is then resumed there,
    to show that this can be done, and here. Returns whether it was resumed there and here, and what became of the message.
    """
    lab = relay.lab
    with lab.session(other_port, address=None, tls=version, certificate="untrusted") as client:
        session = client.resumable()
    resumed = []
    for port in (other_port, relay.port):
        with lab.session(port, tls=None) as client:
            client.command("STARTTLS")
            client.handshake(resume=session)
            client.ehlo()
            resumed.append(client.socket.session_reused)
            if port == relay.port:
                outcome = relay.submit(client, A.address, message(), OUTSIDE)
    return resumed[0], resumed[1], outcome


def tickets(tap, relay, weaker, other_port):
    """C14: a TLS session of another service of this Postfix, whose CA file knows the client's CA."""
    for version in ("1.2", "1.3"):
        there, here, outcome = bring_along(weaker, other_port, version)
        tap.ok(there, "C14 TLS %s: another service resumes its own session" % version)
        if here:
            accepted(tap, outcome, "C14 TLS %s: without NO_TICKET this port does so, too, and trusts the certificate" % version,
                     r_cert="pass")
        else:
            tap.ok(outcome.log["r_cert"] == "none", "C14 TLS %s: this Postfix keeps services apart by itself" % version)
        there, here, outcome = bring_along(relay, other_port, version)
        tap.equal([there, here], [True, False], "C14 TLS %s: the port as shipped resumes none" % version)
        refused(tap, outcome, "C14 TLS %s: and does not trust the certificate" % version, "cert-absent", stage="rcpt")


def silent(tap, relay):
    """P07: the daemon is gone."""
    relay.milter.stop()
    with Client(relay.port) as client:
        client.ehlo()
        reply = client.command("STARTTLS")
        tap.equal(reply.code, 454, "P07 without the daemon there is no TLS", reply=reply)
        tap.ok(400 <= client.mail(A.address).code < 600 and not client.rcpt(OUTSIDE).ok, "P07 and no mail")


def main():
    with Tap() as tap, Lab() as lab:
        relay, weaker, other_port = install(lab)
        tap.case(taken, relay)
        tap.case(tickets, relay, weaker, other_port)
        for function in (refusals_of_the_milter, refusals_of_postfix, structure, local_mail, silent):
            tap.case(function, relay)


main()
