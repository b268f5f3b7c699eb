#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-domain: what it predicts is what pyspf, dkimpy and the milter itself say of mail that was really sent
through a relay, and behind it, with and without a footer and bounce management. DOMAINS=all takes every zone of t/lab/domains.py."""

import concurrent.futures
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dnsserver import DnsServer, strings

from lab import Lab, Tap
from lab.domains import ELSEWHERE, RELAY, Course
from lab.laboratory import SALESFORCE
from lab.process import sanitized

PROGRAM = os.path.join(os.environ.get("BUILDDIR", "."), "sfdc-relayctl")
ALL = os.environ.get("DOMAINS") == "all"
KILOBYTES = 200000


def check(server, *arguments, seconds="60", environment=None):
    """Run check-domain, which has an end whatever the name server does; its exit code, and what it printed."""
    limit = [] if os.environ.get("SANITIZERS", "no") not in ("no", "") else ["sh", "-c", 'ulimit -d %d; exec "$@"' % KILOBYTES, "sh"]
    done = subprocess.run(limit + [PROGRAM, "check-domain", "--timeout", seconds, "--nameserver", server.address, *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=300, check=False,
                          env=sanitized({**os.environ, "COLUMNS": "80", **(environment or {})}))
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def compare(tap, course):
    """Each domain's four ways through the relay, and the two into it."""
    for case in course.cases(ALL):
        code, out, err = check(course.nameserver, "--json", *course.arguments(case))
        if not tap.ok(code in (0, 1, 2), "%s: check-domain" % case.name, code=code, err=err):
            continue
        found = json.loads(out)
        # The milter leaves signatures that can count for nothing.
        unread = [[]] if case.strange else []
        for row in found["paths"]:
            seen = course.send(case, row["bounce_management"], row["footer"])
            name = "%s: bounce management %s, %s" % (case.name, "on" if row["bounce_management"] else "off",
                                                     "footer" if row["footer"] else "no footer")
            tap.equal(row["spf"], seen.pyspf, name + ": SPF is pyspf's")
            tap.equal(row["spf"], seen.behind.get("spf"), name + ": SPF is that of the milter behind", seen=seen)
            signatures = [row[who] for who in ("relay_dkim", "dkim") if row[who] != "none"]
            tap.equal([one == "pass" or bool(case.dkimpy and not row["footer"]) for one in signatures], seen.dkimpy,
                      name + ": DKIM is dkimpy's")
            # The milter need not look on when one has passed.
            read = signatures[:signatures.index("pass") + 1] if "pass" in signatures else signatures
            tap.ok(seen.behind["dkim"] in (signatures or ["none"], read, *unread), name + ": DKIM is that of the milter behind", row=row,
                   seen=seen)
            tap.equal(row["dmarc"], seen.behind.get("dmarc"), name + ": DMARC is that of the milter behind", seen=seen)
            tap.equal(row["dmarc_best"], row["dmarc"], name + ": nothing is open")
            if not row["footer"]:
                relay = next(at for at in found["at_relay"] if at["bounce_management"] == row["bounce_management"])
                for method in ("spf", "dmarc"):
                    tap.equal(relay[method], seen.relay.get(method), "%s: %s at the relay" % (name, method), seen=seen)
                tap.ok(seen.relay["dkim"] in ([relay["dkim"]], *unread), name + ": dkim at the relay", relay=relay, seen=seen)
        for finding in case.findings:
            tap.ok(any((row["level"], row["id"]) == finding for row in found["findings"]), "%s: %s %s" % (case.name, *finding),
                   found=[(row["level"], row["id"]) for row in found["findings"]])
        tap.equal(code, case.code, "%s: exit status" % case.name)


def findings(out):
    return [(row["level"], row["id"]) for row in json.loads(out)["findings"]]


