#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message --from-log: a message judged again with the session of the daemon's own line of it."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab.message import message  # noqa: E402
from lab.process import read, wait_for  # noqa: E402
from lab.tap import Tap  # noqa: E402
from lab.wire import AUTH, CERTIFICATE, CLIENT_NAME, SESSION, TLS, Letter, Wire  # noqa: E402
from milter.daemon import Daemon, org  # noqa: E402
from relayctl import PROGRAM, Result  # noqa: E402

CHECKS = ("tls", "cert", "message", "org", "from", "envelope", "verp", "auth", "ip")
SENTENCE = "tls and cert and message and org and from and envelope and verp and auth and ip"
ORGS = org(mode="monitor", reject_unless=SENTENCE, cert={"names": ["*.mta.salesforce.com"], "issuers": ["Test Root CA", "/CN=Test Root CA"]},
           auth={"users": ["sfuser@relay.test", "a b+c\\d\"e"], "mechanisms": ["PLAIN"]})
WHOLE = {**SESSION, **TLS, **CERTIFICATE, **AUTH}
SENDMAIL = {"v": "8.17.1", "j": "relay.test", "{client_addr}": SESSION["{client_addr}"], "{client_name}": CLIENT_NAME, "{client_resolve}": "OK", **TLS,
            "{cert_subject}": "/C=US/CN=" + CLIENT_NAME, "{cn_subject}": CLIENT_NAME, "{cert_issuer}": "/CN=Test Root CA", "{verify}": "OK", **AUTH}


def without(macros, *names):
    return {name: value for name, value in macros.items() if name not in names}


# (what, macros, letter, flags, words of the warning)
SESSIONS = [
    ("all of it", WHOLE, {}, [], None),
    ("in clear", without(WHOLE, *TLS), {}, [], None),
    ("TLS 1.1 and weak", {**WHOLE, "{tls_version}": "TLSv1.1", "{cipher_bits}": "56"}, {}, [], None),
    ("no certificate", without(WHOLE, *CERTIFICATE), {}, [], None),
    ("a certificate that is not verified", without(WHOLE, "{cert_issuer}"), {}, [], None),
    ("another name", {**WHOLE, "{cert_subject}": "mail.evil.example"}, {}, [], None),
    ("another issuer", {**WHOLE, "{cert_issuer}": "Another CA"}, {}, [], None),
    ("a name with control characters", {**WHOLE, "{cert_subject}": "a\x1b\"\\\xe4"}, {}, [], None),
    ("an issuer without a name", {**WHOLE, "{cert_issuer}": ""}, {}, [], None),
    ("no AUTH", without(WHOLE, *AUTH), {}, [], None),
    ("another user", {**WHOLE, "{auth_authen}": "joe"}, {}, [], None),
    ("another address", {**WHOLE, "{client_addr}": "198.51.100.7"}, {"address": "198.51.100.7"}, [], None),
    ("IPv6", {**WHOLE, "{client_addr}": "2001:db8::1"}, {"address": "2001:db8::1"}, [], None),
    ("the null sender", WHOLE, {"sender": ""}, [], None),
    ("another's sender", WHOLE, {"sender": "x@evil.example"}, [], None),
    ("a bounce address", WHOLE, {"sender": "info=example.com__0-1r12zvjmnf8rqu@xqfk2ane5qjq38ec.gpawymg.8d-3trx3eag.um8.bnc.salesforce.com"}, [], None),
    ("three recipients", WHOLE, {"recipients": ("a@dest.test", "b@dest.test", "c@dest.test")}, [], None),
    ("Sendmail", SENDMAIL, {}, ["--mta", "sendmail"], None),
    ("Sendmail, not verified", {**SENDMAIL, "{verify}": "FAIL"}, {}, ["--mta", "sendmail"], None),
    ("Sendmail, taken for Postfix, not verified", {**SENDMAIL, "{verify}": "FAIL"}, {}, [], None),
    ("Sendmail, another name", {**SENDMAIL, "{cn_subject}": "a+2Bb+20c"}, {}, ["--mta", "sendmail"], None),
    ("Sendmail, no certificate", without(SENDMAIL, "{cert_subject}", "{cn_subject}", "{cert_issuer}", "{verify}"), {}, ["--mta", "sendmail"], None),
    ("a sender that is cut", WHOLE, {"sender": "x" * 300 + "@example.com"}, [], "the line holds only the first 256 bytes of from"),
    ("a mechanism that is not accepted", {**WHOLE, "{auth_type}": "LOGIN"}, {}, ["--auth-type", "LOGIN"], "the mechanism of AUTH, which the line does not tell"),
    ("AUTH by XCLIENT", {**WHOLE, "{auth_type}": "XCLIENT"}, {}, ["--auth-type", "XCLIENT"], "the mechanism of AUTH, which the line does not tell"),
]


def run(daemon, line, content, *flags):
    path = os.path.join(daemon.root, "message.eml")
    with open(path, "w", encoding="latin-1", newline="") as out:
        out.write(content)
    return Result(subprocess.run([PROGRAM, "check-message", "-c", daemon.file, "--json", "--from-log", line, *flags, path], stdin=subprocess.DEVNULL,
                                 capture_output=True, timeout=60, check=False))


def deliver(daemon, macros, letter):
    """The line that the daemon wrote of it, and the message."""
    letter = dict(letter)
    address = letter.pop("address", SESSION["{client_addr}"])
    content = message(sender=None)
    before = len(daemon.messages())
    with Wire(daemon.path) as wire:
        wire.open(address=address)
        wire.deliver(Letter(content, macros=macros, **letter))
    wait_for(lambda: len(daemon.messages()) > before or lines(daemon)[before:], "the line")
    return lines(daemon)[-1], content


