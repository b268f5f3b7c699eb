#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl reconcile: Salesforce's Email Log, in every form, against the log of a real daemon and of made-up mail."""
import collections
import csv
import io
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab.message import message  # noqa: E402
from lab.process import read  # noqa: E402
from lab.wire import Letter, Wire  # noqa: E402
from milter.daemon import org  # noqa: E402
from milter.target import Target  # noqa: E402
from relayctl import main  # noqa: E402

# As in "Email Log Reference", and the two that exports have at their end.
COLUMNS = ["Date/Time", "Internal Message ID", "Mail Event", "Recipient", "Sender", "Remote Host", "Bytes Transferred", "User ID",
           "Message ID Header", "Retry Count", "Seconds in Queue", "Delivery Stage", "Relay Address", "TLS_Cipher", "TLS_Verified"]
DAY = 1795737600  # 2026-11-27, midnight UTC
KEYS = ["accepted", "another_way", "refused", "deferred", "refused_early", "never_arrived", "not_tried"]
HOSTILE = "$(id) </script> \x1b[31m\"\n  - \"*\"\n    mode: monitor # ,;"


def row(msgid, event, at=DAY + 3600, recipient="joe@customer.example", stage="", relay="relay.example.com"):
    return {"Date/Time": time.strftime("%-m/%d/%Y %H:%M", time.gmtime(at)), "Internal Message ID": "16/A4-20983-88E21E84", "Mail Event": event,
            "Recipient": recipient, "Sender": "info@example.com", "Remote Host": "10.0.0.1", "Bytes Transferred": "11856",
            "User ID": "00540000000rSXT", "Message ID Header": msgid, "Retry Count": "0", "Seconds in Queue": "3", "Delivery Stage": stage,
            "Relay Address": relay, "TLS_Cipher": "TLSv1.3:TLS_AES_256_GCM_SHA384", "TLS_Verified": "Verified"}


def table(rows, columns=None, **options):
    out = io.StringIO()
    writer = csv.DictWriter(out, columns or COLUMNS, extrasaction="ignore", **{"lineterminator": "\r\n", **options})
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def line(msgid, verdict, at=DAY + 3600, reason="", rcpt="", program="sfdc-milter", event="verdict"):
    def quoted(value):
        return '"%s"' % "".join("\\" + c if c in "\\\"" else c if " " <= c <= "~" else "\\x%02x" % ord(c) for c in value)

    pairs = [("ev", event), ("v", "1"), ("verdict", verdict), ("would", verdict), ("mode", "enforce"), ("sid", "1f")]
    text = " ".join("%s=%s" % pair for pair in pairs if pair[1])
    text += " rcpt=" + quoted(rcpt) if rcpt else ""
    text += " msgid=" + quoted(msgid) if msgid else ""
    text += " reason=" + reason if reason else ""
    return "%s relay %s[42]: %s\n" % (time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at)), program, text)


def joined(bench, rows, lines, *arguments, columns=None, text=None, **options):
    bench.file("email.csv", text if text is not None else table(rows, columns, **options))
    bench.file("mail.log", "".join(lines))
    return bench.run("reconcile", "--email-log", "email.csv", *arguments, "mail.log")


def outcomes(result):
    return {key: count for key, count in result.objects()[0]["outcomes"].items() if count}


