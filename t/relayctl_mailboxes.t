#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl check-message with many messages: files, mboxes and Maildirs, lines and summary, progress, memory."""
import base64
import gzip
import os
import pty
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from dkimsigner import Key, message, sign  # noqa: E402
from lab.process import terminal_end  # noqa: E402
from relayctl import CONFIG, MESSAGE, PROGRAM, main  # noqa: E402

FROM = b"From info@example.com Thu Nov 26 10:00:00 2026"
GOOD = MESSAGE.encode()
BAD = GOOD.replace(b"info@example.com", b"x@evil.example")

FROM_LINES = b"From here on\n\nFrom a@b.example Thu Nov 26 10:00:00 2026\n>From me\n>>From you\n> From him\nFrom\n\n\n\n"


def mboxrd(messages, end=b"\n", line=FROM):
    """As an MDA writes them."""
    out = b""
    for content in messages:
        quoted = re.sub(rb"(?m)^(>*From )", rb">\1", content)
        out += line + end + quoted + (b"" if quoted.endswith(b"\n") else end) + end
    return out


def maildir(bench, name, messages):
    for part in ("cur", "new", "tmp"):
        os.makedirs(os.path.join(bench.path, name, part))
    for i, content in enumerate(messages):
        part = "new" if i == len(messages) - 1 else "cur"
        bench.file(os.path.join(name, part, "%d.M%dP1.relay.example.com%s" % (1764151200 + i, i, ":2,S" if part == "cur" else "")), content)


def signed(key):
    """A message whose body has lines that an mbox quotes, signed over all of it."""
    fields = [(b"From", b" Info <info@example.com>"), (b"To", b" joe@customer.example"), (b"Subject", b" Hello"),
              (b"X-SFDC-LK", b" 00D8d000003TRx3")]
    body = FROM_LINES.replace(b"\n", b"\r\n")
    return message([sign(fields, body, key, d="example.com", s="s1", h="from:to:subject")] + fields, body)


def prepare(bench):
    key = Key.ed25519()
    names = ["_dmarc.example.com", "_dmarc.com", "_dmarc.evil.example", "_dmarc.example"]
    bench.file("records", 's1._domainkey.example.com. 300 IN TXT "%s"\n' % key.record + "".join('%s. 300 IN TXT "none"\n' % name for name in names))
    # Nothing is left to ask the dead name server.
    local = (CONFIG % "from and org and message").replace('["127.0.0.1@9"]', '["127.0.0.1@9"], local_data: "%s"' % os.path.join(bench.path, "records"))
    local = local.replace("headers: {add_to: all}", "headers: {add_to: none}")
    bench.file("config.yaml", local)
    bench.file("dkim.yaml", local.replace("from and org and message", "dkim"))
    bench.file("monitor.yaml", local.replace("mode: enforce", "mode: monitor"))
    return key


def objects(bench, *arguments, stdin=b""):
    result = bench.run("check-message", "--json", *arguments, stdin=stdin)
    return result.code, [{name: value for name, value in item.items() if name not in ("file", "number")} for item in result.objects()], result


