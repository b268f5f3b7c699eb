#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
sfdc-relayctl check-mta on a real Postfix. Each port is the piece of master.cf as it ships with one thing made wrong. The harm
is done; then check-mta names the fault, its command is run, and the harm can be done no more.
"""

import json
import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, BUILDDIR, Client, Lab, Tap, free_port, message, verp
from lab.expect import SENTENCE, config
from lab.laboratory import ELSEWHERE, SALESFORCE, SALESFORCE_NAME
from lab.message import STRANGER, message_id
from lab.postfix import HOSTNAME, USER
from lab.process import Failure, read, run, sanitized, wait_for, write
from lab.shipped import fitted, shipped

USERS = ["%s@%s" % (USER, HOSTNAME)]
OUTSIDE = "user@outside.test"
SECRET = "a-password-of-main-cf"
PROGRAM = os.path.join(BUILDDIR, "sfdc-relayctl")
# make check takes one setup of each kind, make check-mta-setups all.
WHOLE = os.environ.get("SETUPS") == "all"
SHORT = ("milter-maps", "chroot", "macros", "tickets", "bare-newline", "nul", "xclient", "default-action",
         "auth-in-clear tls-level tls-floor", "open-relay")


class Instance:
    """A Postfix with a milter, ports that are as they ship but for one thing, and what check-mta says of it."""

    def __init__(self, lab, name, policy, clients, main=""):
        self.lab = lab
        self.milter = lab.milter(policy, name=name)
        self.server = lab.postfix(main=main)
        self.ports = {}
        self.possible = True
        self.service, self.cleanup = shipped("postfix-master.cf").split("\nsfdc-cleanup ")
        # All share one cleanup, as it ships.
        number = self.add("as it ships")
        self.server.service(number, "sfdc-cleanup " + self.cleanup)
        write(os.path.join(self.server.etc, "sfdc_clients.cidr"), "%s OK\n" % clients)
        write(os.path.join(self.server.etc, "sfdc_senders"), "%s OK\n.bnc.salesforce.com OK\n<> OK\n" % A.domain)

    def add(self, name, chroot="n", **options):
        """A port; options replace those of the piece as it ships, None leaves one out."""
        number = free_port()
        while number in self.server.ports:
            number = free_port()
        text = fitted(self.server, self.lab, number, self.milter, self.service + "\n")
        text = text.replace("inet n - n - 50 smtpd", "inet n - %s - 50 smtpd" % chroot)
        for option, value in options.items():
            text = re.sub(r"  -o %s=.*\n" % option, "", text)
            if value is not None:
                text += "  -o {%s = %s}\n" % (option, value.format(root=self.server.root, sink=self.lab.sink.port))
        self.server.service(number, "\n" + text)
        self.ports[name] = number
        return number

    def check(self, *options, user=(), configuration=None):
        """Run check-mta; (exit code, output, errors)."""
        command = [*user, PROGRAM, "check-mta", "-c", configuration or self.milter.file, "postfix", "--config-dir", self.server.etc]
        done = subprocess.run([*command, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=120, env=sanitized(), check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def findings(self):
        code, out, errors = self.check("--json")
        if code not in (0, 1, 2):
            raise Failure("check-mta: exit %d: %s" % (code, errors))
        return json.loads(out)["findings"]

    def to_fix(self, findings, name):
        service = "%d/inet" % self.ports[name]
        return sorted(one["id"] for one in findings if one["level"] == "fix" and one["about"] == service)

    def mend(self, findings):
        """Run every command of a finding that is to be fixed, and let Postfix and the milter take notice."""
        for one in findings:
            if one["level"] != "fix":
                continue
            command = one["command"].replace("systemctl reload sfdc-milter", "true")
            done = subprocess.run(["sh", "-euc", command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            if not one["command"] or done.returncode != 0:
                raise Failure("%s: %r: %s" % (one["id"], one["command"], done.stderr.decode()))
        self.milter.reload()
        self.server.restart()

    # What may happen by a port. Each returns whether the harm was done.

    def sent(self, number, sender, text, **session):
        try:
            return self.lab.send(number, sender, text, OUTSIDE, **session).reply.code == 250
        except (Failure, OSError):
            return False

    def forged(self, number):
        """A message in our name that nothing proves, from one of Salesforce's addresses."""
        return self.sent(number, A.address, message(lk=None), certificate=None)

    def stranger(self, number):
        """Another customer's message to anybody."""
        return self.sent(number, verp(STRANGER), message(STRANGER))

    def genuine_lost(self, number):
        return not self.sent(number, A.address, message())

    def line_of(self, ident):
        """The milter's line of that message."""
        return wait_for(lambda: [line for line in self.milter.messages() if ident in line.get("msgid", "")],
                        "the line of a message")[0]

    def logged(self, number, key, **session):
        """What the log says of a genuine message in that session."""
        ident = message_id()
        self.sent(number, A.address, message(ident=ident), **session)
        return self.line_of(ident).get(key)

    def smuggled(self, number):
        """W01: another customer's message that hides one of ours behind LF . CRLF."""
        hidden = message_id()
        with self.lab.session(number) as client:
            client.mail(verp(STRANGER))
            client.rcpt(OUTSIDE)
            client.command("DATA")
            client.send("%s\n.\r\nMAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (message(STRANGER), A.address, OUTSIDE))
            # As it is when the network makes two packets of Salesforce's stream: what comes after DATA comes later. Where this
            # is one message there is nothing to wait for.
            if self.possible:
                for _ in range(4):
                    client.read()
            client.send(message(ident=hidden) + ".\r\n")
            reply = client.read()
        if reply.code != 250:
            return "bare <LF>" not in reply.text
        self.lab.sink.wait(hidden)
        return True

    def nul(self, number):
        return self.sent(number, A.address, message(lk=A.short + "\0x"))

    def resumed(self, number):
        """C14: a TLS session of another service, whose CA file knows the client's CA."""
        with self.lab.session(self.ports["other authorities"], address=None, certificate="untrusted") as client:
            session = client.resumable()
        with self.lab.session(number, tls=None) as client:
            client.command("STARTTLS")
            client.handshake(resume=session)
            client.ehlo()
            ident = message_id()
            client.submit(A.address, OUTSIDE, message(ident=ident))
        return self.line_of(ident)["r_cert"] == "pass"

    def pretended(self, number):
        """XCLIENT from an address that is not allowed it elsewhere."""
        with Client(number, source="127.9.8.7") as client:
            client.ehlo()
            return client.xclient(SALESFORCE, SALESFORCE_NAME).ok

    def proxied(self, number):
        """The PROXY protocol, from anybody: the address that is claimed counts, and may relay."""
        class Proxied(Client):
            def read(self):
                if not hasattr(self, "begun"):
                    self.begun = True
                    self.send("PROXY TCP4 %s 127.0.0.1 40000 %d\r\n" % (SALESFORCE, number))
                return super().read()
        with Proxied(number) as client:
            client.ehlo()
            client.starttls()
            client.ehlo()
            return client.submit(A.address, OUTSIDE, message())[1].code == 250

    def without_mail(self, number):
        """After end-of-data restrictions refused a message: RCPT and DATA without MAIL."""
        with self.lab.session(number) as client:
            client.submit(A.address, "refused@outside.test", message())
            return client.rcpt(OUTSIDE).ok

    def in_clear(self, number):
        with Client(number) as client:
            return "AUTH" in client.ehlo().text

    def plain(self, number):
        return self.sent(number, A.address, message(), tls=None)

    def old(self, number):
        return self.sent(number, A.address, message(), tls="1.0")

    def bounced(self, number):
        """The milter is away: refused for good."""
        with Client(number) as client:
            return client.banner.code // 100 == 5

    def anonymous(self, number):
        with self.lab.session(number, address=ELSEWHERE, certificate=None) as client:
            return client.command("AUTH ANONYMOUS eA==").code == 235


# What is wrong: the port's options; what is found; the harm that can be done by it, None where that takes a slow DNS.
BROKEN = {
    "milter-maps": ({"smtpd_milter_maps": "cidr:{root}/maps"}, Instance.forged),
    "no-milters": ({"receive_override_options": "no_address_mappings, no_milters"}, Instance.forged),
    "proxy-filter": ({"smtpd_proxy_filter": "127.0.0.1:{sink}"}, Instance.forged),
    "chroot": ({"chroot": "y"}, Instance.genuine_lost),
    "timeout": ({"milter_content_timeout": "10s"}, None),
    "macros": ({"milter_macro_defaults": "auth_type=PLAIN,auth_authen=" + USERS[0]},
               lambda instance, port: instance.logged(port, "r_auth", certificate=None) == "pass"),
    "macros of v": ({"milter_macro_v": "Mail"}, lambda instance, port: instance.logged(port, "r_cert") != "pass"),
    "tls-level": ({"smtpd_tls_security_level": "none"}, Instance.genuine_lost),
    "ca-file": ({"smtpd_tls_CAfile": "/nowhere/ca.pem"}, Instance.genuine_lost),
    "tickets": ({"tls_ssl_options": None}, Instance.resumed),
    "bare-newline": ({"smtpd_forbid_bare_newline": "no"}, Instance.smuggled),
    "bare-newline-exclusions": ({"smtpd_forbid_bare_newline_exclusions": "13.108.0.0/14"}, Instance.smuggled),
    "nul": ({"cleanup_service_name": "cleanup"}, Instance.nul),
    "xclient": ({"smtpd_authorized_xclient_hosts": "0.0.0.0/0"}, Instance.pretended),
    "proxy-protocol": ({"smtpd_upstream_proxy_protocol": "haproxy"}, Instance.proxied),
    "version": ({"smtpd_end_of_data_restrictions": "check_recipient_access,inline:{{refused@outside.test=REJECT}}"},
                Instance.without_mail),
    "auth-anonymous": ({"smtpd_sasl_security_options": ""}, Instance.anonymous),
}
# The same while the milter is away: forged mail passes or is held, genuine mail bounces.
AWAY = {
    "default-action": ({"milter_default_action": "accept"}, Instance.forged),
    "default-action quarantine": ({"milter_default_action": "quarantine"}, Instance.forged),
    "default-action reject": ({"milter_default_action": "reject"},
                              Instance.bounced),
}
# Where the policy does not ask for TLS, and watches.
WEAK = {
    "tls-level tls-floor": ({"smtpd_tls_security_level": "may"}, Instance.plain),
    "tls-floor": ({"smtpd_tls_mandatory_protocols": ">=TLSv1", "smtpd_tls_mandatory_ciphers": "low",
                   "tls_low_cipherlist": "ALL:@SECLEVEL=0"}, Instance.old),
    "auth-in-clear tls-level tls-floor": ({"smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "no"}, Instance.in_clear),
    "open-relay": ({}, Instance.stranger),
}


# From these releases of Postfix on one thing is no longer wrong.
MENDED = {(3, 7): 22, (3, 8): 20, (3, 9): 14, (3, 10): 13, (3, 11): 6}
VERSION = [int(part) for part in re.findall("[0-9]+", run(["postconf", "-d", "-h", "mail_version"]).decode())[:3]]
if VERSION[2] >= MENDED.get(tuple(VERSION[:2]), 0 if VERSION > [3, 11] else 1000000):
    del BROKEN["version"]
if not WHOLE:
    BROKEN, AWAY, WEAK = ({name: setup for name, setup in every.items() if name in SHORT} for every in (BROKEN, AWAY, WEAK))
# Ports with which nothing is wrong.
RIGHT = ("as it ships", "other authorities")


def add_all(instance, broken):
    for name, (options, _) in broken.items():
        instance.add(name, **options)


def suffer(tap, instance, broken, possible):
    """Do the harm by each port; possible: it must work, else it must not."""
    instance.possible = possible
    for name, (_, harm) in broken.items():
        if harm and not tap.ok(harm(instance, instance.ports[name]) == possible,
                               "%s: %s" % (name, "harm is done" if possible else "no more once the command was run")):
            tap.note(instance.server.log()[-1500:])


def wanted(name):
    return re.sub(" (of v|quarantine|reject)$", "", name).split()


def told(tap, instance, broken, findings, everywhere=()):
    for name in broken:
        ids = [] if name in RIGHT else wanted(name)
        tap.equal(instance.to_fix(findings, name), sorted(ids + list(everywhere)), "%s: told, and nothing else" % name)


def strong(tap, lab):
    """A policy that asks for what it should."""
    policy = config({A: {"auth": {"users": USERS}, "ip": {"networks": ["13.108.0.0/14"], "spf": []}}})
    instance = Instance(lab, "strong", policy, SALESFORCE,
                        main="smtp_sasl_password_maps = static:user:%s\nuser_of_ours = \033[31m%s\n" % (SECRET, SECRET))
    write(os.path.join(instance.server.root, "maps"), "13.110.74.0/24 DISABLE\n")
    sasl = os.path.join(instance.server.etc, "sasl", "smtpd.conf")
    write(sasl, read(sasl).replace("PLAIN LOGIN", "PLAIN LOGIN ANONYMOUS"), 0o644)
    add_all(instance, {**BROKEN, **AWAY})
    instance.ports["other authorities"] = instance.server.port(
        smtpd_tls_CAfile=lab.pki.crt("other-ca"), smtpd_relay_restrictions="permit_sasl_authenticated,reject_unauth_destination")
    instance.ports["other-service"] = instance.server.port(
        mynetworks="13.108.0.0/14", smtpd_relay_restrictions="permit_mynetworks,reject_unauth_destination")
    instance.server.start()

    suffer(tap, instance, BROKEN, True)
    tap.ok(instance.stranger(instance.ports["other-service"]), "other-service: harm is done")
    instance.milter.stop()
    suffer(tap, instance, AWAY, True)
    instance.milter.start()

    instance.milter.event("start", 2)
    before = len(read(instance.milter.output))
    findings = instance.findings()
    tap.equal(read(instance.milter.output)[before:], "", "the milter's log has no line of it")
    told(tap, instance, {**BROKEN, **AWAY, "other-service": None}, findings)
    told(tap, instance, RIGHT, findings)
    shown(tap, instance, findings)
    instance.mend(findings)

    suffer(tap, instance, BROKEN, False)
    tap.ok(not instance.stranger(instance.ports["other-service"]), "other-service: no more once the command was run")
    tap.equal(lab.send(instance.ports["other-service"], verp(STRANGER), message(STRANGER)).reply.code, 250,
              "other-service: mail to one's own people comes as before")
    # Who may not pretend can come from nowhere else here.
    for name in set({**BROKEN, **AWAY}) - {"xclient"}:
        tap.ok(not instance.genuine_lost(instance.ports[name]), "%s: genuine mail is taken" % name)
    instance.milter.stop()
    suffer(tap, instance, AWAY, False)
    gone(tap, instance)
    instance.milter.start()
    findings = instance.findings()
    tap.equal([one for one in findings if one["level"] == "fix"], [], "nothing is left to fix")
    tap.equal(instance.check()[0], 2, "there is advice: exit 2")
    unprivileged(tap, instance)
    elsewhere(tap, lab, instance)


def gone(tap, instance):
    """The socket, while nobody listens."""
    code, out, _ = instance.check()
    tap.equal(code, 1, "without the milter: exit 1")
    tap.contains(out, "does not reach the milter", "and it is said that it is not reached")


def shown(tap, instance, findings):
    """What is printed for people: the same, within 80 columns, and nothing that others must not see."""
    code, out, errors = instance.check()
    tap.equal((code, errors), (1, ""), "holes: exit 1")
    tap.ok(all(len(line) <= 80 for line in out.splitlines()), "no line is wider than 80 columns",
           wide=[line for line in out.splitlines() if len(line) > 80])
    levels = re.findall("^(OK|ADVICE|FIX) ", out, re.MULTILINE)
    tap.equal(sorted(level.lower() for level in levels), sorted(one["level"] for one in findings), "the findings are those of --json")
    tap.ok(SECRET not in out and SECRET not in json.dumps(findings) and "\033" not in out, "no password of main.cf, no escape")
    # A shell gets the same words from the folded commands.
    folded = [shlex.split(text.replace("\\\n", "")) for text in re.findall(r"^ {8}\$ ((?:postconf|printf) (?:[^\\\n]|\\.|\\\n)*)$", out, re.MULTILINE)]
    whole = [shlex.split(line) for one in findings for line in one["command"].splitlines() if line.startswith(("postconf", "printf"))]
    tap.equal(sorted(folded), sorted(whole), "folded commands are the same to a shell")
    tap.equal([one for one in findings if not one["text"] or (one["level"] == "fix" and not one["command"])], [],
              "each has its text, and a command where something is to be fixed")


def unprivileged(tap, instance):
    """Who is not root cannot try the socket, and is not told that it is good."""
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    code, out, errors = instance.check("--json", user=nobody)
    sockets = {(one["level"], "not tried" in one["text"]) for one in json.loads(out)["findings"] if one["id"] == "socket"}
    tap.equal((code, sockets), (2, {("advice", True)}), "not root: not tried, and never OK", errors=errors)


def elsewhere(tap, lab, instance):
    """Sockets that are not those of this Postfix, or not a milter's; what cannot be read."""
    path = os.path.join(lab.root, "other.yaml")
    write(path, read(instance.milter.file).replace(instance.milter.path, "/run/nowhere/s"))
    code, out, _ = instance.check("--json", configuration=path)
    tap.ok(code == 1 and "no-service" in [one["id"] for one in json.loads(out)["findings"] if one["level"] == "fix"],
           "a socket that no service has: no mail is judged", out=out)
    done = subprocess.run([PROGRAM, "check-mta", "-c", instance.milter.file, "--config-dir", "/nowhere"], env=sanitized(),
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    tap.equal((done.returncode, done.stdout), (65, b""), "a folder without main.cf: exit 65")
    tap.contains(done.stderr.decode(), "postconf -c /nowhere to see why", "and what to run", errors=done.stderr)


def weak(tap, lab):
    """A policy without tls, in monitor mode without a floor."""
    policy = config({A: {"reject_unless": SENTENCE.replace("tls and ", ""), "auth": {"users": USERS}}}, mode="monitor",
                    dns={"nameservers": [lab.nameserver([]).address]})
    instance = Instance(lab, "weak", policy, "13.108.0.0/14")
    add_all(instance, WEAK)
    networks = instance.add("mynetworks", mynetworks="13.108.0.0/14", smtpd_relay_restrictions="permit_mynetworks,reject")
    instance.server.start()
    suffer(tap, instance, WEAK, True)
    tap.ok(instance.stranger(networks), "mynetworks: harm is done")
    findings = instance.findings()
    told(tap, instance, [name for name in WEAK if name != "open-relay"], findings, everywhere=["open-relay"])
    tap.equal(instance.to_fix(findings, "mynetworks"), ["mynetworks", "open-relay"], "mynetworks: told")
    instance.mend(findings)
    suffer(tap, instance, WEAK, False)
    tap.ok(instance.genuine_lost(networks), "mynetworks: no more once the command was run")
    tap.ok(not instance.genuine_lost(instance.ports["open-relay"]), "open-relay: genuine mail is taken")
    tap.equal([one for one in instance.findings() if one["level"] == "fix"], [], "nothing is left to fix")
    # A floor of what all customers of Salesforce have in common.
    port = instance.ports["open-relay"]
    write(instance.milter.file, re.sub("(monitor_floor:).*", r"\1 cert", read(instance.milter.file)))
    instance.milter.reload()
    tap.ok(instance.stranger(port), "a floor that every customer meets: harm is done")
    tap.equal(instance.to_fix(instance.findings(), "open-relay"), ["open-relay"], "and told")
    instance.mend(instance.findings())
    tap.ok(not instance.stranger(port), "and no more once the command was run")


def inside(tap, lab):
    """W02: mail to everybody leaves by a transport that counts as inside."""
    policy = config({A: {}}, scope="salesforce", dns={"nameservers": [lab.nameserver([]).address]})
    instance = Instance(lab, "inside", policy, SALESFORCE,
                        main="default_transport = relay:[127.0.0.1]:%d\n" % lab.sink.port)
    instance.server.start()
    port = instance.ports["as it ships"]
    tap.ok(instance.stranger(port), "inside: harm is done")
    findings = instance.findings()
    tap.equal([one["id"] for one in findings if one["level"] == "fix"], ["inside"], "inside: told, and nothing else")
    instance.mend(findings)
    tap.ok(not instance.stranger(port), "inside: no more once the command was run")


def main():
    with Tap() as tap, Lab() as lab:
        for case in (strong, weak, inside) if WHOLE else (strong, weak):
            tap.case(case, lab)


main()