def kinds(tap, bench):
    """What becomes of messages."""
    rows = [row("<a@sfdc.net>", "R"), row("<a@sfdc.net>", "D"),
            row("b@sfdc.net", "R"), row("b@sfdc.net", "P", stage="550 5.7.1 org-unknown: x"),
            row("<c@sfdc.net>", "T", stage="during RCPT TO"),
            row("<d@sfdc.net>", "T", stage="451 4.4.1 [internal] Connection Timed Out"),
            row("<e@sfdc.net>", "D", relay="192.0.2.99"),
            row("<f@sfdc.net>", "R"),
            row("<g@sfdc.net>", "P", recipient="Early@Customer.example", stage="550 5.7.1"),
            row("<h@sfdc.net>", "T"), row("<h@sfdc.net>", "D"),
            row("<i@sfdc.net>", "D"), row("<j@sfdc.net>", "P"), row("", "D"), row("<k@sfdc.net>", "?"), row("<end@sfdc.net>", "D", at=DAY + 7200)]
    lines = [line("<a@sfdc.net>", "accept"), line("<b@sfdc.net>", "reject", reason="org-unknown"), line("<c@sfdc.net>", "tempfail", reason="dns-timeout"),
             line("", "reject", rcpt="early@customer.example", reason="tls-absent"), line("<h@sfdc.net>", "tempfail"), line("<h@sfdc.net>", "accept"),
             line("<i@sfdc.net>", "reject"), line("<j@sfdc.net>", "quarantine"), line("<end@sfdc.net>", "skip", at=DAY + 7200),
             line("<forged@evil.test>", "accept", at=DAY + 5000), line("<forged2@evil.test>", "reject", at=DAY + 5000),
             line("<before@sfdc.net>", "accept", at=DAY), line("<d@sfdc.net>", "accept", program="postfix/smtpd"),
             line("<d@sfdc.net>", "", event="warning"), "<d@sfdc.net> accept\n"]
    result = joined(bench, rows, lines, "--json")
    found = result.objects()[0]
    tap.equal(list(found["outcomes"]), KEYS, "the outcomes")
    tap.equal(outcomes(result), {"accepted": 4, "another_way": 2, "refused": 1, "deferred": 1, "refused_early": 1, "never_arrived": 1, "not_tried": 2},
              "each message has one outcome", err=result.err)
    tap.equal((found["messages"], found["rows"], found["rows_without_id"], found["rows_without_event"], found["held"], found["accepted_but_failed"],
               found["only_here"], found["only_here_examples"]), (12, 16, 1, 1, 1, 1, 1, ["forged@evil.test"]), "the rest is counted")
    never = found["examples"]["never_arrived"]
    tap.equal([(m["msgid"], m["events"], m["stage"]) for m in never], [("d@sfdc.net", "T", "451 4.4.1 [internal] Connection Timed Out")],
              "what never arrived, with what Salesforce says")
    tap.equal(sorted(m["msgid"] for m in found["examples"]["another_way"]), ["e@sfdc.net", "i@sfdc.net"], "delivered, and not accepted here: another way")
    tap.equal(found["examples"]["refused"][0]["reason"], "org-unknown", "a refusal with our reason")
    tap.equal(result.code, 1, "exit status: something never arrived")
    plain = joined(bench, rows, lines)
    tap.equal((plain.code, plain.err), (1, ""), "as text")
    tap.ok(all(len(text) <= 80 for text in plain.out.splitlines()), "which fits 80 columns", out=plain.out)
    for text in ("12 messages in 16 rows", "4  accepted here", "2  delivered another way", "1  never arrived here", "by 192.0.2.99", "here: org-unknown",
                 "from 2026-11-27 01:00:00 to 2026-11-27 02:00:00 UTC"):
        tap.contains(plain.out, text, "it shows " + text)
    tap.equal(joined(bench, rows[:2], lines[:1]).code, 0, "all accepted: 0")
    tap.equal(joined(bench, rows[2:4], lines[1:2]).code, 2, "one refused: 2")
    tap.equal(joined(bench, rows[4:5], lines[2:3]).code, 2, "one deferred: 2")
    tap.equal(joined(bench, rows[:2], [lines[0], lines[9].replace("T01:23:20", "T01:00:00")]).code, 1, "one that only we have: 1")
    tap.contains(joined(bench, [row("<a@sfdc.net>", "D", at=DAY - 90000), row("<b@sfdc.net>", "D")], lines).out, "It is shorter than Salesforce's", "a log that is too short is told of")