def equal(tap, bench):
    """The same message alone, in an mbox and in a Maildir: the same verdict, and all else the same."""
    key = prepare(bench)
    genuine = signed(key)
    shapes = {
        "plain": GOOD, "forged": BAD, "CRLF": GOOD.replace(b"\n", b"\r\n"), "signed": genuine, "signed, LF": genuine.replace(b"\r\n", b"\n"),
        "signed, changed": genuine.replace(b"From here on", b"From there on"), "signed, a > more": genuine.replace(b"\n>From me", b"\n>>From me"),
        "no body": GOOD[:GOOD.index(b"\n\n") + 1], "an empty body": GOOD[:GOOD.index(b"\n\n") + 2], "no last line end": GOOD.rstrip(b"\n"),
        "lines of mbox": GOOD + FROM_LINES, "NUL": GOOD + b"a\0b\n", "bare CR": GOOD.replace(b"Subject: ", b"Subject: \rx"),
        "no field": GOOD.replace(b"To: joe", b"To joe"), "8 bit": GOOD.replace(b"Hello", b"H\xe4llo\xff"), "a long line": GOOD + b"x" * 1100000,
        "a long quote": GOOD + b">" * 300000 + b"From x\n", "two From:": b"From: x@evil.example\n" + GOOD, "empty lines": GOOD + b"\n\n\n\n",
        "a field From with a space": GOOD.replace(b"From:", b"From :"), "many fields": b"Received: x\n" * 2100 + GOOD,
    }
    for config in ("config.yaml", "dkim.yaml"):
        whole = {}
        for name, content in shapes.items():
            bench.file("alone.eml", content)
            whole[name] = objects(bench, "-c", config, "alone.eml")
            tap.equal(len(whole[name][1]), 1, "%s, %s: judged alone" % (config, name), err=whole[name][2].err)
        if config == "dkim.yaml":
            results = {name: value[1][0]["checks"]["dkim"]["result"] for name, value in whole.items()}
            tap.equal([name for name, value in results.items() if value == "pass"], ["signed", "signed, LF"], "the signatures that are good")
        messages = list(shapes.values())
        expected = [value[1][0] for value in whole.values()]
        worst = max(value[0] for value in whole.values())
        os.makedirs(os.path.join(bench.path, config + ".dir"))
        maildir(bench, config + ".dir/Maildir", messages)
        for name, source, stdin in (("an mbox", [bench.file("inbox", mboxrd(messages))], b""),
                                    ("an mbox with CRLF", [bench.file("inbox.crlf", mboxrd(messages, b"\r\n"))], b""),
                                    ("an mbox without dates", [bench.file("inbox.x", mboxrd(messages, line=b"From x"))], b""),
                                    ("standard input", ["-"], mboxrd(messages)), ("a Maildir", [config + ".dir/Maildir"], b"")):
            code, items, result = objects(bench, "-c", config, *source, stdin=stdin)
            tap.equal((code, len(items), result.err), (worst, len(messages), ""), "%s: %s: every message, the worst exit code" % (config, name))
            for shape, item, other in zip(shapes, items, expected):
                tap.ok(item == other, "%s: %s in %s: the same" % (config, shape, name), alone=other, there=item)


def separators(tap, bench):
    """Where a message begins, whatever its sender writes."""
    bench.file("mbox", b"")
    for name, content, verdicts in (
            ("two", mboxrd([GOOD, BAD]), ["accept", "reject"]),
            ("a Content-Length that is too long hides nothing", mboxrd([b"Content-Length: 100000\n" + GOOD, BAD]), ["accept", "reject"]),
            ("a Content-Length that is too short adds nothing", mboxrd([b"Content-Length: 1\n" + GOOD, BAD]), ["accept", "reject"]),
            ("no empty line before it", FROM + b"\n" + GOOD + FROM + b"\n" + BAD, ["accept"]),
            ("a sentence that begins with From", FROM + b"\n" + GOOD + b"\nFrom: no\n\nFrom the start we said\nX-SFDC-LK: x\n\n", ["accept"]),
            ("where no line is dated each counts", b"From a\n" + GOOD + b"\nFrom the start\n" + BAD, ["accept", "reject"]),
            ("the last without its empty line", (FROM + b"\n" + GOOD + b"\n" + FROM + b"\n" + BAD).rstrip(b"\n"), ["accept", "reject"]),
            ("an address with spaces", mboxrd([GOOD, BAD], line=b'From "a b"@c.example Thu Nov  6 10:00:00 2026 remote from x'), ["accept", "reject"]),
            ("a zone in the date", mboxrd([GOOD, BAD], line=b"From 1@xxx Sat Jan 01 12:00:00 +0000 2022"), ["accept", "reject"])):
        code, items, result = objects(bench, "-c", "config.yaml", bench.file("mbox", content))
        tap.equal([item["verdict"] for item in items], verdicts, name, err=result.err)
    numbers = [(item["file"], item["number"]) for item in bench.run("check-message", "--json", "-c", "config.yaml", bench.file("mbox", mboxrd([GOOD, BAD]))).objects()]
    tap.equal(numbers, [("mbox", 1), ("mbox", 2)], "where each stands, in JSON")
    bench.file("one.eml", GOOD)
    item = bench.run("check-message", "--json", "-c", "config.yaml", "one.eml").objects()[0]
    tap.equal((item["file"], "number" in item), ("one.eml", False), "a file that is the message has no number")


