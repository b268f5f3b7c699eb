#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
Learn and check: mail of three organizations goes through a daemon in monitor mode, attacks of the catalogue among it; what
"sfdc-relayctl report --suggest" makes of the log takes the genuine mail again when it is enforced, and refuses every attack.
"""
import datetime
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
import dkimsigner  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from lookback import Daemon, read, wait_for  # noqa: E402
from lab.milter import yaml  # noqa: E402
from lab.wire import Letter, Wire, connect, helo, passes  # noqa: E402
from relayctl import main  # noqa: E402

A, B, C = "00D8d000003TRx3EAG", "00D4x000004z0H4EAI", "00DA0000000Hu5aMAC"
UNSERVED = "00D30000001FFZnEAO"
DOMAINS = {A: "example.com", B: "example.net", C: "third.example"}
SF_NAME, SF_IP, EVIL_IP = "smtp07-ia4-sp3.mta.salesforce.com", "13.110.74.200", "192.0.2.66"
START = 1795900000
LEARNING = {A: {"mode": "monitor", "name": "one"}, B: {"mode": "monitor", "name": "two"},
            C: {"mode": "monitor", "name": "three", "auth": {"users": ["third@relay.test"]}}}
SIGNED = "from:to:subject:date:content-type"
TLS = {"tls_version": "TLSv1.3", "cipher": "AES256", "cipher_bits": "256"}
CERT = {"cert_subject": SF_NAME, "cert_issuer": "Test Root CA"}


class Case:
    """One message. fields: (name, value) of the header; sign: (domain, selector), or None; session: macros beyond the usual."""

    def __init__(self, name, org, author, sign=None, lks=None, ip=SF_IP, sender=None, session=None, add=(), body="Hello.\r\n", late="", tags=None, drop=(), learnt_from=None):
        self.name, self.ip, self.sender = name, ip, author if sender is None else sender
        self.learnt_from = learnt_from or ip
        self.session = TLS if session is None else session
        fields = [("From", author), ("To", "user@dest.test"), ("Subject", name), ("Date", "Sat, 28 Nov 2026 10:00:00 +0000"), ("Content-Type", "text/plain")]
        fields = [field for field in fields if field[0] not in drop]
        self.fields = fields + [("X-SFDC-LK", lk[:15]) for lk in ([org] if lks is None else lks)] + list(add) + [("Message-ID", "<%s@sfdc.net>" % re.sub("[^a-z0-9]", "", name.lower()))]
        self.sign, self.body, self.late, self.tags = sign, body, late, tags or {}

    def letter(self, key, ip):
        fields = [(name.encode(), (" " + value).encode("latin-1")) for name, value in self.fields]
        if self.sign:
            fields.insert(0, dkimsigner.sign(fields, self.body.encode(), key, **{"d": self.sign[0], "s": self.sign[1], "h": SIGNED, "c": "relaxed/simple", **self.tags}))
        macros = {"v": "Postfix 3.7.11", "j": "relay.test", "{client_addr}": ip, "{client_name}": SF_NAME if ip == SF_IP else "evil.example"}
        macros.update(("{%s}" % name, value) for name, value in self.session.items())
        text = dkimsigner.message(fields, (self.body + self.late).encode()).decode("latin-1")
        return Letter(text, sender=self.sender, macros=macros)


def genuine():
    for number in range(4):
        yield Case("genuine A %d" % number, A, "info@example.com", ("example.com", "s%d" % (1 + number % 2)), session={**TLS, **CERT})
        yield Case("genuine B %d" % number, B, "Sales <sales@example.net>", ("example.net", "sfcrm"),
                   sender="sales=example.net__9m4v@mmh2.4x-4z0h4eai.na150.bnc.salesforce.com")
        yield Case("genuine C %d" % number, C, "it@third.example", session={**TLS, "auth_type": "PLAIN", "auth_authen": "third@relay.test"})


def attacks():
    ours, evil = ("example.com", "s1"), ("evil.example", "e1")
    real = dict(org=A, author="info@example.com", sign=ours)
    yield Case("T01 in clear", **real, session={})
    yield Case("T02 TLSv1.1", **real, session={**TLS, "tls_version": "TLSv1.1"})
    yield Case("T03 TLSv1.20x", **real, session={**TLS, "tls_version": "TLSv1.20x"})
    yield Case("C02 unverified certificate", **real, ip=EVIL_IP, session={**TLS, "cert_subject": SF_NAME})
    for number, name in enumerate(("x.mta.salesforce.com.evil", "evilmta.salesforce.com", "mta.salesforce.com", "*.mta.salesforce.com", "*", "xn--mta.salesforce.com")):
        yield Case("C04 name %d" % number, **real, ip=EVIL_IP, session={**TLS, "cert_subject": name, "cert_issuer": "Test Root CA"})
    yield Case("C05 a YAML line", **real, ip=EVIL_IP, session={**TLS, "cert_subject": "x\n    mode: enforce", "cert_issuer": "a\"\n  - b"})
    for number, user in enumerate(("other@relay.test", "third@relay.test.evil", "Third@relay.test", "third", "$(id)")):
        yield Case("U0%d user" % number, C, "it@third.example", ip=EVIL_IP, session={**TLS, "auth_type": "PLAIN", "auth_authen": user})
    yield Case("I08 another tenant's mail", A, "info@example.com", lks=[UNSERVED])
    yield Case("I08 our ID from Salesforce, unsigned", A, "info@example.com")
    yield Case("K01 unsigned, with certificate", A, "info@example.com", session={**TLS, **CERT})
    yield Case("K02 body changed", **real, late="More.\r\n")
    yield Case("K03 l=", **real, late="More.\r\n", tags={"l": "8"})
    yield Case("K04 expired", **real, tags={"t": "1700000000", "x": "1700000100"})
    yield Case("K05 From not signed", **real, tags={"h": "to:subject:date"})
    yield Case("K06 unaligned", A, "info@example.com", evil)
    # From Salesforce's addresses nobody else can write our ID; enforced it is refused from there, too.
    yield Case("K06 look-alike", A, "info@evil-example.com", ("evil-example.com", "e1"), learnt_from=EVIL_IP)
    yield Case("K10 no key", A, "info@example.com", ("example.com", "none"))
    yield Case("K16 a selector with a line break", A, "info@evil.example", ("evil.example", "e1\\x0a"), ip=EVIL_IP)
    yield Case("K23 replayed from elsewhere", **real, ip=EVIL_IP)
    yield Case("O01 no LK", **real, lks=[])
    yield Case("O02 two LK", **real, lks=[A, A])
    yield Case("O03 two LK that differ", **real, lks=[UNSERVED, A])
    yield Case("O05 malformed LK", **real, lks=["00D"])
    yield Case("O07 unserved", **real, lks=[UNSERVED])
    yield Case("O08 relayed for another", **real, add=[("X-SFDCOrgRelay", UNSERVED[:15])])
    yield Case("O17 substitute", A, "info@00D8d000003TRx3.sfcustomeremail.com", ("sfcustomeremail.com", "e1"))
    yield Case("F01 two From", **real, add=[("From", "evil@evil.example")])
    yield Case("F02 several", A, "info@example.com, evil@evil.example", ours)
    yield Case("F03 group", A, "x: info@example.com;", ours)
    yield Case("F05 no From", A, "info@example.com", drop=("From",))
    yield Case("F07 name that is an address", A, "\"info@example.com\" <evil@evil.example>", evil, learnt_from=EVIL_IP)
    yield Case("F09 other org's domain", A, "sales@example.net", ("example.net", "sfcrm"), learnt_from=EVIL_IP)
    yield Case("E01 envelope", **real, sender="evil@evil.example")
    yield Case("V01 bounce address of another org", B, "sales@example.net", ("example.net", "sfcrm"), sender="sales=example.net__9m4v@mmh2.8d-3trx3eag.na63.bnc.salesforce.com")
    yield Case("V02 bounce address for another author", B, "sales@example.net", ("example.net", "sfcrm"), sender="evil=evil.example__9m4v@mmh2.4x-4z0h4eai.na150.bnc.salesforce.com")
    yield Case("X03 Sender", **real, add=[("Sender", "evil@evil.example")])
    yield Case("X12 our From by another tenant", A, "info@example.com", lks=[UNSERVED], session={**TLS, **CERT})
    # What a learner must not believe: anybody's own mail, soundly signed, that claims to be an organization of ours.
    for org in (A, B, C):
        yield Case("L1 our ID, own domain " + org, org, "evil@evil.example", evil, ip=EVIL_IP)
        yield Case("L2 own certificate " + org, org, "evil@evil.example", evil, ip=EVIL_IP, session={**TLS, "cert_subject": "mail.evil.example", "cert_issuer": "Test Root CA"})
        yield Case("L3 own user " + org, org, "evil@evil.example", evil, ip=EVIL_IP, session={**TLS, "auth_type": "PLAIN", "auth_authen": "evil@relay.test"})
        yield Case("L4 in clear from Salesforce " + org, org, "evil@evil.example", evil, session={})


def send(daemon, cases, key, learning=False):
    """The outcome of each."""
    outcomes = []
    for case in cases:
        with Wire(daemon.path) as wire:
            wire.negotiate()
            ip = case.learnt_from if learning else case.ip
            wire.step(connect(SF_NAME if ip == SF_IP else "evil.example", ip))
            wire.step(helo(SF_NAME))
            outcomes.append(wire.deliver(case.letter(key, ip)))
    return outcomes


def nameserver(key):
    server = DnsServer()
    for name in ("s1._domainkey.example.com", "s2._domainkey.example.com", "sfcrm._domainkey.example.net", "e1._domainkey.evil.example",
                 "e1._domainkey.evil-example.com", "e1._domainkey.sfcustomeremail.com"):
        server.add(name, "TXT", " ".join('"%s"' % key.record[at:at + 250] for at in range(0, len(key.record), 250)))
    server.add("_spf.salesforce.com", "TXT", '"v=spf1 ip4:13.110.0.0/16 -all"')
    return server.start()


def learn(tap, bench, key, server):
    """The log: six rounds of all mail, a day apart."""
    real, bad = list(genuine()), list(attacks())
    with Daemon(orgs=LEARNING, dns={"nameservers": [server.address]}) as daemon:
        daemon.start()
        passed = [passes(outcome) for outcome in send(daemon, real + bad, key, learning=True)]
        wait_for(lambda: read(daemon.output).count("ev=verdict ") >= len(real) + len(bad), "a line for each message")
        lines = [line for line in read(daemon.output).splitlines() if "ev=verdict " in line]
    tap.ok(all(passed), "monitor mode lets all of it pass")
    out = []
    for day in range(6):
        when = datetime.datetime.fromtimestamp(START + day * 86400, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        out += ["%s r sfdc-milter[1]: %s\n" % (when, line) for line in lines]
    bench.file("log", "".join(out))
    return real, bad


def check(tap, bench):
    key = dkimsigner.Key.rsa(2048)
    server = nameserver(key)
    try:
        real, bad = learn(tap, bench, key, server)
        sections = []
        for org in (A, B, C):
            result = bench.run("report", "--suggest", "--org", org, "log")
            tap.ok(result.code == 0 and all(len(line) <= 80 or "# " in line for line in result.out.splitlines()), org + ": suggested", err=result.err)
            live = [line for line in result.out.splitlines() if not line.strip().startswith("#")]
            tap.equal([line for line in live if "evil" in line or "$(" in line or "UNSERVED" in line], [], org + ": nothing of an attacker's", out=result.out)
            tap.ok(DOMAINS[org] in "\n".join(live) and all(not other in "\n".join(live) for key_, other in DOMAINS.items() if key_ != org), org + ": its own domain",
                   out=result.out)
            tap.ok("# Not suggested" in result.out and "evil.example" in result.out, org + ": what anybody could have sent is listed apart")
            sections.append(result.out.split("orgs:\n", 1)[1].replace("mode: monitor", "mode: enforce"))
            got = bench.run("report", "--suggest", "--org", org, "--json", "log").objects()[0]
            tap.equal([row["value"] for row in got["suggested"]["domains"]], [DOMAINS[org]], org + ": as JSON")
        enforce(tap, bench, key, server, sections, real, bad)
        few(tap, bench)
    finally:
        server.stop()


def enforce(tap, bench, key, server, sections, real, bad):
    with Daemon(orgs={}) as daemon:
        whole = {"socket": "unix:" + daemon.path, "socket_mode": "0600", "log": {"target": "stderr"}, "dns": {"nameservers": [server.address]}}
        with open(daemon.file, "r+", encoding="utf-8") as file:
            user = re.search(r"^user: .*$", file.read(), re.MULTILINE)[0]
            file.seek(0)
            file.truncate()
            file.write(yaml(whole) + "\n" + user + "\norgs:\n" + "".join(sections))
        checked = bench.run("check-config", "-c", daemon.file)
        tap.equal(checked.code, 0, "the suggested file can be used", out=checked.out, err=checked.err)
        daemon.start()
        for case, outcome in zip(real, send(daemon, real, key)):
            tap.ok(passes(outcome), "accepted: " + case.name, outcome=outcome, log=read(daemon.output).splitlines()[-1])
        for case, outcome in zip(bad, send(daemon, bad, key)):
            tap.ok(not passes(outcome), "refused: " + case.name, log=read(daemon.output).splitlines()[-1])


def few(tap, bench):
    """Values that are rare, or of a short time, are comments, and so is a whole list that restricts."""
    line = ("%s r sfdc-milter: ev=verdict v=1 verdict=accept would=accept mode=monitor sid=1 lk=" + A[:15] + " org=" + A + " client=13.110.74.200 tls=TLSv1.3 "
            "hfrom=info@%s dkim_d=%s dkim_s=%s r_tls=pass r_cert=none r_message=pass r_org=pass r_from=pass r_verp=skip r_dkim=pass r_auth=none r_ip=pass dns_q=1\n")
    days = ["2026-11-%02dT10:00:00Z" % day for day in range(1, 9)]
    log = [line % (day, "often.example", "often.example", "s1") for day in days] + [line % (day, "twice.example", "twice.example", "s2") for day in days[:2]]
    log += [line % (days[0], "one-day.example", "one-day.example", "s1") for _ in range(9)]
    bench.file("few", "".join(log))
    out = bench.run("report", "--suggest", "--org", A, "few").out
    tap.ok('\n      - "often.example"' in out and '# - "twice.example"  # 2 messages' in out and '# - "one-day.example"' in out, "domains", out=out)
    tap.ok("# selectors:" in out and '# - "s1"' in out and "not restricted yet" in out, "selectors", out=out)
    tap.equal(bench.run("report", "--suggest", "--org", C, "few").out.count('- "'), 0, "of another organization nothing is learnt")


main(check)
