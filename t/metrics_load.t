#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
With 10,000 organizations a scrape holds up no message: the 99th percentile of what a message takes, with scrapes and without,
in one run. The short form looks only that mail passes while it is scraped; "make check-metrics-load" compares times.
"""

import os
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.metrics import OPENMETRICS, ask, counted, parse
from lab.process import free_port
from lab.tap import Tap
from lab.wire import Wire, passes
from milter.daemon import org
from milter.target import Target, good

LONG = bool(os.environ.get("METRICS_LOAD"))
ORGS = 10000
ROUNDS = 3
MESSAGES = 3000
# Asks again and again, as Prometheus does but 15 times as often.
SCRAPER = """
import sys, time, urllib.request
while True:
    urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%d/metrics", headers={"Accept": %r})).read()
    time.sleep(2)
"""


def ident(number):
    """The ID of one more organization, 15 characters."""
    return "00D8d%010d" % number


def many():
    orgs = {ident(number): {"name": "org%d" % number, "domains": ["org%d.test" % number], "reject_unless": "org and from"}
            for number in range(ORGS)}
    return {**org(), **orgs}


def p99(wire, count):
    letter, times = good(), []
    for _ in range(count):
        before = time.perf_counter()
        wire.deliver(letter)
        times.append(time.perf_counter() - before)
    return statistics.quantiles(times, n=100)[98]


def main():
    with Tap(needs_root=False) as tap:
        port = free_port()
        with Target(orgs=many(), metrics={"listen": "inet:%d@127.0.0.1" % port}, log={"target": "stderr", "level": "warning"}) as target:
            target.start()
            with Wire(target.address) as wire:
                wire.open()
                tap.ok(passes(wire.deliver(good())), "mail passes")
                body = ask(port, accept=OPENMETRICS)[2]
                values, _ = parse(body, True)
                tap.equal(len({labels for name, labels in values if name == "sfdc_milter_last_accepted_timestamp_seconds"}), ORGS + 1,
                          "%d organizations in %d bytes" % (ORGS + 1, len(body)))
                tap.equal(counted(values, "sfdc_milter_messages_total"), {("production", "accept", "accept", "enforce"): 1}, "one has mail")
                tap.ok(passes(wire.deliver(good())), "mail passes after a scrape")
                if not LONG:
                    return
                p99(wire, MESSAGES)
                quiet, scraped = [], []
                for _ in range(ROUNDS):
                    quiet.append(p99(wire, MESSAGES))
                    scraper = subprocess.Popen([sys.executable, "-c", SCRAPER % (port, OPENMETRICS)])
                    time.sleep(1)
                    scraped.append(p99(wire, MESSAGES))
                    scraper.kill()
                    scraper.wait()
                without, with_it = statistics.median(quiet), statistics.median(scraped)
                tap.note("microseconds without scrapes: %s" % ", ".join("%.0f" % (one * 1e6) for one in quiet))
                tap.note("microseconds with scrapes: %s" % ", ".join("%.0f" % (one * 1e6) for one in scraped))
                tap.ok(with_it <= without * 1.1, "p99 with scrapes %.0f us, without %.0f us" % (with_it * 1e6, without * 1e6))


main()
