#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The first ten minutes of README, word for word, on a machine as Debian leaves it (t/lab/machine.py says where this one
differs), and the mail that comes then. In a fresh root, given by FRESH_ROOT, t/check-fresh has built and installed.
"""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, BUILDDIR, SRCDIR, Client, Lab, Tap, message, verp
from lab.demo import zone
from lab.expect import told_reasons
from lab.laboratory import Outcome
from lab.machine import Machine, enter
from lab.message import STRANGER
from lab.milter import parse
from lab.process import read, wait_for, write
from lab.signer import Signer

PORT = 10025
OUTSIDE = "user@dest.test"
# What builds and installs: t/check-fresh runs it.
BUILDING = ("contrib/", "./bootstrap", "./configure", "make")
FRESH = os.environ.get("FRESH_ROOT", "")


def blocks():
    """README's indented blocks with the paragraph before each: [(paragraph, lines)]."""
    found = []
    paragraph = ""
    for part in re.split(r"\n\n+", read(os.path.join(SRCDIR, "README"))):
        if part.startswith("    "):
            found.append((paragraph, part.rstrip("\n")))
        else:
            paragraph = part
    return found


def commands(block):
    """The commands of a block; one may go on in the next line."""
    return [line.strip() for line in re.sub(r"\\\n", " ", block).splitlines()]


class Relay:
    """The machine while README is followed."""

    def __init__(self, machine, signer):
        self.machine = machine
        self.signer = signer
        self.mark = 0

    def lines(self):
        """What the journal has of messages."""
        entries = [parse(line) for line in self.machine.log().splitlines() if " ev=verdict " in line]
        return [entry for entry in entries if entry]

    def event(self, name):
        return [line for line in self.machine.log().splitlines() if " ev=%s " % name in line]

    def send(self, sender, text, certificate="trusted", port=PORT):
        with self.machine.lab.session(port, certificate=certificate) as client:
            outcome = Outcome(*client.submit(sender, OUTSIDE, text))
            client.quit()
        outcome.log = wait_for(lambda: self.lines()[self.mark:], "a line in the journal")[0]
        self.mark += 1
        return outcome

    def good(self):
        return self.send(A.address, self.signer.sign(message(), A.domain))

    def strange(self):
        """Another customer's message."""
        return self.send(verp(STRANGER), self.signer.sign(message(STRANGER), STRANGER.domain))

    def reload(self, block):
        """Run commands that reload the daemon, and await that it has happened."""
        before = len(self.event("reload"))
        follow(self, "\n".join(block))
        return wait_for(lambda: self.event("reload")[before:], "the reload")[0]

    def unsigned(self):
        return self.send(A.address, message())


def follow(relay, block):
    """Run the commands of a block, each of which must succeed; the output of each."""
    output = []
    for command in commands(block):
        if command.startswith(BUILDING) and not (FRESH and command == "make uninstall"):
            continue
        output.append(relay.machine.run(command, folder="/src" if FRESH else "/"))
        print("# ran: " + command)
    return output


def untouched(machine):
    """Postfix's own configuration but for what is ours."""
    services = machine.run("postconf -M").splitlines() + machine.run("postconf -P").splitlines()
    return [line for line in services if "10025" not in line and "sfdc-cleanup" not in line], read(machine.path("/etc/postfix/main.cf"))


def configure(tap, relay, parts):
    """Steps 1 to 3."""
    machine = relay.machine
    follow(relay, parts["1. Build and install"])
    path = machine.path("/etc/sfdc-milter/sfdc-milter.yaml")
    # As it is pasted from README, with the indentation it has there.
    text = parts["2. Say who you are"] + "\n"
    optional = parts["The policy asks for DKIM"]
    write(path, re.sub(r"( +domains: .*\n)", lambda found: found.group(1) + optional + "\n", text))
    tap.contains(machine.run("sfdc-relayctl check-config"), commands(optional)[0][len("reject_unless: "):],
                 "the line for those without DKIM is taken")
    write(path, text)
    tap.contains(follow(relay, parts["See what the configuration lets in"])[0], "each proves the customer",
                 "the configuration is good")
    before = untouched(machine)
    out = follow(relay, parts["3. Give Postfix the port"])[0]
    machine.run(out[out.index("# Postfix:"):])
    tap.equal(untouched(machine), before, "what it prints touches neither main.cf nor another service")
    machine.run("postfix check")