def shapes(tap, bench):
    """The same table in every form."""
    rows = [row("<a@sfdc.net>", "D", recipient="\"x, y\"@customer.example", stage="250 2.0.0 \"Ok\",\r\nqueued\nas 1"), row("<b@sfdc.net>", "P"), row("<c@sfdc.net>", "T")]
    lines = [line("<a@sfdc.net>", "accept"), line("<b@sfdc.net>", "reject"), line("<c@sfdc.net>", "tempfail")]
    wanted = {"accepted": 1, "refused": 1, "deferred": 1}
    chance = random.Random(3)
    shuffled = COLUMNS + ["Something Else", ""]
    chance.shuffle(shuffled)
    plain = table(rows)
    forms = {
        "as it is": {}, "other order and more columns": {"columns": shuffled}, "few columns": {"columns": ["Mail Event", "Message ID Header"]},
        "all quoted": {"quoting": csv.QUOTE_ALL}, "LF": {"lineterminator": "\n"}, "semicolons": {"delimiter": ";"}, "tabs": {"delimiter": "\t"},
        "CR": {"lineterminator": "\r"}, "byte order mark": {"text": "\ufeff" + plain}, "no end of line": {"text": plain.rstrip("\r\n")},
        "empty lines": {"text": plain.replace("\r\n2026", "\r\n\r\n2026").replace("\r\n11/", "\r\n\n\r\n11/")},
        "names in capitals": {"text": plain.replace("Message ID Header", "MESSAGE_ID_HEADER").replace("Mail Event", "MAIL_EVENT")},
        "no names": {"text": plain.split("\r\n", 1)[1]},
        "events in words": {"text": plain.replace(",D,", ",D - Delivery,").replace(",P,", ",Permanent Failure,").replace(",T,", ",Transient,")},
        "a row that is too short": {"text": plain + "11/27/2026 01:00,x\r\n"}, "a NUL": {"text": plain.replace("10.0.0.1", "10.0\0.0.1")},
    }
    for name, options in forms.items():
        result = joined(bench, rows, lines, "--json", **options)
        tap.equal(outcomes(result), wanted, name, err=result.err, out=result.out)
    times = {"11/27/2026 1:00 AM": DAY + 3600, "11/27/2026 13:00": DAY + 46800, "27/11/2026 13:00:05": DAY + 46805, "2026-11-27T13:00:05Z": DAY + 46805,
             "2026-11-27 13:00:05.123": DAY + 46805, "2026-11-27T13:00:05+0130": DAY + 46805 - 5400, "2026-11-27 13:00:05 -05:00": DAY + 46805 + 18000,
             "11/27/2026 1:00 PM GMT": DAY + 46800, "27.11.2026 13:00": DAY + 46800, "2026-11-27": DAY, "11/27/2026 12:00 AM": DAY,
             "nonsense": None, "2026-13-40 13:00": None, "11/27/2026 25:00": None, "2026-02-29 10:00": None, "2026-11-27 13:00 CET": None}
    for text, wanted_time in times.items():
        result = joined(bench, [{**rows[0], "Date/Time": text}], lines, "--json")
        tap.equal(result.objects()[0]["time"], wanted_time and [wanted_time, wanted_time], "the time %s" % text)
    days = [{**row("<%d@sfdc.net>" % i, "D"), "Date/Time": text} for i, text in enumerate(("3/06/2009 13:37", "3/07/2009 13:37", "4/06/2009 13:37"))]
    tap.equal(joined(bench, days[:2], lines, "--json").objects()[0]["time"], [1236346620, 1236433020], "3/06 and 3/07: two days in March, not a month")
    tap.equal(joined(bench, days[::2], lines, "--json").objects()[0]["time"], [1244122620 - 86400, 1244122620], "3/06 and 4/06: two days in June")


def wrong(tap, bench):
    for arguments in ([], ["mail.log"], ["--email-log"], ["--no-such"], ["--email-log", "email.csv", "--port", "1"]):
        tap.equal(bench.run("reconcile", *arguments).code, 64, "%r is wrong usage" % arguments)
    bench.file("mail.log", line("<a@sfdc.net>", "accept"))
    for name, content, words in (("none", None, "No such file"), ("empty.csv", "", "no rows"), ("other.csv", "Name,Age\r\nJoe,7\r\n", "not Salesforce's Email Log"),
                                 ("z.csv.gz", b"\x1f\x8b\x08\0\0", "compressed"), ("z.zip", b"PK\3\4", "compressed"), ("wide.csv", "x".encode("utf-16"), "UTF-16")):
        if content is not None:
            bench.file(name, content)
        result = bench.run("reconcile", "--email-log", name, "mail.log")
        tap.ok((result.code, result.out) == (65, "") and words in result.err, name + " is refused", err=result.err)
    os.mkfifo(os.path.join(bench.path, "fifo"))
    tap.equal(bench.run("reconcile", "--email-log", "fifo", "mail.log").code, 65, "a FIFO is refused")
    bench.file("email.csv", table([row("<a@sfdc.net>", "D")]))
    tap.equal(bench.run("reconcile", "--email-log", "email.csv", "no.log").code, 65, "a log that cannot be read gives no numbers")
    with open(os.path.join(bench.path, "email.csv"), "rb") as file:
        tap.equal(bench.run("reconcile", "--email-log", "-", "mail.log", stdin=file.read()).code, 0, "- is standard input")
    tap.equal(outcomes(bench.run("reconcile", "--json", "--email-log", "email.csv", "--email-log", "email.csv", "mail.log")), {"accepted": 1}, "the same file twice: one message")


