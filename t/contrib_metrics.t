#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
What reads our metrics, as contrib sets it up: Debian's Prometheus scrapes a daemon and answers every query of the dashboard,
promtool tries the alerts, the dashboard and the alerts name only what exists, and the Nagios check says what is the matter.
METRICS_SECONDS: for how long Prometheus scrapes; "make check-metrics" takes a minute.
"""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import SRCDIR
from lab.metrics import ask, parse
from lab.process import free_port, read, start, stop, wait_for, write
from lab.tap import Tap
from lab.wire import Wire
from milter.daemon import org
from milter.target import Target, good

CONTRIB = os.path.join(SRCDIR, "contrib")
SECONDS = int(os.environ.get("METRICS_SECONDS") or 0)
DASHBOARD = os.path.join(CONTRIB, "grafana/sfdc-milter.json")
RULES = os.path.join(CONTRIB, "prometheus/sfdc-milter.rules.yml")
CHECK = os.path.join(CONTRIB, "nagios/check_sfdc_milter")
# What has no sample until something of its kind has happened.
MAY_BE_EMPTY = ("sfdc_milter_log_dropped_total", "topk(10, sum by (reason)", 'result=~"fail|permerror|temperror"')


def queries():
    """(panel, query) of the dashboard, its variables filled in."""
    with open(DASHBOARD, encoding="utf-8") as file:
        dashboard = json.load(file)
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            query = target["expr"].replace("$__rate_interval", "10s" if not SECONDS else "30s")
            yield panel["title"], re.sub(r"\$(instance|org)\b", ".*", query)


def named(text):
    """Names of metrics in a query or file of rules, with the labels that are asked for."""
    for name, labels in re.findall(r"\b((?:sfdc_milter|process)_[a-z_]+)(?:\{([^}]*)\})?", text):
        yield name, set(re.findall(r"([a-z_]+) *(?:=~|!=|!~|=)", labels))


def exist(tap, port):
    values, _ = parse(ask(port)[2], False)
    known = {}
    for name, labels in values:
        known.setdefault(name, set()).update(key for key, _ in labels)
    everywhere = {"job", "instance"}
    expressions = list(queries()) + [("alerts", read(RULES)), ("templates", read(DASHBOARD))]
    for title, text in expressions:
        for name, labels in named(text):
            if name == "sfdc_milter":
                continue
            tap.ok(name in known and labels <= known[name] | everywhere, "%s: %s exists, with its labels" % (title, name),
                   labels=labels, known=known.get(name))
    used = {name for _, text in expressions for name, _ in named(text)}
    histograms = {name.rsplit("_bucket", 1)[0] for name in used}
    for name in sorted(known):
        if name.startswith("sfdc_milter_"):
            tap.ok(name in used or any(name.startswith(base) for base in histograms), "%s stands on the dashboard" % name)


def promtool(tap):
    for words in (["check", "rules", RULES], ["check", "config", os.path.join(CONTRIB, "prometheus/prometheus.yml")],
                  ["test", "rules", "sfdc-milter.test.yml", "sfdc-milter.days.test.yml"]):
        done = subprocess.run(["promtool", *words], cwd=os.path.join(CONTRIB, "prometheus"), stdin=subprocess.DEVNULL,
                              capture_output=True, encoding="utf-8", check=False)
        tap.equal(done.returncode, 0, "promtool " + " ".join(map(os.path.basename, words)), said=done.stdout + done.stderr)
    alerts = re.findall(r"alert: (\w+)", read(RULES))
    tests = "".join(read(os.path.join(CONTRIB, "prometheus", name)) for name in ("sfdc-milter.test.yml", "sfdc-milter.days.test.yml"))
    for alert in alerts:
        tap.ok(re.search(r"alertname: %s\n +exp_alerts:\n +- exp_labels" % alert, tests)
               and re.search(r"alertname: %s, exp_alerts: \[\]" % alert, tests), "%s is tried, both ways" % alert)


class Prometheus:
    """Debian's, with a folder of its own."""

    def __init__(self, root, target, interval):
        self.port = free_port()
        self.root = root
        config = os.path.join(root, "prometheus.yml")
        own = read(os.path.join(CONTRIB, "prometheus/prometheus.yml"))
        own = own.replace("127.0.0.1:9471", "127.0.0.1:%d" % target).replace("scrape_interval: 30s", "scrape_interval: %s" % interval)
        write(config, own.replace("sfdc-milter.rules.yml", RULES))
        self.process = start(["prometheus", "--config.file", config, "--storage.tsdb.path", os.path.join(root, "data"),
                              "--web.listen-address", "127.0.0.1:%d" % self.port, "--log.level", "warn"], os.path.join(root, "said"))

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/api/v1/%s?%s" % (self.port, path, query), timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            # What is no JSON says that it has not started yet.
            text = error.read().decode()
            return json.loads(text) if text.startswith("{") else {"status": text}
        except OSError as error:
            return {"status": str(error)}

    def value(self, query):
        """Of a query with one result; None: it has none."""
        found = self.ask("query", query=query).get("data", {}).get("result", [])
        return float(found[0]["value"][1]) if found else None

    def stop(self):
        stop(self.process)


