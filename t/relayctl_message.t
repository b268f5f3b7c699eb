#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message: exit codes, JSON, sessions by file and flag, several messages, both MTAs."""
import fcntl
import gzip
import json
import os
import pty
import re
import struct
import sys
import termios

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab.process import terminal_end  # noqa: E402
from relayctl import CONFIG, MESSAGE, ORG, PROGRAM, main  # noqa: E402

with open(os.path.join(os.environ.get("SRCDIR", "."), "include/core/checks.h"), encoding="utf-8") as table:
    CHECKS = re.findall(r"^\tX\(CHECK_[A-Z]+, check_([a-z]+)\)", table.read(), re.MULTILINE)
RESULTS = {"pass", "skip", "fail", "none", "permerror", "temperror", "pending"}
KEYS = ["verdict", "mode", "would", "org", "org_name", "reply", "why", "checks", "headers", "file"]

SESSION = {
    "mta": "postfix", "client_ip": "13.110.74.200", "client_name": "smtp09-ia4-sp3.mta.salesforce.com",
    "helo": "smtp09-ia4-sp3.mta.salesforce.com", "tls_version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384",
    "cipher_bits": 256, "cert_subject": "smtp09-ia4-sp3.mta.salesforce.com", "cert_issuer": "Test Root CA",
    "auth_type": "PLAIN", "auth_authen": "sfuser@relay.example.com", "mail_from": "<info@example.com>",
    "rcpt": ["<joe@customer.example>"], "queue_id": "4XyZ1",
}


def prepare(bench):
    bench.file("from.yaml", CONFIG % "from and org")
    bench.file("cert.yaml", CONFIG % "cert")
    bench.file("full.yaml", CONFIG % "tls and message and org and from and envelope and verp and cert and auth and ip")
    bench.file("monitor.yaml", (CONFIG % "from and org").replace("mode: enforce", "mode: monitor"))
    bench.file("quarantine.yaml", CONFIG % '""' + "    quarantine_unless: from\n")
    bench.file("session.json", json.dumps(SESSION))
    bench.file("good.eml", MESSAGE)
    bench.file("bad.eml", MESSAGE.replace("info@example.com", "x@evil.example"))
    bench.file("empty.eml", "")


def codes(tap, bench):
    prepare(bench)
    for name, arguments, code in [
            ("accepted", ["-c", "from.yaml", "good.eml"], 0),
            ("rejected", ["-c", "from.yaml", "bad.eml"], 1),
            ("would be rejected", ["-c", "monitor.yaml", "bad.eml"], 1),
            ("quarantined", ["-c", "quarantine.yaml", "bad.eml"], 2),
            ("missing file", ["-c", "from.yaml", "missing.eml"], 65),
            ("empty file", ["-c", "from.yaml", "empty.eml"], 65),
            ("a folder", ["-c", "from.yaml", "."], 65),
            ("missing session", ["-c", "from.yaml", "--session", "missing.json", "good.eml"], 65),
            ("accepted and rejected", ["-c", "from.yaml", "good.eml", "bad.eml"], 1),
            ("rejected and accepted", ["-c", "from.yaml", "bad.eml", "good.eml"], 1),
            ("quarantined and accepted", ["-c", "quarantine.yaml", "bad.eml", "good.eml"], 2),
            ("rejected and unusable", ["-c", "from.yaml", "bad.eml", "empty.eml", "good.eml"], 65),
            ("flags after the message", ["good.eml", "-c", "from.yaml"], 0),
            ("no configuration", ["-c", "missing.yaml", "good.eml"], 78)]:
        result = bench.run("check-message", *arguments)
        tap.equal(result.code, code, "%s: exit %d" % (name, code), out=result.out, err=result.err)
    result = bench.run("check-message", "-c", "from.yaml", "-", stdin=MESSAGE.encode())
    tap.equal(result.code, 0, "standard input", err=result.err)
    tap.equal(bench.run("check-message", "-c", "from.yaml", "-").code, 65, "nothing on standard input")
    result = bench.run("check-message", "-c", "from.yaml", "--json", "good.eml", "empty.eml", "-", stdin=MESSAGE.encode())
    tap.equal((len(result.objects()), result.code), (2, 65), "one object for each message that could be judged")


