#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message --explain: what libspf2 says beside our SPF results, in words and as JSON. The records
come from a file; no name server answers."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import MESSAGE, main  # noqa: E402

CONFIG = """\
dns: {nameservers: ["127.0.0.1@9"], local_data: "%s"}
message_timeout: 10
mode: enforce
authserv_id: relay.example.com
orgs:
  00D8d000003TRx3EAG:
    domains: [example.com]
    reject_unless: from
    ip: {networks: [], spf: [_spf.vouch.example, _zero.vouch.example]}
"""

# A string of a TXT record holds 255 bytes; strings are joined as they are.
MANY = '"v=spf1 "' + "".join(' "%s"' % "".join("ip4:10.0.%d.%d " % (i, k) for k in range(1, 17)) for i in range(4)) + ' "-all"'

RECORDS = "\n".join([
    'plain.example. 300 IN TXT "v=spf1 ip4:192.0.2.0/24 ~all"',
    "many.example. 300 IN TXT " + MANY,
    'none.example. 300 IN TXT "some text"',
    'broken.example. 300 IN TXT "v=spf1 what"',
    'nul.example. 300 IN TXT "v=spf1 -all\\000"',
    'crash.example. 300 IN TXT "v=spf1 -all exp=exp.crash.example"',
    'exp.crash.example. 300 IN TXT ' + " ".join('"%s"' % ("%{i}" * 60) for _ in range(2)) + ' "%{i}%{i}%{i}%{i}%{i}%{i}%{i}x"',
    'loop.example. 300 IN TXT "v=spf1 -all"',
    '_dmarc.example.com. 300 IN TXT "v=DMARC1; p=none"',
    '_dmarc.com. 300 IN TXT "none"',
    '_spf.vouch.example. 300 IN TXT "v=spf1 exists:%{i}.list.vouch.example -all"',
    "192.0.2.7.list.vouch.example. 300 IN A 127.0.0.2",
    '192.0.2.1.list.vouch.example. 300 IN TXT "none"',
    '192.0.2.9.list.vouch.example. 300 IN TXT "none"',
    '198.51.100.1.list.vouch.example. 300 IN TXT "none"',
    '127.0.0.1.list.vouch.example. 300 IN TXT "none"',
    '_zero.vouch.example. 300 IN TXT "v=spf1 ip4:0.0.0.0/0 -all"',
]) + "\n"

SAYS = "libspf2, as many receivers use it, says "
MANY_WHY = ('because it keeps only the beginning of a record with so many terms (63 of ip4, 25 of ip6) and drops the rest, '
            '"all" included')

# Sender's domain, client: our result, libspf2's, the reason, the status.
ROWS = [
    ("plain.example", "192.0.2.7", "pass", "pass", "", "given"),
    ("plain.example", "198.51.100.1", "softfail", "softfail", "", "given"),
    ("many.example", "192.0.2.9", "fail", "neutral", MANY_WHY, "given"),
    ("none.example", "192.0.2.9", "none", "none", "", "given"),
    ("broken.example", "192.0.2.9", "permerror", "", "it is only given records that are well-formed", "withheld"),
    ("nul.example", "192.0.2.9", "permerror", "", "a record holds a NUL byte, and it would only see what stands before",
     "withheld"),
    ("crash.example", "192.0.2.9", "fail", "fail", "", "given"),
    ("loop.example", "127.0.0.1", "fail", "pass", "because it always lets a loopback address pass", "given"),
]


def prepare(bench):
    bench.file("records", RECORDS)
    bench.file("c.yaml", CONFIG % os.path.join(bench.path, "records"))
    bench.file("m.eml", MESSAGE)


def check(bench, domain, client, *flags):
    return bench.run("check-message", "-c", "c.yaml", "--mail-from", "<joe@%s>" % domain, "--client-ip", client,
                     "--helo", "mta.example.net", *flags, "m.eml", environment={"COLUMNS": "1000"})


def sentence(theirs, because, status, same):
    if status == "withheld":
        return "there is no second opinion of libspf2: " + because
    return SAYS + ("the same" if same else "%s; differs %s" % (theirs, because))


def below(out, check_name):
    """The lines under a check's row of the explanation."""
    lines = out[out.rindex("    tls       "):].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("    " + check_name + " "))
    found = []
    for line in lines[start + 1:]:
        if not line.startswith(" " * 25):
            break
        found.append(line.strip())
    return found


def senders(tap, bench):
    prepare(bench)
    for domain, client, ours, theirs, because, status in ROWS:
        what = "%s from %s: %s" % (domain, client, ours)
        run = check(bench, domain, client, "--json", "--explain")
        item = run.objects()[0]["checks"]["spf"]
        same = theirs == ours
        want = {"name": domain, "status": status, "ours": ours, "result": theirs, "same": same, "because": because}
        tap.equal((item["rfc8601"], item.get("second_opinion")), (ours, want), what + ", as JSON", out=run.out, err=run.err)
        run = check(bench, domain, client, "--explain")
        tap.equal(below(run.out, "spf"), [sentence(theirs, because, status, same)], what + ", in words", out=run.out,
                  err=run.err)


def vouchers(tap, bench):
    run = check(bench, "plain.example", "192.0.2.7", "--json", "--explain")
    got = [(o["name"], o["ours"], o["result"], o["same"], o["because"])
           for o in run.objects()[0]["checks"]["ip"].get("second_opinions", [])]
    zero = "because it takes a prefix length of 0 for an error"
    tap.equal(got, [("_spf.vouch.example", "pass", "pass", True, ""),
                    ("_zero.vouch.example", "pass", "permerror", False, zero)], "each name of ip.spf, as JSON", out=run.out)
    run = check(bench, "plain.example", "192.0.2.7", "--explain")
    tap.equal(below(run.out, "ip"), ["_spf.vouch.example: " + SAYS + "the same",
                                     "_zero.vouch.example: " + SAYS + "permerror; differs " + zero],
              "each name of ip.spf, in words", out=run.out)


def nobody_asked(tap, bench):
    run = check(bench, "plain.example", "192.0.2.7", "--json")
    checks = run.objects()[0]["checks"]
    tap.equal([name for name, item in checks.items() if set(item) & {"second_opinion", "second_opinions"}], [],
              "without --explain libspf2 is not asked")
    run = bench.run("check-message", "-c", "c.yaml", "--json", "--explain", "m.eml")
    got = run.objects()[0]["checks"]["spf"]["second_opinion"]
    tap.equal((got["status"], got["because"]), ("withheld", "no client address"), "nothing to ask about", out=run.out)


main(senders, vouchers, nobody_asked)