def scraped(tap, target, port, root):
    prometheus = Prometheus(root, port, "5s" if SECONDS else "1s")
    sent = 0
    try:
        wait_for(lambda: prometheus.value("up") == 1, "Prometheus to scrape")
        until = time.monotonic() + SECONDS
        while sent == 0 or time.monotonic() < until:
            with Wire(target.address) as wire:
                wire.open()
                for letter in (good(), good(), good(lk=None), good(lk="00DA0000000Hu5a")):
                    wire.deliver(letter)
            sent += 2
            if SECONDS:
                time.sleep(1)
        wait_for(lambda: prometheus.value('sfdc_milter_messages_total{org="production",verdict="accept"}') == sent,
                 "Prometheus to have all %d messages" % sent)
        tap.equal(prometheus.value('sfdc_milter_messages_total{org="none",verdict="reject"}'), sent, "what is refused is there, too")
        wait_for(lambda: prometheus.value("count_over_time(up[1h])") >= 4, "Prometheus to have scraped some times")
        targets = prometheus.ask("targets")["data"]["activeTargets"]
        tap.equal([(one["health"], one["lastError"]) for one in targets], [("up", "")], "it has nothing to complain of")
        for title, query in queries():
            answer = prometheus.ask("query", query=query)
            filled = bool(answer.get("data", {}).get("result"))
            tap.ok(answer["status"] == "success" and (filled or any(part in query for part in MAY_BE_EMPTY)),
                   "dashboard: %s: %.60s" % (title, query), answer=answer, query=query)
        rules = prometheus.ask("rules")["data"]["groups"][0]["rules"]
        tap.equal({rule["health"] for rule in rules} <= {"ok", "unknown"}, True, "the alerts are evaluated", rules=rules)
        if SECONDS:
            tap.ok(prometheus.value("min_over_time(up[1m])") == 1, "in a minute no scrape failed")
            tap.equal([rule["name"] for rule in rules if rule["state"] == "firing"], [], "no alert fires")
    finally:
        prometheus.stop()


def prometheus_scrapes(tap):
    port = free_port()
    watched = {"00D4x000004z0H4EAI": {"name": "sandbox", "mode": "monitor", "domains": ["example.net"], "reject_unless": "org"}}
    with Target(orgs={**org(limit={"messages": "100000/1h"}), **watched}, metrics={"listen": "inet:%d@127.0.0.1" % port}) as target, \
            tempfile.TemporaryDirectory(prefix="sfdc-prometheus.") as root:
        target.start()
        exist(tap, port)
        scraped(tap, target, port, root)


def check(*words):
    done = subprocess.run([CHECK, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", check=False, timeout=60)
    return done.returncode, done.stdout


def nagios(tap):
    port = free_port()
    listen = {"metrics": {"listen": "inet:%d@127.0.0.1" % port}}
    with Target(**listen) as target:
        tap.equal(check("-p", port)[0], 2, "Nagios: no daemon is critical")
        target.start()
        wait_for(lambda: ask(port, "/readyz")[0] == 200, "the name server to answer")
        with Wire(target.address) as wire:
            wire.open()
            wire.deliver(good())
            wire.deliver(good(lk=None))
        code, said = check("-p", port, "-a", 24)
        tap.equal((code, said), (0, "SFDC-MILTER OK: 1 organizations, 1 messages accepted | accept=1c quarantine=0c tempfail=0c "
                                    "reject=1c waiting=0\n"), "Nagios: all is well")
        target.configure(mode="nonsense", **listen)
        target.process.send_signal(signal.SIGHUP)
        target.event("reload")
        code, said = check("-p", port)
        tap.ok(code == 1 and "the last reload failed" in said, "Nagios: a reload that failed is a warning", said=said)
        target.configure(dns={"nameservers": ["127.0.0.1@9"]}, message_timeout=2, **listen)
        target.process.send_signal(signal.SIGHUP)
        target.event("reload", 2)
        wait_for(lambda: ask(port, "/readyz")[0] == 503, "the resolver to be found dead")
        code, said = check("-p", port)
        tap.ok(code == 2 and "name servers" in said, "Nagios: no name server is critical", said=said)
        tap.equal(check("-x")[0], 3, "Nagios: wrong usage is unknown")
    with Target() as target:
        path = os.path.join(target.root, "m")
        target.configure(metrics={"listen": "unix:" + path}, orgs=org(name="a|b<c>"))
        target.start()
        wait_for(lambda: ask(path, "/readyz")[0] == 200, "the name server to answer")
        tap.equal(check("-s", path)[0], 0, "Nagios: by a unix socket")
        code, said = check("-s", path, "-a", 0.0000001)
        tap.ok(code == 1 and "a b c : no mail accepted" in said, "Nagios: no mail for so long is a warning", said=said)


def main():
    with Tap(needs_root=False) as tap:
        for function in (promtool, prometheus_scrapes, nagios):
            tap.case(function)


main()