def watched(tap, relay, parts):
    """Steps 4 and 5: monitor mode."""
    follow(relay, parts["4. Start"])
    wait_for(lambda: relay.machine.run("postconf -M 10025/inet") and answers(PORT), "port %d" % PORT)
    checked(tap, relay, parts)
    outcome = relay.good()
    tap.ok(outcome.reply.code == 250 and outcome.log["verdict"] == outcome.log["would"] == "accept", "a good message is accepted",
           outcome=outcome)
    delivered(tap, relay, outcome, "and delivered")
    outcome = relay.unsigned()
    tap.ok(outcome.reply.code == 250 and outcome.log["would"] == "reject", "one without signature, too, while it watches",
           outcome=outcome)
    outcome = relay.strange()
    tap.ok(outcome.reply.code == 550 and outcome.log["mode"] == "monitor", "another customer's is refused, by the floor",
           outcome=outcome)
    every = follow(relay, parts["5. Watch"])[0].splitlines()
    tap.equal([parse(line)["would"] for line in every], ["accept", "reject", "reject"], "a line for each message")
    bad = follow(relay, parts["What would be refused"])[0].splitlines()
    tap.equal([parse(line)["reason"] for line in bad], ["dkim-none", "org-unknown"],
              "the line that shows what would be refused shows these")
    smuggle(tap, relay, "monitor")
    floor(tap, relay)


def floor(tap, relay):
    """What README says of a relay that watches without its floor."""
    path = relay.machine.path("/etc/sfdc-milter/sfdc-milter.yaml")
    text = read(path)
    write(path, re.sub(" *monitor_floor:.*\n", "", text))
    relay.reload(["systemctl reload sfdc-milter"])
    outcome = relay.strange()
    tap.ok(outcome.reply.code == 250 and outcome.log["would"] == "reject", "without the floor another customer's is taken",
           outcome=outcome)
    tap.contains(relay.machine.run("sfdc-relayctl check-mta || true"), "FIX     the port relays for all of Salesforce's addresses", "which check-mta tells")
    write(path, text)
    relay.reload(["systemctl reload sfdc-milter"])
    tap.equal(relay.good().reply.code, 250, "with it a good one is taken")


def checked(tap, relay, parts):
    """What check-mta says of all that."""
    command, = commands(parts["Does the mail server do its part"])
    out = relay.machine.run(command + " || test $? = 2")
    tap.ok(not re.search("^FIX", out, re.MULTILINE), "check-mta finds nothing to fix", out=out)
    tap.contains(out, "OK      the milter answers user postfix", "and reaches the milter as Postfix's user does", out=out)


def answers(port):
    try:
        with Client(port) as client:
            return client.banner.code == 220
    except OSError:
        return False


def delivered(tap, relay, outcome, name):
    tap.ok(relay.machine.lab.delivered(outcome).recipients == [OUTSIDE], name)


def smuggle(tap, relay, mode):
    """W01: another customer's message that hides one of ours behind LF . CRLF."""
    hidden = "hidden-%s@sfdc.net" % mode
    inner = "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n%s.\r\nQUIT\r\n" % (A.address, OUTSIDE, message(ident=hidden))
    with relay.machine.lab.session(PORT) as client:
        client.mail(verp(STRANGER))
        client.rcpt(OUTSIDE)
        tap.equal(client.command("DATA").code, 354, "W01 %s: another customer's message begins" % mode)
        client.send(message(STRANGER) + "\n.\r\n" + inner)
        reply = client.read()
        tap.ok(reply.code == 550 and "bare <LF>" in reply.text, "W01 %s: the message that hides one is refused" % mode,
               reply=reply)
    tap.ok(relay.machine.lab.sink.find(hidden) is None, "W01 %s: what it hid is not delivered" % mode)
    # Whether the milter was told of it before Postfix refused is Postfix's business.
    relay.good()
    relay.mark = len(relay.lines())


