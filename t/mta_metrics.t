#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What is counted of mail through a real Postfix: every counter equals what was sent, exactly, and what the log says.
METRICS_MESSAGES: how many messages at least; "make check-metrics" sends 5,000.
"""

import collections
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, B, Lab, Tap, message, verp, wait_for
from lab.expect import config
from lab.laboratory import ELSEWHERE, Relay
from lab.message import STRANGER
from lab.metrics import OPENMETRICS, ask, counted, parse, samples, status
from lab.process import free_port
from milter.signed import Signer

MESSAGES = int(os.environ.get("METRICS_MESSAGES") or 1)
HEAD = "tls and message and org and from and envelope and verp and "
DKIM = HEAD + "dkim"
OTHER = {"address": ELSEWHERE, "name": "mail.sender.example", "certificate": None, "helo": "mail.sender.example"}

# What a message comes to: verdict, would, mode, org, reason ("" = none).
Fate = collections.namedtuple("Fate", "verdict would mode org reason")


def configurations(local_data):
    """One daemon for each."""
    answers = {"dns": {"local_data": local_data, "nameservers": ["127.0.0.1@9"]}, "message_timeout": 2}
    return {
        "enforce": config({A: {}, B: {"mode": "monitor"}}),
        "defer": config({A: {}}, mode="defer"),
        "monitor": config({A: {"quarantine_unless": "auth"}}, mode="monitor", monitor_floor="tls"),
        "auth": config({A: {"reject_unless": HEAD + "auth", "auth": {"users": ["sfuser"], "mechanisms": ["PLAIN"]}}}),
        "hold": config({A: {"quarantine_unless": "auth"}}),
        "dkim": config({A: {"reject_unless": DKIM}}, **answers),
        "scope": config({A: {"ip": {"networks": ["13.108.0.0/14"], "spf": []}}}, scope="salesforce"),
        "limit": config({A: {"limit": {"messages": "2/1h", "recipients": "4/1h"}}}),
        "exempt": config({A: {}}, exempt_clients=["%s/32" % ELSEWHERE]),
    }


def refused(mode, org, reason, verdict="reject", would="reject"):
    return Fate(verdict, would, mode, org, reason)


def plan(signer):
    """(relay, session, sender, message, fate) of everything that is sent in one round."""
    def signed(content, **options):
        return signer.sign(content, **options)
    good = Fate("accept", "accept", "enforce", "org0", "")
    rows = [("enforce", {}, A.address, message(), good),
            ("enforce", {}, B.address, message(B), Fate("accept", "accept", "monitor", "org1", "")),
            ("enforce", {}, "x@attack.example", message(B), Fate("accept", "reject", "monitor", "org1", "envelope-domain"))]
    for content, org, reason in (
            (message(lk=None), "none", "org-absent"), (message(lk=STRANGER.short), "none", "org-unknown"),
            (message(lk=[A.short, B.short]), "none", "org-duplicate"), (message(lk="00D"), "none", "org-malformed"),
            (message(extra=[("X-SFDCOrgRelay", B.short)]), "org0", "org-relay-mismatch"),
            (message(omit=["From"]), "org0", "from-absent"), (message(author="x@attack.example"), "org0", "from-domain"),
            (message(author="a@example.com>, <b@example.com"), "org0", "from-several"),
            (message(extra=["From: x@example.com"]), "org0", "message-duplicate"),
            (message(sender="x@attack.example"), "org0", "message-sender")):
        rows.append(("enforce", {}, A.address, content, refused("enforce", org, reason)))
    rows += [("enforce", {}, "x@attack.example", message(), refused("enforce", "org0", "envelope-domain")),
             ("enforce", {}, verp(B), message(), refused("enforce", "org0", "verp-org")),
             ("enforce", {}, verp(A, "other@example.com"), message(), refused("enforce", "org0", "verp-from")),
             ("enforce", {}, verp(A), message(), good),
             ("enforce", {"tls": None}, A.address, message(), refused("enforce", "org0", "tls-absent")),
             ("enforce", {"certificate": None, "address": ELSEWHERE}, A.address, message(),
              refused("enforce", "org0", "cert-absent"))]
    rows += [("defer", {}, A.address, message(lk=None), refused("defer", "none", "org-absent", "tempfail")),
             # Refused before the header tells whose it is.
             ("defer", {"tls": None}, A.address, message(), refused("defer", "none", "tls-absent", "tempfail"))]
    rows += [("monitor", {}, A.address, message(), Fate("accept", "quarantine", "monitor", "org0", "auth-none")),
             ("monitor", {}, A.address, message(lk=None), Fate("accept", "reject", "monitor", "none", "org-absent")),
             ("monitor", {"tls": None}, A.address, message(), refused("monitor", "org0", "tls-absent"))]
    rows += [("auth", {"user": "sfuser"}, A.address, message(), good),
             ("auth", {}, A.address, message(), refused("enforce", "none", "auth-none")),
             ("auth", {"user": "someone"}, A.address, message(), refused("enforce", "none", "auth-user")),
             ("auth", {"user": "sfuser", "mechanism": "LOGIN"}, A.address, message(),
              refused("enforce", "none", "auth-mechanism"))]
    rows += [("hold", {}, A.address, message(), Fate("quarantine", "quarantine", "enforce", "org0", "auth-none"))]
    rows += [("dkim", {}, A.address, signed(message()), good),
             ("dkim", {}, A.address, message(), refused("enforce", "org0", "dkim-none")),
             ("dkim", {}, A.address, signed(message()).replace("Thank", "Thonk"), refused("enforce", "org0", "dkim-bodyhash")),
             ("dkim", {}, A.address, signed(message(), domain="attack.example"), refused("enforce", "org0", "dkim-unaligned")),
             ("dkim", {}, A.address, signed(message(), selector="silent"),
              refused("enforce", "org0", "dns-timeout", "tempfail", "tempfail"))]
    rows += [("scope", OTHER, "x@sender.example", message(STRANGER, lk=None),
              Fate("skip", "skip", None, "none", "no-salesforce-trait")),
             ("scope", {}, verp(STRANGER), message(STRANGER), Fate("skip", "skip", None, "none", "foreign-org"))]
    rows += [("exempt", {"address": ELSEWHERE}, A.address, message(), Fate("exempt", "exempt", None, "none", None))]
    return rows


def send(lab, relays, rows, rounds):
    """Each session takes all its messages, one after the other."""
    sessions = collections.defaultdict(list)
    for name, session, sender, content, fate in rows:
        sessions[name, tuple(session.items())].append((sender, content))
    for (name, session), letters in sessions.items():
        relay = relays[name]
        count = rounds * len(letters)
        with relay.session(**dict(session)) as client:
            for _ in range(rounds):
                for sender, content in letters:
                    client.submit(sender, "user@dest.test", content)
                    client.command("RSET")
            client.quit()
        relay.milter.next(count)


def expected(rows, name, rounds):
    """What the daemon of that name should count: messages, reasons. A mode or reason that is None is any."""
    fates = [fate for relay, _, _, _, fate in rows if relay == name]
    return collections.Counter({fate: rounds * count for fate, count in collections.Counter(fates).items()})


def sums(values):
    """From /metrics: messages by (org, verdict, would, mode), and so on."""
    return {name: counted(values, "sfdc_milter_" + name) for name in
            ("messages_total", "reasons_total", "check_results_total")}


def of_log(lines):
    """The same from the lines of the log."""
    messages, reasons, results = collections.Counter(), collections.Counter(), collections.Counter()
    for line in lines:
        if line["ev"] != "verdict":
            continue
        messages[line.get("org_name", "none"), line["verdict"], line["would"], line.get("mode", "unset")] += 1
        if "reason" in line:
            reasons[(line["reason"],)] += 1
        for key, value in line.items():
            if key.startswith("r_"):
                results[key[2:], value] += 1
    return {"messages_total": dict(messages), "reasons_total": dict(reasons), "check_results_total": dict(results)}


def histograms(tap, name, values, lines):
    for metric, key in (("message_duration_seconds", "ms"), ("dns_wait_seconds", "dns_ms")):
        times = [int(line[key]) for line in lines if line["ev"] == "verdict"]
        metric = "sfdc_milter_" + metric
        tap.equal((values[metric + "_count", ()], round(values[metric + "_sum", ()] * 1000)), (len(times), sum(times)),
                  "%s: count and sum of %s" % (name, metric))
        for (found, labels), value in values.items():
            if found == metric + "_bucket" and labels[0][1] == "0.01":
                tap.equal(value, sum(time <= 10 for time in times), "%s: its bucket of 10 ms" % name)


def compare(tap, name, port, milter, rows, rounds):
    values = samples(port)
    found, lines = sums(values), milter.messages()
    for what, logged in of_log(lines).items():
        tap.equal(found[what], logged, "%s: %s is what the log says" % (name, what))
    wanted = expected(rows, name, rounds)
    sent = collections.Counter()
    for (org, verdict, would, mode), count in found["messages_total"].items():
        sent[org, verdict, would] += count
        tap.ok(mode in ("enforce", "defer", "monitor", "unset"), "%s: mode %s" % (name, mode))
    want = collections.Counter()
    for fate, count in wanted.items():
        want[fate.org, fate.verdict, fate.would] += count
    tap.equal(dict(sent), dict(want), "%s: messages are what was sent" % name)
    modes = collections.Counter(fate.mode for fate in wanted.elements() if fate.mode)
    tap.ok(all(sum(count for key, count in found["messages_total"].items() if key[3] == mode) >= number
               for mode, number in modes.items()), "%s: in the modes that they were sent in" % name)
    if all(fate.reason is not None for fate in wanted):
        reasons = collections.Counter((fate.reason,) for fate in wanted.elements() if fate.reason)
        tap.equal(found["reasons_total"], dict(reasons), "%s: reasons are those of what was sent" % name)
    histograms(tap, name, values, lines)
    told = status(port)
    for org in told["orgs"] + [told["none"]]:
        verdicts = collections.Counter()
        for (label, verdict, _, _), count in found["messages_total"].items():
            if label == org["name"]:
                verdicts[verdict] += int(count)
        tap.equal({key: value for key, value in org["messages"].items() if value}, dict(verdicts),
                  "%s: /status says the same of %s" % (name, org["name"]))
    return sum(wanted.values())


def limited(tap, relay, port):
    """Of three messages the last is more than an hour may have."""
    for _ in range(2):
        relay.send(A.address, message())
    tap.equal(counted(samples(port), "sfdc_milter_limit_used_ratio"), {("org0", "messages"): 1.0, ("org0", "recipients"): 0.5},
              "limit: how much is used")
    relay.send(A.address, message())
    tap.equal(counted(samples(port), "sfdc_milter_messages_total"),
              {("org0", "accept", "accept", "enforce"): 2, ("org0", "tempfail", "tempfail", "enforce"): 1}, "limit: verdicts")
    tap.equal(counted(samples(port), "sfdc_milter_reasons_total"), {("limit-messages",): 1}, "limit: reason")
    tap.equal(status(port)["orgs"][0]["limits"], {"messages": {"limit": "2/1h", "used": 1.0},
                                                  "recipients": {"limit": "4/1h", "used": 0.5}}, "limit: /status")


def forms(tap, name, port):
    """Both forms hold the same, are sound, and Prometheus' own tool and library agree."""
    text, opened = ask(port)[2], ask(port, accept=OPENMETRICS)[2]
    plain, families = parse(text, False)
    strict, open_families = parse(opened, True)
    moving = "process_", "sfdc_milter_dns_", "sfdc_milter_connections"
    tap.equal({key: value for key, value in plain.items() if not key[0].startswith(moving)},
              {key: value for key, value in strict.items() if not key[0].startswith(moving)}, "%s: both forms hold the same" % name)
    tap.equal(sorted(name.removesuffix("_total") if kind == "counter" else name for name, (kind, _) in families.items()),
              sorted(open_families), "%s: and the same families" % name)
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, encoding="utf-8", check=False)
    tap.equal((done.returncode, done.stdout + done.stderr), (0, ""), "%s: promtool check metrics has nothing to say" % name)
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_open
    read = {(sample.name, tuple(sample.labels.items())): sample.value for family in read_open(opened) for sample in family.samples}
    tap.equal(len(read), len(strict), "%s: prometheus_client reads the OpenMetrics form" % name)


def main():
    with Tap() as tap, Lab() as lab:
        signer = Signer(lab.root)
        os.chmod(signer.local_data, 0o644)
        server = lab.postfix()
        ports, relays = {}, {}
        for name, options in configurations(signer.local_data).items():
            ports[name] = free_port()
            milter = lab.milter({**options, "metrics": {"listen": "inet:%d@127.0.0.1" % ports[name]}}, name=name)
            relays[name] = Relay(lab, server.port(milter.postfix), milter)
        server.start()
        rows = plan(signer)
        rounds = -(-MESSAGES // len(rows))
        send(lab, relays, rows, rounds)
        total = 0
        tap.case(limited, relays.pop("limit"), ports["limit"])
        for name, relay in relays.items():
            tap.case(lambda tap, name=name, relay=relay: compare(tap, name, ports[name], relay.milter, rows, rounds))
            total += sum(expected(rows, name, rounds).values())
        tap.ok(total >= MESSAGES, "%d messages were sent" % total)
        fates = {fate.verdict for *_, fate in rows}
        tap.equal(fates, {"accept", "quarantine", "tempfail", "reject", "exempt", "skip"}, "every verdict is among them")
        for name in ("enforce", "dkim"):
            tap.case(forms, name, ports[name])


main()
