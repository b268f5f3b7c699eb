#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
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
    for arguments in ([], ["no-such-thing"], ["report", "--suggest"], ["org-id"], ["org-id", "--no-such-flag", "00D8d000003TRx3"],
                      ["check-message"], ["check-message", "--client-ip"], ["check-message", "--mta", "exim", "x"],
                      ["check-message", "--cipher-bits", "many", "x"], ["check-config", "--mta", "exim"],
                      ["check-config", "-c"], ["check-config", "too-much"], ["check-mta", "exim"], ["check-mta", "postfix", "sendmail"],
                      ["check-mta", "--config-dir"]):
        result = bench.run(*arguments)
        tap.equal(result.code, 64, "%r is a usage error" % arguments)
        tap.ok(result.err and not result.out, "%r complains on standard error alone" % arguments, out=result.out)
    for arguments, words in ((["--verson"], "--verson is no option; did you mean --version?"), (["chek-config"], "did you mean check-config?"),
                             (["check-message", "--clinet-ip=1", "x"], "--clinet-ip is no option; did you mean --client-ip?"),
                             (["check-message", "--mta", "exim", "x"], '--mta: "exim" is neither postfix nor sendmail'),
                             (["check-message", "--cipher-bits", "ma\x1bny", "x"], '--cipher-bits: "ma\\x1bny" is not a number of bits'),
                             (["check-config", "--mta", "ex\x1bim"], '--mta: "ex\\x1bim" is neither'),
                             (["check-config", "-c"], "-c needs a value"), (["check-message", "--helo"], "--helo needs a value"),
                             (["check-config", "-xc", "y"], "-x is no option"), (["org-id", "--json=1", "x"], "--json takes no value"),
                             (["check-config", "a\x1bb"], "a\\x1bb is too much"), (["--\x1b"], "--\\x1b is no option")):
        err = bench.run(*arguments).err
        tap.contains(err, words, "%r is told as it was typed" % arguments)
        tap.ok("\x1b" not in err and "--help" in err or "help" in err, "%r: where to look" % arguments, err=err)


def explained(text):
    """The options that a help text explains: the rows of its list, each with its words."""
    found = {}
    row = None
    for line in text.split("Exit status:")[0].splitlines():
        start = re.match(r"  ((?:-\w, )?-[-\w]+)(.*)", line)
        if start:
            row = start[1]
            found[row] = re.sub(r"^ [A-Z]\S*", "", start[2]).strip()
        elif row and line.startswith(" " * 20):
            found[row] += " " + line.strip()
    return found


def helped(tap, bench):
    """--help, -h and help: every option is explained, and no other exists; the manual page has the same."""
    result = bench.run("help")
    tap.equal(result.code, 0, "help exits 0")
    names = [line.split()[0] for line in result.out.splitlines() if re.match(r"  [a-z]", line) and "help" not in line.split()[0]]
    pages = re.findall(r"^\.Ss ([a-z].*)$", page(), re.MULTILINE)
    tap.ok(len(pages) > 9 and sorted(pages) == names, "help lists the subcommands, as the manual page does", out=result.out, pages=pages)
    for word in ("--help", "-h"):
        tap.equal(bench.run(word).out, result.out, word + " is help")
    tap.equal(sorted(explained(result.out)), ["-V, --version", "-h, --help"], "and explains the program's own options")
    for name in names:
        texts = [bench.run(*words) for words in ((name, "--help"), (name, "-h"), ("help", name), (name, "x", "-h"))]
        tap.ok(all(one.code == 0 and not one.err and one.out == texts[0].out for one in texts), name + ": --help, -h, help are one",
               texts=[one.out + one.err for one in texts])
        out = texts[0].out
        rows = explained(out)
        tap.ok(all(len(words) > 8 for words in rows.values()), name + ": every option is explained", rows=rows)
        tap.ok("\nExample:\n  sfdc-relayctl %s " % name in out, name + ": an example", out=out)
        # A path cannot be folded, and may be built in as long as it likes.
        wide = [line for line in out.splitlines() if len(line) > 80 and " " in line.strip()]
        tap.equal(wide, [], name + ": at most 80 columns")
        tap.equal(manual_options(name), sorted(flag for row in rows for flag in row.split(", ") if flag not in ("-h", "--help")),
                  name + ": the manual page has the same options")
        tap.equal(manual_exits(name), re.findall(r"^  (\d+) ", out.split("Exit status:")[1], re.MULTILINE),
                  name + ": and the same exit status")
        for letter in "abcdefgijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789":
            if "-" + letter not in rows and "-h" not in bench.run(name, "-" + letter).err.split(";")[0]:
                err = bench.run(name, "-" + letter).err
                if "-%s is no option" % letter not in err:
                    tap.ok(False, "%s: -%s is taken, but not explained" % (name, letter), err=err)
    narrow = bench.run("check-message", "--help", environment={"COLUMNS": "72"}).out
    lines = [line for line in narrow.split("Example:")[0].splitlines() if " " in line.strip()]
    tap.ok(max(map(len, lines)) in range(66, 73), "folded at COLUMNS", out=narrow)
    tap.equal(bench.run("help", "no-such-thing").code, 64, "help for what there is not")
    tap.equal(bench.run("--version").out, "sfdc-relayctl %s\n" % os.environ.get("VERSION", "0.1.0"), "--version")
    with open("/dev/full", "w") as full:
        code = subprocess.run([PROGRAM, "help"], stdout=full, stderr=subprocess.DEVNULL, check=False).returncode
    tap.equal(code, 75, "output that cannot be written is no success")


def page():
    with open(os.path.join(os.environ.get("SRCDIR", "."), "conf", "sfdc-relayctl.1"), encoding="utf-8") as file:
        return file.read()


def manual_options(name):
    """The options of a subcommand that have an entry in the manual page."""
    part = re.search(r"^\.Ss %s\n(.*?)^\.S[sh] " % name, page(), re.MULTILINE | re.DOTALL)[1]
    heads = " ".join(re.findall(r"^\.It (Fl .*)$", part, re.MULTILINE))
    return sorted("-" + flag for flag in re.findall(r"Fl (-?[\w-]+)", re.sub(r"Cm \S+|Ar \S+", "", heads)))


def manual_exits(name):
    """The exit codes that the manual page tells of a subcommand."""
    rows = re.search(r"^\.Sh EXIT STATUS\n(.*?)^\.Sh ", page(), re.MULTILINE | re.DOTALL)[1].split(".It ")[1:]
    rows = [row.split(".El")[0] for row in rows]
    return [row.split("\n")[0] for row in rows if re.search(r"^\.Cm (?:\S+ , )*%s(?: |$)" % name, row, re.MULTILINE) or ".Cm " not in row]


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


main(usage, helped, ids, bounces, wrong)
