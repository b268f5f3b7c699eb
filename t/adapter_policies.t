#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""SPF, DMARC and the names of ip.spf through the examination, with a name server on 127.0.0.1."""

import os
import sys
import tempfile
import threading
import time

SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(SRCDIR, "t"))

from dkimsigner import Key, message, sign  # noqa: E402
from dnsserver import DnsServer, strings  # noqa: E402
from evidence import Probe  # noqa: E402
from lab.process import wait_for  # noqa: E402
from lab.tap import Tap  # noqa: E402

FIELDS = [(b"From", b" Joe <joe@example.com>"), (b"To", b" sue@example.net"), (b"Subject", b" Hello"),
          (b"Date", b" Fri, 11 Jul 2003 21:00:37 -0700"), (b"X-SFDC-LK", b" 00D8d000003TRx3EAG")]
BODY = b"Hello.\r\n"
PLAIN = message(FIELDS, BODY)
RSA = Key.rsa(2048)
CLIENT = "192.0.2.10"


def signed(**tags):
    return message([sign(FIELDS, BODY, RSA, **tags)] + FIELDS, BODY)


def txt(server, name, *records):
    server.add(name, "TXT", *(strings(record) for record in records))


def spf(tap, server, scratch):
    probe = Probe(scratch, server, org="reject_unless: spf")
    cases = (("pass", "v=spf1 ip4:%s -all" % CLIENT, "pass -", "pass"),
             ("fail", "v=spf1 -all", "fail spf-fail", "fail"),
             ("soft", "v=spf1 ~all", "fail spf-softfail", "softfail"),
             ("neutral", "v=spf1 ?all", "fail spf-neutral", "neutral"),
             ("broken", "v=spf1 foo:bar -all", "permerror spf-permerror", "permerror"),
             ("other", "hello", "none spf-none", "none"))
    for name, record, result, keyword in cases:
        txt(server, name + ".example.net", record)
        outcome = probe(PLAIN, "from=<joe@%s.example.net>" % name)
        tap.equal((outcome.spf, outcome.checks["spf"][2]), (result, keyword), name, outcome=outcome)
        outcome = probe(PLAIN, "from=<> helo=%s.example.net" % name)
        tap.equal((outcome.spf, outcome.checks["spf"][2]), (result, keyword), name + ", by the HELO name")
    txt(server, "two.example.net", "v=spf1 -all", "v=spf1 +all")
    tap.equal(probe(PLAIN, "from=<joe@two.example.net>").spf, "permerror spf-permerror", "two records")
    tap.equal(probe(PLAIN, "from=<joe@nothere.example.net>").spf, "none spf-none", "no such name")
    tap.equal(probe(PLAIN, "from=<joe@> helo=pass.example.net").spf, "none spf-none",
              "a sender that cannot be read has no domain, and the HELO name does not stand in")
    txt(server, "xn--bcher-kva.example.net", "v=spf1 +all")
    tap.equal(probe(PLAIN, "from=<> helo=b\u00fccher.example.net").spf, "none spf-none", "D10 a HELO name is taken as it is")
    tap.equal(probe(PLAIN, "from=<joe@b\u00fccher.example.net>").spf, "pass -", "a sender's domain in U-labels")
    tap.equal(probe(PLAIN, "from=<joe@b\u00fcch\u200ber.example.net>").spf, "none spf-none", "D10 unless mapping changes it")
    server.rules["fails.example.net"] = "servfail"
    outcome = probe(PLAIN, "from=<joe@fails.example.net>")
    tap.equal((outcome.spf, outcome.verdict["verdict"]), ("temperror spf-temperror", "tempfail"), "SERVFAIL")
    txt(server, "deep.example.net", "v=spf1 include:a.example.net include:b.example.net -all")
    txt(server, "a.example.net", "v=spf1 a:h.example.net ?all")
    txt(server, "b.example.net", "v=spf1 exists:%{i}.%{l}.example.net -all")
    server.add("h.example.net", "A", "192.0.2.99")
    server.add("192.0.2.10.joe.example.net", "A", "127.0.0.2")
    tap.equal(probe(PLAIN, "from=<joe@deep.example.net>").spf, "pass -", "includes, addresses, macros")
    for level in range(6):
        txt(server, "m%d.example.net" % level,
            "v=spf1 " + " ".join("include:m%d.example.net" % (level + 1) for _ in range(9)) + " -all")
    txt(server, "m6.example.net", "v=spf1 ?all")
    outcome = probe(PLAIN, "from=<joe@m0.example.net>")
    tap.equal(outcome.spf, "permerror spf-permerror", "S01 a tree of includes")
    tap.ok(int(outcome.verdict["dns_q"]) <= 30, "at most 30 questions", outcome=outcome.verdict)
    for level in range(6):
        for last in range(9 if level else 1):
            path = "0" * (level - 1) + str(last) if level else ""
            txt(server, "n%s.example.net" % path,
                "v=spf1 " + " ".join("include:n%s%d.example.net" % (path, child) for child in range(9)) + " -all")
    outcome = probe(PLAIN, "from=<joe@n.example.net>")
    tap.equal(outcome.spf, "permerror spf-permerror", "S01 nine includes in each record, five deep, all of different names")
    tap.ok(int(outcome.verdict["dns_q"]) <= 30, "at most 30 questions", outcome=outcome.verdict)
    tap.equal(probe.end(), 0, "the end")