def rows(tap, bench):
    """A line for each, and the sum."""
    bench.file("good.eml", GOOD)
    bench.file("inbox", mboxrd([GOOD, BAD]) + FROM + b"\n\n" + FROM + b"\n" + GOOD.replace(b"X-SFDC-LK: 00D8d000003TRx3\n", b""))
    result = bench.run("check-message", "-c", "config.yaml", "inbox", "good.eml")
    lines = [line.split() for line in result.out.splitlines()]
    tap.equal(lines[:4], [["accept", "inbox:1"], ["reject", "from-domain", "inbox:2"], ["reject", "org-absent", "inbox:4"], ["accept", "good.eml"]],
              "a line for each", out=result.out)
    tap.equal(lines[4:], [[], ["messages", "done", "would"], ["accept", "2", "2"], ["reject", "2", "2"], ["unusable", "1"], ["all", "5"],
                          ["reasons", "org-absent", "1,", "from-domain", "1"]], "the table", out=result.out)
    tap.equal((result.code, result.err), (65, "sfdc-relayctl: inbox:3: there is no message in it\n"), "what is unusable is told, and where")
    result = bench.run("check-message", "-c", "monitor.yaml", "inbox")
    tap.contains(result.out, "accept      would reject: from-domain           inbox:2\n", "monitor mode")
    tap.ok(re.search(r"^accept +3 +1\nreject +0 +2$", result.out, re.MULTILINE), "done and would", out=result.out)
    tap.ok(all(len(line) <= 80 for line in result.out.splitlines()) and "\x1b" not in result.out, "80 columns, no color", out=result.out)
    bench.file("many.yaml", CONFIG % "from and org and tls and cert and envelope and auth")
    out = bench.run("check-message", "-c", "many.yaml", "inbox").out
    tap.contains(out, "reject      tls-absent, cert-absent, ...        inbox:1\n", "as many reasons as there is room for")
    for source in (["good.eml"], [bench.file("single", mboxrd([GOOD]))]):
        out = bench.run("check-message", "-c", "config.yaml", *source).out
        tap.ok("  verdict   accept\n" in out and "messages" not in out, "%s alone gets its block, and no table" % source[0], out=out)
    out = bench.run("check-message", "-c", "config.yaml", "--explain", "inbox").out
    tap.ok(out.count("  verdict ") == 3 and "inbox:2\n" in out and re.search("^messages ", out, re.MULTILINE), "--explain: a block for each, and the table",
           out=out[:2000])