def contract(tap, bench):
    bench.file("forged.eml", "Authentication-Results: relay.example.com; dkim=pass\n" + MESSAGE)
    for config, message, flags in [("from.yaml", "good.eml", []), ("from.yaml", "bad.eml", []), ("monitor.yaml", "bad.eml", []),
                                   ("full.yaml", "good.eml", ["--session", "session.json"]),
                                   ("full.yaml", "good.eml", ["--session", "session.json", "--explain"]),
                                   ("from.yaml", "forged.eml", ["--explain"])]:
        result = bench.run("check-message", "-c", config, "--json", *flags, message)
        name = " ".join([config, message, *flags])
        item = result.objects()[0]
        tap.equal(list(item), KEYS, name + ": keys and their order")
        tap.equal(list(item["checks"]), CHECKS, name + ": all checks, in order")
        for check, value in item["checks"].items():
            keys = ["result", "reason", "detail"] + (["rfc8601"] if check in ("dkim", "spf", "dmarc") else [])
            if check == "spf" and "--explain" in flags and "second_opinion" in value:
                keys.append("second_opinion")
            tap.ok(list(value) == keys and value["result"] in RESULTS, "%s: %s" % (name, check), value=value)
        tap.equal(list(item["reply"]), ["code", "enhanced", "text"], name + ": reply")
        tap.equal(list(item["headers"]), ["add", "remove"], name + ": headers")
        tap.equal(result.err, "", name + ": silence on standard error")
    tap.equal(item["headers"]["remove"], [["Authentication-Results", 1]], "a forged field is removed")
    tap.equal([name for name, _ in item["headers"]["add"]], ["X-SFDC-Relay", "Authentication-Results"], "ours are added")
    item = bench.run("check-message", "-c", "from.yaml", "--json", "bad.eml").objects()[0]
    tap.equal((item["verdict"], item["would"], item["mode"], item["org"], item["org_name"], item["why"]),
              ("reject", "reject", "enforce", ORG, "production", ["from"]), "a refusal")
    tap.equal((item["reply"]["code"], item["reply"]["enhanced"], item["reply"]["text"][:13]), ("550", "5.7.1", "from-domain: "),
              "its reply")
    tap.equal(item["headers"], {"add": [], "remove": []}, "a refused message is not edited")
    item = bench.run("check-message", "-c", "monitor.yaml", "--json", "bad.eml").objects()[0]
    tap.equal((item["verdict"], item["would"], item["mode"]), ("accept", "reject", "monitor"), "monitor mode")


def sessions(tap, bench):
    result = bench.run("check-message", "-c", "full.yaml", "--session", "session.json", "good.eml")
    tap.equal(result.code, 0, "a whole session by file", out=result.out, err=result.err)
    for flag, value, why in [("--client-ip", "192.0.2.1", ["ip"]), ("--client-ip", "unknown", ["ip"]),
                             ("--tls-version", "TLSv1.1", ["tls"]), ("--cipher-bits", "64", ["tls"]),
                             ("--cert-subject", "mail.evil.example", ["cert"]), ("--auth-authen", "joe", ["auth"]),
                             ("--mail-from", "<x@evil.example>", ["envelope"]), ("--mta", "sendmail", ["cert"])]:
        result = bench.run("check-message", "-c", "full.yaml", "--session", "session.json", flag, value, "--json", "good.eml")
        tap.equal((result.code, result.objects()[0]["why"]), (1, why), "%s %s overrides the file" % (flag, value))
    result = bench.run("check-message", "-c", "full.yaml", "--session", "session.json", "--mail-from", "", "good.eml")
    tap.equal(result.code, 0, "an empty --mail-from is the null sender")
    result = bench.run("check-message", "-c", "full.yaml", "--json", "good.eml")
    tap.equal(result.objects()[0]["why"], ["tls", "envelope", "cert", "auth", "ip"], "what is not told fails")
    result = bench.run("check-message", "-c", "full.yaml", "--client-ip", "13.110.074.200", "--json", "good.eml")
    tap.equal(result.objects()[0]["checks"]["ip"]["reason"], "ip-unknown", "a malformed address is not known")
    tap.contains(result.err, 'warning: --client-ip: "13.110.074.200" is no IP address', "and that is said")
    bench.file("address.json", '{"client_ip": "13.110.074.200"}')
    result = bench.run("check-message", "-c", "full.yaml", "--session", "address.json", "good.eml")
    tap.contains(result.err, 'warning: address.json: client_ip: "13.110.074.200" is no', "also of the file's")
    for version in ("1.3", "TLSv1.3", "1.2"):
        result = bench.run("check-message", "-c", "full.yaml", "--tls-version", version, "--cipher-bits", "256", "--json", "good.eml")
        told = result.objects()[0]["checks"]["tls"]
        tap.equal((told["result"], told["detail"], result.err), ("pass", "TLSv" + version[-3:], ""), "--tls-version " + version)
    result = bench.run("check-message", "-c", "full.yaml", "--tls-version", "1.4", "--json", "good.eml")
    tap.ok(result.objects()[0]["checks"]["tls"]["result"] == "fail" and '--tls-version: "1.4" is no TLS version' in result.err,
           "one that is none fails, and is warned about", err=result.err)
    for flags, envelope in ((["--mail-from", "info@"], ("fail", "envelope-malformed")), ([], ("none", "envelope-unknown"))):
        told = bench.run("check-message", "-c", "full.yaml", *flags, "--json", "good.eml").objects()[0]["checks"]["envelope"]
        tap.equal((told["result"], told["reason"]), envelope, "the envelope sender with %s" % flags)
    tap.contains(bench.run("check-message", "-c", "full.yaml", "--explain", "good.eml").out, "was not told", "not told, in words")


