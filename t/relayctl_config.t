#!/usr/bin/python3
"""sfdc-relayctl check-config: good, bad and weak configurations, the proof, the MTA's side."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import CONFIG, OTHER, main  # noqa: E402

DEFAULT = "tls and message and org and from and envelope and verp and dkim and (cert or auth or ip)"

BAD = [
    ("no such key", "mode: enforce\nscoop: all\norgs: {00D8d000003TRx3EAG: {domains: [example.com]}}\n", r":2:1: "),
    ("wrong checksum", "orgs: {00D8d000003TRx3EAH: {domains: [example.com]}}\n", r":1:8: "),
    ("unknown check", CONFIG % "tls and form", r"\.yaml:10:\d+: "),
    ("a sentence that does not end", CONFIG % "tls and (from", r"\.yaml:10:\d+: "),
    ("no organisation", "mode: enforce\n", r"bad.yaml"),
    ("no YAML", "mode: [enforce\n", r":\d+:\d+: "),
    ("empty", "", r"bad.yaml"),
    ("octal-looking address", CONFIG.replace("13.110.0.0/16", "013.110.0.0/16") % "ip", r":12:\d+: "),
    ("two mistakes", "mode: perhaps\nscope: none\norgs: {00D8d000003TRx3EAG: {domains: [example.com]}}\n",
     r"(?s):1:7: .*:2:8: "),
]


def good(tap, bench):
    bench.file("good.yaml", CONFIG % DEFAULT)
    result = bench.run("check-config", "-c", "good.yaml")
    tap.equal((result.code, result.err), (0, ""), "a good configuration: exit 0, nothing to complain about")
    for text in ("good.yaml: good", "00D8d000003TRx3EAG  production  example.com", "enforce", DEFAULT,
                 "3 minimal sets of checks, each proves the customer",
                 "customer    tls and message and org and from and envelope and dkim and auth"):
        tap.contains(result.out, text, "it shows " + text)
    tap.ok("\x1b" not in result.out, "no colours where there is no terminal")
    bench.file("open.yaml", "undecided: accept\nexempt_clients: [192.0.2.0/25]\nmonitor_floor: tls\n" + CONFIG % DEFAULT)
    result = bench.run("check-config", "-c", "open.yaml")
    for text in ("undecided          accept", "exempt_clients     1 network, never judged", "monitor_floor      tls"):
        tap.contains(result.out, text, "it shows " + text)


def bad(tap, bench):
    for name, text, pattern in BAD:
        bench.file("bad.yaml", text)
        result = bench.run("check-config", "-c", "bad.yaml")
        tap.equal((result.code, result.out), (78, ""), name + ": exit 78, nothing on standard output", err=result.err)
        tap.ok(re.search(pattern, result.err), name + ": the place is named", err=result.err)
        result = bench.run("check-message", "-c", "bad.yaml", "-")
        tap.equal((result.code, result.out), (78, ""), name + ": check-message refuses it too")
    bench.file("records", "a.test. 60 IN A 192.0.2.1\nno record\n")
    bench.file("bad.yaml", "dns: {local_data: records}\norgs: {00D8d000003TRx3EAG: {domains: [example.com]}}\n")
    for command in (("check-config",), ("check-message", "-")):
        result = bench.run(command[0], "-c", "bad.yaml", *command[1:])
        tap.ok(result.code == 78 and re.search(r"records:2: ", result.err), "%s: records that are none: exit 78" % command[0],
               err=result.err)
    for path in ("missing.yaml", "."):
        result = bench.run("check-config", "-c", path)
        tap.equal(result.code, 78, "%s cannot be read: exit 78" % path)
        tap.ok(result.err, "%s: it is said why" % path)


def weak(tap, bench):
    for sentence, mark, why in [
            ("ip", "mail is accepted on ip alone", "every Salesforce customer shares these addresses"),
            ("cert and from", "mail is accepted on cert and from alone", "certificate"),
            ("org", "mail is accepted on org alone", "anyone can write"),
            ('""', "mail is accepted on nothing alone", "")]:
        bench.file("weak.yaml", CONFIG % sentence)
        result = bench.run("check-config", "-c", "weak.yaml")
        tap.equal(result.code, 0, sentence + ": a weak policy is no error")
        tap.contains(result.out, "WEAK", sentence + ": it is marked")
        tap.contains(result.out, mark, sentence + ": the set is named")
        tap.contains(result.out, why, sentence + ": the reason is given")
        tap.contains(result.err, "warning: weak.yaml:", sentence + ": and it is a warning")
    bench.file("replay.yaml", CONFIG % "from and dkim")
    tap.contains(bench.run("check-config", "-c", "replay.yaml").out, "replayable  from and dkim", "DKIM alone is replayable")
    checks = "tls, cert, message, org, from, envelope, dkim, auth, ip, spf"
    bench.file("many.yaml", CONFIG % ("5 of (%s)" % checks))
    result = bench.run("check-config", "-c", "many.yaml")
    tap.contains(result.out, "252 minimal sets of checks", "all minimal sets are counted")
    tap.equal(len(re.findall(r"^    (?:WEAK|customer|replayable) ", result.out, re.M)), 10, "ten are shown")
    tap.contains(result.out, "and 242 more", "the rest is counted")


def groups(tap, bench):
    config = CONFIG % DEFAULT + "".join(
        "  %s:\n    name: %s\n    domains: [%s]\n    auth: {users: [%s]}\n%s" % entry for entry in [
            (OTHER, "alike", "example.org", "alike@relay.example.com", ""),
            ("00D30000001FFZnEAO", "other", "example.net", "other@relay.example.com", "    reject_unless: from and auth\n")])
    bench.file("groups.yaml", config)
    out = bench.run("check-config", "-c", "groups.yaml").out
    tap.equal(out.count("reject_unless"), 2, "organisations that are judged alike share one block", out=out)
    tap.ok(out.index("alike") < out.index("reject_unless") < out.index("other"), "each stands in its own", out=out)


def mta(tap, bench):
    for socket, postfix, sendmail in [
            ("unix:/run/sfdc-milter/x.sock", "smtpd_milters=unix:/run/sfdc-milter/x.sock", "S=local:/run/sfdc-milter/x.sock"),
            ("inet:8891@127.0.0.1", "smtpd_milters=inet:127.0.0.1:8891", "S=inet:8891@127.0.0.1"),
            ("inet6:8891@::1", "smtpd_milters=inet:[::1]:8891", "S=inet6:8891@::1")]:
        bench.file("mta.yaml", 'socket: "%s"\n' % socket + CONFIG % DEFAULT)
        result = bench.run("check-config", "-c", "mta.yaml", "--mta", "postfix")
        tap.equal(result.code, 0, socket + ": postfix", err=result.err)
        for text in (postfix, "milter_default_action=tempfail", "smtpd_tls_ask_ccert=yes", "smtpd_forbid_bare_newline=yes",
                     "message_reject_characters = \\0"):
            tap.contains(result.out, text, "postfix: " + text)
        result = bench.run("check-config", "-c", "mta.yaml", "--mta", "sendmail")
        tap.equal(result.code, 0, socket + ": sendmail")
        for text in (sendmail, "F=T", "confMAX_HEADERS_LENGTH", "InputMailFilters=sfdc"):
            tap.contains(result.out, text, "sendmail: " + text)


main(good, bad, weak, groups, mta)