def maildirs(tap, bench):
    maildir(bench, "M", [GOOD, BAD, GOOD])
    path = os.path.join(bench.path, "M")
    bench.file("M/cur/.hidden", "x")
    os.makedirs(os.path.join(path, ".Sent", "cur"))
    bench.file("M/.Sent/cur/1", BAD)
    bench.file("M/tmp/1", BAD)
    bench.file("M/dovecot-uidlist", "x")
    result = bench.run("check-message", "--json", "-c", "config.yaml", "M/")
    tap.equal([item["file"] for item in result.objects()], ["M/cur/1764151200.M0P1.relay.example.com:2,S", "M/cur/1764151201.M1P1.relay.example.com:2,S",
                                                           "M/new/1764151202.M2P1.relay.example.com"], "cur, then new, in order; nothing else")
    tap.equal((result.code, result.err), (1, ""), "and that is all")
    bench.file("outside.eml", BAD)
    os.symlink(os.path.join(bench.path, "outside.eml"), os.path.join(path, "cur", "0link"))
    os.symlink("/nowhere", os.path.join(path, "new", "0dangling"))
    os.mkdir(os.path.join(path, "cur", "5folder"))
    os.mkfifo(os.path.join(path, "cur", "6fifo"))
    bench.file("M/new/9empty", "")
    bench.file("M/new/8gzip", gzip.compress(GOOD))
    result = bench.run("check-message", "--json", "-c", "config.yaml", "M")
    told = [line.split(": ", 2)[1:] for line in result.err.splitlines()]
    tap.equal(told, [["M/cur/0link", "it is a symbolic link, which is not followed"], ["M/cur/5folder", "it is a directory"],
                     ["M/cur/6fifo", "it is a FIFO or pipe; name a regular file, or - for standard input"],
                     ["M/new/0dangling", "it is a symbolic link, which is not followed"],
                     ["M/new/8gzip", "it is compressed by gzip; unpack it first, as in gzip -dc FILE | sfdc-relayctl check-message -"],
                     ["M/new/9empty", "there is no message in it"]], "what is no message is told, in its place")
    tap.equal((result.code, len(result.objects())), (65, 3), "and the others are judged")
    for name, parts in (("none", ()), ("cur only", ("cur",)), ("new only", ("new",)), ("empty", ("cur", "new"))):
        for part in parts or ("",):
            os.makedirs(os.path.join(bench.path, name, part))
        result = bench.run("check-message", "-c", "config.yaml", name)
        tap.equal((result.code, result.out), (65, ""), name + ": exit 65")
        tap.contains(result.err, name + ": " + ("there is no message in this Maildir" if name == "empty" else "it is a directory, and no Maildir"), name + ": why")
    os.mkdir(os.path.join(bench.path, "linked"))
    for part in ("cur", "new"):
        os.symlink(os.path.join(path, part), os.path.join(bench.path, "linked", part))
    tap.equal(bench.run("check-message", "-c", "config.yaml", "linked").code, 65, "cur and new that are links are not followed")


def unusable(tap, bench):
    """Mailboxes that are none."""
    inbox = mboxrd([GOOD, BAD])
    for name, content, why in (("mark", b"\xef\xbb\xbf" + inbox, "UTF-8 byte order mark"), ("utf16", inbox.decode().encode("utf-16"), "UTF-16"),
                               ("cr", inbox.replace(b"\n", b"\r"), "CR alone"), ("gzip", gzip.compress(inbox), "gzip"), ("from", FROM, "no message"),
                               ("from line", FROM + b"\n", "no message"), ("big gzip", gzip.compress(base64.b64encode(os.urandom(3000000))), "gzip")):
        result = bench.run("check-message", "-c", "config.yaml", bench.file("bad", content))
        tap.ok(result.code == 65 and result.out == "" and why in result.err and result.err.count("\n") == 1, name + ": exit 65 and why", err=result.err)
    for name, part, why in (("a mark", b"\xef\xbb\xbf" + GOOD, "UTF-8 byte order mark"), ("CR alone", GOOD.replace(b"\n", b"\r"), "CR alone"),
                            ("gzip", gzip.compress(GOOD), "gzip"), ("UTF-16", GOOD.decode().encode("utf-16"), "UTF-16")):
        content = mboxrd([GOOD]) + FROM + b"\n" + part + b"\n\n" + mboxrd([BAD])
        result = bench.run("check-message", "-c", "config.yaml", "--json", bench.file("bad", content))
        tap.equal((result.code, [item["number"] for item in result.objects()]), (65, [1, 3]), "%s within an mbox: the others are judged" % name)
        tap.ok("bad:2: " in result.err and why in result.err, "%s within an mbox: told" % name, err=result.err)
    result = bench.run("check-message", "-c", "config.yaml", bench.file("nam\x1be", inbox))
    tap.ok("\x1b" not in result.out + result.err and "nam\\x1be:2" in result.out, "names are printed as the log does", out=result.out)


def on_terminal(bench, arguments, out=None, term="xterm"):
    pid, terminal = pty.fork()
    if pid == 0:
        program = os.path.abspath(PROGRAM)
        os.chdir(bench.path)
        if out:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT, 0o600), 1)
        os.execve(program, [program, "check-message", "-c", "config.yaml", *arguments], {**os.environ, "TERM": term, "COLUMNS": "80", "NO_COLOR": "1"})
    return terminal_end(pid, terminal)


