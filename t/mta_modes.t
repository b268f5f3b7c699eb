#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Modes, roll-out, scope and the life of the daemon behind a real Postfix."""

import json
import os
import signal
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, B, Client, Lab, Tap, message, verp, wait_for
from lab.expect import accepted, config, refused
from lab.laboratory import ELSEWHERE, Relay
from lab.message import STRANGER
from lab.process import read

CONFIGURATIONS = {
    "monitor": config({A: {"quarantine_unless": "auth"}}, mode="monitor"),
    "floor": config({A: {}}, mode="monitor", monitor_floor="tls and (cert or auth or ip)"),
    "rollout": config({A: {}, B: {"mode": "monitor"}}),
    "defer": config({A: {}, B: {"mode": "monitor"}}, mode="defer"),
    "wary": config({A: {"reject_unless": "from", "defer_unless": "auth"}}),
    "scope": config({A: {"ip": {"networks": ["13.108.0.0/14"], "spf": []}}}, scope="salesforce"),
    "exempt": config({A: {}}, exempt_clients=["%s/32" % ELSEWHERE]),
    "json": {**config({A: {}}), "log": {"target": "stderr", "format": "json"}},
}


def monitor(tap, relays):
    relay = relays["monitor"]
    accepted(tap, relay.send(A.address, message()), "monitor: would be quarantined", would="quarantine", mode="monitor")
    for name, mail, session, reason in (
            ("no org", message(lk=None), {}, "org-absent"),
            ("unknown org", message(lk=STRANGER.short), {}, "org-unknown"),
            ("two orgs", message(lk=[A.short, STRANGER.short]), {}, "org-duplicate"),
            ("no TLS", message(), {"tls": None}, "tls-absent"),
            ("no certificate", message(), {"certificate": None}, "cert-absent"),
            ("foreign author", message(author="x@attack.example"), {}, "from-domain"),
            ("two From:", message(extra=["From: x@attack.example"]), {}, "message-duplicate")):
        outcome = relay.send(A.address, mail, **session)
        accepted(tap, outcome, "monitor takes it, and says what it would do: " + name, would="reject", mode="monitor",
                 reason=reason, reply=None)
        tap.ok(relay.lab.delivered(outcome), "and it is delivered")
    tap.equal(relay.lab.mtas[0].queue(), [], "nothing is held")
    relay = relays["floor"]
    accepted(tap, relay.send(A.address, message(lk=None)), "monitor_floor holds", would="reject")
    outcome = relay.send(A.address, message(), certificate=None, address=ELSEWHERE)
    refused(tap, outcome, "monitor_floor is enforced", "cert-absent", stage=outcome.stage, mode="monitor")
    outcome = relay.send(A.address, message(), tls=None)
    refused(tap, outcome, "monitor_floor is enforced, T01", "tls-absent", "530 5.7.0", stage=outcome.stage)


def defer(tap, relays):
    """Refusals that are not final: the same words with a 451, and Postfix answers so."""
    relay = relays["defer"]
    accepted(tap, relay.send(A.address, message()), "defer: what fits is accepted", mode="defer", mode_by="org0")
    for name, mail, session, reason, reply, by in (
            ("no org", message(lk=None), {}, "org-absent", "451 4.7.1", "unnamed"),
            ("no TLS", message(), {"tls": None}, "tls-absent", "451 4.7.0", "org0"),
            ("no certificate", message(), {"certificate": None, "address": ELSEWHERE}, "cert-absent", "451 4.7.1", "org0"),
            ("two From:", message(extra=["From: x@attack.example"]), {}, "message-duplicate", "451 4.6.0", "org0"),
            ("naming the one that is only watched", message(lk=B.short), {}, "org-relay-mismatch", "451 4.7.1", "org0")):
        outcome = relay.send(A.address, mail, **session)
        refused(tap, outcome, "defer: " + name, outcome.log.get("reason"), reply, stage="end", verdict="tempfail",
                would="reject", mode="defer", mode_by=by)
        tap.contains(str(outcome.reply), "not final, the relay is in defer mode", "and says that it is not final")
    outcome = relays["wary"].send(A.address, message())
    refused(tap, outcome, "defer_unless in enforce", "auth-none", "451 4.7.0", verdict="tempfail", would="tempfail",
            mode="enforce")