def plain(tap, course):
    """As text in 80 columns, with the table first; options; the configuration."""
    server = course.nameserver
    code, out, err = check(server, "--relay-ip", RELAY, "--selector", "s1", "--selector", "s2", "aligned.test")
    lines = out.splitlines()
    tap.ok(code == 2 and not err and lines[0].startswith("aligned.test: 0 to fix"), "a title", out=out, err=err)
    tap.equal(lines[4:8], ["  off         no      pass                 pass               pass by both",
                           "  off         yes     pass                 fail               pass by SPF",
                           "  on          no      fail, unaligned      pass               pass by DKIM",
                           "  on          yes     fail, unaligned      fail               FAIL: refused"], "the table", out=out)
    tap.equal([line for line in lines if len(line) > 80 and " TXT " not in line], [], "at most 80 columns", out=out)
    code, out, _ = check(server, "--json", "--relay-ip", RELAY, "--selector", "s1", "--selector", "s2", "--footer", "no",
                         "--bounce-management", "on", "info@Aligned.Test.")
    tap.equal(code, 2, "an address stands for its domain", out=out)
    tap.ok(("advice", "behind") not in findings(out) and ("fix", "behind") not in findings(out), "what does not apply is not judged")
    code, out, _ = check(server, "--json", "--selector", "s1._domainkey.aligned.test", "aligned.test")
    tap.ok(("ok", "dkim-cname") in findings(out), "the name of a key stands for its selector", out=out)
    code, out, _ = check(server, "--json", "--relay-ip", RELAY, "--selector", "s1", "--footer", "yes", "--bounce-management", "on",
                         "aligned.test")
    tap.ok(code == 1 and ("fix", "behind") in findings(out), "what does apply is to be fixed", out=out)
    code, out, _ = check(server, "--relay-ip", RELAY, "--relay-ip", ELSEWHERE, "--selector", "s1", "aligned.test")
    tap.equal(out.count("What receivers see behind the relay"), 2, "a table for each relay that differs", out=out)
    code, out, _ = check(server, "aligned.test")
    tap.ok(code == 2 and "see below" in out and "--relay-ip" in out and "--selector" in out, "what is not given is not known",
           out=out)
    code, out, _ = check(server, "nobody.test")
    tap.ok(code == 1 and "nobody.test does not exist in the DNS" in out, "a domain that does not exist", out=out)


def published(tap, course):
    """The record that is offered does what it is offered for: it is put into a zone, and pyspf asked."""
    for domain in ("all-fail-without-salesforce.test", "no-spf.test", "neutral.test", "eleven-terms.test"):
        _, out, _ = check(course.nameserver, "--json", "--relay-ip", RELAY, "--relay-ip", "2001:db8::25", "--selector", "s1", domain)
        record = next((row["record"] for row in json.loads(out)["findings"] if row["record"] and row["id"].startswith("spf")), "")
        if not tap.ok(record.startswith(domain + ". TXT "), domain + ": a record is offered", out=out):
            continue
        found = course.spf_of(record, domain, [RELAY, "2001:db8::25", SALESFORCE])
        tap.equal(found, ["pass"] * 3, domain + ": it vouches for the relays and for Salesforce", record=record)


def usage(tap, course):
    for words, part in (([], "no domain is given"), (["a.test", "b.test"], "one domain is looked at"), (["a..b"], "no domain"),
                        (["--relay-ip", "1.2.3", "a.test"], "no IP address"), (["--selector", "a b", "a.test"], "no selector"),
                        (["--footer", "maybe", "a.test"], "neither yes nor no"), (["--bounce-management", "x", "a.test"], "neither on"),
                        (["--unsigned", "--selector", "s", "a.test"], "exclude"), (["--mail-from", "@", "a.test"], "no domain"),
                        (["--selector", "\x1b[31m", "a.test"], "\\x1b"), (["--nameserver", "x y", "a.test"], "x y")):
        code, out, err = check(course.nameserver, *words)
        tap.ok(code in (64, 75) and part in err and not out and "\x1b" not in err, "usage: %s" % words, code=code, err=err)