def hostile(tap, bench):
    """Text of others, and rows without end."""
    rows = [row(HOSTILE, "P", recipient=HOSTILE, stage=HOSTILE, relay=HOSTILE), row("<" + "x" * 3000 + "@sfdc.net>", "D"), row("<a@sfdc.net>", "D")]
    lines = [line("<a@sfdc.net>", "accept"), line("<" + "x" * 255 + "...3012", "accept")]
    for arguments in ([], ["--json"]):
        result = joined(bench, rows, lines, *arguments)
        tap.ok(all(c == "\n" or 32 <= ord(c) < 127 for c in result.out + result.err), "%r: printable" % arguments, out=result.out)
        tap.contains(result.out, "$(id) </script> \\\\x1b[31m" if arguments else "$(id) </script> \\x1b[31m", "and there as text")
        tap.ok(all(len(text) <= 80 for text in result.out.splitlines()) or arguments, "80 columns", out=result.out)
    tap.ok("mode: monitor" not in result.err, "nothing on standard error")
    large = table([row("<a@sfdc.net>", "D"), row("<b@sfdc.net>", "D", stage="y" * 400000), row("<c@sfdc.net>", "D")])
    found = joined(bench, [], [line("<%s@sfdc.net>" % c, "accept") for c in "abc"], "--json", text=large)
    tap.equal((found.objects()[0]["malformed_rows"], outcomes(found)), (1, {"accepted": 2}), "a row of 400 kB is left out and counted")
    found = joined(bench, [], [line("<a@sfdc.net>", "accept")], "--json", text=table([row("<a@sfdc.net>", "D")]) + "\"never closed," + "z" * 1000)
    tap.equal((found.objects()[0]["malformed_rows"], outcomes(found)), (1, {"accepted": 1}), "a quote that is never closed")
    found = joined(bench, [], [line("<a@sfdc.net>", "accept")], "--json", text=table([row("<a@sfdc.net>", "D")]) + "," * 1000 + "\r\n")
    tap.equal(found.objects()[0]["malformed_rows"], 1, "a thousand fields")
    for noise in (bytes(range(256)) * 20, b"\"" * 5000, b"Mail Event,Message ID\r\n" + b"\xff\xfe\0\"\r\n" * 500):
        bench.file("noise.csv", noise)
        result = bench.run("reconcile", "--email-log", "noise.csv", "mail.log")
        tap.ok(result.code in (0, 1, 2, 65) and all(c == "\n" or 32 <= ord(c) < 127 for c in result.out + result.err), "noise", code=result.code, err=result.err)


def counted(tap, bench):
    """20,000 messages against an independent count."""
    chance = random.Random(20261129)
    rows, lines, wanted = [], [], collections.Counter()
    for number in range(20000):
        msgid = "<%d.%x@sfdc.net>" % (number, chance.getrandbits(60))
        at = DAY + number * 4
        events = chance.choice(["R", "RD", "RTD", "RP", "RT", "D", "P"])
        verdicts = chance.choice([[], [], ["accept"], ["tempfail", "accept"], ["reject"], ["tempfail"], ["quarantine"]])
        rows += [row(msgid.strip("<>") if chance.random() < .5 else msgid, event, at) for event in events]
        lines += [line(msgid, verdict, at) for verdict in verdicts]
        if {"accept", "quarantine"} & set(verdicts):
            wanted["accepted"] += 1
        elif "D" in events:
            wanted["another_way"] += 1
        elif "reject" in verdicts:
            wanted["refused"] += 1
        elif verdicts:
            wanted["deferred"] += 1
        elif set(events) & set("TP"):
            wanted["never_arrived"] += 1
        else:
            wanted["not_tried"] += 1
    chance.shuffle(rows)
    result = joined(bench, rows, lines, "--json")
    tap.equal(outcomes(result), dict(wanted), "the counts are those of a simple script", err=result.err)
    tap.equal(result.objects()[0]["only_here"], 0, "and nothing is only here")


def real(tap, bench):
    """Lines as the daemon writes them: accepted, refused before the header, refused, deferred."""
    with Target(orgs=org(mode="enforce", reject_unless="tls and org and from"), log={"target": "stderr", "format": "logfmt"}) as daemon:
        daemon.start()
        with Wire(daemon.address) as wire:
            wire.open()
            wire.deliver(Letter(message(ident="good@sfdc.net")))
            wire.deliver(Letter(message(ident="other@sfdc.net", author="x@elsewhere.test")))
        with Wire(daemon.address) as wire:
            wire.open()
            wire.deliver(Letter(message(ident="clear@sfdc.net"), recipients=("clear@dest.test",), macros={}))
        daemon.await_messages(3)
        log = read(daemon.output)
    rows = [row("<good@sfdc.net>", "D"), row("<other@sfdc.net>", "P"), row("<clear@sfdc.net>", "P", recipient="clear@dest.test"), row("<lost@sfdc.net>", "T")]
    result = joined(bench, rows, [log], "--json")
    tap.equal(outcomes(result), {"accepted": 1, "refused": 1, "refused_early": 1, "never_arrived": 1}, "the daemon's own lines are joined", out=result.out, log=log[-2000:])


main(kinds, shapes, wrong, hostile, counted, real)
