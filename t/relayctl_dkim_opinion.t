#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message --explain: what libopendkim says beside our DKIM results, in words and as JSON. The keys come
from a file; no name server answers."""
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from dkimsigner import Key, message, sign  # noqa: E402
from relayctl import main  # noqa: E402

CONFIG = """\
dns: {nameservers: ["127.0.0.1@9"], local_data: "%s"}
message_timeout: 2
mode: enforce
authserv_id: relay.example.com
orgs:
  00D8d000003TRx3EAG:
    domains: [example.com]
    reject_unless: dkim
    dkim: {required_headers: [from], max_age: 0}
"""
RSA, ED = Key.rsa(1024), Key.ed25519()
LARGE = "v=DKIM1; n=%s; p=%s" % ("x" * 900, RSA.public)
FIELDS = [(b"From", b" joe@example.com"), (b"To", b" sue@example.org"), (b"Subject", b" x"), (b"Date", b" y"),
          (b"X-SFDC-LK", b" 00D8d000003TRx3EAG")]
BODY = b"Hello\r\n"
SAYS = "libopendkim, as many receivers use it, says "
REASONS = {
    "length": "because it accepts a signature of a part of the body (l=)",
    "key": "because it reads key records less strictly, and takes the first of several",
    "syntax": "because it reads signatures and header fields less strictly, and does not ask for one author",
    "room": "because it has no room for a key record of more than 1,024 characters",
}


def text(record):
    return " ".join('"%s"' % record[at:at + 250] for at in range(0, len(record), 250))


RECORDS = "".join("%s._domainkey.example.com. 300 IN TXT %s\n" % (name, text(record)) for name, record in (
    ("rsa", RSA.record), ("ed", ED.record), ("large", LARGE), ("wrong", RSA.record.replace("k=rsa", "k=ed25519")))) + (
        '_dmarc.com. 300 IN TXT "none"\n_dmarc.example.com. 300 IN TXT "none"\nexample.com. 300 IN TXT "none"\nnone._domainkey.example.com. 300 IN A 127.0.0.1\n')

# The tags of a signature: our result, libopendkim's, the reason.
ROWS = [
    ({"s": "rsa"}, "pass", "pass", ""),
    ({"s": "rsa", "c": "relaxed/relaxed"}, "pass", "pass", ""),
    ({"s": "ed", "key": ED}, "pass", "pass", ""),
    ({"s": "rsa", "bh": "A" * 43 + "="}, "fail", "fail", ""),
    ({"s": "rsa", "l": "3"}, "policy", "pass", "length"),
    ({"s": "wrong"}, "permerror", "pass", "key"),
    ({"s": "none"}, "permerror", "fail", ""),
    ({"s": "rsa", "q": "http"}, "permerror", "pass", "syntax"),
    ({"s": "large"}, "pass", "fail", "room"),
]


def prepare(bench):
    bench.file("records", RECORDS)
    bench.file("c.yaml", CONFIG % os.path.join(bench.path, "records"))


def check(bench, content, *flags):
    with open(os.path.join(bench.path, "m.eml"), "wb") as file:
        file.write(content)
    return bench.run("check-message", "-c", "c.yaml", "--mail-from", "<joe@example.com>", *flags, "m.eml",
                     environment={"COLUMNS": "1000"})


def signature(tags):
    return sign(FIELDS, BODY, tags.get("key", RSA), **{name: value for name, value in tags.items() if name != "key"})


def signatures(tap, bench):
    prepare(bench)
    for tags, ours, theirs, why in ROWS:
        what = " ".join("%s=%s" % pair for pair in tags.items() if pair[0] != "key")
        mail = message([signature(tags)] + FIELDS, BODY)
        name = tags["s"] + "._domainkey.example.com"
        same = (ours == "pass") == (theirs == "pass")
        run = check(bench, mail, "--json", "--explain")
        want = [{"name": name, "status": "given", "ours": ours, "result": theirs, "same": same, "because": REASONS.get(why, "")}]
        tap.equal(run.objects()[0]["checks"]["dkim"].get("second_opinions"), want, what + ": as JSON", out=run.out, err=run.err)
        run = check(bench, mail, "--explain")
        said = SAYS + ("the same" if same else "%s; differs %s" % (theirs, REASONS[why]))
        tap.ok("%s: %s\n" % (name, said) in run.out, what + ": in words", out=run.out, err=run.err)


def several(tap, bench):
    mail = message([signature({"s": "none"}), (b"DKIM-Signature", b" junk"), signature({"s": "rsa"})] + FIELDS, BODY)
    for data, ends in ((mail, "CRLF"), (mail.replace(b"\r\n", b"\n"), "LF")):
        run = check(bench, data, "--json", "--explain")
        got = [(item["ours"], item["result"]) for item in run.objects()[0]["checks"]["dkim"]["second_opinions"]]
        tap.equal(got, [("permerror", "fail"), ("permerror", "fail"), ("pass", "pass")], "each of three signatures, " + ends,
                  out=run.out)


def hostile(tap, bench):
    """Whatever becomes of the child, the tool gives its own answer."""
    names = ":".join(["from", "to", "subject", "date", "x-sfdc-lk", "dkim-signature", "cc", "bcc"])
    for content, what in ((message([sign(FIELDS, BODY, RSA, s="rsa", h=names)] + FIELDS, BODY), "h= of more fields than there are"),
                          (message([signature({"s": "rsa"})] + FIELDS, b"x" * 300000), "a body of one line"),
                          (message([signature({"s": "rsa"})] + FIELDS + [(b"X", b"\xff" * 9000)], b""), "no body")):
        run = check(bench, content, "--json", "--explain")
        got = run.objects()[0]["checks"]["dkim"]["second_opinions"][0]
        tap.ok(got["ours"] == "fail" and got["status"] in ("given", "crashed") and got["result"] != "pass", what, out=run.out,
               err=run.err)
    run = check(bench, message(FIELDS, BODY), "--json", "--explain")
    tap.ok("second_opinions" not in run.objects()[0]["checks"]["dkim"], "no signature, no opinion")
    run = check(bench, message([signature({"s": "rsa"})] + FIELDS, BODY), "--json")
    tap.ok("second_opinions" not in run.objects()[0]["checks"]["dkim"], "without --explain libopendkim is not asked")


main(signatures, several, hostile)
