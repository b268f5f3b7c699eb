#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""DKIM signatures of every kind, through the examination, with keys from a name server on 127.0.0.1."""

import os
import subprocess
import sys
import tempfile
import time

SRCDIR = os.environ.get("SRCDIR", os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
sys.path.insert(0, os.path.join(SRCDIR, "t"))

from dkimsigner import Key, message, sign  # noqa: E402
from dnsserver import DnsServer, signed_zone, strings  # noqa: E402
from evidence import Probe  # noqa: E402
from lab.tap import Tap  # noqa: E402

NOW = int(time.time())
FIELDS = [(b"From", b" Joe <joe@example.com>"), (b"To", b" sue@example.net"), (b"Subject", b" Is dinner\r\n ready?"),
          (b"Date", b" Fri, 11 Jul 2003 21:00:37 -0700"), (b"X-SFDC-LK", b" 00D8d000003TRx3EAG")]
BODY = b"Hi.\r\n\r\nWe lost  the game. \t\r\nJoe.\r\n\r\n\r\n"

# RFC 8463, appendix A; the first field is ours, and not signed.
RFC8463 = """\
X-SFDC-LK: 00D8d000003TRx3EAG
DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace("\n", "\r\n").encode()
RFC8463_KEYS = (
    ("brisbane", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="),
    ("test", "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQ"
             "iY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2"
             "kryOTIKT+l/K4w3QIDAQAB"))

RSA = Key.rsa(2048)
OTHER = Key.rsa(2048)
ED = Key.ed25519()


def publish(server, selector, *records, domain="example.com", ttl=300):
    server.add("%s._domainkey.%s" % (selector, domain), "TXT", *(strings(record) for record in records), ttl=ttl)


def signed(key=RSA, fields=None, body=BODY, before=(), **tags):
    """A message with one signature on top."""
    fields = FIELDS if fields is None else fields
    return message([*before, sign(fields, body, key, **tags)] + fields, body)


def altered(data, old, new):
    assert old in data, old
    return data.replace(old, new, 1)


def expect(tap, probe, name, data, *wanted, dkim=None, options=""):
    """The results of the signatures are these: "result reason"; and what the check makes of them."""
    outcome = probe(data, options)
    got = [" ".join(signature[:2]) for signature in outcome.signatures]
    tap.equal(got, list(wanted), name, outcome=outcome)
    if dkim:
        tap.equal(outcome.dkim, dkim, name + ": the check", outcome=outcome)
    return outcome


def rfc(tap, server, scratch):
    for selector, record in RFC8463_KEYS:
        publish(server, selector, record, domain="football.example.com")
    probe = Probe(scratch, server)
    outcome = expect(tap, probe, "RFC 8463 appendix A", RFC8463, "pass -", "pass -", dkim="pass -")
    tap.equal(outcome.details, [["d=football.example.com", "s=brisbane", "a=2", "bits=0", "equal", "b=/gCrinpc"],
                                ["d=football.example.com", "s=test", "a=1", "bits=1024", "equal", "b=F45dVWDf"]],
              "what is told of them")
    expect(tap, probe, "... a byte of the body changed", altered(RFC8463, b"hungry", b"Hungry"),
           "fail dkim-bodyhash", "fail dkim-bodyhash", dkim="fail dkim-bodyhash")
    expect(tap, probe, "... a byte of the header changed", altered(RFC8463, b"dinner", b"Dinner"),
           "fail dkim-fail", "fail dkim-fail", dkim="fail dkim-fail")
    expect(tap, probe, "... white space changed", altered(RFC8463, b"Is dinner", b"Is  dinner"), "pass -", "pass -")
    expect(tap, probe, "... one more Subject, which h= rules out", b"Subject: Pay!\r\n" + RFC8463,
           "fail dkim-fail", "fail dkim-fail")
    tap.equal(probe.end(), 0, "the end")


def canonical(tap, server, scratch):
    publish(server, "sel", RSA.record)
    publish(server, "ed", ED.record)
    probe = Probe(scratch, server)
    for form in (None, "simple", "relaxed", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"):
        expect(tap, probe, "c=%s" % form, signed(c=form), "pass -")
        expect(tap, probe, "K26 c=%s, no LEADSPC" % form, signed(c=form), "pass -", options="bare=1")
    tight = [(name, value.strip()) for name, value in FIELDS]
    expect(tap, probe, "no space after the colon", signed(fields=tight, c="simple/simple"), "pass -")
    bodies = {"empty": b"", "one line end": b"\r\n", "line ends": b"\r\n\r\n\r\n", "no last line end": b"a\r\nb",
              "white space": b" \t \r\n\t\r\n", "blanks at the end": b"x\r\n \r\n\r\n", "dots": b".\r\n..\r\n.\r\n",
              "blank then text": b"\r\n\r\n x  y \r\n", "a long line": b"z" * 5000 + b"\r\n",
              "300 KB": b"line of text  with  space \r\n" * 11000, "ends in space": b"a \t"}
    for name, body in bodies.items():
        for form in ("simple/simple", "relaxed/relaxed"):
            padded = body if body.endswith(b"\r\n") or not body else body + b"\r\n"
            data = message([sign(FIELDS, padded, RSA, c=form)] + FIELDS, body)
            expect(tap, probe, "body: %s, %s" % (name, form), data, "pass -")
            if 0 < len(body) < 5000:
                passed = {" ".join(probe(data, "split=%d" % at).signatures[0]) for at in range(1, len(body))}
                passed.add(" ".join(probe(data, "chunk=1").signatures[0]))
                tap.equal(passed, {"pass - pass"}, "... in two pieces cut anywhere, and byte by byte")
    data = signed(body=bodies["300 KB"], c="relaxed/relaxed")
    for size in (1000, 4096, 65535):
        expect(tap, probe, "300 KB in pieces of %d" % size, data, "pass -", options="chunk=%d" % size)
    # Mail as an MTA hands it over has neither; libopendkim and RFC 6376 hash them differently, and doubt is no pass.
    expect(tap, probe, "a body with bare CR and LF", signed(body=b"a\rb\nc\r\n", c="relaxed/simple"), "fail dkim-bodyhash")
    rewritten = altered(signed(c="simple/simple"), b"To: sue@", b"To:  sue@")
    expect(tap, probe, "K24 a field that was rewritten, simple", rewritten, "fail dkim-fail")
    rewritten = altered(signed(c="relaxed/simple"), b"To: sue@", b"TO:\r\n\tsue@")
    expect(tap, probe, "K24 a field that was rewritten, relaxed", rewritten, "pass -")
    folded = [(b"From", b"\r\n joe@example.com"), (b"SUBJECT", b" a\r\n\t b \r\n  c")] + FIELDS[1:2]
    expect(tap, probe, "folds, case", signed(fields=folded, h="From:Subject:to", c="relaxed/relaxed"), "pass -")
    expect(tap, probe, "folds, simple", signed(fields=folded, h="From:Subject:to", c="simple/simple"), "pass -")
    expect(tap, probe, "folds in the signature", signed(fold=";\r\n\t", c="relaxed/relaxed"), "pass -")
    expect(tap, probe, "b= is not the last tag", signed(after=";\r\n t=1700000000"), "pass -")
    many = FIELDS + [(b"X-%d" % n, b" v") for n in range(200)]
    expect(tap, probe, "200 names in h=", signed(fields=many, h="from:" + ":".join("x-%d" % n for n in range(200))),
           "pass -")
    twice = FIELDS + [(b"Received", b" one"), (b"Received", b" two")]
    expect(tap, probe, "fields that stand twice are taken from the bottom",
           signed(fields=twice, h="from:received:received:received"), "pass -")
    eight = FIELDS[:2] + [(b"Subject", " Grüße \x1b$B".encode())]
    expect(tap, probe, "8-bit and escape bytes", signed(fields=eight, c="relaxed/relaxed"), "pass -")
    tap.equal(probe.end(), 0, "the end")


def refusals(tap, server, scratch):
    publish(server, "sel", RSA.record)
    publish(server, "ed", ED.record)
    probe = Probe(scratch, server)
    good = signed(c="relaxed/relaxed")
    outcome = expect(tap, probe, "K01 unsigned", message(FIELDS, BODY), dkim="none dkim-none")
    tap.equal(outcome.verdict["verdict"], "reject", "K01 is refused")
    expect(tap, probe, "K02 body changed", altered(good, b"lost", b"won "), "fail dkim-bodyhash",
           dkim="fail dkim-bodyhash")
    expect(tap, probe, "K02 signed field changed", altered(good, b"sue@", b"eve@"), "fail dkim-fail")
    expect(tap, probe, "K02 another key", signed(key=OTHER), "fail dkim-fail")
    for length in ("0", "5", "10", "100000"):
        expect(tap, probe, "K03 l=%s" % length, signed(l=length), "fail dkim-length", dkim="fail dkim-length")
    expect(tap, probe, "K03 l= and more body", signed(l=str(len(BODY))) + b"more\r\n", "fail dkim-length")
    expect(tap, probe, "K04 expired", signed(t=str(NOW - 9000), x=str(NOW - 301)), "fail dkim-expired",
           dkim="fail dkim-expired")
    expect(tap, probe, "K04 within the drift of clocks", signed(t=str(NOW - 9000), x=str(NOW - 100)), "pass -")
    expect(tap, probe, "K04 x= before t=", signed(t=str(NOW), x=str(NOW - 1)), "permerror dkim-syntax")
    expect(tap, probe, "X10 x= far away", signed(x="4294967296"), "pass -")
    expect(tap, probe, "K05 From not signed", signed(h="to:subject:date"), "permerror dkim-syntax")
    publish(server, "sel", RSA.record, domain="example.net")
    publish(server, "sel", RSA.record, domain="evilexample.com")
    publish(server, "sel", RSA.record, domain="example.com.evil.test")
    for domain in ("example.net", "evilexample.com", "example.com.evil.test"):
        tap.equal(probe(signed(d=domain)).dkim, "fail dkim-unaligned", "K06 d=%s" % domain)
    tap.equal(probe(signed(d="com")).dkim, "fail dkim-unaligned", "D07 d=com")
    aligned, foreign = sign(FIELDS, BODY, RSA), sign(FIELDS, BODY, RSA, d="example.net")
    broken = sign(FIELDS, b"x\r\n", RSA)
    outcome = probe(message([broken, foreign] + FIELDS, BODY))
    tap.equal(outcome.dkim, "fail dkim-bodyhash", "K07 failing aligned, passing unaligned", outcome=outcome)
    for order in ([broken, aligned], [aligned, broken]):
        tap.equal(probe(message(order + FIELDS, BODY)).dkim, "pass -", "K08 failing and passing aligned")
    expect(tap, probe, "K09 i= outside d=", signed(i="@example.net"), "permerror dkim-syntax")
    expect(tap, probe, "K09 i= below d=", signed(i="joe@mail.example.com"), "pass -")
    weak = {"K17 no v=": {"v": None}, "K17 v=2": {"v": "2"}, "K17 no bh=": {"bh": None}, "K17 unknown a=": {},
            "K17 unknown c=": {}, "K17 q=http": {"q": "http"}, "K17 q=dns": {"q": "dns"}, "K16 quote in d=": {"d": 'exa"mple.com'},
            "K16 parenthesis in d=": {"d": "example.com(x"}, "K16 slash in s=": {"s": "a/b"},
            "K27 label too long": {"s": "x" * 64}, "K27 empty label": {"s": "a..b"}, "K27 trailing dot": {"d": "example.com."},
            "K27 name too long": {"s": ".".join(["abcdefg"] * 31)}, "white space in d=": {"d": "example .com"},
            "K17 a tag in another case": {"L": "3"}, "K17 t= is no number": {"t": "1e9"}}
    for name, tags in weak.items():
        if tags:
            expect(tap, probe, name, signed(**tags), "permerror dkim-syntax")
    for name, old, new in (("K17 unknown a=", b"a=rsa-sha256", b"a=rsa-md5"), ("K17 unknown c=", b"c=relaxed/relaxed", b"c=nofws"),
                           ("K17 empty b=", good[good.index(b"; b="):good.index(b"\r\nFrom")], b"; b="),
                           ("K17 d= twice", b"; b=", b"; d=example.com; b="), ("K17 s= twice", b"; b=", b"; s=sel; b="),
                           ("K17 b= twice", b"; b=", b"; b=AAAA; b="), ("K16 8-bit byte", b"d=example.com", b"d=ex\xe4mple.com"),
                           ("K16 NUL in s=", b"s=sel", b"s=se\0l"), ("K17 no equals sign", b"; b=", b"; junk; b=")):
        outcome = probe(altered(good, old, new))
        tap.ok(outcome.signatures[0][0] in ("permerror", "fail"), name, outcome=outcome)
        tap.ok("pass" not in outcome.dkim, name + ": the check", outcome=outcome)
    expect(tap, probe, "K14 rsa-sha1", signed(a="rsa-sha1"), "fail dkim-algorithm", dkim="fail dkim-algorithm")
    expect(tap, probe, "K15 ed25519 alone", signed(key=ED, s="ed"), "pass -", dkim="pass -")
    expect(tap, probe, "K15 both", message([sign(FIELDS, BODY, ED, s="ed"), aligned] + FIELDS, BODY), "pass -", "pass -")
    expect(tap, probe, "a= of another kind than the key", signed(key=ED, s="sel"), "permerror dkim-key")
    for extra in (b"From: eve@evil.test\r\n", b"from: joe@example.com\r\n", b"From : joe@example.com\r\n"):
        expect(tap, probe, "F01 two From fields: %r" % extra, extra + good, "permerror dkim-syntax",
               dkim="fail dkim-unaligned")
    two = [(b"From", b" joe@example.com, eve@evil.test")] + FIELDS[1:]
    expect(tap, probe, "F09 two mailboxes", signed(fields=two), "permerror dkim-syntax")
    nul = [(b"Subject", b" x\0y")] + [field for field in FIELDS if field[0] != b"Subject"]
    clean = [(b"Subject", b" x")] + nul[1:]
    expect(tap, probe, "what stands behind a NUL byte is not lost",
           message([sign(clean, BODY, RSA, c="relaxed/relaxed")] + nul, BODY), "permerror dkim-syntax")
    for byte in (b"\v", b"\f", b"\r"):
        spoilt = [(b"Subject", b" x" + byte + b"y")] + nul[1:]
        spaced = [(b"Subject", b" x y")] + nul[1:]
        outcome = probe(message([sign(spaced, BODY, RSA, c="relaxed/relaxed")] + spoilt, BODY))
        tap.ok(outcome.signatures[0][0] != "pass", "%r is no white space" % byte, outcome=outcome)
    tap.equal(probe.end(), 0, "the end")


def dates(tap, server, scratch):
    """t= ahead of the clock is a doubt about the clock, up to a day; and only of a signature that is good otherwise."""
    publish(server, "sel", RSA.record)
    publish(server, "weak", Key.rsa(1024).record)
    server.rules["fails._domainkey.example.com"] = "servfail"
    CLOCK, FUTURE = "temperror dkim-clock", "fail dkim-future"
    probe = Probe(scratch, server, top="undecided: accept\n")
    at = "now=1800000000"

    def dated(ahead, **tags):
        return signed(t=str(1800000000 + ahead), **tags)

    for ahead, result, verdict in ((300, "pass -", "accept"), (301, CLOCK, "tempfail"), (86400, CLOCK, "tempfail"),
                                   (86401, FUTURE, "reject"), (900000000000, FUTURE, "reject")):
        outcome = expect(tap, probe, "X14 t= ahead by %d s" % ahead, dated(ahead), result, dkim=result, options=at)
        tap.equal(outcome.verdict["verdict"], verdict, "X14 ahead by %d s with undecided: accept" % ahead)
    outcome = expect(tap, probe, "X14 the clock of this machine", signed(t=str(NOW + 3600)), CLOCK)
    tap.equal(outcome.signatures[0][2], "temperror", "in Authentication-Results")
    tap.equal(expect(tap, probe, "X14 and a day", signed(t=str(NOW + 90000)), FUTURE).signatures[0][2], "fail", "there, too")
    for ahead in (600, 90000):
        good = dated(ahead)
        junk = good[:good.index(b"; b=")] + b"; b=" + b"A" * 344 + good[good.index(b"\r\nFrom"):]
        faults = (("junk in b=", junk, "fail dkim-fail"),
                  ("another key", dated(ahead, key=OTHER), "fail dkim-fail"),
                  ("a header changed", altered(good, b"sue@", b"eve@"), "fail dkim-fail"),
                  ("a body changed", altered(good, b"lost", b"won "), "fail dkim-bodyhash"),
                  ("no key", dated(ahead, s="none"), "permerror dkim-key"),
                  ("a part of the body", dated(ahead, l="5"), "fail dkim-length"),
                  ("x= before t=", dated(ahead, x="1800000000"), "permerror dkim-syntax"))
        for name, data, result in faults:
            outcome = expect(tap, probe, "X14 %s, ahead by %d s" % (name, ahead), data, result, dkim=result, options=at)
            tap.equal(outcome.verdict["verdict"], "reject", "X14 %s is refused, whatever is undecided" % name)
        tap.equal(probe(dated(ahead, d="example.net"), at).dkim, "fail dkim-unaligned", "X14 not aligned, ahead by %d s" % ahead)
        outcome = probe(dated(ahead, s="fails"), at)
        tap.equal((outcome.dkim, outcome.verdict["verdict"]), ("temperror dkim-temperror", "accept"),
                  "X14 a key that cannot be had is the DNS's doubt, ahead by %d s" % ahead)
    both = message([sign(FIELDS, BODY, RSA, t="1800000600"), sign(FIELDS, BODY, RSA, t="1799999000")] + FIELDS, BODY)
    tap.equal(probe(both, at).dkim, "pass -", "X14 another that is good")
    both = message([sign(FIELDS, BODY, RSA, s="fails"), sign(FIELDS, BODY, RSA, t="1800000600")] + FIELDS, BODY)
    outcome = probe(both, at)
    tap.equal((outcome.dkim, outcome.verdict["verdict"]), (CLOCK, "tempfail"), "X14 beside one whose key cannot be had")
    probe.end()
    probe = Probe(scratch, server, min_rsa_bits="3072")
    tap.equal(probe(dated(600), at).dkim, "fail dkim-weak", "X14 too weak for this organization")
    probe.end()
    probe = Probe(scratch, server, required_headers="[from, x-sfdc-lk]")
    tap.equal(probe(dated(600), at).dkim, "fail dkim-headers", "X14 without a field that must be covered")
    probe.end()
    # A clock that cannot be right tells nothing about any date.
    probe = Probe(scratch, server, top="undecided: reject\n", max_age="7d")
    for now in ("0", "3600", "1735689599"):
        for name, tags, result in (("t=", {"t": "1800000000"}, CLOCK), ("t= of the past", {"t": "1000"}, CLOCK),
                                   ("x=", {"x": "1800000000"}, CLOCK), ("x= of the past", {"x": "1000"}, CLOCK),
                                   ("no date", {}, "pass -")):
            outcome = expect(tap, probe, "X14 by the clock %s: %s" % (now, name), signed(**tags), result, options="now=" + now)
            tap.equal(outcome.verdict["verdict"], "tempfail" if result == CLOCK else "accept", "X14 never a refusal")
    tap.equal(probe(signed(t="1735689000"), "now=1735689600").dkim, "pass -", "X14 the first clock that is believed")
    tap.equal(probe(altered(signed(t="1800000000"), b"sue@", b"eve@"), "now=0").dkim, "fail dkim-fail", "X14 but forgeries are")
    tap.equal(probe.end(), 0, "the end")


def internationalized(tap, server, scratch):
    """RFC 8616: U-labels in d=, s= and i= and UTF-8 in i=, in signatures that are really made over those bytes."""
    ascii_domain, domain = "xn--bcher-kva.example.com", "b\u00fccher.example.com"
    publish(server, "sel", RSA.record)
    publish(server, "sel", RSA.record, domain=ascii_domain)
    publish(server, "xn--sl-bja", RSA.record, domain=ascii_domain)
    publish(server, "strict", "v=DKIM1; t=s; p=" + RSA.public, domain=ascii_domain)
    probe = Probe(scratch, server, alignment="strict")
    authors = ([(b"From", (" joe@" + name).encode())] + FIELDS[1:] for name in (ascii_domain, domain, "B\u00dcCHER.Example.com"))
    for fields in authors:
        for form in (None, "simple/simple", "relaxed/relaxed", "relaxed/simple", "simple/relaxed"):
            for tags in ({"d": ascii_domain}, {"d": domain}, {"d": domain.upper()}, {"d": domain, "s": "s\u00e9l"},
                         {"d": domain, "i": "@" + domain}, {"d": domain, "i": "j\u00f6@" + ascii_domain},
                         {"d": ascii_domain, "i": "\u2603@m." + domain}, {"d": domain, "s": "strict", "i": "j\u00f6@" + domain},
                         {"d": domain, "z": "Subject:Gr\u00fc\u00dfe"}):
                outcome = expect(tap, probe, "%s signed with %s, c=%s" % (fields[0][1].decode(), tags, form),
                                 signed(fields=fields, c=form, **tags), "pass -", dkim="pass -")
                tap.equal(outcome.details[0][0], "d=" + ascii_domain, "its domain is told in A-labels")
    fields = [(b"From", (" joe@" + domain).encode())] + FIELDS[1:]
    outcome = probe(signed(fields=fields, d=domain, s="s\u00e9l"), "bare=1")
    tap.equal(outcome.dkim, "pass -", "no LEADSPC", outcome=outcome)
    good = signed(fields=fields, d=domain)
    expect(tap, probe, "the header changed", altered(good, b"sue@", b"eve@"), "fail dkim-fail", dkim="fail dkim-fail")
    expect(tap, probe, "the body changed", altered(good, b"lost", b"won "), "fail dkim-bodyhash", dkim="fail dkim-bodyhash")
    expect(tap, probe, "another key", signed(key=OTHER, fields=fields, d=domain), "fail dkim-fail")
    expect(tap, probe, "d= in A-labels after signing", altered(good, domain.encode(), ascii_domain.encode()), "fail dkim-fail")
    both = message([sign(fields, b"x\r\n", RSA, d=domain), sign(fields, BODY, RSA, d=ascii_domain)] + fields, BODY)
    expect(tap, probe, "beside one in A-labels", both, "fail dkim-bodyhash", "pass -", dkim="pass -")
    both = message([sign(fields, BODY, RSA, d=ascii_domain, h="from:to:x"), sign(fields, BODY, RSA, d=domain)] + fields, BODY)
    expect(tap, probe, "below one in A-labels", both, "pass -", "pass -", dkim="pass -")
    tap.equal(probe(signed(fields=fields, d=domain, s="strict", i="@m." + domain)).dkim, "permerror dkim-key",
              "a key of t=s wants i= to be d= itself")
    tap.equal(probe(signed(fields=fields, d=domain, i="@example.com")).dkim, "permerror dkim-syntax", "i= outside d=")
    tap.equal(probe(signed(fields=fields, d="b\u0443cher.example.com")).dkim, "fail dkim-unaligned", "D05 a homograph is another")
    # What mapping would change, and what is no UTF-8, is no domain; and of no domain nobody can say that it is another.
    for name in ("b\u00fcch\u200ber.example.com", "b\u00fccher\u00ad.example.com", "bu\u0308cher.example.com",
                 "b\u00fccher.\uff45xample.com", "b\u00fccher\u3002example.com", "b\u00fc_cher.example.com"):
        expect(tap, probe, "D10 d=%r" % name, signed(fields=fields, d=name), "permerror dkim-syntax", dkim="permerror dkim-syntax")
        expect(tap, probe, "D10 i=%r" % name, signed(fields=fields, d=ascii_domain, i="@m." + name), "permerror dkim-syntax")
        expect(tap, probe, "D10 s=%r" % name, signed(fields=fields, d=ascii_domain, s=name), "permerror dkim-syntax")
    expect(tap, probe, "d= that is no UTF-8", altered(good, domain.encode(), b"b\xfccher.example.com"), "permerror dkim-syntax",
           dkim="permerror dkim-syntax")
    outcome = probe(message([sign(fields, BODY, RSA, d="b\u00fc\u200b.example.com"), sign(fields, b"x\r\n", RSA, d=domain)] + fields, BODY))
    tap.equal(outcome.dkim, "fail dkim-bodyhash", "one that can be told speaks before one that cannot", outcome=outcome)
    tap.equal(probe.end(), 0, "the end")


def names(tap, server, scratch):
    """K28: a field whose name is followed by any byte before the colon is the field, another one, or keeps the signature
    from passing; what a signature covers is never left out."""
    import dkim
    publish(server, "sel", RSA.record)
    probe = Probe(scratch, server)
    plain = {b for b in range(0x21, 0x7f) if b != 0x3a}
    keys = {"dnsfunc": lambda name, timeout=5: RSA.record.encode()}

    def dkimpy_passes(data):
        try:
            return dkim.DKIM(data, logger=None).verify(**keys)
        except dkim.DKIMException:
            return False

    for form in ("simple/simple", "relaxed/relaxed"):
        over = sign(FIELDS, BODY, RSA, c=form, h="from:to:subject:subject:date:x-new")
        for field in (b"Subject", b"X-New", b"From"):
            results, raw = {}, {}
            for byte in range(256):
                coded = message([(b"%s%%%02X" % (field, byte), b" Pay!"), over] + FIELDS, BODY)
                outcome = probe(coded, "names=1")
                results[byte] = " ".join(outcome.signatures[0][:2])
                data = message([over] + FIELDS[:2] + [(field + bytes([byte]), b" Pay!")] + FIELDS[2:], BODY)
                outcome = probe(data)
                raw[byte] = outcome.signatures[0][0] == "pass"
                if raw[byte] and not dkimpy_passes(data):
                    tap.ok(False, "K28 dkimpy agrees that %r before the colon is no matter, %s" % (bytes([byte]), form))
            told = {b: r for b, r in results.items() if r != "pass -"}
            white = "permerror dkim-syntax" if field == b"From" else "fail dkim-fail"
            tap.equal({b for b, r in results.items() if r == "pass -"}, plain,
                      "K28 %s, %s: only letters make another field of it" % (field.decode(), form))
            tap.equal([told[0x20], told[0x09]], [white, white], "K28 white space does not")
            tap.equal({r for b, r in told.items() if b not in (0x20, 0x09)}, {"permerror dkim-syntax"}, "K28 all else is malformed")
            tap.equal({b for b, passed in raw.items() if passed}, plain, "K28 the same in a file")
        results = {}
        for byte in range(256):
            coded = message([(b"X-Other%%%02X" % byte, b" y"), over] + FIELDS, BODY)
            results[byte] = " ".join(probe(coded, "names=1").signatures[0][:2])
        tap.equal(set(results.values()), {"pass -"}, "K28 a field that is not covered is no matter, %s" % form)
        for name in (b"%09Subject", b"%20Subject", b"%01Subject", b"Sub%00ject", b"Subject%C2%A0", b"Sub%09ject", b"Subject%0D",
                     b"Subject%20%0B", b"Subject%3A"):
            outcome = probe(message([(name, b" Pay!"), over] + FIELDS, BODY), "names=1")
            tap.equal(outcome.signatures[0][:2], ["permerror", "dkim-syntax"], "K28 %s, %s" % (name.decode(), form))
        for white in (b" ", b"\t", b" \t "):
            fields = [field for field in FIELDS if field[0] != b"Subject"] + [(b"Subject" + white, b" Hello")]
            data = message([sign(fields, BODY, RSA, c=form)] + fields, BODY)
            expect(tap, probe, "K28 signed with %r before the colon, %s" % (white, form), data, "pass -")
            data = data.replace(b"Subject" + white + b":", b"Subject:")
            expect(tap, probe, "K28 and without it", data, "pass -" if form.startswith("relaxed") else "fail dkim-fail")
        for text in (b"Subject\r\n : Pay!\r\n", b"Subject\r\n\t: Pay!\r\n", b"Subject \r\n: Pay!\r\n", b"Subject : \r\n \r\n Pay!\r\n"):
            outcome = probe(over[0] + b":" + over[1] + b"\r\n" + text + message(FIELDS, BODY))
            tap.ok(not outcome.signatures or outcome.signatures[0][0] != "pass", "K28 %r, %s" % (text, form), outcome=outcome)
    tap.equal(probe.end(), 0, "the end")


def keys(tap, server, scratch):
    probe = Probe(scratch, server)
    count = iter(range(1000))

    def key(name, *records, result, sign_with=RSA, **tags):
        selector = "k%d" % next(count)
        publish(server, selector, *records)
        return expect(tap, probe, name, signed(key=sign_with, s=selector, **tags), result)

    key("K10 revoked", "v=DKIM1; p=", result="permerror dkim-key")
    key("K10 no p=", "v=DKIM1; k=rsa", result="permerror dkim-key")
    key("K10 garbage", "v=DKIM1; p=AAAA", result="permerror dkim-key")
    key("K10 not base64", "v=DKIM1; p=%s!" % RSA.public, result="permerror dkim-key")
    key("K10 another k=", "v=DKIM1; k=ed25519; p=" + RSA.public, result="permerror dkim-key")
    key("K10 k=RSA", "v=DKIM1; k=RSA; p=" + RSA.public, result="permerror dkim-key")
    key("K10 s=other", "v=DKIM1; s=other; p=" + RSA.public, result="permerror dkim-key")
    key("K10 h=sha1", "v=DKIM1; h=sha1; p=" + RSA.public, result="permerror dkim-key")
    key("K10 v=DKIM2", "v=DKIM2; p=" + RSA.public, result="permerror dkim-key")
    key("K10 v= is not the first", "p=%s; v=DKIM1" % RSA.public, result="permerror dkim-key")
    key("K10 p= twice", "v=DKIM1; p=%s; p=%s" % (OTHER.public, RSA.public), result="permerror dkim-key")
    key("K10 an SPF record", "v=spf1 -all", result="permerror dkim-key")
    server.add("nodata._domainkey.example.com", "A", "192.0.2.1")
    expect(tap, probe, "K10 NODATA", signed(s="nodata"), "permerror dkim-key")
    expect(tap, probe, "K10 no such name", signed(s="nothere"), "permerror dkim-key")
    key("no v=", "p=" + RSA.public, result="pass -")
    key("s=email, h= with sha256, n=, unknown tags", "v=DKIM1; h=sha1:sha256; s=foo:email; n=a b; g=*; p=" + RSA.public,
        result="pass -")
    key("white space in p=", "v=DKIM1; p=%s %s" % (RSA.public[:50], RSA.public[50:]), result="pass -")
    key("K11 t=y changes nothing", "v=DKIM1; t=y; p=" + RSA.public, result="pass -")
    key("K11 t=y excuses nothing", "v=DKIM1; t=y; p=" + OTHER.public, result="fail dkim-fail")
    key("K09 t=s", "v=DKIM1; t=s; p=" + RSA.public, result="pass -")
    key("K09 t=s, i= of d= itself", "v=DKIM1; t=s; p=" + RSA.public, i="joe@example.com", result="pass -")
    key("K09 t=s, i= below d=", "v=DKIM1; t=y:s; p=" + RSA.public, i="joe@mail.example.com", result="permerror dkim-key")
    for bits, result in ((512, "fail dkim-weak"), (1016, "fail dkim-weak"), (1024, "pass -"), (3072, "pass -"),
                         (4096, "pass -")):
        pair = Key.rsa(bits)
        outcome = key("K12 %d bits" % bits, pair.record, sign_with=pair, result=result)
        tap.ok("bits=%d" % bits in outcome.details[0], "... as told", outcome=outcome)
    key("K12 4096 bits in one long text", "v=DKIM1; n=%s; k=rsa; p=%s" % ("note " * 200, RSA.public), result="pass -")
    import base64

    def public(modulus, exponent):
        def element(tag, body):
            size = len(body)
            return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")) + body

        def integer(number):
            return element(2, number.to_bytes((number.bit_length() + 8) // 8, "big"))
        pair = element(0x30, integer(modulus) + integer(exponent))
        info = element(0x30, bytes.fromhex("06092a864886f70d0101010500")) + element(3, b"\0" + pair)
        return base64.b64encode(element(0x30, info)).decode()
    key("K13 16384 bits", "v=DKIM1; p=" + public((1 << 16383) + 1, 2 ** 32 + 1), result="permerror dkim-key")
    key("K13 a huge exponent", "v=DKIM1; p=" + public((1 << 2047) + 1, (1 << 2046) + 1), result="permerror dkim-key")
    key("K13 e=1", "v=DKIM1; p=" + public((1 << 2047) + 1, 1), result="permerror dkim-key")
    key("a modulus that is no product", "v=DKIM1; p=" + public((1 << 2047) + 1, 65537), result="fail dkim-fail")
    key("K22 two keys", RSA.record, OTHER.record, result="permerror dkim-key")
    key("K22 the same key twice", RSA.record, "k=rsa; p=" + RSA.public, result="pass -")
    key("K22 a key and something else", RSA.record, "v=spf1 -all", "hello", result="pass -")
    key("K22 an RSA and an Ed25519 key", RSA.record, ED.record, result="pass -")
    key("K22 60 KB of TXT", "v=DKIM1; n=%s; p=%s" % ("x" * 60000, RSA.public), result="permerror dkim-key")
    key("K22 60 KB beside the key", RSA.record, "x" * 60000, result="pass -")
    tap.equal(probe.end(), 0, "the end")


def chains(tap, server, scratch):
    zones = '["*.custdkim.salesforce.com"]'
    probe = Probe(scratch, server, key_zones=zones)
    publish(server, "direct", RSA.record)
    expect(tap, probe, "a key that is not where it should be", signed(s="direct"), "pass -", dkim="fail dkim-zone")
    server.add("alias._domainkey.example.com", "CNAME", "alias.abc123.custdkim.salesforce.com.")
    server.add("alias.abc123.custdkim.salesforce.com", "TXT", strings(RSA.record))
    outcome = expect(tap, probe, "K21 held by Salesforce", signed(s="alias"), "pass -", dkim="pass -")
    tap.ok("via=alias.abc123.custdkim.salesforce.com" in outcome.details[0], "the name is told", outcome=outcome)
    server.add("evil._domainkey.example.com", "CNAME", "alias.evilcustdkim.salesforce.com.example.net.")
    server.add("alias.evilcustdkim.salesforce.com.example.net", "TXT", strings(RSA.record))
    expect(tap, probe, "a look-alike", signed(s="evil"), "pass -", dkim="fail dkim-zone")
    names = ["c%d.example.net" % n for n in range(8)]
    server.add("long._domainkey.example.com", "CNAME", names[0] + ".")
    for name, following in zip(names, names[1:]):
        server.add(name, "CNAME", following + ".")
    server.add(names[-1], "TXT", strings(RSA.record))
    expect(tap, probe, "K21 a chain of eight", signed(s="long"), "pass -")
    server.add("loop._domainkey.example.com", "CNAME", "loop2.example.com.")
    server.add("loop2.example.com", "CNAME", "loop._domainkey.example.com.")
    expect(tap, probe, "K22 a loop", signed(s="loop"), "temperror dkim-temperror", dkim="temperror dkim-temperror")
    server.rules["cut._domainkey.example.com"] = "truncate"
    publish(server, "cut", RSA.record)
    expect(tap, probe, "K22 over TCP", signed(s="cut"), "pass -")
    tap.equal(probe.end(), 0, "the end")


def trouble(tap, server, scratch):
    publish(server, "sel", RSA.record)
    publish(server, "sel", RSA.record, domain="example.net")
    publish(server, "fails", RSA.record)
    server.rules["fails._domainkey.example.com"] = "servfail"
    server.rules["fails._domainkey.example.net"] = "servfail"
    server.rules["silent._domainkey.example.net"] = "drop"
    probe = Probe(scratch, server)
    outcome = expect(tap, probe, "K19 SERVFAIL", signed(s="fails"), "temperror dkim-temperror",
                     dkim="temperror dkim-temperror")
    tap.equal(outcome.verdict["verdict"], "tempfail", "K19 is deferred")
    good, failing = sign(FIELDS, BODY, RSA), sign(FIELDS, BODY, RSA, s="fails")
    for order in ([good, failing], [failing, good]):
        outcome = probe(message(order + FIELDS, BODY))
        tap.equal((outcome.dkim, outcome.verdict["verdict"]), ("pass -", "accept"), "K19 beside one that passes",
                  outcome=outcome)
    foreign = sign(FIELDS, BODY, RSA, s="fails", d="example.net")
    outcome = probe(message([foreign] + FIELDS, BODY))
    tap.equal((outcome.dkim, outcome.verdict["verdict"]), ("fail dkim-unaligned", "reject"), "K20 unaligned only",
              outcome=outcome)
    silent = sign(FIELDS, BODY, RSA, s="silent", d="example.net")
    outcome = probe(message([silent, good] + FIELDS, BODY), "needed=1")
    tap.equal((outcome.dkim, outcome.verdict["verdict"]), ("pass -", "accept"), "nobody waits for an unaligned key",
              outcome=outcome)
    server.rules.pop("fails._domainkey.example.com")
    outcome = None
    for _ in range(200):
        outcome = probe(signed(s="fails"))
        if outcome.dkim == "pass -":
            break
        time.sleep(0.1)
    tap.equal(outcome.dkim, "pass -", "when the server is well again, so is the mail", outcome=outcome)
    tap.equal(probe.end(), 0, "the end")

    path = os.path.join(scratch, "anchor")
    with open(path, "w") as file:
        file.write(signed_zone(server, "signed.test", [("sel._domainkey.signed.test", "TXT", strings(RSA.record))]))
    ours = [(b"From", b" joe@signed.test")] + FIELDS[1:]
    probe = Probe(scratch, server, dns=", trust_anchor: %s" % path)
    expect(tap, probe, "DNSSEC: a genuine key", signed(fields=ours, d="signed.test"), "pass -")
    server.add("sel._domainkey.signed.test", "TXT", strings(OTHER.record))
    tap.equal(probe.command("reload"), [["reloaded"]], "a reload")
    outcome = expect(tap, probe, "DNSSEC: a forged key", signed(key=OTHER, fields=ours, d="signed.test"),
                     "temperror dkim-temperror")
    tap.equal(outcome.verdict["verdict"], "tempfail", "is deferred, not believed")
    tap.equal(probe.end(), 0, "the end")


def floods(tap, server, scratch):
    publish(server, "sel", RSA.record)
    probe = Probe(scratch, server)
    junk = [(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=d%d.example.net; s=s; h=from; bh=%s; b=AAAA"
             % (n, b"A" * 43 + b"=")) for n in range(1000)]
    good = sign(FIELDS, BODY, RSA)
    outcome = probe(message(junk[:100] + [good] + FIELDS, BODY))
    tap.equal(outcome.dkim, "pass -", "K18 a hundred of strangers, and one of ours", outcome=outcome)
    tap.ok(len(outcome.signatures) == 8, "at most so many are looked at", outcome=len(outcome.signatures))
    outcome = probe(message(junk + FIELDS, BODY))
    tap.equal(outcome.dkim, "fail dkim-unaligned", "K18 a thousand of strangers")
    tap.ok(int(outcome.verdict["dns_q"]) <= 24, "few questions", outcome=outcome.verdict)
    mine = [(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.com; s=s%d; h=from; bh=%s; b=AAAA" % (n, b"A" * 43 + b"="))
            for n in range(100)]
    outcome = probe(message(mine + FIELDS, BODY))
    tap.equal((outcome.dkim, outcome.verdict["dns_q"]), ("temperror dns-busy", "2"),
              "K18 a hundred in our name: two selectors that nobody knows are asked for", outcome=outcome)
    outcome = probe(message(mine[:2] + FIELDS, BODY))
    tap.equal(outcome.dkim, "permerror dkim-key", "K18 two that do not exist", outcome=outcome)
    outcome = probe(message(mine[:6] + [good] + FIELDS, BODY))
    tap.equal(outcome.dkim, "pass -", "K18 what is known needs no room", outcome=outcome)
    bad = [(b"DKIM-Signature", b" v=1; d=example.com; b=")] * 100
    outcome = probe(message(bad + [good] + FIELDS, BODY))
    tap.equal(outcome.dkim, "pass -", "malformed ones take no place", outcome=outcome)
    crash = FIELDS[:1] + [(b"Subject", b" x")]
    for count in range(8):
        fields = crash + [(b"X-%d" % n, b" y") for n in range(count)]
        names = ":".join([name.decode() for name, _ in fields] + ["dkim-signature", "to", "cc", "bcc"])
        outcome = probe(message([sign(fields, BODY, RSA, h=names)] + fields, BODY))
        tap.ok(outcome.signatures[0][0] == "fail", "more names in h= than fields, its own among them", outcome=outcome)
        names = ":".join([name.decode() for name, _ in fields] + ["to", "cc", "bcc"])
        expect(tap, probe, "more names in h= than fields", signed(fields=fields, h=names), "pass -")
    expect(tap, probe, "K18 5000 names in h=", signed(h="from:" + ":".join(["a"] * 5000)), "permerror dkim-syntax")
    expect(tap, probe, "K18 a long list of names", signed(h="from:" + "x" * 4500), "permerror dkim-syntax")
    large = FIELDS + [(b"X-Large", b" " + b"y" * 60000)]
    expect(tap, probe, "a field of 60 KB", signed(fields=large, h="from:x-large", c="relaxed/relaxed"), "pass -")
    mail = signed(c="relaxed/relaxed")
    tap.equal(probe(mail, "threads=32").dkim, "pass -", "thirty-two at once")
    inner = sign(FIELDS, BODY, RSA)
    outer = sign([inner] + FIELDS, BODY, RSA, h="from:dkim-signature")
    expect(tap, probe, "a signature that covers another", message([outer, inner] + FIELDS, BODY), "pass -", "pass -")
    for what, inner in (("cannot be verified", sign(FIELDS, BODY, RSA, a="rsa-sha1")),
                        ("cannot be read", (b"DKIM-Signature", b" v=1; d=example.com; b="))):
        outer = sign([inner] + FIELDS, BODY, RSA, h="from:dkim-signature")
        outcome = probe(message([outer, inner] + FIELDS, BODY))
        tap.equal(outcome.dkim, "pass -", "a signature that covers one that " + what, outcome=outcome)
        outcome = probe(message([outer, (inner[0], inner[1] + b" x")] + FIELDS, BODY))
        tap.equal(outcome.dkim, "fail dkim-fail", "and none when that was changed", outcome=outcome)
    tap.equal(probe.end(), 0, "the end")


def alignment(tap, server, scratch):
    publish(server, "sel", RSA.record)
    for domain in ("mail.example.com", "a.b.example.com"):
        publish(server, "sel", RSA.record, domain=domain)
    parent = [(b"From", b" joe@mail.example.com")] + FIELDS[1:]
    wanted = {"strict": ("pass -", "fail dkim-unaligned", "fail dkim-unaligned", "fail dkim-unaligned"),
              "parent": ("pass -", "pass -", "fail dkim-unaligned", "fail dkim-unaligned"),
              "relaxed": ("pass -", "pass -", "pass -", "pass -")}
    for how, results in wanted.items():
        probe = Probe(scratch, server, alignment=how)
        for (fields, domain), result in zip(((FIELDS, "example.com"), (parent, "example.com"), (FIELDS, "mail.example.com"),
                                             (parent, "a.b.example.com")), results):
            outcome = probe(signed(fields=fields, d=domain))
            tap.equal(outcome.dkim, result, "%s: d=%s for %s" % (how, domain, fields[0][1].decode()), outcome=outcome)
        probe.end()
    probe = Probe(scratch, server, required_headers="[from, subject, x-unknown]", selectors="[sel]", max_age="1d",
                  min_rsa_bits="3072", algorithms="[ed25519-sha256]")
    outcome = probe(signed())
    tap.equal(outcome.dkim, "fail dkim-algorithm", "an algorithm that is not wanted", outcome=outcome)
    probe.end()
    probe = Probe(scratch, server, required_headers="[from, subject]", selectors="[sel]", max_age="1d")
    tap.equal(probe(signed(h="from:to")).dkim, "fail dkim-headers", "a field that must be signed")
    second = [(b"Subject", b" Pay!")] + FIELDS
    tap.equal(probe(signed(fields=second, h="from:subject")).dkim, "fail dkim-headers", "X03 a second one that is not")
    tap.equal(probe(signed(fields=second, h="from:subject:subject")).dkim, "pass -", "X03 a second one that is")
    tap.equal(probe(signed(s="other")).dkim, "fail dkim-selector", "a selector that is not expected")
    tap.equal(probe(signed(t=str(NOW - 90000))).dkim, "fail dkim-age", "too old")
    tap.equal(probe(signed(t=str(NOW - 8000))).dkim, "pass -", "old enough")
    probe.end()
    probe = Probe(scratch, server, required_headers="[from, x-other]")
    other = FIELDS + [(b"X-Other", b" y")]
    tap.equal(probe(signed()).dkim, "pass -", "a field that must be signed and is not there")
    tap.equal(probe(signed(fields=other)).dkim, "fail dkim-headers", "a field that must be signed and is there")
    tap.equal(probe(signed(fields=other, h="from:x-other")).dkim, "pass -", "and is signed")
    twice = [(b"X-OTHER", b" z")] + other
    tap.equal(probe(signed(fields=twice, h="from:x-other")).dkim, "fail dkim-headers", "X03 a second one that is not")
    tap.equal(probe(signed(fields=twice, h="from:x-other:x-other")).dkim, "pass -", "X03 a second one that is")
    probe.end()
    probe = Probe(scratch, server, min_rsa_bits="3072")
    tap.equal(probe(signed()).dkim, "fail dkim-weak", "a key that is too short for this organization")
    probe.end()


def dkimpy(tap, server, scratch):
    """Another signer's signatures."""
    import dkim
    publish(server, "sel", RSA.record)
    probe = Probe(scratch, server)
    from cryptography.hazmat.primitives import serialization
    pem = RSA.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL,
                                    serialization.NoEncryption())
    data = message(FIELDS, BODY)
    for form in ((b"simple", b"simple"), (b"relaxed", b"relaxed"), (b"relaxed", b"simple"), (b"simple", b"relaxed")):
        field = dkim.sign(data, b"sel", b"example.com", pem, canonicalize=form)
        expect(tap, probe, "dkimpy %s/%s" % (form[0].decode(), form[1].decode()), field + data, "pass -")
    tap.equal(probe.end(), 0, "the end")


