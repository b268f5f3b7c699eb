#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What reads our log, as contrib sets it up: fail2ban, logwatch, rsyslog, logrotate. L01-L04: whatever stands in a logged field,
each of them sees one record for each message, with the right fields, and nobody is banned whom the text says is not.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import SRCDIR, message
from lab.message import STRANGER
from lab.milter import parse
from lab.process import read, start, stop, wait_for, write
from lab.tap import Tap
from lab.wire import CLIENT, SESSION, TLS, Letter, Wire, connect, helo
from milter.daemon import ORG, SENTENCE, org
from milter.target import Target

CONTRIB = os.path.join(SRCDIR, "contrib")
STAMP = "Nov 28 10:00:%02d relay sfdc-milter[4242]: "
OTHER_TENANTS = 1000
# Each tries to end its value, its line or its record, or to be taken for another one.
HOSTILE = [
    'x" verdict=accept client=192.0.2.66 r_cert=none r_auth=none r_ip=fail y="',
    "x\nev=verdict v=1 verdict=reject would=reject client=192.0.2.66 r_cert=none r_auth=none r_ip=fail",
    "x\r\n<22>Nov 28 10:00:00 relay sfdc-milter[1]: ev=verdict v=1 verdict=reject would=reject client=192.0.2.66 r_cert=none "
    "r_auth=none r_ip=fail",
    "x r_ip=fail client=192.0.2.66", "\\", 'x\\"', '\\" client=192.0.2.66 r_cert=none r_auth=none r_ip=fail \\"',
    '"},{"ev":"verdict","client":"192.0.2.66"}', '{"ev":"verdict"}', "\x1b[2J\x1b]0;x\x07", "%s%n%99999d", "$(id)`id`;id|id&",
    "\xff\xfe\x80", "\xe2\x80\xa8ev=verdict", "a" * 3000, "' or 1=1 --", "<script>alert(1)</script>", "x\tclient=192.0.2.66",
    "=", "ev=verdict", "#", "@cee: {}",
]
FIELDS = {"helo": "helo", "{client_name}": "client_name", "{cert_subject}": "cert", "{cert_issuer}": "cert_issuer",
          "{cipher}": "cipher", "{auth_authen}": "auth", "i": "qid", "sender": "from", "recipient": "rcpt", "Message-ID": "msgid",
          "X-SFDC-User": "sf_user", "X-SFDC-EmailCategory": "sf_category", "X-SFDC-EntityId": "sf_entity",
          "X-SFDC-CORRELATION-ID": "sf_correlation", "X-SFDC-LK": "lk", "From": "hfrom"}


class Sent:
    """A message and the session it comes in."""

    def __init__(self, content, helo="mail.example", address=CLIENT, macros=None, **options):
        self.helo = helo
        self.address = address
        own = {**SESSION, **TLS, "{client_addr}": address, "{client_name}": "unknown", **(macros or {})}
        self.letter = Letter(content, macros=own, **options)


def hostile(place, value):
    """A message in which something hostile stands at that place."""
    if place.startswith("{"):
        return Sent(message(), macros={place: value})
    if place == "i":
        return Sent(message(), queue_id=value)
    if place == "sender":
        return Sent(message(), sender=value + "@example.com")
    if place == "recipient":
        return Sent(message(), recipients=[value + "@dest.test"], macros={"{tls_version}": ""})
    if place == "helo":
        return Sent(message(), helo=value)
    flat = re.sub(r"[\r\n]+", "\r\n ", value)
    return Sent(message(omit=[place], lk=None if place == "X-SFDC-LK" else True, extra=[(place, flat)]))


class Log:
    """A daemon whose lines are kept. form: logfmt or json."""

    def __init__(self, form, **config):
        self.target = Target(log={"target": "stderr", "format": form}, **config)

    def __enter__(self):
        self.target.__enter__()
        self.target.start()
        return self

    def __exit__(self, *what):
        self.target.__exit__(*what)

    def send(self, letters):
        """Their lines, as they stand in the log."""
        before = len(self.target.messages())
        for one in letters:
            with Wire(self.target.address) as wire:
                wire.negotiate()
                wire.step(connect("unknown", one.address))
                wire.step(helo(one.helo))
                wire.deliver(one.letter)
        self.target.await_messages(before + len(letters))
        lines = [line for line in read(self.target.output).splitlines() if (parse(line) or {}).get("ev") in ("verdict", "abort")]
        return lines[before:]


def syslog(lines):
    return "".join(STAMP % (number % 60) + line + "\n" for number, line in enumerate(lines))


def banned(folder, lines):
    """The addresses that the filter finds, with fail2ban's own tool."""
    path = os.path.join(folder, "mail.log")
    write(path, syslog(lines))
    filters = os.path.join(folder, "filter.d")
    if not os.path.isdir(filters):
        shutil.copytree("/etc/fail2ban/filter.d", filters)
        shutil.copy(os.path.join(CONTRIB, "fail2ban/filter.d/sfdc-milter.conf"), filters)
    done = subprocess.run(["fail2ban-regex", "-o", "ip", "--no-check-all", "-l", "ERROR", path, os.path.join(filters, "sfdc-milter.conf")],
                          stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False, timeout=300)
    return done.returncode, sorted(done.stdout.split()), done.stderr


