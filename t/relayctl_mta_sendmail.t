#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
sfdc-relayctl check-mta on a real Sendmail: the piece of sendmail.mc as it ships with something made wrong. The harm is done; then
check-mta names the fault, what it says is done, and the harm can be done no more.
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, BUILDDIR, Client, Lab, Tap, message, verp
from lab.expect import SENTENCE, config
from lab.message import STRANGER
from lab.postfix import HOSTNAME, USER
from lab.process import Failure, read, sanitized, write
from lab.sendmail import LISTED, Sendmail
from lab.shipped import shipped

USERS = ["%s@%s" % (USER, HOSTNAME)]
OUTSIDE = "user@outside.test"
UNLISTED = "127.8.8.8"
PROGRAM = os.path.join(BUILDDIR, "sfdc-relayctl")
# make check takes one server, make check-mta-setups all.
WHOLE = os.environ.get("SETUPS") == "all"
# To Salesforce's addresses belong those that the laboratory's access map lists.
NETWORKS = {"ip": {"networks": ["127.9.8.0/24"], "spf": []}}
CERT = {"reject_unless": SENTENCE.replace("(cert or auth or ip)", "cert"), **NETWORKS}


class Instance:
    """A Sendmail and its milter. lines: those of sendmail.mc, as they ship for the port "as it ships"."""

    def __init__(self, lab, name, policy):
        self.lab = lab
        self.milter = lab.milter(policy, name=name)
        self.server = lab.sendmail()
        self.lines = [line for line in shipped("sendmail.mc").splitlines() if line and not line.startswith("dnl")]
        self.ports = {"as it ships": self.server.port()}
        self.change("local:/run/sfdc-milter/sfdc-milter.sock", self.milter.sendmail)
        self.change("Port=10025, ", "Port=%d, Addr=127.0.0.1, " % self.ports["as it ships"])
        self.change("/etc/ssl/certs/ca-certificates.crt", self.server.root + "/ca.pem")
        self.lines += ["define(`confAUTH_REALM', `%s')dnl" % HOSTNAME, "define(`ESMTP_MAILER_ARGS', `TCP $h %d')dnl" % lab.sink.port]
        write(os.path.join(self.server.root, "access"), "Connect:127.9.8 RELAY\n")

    def change(self, old, new):
        if not any(old in line for line in self.lines):
            raise Failure("%r is not in sendmail.mc" % old)
        self.lines = [line.replace(old, new) for line in self.lines]

    def add(self, name, flag=None):
        """A port; flag: that of a filter of its own on the milter's socket, None for a port without one."""
        self.ports[name] = self.server.port()
        filters = ""
        if flag is not None:
            self.lines.append("MAIL_FILTER(`%s', `S=%s%s, T=R:60s')dnl" % (name, self.milter.sendmail, flag))
            filters = ", InputMailFilters=" + name
        self.lines.append("DAEMON_OPTIONS(`Port=%d, Addr=127.0.0.1, Name=%s%s')dnl" % (self.ports[name], name, filters))

    def start(self):
        self.server.start("\n".join(self.lines) + "\n")

    def findings(self):
        done = subprocess.run([PROGRAM, "check-mta", "-c", self.milter.file, "sendmail", "--config-dir", self.server.root, "--json"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, env=sanitized(), check=False)
        found = json.loads(done.stdout)["findings"]
        if done.returncode != (1 if any(one["level"] == "fix" for one in found) else 2):
            raise Failure("check-mta: exit %d" % done.returncode)
        return found

    def mend(self, findings):
        """Do what the commands say, and start again."""
        for one in findings:
            if one["level"] == "fix":
                for command in one["command"].splitlines():
                    self.follow(command)
        self.server.stop()
        self.start()
        self.milter.reload()

    def follow(self, command):
        _, where, what = re.split("^# ([a-z.-]+): ", command)
        what = what.replace("/etc/ssl/certs/ca-certificates.crt", self.server.root + "/ca.pem").replace(":HOST'", ":[127.0.0.1]'")
        macro = re.match(r"(dnl )?\w+\(`\w+'", what)
        if where == "sfdc-milter.yaml":
            write(self.milter.file, read(self.milter.file) + what + "\n")
        elif what.startswith("name InputMailFilters=sfdc in every DAEMON_OPTIONS"):
            self.lines = [re.sub(r"^(DAEMON_OPTIONS\((?!.*InputMailFilters).*)'\)", r"\1, InputMailFilters=sfdc')", line)
                          for line in self.lines]
        elif what.startswith("DAEMON_OPTIONS(`Port=10025, Name=SFDC, InputMailFilters=sfdc')"):
            self.change("Name=SFDC'", "Name=SFDC, InputMailFilters=sfdc'")
        elif macro and macro[1]:
            self.lines = [line for line in self.lines if not line.startswith(macro[0][4:])]
        elif macro:
            self.lines = [line for line in self.lines if not line.startswith(macro[0])] + [what]
            # A filter is defined before the ports that name it.
            self.lines.sort(key=lambda line: line.startswith("DAEMON_OPTIONS"))
        else:
            raise Failure("what does %r mean?" % command)

    # What may happen. Each returns whether the harm was done.

    def sent(self, name, sender, text, **session):
        try:
            return self.lab.send(self.ports[name], sender, text, OUTSIDE, **{"source": LISTED, **session}).reply.code == 250
        except (Failure, OSError):
            return False

    def forged(self, name, **session):
        return self.sent(name, A.address, message(lk=None), certificate=None, **session)

    def stranger(self, name):
        return self.sent(name, verp(STRANGER), message(STRANGER))

    def genuine_lost(self, name):
        return not self.sent(name, A.address, message())

    def long_header(self, name):
        """A header that breaks the connection to the milter."""
        return self.sent(name, verp(STRANGER), message(STRANGER, extra=["X-Long: " + "\r\n ".join(["x" * 900] * 80)]))

    def in_clear(self, name):
        with Client(self.ports[name]) as client:
            return "AUTH PLAIN" in client.ehlo().text or "LOGIN" in client.ehlo().text

    def bounced(self, name):
        """The milter is away: refused for good."""
        with Client(self.ports[name], source=LISTED) as client:
            return 5 in (client.banner.code // 100, client.ehlo().code // 100)


def to_fix(findings):
    return sorted(one["id"] for one in findings if one["level"] == "fix")


def play(tap, instance, harms, away, fixes):
    """harms, away: [(what, how, port)], those of away while the milter does not run; fixes: what is found."""
    instance.start()
    for possible in (True, False):
        for what, how, port in harms:
            tap.ok(how(instance, port) == possible, "%s: %s" % (what, "harm is done" if possible else "no more once it was mended"))
        instance.milter.stop()
        for what, how, port in away:
            tap.ok(how(instance, port) == possible, "%s: %s" % (what, "harm is done" if possible else "no more once it was mended"))
        instance.milter.start()
        findings = instance.findings()
        tap.equal(to_fix(findings), sorted(fixes) if possible else [], "told, and nothing else" if possible else "nothing is left to fix")
        if possible:
            instance.mend(findings)
    tap.ok(not instance.genuine_lost("as it ships"), "genuine mail is taken")
    instance.server.stop()


def ports(tap, lab):
    """What ports and filters do."""
    instance = Instance(lab, "ports", config({A: {"auth": {"users": USERS}, **NETWORKS,
                                                  "reject_unless": SENTENCE.replace("auth or ip", "auth")}}))
    instance.add("open", "")
    instance.add("refusing", ", F=R")
    instance.add("round")
    instance.lines += ["FEATURE(`promiscuous_relay')dnl", "define(`confMAX_HEADERS_LENGTH', `0')dnl"]
    instance.change("`A,p'", "`A'")
    play(tap, instance,
         [("other-service", Instance.stranger, "round"),
          ("open-relay", lambda self, name: self.sent(name, "x@attack.example", message(lk=None), source=UNLISTED, certificate=None), "round"),
          ("auth-in-clear", Instance.in_clear, "as it ships"), ("headers-length", Instance.long_header, "open")],
         [("default-action", Instance.forged, "open"), ("default-action of R", Instance.bounced, "refusing")],
         ["auth-in-clear", "default-action", "default-action", "headers-length", "open-relay", "other-service"])


def floor(tap, lab):
    """A policy that watches, with nothing below it."""
    instance = Instance(lab, "floor", config({A: CERT}, mode="monitor", dns={"nameservers": [lab.nameserver([]).address]}))
    play(tap, instance, [("open-relay", Instance.stranger, "as it ships")], [], ["open-relay"])


def authorities(tap, lab):
    """A file of authorities that is not there."""
    instance = Instance(lab, "authorities", config({A: CERT}))
    instance.change(instance.server.root + "/ca.pem", "/nowhere/ca.pem")
    play(tap, instance, [("ca-file", Instance.genuine_lost, "as it ships")], [], ["ca-file"])


def unasked(tap, lab):
    """No certificate is asked for."""
    instance = Instance(lab, "unasked", config({A: CERT}))
    instance.change("`confTLS_SRV_OPTIONS', `'", "`confTLS_SRV_OPTIONS', `V'")
    play(tap, instance, [("ask-ccert", Instance.genuine_lost, "as it ships")], [], ["ask-ccert"])


def unguarded(tap, lab):
    """No port has the milter."""
    instance = Instance(lab, "unguarded", config({A: CERT}))
    instance.change("Name=SFDC, InputMailFilters=sfdc", "Name=SFDC")
    play(tap, instance, [("no-service", Instance.forged, "as it ships")], [], ["no-service", "other-service"])


def inside(tap, lab):
    """W02: mail to everybody leaves by a mailer that counts as inside."""
    instance = Instance(lab, "inside", config({A: CERT}, scope="salesforce"))
    play(tap, instance, [("inside", Instance.stranger, "as it ships")], [], ["inside"])


def main():
    why = Sendmail.missing()
    if why:
        Tap.skip_all(why)
    with Tap() as tap, Lab() as lab:
        for case in (ports, floor, authorities, unasked, unguarded, inside) if WHOLE else (ports,):
            tap.case(case, lab)


main()