def underscores(tap, server, scratch):
    """A domain with an underscore is no host name, but a domain: SPF and DMARC evaluate it (RFC 7208 4.3)."""
    txt(server, "news_desk.example.com", "v=spf1 ip4:%s -all" % CLIENT)
    txt(server, "_dmarc.news_desk.example.com", "v=DMARC1; p=reject; aspf=s; adkim=s")
    server.add("sel._domainkey.news_desk.example.com", "TXT", strings(RSA.record))
    probe = Probe(scratch, server, org="reject_unless: from and envelope and spf and dmarc")
    mail = authored("joe@news_desk.example.com")
    outcome = probe(mail, "from=<joe@news_desk.example.com>")
    tap.equal((outcome.spf, outcome.dmarc, outcome.verdict["verdict"]), ("pass -", "pass -", "accept"), "MAIL FROM and From:",
              outcome=outcome)
    outcome = probe(mail, "from=<joe@news_desk.example.com> client=192.0.2.11")
    tap.equal((outcome.spf, outcome.dmarc, outcome.verdict["verdict"]), ("fail spf-fail", "fail dmarc-fail", "reject"),
              "and not from elsewhere")
    tap.equal(probe(mail, "from=<> helo=news_desk.example.com").dmarc, "pass -", "the HELO name of a bounce")
    outcome = probe(authored("joe@news_desk.example.com", d="news_desk.example.com"), "from=<joe@nothere.example.net>")
    tap.equal((outcome.dkim, outcome.dmarc), ("pass -", "pass -"), "d=", outcome=outcome)
    outcome = probe(authored("joe@news_desk.example.com", d="news_desk.example.com", i="@a_b.news_desk.example.com"))
    tap.equal(outcome.dkim, "pass -", "i=", outcome=outcome)
    tap.equal(probe(authored("joe@news_desk.example.com", d="example.com", s="other")).dkim, "permerror dkim-key",
              "a parent is aligned")
    tap.equal(probe.end(), 0, "the end")


def vouching(tap, server, scratch):
    org = "ip: {spf: [%s]}\nreject_unless: ip"
    probe = Probe(scratch, server, org=org % "_spf.example.net")
    txt(server, "_spf.example.net", "v=spf1 exists:%{i}._spf.mta.example.net -all")
    server.add("192.0.2.10._spf.mta.example.net", "A", "127.0.0.2")
    server.add("127.0.0.1._spf.mta.example.net", "A", "127.0.0.2")
    tap.equal(probe(PLAIN).ip, "pass -", "the name vouches")
    tap.equal(probe(PLAIN, "client=192.0.2.11").ip, "fail ip-unlisted", "for this client only")
    tap.equal(probe(PLAIN, "client=127.0.0.1").ip, "fail ip-unlisted", "I06 never for a loopback address")
    tap.equal(probe(PLAIN, "client=::ffff:192.0.2.10").ip, "pass -", "I02 mapped addresses are IPv4")
    probe.end()
    txt(server, "_all.example.net", "v=spf1 +all")
    txt(server, "_broken.example.net", "v=spf1 ip4:nonsense -all")
    server.rules["_fails.example.net"] = "servfail"
    for name, result in (("_all", "permerror ip-spf-canary"), ("_broken", "permerror ip-spf-error"),
                         ("_nothere", "permerror ip-spf-error"), ("_fails", "temperror dns-error")):
        probe = Probe(scratch, server, org=org % (name + ".example.net"))
        tap.equal(probe(PLAIN).ip, result, name)
        probe.end()
    probe = Probe(scratch, server, org=org % "_fails.example.net, _spf.example.net")
    tap.equal(probe(PLAIN).ip, "pass -", "one that vouches is enough")
    probe.end()