def recipients(tap, bench):
    """Where the mail goes decides whether it gains header fields (add_to: local)."""
    bench.file("local.yaml", (CONFIG % "from and org").replace("add_to: all", "add_to: local"))
    bench.file("rcpt.json", '{"rcpt": ["<joe@customer.example>=local"]}')
    bench.file("out.json", '{"rcpt": ["<joe@customer.example>"]}')
    for flags, added in ([], 2), (["--rcpt", "<joe@customer.example>"], 0), (["--rcpt", "joe@customer.example=smtp"], 0), \
            (["--rcpt", "<joe@customer.example>=local"], 2), (["--rcpt", "joe@customer.example=virtual"], 2), \
            (["--rcpt", "joe=local@customer.example"], 0), (["--rcpt", "joe=x@customer.example=local"], 2), \
            (["--rcpt", "a@b.example=local", "--rcpt", "c@d.example=smtp"], 0), (["--session", "rcpt.json"], 2), \
            (["--session", "out.json"], 0), (["--session", "out.json", "--rcpt", "a@b.example=local"], 2):
        item = bench.run("check-message", "-c", "local.yaml", "--json", *flags, "good.eml").objects()[0]
        tap.equal(len(item["headers"]["add"]), added, "%s: %d fields are added" % (" ".join(flags), added))


def unusable(tap, bench):
    """Files that are no message: exit 65, and why."""
    bench.file("mark.eml", b"\xef\xbb\xbf" + MESSAGE.encode())
    bench.file("utf16.eml", MESSAGE.encode("utf-16"))
    bench.file("utf16le.eml", MESSAGE.encode("utf-16-le"))
    bench.file("utf16be.eml", MESSAGE.encode("utf-16-be"))
    bench.file("cr.eml", MESSAGE.replace("\n", "\r").encode())
    bench.file("gzip.eml", gzip.compress(MESSAGE.encode()))
    bench.file("white.eml", "\n \n")
    bench.file("na\x1bme.eml", "")
    os.mkfifo(os.path.join(bench.path, "fifo"))
    os.mkdir(os.path.join(bench.path, "folder"))
    for name, why in (("mark.eml", "UTF-8 byte order mark"), ("utf16.eml", "UTF-16"), ("utf16le.eml", "UTF-16"), ("utf16be.eml", "UTF-16"),
                      ("cr.eml", "CR alone"), ("gzip.eml", "gzip"), ("folder", "directory"), ("empty.eml", "no message"),
                      ("white.eml", "no message"), ("fifo", "FIFO"), ("/dev/zero", "device"), ("/dev/null", "device"),
                      ("missing.eml", "No such file"), ("na\x1bme.eml", "na\\x1bme.eml: there is no message")):
        for flags in ([], ["--json"]):
            result = bench.run("check-message", "-c", "from.yaml", *flags, name)
            tap.equal((result.code, result.out), (65, ""), "%r %s: exit 65, and nothing judged" % (name, flags))
            tap.ok(result.err.startswith("sfdc-relayctl: ") and result.err.count("\n") == 1 and why in result.err,
                   "%r: it is said why" % name, err=result.err)
    bench.file("se\x1bssion", '{"helo": 1}')
    err = bench.run("check-message", "-c", "from.yaml", "--session", "se\x1bssion", "good.eml").err
    tap.ok("se\\x1bssion: helo" in err and "\x1b" not in err, "names of files are printed as the log does", err=repr(err))
    for name in ("folder", "fifo", "/dev/zero"):
        result = bench.run("check-message", "-c", "from.yaml", "--session", name, "good.eml")
        tap.equal(result.code, 65, "a session of %s: exit 65" % name, err=result.err)
    tap.equal(bench.run("check-message", "-c", "from.yaml", "-", stdin=b"\xef\xbb\xbf" + MESSAGE.encode()).code, 65,
              "a mark on standard input")
    result = bench.run("check-message", "-c", "from.yaml", "-", stdin=("From x\r\n" + MESSAGE.replace("\n", "\r\n")).encode())
    tap.equal(result.code, 0, "an mbox line and CRLF are none of this", err=result.err)


