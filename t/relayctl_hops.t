#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message --trace-hops: the way that a message says it came, what of it is true, hostile fields."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import CONFIG, MESSAGE, main  # noqa: E402

SALESFORCE = """\
Received: from [10.253.137.82] ([10.253.137.82:44012] helo=na247-app1-27-ia6.ops.sfdc.net)
\tby mx2-ia6-sp4.mta.salesforce.com (envelope-from <info@example.com>)
\t(ecelerity 4.2.38.999 r(Core:release/4.2.38.x)) with ESMTPS (cipher=ECDHE-RSA-AES256-GCM-SHA384
\tsubject="/C=US/O=salesforce.com, inc./CN=na247-app1-27-ia6.ops.sfdc.net")
\tid 3B/28-12345; Wed, 01 Apr 2026 10:00:01 +0000
"""
POSTFIX = """\
Received: from smtp02-ia6-sp4.mta.salesforce.com (smtp02-ia6-sp4.mta.salesforce.com [13.110.242.177])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\t(Client CN "smtp02-ia6-sp4.mta.salesforce.com", Issuer "DigiCert" (verified OK))
\tby %s (Postfix) with ESMTPS id 4XyZ1
\tfor <joe@customer.example>; Wed,  1 Apr 2026 10:00:02 +0000 (UTC)
"""
EXCHANGE = "Received: from relay.example.com (10.0.0.5) by exch.internal.example (10.0.0.6) with Microsoft SMTP Server id 15.1; x\n"
FORGED = "Received: from bank.example (bank.example [192.0.2.1]) by relay.example.com (Postfix) with ESMTPS id 9; x\n"
OLD = "Received: from old.example (old.example [192.0.2.9])\n\t(using TLSv1 with cipher AES128-SHA (128/128 bits)) by x.example with ESMTPS; x\n"
TLS = "X-SFDC-TLS-NoRelay: 1\nX-SFDC-TLS-VERIFIED: yes\nX-SFDCTLS: 2\n"


def trace(bench, message, *flags):
    bench.file("config.yaml", CONFIG.replace("headers: {add_to: all}", "headers: {add_to: none}") % "from and org")
    bench.file("message.eml", message)
    return bench.run("check-message", "-c", "config.yaml", "--trace-hops", *flags, "message.eml")


def hops(bench, message):
    return trace(bench, message, "--json").objects()[0]["hops"]


def way(tap, bench):
    message = EXCHANGE + POSTFIX % "relay.example.com" + SALESFORCE + OLD + TLS + MESSAGE
    told = hops(bench, message)
    tap.equal((told["count"], told["own"], told["in_clear"]), (4, 2, 1), "how many, which is the relay's, how many in clear", told=told)
    tap.equal([(hop["trust"], hop["encrypted"], hop["by"]) for hop in told["received"]],
              [("behind", "no", "exch.internal.example"), ("own", "yes", "relay.example.com"), ("claimed", "yes", "mx2-ia6-sp4.mta.salesforce.com"),
               ("claimed", "yes", "x.example")], "each, and who wrote it")
    own = told["received"][1]
    tap.equal([own[key] for key in ("from", "address", "tls", "cipher", "bits", "certificate", "certificate_name")],
              ["smtp02-ia6-sp4.mta.salesforce.com", "13.110.242.177", "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "verified",
               "smtp02-ia6-sp4.mta.salesforce.com"], "host, address, TLS version, cipher, certificate")
    tap.equal(told["tls_fields"], [["X-SFDC-TLS-NoRelay", "1"], ["X-SFDC-TLS-VERIFIED", "yes"], ["X-SFDCTLS", "2"]], "what Salesforce says of TLS")
    result = trace(bench, message)
    flat = " ".join(result.out.split())
    for words in ("1 behind exch.internal.example from relay.example.com [10.0.0.5]: NOT ENCRYPTED (Microsoft SMTP Server)",
                  "2 own relay.example.com from smtp02-ia6-sp4.mta.salesforce.com [13.110.242.177]: TLSv1.3, TLS_AES_256_GCM_SHA384, 256 bits, client certificate of "
                  "smtp02-ia6-sp4.mta.salesforce.com (verified)",
                  "3 claimed mx2-ia6-sp4.mta.salesforce.com from na247-app1-27-ia6.ops.sfdc.net [10.253.137.82]: encrypted, TLS version not told, "
                  "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1 (older than 1.2)", "in clear 1 of 4: hop 1", "X-SFDC-TLS-NoRelay: 1 (claimed)",
                  "trust hop 2 is by relay.example.com, and true if the message was taken behind that relay"):
        tap.ok(words in flat, "as text: " + words[:60], out=result.out)
    tap.ok(all(len(line) <= 80 for line in result.out.splitlines()), "80 columns", out=result.out)
    tap.equal(result.code, 0, "the exit code is the verdict's")
    tap.ok("hops" not in bench.run("check-message", "-c", "config.yaml", "--json", "message.eml").objects()[0], "only if asked for")