def dmarc(tap, server, scratch):
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    server.add("sel._domainkey.example.net", "TXT", strings(RSA.record))
    txt(server, "example.net", "v=spf1 ip4:%s -all" % CLIENT)
    txt(server, "mail.example.com", "v=spf1 ip4:%s -all" % CLIENT)
    org = "dmarc: {required: yes}\nreject_unless: dmarc"
    probe = Probe(scratch, server, org=org)
    tap.equal(probe(signed()).dmarc, "none dmarc-none", "no record")
    probe.end()
    txt(server, "_dmarc.example.com", "v=DMARC1; p=reject")
    probe = Probe(scratch, server, org=org)
    outcome = probe(signed(), "from=<joe@example.net>")
    tap.equal((outcome.dmarc, outcome.checks["dmarc"][2], outcome.verdict["verdict"]), ("pass -", "pass", "accept"),
              "by an aligned signature")
    tap.equal(probe(PLAIN, "from=<joe@mail.example.com>").dmarc, "pass -", "by an aligned sender")
    tap.equal(probe(signed(d="example.net"), "from=<joe@example.net>").dmarc, "fail dmarc-fail", "by neither")
    tap.equal(probe(PLAIN, "from=<> helo=mail.example.com").dmarc, "pass -", "M05 a bounce, by the HELO name")
    tap.equal(probe(PLAIN, "from=<> helo=MAIL.Example.COM").dmarc, "pass -", "M05 in any case")
    outcome = probe(PLAIN, "from=<> helo=mail.example.com client=192.0.2.11")
    tap.equal((outcome.spf, outcome.dmarc), ("fail spf-fail", "fail dmarc-fail"), "M05 but not of another client")
    tap.equal(probe(PLAIN, "from=<> helo=example.net").dmarc, "fail dmarc-fail", "M05 nor by a name that is not aligned")
    outcome = probe(PLAIN, "from=<joe@example.net> helo=mail.example.com")
    tap.equal((outcome.spf, outcome.dmarc), ("pass -", "fail dmarc-fail"), "S03 nor beside another sender that passes")
    outcome = probe(PLAIN, "from=<joe@nothere.example.net> helo=mail.example.com")
    tap.equal((outcome.spf, outcome.dmarc), ("none spf-none", "fail dmarc-fail"), "S03 beside one that has no record")
    for sender in ("joe@", "", "<joe@example.net"):
        tap.equal(probe(PLAIN, "from=%s helo=mail.example.com" % sender).dmarc, "fail dmarc-fail",
                  "S03 or beside one that cannot be read: %r" % sender)
    server.rules["fails._domainkey.example.com"] = "servfail"
    server.rules["fails._domainkey.example.net"] = "servfail"
    outcome = probe(signed(s="fails"))
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("temperror dmarc-temperror", "tempfail"),
              "a key that cannot be had may hide the signature that counts")
    tap.equal(probe(signed(s="fails"), "from=<joe@mail.example.com>").dmarc, "pass -", "unless the sender counts")
    outcome = probe(signed(s="fails", d="example.net"))
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("fail dmarc-fail", "reject"), "a stranger's key hides nothing")
    server.rules["fails.example.net"] = "servfail"
    tap.equal(probe(PLAIN, "from=<joe@fails.example.net>").dmarc, "fail dmarc-fail", "nor a stranger's SPF record")
    server.rules["fails.example.com"] = "servfail"
    tap.equal(probe(PLAIN, "from=<joe@fails.example.com>").dmarc, "temperror dmarc-temperror", "but one of ours does")
    tap.equal(probe(PLAIN, "from=<> helo=fails.example.com").dmarc, "temperror dmarc-temperror", "M05 a HELO name of ours, too")
    tap.equal(probe(PLAIN, "from=<joe@example.net> helo=fails.example.com").dmarc, "fail dmarc-fail",
              "S03 but not beside another sender")
    probe.end()
    txt(server, "_dmarc.example.com", "v=DMARC1; p=none")
    probe = Probe(scratch, server, org=org)
    tap.equal(probe(PLAIN).dmarc, "fail dmarc-policy-none", "p=none is no pass")
    probe.end()
    server.rules["_dmarc.example.com"] = "servfail"
    probe = Probe(scratch, server, org=org)
    outcome = probe(signed())
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("temperror dmarc-temperror", "tempfail"), "M04 SERVFAIL")
    two = message([(b"From", b" a@example.com, b@example.com")] + FIELDS[1:], BODY)
    tap.equal(probe(two).dmarc, "permerror dmarc-permerror", "no single author")
    probe.end()


