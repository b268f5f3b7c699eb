#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
sfdc-relayctl report, waiting and explain over logs that real runs of the daemon made: the numbers are those of a count of
its own, in text, JSON and page; what senders wrote stays text. REPORT=full (make check-report) takes 100,000 lines a log.
"""
import collections
import datetime
import gzip
import html
import os
import re
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lookback import HOSTILE, ORG, OTHER, mails, make_log, parse  # noqa: E402
from relayctl import main  # noqa: E402

FULL = os.environ.get("REPORT") == "full"
LINES = 100000 if FULL else 300
START = 1795900000
CHECKS = ("tls", "cert", "message", "org", "from", "envelope", "verp", "dkim", "auth", "ip", "spf", "dmarc", "limit")


def config(mode, sentence):
    def org(name, domain, **more):
        return {"mode": mode, "name": name, "domains": [domain], "reject_unless": sentence,
                "auth": {"users": ["sfuser@relay.test"]}, "ip": {"networks": ["13.110.0.0/16"], "spf": []}, **more}
    return {"orgs": {ORG: org("production", "example.com"), OTHER: org("second", "example.net")}}


LOGS = ((1, "logfmt", "enforce", "tls and message and org and from and envelope and verp and (cert or auth or ip)"),
        (2, "json", "monitor", "tls and org and from and (cert or auth)"),
        (3, "logfmt", "defer", "tls and org and from and auth"))


def stamp(number):
    return datetime.datetime.fromtimestamp(START + number * 60, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def counted(lines):
    """The independent count: {table: {name: n}}."""
    sums = collections.defaultdict(collections.Counter)
    for number, line in lines:
        one = parse(line)
        if one.get("ev") != "verdict":
            continue
        sums["all"]["messages"] += 1
        sums["verdicts"][one["verdict"]] += 1
        sums["would"][one["would"]] += 1
        sums["modes"][one["mode"]] += 1
        for check in CHECKS:
            if "r_" + check in one:
                sums["check " + check][one["r_" + check]] += 1
        for table, value in (("reasons", one.get("reason")), ("tls", one.get("tls", "none")), ("certs", one.get("cert")),
                             ("ciphers", one.get("cipher")), ("issuers", one.get("cert_issuer")), ("auth", one.get("auth")),
                             ("sf_users", one.get("sf_user")), ("sf_categories", one.get("sf_category")),
                             ("orgs", one.get("org_name", "none")), ("days", stamp(number)[:10]), ("hours", stamp(number)[:13])):
            if value is not None:
                sums[table][value] += 1
        sums["org " + one.get("org_name", "none")][one["verdict"]] += 1
        sums["all"]["tls_protected"] += one.get("tls") in ("TLSv1.2", "TLSv1.3")
        sums["all"]["recipients"] += int(one["rcpts"])
        sums["all"]["bytes"] += int(one.get("size", 0))
    return sums


def plain(table):
    return {name: row if isinstance(row, int) else row["messages"] for name, row in table.items()}


def nonzero(table):
    return {name: count for name, count in table.items() if count}


def compare_json(tap, report, sums, what):
    for key in ("messages", "tls_protected", "recipients", "bytes"):
        tap.equal(report[key], sums["all"][key], "%s: %s" % (what, key))
    for key in ("verdicts", "would", "modes"):
        tap.equal(nonzero(report[key]), dict(sums[key]), "%s: %s" % (what, key))
    for key in ("reasons", "tls", "ciphers", "certs", "issuers", "auth", "sf_users", "sf_categories", "orgs", "days", "hours"):
        if key in report["others"]:  # more names than have rows
            tap.equal(sum(plain(report[key]).values()) + report["others"][key], sum(sums[key].values()), "%s: %s with others" % (what, key))
            tap.ok(all(sums[key][name] == count for name, count in plain(report[key]).items()), "%s: each row of %s" % (what, key))
        else:
            tap.equal(plain(report[key]), dict(sums[key]), "%s: %s" % (what, key))
    for name, row in report["orgs"].items():
        tap.equal(nonzero(row["verdicts"]), dict(sums["org " + name]), "%s: verdicts of %s" % (what, name))
    tap.equal({check: report["checks"][check] for check in CHECKS}, {check: dict(sums["check " + check]) for check in CHECKS},
              "%s: checks" % what)


def compare_text(tap, text, sums, what):
    tap.equal(text.splitlines()[0].split()[0], str(sums["all"]["messages"]), what + ": messages in the text")
    for verdict, count in sums["verdicts"].items():
        tap.ok(re.search(r"^ +%d +[0-9.]+%%  %s " % (count, verdict), text, re.MULTILINE), "%s: %s in the text" % (what, verdict), text=text[:2000])
    for reason, count in sums["reasons"].most_common(5):
        tap.ok(re.search(r"^ +%d +[0-9.]+%%  %s$" % (count, reason), text, re.MULTILINE), "%s: %s in the text" % (what, reason))
    table = {row.split()[0]: row.split()[1:] for row in text.split("\nChecks\n")[1].split("\n\n")[0].splitlines()[1:]}
    order = ("pass", "skip", "fail", "none", "permerror", "temperror", "pending")
    for check in CHECKS:
        tap.equal(table[check], [str(sums["check " + check][result]) for result in order], "%s: %s in the text" % (what, check))
    tap.ok(all(len(line) <= 80 and all(32 <= ord(c) < 127 for c in line) for line in text.splitlines()), what + ": 80 columns, printable",
           wrong=[line for line in text.splitlines() if len(line) > 80])


def compare_page(tap, page, sums, what):
    tap.equal(re.search(r'id="messages">(\d+)<', page)[1], str(sums["all"]["messages"]), what + ": messages in the page")
    for verdict, count in sums["verdicts"].items():
        tap.equal(re.search(r'id="verdict-%s">(\d+)<' % verdict, page)[1], str(count), "%s: %s in the page" % (what, verdict))
    rows = {re.sub(r"<[^>]*>", "", cells[0]): cells[1:] for cells in
            (re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(<td>.*?)</tr>", page))}
    order = ("pass", "skip", "fail", "none", "permerror", "temperror", "pending")
    for check in CHECKS:
        tap.equal(rows[check], [str(sums["check " + check][result]) for result in order], "%s: %s in the page" % (what, check))
    orgs = re.search(r"<h2>Organizations</h2>.*?</table>", page, re.DOTALL)[0]
    for name, count in sums["orgs"].items():
        tap.equal(re.search(r"<td>%s</td><td>(\d+)<" % name, orgs)[1], str(count), "%s: %s in the page" % (what, name))
    tap.ok("<script" not in page and "javascript:" not in page and "http:" not in page and "src=" not in html.unescape(page).replace("<img src=x>", ""),
           what + ": no script, nothing from elsewhere")
    tap.ok("Content-Security-Policy" in page and 'lang="en"' in page and "aria-label" in page and "prefers-color-scheme:dark" in page
           and "@media print" in page, what + ": what the page declares")


def reports(tap, bench):
    for seed, form, mode, sentence in LOGS:
        lines = make_log(config(mode, sentence), mails(seed, LINES), form)
        what = "%s in %s" % (form, mode)
        numbered = list(enumerate(lines))
        stamped = ["%s relay sfdc-milter[77]: %s" % (stamp(number), line) for number, line in numbered]
        foreign = ["%s relay postfix/smtpd[1]: ev=verdict v=1 verdict=accept would=accept mode=enforce" % stamp(0), "", "other"]
        half = len(stamped) // 2
        whole = "\n".join(stamped[:half] + foreign) + "\n"
        bench.file("log.1.gz", gzip.compress(whole.encode()))
        bench.file("log", "\n".join(stamped[half:]) + "\n" + stamped[0][:150])
        sums = counted(numbered)
        result = bench.run("report", "--json", "log.1.gz", "log")
        report = result.objects()[0]
        tap.equal(result.code, 0, what + ": exit code", err=result.err)
        compare_json(tap, report, sums, what)
        tap.equal((report["skipped_lines"], report["skipped"]["foreign"], report["skipped"]["cut"], report["skipped"]["malformed"]), (4, 3, 1, 0),
                  what + ": what was passed over")
        compare_text(tap, bench.run("report", "log.1.gz", "log").out, sums, what)
        page = bench.run("report", "--html", "-", "log.1.gz", "log").out
        compare_page(tap, page, sums, what)
        stdin = bench.run("report", "--json", "-", stdin="\n".join(stamped).encode()).objects()[0]
        tap.equal((stdin["messages"], stdin["verdicts"]), (report["messages"], report["verdicts"]), what + ": standard input")
        shares(tap, bench, lines, what)
        ids(tap, bench, lines, what)
        if seed == 1:
            bench.file("kept", "\n".join(stamped) + "\n")


def shares(tap, bench, lines, what):
    """A time that cuts the log in two."""
    middle = START + (LINES // 2) * 60
    both = [bench.run("report", "--json", option, "@%d" % middle, "log.1.gz", "log").objects()[0] for option in ("--since", "--until")]
    whole = bench.run("report", "--json", "log.1.gz", "log").objects()[0]
    tap.equal(both[0]["messages"] + both[1]["messages"], whole["messages"], what + ": --since and --until part the log")
    tap.ok(both[0]["messages"] > 0 and both[1]["messages"] > 0, what + ": and neither part is empty")


def ids(tap, bench, lines, what):
    """Every way to name a message leads to it."""
    one = next(parsed for parsed in map(parse, reversed(lines)) if parsed.get("ev") == "verdict" and "why" in parsed and "msgid" in parsed)
    for name in (one["sid"], one["msgid"], one["msgid"].strip("<>")) + ((one["qid"],) if "qid" in one else ()):
        result = bench.run("explain", "--json", name, "log.1.gz", "log")
        found = result.objects()[0]
        tap.equal((result.code, found["known"], found["seen"]["sid"], [row["check"] for row in found["failed"]]),
                  (0, True, one["sid"], one["why"].split(",")), "%s: explain %s" % (what, name), err=result.err)
        tap.ok(all(row["change"] and row["meaning"] for row in found["failed"]), "%s: what would have to change" % what)
    text = bench.run("explain", one["sid"], "log.1.gz", "log").out
    tap.ok(all(check + " (" in text for check in one["why"].split(",")) and "change " in text and "\x1b" not in text, what + ": explained in words", text=text)
    tap.equal(bench.run("explain", "0123456789abcdef", "log").code, 1, what + ": no such session")


def waiting(tap, bench):
    def line(minute, verdict, msgid, sender="a@example.com", more=""):
        when = datetime.datetime.fromtimestamp(START + minute * 60, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return ('%s relay sfdc-milter[7]: ev=verdict v=1 verdict=%s would=%s mode=enforce sid=%d org=%s org_name=production from="%s" '
                '%s%sdns_q=1\n' % (when, verdict, verdict, minute, ORG, sender, 'msgid="<%s>" ' % msgid if msgid else "", more))
    refusal = "why=dkim reason=dkim-temperror "
    log = [line(0, "tempfail", "a", more=refusal), line(10, "tempfail", "a", more=refusal), line(20, "tempfail", "b", more=refusal),
           line(30, "accept", "b"), line(40, "tempfail", "c", more=refusal), line(50, "reject", "c"),
           line(60, "tempfail", None, "early@example.com", 'rcpt="x@y" why=tls reason=tls-absent '), line(70, "accept", "d", "late@example.com"),
           line(80, "tempfail", None, "gone@example.com", refusal), line(90, "accept", "e", "gone@example.com"),
           line(100, "accept", "f"), line(110, "tempfail", "f", more=refusal), line(120, "tempfail", "g", more=refusal)]
    expected = [("<a>", 2, 21), ("", 1, 22), ("<f>", 1, 23), ("<g>", 1, 23)]
    bench.file("waits", "".join(log))
    bench.file("waits.1", "".join(log[:7]))
    bench.file("waits.0", "".join(log[7:]))
    for files in (["waits"], ["waits.1", "waits.0"], ["waits.0", "waits.1"]):
        result = bench.run("waiting", "--json", "--until", "@%d" % (START + 121 * 60), *files)
        got = result.objects()[0]
        tap.equal([(one["msgid"], one["attempts"], one["hours_left"]) for one in got], expected, "what waits, in whatever order the files are given")
        tap.equal((got[0]["first"], got[0]["last"], got[0]["reason"], got[0]["org"]), (START, START + 600, "dkim-temperror", ORG), "since when, and why")
    late = bench.run("waiting", "--json", "--until", "@%d" % (START + 30 * 3600), "waits").objects()[0]
    tap.equal([one["hours_left"] for one in late], [0] * 4, "given up")
    text = bench.run("waiting", "--until", "@%d" % (START + 121 * 60), "waits")
    tap.ok(text.code == 0 and "21 hours left, 2 attempts" in text.out and "<a>" in text.out and all(len(row) <= 80 for row in text.out.splitlines()), "as text",
           out=text.out)
    tap.equal(bench.run("report", "--json", "waits").objects()[0]["waiting"][0]["msgid"], "<a>", "and in the report")


def hostile(tap, bench):
    """What others wrote stays text everywhere."""
    def quoted(value):
        out = "".join(c if 32 <= ord(c) < 127 and c != "\\" else "\\\\" if c == "\\" else "\\x%02x" % ord(c) for c in value[:256])
        return '"%s%s"' % (out.replace('"', '\\"'), "...%d" % len(value) if len(value) > 256 else "")
    rows = []
    for number, value in enumerate(HOSTILE):
        for verdict in ("accept", "reject", "tempfail"):
            rows.append("2026-11-28T10:00:%02dZ r sfdc-milter: ev=verdict v=1 verdict=%s would=%s mode=enforce sid=%d lk=%s org_name=%s from=%s hfrom=%s msgid=%s "
                        "cert=%s cert_issuer=%s auth=%s cipher=%s sf_user=%s sf_category=%s dkim_s=%s dkim_d=%s detail=%s why=org reason=%s r_org=fail dns_q=1\n"
                        % ((number, verdict, verdict, number, quoted(value)) + (quoted(value),) * 14))
        rows.append("ev=drift v=1 kind=%s org=%s value=%s reason=%s\n" % ((quoted(value),) * 4))
        rows.append("ev=warning text=x dropped=9223372036854775807 dropped_accept=9223372036854775807\n")
    bench.file("hostile", "".join(rows))
    for arguments in (["report"], ["report", "--json"], ["report", "--html", "-"], ["waiting"], ["waiting", "--json"], ["explain", "<script>alert(1)</script>", "hostile"],
                      ["report", "--suggest", "--org", ORG]):
        result = bench.run(*arguments, "hostile")
        tap.ok(result.code in (0, 1, 64) and all(c == "\n" or 32 <= ord(c) < 127 for c in result.out + result.err), "%s: printable" % arguments, code=result.code)
    page = bench.run("report", "--html", "-", "hostile").out
    tap.ok("<script" not in page and "<img" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page, "escaped in the page")
    report = bench.run("report", "--json", "hostile").objects()[0]
    tap.equal(report["lost"]["lines"], 9223372036854775807, "a sum that would overflow stops")
    tap.equal(report["messages"], len(HOSTILE) * 3, "every message is counted")


def damaged(tap, bench):
    line = "ev=verdict v=1 verdict=accept would=accept mode=enforce sid=1 dns_q=1\n"
    packed = gzip.compress((line * 1000).encode())
    bench.file("cut.gz", packed[:-20])
    bench.file("whole", line)
    bench.file("nul", b"\0" * 100000 + b"\n" + line.encode() + b"a\0" + line.encode())
    result = bench.run("report", "--json", "cut.gz", "whole")
    tap.ok(result.code == 65 and "end too early" in result.err and result.objects()[0]["skipped"]["damaged_files"] == 1 and result.objects()[0]["messages"] > 0,
           "compressed data that end too early", code=result.code, err=result.err)
    tap.equal(bench.run("report", "--json", "nul").objects()[0]["messages"], 1, "NUL bytes")
    os.symlink("loop", os.path.join(bench.path, "loop"))
    os.symlink("whole", os.path.join(bench.path, "again"))
    os.mkfifo(os.path.join(bench.path, "fifo"))
    for name, words in (("loop", "cannot be read"), ("again", "twice"), ("fifo", "FIFO"), (".", "directory"), ("none", "cannot be read")):
        result = bench.run("report", "--json", "whole", name)
        tap.ok(result.code == 65 and words in result.err and result.objects()[0]["messages"] == 1, "%s: told, and the rest is read" % name, err=result.err)
    for arguments in (["--since", "never"], ["--until", "2026-13-01"], ["--suggest"], ["--org", ORG], ["--suggest", "--org", "x"]):
        tap.equal(bench.run("report", *arguments, "whole").code, 64, "%s is wrong usage" % arguments)
    bench.file("bin/journalctl", "") if os.path.isdir(os.path.join(bench.path, "bin")) else os.mkdir(os.path.join(bench.path, "bin"))
    bench.file("bin/journalctl", "#!/bin/sh\necho \"$*\" >asked\nsed 's/.*/{\"SYSLOG_IDENTIFIER\":\"sfdc-milter\",\"__REALTIME_TIMESTAMP\":\"1795900000000000\",\"MESSAGE\":\"&\"}/' whole\n")
    os.chmod(os.path.join(bench.path, "bin/journalctl"), 0o755)
    path = {"PATH": os.path.join(bench.path, "bin") + ":" + os.environ["PATH"]}
    result = bench.run("report", "--json", "--since", "@1795800000", environment=path)
    with open(os.path.join(bench.path, "asked"), encoding="ascii") as asked:
        words = asked.read()
    tap.ok(result.objects()[0]["messages"] == 1 and "--output=json" in words and "--since=@1795800000" in words, "without files the journal is read", words=words)
    tap.equal(bench.run("report", "--json", environment={"PATH": "/nowhere"}).code, 65, "and without a journal that is said")


main(reports, waiting, hostile, damaged)
