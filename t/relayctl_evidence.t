#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message with evidence: signatures, SPF and DMARC from records in a file, and no answer at all."""
import base64
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import main  # noqa: E402

try:
    import dkim
except ImportError:
    dkim = None

CONFIG = """\
dns: {nameservers: ["127.0.0.1@9"], local_data: "%s"}
message_timeout: 2
mode: enforce
authserv_id: relay.example.com
headers: {add_to: all}
orgs:
  00D8d000003TRx3EAG:
    domains: [example.com]
    reject_unless: %s
    quarantine_unless: %s
    ip: {networks: [13.110.0.0/16], spf: [_spf.salesforce.com]}
"""

MESSAGE = b"""\
From: Info <info@example.com>
To: joe@customer.example
Subject: Hello
Date: Wed, 01 Apr 2026 10:00:00 +0000
MIME-Version: 1.0
Content-Type: text/plain
X-SFDC-LK: 00D8d000003TRx3

Hello.
""".replace(b"\n", b"\r\n")

SIGNED = [b"Date", b"From", b"To", b"Subject", b"MIME-Version", b"Content-Type"]


def records(key):
    """The zone, with the key in strings of at most 255 bytes."""
    text = "v=DKIM1; k=rsa; p=" + key
    strings = " ".join('"%s"' % text[i:i + 250] for i in range(0, len(text), 250))
    return "\n".join([
        "s1._domainkey.example.com. 300 IN TXT " + strings,
        'example.com. 300 IN TXT "v=spf1 ip4:13.110.0.0/16 ~all"',
        '_dmarc.example.com. 300 IN TXT "v=DMARC1; p=reject"',
        '_spf.salesforce.com. 300 IN TXT "v=spf1 exists:%{i}._spf.mta.salesforce.com -all"',
        "35.85.98.200._spf.mta.salesforce.com. 300 IN A 127.0.0.2",
        # The address for which a name that vouches for everybody would vouch: here it exists, without an address.
        '192.0.2.1._spf.mta.salesforce.com. 300 IN TXT "none"',
    ]) + "\n"


def prepare(bench):
    path = os.path.join(bench.path, "key.pem")
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
    bench.file("records", records(base64.b64encode(der).decode()))
    with open(path, "rb") as pem:
        signature = dkim.sign(MESSAGE, b"s1", b"example.com", pem.read(), canonicalize=(b"relaxed", b"simple"),
                              include_headers=SIGNED)
    bench.file("signed.eml", signature + MESSAGE)
    bench.file("lines.eml", (signature + MESSAGE).replace(b"\r\n", b"\n"))
    bench.file("changed.eml", signature + MESSAGE.replace(b"Hello.", b"Hullo."))
    bench.file("unsigned.eml", MESSAGE)
    bench.file("elsewhere.eml", signature.replace(b"s=s1", b"s=s9") + MESSAGE)
    local = os.path.join(bench.path, "records")
    for name, reject, quarantine in [("dkim", "dkim", '""'), ("ip", "ip", '""'), ("dmarc", "from", "dmarc"),
                                     ("or", "dkim or from", '""')]:
        bench.file(name + ".yaml", CONFIG % (local, reject, quarantine))


def check(bench, config, message, *flags):
    result = bench.run("check-message", "-c", config + ".yaml", "--json", "--mail-from", "<info@example.com>", *flags, message)
    return result, result.objects()[0]


def signatures(tap, bench):
    prepare(bench)
    for message, code, result, reason, keyword in [
            ("signed.eml", 0, "pass", "", "pass"), ("lines.eml", 0, "pass", "", "pass"),
            ("changed.eml", 1, "fail", "dkim-bodyhash", "fail"), ("unsigned.eml", 1, "none", "dkim-none", "none")]:
        run, item = check(bench, "dkim", message)
        got = item["checks"]["dkim"]
        tap.equal((run.code, got["result"], got["reason"], got["rfc8601"]), (code, result, reason, keyword), message,
                  out=run.out, err=run.err)
        tap.equal(item["checks"]["spf"]["result"], "pending", message + ": what no sentence names is not asked for")
    values = dict(check(bench, "dkim", "signed.eml")[1]["headers"]["add"])
    tap.contains(values["Authentication-Results"], "dkim=pass", "the field that would be added tells of it")


def senders(tap, bench):
    for client, result, keyword in [("13.110.74.200", "pass", "pass"), ("192.0.2.1", "fail", "softfail")]:
        run, item = check(bench, "or", "signed.eml", "--client-ip", client, "--explain")
        got = item["checks"]
        tap.equal((got["spf"]["result"], got["spf"]["rfc8601"]), (result, keyword), "spf of " + client, out=run.out)
        tap.equal((got["dmarc"]["result"], got["dmarc"]["rfc8601"]), ("pass", "pass"), "dmarc by DKIM from " + client)
    for client, code in [("35.85.98.200", 0), ("13.110.74.200", 0), ("127.0.0.1", 1)]:
        run, item = check(bench, "ip", "unsigned.eml", "--client-ip", client)
        tap.equal(run.code, code, "ip of " + client, out=run.out)
    run, item = check(bench, "dmarc", "unsigned.eml", "--client-ip", "192.0.2.1")
    tap.equal((run.code, item["verdict"], item["checks"]["dmarc"]["reason"]), (2, "quarantine", "dmarc-fail"),
              "neither SPF nor DKIM: DMARC fails", out=run.out)


def outage(tap, bench):
    run, item = check(bench, "dkim", "elsewhere.eml")
    tap.equal((run.code, item["verdict"], item["why"], item["reply"]["code"]), (75, "tempfail", ["dkim"], "451"),
              "a key that cannot be asked for defers", out=run.out)
    run, item = check(bench, "or", "elsewhere.eml")
    tap.equal(run.code, 0, "unless the outcome does not depend on it", out=run.out)
    run = bench.run("check-message", "-c", "dkim.yaml", "elsewhere.eml", "unsigned.eml", "signed.eml")
    tap.equal(run.code, 1, "of deferred, rejected and accepted, rejected is the worst")
    run = bench.run("check-message", "-c", "dkim.yaml", "elsewhere.eml", "signed.eml")
    tap.equal(run.code, 75, "of deferred and accepted, deferred is")


if dkim is None:
    print("1..0 # SKIP python3-dkim is not installed")
else:
    main(signatures, senders, outage)