ADVICE = ("in Salesforce", "try again", "create a", "asks for", "turn on", "takes mail over")


def explanation(tap, bench):
    for message, code in (("good.eml", 0), ("bad.eml", 1)):
        flags = ["check-message", "-c", "from.yaml", "--explain", message]
        result = bench.run(*flags)
        tap.equal(result.code, code, message + ": exit")
        lines = result.out.splitlines()
        tap.ok(all(len(line) <= 80 for line in lines), message + ": 80 columns without a terminal", out=result.out)
        for check in CHECKS:
            rows = [line for line in lines if line[4:].startswith(check + " ") and line[:2] == "  "]
            tap.equal(len(rows), 1, "%s: %s stands there once" % (message, check), out=result.out)
        tap.ok(code == 1 or not [word for word in ADVICE if word in " ".join(result.out.split())],
               message + ": no advice that is not needed", out=result.out)
        wide = bench.run(*flags, environment={"COLUMNS": "132"}).out
        narrow = bench.run(*flags, environment={"COLUMNS": "60"}).out
        longest = [max(map(len, text.splitlines())) for text in (wide, narrow)]
        tap.ok(80 < longest[0] <= 132 and longest[1] <= 60, message + ": folded at COLUMNS", longest=longest)
        tap.equal(narrow.split(), wide.split(), message + ": whatever the width, the same words")
        columns, output = on_terminal(bench, 70, *flags)
        tap.ok(columns == code and 60 < max(map(len, output.splitlines())) <= 70, message + ": folded at the terminal's width",
               output=output)
    result = bench.run("check-message", "-c", "full.yaml", "--explain", "good.eml", environment={"COLUMNS": "300"})
    tap.contains(result.out, "turn on Enable SMTP Auth", "a refusal has the advice")