def configured(tap, course):
    """Selectors and name servers from the configuration; a policy that asks for spf makes Salesforce in it a must."""
    path = course.lab.folder("domain.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write("""socket: inet:8891@127.0.0.1
user: nobody
dns: {nameservers: ["%s"]}
orgs:
  00D8d000003TRx3EAG:
    name: production
    domains: [all-fail-without-salesforce.test]
    reject_unless: org and (spf or dkim)
    dkim: {selectors: [s1, s2]}
""" % course.nameserver.address)
    code, out, err = check(course.nameserver, "--json", "-c", path, "all-fail-without-salesforce.test")
    tap.ok(code == 1 and ("fix", "spf-salesforce") in findings(out) and ("ok", "dkim-pair") in findings(out), "-c", out=out, err=err)


def long_text(length):
    """Strings of a TXT record, so many bytes in all."""
    return " ".join('"%s"' % ("x" * 255) for _ in range(length // 256))


BROKEN = {"silent.test": "drop", "fails.test": "servfail", "garbage.test": "garbage", "stranger.test": "stranger", "cut.test": "truncate"}
HEALTHY = (("MX", "10 mx.test."), ("A", "192.0.2.1"), ("TXT", '"v=spf1 -all"'))


def hostile_zone():
    """Records that mean no good, for a server that does as it should."""
    lines = []

    def add(name, kind, *values):
        lines.extend("%s. %s %s" % (name, kind, value) for value in values)
    for domain in ("loop.test", "chain.test", "dkim.test"):
        for kind, value in HEALTHY:
            add(domain, kind, value)
        add("_dmarc." + domain, "TXT", '"v=DMARC1; p=reject"')
    add("s1._domainkey.loop.test", "CNAME", "s2._domainkey.loop.test.")
    add("s2._domainkey.loop.test", "CNAME", "s1._domainkey.loop.test.")
    for number in range(100):
        add("c%d.chain.test" % number, "CNAME", "c%d.chain.test." % (number + 1))
    add("s1._domainkey.chain.test", "CNAME", "c0.chain.test.")
    add("c100.chain.test", "TXT", '"v=DKIM1; p="')
    add("s1._domainkey.dkim.test", "TXT", '"v=DKIM1; p=%s"' % ("A" * 240), '"v=DKIM1; k=rsa; p=B"')
    add("s2._domainkey.dkim.test", "TXT", '"\\000\\027[31mv=DKIM1"')
    add("huge.test", "TXT", '"v=spf1 " ' + long_text(60000))
    add("_dmarc.huge.test", "TXT", '"v=DMARC1; p=reject; rua=" ' + long_text(60000))
    add("s1._domainkey.huge.test", "TXT", long_text(60000))
    add("many.test", "TXT", *['"v=spf1 include:i%d.many.test -all"' % i for i in range(1000)])
    add("_dmarc.many.test", "TXT", *['"v=DMARC1; p=none; x=%d"' % i for i in range(1000)])
    add("escape.test", "TXT", '"v=spf1 include:\\027]0;owned\\007.test \\000 -all"')
    add("_dmarc.escape.test", "TXT", '"v=DMARC1; p=reject; rua=mailto:\\027[2J@x.test,mailto:a@\\155.example"')
    add("escape.test", "MX", "10 \\027[31m.test.")
    add("wide.test", "TXT", '"v=spf1 mx mx:a.wide.test mx:b.wide.test a:c.wide.test include:wide.test -all"')
    for name in ("wide.test", "a.wide.test", "b.wide.test"):
        add(name, "MX", *["%d m%d.%s." % (i, i, name) for i in range(60)])
    add("circle.test", "TXT", '"v=spf1 include:circle.test redirect=circle.test"')
    add("_dmarc.reports.test", "TXT", strings("v=DMARC1; p=none; rua=" + ",".join("mailto:d@r%d.test" % i for i in range(400))))
    return lines


def broken_server():
    """A server that does as it should not."""
    server = DnsServer()
    for domain, rule in BROKEN.items():
        for kind, value in HEALTHY:
            server.add(domain, kind, value)
        server.add("_dmarc." + domain, "TXT", '"v=DMARC1; p=reject"')
        server.rules[domain] = server.rules["*." + domain] = rule
    return server.start()


def hostile(tap, lab):
    """Zones and servers that mean no good: an end in bounded time and memory, a clear line, and nothing that moves the cursor."""
    nameserver = lab.nameserver(hostile_zone())
    server = broken_server()
    # Seconds: few where nothing comes, and as many as a busy machine may need where something does.
    expected = {
        "silent.test": ("1", 75, "the DNS does not answer for silent.test"),
        "garbage.test": ("1", 75, "the DNS does not answer for garbage.test"),
        "stranger.test": ("1", 75, "the DNS does not answer for stranger.test"),
        "fails.test": ("2", 75, "the DNS does not answer for fails.test"),
        "cut.test": ("20", 1, "p=reject of cut.test"),
        "loop.test": ("3", 75, "the DNS does not answer for s1._domainkey.loop.test"),
        "chain.test": ("5", 1, "the DNS does not answer for s1._domainkey.chain.test"),
        "dkim.test": ("20", 1, "s2._domainkey.dkim.test: the"),
        "huge.test": ("20", 1, "the SPF record is not well-formed"),
        "many.test": ("20", 1, "there are 1000 SPF records"),
        "escape.test": ("20", 1, "the SPF record is not well-formed"),
        "wide.test": ("20", 1, "permerror"),
        "circle.test": ("20", 1, "permerror"),
        "reports.test": ("20", 1, "no reports arrive at d@r7.test"),
    }

    def look(domain, form):
        return check(server if domain in BROKEN else nameserver, "--selector", "s1", "--selector", "s2", *form, domain, seconds=expected[domain][0])
    try:
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            runs = {(domain, form): pool.submit(look, domain, form) for domain in expected for form in ((), ("--json",))}
            runs = {key: run.result() for key, run in runs.items()}
        for (domain, form), (code, out, err) in runs.items():
            _, wanted, part = expected[domain]
            clean = all(byte == "\n" or " " <= byte <= "~" for byte in out)
            told = " ".join(out.split()) if not form else json.dumps([row["text"] for row in json.loads(out)["findings"]])
            tap.ok(code == wanted and part in told and clean and not err, "%s %s" % (domain, " ".join(form)), code=code, out=out[:6000],
                   err=err, clean=clean)
    finally:
        server.stop()


def main():
    with Tap() as tap, Lab() as lab:
        course = Course(lab)
        tap.case(compare, course)
        for group in (plain, published, usage, configured):
            tap.case(group, course)
        tap.case(hostile, lab)


main()