def nsd(tap, server, scratch):
    """Keys from a name server that others wrote."""
    import shutil
    import socket
    if not shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin:/bin"):
        tap.ok(True, "nsd is not installed # SKIP")
        return
    program = shutil.which("nsd", path="/usr/sbin:/usr/bin:/sbin:/bin")
    port = server.port
    server.stop()
    key = Key.rsa(4096)
    with open(os.path.join(scratch, "zone"), "w") as file:
        file.write("$ORIGIN example.com.\n$TTL 60\n@ IN SOA ns hostmaster 1 3600 600 86400 60\n@ IN NS ns\nns IN A 127.0.0.1\n")
        file.write("sel._domainkey IN TXT ( %s )\n" % strings(key.record))
        for selector, record in RFC8463_KEYS:
            file.write("%s._domainkey.football IN TXT ( %s )\n" % (selector, strings(record)))
    config = os.path.join(scratch, "nsd.conf")
    with open(config, "w") as file:
        file.write('server:\n ip-address: 127.0.0.1@%d\n username: ""\n chroot: ""\n zonesdir: "%s"\n database: ""\n'
                   ' pidfile: ""\n xfrdfile: ""\n zonelistfile: "%s/zones.list"\n cookie-secret-file: ""\n'
                   'remote-control:\n control-enable: no\nzone:\n name: example.com\n zonefile: zone\n'
                   % (port, scratch, scratch))
    process = subprocess.Popen([program, "-d", "-c", config], stderr=subprocess.PIPE, text=True)
    try:
        up = False
        for _ in range(200):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    up = True
                    break
            time.sleep(0.05)
        tap.ok(up, "nsd runs")
        probe = Probe(scratch, server)
        expect(tap, probe, "nsd: RFC 8463", RFC8463, "pass -", "pass -", dkim="pass -")
        expect(tap, probe, "nsd: 4096 bits in several strings", signed(key=key), "pass -", dkim="pass -")
        expect(tap, probe, "nsd: no such key", signed(s="other"), "permerror dkim-key", dkim="permerror dkim-key")
        tap.equal(probe.end(), 0, "the end")
    finally:
        process.terminate()
        process.wait()


with Tap(needs_root=False) as test:
    for group in (rfc, canonical, refusals, dates, internationalized, names, keys, chains, trouble, floods, alignment, dkimpy, nsd):
        fresh = DnsServer().start()
        with tempfile.TemporaryDirectory() as folder:
            test.case(group, fresh, folder)
        fresh.stop()