def dated(tap, server, scratch):
    """X14: where a signature that would align is dated ahead of our clock, DMARC is in doubt for that reason, and defers."""
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    server.add("sel._domainkey.example.net", "TXT", strings(RSA.record))
    server.rules["fails._domainkey.example.com"] = "servfail"
    txt(server, "_dmarc.example.com", "v=DMARC1; p=reject")
    txt(server, "mail.example.com", "v=spf1 ip4:%s -all" % CLIENT)
    probe = Probe(scratch, server, top="undecided: accept\n", org="dmarc: {required: yes}\nreject_unless: dmarc")
    ahead = {"t": "1800000600"}
    at = " now=1800000000"
    outcome = probe(signed(**ahead), "from=<>" + at)
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("temperror dkim-clock", "tempfail"), "aligned", outcome=outcome)
    outcome = probe(signed(**ahead), "from=<joe@mail.example.com>" + at)
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("pass -", "accept"), "aligned, but SPF passes", outcome=outcome)
    outcome = probe(signed(d="example.net", **ahead), "from=<>" + at)
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("fail dmarc-fail", "reject"), "of another domain", outcome=outcome)
    outcome = probe(signed(t="1800090000"), "from=<>" + at)
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("fail dmarc-fail", "reject"), "beyond a day", outcome=outcome)
    outcome = probe(signed(s="fails"), "from=<>" + at)
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("temperror dmarc-temperror", "accept"), "the DNS's doubt",
              outcome=outcome)
    both = message([sign(FIELDS, BODY, RSA, s="fails"), sign(FIELDS, BODY, RSA, **ahead)] + FIELDS, BODY)
    outcome = probe(both, "from=<>" + at)
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("temperror dkim-clock", "tempfail"), "both doubts", outcome=outcome)
    probe.end()


def authored(address, **tags):
    """A message of that author, signed as the tags say, or not at all."""
    fields = [(b"From", b" <%s>" % address.encode())] + FIELDS[1:]
    return message(([sign(fields, BODY, RSA, **tags)] if tags else []) + fields, BODY)


def hidden(tap, server, scratch):
    """A look-up that fails defers only what it may hide: an identifier that would be aligned, by the walk of the DNS tree."""
    org = "dmarc: {required: yes}\nreject_unless: dmarc"
    for name in ("victim.co.uk", "strict.example.com", "uk.com"):
        txt(server, "_dmarc." + name, "v=DMARC1; p=reject" + "; adkim=s; aspf=s" * name.startswith("strict"))
        server.add(name, "A", "192.0.2.1")
    for name in ("sel._domainkey.evil.co.uk", "sel._domainkey.b.strict.example.com", "sel._domainkey.uk.com", "evil.co.uk"):
        server.rules[name] = "servfail"
    probe = Probe(scratch, server, org=org)
    outcome = probe(authored("joe@victim.co.uk"), "from=<joe@evil.co.uk>")
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("fail dmarc-fail", "reject"),
              "no SPF record of a neighbor below a public suffix", outcome=outcome)
    outcome = probe(authored("joe@victim.co.uk", d="evil.co.uk"), "from=<>")
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("fail dmarc-fail", "reject"), "nor its key", outcome=outcome)
    outcome = probe(authored("joe@strict.example.com", d="b.strict.example.com"), "from=<>")
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("fail dmarc-fail", "reject"),
              "nor that of a child where alignment is strict", outcome=outcome)
    outcome = probe(authored("joe@a.uk.com", d="uk.com"), "from=<>")
    tap.equal((outcome.dmarc, outcome.verdict["verdict"]), ("temperror dmarc-temperror", "tempfail"),
              "but the key of a parent that the Public Suffix List takes for a suffix", outcome=outcome)
    probe.end()