def trust(tap, bench):
    """Only the topmost field of the relay's own can be true."""
    told = hops(bench, POSTFIX % "relay.example.com" + FORGED + MESSAGE)
    tap.equal([hop["trust"] for hop in told["received"]], ["own", "claimed"], "a field that is forged in the relay's name stands below its own")
    told = hops(bench, POSTFIX % "RELAY.example.com" + MESSAGE)
    tap.equal(told["own"], 1, "without regard to case")
    for name in (socket.gethostname(), "localhost"):
        told = hops(bench, POSTFIX % name + MESSAGE)
        tap.equal(told["own"], 1 if "." in name else 0, "by %s: this machine's own name, if it is a whole one" % name)
    told = hops(bench, POSTFIX % "relay.example.com.evil.example" + MESSAGE)
    tap.equal((told["own"], [hop["trust"] for hop in told["received"]]), (0, ["claimed"]), "another name is another server")
    tap.contains(" ".join(trace(bench, POSTFIX % "mx.example" + MESSAGE).out.split()), "none is by relay.example.com: all of this is only claimed", "said so")
    told = hops(bench, MESSAGE)
    tap.equal((told["count"], told["received"], told["tls_fields"]), (0, [], []), "no field at all")
    tap.contains(trace(bench, MESSAGE).out, "there is no Received field", "said so")
    tap.contains(" ".join(trace(bench, SALESFORCE + MESSAGE).out.split()), "in clear no hop, as far as they tell", "nothing in clear")


def several(tap, bench):
    bench.file("inbox", "".join("From x Thu Nov 26 10:00:00 2026\n" + field + MESSAGE + "\n" for field in (EXCHANGE, POSTFIX % "relay.example.com")))
    bench.file("config.yaml", CONFIG.replace("headers: {add_to: all}", "headers: {add_to: none}") % "from and org")
    out = bench.run("check-message", "-c", "config.yaml", "--trace-hops", "inbox").out
    tap.ok(out.count("  hops ") == 2 and out.count("  verdict ") == 2 and "\nmessages " in out, "each of an mbox has its own", out=out)


def hostile(tap, bench):
    escape = "Received: from \x1b[31mx\x07 (\x1b]0;t\x07 [192.0.2.1]) by \xff\x9b with \x1bESMTP id \r1; \x1b\nX-SFDC-TLS-\x1b: x\nX-SFDC-TLS-x: \x1b[2J\n"
    many = "".join("Received: from h%d.example (h%d.example [192.0.2.1]) by r.example with ESMTP; x\n" % (i, i) for i in range(10000))
    fields = "X-SFDC-TLS-x: y\n" * 1000
    for name, head, count, clear, shown in (
            ("escapes and 8 bit", escape, 1, 0, 1), ("10,000 fields", many, 10000, 10000, 100), ("a line of 1 MB", "Received: from " + "x" * 1000000 + " by r with ESMTP; x\n", 1, 1, 1),
            ("1 MB of comments", "Received: from a " + "(" * 500000 + ")" * 500000 + " by r with ESMTP; x\n", 1, 1, 1),
            ("1 MB of quotes", "Received: from a " + '"' * 1000001 + " by r with ESMTP; x\n", 1, 0, 1), ("1 MB of pairs", "Received: from a (" + "cipher=x " * 100000 + ") by r; x\n", 1, 0, 1),
            ("1 MB of folds", "Received: from a" + "\n\t" * 400000 + "by r with ESMTP; x\n", 1, 1, 1), ("1,000 fields of TLS", fields, 0, 0, 0),
            ("formats", "Received: from %s%n%s by %n with ESMTP; %s\n", 1, 1, 1)):
        told = hops(bench, (head + MESSAGE).encode("latin-1"))
        tap.equal((told["count"], told["in_clear"], len(told["received"])), (count, clear, shown), name, told=str(told)[:500])
        tap.ok(len(told["tls_fields"]) <= 20, name + ": fields are bounded")
        result = trace(bench, (head + MESSAGE).encode("latin-1"))
        tap.ok(all(c == "\n" or " " <= c <= "~" for c in result.out), name + ": printable", out=repr(result.out[-2000:]))
        tap.ok(len(result.out) < 40000, name + ": bounded", length=len(result.out))
    out = trace(bench, (many + fields + MESSAGE).encode()).out
    tap.ok("9900 more Received fields are not shown" in out and "in clear  10000 of 10000: hops 1, 2" in out, "what is not shown is counted", out=out[-3000:])
    tap.contains(out, "980 more of these are not shown", "fields as well")


main(way, trust, several, hostile)