def rollout(tap, relays):
    """A is enforced, B only watched: there is no way round A by B, nor by no org at all."""
    relay = relays["rollout"]
    accepted(tap, relay.send(A.address, message()), "A's mail", mode="enforce", org=A.id)
    accepted(tap, relay.send(B.address, message(B)), "B's mail", mode="monitor", org=B.id)
    accepted(tap, relay.send("x@attack.example", message(B)), "B's mail, wrong envelope", mode="monitor",
             would="reject", reason="envelope-domain")
    accepted(tap, relay.send(B.address, message(B), tls=None), "B's mail without TLS", mode="monitor", would="reject",
             reason="tls-absent")
    accepted(tap, relay.send(B.address, message(B, author="x@attack.example")), "B's mail, foreign From:",
             mode="monitor", would="reject", reason="from-domain")
    for name, mail, reason in (
            ("no LK", message(lk=None), "org-absent"), ("no LK, B's From:", message(B, lk=None), "org-absent"),
            ("two LKs", message(lk=[B.short, A.short]), "org-duplicate"),
            ("B's LK twice", message(B, lk=[B.short, B.short]), "org-duplicate"),
            ("unknown LK", message(B, lk=STRANGER.short), "org-unknown"),
            ("malformed LK", message(B, lk="00D"), "org-malformed"),
            ("B's LK, A's From:", message(A, lk=B.short), "from-domain"),
            ("B's LK, two From:", message(B, extra=["From: " + A.address]), "message-duplicate"),
            ("B's LK, no From:", message(B, omit=["From"]), "from-absent")):
        outcome = relay.send(B.address, mail)
        refused(tap, outcome, "refused: " + name, reason, outcome.log.get("reply"), mode="enforce")
        tap.equal(outcome.reply.code, 550, "for good: " + name)
    outcome = relay.send(A.address, message(), tls=None)
    refused(tap, outcome, "A's mail without TLS", "tls-absent", "530 5.7.0", stage="end", mode="enforce")


def scope(tap, relays):
    relay = relays["scope"]
    other = {"address": ELSEWHERE, "name": "mail.sender.example", "certificate": None, "helo": "mail.sender.example"}
    accepted(tap, relay.send("x@sender.example", message(STRANGER, lk=None), **other), "other mail is left alone",
             verdict="skip", reason="no-salesforce-trait")
    accepted(tap, relay.send("x@sender.example", message(lk=None), tls=None, **other),
             "other mail without TLS, even in our name, is left alone", verdict="skip")
    for name, sender, mail, session in (
            ("X-SFDC-LK", "x@sender.example", message(lk=A.short, author="x@sender.example"), other),
            ("a bounce address", verp(STRANGER), message(lk=None), other),
            ("a HELO name", "x@sender.example", message(lk=None), {**other, "helo": "a.salesforce.com"}),
            ("a client name", "x@sender.example", message(lk=None), {**other, "name": "a.salesforce.com"}),
            ("a client address", "x@sender.example", message(lk=None), {**other, "address": "13.110.0.1"}),
            ("a certificate", "x@sender.example", message(lk=None), {**other, "certificate": "trusted"})):
        outcome = relay.send(sender, mail, **session)
        tap.ok(outcome.log.get("verdict") == "reject" and outcome.reply.code >= 500, "judged for %s" % name,
               outcome=outcome)
    accepted(tap, relay.send(A.address, message()), "our own mail is judged", verdict="accept", org=A.id)
    foreign = message(STRANGER)
    accepted(tap, relay.send(verp(STRANGER), foreign), "another company's Salesforce mail to local recipients",
             verdict="skip", reason="foreign-org")
    for name, recipients in (("outside", "user@outside.test"), ("both", ["user@dest.test", "user@outside.test"])):
        refused(tap, relay.send(verp(STRANGER), message(STRANGER), recipients), "and to recipients %s" % name,
                "org-unknown")
    refused(tap, relay.send(verp(STRANGER), message(STRANGER, author=A.address)), "and in our name", "org-unknown")