def many_signatures(tap, server, scratch):
    """The one that counts is seen behind as many others as may be verified, whatever is known of keys already."""
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    txt(server, "_dmarc.example.com", "v=DMARC1; p=reject")
    others = []
    for number in range(40):
        server.add("sel._domainkey.d%d.example.net" % number, "TXT", strings(RSA.record))
        others.append(sign(FIELDS, BODY, RSA, d="d%d.example.net" % number))
    probe = Probe(scratch, server, org="dmarc: {required: yes}\nreject_unless: dmarc", max_signatures="64")
    mail = message(others + [sign(FIELDS, BODY, RSA)] + FIELDS, BODY)
    for what in ("unknown", "known"):
        tap.equal(probe(mail, "from=<>").dmarc, "pass -", "forty signatures of others, whose keys are %s" % what)
    probe.end()


def needed(tap, server, scratch):
    """Nothing is asked that cannot matter, and nothing is waited for longer than allowed."""
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    probe = Probe(scratch, server, org="reject_unless: dkim")
    outcome = probe(PLAIN, "needed=1")
    tap.equal((outcome.verdict["verdict"], outcome.verdict["dns_q"], outcome.verdict["body"]), ("reject", "0", "0"),
              "unsigned: refused before the body, without a question", outcome=outcome)
    outcome = probe(signed(d="example.net"), "needed=1")
    tap.equal((outcome.verdict["verdict"], outcome.verdict["body"]), ("reject", "0"),
              "unaligned: refused before the body", outcome=outcome)
    outcome = probe(signed(), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["dns_q"], outcome.verdict["body"]), ("pass -", "1", "1"),
              "aligned: one question", outcome=outcome)
    outcome = probe(message([sign(FIELDS[:1], BODY, RSA)] + FIELDS, BODY), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["verdict"], outcome.verdict["dns_q"]), ("fail dkim-fail", "reject", "0"),
              "a header that was changed is found, and with a known key nothing is asked", outcome=outcome)
    probe.end()
    probe = Probe(scratch, server, org="reject_unless: org")
    outcome = probe(signed(), "needed=1")
    tap.equal((outcome.verdict["verdict"], outcome.verdict["body"]), ("accept", "0"),
              "no sentence names it: nothing but the key that was asked for early", outcome=outcome)
    probe.end()
    server.rules["*"] = "drop"
    probe = Probe(scratch, server, timeout=1, org="reject_unless: dkim\nquarantine_unless: spf")
    outcome = probe(signed(s="other"), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["verdict"]), ("temperror dns-timeout", "tempfail"), "X05 all is dead",
              outcome=outcome)
    outcome = probe(PLAIN, "needed=1")
    tap.equal(outcome.verdict["verdict"], "reject", "X05 what is refused anyway is refused at once")
    outcome = probe(signed(s="third"), "threads=40 needed=1")
    tap.equal(outcome.verdict["verdict"], "tempfail", "forty at once")
    tap.equal(probe.end(), 0, "the end comes with questions under way")


def first(tap, server, scratch):
    """X15: where the client's address may decide, no key is asked for before it is known, or was slow to come."""
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    txt(server, "_spf.salesforce.com", "v=spf1 ip4:192.0.2.10 -all")
    key = "sel._domainkey.example.com"
    probe = Probe(scratch, server, org="reject_unless: dkim and ip")
    outcome = probe(signed(), "client=192.0.2.11 needed=1")
    tap.equal((outcome.ip, outcome.verdict["verdict"], server.count(key)), ("fail ip-unlisted", "reject", 0),
              "an address that is not listed: no key is asked for", outcome=outcome)
    tap.equal(probe(signed(), "needed=1").verdict["verdict"], "accept", "one that is: then the key is")
    tap.equal(server.count(key), 1, "once")
    probe.end()
    server.rules["_spf.salesforce.com"] = "drop"
    probe = Probe(scratch, server, timeout=4, org="reject_unless: dkim and ip")
    outcome = probe(signed(), "needed=1")
    tap.equal((outcome.ip, outcome.dkim, outcome.verdict["verdict"], server.count(key)),
              ("temperror dns-timeout", "pass -", "tempfail", 2),
              "where the answer does not come the key is asked for meanwhile", outcome=outcome)
    probe.end()
    server.rules.pop("_spf.salesforce.com")
    probe = Probe(scratch, server, org="reject_unless: dkim or ip")
    outcome = probe(signed(), "needed=1")
    tap.equal((outcome.ip, outcome.verdict["verdict"], server.count(key)), ("pass -", "accept", 2),
              "an address that is enough: no key is asked for", outcome=outcome)
    probe.end()