def enforced(tap, relay, parts):
    """Step 6."""
    tap.contains(relay.reload([parts["6. Enforce"]]), "result=ok", "the reload succeeds")
    outcome = relay.good()
    tap.ok(outcome.reply.code == 250 and outcome.log["mode"] == "enforce", "enforcing: a good message is accepted",
           outcome=outcome)
    delivered(tap, relay, outcome, "and delivered")
    for name, reason, sent in (("one without signature", "dkim-none", relay.unsigned()),
                               ("another customer's", "org-unknown", relay.strange())):
        tap.ok(sent.reply.code == 550 and sent.log["reason"] == reason and told_reasons(sent.log) in sent.reply.text,
               name + " is refused", outcome=sent)
    with Client(PORT) as client:
        client.ehlo()
        tap.equal(client.mail(A.address).code, 530, "so is mail without TLS")
    smuggle(tap, relay, "enforce")


def asked(tap, relay, parts):
    """What would become of a message."""
    path = relay.machine.path("/src/message.eml" if FRESH else "/run/message.eml")
    write(path, message().replace("\r\n", "\n"))
    command, = commands(parts["What would become of a message"])
    out = relay.machine.run(command, folder=os.path.dirname(path)[len(relay.machine.root):], must=False)
    tap.contains(out, "dkim-none", "check-message explains a message", out=out)


def relayed(tap, relay, parts):
    """Would Salesforce deliver."""
    look, line = commands(parts["Would Salesforce deliver"])
    tap.contains(relay.machine.run(line), "intermediate certificate is missing", "explain tells what a line of the Email Log means")
    out = relay.machine.run(look + " 2>&1", must=False)
    tap.ok("relay.example.com" in out and ("Required Verify" in out or "the DNS" in out), "check-relay tells what it found", out=out)


def back(tap, relay, parts):
    """The way back."""
    before = relay.machine.stock
    follow(relay, parts["The way back"])
    tap.equal(untouched(relay.machine), before, "Postfix is as it was")
    tap.equal(relay.machine.run("postconf -M | grep -c sfdc || true").strip(), "0", "nothing of ours is left in master.cf")
    tap.ok(wait_for(lambda: not answers(PORT), "the port to be closed"), "the port is gone")
    tap.ok(not os.path.exists(relay.machine.path("/run/sfdc-milter")), "the daemon, too")
    tap.ok(answers(25), "port 25 is served as before")
    if FRESH:
        tap.ok(not os.path.exists(relay.machine.path("/usr/local/sbin/sfdc-milter")), "and the programs")


def sections():
    """{how the paragraph before a block begins: the block}."""
    names = ("1. Build and install", "2. Say who you are", "The policy asks for DKIM", "See what the configuration lets in",
             "3. Give Postfix the port", "4. Start", "Does the mail server do its part", "5. Watch", "What would be refused",
             "6. Enforce", "The way back", "What would become of a message", "Would Salesforce deliver", "On a scratch machine")
    found = {}
    for paragraph, block in blocks():
        name = next((name for name in names if paragraph.splitlines()[-1].startswith(name)
                     or re.search(r"^%s" % re.escape(name), paragraph, re.MULTILINE)), None)
        found[name] = block
    return names, found


def main():
    with Tap() as tap:
        if not enter(FRESH):
            tap.skip_all("no private namespaces here")
        names, parts = sections()
        if not tap.equal(sorted(map(str, parts)), sorted(names), "every block of README is known here"):
            return
        with Lab() as lab:
            signer = Signer(lab.folder("signer"), [A.domain, STRANGER.domain])
            machine = Machine(lab, FRESH, BUILDDIR)
            lab.nameserver(zone() + signer.records, port=53)
            machine.start_postfix()
            machine.stock = untouched(machine)
            relay = Relay(machine, signer)
            for function in (configure, watched, enforced, asked, relayed, back):
                tap.case(function, relay, parts)
                if tap.failures:
                    print("".join("# %s\n" % line for line in machine.log().splitlines()[-60:]))
                    break


main()