def outward(tap, lab):
    """W02: whatever a transport is called, what is not known to stay inside leaves."""
    foreign = dict(sender=verp(STRANGER), message=message(STRANGER))
    scoped = {A: {"ip": {"networks": ["13.108.0.0/14"], "spf": []}}}
    server = lab.postfix(main="default_transport = out1:[127.0.0.1]:%d\n" % lab.sink.port)
    server.master += "out1 unix - - n - - smtp\n"
    milters = {name: lab.milter(config(scoped, scope="salesforce", local_mailers=mailers), name="outward-" + name)
               for name, mailers in (("none", []), ("relay", ["relay"]), ("all", ["relay", "out1"]))}
    relays = {name: Relay(lab, server.port(milter.postfix), milter) for name, milter in milters.items()}
    server.start()
    inside, outside = "user@dest.test", "user@outside.test"
    for name, recipients, leaves in (
            ("none", outside, True), ("none", inside, True), ("relay", outside, True), ("relay", inside, False),
            ("relay", [inside, outside], True), ("all", [inside, outside], False)):
        text = "local_mailers: %s, to %s" % (name, recipients)
        outcome = relays[name].send(recipients=recipients, **foreign)
        if leaves:
            refused(tap, outcome, "W02 another company's mail is refused, " + text, "org-unknown")
        else:
            accepted(tap, outcome, "W02 it passes, " + text, verdict="skip", reason="foreign-org")
        outcome = relays[name].send(A.address, message(), recipients)
        accepted(tap, outcome, "W02 our own mail passes, " + text)
        tap.equal(len(lab.delivered(outcome).all("X-SFDC-Relay")), 0 if leaves else 1, "W02 and add_to: local goes by the same")


def exempt(tap, relays):
    relay = relays["exempt"]
    accepted(tap, relay.send("x@attack.example", message(lk=None), address=ELSEWHERE, tls=None), "an exempt client",
             verdict="exempt", reason="exempt-client", r_tls=None)
    refused(tap, relay.send("x@attack.example", message(lk=None), address="203.0.113.6", certificate=None),
            "its neighbor is not", "cert-absent", stage="rcpt")


def json_log(tap, relays):
    relay = relays["json"]
    outcome = relay.send(A.address, message(lk="\"},{\"verdict\":\"accept\x1b"))
    line = read(relay.milter.output).splitlines()[-1]
    entry = json.loads(line)
    tap.ok(entry["ev"] == "verdict" and entry["verdict"] == "reject" and entry["rcpts"] == 1 and entry["v"] == 1,
           "json: one object with numbers", line=line)
    tap.equal(entry["lk"], "\"},{\"verdict\":\"accept\\x1b", "L01 json: made printable, then quoted")
    refused(tap, outcome, "json: the same keys", "org-malformed")


def down(tap, relay):
    milter = relay.milter
    with Client(relay.port) as client:
        client.ehlo()
        reply = client.mail(A.address)
        tap.equal(reply.code, 451, "P07 no daemon: Postfix defers", reply=reply)
    milter.start()
    accepted(tap, relay.send(A.address, message()), "it starts: mail flows")
    with relay.session() as client:
        accepted(tap, relay.submit(client, A.address, message()), "a session is open while it ends")
        status = milter.stop()
        stage, reply = client.submit(A.address, "user@dest.test", message())
        tap.ok(reply.code in (421, 451), "and is told to come back", stage=stage, reply=reply)
    tap.equal(status, 0, "it ended well", output=read(milter.output)[-2000:])
    milter.start()
    accepted(tap, relay.send(A.address, message()), "it starts again: mail flows")