def on_terminal(bench, columns, *arguments):
    """The exit status, and what is shown on a terminal of that width."""
    pid, terminal = pty.fork()
    if pid == 0:
        program = os.path.abspath(PROGRAM)
        os.chdir(bench.path)
        environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        # The width is set from the other side; until then there is none.
        while os.get_terminal_size(1).columns != columns:
            pass
        os.execve(program, [program, *arguments], {**environment, "NO_COLOR": "1", "TERM": "xterm"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    status, output = terminal_end(pid, terminal)
    return status, output.replace("\r\n", "\n")


def bad_sessions(tap, bench):
    for name, text, word in [
            ("unknown key", '{"client": "192.0.2.1"}', "client"), ("line break in a key", '{"a\\n\u00e9": "x"}', "a\\x0a\\xc3\\xa9"),
            ("key twice", '{"helo": "a", "helo": "b"}', "helo"),
            ("number for a string", '{"helo": 1}', "helo"), ("string for an array", '{"rcpt": "<a@b>"}', "rcpt"),
            ("number in the array", '{"rcpt": [1]}', "rcpt"), ("null", '{"helo": null}', "helo"),
            ("unknown MTA", '{"mta": "exim"}', "mta"), ("bits that are none", '{"cipher_bits": "many"}', "cipher_bits"),
            ("negative bits", '{"cipher_bits": -1}', "cipher_bits"), ("an array", "[]", "object"), ("no JSON", "{", "1:"),
            ("rest after the object", "{} {}", ""), ("empty", "", ""), ("no UTF-8", b'{"helo": "\xff"}', "")]:
        bench.file("bad.json", text)
        result = bench.run("check-message", "-c", "from.yaml", "--session", "bad.json", "good.eml")
        tap.equal((result.code, result.out), (65, ""), name + ": exit 65")
        tap.ok("bad.json" in result.err and word in result.err, name + ": file and key are named", err=result.err)
    for name, text in [("bits as text", '{"cipher_bits": "256"}'), ("nothing", "{}"), ("a NUL", '{"helo": "a\\u0000b"}')]:
        bench.file("fine.json", text)
        result = bench.run("check-message", "-c", "from.yaml", "--session", "fine.json", "good.eml")
        tap.equal(result.code, 0, name + " is fine", err=result.err)


def certificates(tap, bench):
    name = "smtp09-ia4-sp3.mta.salesforce.com"
    for what, flags, code in [
            ("postfix, verified", ["--cert-subject", name, "--cert-issuer", "CA"], 0),
            ("postfix, not verified", ["--cert-subject", name], 1),
            ("postfix does not know verify", ["--cert-subject", name, "--cert-verify", "OK"], 1),
            ("sendmail, verified", ["--mta", "sendmail", "--cn-subject", name, "--cert-verify", "OK"], 0),
            ("sendmail, not verified", ["--mta", "sendmail", "--cn-subject", name, "--cert-verify", "FAIL"], 1),
            ("sendmail, an issuer is no proof", ["--mta", "sendmail", "--cn-subject", name, "--cert-issuer", "CA"], 1),
            ("sendmail, a DN is no name", ["--mta", "sendmail", "--cert-subject", "/CN=" + name, "--cert-verify", "OK"], 1)]:
        result = bench.run("check-message", "-c", "cert.yaml", *flags, "good.eml")
        tap.equal(result.code, code, what, out=result.out)


def hostile(tap, bench):
    bench.file("hostile.eml", b"From: \x1b[31mx\x07 <x@evil.example>\r\nX-SFDC-LK: \x1b]0;a\x07\xff\r\n\r\na\0b\r\n")
    for flags in ([], ["--explain"], ["--trace"], ["--json"]):
        result = bench.run("check-message", "-c", "from.yaml", *flags, "hostile.eml")
        tap.equal(result.code, 1, "%s: refused" % flags)
        tap.ok("\x1b" not in result.out and "\x07" not in result.out, "%s: nothing reaches the terminal" % flags)
    for name, raw, reason in [
            ("NUL in the body", MESSAGE.encode() + b"\0", "message-nul"),
            ("a line that is no field", MESSAGE.replace("Subject:", "Subject").encode(), "message-line"),
            ("bare CR", MESSAGE.replace("Hello\n", "He\rllo\n").encode(), "message-bare-cr")]:
        bench.file("raw.eml", raw)
        item = bench.run("check-message", "-c", "full.yaml", "--session", "session.json", "--json", "raw.eml").objects()[0]
        tap.equal(item["checks"]["message"]["reason"], reason, name + " is found in the raw file")


def words(tap, bench):
    result = bench.run("check-message", "-c", "from.yaml", "bad.eml")
    for text in ("bad.eml", "reject", "enforce", "production", "from (from-domain)", "550 5.7.1 from-domain:",
                 "! from      fail"):
        tap.contains(result.out, text, "the plain form shows " + text)
    tap.ok("\x1b" not in result.out, "no colors where there is no terminal")
    result = bench.run("check-message", "-c", "from.yaml", "--explain", "bad.eml")
    tap.contains(result.out, "reject_unless     is broken", "--explain tells the state of each sentence")
    result = bench.run("check-message", "-c", "from.yaml", "--trace", "good.eml")
    for text in ("after mail:", "after header:", "after end: verdict accept"):
        tap.contains(result.out, text, "--trace shows " + text)
    result = bench.run("check-message", "-c", "from.yaml", "--trace", "--json", "good.eml")
    tap.equal(len(result.objects()), 1, "--trace leaves JSON alone")
    tap.contains(result.err, "after header:", "and goes to standard error")
    crlf = bench.run("check-message", "-c", "from.yaml", "-", stdin=MESSAGE.replace("\n", "\r\n").encode())
    tap.equal(crlf.out, bench.run("check-message", "-c", "from.yaml", "-", stdin=MESSAGE.encode()).out, "CRLF or LF: the same")


main(codes, contract, sessions, bad_sessions, recipients, unusable, explanation, certificates, hostile, words)