def lines(daemon):
    return [line for line in read(daemon.output).splitlines() if "ev=verdict" in line or '"ev":"verdict"' in line]


def told(line):
    """The results of the checks that the line tells, whatever its form."""
    if line.startswith("{"):
        values = json.loads(line)
    else:
        values = dict(word.split("=", 1) for word in line.split() if word.startswith("r_"))
    return {check: values.get("r_" + check) for check in CHECKS}


def again(tap):
    """The same results, from the line alone."""
    for form in ("logfmt", "json"):
        with Daemon(log={"target": "stderr", "format": form}, orgs=ORGS).start() as daemon:
            for what, macros, letter, flags, warning in SESSIONS:
                line, content = deliver(daemon, macros, letter)
                result = run(daemon, line, content, *flags, *([] if "--auth-type" in flags or "{auth_type}" not in macros else ["--auth-type", "PLAIN"]))
                item = result.objects()[0]
                got = {check: item["checks"][check]["result"] for check in CHECKS}
                wanted = told(line)
                if "is cut" in what:
                    tap.equal((got["envelope"], item["checks"]["envelope"]["reason"]), ("none", "envelope-unknown"), "%s: %s: what was cut is not known" % (form, what))
                    wanted["envelope"] = got["envelope"]
                tap.equal(got, wanted, "%s: %s: the same results" % (form, what), line=line, err=result.err)
                tap.ok(warning in result.err if warning else result.err == "", "%s: %s: warnings" % (form, what), err=result.err)


def forms(tap):
    """As it is, and as others hand it on."""
    with Daemon(orgs=ORGS).start() as daemon:
        line, content = deliver(daemon, without(WHOLE, *AUTH), {})
        bare = run(daemon, line, content).objects()[0]
        tap.equal((bare["checks"]["cert"]["result"], bare["checks"]["auth"]["result"]), ("pass", "none"), "as it is")
        journal = json.dumps({"SYSLOG_IDENTIFIER": "sfdc-milter", "MESSAGE": line, "__REALTIME_TIMESTAMP": "1764151200000000"})
        for what, text in (("syslog", "Nov 28 10:00:00 relay sfdc-milter[123]: " + line), ("RFC 5424", "<22>1 2026-11-28T10:00:00Z relay sfdc-milter 123 - - " + line),
                           ("ISO time", "2026-11-28T10:00:00.123456+00:00 relay sfdc-milter[123]: " + line), ("the journal as JSON", journal), ("white space around", " " + line + "\n"),
                           ("a container engine", json.dumps({"log": line + "\n", "time": "2026-11-28T10:00:00Z"}))):
            result = run(daemon, text, content)
            tap.ok(result.code == 1 and result.objects()[0] == bare, what + ": the same", err=result.err, out=result.out[:500])
        result = run(daemon, line + " k_e=1 zz9=\"a b\"", content)
        tap.equal(result.err, "sfdc-relayctl: warning: --from-log: keys that are not known here, and were passed over: k_e, zz9\n", "unknown keys are named")
        result = run(daemon, line + "".join(" k%d=1" % i for i in range(10)), content)
        tap.contains(result.err, "k7, and 2 more", "and counted")
        other = run(daemon, line, content, "--client-ip", "198.51.100.7", "--cert-subject", "x.example").objects()[0]["checks"]
        tap.equal((other["ip"]["result"], other["cert"]["result"]), ("fail", "fail"), "options override the line")
        for what, text, why in (("nothing", "", "no line of the log"), ("another program's", "Nov 28 10:00:00 relay postfix/smtpd[1]: " + line, "no line of the log"),
                                ("a line that is cut within a value", line[:line.index("\"Test Root") + 6], "not as sfdc-milter writes"), ("text behind it", line + " and more", "not as sfdc-milter writes"),
                                ("the start of the daemon", "ev=start v=1 version=0.1.0", "no session in it"), ("a key twice", line + " helo=x", "not as sfdc-milter writes"),
                                ("escapes", "ev=\x1b[31m", "--from-log"), ("bad JSON", '{"ev":"verdict"', "not as sfdc-milter writes"), ("1 MB", "x" * 100000, "no line of the log")):
            result = run(daemon, text, content)
            tap.equal((result.code, result.out), (65, ""), what + ": exit 65")
            tap.ok(result.err.startswith("sfdc-relayctl: --from-log: ") and why in result.err and "\x1b" not in result.err, what + ": why", err=result.err)
        result = run(daemon, line[:line.index(" tls=")], content)
        tap.equal(result.objects()[0]["checks"]["tls"]["reason"], "tls-absent", "what a line that is cut between two keys does not tell is not known")
        tap.contains(result.err, "the line ends before its last key", "said so")


def abort(tap):
    """A message that ended before its verdict has a session, too."""
    with Daemon(orgs=ORGS).start() as daemon:
        with Wire(daemon.path) as wire:
            wire.open()
            letter = Letter(message(), macros=WHOLE)
            wire.walk(letter.mail() + letter.rcpt())
            wire.step(("A", b""))
        daemon.event("abort")
        line, = [text for text in read(daemon.output).splitlines() if "ev=abort" in text]
        result = run(daemon, line, message(), "--auth-type", "PLAIN")
        tap.equal({check: result.objects()[0]["checks"][check]["result"] for check in ("tls", "cert", "auth", "ip")}, dict.fromkeys(("tls", "cert", "auth", "ip"), "pass"),
                  "ev=abort", err=result.err)


with Tap(needs_root=False) as points:
    for test in (again, forms, abort):
        points.case(test)