def crash(tap, relay):
    """The worker dies; its parent begins another."""
    parent = relay.milter.process.pid
    workers = children(parent)
    tap.equal(len(workers), 1, "one worker", workers=workers)
    accepted(tap, relay.send(A.address, message()), "before the crash")
    os.kill(workers[0], signal.SIGKILL)
    wait_for(lambda: children(parent) not in ([], workers), "another worker")
    wait_for(relay.milter.listens, "the socket")
    accepted(tap, relay.send(A.address, message()), "after the crash")


def children(pid):
    """The processes that pid started."""
    return [int(child) for child in read("/proc/%d/task/%d/children" % (pid, pid)).split()]


def reloading(tap, relays):
    """X09: reload while mail flows; the configuration alternates between serving A alone and A and B."""
    relay = relays["rollout"]
    both, alone = config({A: {}, B: {}}), config({A: {}})
    replies, stop = [], threading.Event()

    def flow():
        with relay.session() as client:
            while not stop.is_set():
                replies.append([client.submit(org.address, "user@dest.test", message(org))[1] for org in (A, B)])

    relay.milter.reload(both)
    before = len(relay.milter.messages())
    threads = [threading.Thread(target=flow) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(8):
            events = relay.milter.reload(alone if number % 2 == 0 else both)
            seen = len(replies)
            wait_for(lambda: len(replies) > seen + 3, "mail after a reload")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    tap.ok(events, "X09 eight reloads")
    tap.ok(all(pair[0].code == 250 for pair in replies), "X09 A's mail was always taken",
           bad=[pair for pair in replies if pair[0].code != 250][:5])
    tap.ok(all(pair[1].code == 250 or "org-unknown" in pair[1].text for pair in replies),
           "X09 B's mail was taken or refused by a whole configuration")
    codes = {pair[1].code for pair in replies}
    tap.equal(codes, {250, 550}, "X09 both configurations were seen")
    relay.milter.next(len(relay.milter.messages()) - before)
    tap.equal(relay.milter.mark, len(relay.milter.messages()), "X09 one line for each message")


def bad_reload(tap, relays):
    relay = relays["rollout"]
    milter = relay.milter
    milter.reload(config({A: {}}))
    errors = [line for line in milter.lines() if line.get("ev") == "error"]
    milter.configure({**config({A: {}, B: {}}), "no_such_option": "x"})
    milter.process.send_signal(signal.SIGUSR1)
    line = wait_for(lambda: [line for line in milter.lines() if line.get("ev") == "error"][len(errors):],
                    "an error for the bad configuration")
    tap.contains(" ".join(str(entry) for entry in line), "no_such_option", "X08 a bad file is said to be bad")
    accepted(tap, relay.send(A.address, message()), "X08 and the old configuration stays")
    refused(tap, relay.send(B.address, message(B)), "X08 whole", "org-unknown")
    before = sum(1 for entry in milter.lines() if entry.get("ev") == "reload")
    milter.configure(config({A: {}, B: {}}))
    milter.process.send_signal(signal.SIGUSR1)
    milter.event("reload", before + 1)
    accepted(tap, relay.send(B.address, message(B)), "SIGUSR1 reloads as SIGHUP does")


def main():
    with Tap() as tap, Lab() as lab:
        lab.client_name = "mail.client.example"
        relays = lab.relays(CONFIGURATIONS)
        for function in (monitor, defer, rollout, scope, exempt, json_log, reloading, bad_reload):
            tap.case(function, relays)
        milters = [lab.milter(config({A: {}}), name="crash"), lab.milter(config({A: {}}), name="down", begin=False)]
        server = lab.postfix()
        ports = [server.port(milter.postfix) for milter in milters]
        server.start()
        for function, milter, port in zip((crash, down), milters, ports):
            tap.case(function, Relay(lab, port, milter))
        tap.case(outward, lab)


main()