def strangers(tap, server, scratch):
    """X15: what cannot make a check pass is not asked for; where all evidence is gathered it has its share and no more."""
    junk = [(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=d%d.never.test; s=s; h=from; bh=%s; b=AAAA" % (n, b"A" * 43 + b"="))
            for n in range(8)]
    server.rules["*.never.test"] = "drop"
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    probe = Probe(scratch, server, org="reject_unless: dkim")
    outcome = probe(message(junk + FIELDS, BODY), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["verdict"], outcome.verdict["dns_q"]), ("fail dkim-unaligned", "reject", "0"),
              "eight signatures of strangers: nothing is asked", outcome=outcome)
    outcome = probe(message(junk[:4] + [sign(FIELDS, BODY, RSA)] + FIELDS, BODY), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["dns_q"]), ("pass -", "1"), "four of them beside one of ours: its key is",
              outcome=outcome)
    tap.equal(server.below("never.test"), 0, "and theirs are not")
    tap.equal(probe.end(), 0, "the end")
    probe = Probe(scratch, server, timeout=2, org="mode: monitor\nreject_unless: dkim")
    outcome = probe(message(junk + FIELDS, BODY), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["verdict"]), ("fail dkim-unaligned", "accept"), "in monitor", outcome=outcome)
    wait_for(lambda: server.below("never.test") >= 8, "the questions for eight keys")
    tap.equal(probe.end(), 0, "the end")
    many = [(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=e%d.never.test; s=s; h=from; bh=%s; b=AAAA" % (n, b"A" * 43 + b"="))
            for n in range(40)]
    probe = Probe(scratch, server, timeout=20, org="mode: monitor\nreject_unless: dkim", max_signatures="64")
    outcome = probe(message(many + FIELDS, BODY))
    busy = [signature for signature in outcome.signatures if signature[1] == "dns-busy"]
    tap.equal((len(outcome.signatures), len(busy)), (40, 8), "a client has thirty-two such questions at once", outcome=outcome)
    tap.equal(probe.end(), 0, "the end")


def together(tap, server, scratch):
    """What is known to be needed is asked at once: a message waits for one round trip, not for one after another."""
    server.add("sel._domainkey.example.com", "TXT", strings(RSA.record))
    txt(server, "example.com", "v=spf1 ip4:192.0.2.10 -all")
    txt(server, "_dmarc.example.com", "v=DMARC1; p=reject")
    txt(server, "_spf.salesforce.com", "v=spf1 ip4:192.0.2.10 -all")
    names = ("sel._domainkey.example.com", "example.com", "_dmarc.example.com", "_spf.salesforce.com")
    for name in names:
        server.rules[name] = "hold"
    probe = Probe(scratch, server, org="reject_unless: dkim and spf and dmarc and ip")
    outcomes = []
    sending = threading.Thread(target=lambda: outcomes.append(probe(signed(), "from=<joe@example.com> needed=1")))
    sending.start()
    for _ in range(1000):
        if all(server.count(name) for name in names):
            break
        time.sleep(0.01)
    tap.equal([name for name in names if not server.count(name)], [], "all is asked before anything is answered")
    for name in names:
        server.release(name)
    sending.join()
    tap.equal(outcomes[0].verdict["verdict"], "accept", "and the answers decide", outcome=outcomes[0])
    tap.equal(probe.end(), 0, "the end")


with Tap(needs_root=False) as test:
    for group in (spf, underscores, vouching, dmarc, dated, hidden, many_signatures, needed, first, strangers, together):
        fresh = DnsServer().start()
        with tempfile.TemporaryDirectory() as folder:
            test.case(group, fresh, folder)
        fresh.stop()
