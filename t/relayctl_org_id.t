#!/usr/bin/python3
"""sfdc-relayctl: usage; org-id on real samples of IDs and bounce addresses."""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import PROGRAM, main  # noqa: E402

BNC = ".bnc.salesforce.com"

# (bounce address, 15 characters, 18 characters, author): samples of public mail.
SAMPLES = [
    ("info=emjtpisc.com__0-1r12zvjmnf8rqu.l9azxrxo3x5g2pzm@xqfk2ane5qjq38ec.gpawymg.8d-3trx3eag.um8" + BNC,
     "00D8d000003TRx3", "00D8d000003TRx3EAG", "info@emjtpisc.com"),
    ("support=akamai.com__9m4vlv27x6v0rxwe@mmh2xurvokdh.a-hu5amac.na63" + BNC,
     "00DA0000000Hu5a", "00DA0000000Hu5aMAC", "support@akamai.com"),
    ("x=gmail.com__0-4faoc4mc7i68gc@5hnj2mufr87e4htv.z8av9w6ga66ox18b.61bv18b.4x-4z0h4eai.na150" + BNC,
     "00D4x000004z0H4", "00D4x000004z0H4EAI", "x@gmail.com"),
    ("x=y.com__0-28eb251z589s1s@zihu5s1p6odwjt9p.s3cycftqbacrhjk9.hf76qay.3-1ffzneao.na45" + BNC,
     "00D30000001FFZn", "00D30000001FFZnEAO", "x@y.com"),
    ("x=y.com__9m4vlv27x6v0rxwe@ilrf8r9v3xuk.gl-fp7yhuaz.can98" + BNC,
     "00DgL00000Fp7YH", "00DgL00000Fp7YHUAZ", "x@y.com"),
]

WRONG = [
    "", "00D8d000003TRx", "00D8d000003TRx3E", "00D8d000003TRx3EA", "00D8d000003TRx3EAH", "00D8d000003TRx3eag",
    "00d8d000003trx3", "00D8d000003TR x", "0018d000003TRx3", "00D8d000003TRx3EAG ", "00D8d000003TRx\u0133",
    "x@example.com", "@", "info@bnc.salesforce.com", "x=y.z__a@b.nothing.na63" + BNC, "x=y.z__a@b.8d-3trx3eah.na63" + BNC,
]


def usage(tap, bench):
    for arguments in ([], ["no-such-thing"], ["report"], ["org-id"], ["org-id", "--no-such-flag", "00D8d000003TRx3"],
                      ["check-message"], ["check-message", "--client-ip"], ["check-message", "--mta", "exim", "x"],
                      ["check-message", "--cipher-bits", "many", "x"], ["check-config", "--mta", "exim"],
                      ["check-config", "-c"], ["check-config", "too-much"]):
        result = bench.run(*arguments)
        tap.equal(result.code, 64, "%r is a usage error" % arguments)
        tap.ok(result.err and not result.out, "%r complains on standard error alone" % arguments, out=result.out)
    result = bench.run("help")
    tap.equal(result.code, 0, "help exits 0")
    for name in ("check-config", "check-message", "org-id"):
        tap.contains(result.out, name, "help lists " + name)
    for line in result.out.splitlines():
        words = line.split()
        if line.startswith("  ") and not line.startswith("   ") and words[0] != "help":
            code = bench.run(words[0]).code
            tap.ok(code in (64, 78), "%s of the help exists" % words[0], code=code)
    tap.equal(bench.run("--help").out, result.out, "--help is help")
    one = bench.run("check-message", "--help")
    tap.ok(one.code == 0 and one.out in result.out, "--help of a subcommand is its part", out=one.out)
    with open(os.path.join(os.environ.get("SRCDIR", "."), "milter", "cmd", "check_message.c"), encoding="ascii") as source:
        flags = re.findall(r'{ "([a-z-]+)", (?:no|required)_argument', source.read())
    tap.equal(sorted(re.findall(r"--([a-z-]+)", one.out)), sorted(flags), "and names every option there is")
    tap.equal(bench.run("--version").out, "sfdc-relayctl %s\n" % os.environ.get("VERSION", "0.1.0"), "--version")
    with open("/dev/full", "w") as full:
        code = subprocess.run([PROGRAM, "help"], stdout=full, stderr=subprocess.DEVNULL, check=False).returncode
    tap.equal(code, 75, "output that cannot be written is no success")


def ids(tap, bench):
    for _, short, long, _ in SAMPLES:
        for text in (short, long):
            result = bench.run("org-id", text)
            tap.equal((result.code, result.out.split()), (0, [short, long, text]), "org-id " + text)


def bounces(tap, bench):
    for address, short, long, author in SAMPLES:
        for text in (address, "<%s>" % address, address.upper()):
            result = bench.run("org-id", "--json", text)
            tap.equal(result.code, 0, "org-id %s exits 0" % text)
            item = result.objects()[0]
            tap.equal((item["kind"], item["valid"], item["id15"], item["id18"], item["author"].lower()),
                      ("bounce-address", True, short, long, author), "org-id %s" % text)
    result = bench.run("org-id", SAMPLES[1][0])
    tap.contains(result.out, "made for support@akamai.com", "the author is shown")


def wrong(tap, bench):
    for text in WRONG:
        result = bench.run("org-id", "--json", text)
        item = result.objects()[0]
        tap.equal((result.code, item["valid"], item["id18"]), (1, False, ""), "org-id %r is wrong" % text)
        tap.ok(item["problem"], "%r: it is said why" % text)
    result = bench.run("org-id", "00D8d000003TRx3", "nonsense", "00DA0000000Hu5a")
    tap.equal(result.code, 1, "one wrong of three: exit 1")
    lines = result.out.splitlines()
    tap.equal(len(lines), 3, "one line for each")
    columns = {line.rindex(text) for line, text in zip(lines, ["00D8d000003TRx3", "nonsense", "00DA0000000Hu5a"])}
    tap.equal(len(columns), 1, "the arguments are aligned", out=result.out)
    result = bench.run("org-id", b"\xff\x1b[31m\n")
    tap.equal(result.code, 1, "bytes that are no text")
    tap.ok("\x1b" not in result.out and result.out.count("\n") == 1, "they are made printable", out=repr(result.out))
    tap.equal(bench.run("org-id", "--json", b"\xff\x1b[31m\n").objects()[0]["valid"], False, "JSON stays JSON")


main(usage, ids, bounces, wrong)