def everything(log):
    """(place, value, line) of every hostile value in every field."""
    cases = [(place, value) for place in FIELDS for value in HOSTILE]
    return [(place, value, line) for (place, value), line in zip(cases, log.send([hostile(*case) for case in cases]))]


def lines_are_sound(tap, form, cases):
    """One line for each message; the key that holds the value holds nothing else, and no other key came of it."""
    known = set(re.findall(r'X\(LOG_KEY_\w+, "(\w+)"', read(os.path.join(SRCDIR, "include/core/log_keys.h"))))
    wrong = []
    for place, value, line in cases:
        entry = parse(line)
        bare = {key for key in entry if not key.startswith("r_")}
        if entry["ev"] != "verdict" or entry["client"] != CLIENT or not bare <= known or not line.isascii() or not line.isprintable():
            wrong.append((place, value, line))
    tap.equal(wrong, [], "%s: %d hostile values, each in one line of its own keys" % (form, len(cases)))


def fail2ban(tap, folder):
    spf = {"networks": [], "spf": ["_spf.salesforce.com"]}
    with Log("logfmt", orgs=org(ip=spf)) as log:
        log.target.nameserver.add("_spf.salesforce.com", "TXT", '"v=spf1 ip4:13.110.0.0/16 -all"')
        others = log.send([Sent(message(STRANGER), address="13.110.%d.%d" % (number // 250, number % 250 + 1))
                           for number in range(OTHER_TENANTS)])
        entries = [parse(line) for line in others]
        tap.equal({(entry["verdict"], entry["org"] if "org" in entry else "none") for entry in entries}, {("reject", "none")},
                  "%d messages of another tenant are refused" % OTHER_TENANTS)
        tap.ok({entry["r_ip"] for entry in entries} <= {"pass", "pending"}, "from addresses that ip.spf vouches for",
               got={entry["r_ip"] for entry in entries})
        tap.equal(banned(folder, others)[1], [], "and ban nobody")
    with Log("logfmt", orgs=org()) as log:
        strangers = log.send([Sent(message(), address="198.51.100.%d" % number) for number in range(1, 21)]
                             + [Sent(message(), address="2001:db8::%x" % number) for number in range(1, 4)])
        code, found, said = banned(folder, strangers)
        tap.equal((code, found), (0, sorted(["198.51.100.%d" % number for number in range(1, 21)]
                                            + ["2001:db8::%x" % number for number in range(1, 4)])), "strangers are found, each once",
                  said=said, line=strangers[0])
        certified = log.send([Sent(message(lk=None), address="198.51.100.99",
                                   macros={"{cert_subject}": "a.mta.salesforce.com", "{cert_issuer}": "CA"}),
                              Sent(message(lk=None), address="198.51.100.98",
                                   macros={"{auth_type}": "PLAIN", "{auth_authen}": "sfuser@relay.test"})])
        tap.equal([(parse(line)["r_cert"], parse(line)["r_auth"], parse(line)["r_ip"]) for line in certified],
                  [("pass", "none", "fail"), ("none", "pass", "fail")], "who shows a certificate or login of ours, from elsewhere")
        tap.equal(banned(folder, certified)[1], [], "is not banned")
        cases = everything(log)
        lines_are_sound(tap, "logfmt", cases)
        tap.equal(banned(folder, [line for _, _, line in cases])[1], [], "L01 no value is taken for a client's address")
        hidden = [Sent(message(), address="198.51.100.7", helo=value) for value in HOSTILE]
        code, found, said = banned(folder, log.send(hidden))
        tap.equal(found, ["198.51.100.7"] * len(HOSTILE), "L01 nor hides one")
        return strangers + certified + others[:100] + [line for _, _, line in cases]


def logwatch(tap, folder, lines):
    """With Debian's logwatch, in a namespace in which /etc/logwatch is ours."""
    logs, own = os.path.join(folder, "logs"), os.path.join(folder, "logwatch")
    os.mkdir(logs)
    for name in ("conf", "scripts"):
        shutil.copytree(os.path.join(CONTRIB, "logwatch", name), os.path.join(own, name))
    write(os.path.join(logs, "mail.log"), syslog(lines))
    done = subprocess.run(["unshare", "-m", "sh", "-ec", 'mount --bind "$0" /etc/logwatch; shift 0; exec logwatch "$@"', own,
                           "--service", "sfdc-milter", "--logdir", logs, "--range", "all", "--detail", "10", "--output", "stdout",
                           "--format", "text"], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False)
    entries = [parse(line) for line in lines]
    report = done.stdout
    tap.contains(report, "Salesforce Email Relay", "logwatch runs the service", err=done.stderr)
    for reason in {entry["reason"] for entry in entries if "reason" in entry}:
        count = sum(entry.get("reason") == reason and entry["would"] in ("reject", "tempfail", "quarantine") for entry in entries)
        tap.ok(re.search(r"^ +%d  %s$" % (count, reason), report, re.M) or not count, "logwatch: %d times %s" % (count, reason), got=report)
    for name in ("production", "none"):
        part = re.search(r"^ *Mail of %s:\n((?: +\d+  .*\n)*)" % name, report, re.M)[1]
        count = sum(entry.get("org_name", "none") == name for entry in entries)
        tap.equal(sum(int(number) for number in re.findall(r"^ +(\d+)  ", part, re.M)), count, "logwatch: %d messages of %s" % (count, name))
    tap.ok("not understood" not in report, "logwatch: every line is understood", got=report[-2000:])


def rsyslog(tap, folder):
    """With Debian's rsyslogd: one JSON object a line, as the daemon wrote it, with time and host in front."""
    place, out, rest = (os.path.join(folder, name) for name in ("socket", "sfdc-milter.json", "rest"))
    own = read(os.path.join(CONTRIB, "rsyslog/30-sfdc-milter.conf")).replace("/var/log/sfdc-milter.json", out)
    write(os.path.join(folder, "rsyslog.conf"), """global(workDirectory="%s" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="%s" RateLimit.Interval="0")
%s
*.* action(type="omfile" file="%s")
""" % (folder, place, own, rest))
    check = subprocess.run(["rsyslogd", "-N1", "-f", os.path.join(folder, "rsyslog.conf")], capture_output=True, encoding="utf-8", check=False)
    tap.equal(check.returncode, 0, "rsyslogd takes the configuration", said=check.stderr)
    with Log("json", orgs=org()) as log:
        cases = everything(log)
        lines_are_sound(tap, "json", cases)
        lines = [line for _, _, line in cases]
    process = start(["rsyslogd", "-n", "-i", "NONE", "-f", os.path.join(folder, "rsyslog.conf")], os.path.join(folder, "said"))
    try:
        wait_for(lambda: os.path.exists(place), "rsyslogd to listen")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(place)
            for line in lines + ["ev=verdict no json"]:
                sender.send(("<22>Nov 28 10:00:00 sfdc-milter[7]: " + line).encode())
        wait_for(lambda: os.path.exists(rest) and "no json" in read(rest), "the last line to be written")
        wait_for(lambda: read(out).count("\n") >= len(lines), "all lines to be written")
        seen = [json.loads(line) for line in read(out).splitlines()]
        tap.equal(len(seen), len(lines), "rsyslog: one record for each message")
        times = [(entry.pop("time", ""), entry.pop("host", "")) for entry in seen]
        tap.ok(all(re.match(r"\d{4}-\d\d-\d\dT", stamp) and host for stamp, host in times), "rsyslog: time and host")
        tap.equal(seen, [json.loads(line) for line in lines], "rsyslog: with the daemon's fields, and no other")
        tap.equal(read(rest).count("\n"), 1, "rsyslog: what is no object stays where it was")
    finally:
        stop(process)


def logrotate(tap, folder):
    """With Debian's logrotate: the daemon goes on in the file that was emptied."""
    path = os.path.join(folder, "sfdc-milter.log")
    with Target() as target:
        target.output = path
        target.start()
        send = lambda: [Wire(target.address).open().deliver(Letter(message())) for _ in range(5)]
        send()
        target.await_messages(5)
        own = re.sub("^/var/log/sfdc-milter.log", path, read(os.path.join(CONTRIB, "logrotate/sfdc-milter")), flags=re.M)
        write(os.path.join(folder, "logrotate.conf"), own.replace("    copytruncate", "    copytruncate\n    su root root"))
        os.chmod(os.path.join(folder, "logrotate.conf"), 0o644)
        done = subprocess.run(["logrotate", "-f", "-s", os.path.join(folder, "state"), os.path.join(folder, "logrotate.conf")],
                              capture_output=True, encoding="utf-8", check=False)
        tap.equal((done.returncode, done.stderr), (0, ""), "logrotate takes the configuration")
        tap.equal(len([line for line in read(path + ".1").splitlines() if line.startswith("ev=verdict")]), 5, "what was logged is in the old file")
        send()
        target.await_messages(5)
        tap.equal(len([line for line in read(path).splitlines() if line.startswith("ev=verdict")]), 5, "what comes is in the new one")
        tap.ok("\0" not in read(path), "from its beginning")


def main():
    import tempfile
    with Tap() as tap, tempfile.TemporaryDirectory(prefix="sfdc-logs.") as folder:
        os.chmod(folder, 0o755)
        lines = []
        tap.case(lambda tap: lines.extend(fail2ban(tap, folder)))
        tap.case(logwatch, folder, lines)
        tap.case(rsyslog, folder)
        tap.case(logrotate, folder)


main()
