#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What TROUBLESHOOTING in sfdc-milter(8) says is what the mail servers' logs say, and what it advises helps."""

import os
import re
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, SRCDIR, Client, Lab, Tap, message
from lab.expect import config
from lab.laboratory import Relay
from lab.process import run, wait_for
from lab.sendmail import PROGRAM, Sendmail


def troubles():
    """The section as text, in one line."""
    page = run(["mandoc", "-T", "ascii", "-O", "width=200", os.path.join(SRCDIR, "conf/sfdc-milter.8")])
    text = re.sub(".\b", "", page.decode())
    return " ".join(text[text.index("\nTROUBLESHOOTING"):text.index("\nFILES")].split())


def told(tap, page, log, pattern, entry):
    """The log holds what the pattern says, and the page has it."""
    wait_for(lambda: re.search(pattern, log()), "%r in the log" % pattern)
    tap.contains(page, entry, "the page has: " + entry)


def sockets(tap, lab, page):
    """No socket, one that Postfix may not open, one on which nobody answers."""
    closed = lab.folder("closed")
    os.mkdir(closed, 0o700)
    dead = {"there": lab.folder("dead"), "closed": os.path.join(closed, "s")}
    for path in dead.values():
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
        os.chmod(path, 0o666)
    server = lab.mtas[0]
    for name, path, error in (("no socket", lab.folder("none"), "No such file or directory"),
                              ("a folder that is closed", dead["closed"], "Permission denied"),
                              ("nobody answers", dead["there"], "Connection refused")):
        with Client(server.trouble[path]) as client:
            client.ehlo()
            tap.equal(client.mail(A.address).code, 451, name + ": mail is deferred")
        told(tap, page, server.log, re.escape("connect to Milter service unix:%s: %s" % (path, error)),
             "connect to Milter service unix:path: " + error)


def no_certificate(tap, lab, page):
    """A port without a certificate."""
    server = lab.mtas[0]
    with Client(server.bare) as client:
        client.ehlo()
        tap.equal(client.command("STARTTLS").code, 454, "no certificate: no TLS")
    told(tap, page, server.log, "No server certs available. TLS won't be enabled",
         "No server certs available. TLS won't be enabled")


def session(tap, relay, page):
    """The rest of a session is deferred after a restart, not after a reload; a new one is not."""
    with relay.session() as client:
        outcome = relay.submit(client, A.address, message())
        tap.equal(outcome.reply.code, 250, "a session begins", outcome=outcome)
        relay.milter.reload()
        outcome = relay.submit(client, A.address, message())
        tap.equal(outcome.reply.code, 250, "after a reload it goes on", outcome=outcome)
        relay.milter.stop()
        relay.milter.start()
        stage, reply = client.submit(A.address, "user@dest.test", message())
        tap.ok(stage != "end" and reply.code == 451, "after a restart the rest of it is deferred", stage=stage, reply=reply)
    told(tap, page, relay.lab.mtas[0].log, r"milter-reject: .* 451 4\.7\.1 Service unavailable - try again later",
         "milter-reject: ... 451 4.7.1 Service unavailable - try again later")
    relay.milter.mark = len(relay.milter.messages())
    outcome = relay.send(A.address, message())
    tap.equal(outcome.reply.code, 250, "a new session is not", outcome=outcome)


def certificates(tap, relay, page):
    """How Postfix's log tells no certificate from one it does not verify."""
    for certificate, word in (("untrusted", "Untrusted"), (None, "Anonymous"), ("server-only", "Untrusted")):
        outcome = relay.send(A.address, message(), certificate=certificate)
        tap.equal(outcome.log["reason"], "cert-absent", "%s: cert-absent" % certificate, outcome=outcome)
        told(tap, page, relay.lab.mtas[0].log, word + " TLS connection established from", word)
    tap.contains(page, "cert-absent in the reply", "the page has cert-absent")


def held(tap, relay, page):
    """How held mail is released."""
    outcome = relay.send(A.address, message())
    tap.equal(outcome.log["verdict"], "quarantine", "a message is held", outcome=outcome)
    server = relay.lab.mtas[0]
    told(tap, page, server.log, "milter-hold: ", "milter-hold")
    listing = run(["postqueue", "-c", server.etc, "-p"]).decode()
    tap.contains(listing, outcome.queue_id + "!", "postqueue -p marks it")
    run(["postsuper", "-c", server.etc, "-H", outcome.queue_id])
    run(["postqueue", "-c", server.etc, "-f"])
    tap.ok(relay.lab.delivered(outcome), "postsuper -H lets it go")
    for text in ("marked `!' by `postqueue -p'", "`postsuper -H qid'"):
        tap.contains(page, text, "the page says so: " + text)


def smuggling(tap, page):
    """What mta_conf.t sees Postfix say."""
    tap.contains(page, "bare <LF> received", "the page has bare newlines")


def sendmail(tap, page):
    """Sendmail's words, from the program itself."""
    if Sendmail.missing():
        print("# no Sendmail: " + Sendmail.missing())
        return
    with open(PROGRAM, "rb") as file:
        words = file.read().decode("latin-1")
    for form, entry in (("Milter (%s): local socket name %s unsafe", "Milter (sfdc): local socket name path unsafe"),
                        ("Milter (%s): error connecting to filter: %s", "Milter (sfdc): error connecting to filter"),
                        ("Milter (%s): to error state", "Milter (sfdc): to error state"),
                        ("milter=%s, quarantine=%s", "quarantine=reason")):
        tap.ok(form in words, "Sendmail says: " + form)
        tap.contains(page, entry, "the page has: " + entry)


def main():
    with Tap() as tap, Lab() as lab:
        page = troubles()
        server = lab.postfix()
        relays = {}
        for name, options in (("usual", {}), ("strict", {"reject_unless": "cert and org and from"}),
                              ("holding", {"quarantine_unless": "auth"})):
            milter = lab.milter(config({A: options}), name=name)
            relays[name] = Relay(lab, server.port(milter.postfix), milter)
        server.trouble = {path: server.port("unix:" + path)
                          for path in (lab.folder("none"), lab.folder("closed/s"), lab.folder("dead"))}
        server.bare = server.port(smtpd_tls_cert_file="", smtpd_tls_key_file="")
        server.start()
        tap.case(sockets, lab, page)
        tap.case(no_certificate, lab, page)
        tap.case(session, relays["usual"], page)
        tap.case(certificates, relays["strict"], page)
        tap.case(held, relays["holding"], page)
        tap.case(smuggling, page)
        tap.case(sendmail, page)


main()