def progress(tap, bench):
    bench.file("inbox", mboxrd([GOOD] * 50 + [BAD]))
    code, output = on_terminal(bench, ["inbox"], out=os.path.join(bench.path, "out"))
    with open(os.path.join(bench.path, "out"), encoding="ascii") as file:
        lines = file.read()
    percents = [int(p) for p in re.findall(r" (\d+)%", output)]
    tap.ok(percents == sorted(set(percents)) and percents[-1] == 100 and len(percents) > 40, "the bar grows to its end", output=output)
    tap.ok(all(len(frame) <= 80 for frame in output.replace("\x1b[K", "").split("\r")), "in a line", output=output)
    tap.ok(output.endswith("\r\x1b[K"), "and is taken away", end=output[-60:])
    tap.ok(lines.count("inbox:") == 51 and "\x1b" not in lines and "%" not in lines, "nothing of it in the output", code=code)
    code, output = on_terminal(bench, ["inbox"])
    shown = [line.split("\x1b[K")[-1] for line in output.replace("\r\n", "\n").split("\n")]
    tap.ok(sum("inbox:" in line for line in shown) == 51 and not [line for line in shown if "%" in line], "lines and bar keep apart", shown=shown)
    for arguments, term in ((["inbox"], "dumb"), (["--json", "inbox"], "dumb")):
        tap.ok("\x1b" not in on_terminal(bench, arguments, term=term)[1], "no bar on a dumb terminal")
    tap.equal(bench.run("check-message", "-c", "config.yaml", "inbox", environment={"TERM": "xterm"}).err, "", "nor without a terminal")


def piped(bench, pieces):
    """The peak of memory in KiB, exit code, and lines of output, when that is on standard input."""
    options = os.environ.get("ASAN_OPTIONS", "")
    process = subprocess.Popen([PROGRAM, "check-message", "-c", os.path.join(bench.path, "config.yaml"), "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, env={**os.environ, "ASAN_OPTIONS": options + ":quarantine_size_mb=1"})
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout))
    reader.start()
    for piece in pieces:
        process.stdin.write(piece)
    process.stdin.close()
    reader.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss, process.returncode, lines


def memory(tap, bench):
    """An mbox is read as it comes; one message has a limit."""
    body = b"x" * 75 + b"\n"
    small, _, _ = piped(bench, [mboxrd([GOOD + body * 4000])] * 3)
    large, code, lines = piped(bench, (mboxrd([GOOD + body * 4000]) for _ in range(300)))
    tap.equal((code, len([line for line in lines if line.startswith(b"accept ") and b"-:" in line])), (0, 300), "90 MB of messages", lines=lines[-5:])
    tap.ok(large < small + 32 * 1024, "take no more memory than three of them", small=small, large=large)

    def too_large():
        yield mboxrd([GOOD]) + FROM + b"\n" + GOOD
        for _ in range(140):
            yield body * 13900
        yield b"\n" + mboxrd([BAD])
    _, code, lines = piped(bench, too_large())
    text = b"".join(lines)
    tap.ok(code == 65 and b"-:2: it is larger than 128 MiB" in text and b"-:1\n" in text and b"-:3\n" in text, "a message of 140 MB is told, the others are judged", text=text)


def output(tap, bench):
    """What cannot be written is no success."""
    bench.file("inbox", mboxrd([GOOD] * 3))
    with open("/dev/full", "wb") as full:
        for flags in ([], ["--json"]):
            process = subprocess.run([PROGRAM, "check-message", "-c", "config.yaml", *flags, "inbox"], cwd=bench.path, stdout=full, stderr=subprocess.PIPE, check=False)
            tap.ok(process.returncode == 75 and b"cannot write" in process.stderr, "a full disk: exit 75", flags=flags, err=process.stderr)


main(equal, separators, rows, maildirs, unusable, progress, memory, output)
