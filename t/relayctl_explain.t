#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl explain: lines of Salesforce's Email Log, of mail servers, and of this milter as it really answers."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import CONFIG, MESSAGE, main  # noqa: E402

# (text, source, words of the meaning, words of where to look, command, retry)
LINES = [
    ("451 4.7.5 [internal] remote node SSL certificate not signed by a valid CA", "salesforce", "intermediate certificate is missing", "reload", "check-relay", "soft"),
    ("451 4.7.6 [internal] STARTTLS required but not advertised", "salesforce", "does not offer STARTTLS", "smtpd_tls_security_level", "check-relay", "soft"),
    ("451 4.7.5 [internal] no tls go-ahead", "salesforce", "refused it", "own log", "check-relay", "soft"),
    ("451 4.7.5 [internal] TLS negotiation failed", "salesforce", "handshake failed", "smtpd_tls_mandatory_protocols", "check-relay", "soft"),
    ("451 4.7.5 [internal] SSL cert common name does not match host", "salesforce", "does not name the host", "subjectAltName", "check-relay", "soft"),
    ("550 5.4.4 [internal] NULL MX domain does not accept mail", "salesforce", "takes no mail", "Host in", "check-relay", "hard"),
    ("450 4.4.1 [internal] Connection Timed Out", "salesforce", "nothing answered", "firewall", "check-relay", "soft"),
    ("554 5.4.7 [internal] exceeded max time without delivery", "salesforce", "24 hours", "each attempt", "check-relay", "hard"),
    ("535 5.7.8 Error: authentication failed: generic failure", "relay", "password", "SASL", "", "hard"),
    ("552 5.3.4 Message size exceeds fixed limit", "relay", "larger than the relay takes", "message_size_limit", "check-relay", "hard"),
    ("530 5.7.0 Must issue a STARTTLS command first", "relay", "over TLS only", "TLS Setting", "check-relay", "hard"),
    ("451 4.7.1 Service unavailable - try again later", "relay", "milter could not be reached", "sfdc-milter", "check-config", "soft"),
    ("450 4.9.9 [10.0.0.1] 4.4.2 weird", None, "", "", "", "soft"),
    ("550 5.7.26 this mail is not wanted", "status", "neither SPF nor DKIM", "log of the server", "check-domain", "hard"),
]


def words(tap, bench):
    for text, source, meaning, look, command, retry in LINES:
        result = bench.run("explain", "--json", text)
        one = result.objects()[0]
        tap.equal((one["input"], one["known"], one["retry"], result.code), (text, source is not None, retry, 0 if source else 1), text)
        for row in one["explanations"]:
            tap.equal(row["source"], source, text + ": who says it")
            tap.ok(meaning in row["meaning"] and look in row["look"] and command in row["command"], text + ": explained", got=row)
        plain = bench.run("explain", text)
        flat = " ".join((plain.out + plain.err).split())
        tap.ok(("soft bounce: Salesforce tries again for 24 hours" in flat) == (retry == "soft"), text + ": what Salesforce does then", out=flat)
        tap.ok(meaning in flat and look in flat, text + ": as text", out=plain.out)
    example = bench.run("explain", LINES[0][0]).out
    tap.ok(all(len(line) <= 80 for line in example.splitlines()), "at most 80 columns", out=example)


def commands(tap, bench):
    """Every command that is named is one of this program."""
    known = re.findall(r"^  ([a-z][a-z-]+) ", bench.run("help").out, re.MULTILINE)
    with open(os.path.join(os.environ.get("SRCDIR", "."), "milter", "cmd", "salesforce_words.c"), encoding="utf-8") as file:
        named = set(re.findall(r"sfdc-relayctl ([a-z-]+)", file.read()))
    tap.ok(named and named <= set(known), "only commands that there are", named=named, known=known)


def replies(tap, bench):
    """What the milter answers, as check-message shows it, is explained reason by reason."""
    bench.file("message.eml", MESSAGE)
    seen = set()
    for sentence, session in (("tls and org", []), ("org and cert", ["--tls-version", "1.3", "--cipher-bits", "256"]), ("auth or cert", []), ("ip", ["--client-ip", "192.0.2.1"])):
        bench.file("config.yaml", CONFIG % sentence)
        judged = bench.run("check-message", "-c", "config.yaml", "--json", *session, "message.eml").objects()[0]
        reply = "%(code)s %(enhanced)s %(text)s" % judged["reply"]
        one = bench.run("explain", "--json", reply).objects()[0]
        reasons = [row["line"] for row in one["explanations"]]
        tap.equal(reasons, [judged["checks"][check]["reason"] for check in judged["why"]], "%s: every reason" % sentence, reply=reply)
        tap.ok(all(row["source"] == "milter" and "check-message" in row["look"] for row in one["explanations"]), "%s: ours, with the session's log line" % sentence,
               got=one)
        seen.update(reasons)
    tap.ok(len(seen) >= 3, "several reasons", seen=seen)


def table(tap, bench):
    """Every reason there is, as Salesforce's Email Log has the reply: behind a code of its own, quoted, folded, cut."""
    with open(os.path.join(os.environ.get("SRCDIR", "."), "include", "core", "reason.h"), encoding="utf-8") as file:
        rows = re.findall(r'X\(REASON_\w+, "([^"]+)", "(\d+)", "([^"]*)",[ \\\n\t]*"([^"]*)"\)', file.read())
    tap.ok(len(rows) > 80, "the table is read", count=len(rows))
    for reason, code, enhanced, sentence in rows:
        words = ("554 5.0.0 %s %s %s: %s (id 1f3a5c7e9b2d4f60)" % (code, enhanced, reason, sentence)).split()
        text = '"' + " ".join(words[:5]) + "\n    " + " ".join(words[5:])[:-9]
        result = bench.run("explain", "--json", text)
        one = result.objects()[0]
        tap.equal(([(row["source"], row["line"], row["meaning"]) for row in one["explanations"]], one["retry"], result.code),
                  ([("milter", reason, sentence)], "hard", 0), reason + " is explained", told=one)
        row = one["explanations"][0]
        tap.ok(row["look"] and "check-message" in row["command"] and "sfdc-relayctl" in row["command"], reason + ": where to look, and which tool shows it", told=row)


def wrong(tap, bench):
    for arguments in ([], [""], ["  "], ["451", "4.7.5"], ["--no-such", "x"]):
        result = bench.run("explain", *arguments)
        tap.equal((result.code, result.out), (64, ""), "%r is wrong usage" % arguments, err=result.err)
    for text in ("\x1b[31mred", "\udcff\udcfe", "x" * 100000, "550 5.7.1 org-unknown: x (id \x1b]0;t\x07)", "%s%n"):
        for json in ([], ["--json"]):
            result = bench.run("explain", *json, text)
            tap.ok(result.code in (0, 1) and all(c == "\n" or 32 <= ord(c) < 127 for c in result.out + result.err) or (json and result.objects()),
                   "%r: printable" % text[:20], out=result.out[:300], err=result.err[:300])


main(words, commands, replies, table, wrong)
