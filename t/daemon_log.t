#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
L05: a log that is not read - syslogd's socket, the journal's, a pipe for standard error - holds up neither mail nor a stop
nor the parent. What is lost meanwhile is counted, and told when the log goes on.
"""

import collections
import fcntl
import os
import re
import select
import signal
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab.milter import parse
from lab.process import read, start, wait_for
from lab.tap import Tap
from lab.wire import Wire, passes
from milter.daemon import PROGRAM, Daemon, org
from milter.target import good

MESSAGES = 2000
KINDS = ("accept", "reject", "reject", "reject")
# A namespace in which /dev/log and the journal's socket lead into the folder $1.
NAMESPACE = ["unshare", "-m", "sh", "-ec", """
mkdir "$1/dev"; mount -t tmpfs none "$1/dev"
for file in null zero full random urandom; do : > "$1/dev/$file"; mount --bind "/dev/$file" "$1/dev/$file"; done
ln -s "$1/syslog" "$1/dev/log"; mount --rbind "$1/dev" /dev
mount -t tmpfs none /run; mkdir -p /run/systemd/journal; ln -s "$1/journal" /run/systemd/journal/socket
shift; exec "$@"
""", "sh"]


class Unread(Daemon):
    """A daemon whose log goes to a place that is read only when the test does. target: syslog, stream, journal, stderr."""

    def __init__(self, target, **config):
        super().__init__()
        self.target = target
        self.options = config
        self.configure()
        self.place = None
        self.seen = []     # lines that were read
        self.over = False
        self.reader = None

    def configure(self, **config):
        if hasattr(self, "target"):
            target = "syslog" if self.target == "stream" else self.target
            config = {"log": {"target": target, "format": "logfmt"}, **self.options, **config}
        super().configure(**config)

    def start(self, *options):
        command = [PROGRAM, "-f", "-c", self.file, *options]
        if self.target == "stderr":
            self.place, end = os.pipe()
            fcntl.fcntl(self.place, fcntl.F_SETPIPE_SZ, 4096)
            self.process = start(command, "/proc/self/fd/%d" % end)
            os.close(end)
        else:
            kind = socket.SOCK_STREAM if self.target == "stream" else socket.SOCK_DGRAM
            self.place = socket.socket(socket.AF_UNIX, kind)
            self.place.bind(os.path.join(self.root, "journal" if self.target == "journal" else "syslog"))
            if self.target == "stream":
                self.place.listen(8)
            self.process = start([*NAMESPACE, self.root, *command], self.output)
        wait_for(self.listens, "the daemon to listen")
        return self

    def __exit__(self, *what):
        self.over = True
        if self.reader:
            self.reader.join()
        super().__exit__(*what)
        if self.target == "stderr":
            os.close(self.place)
        elif self.place:
            self.place.close()

    def go_on(self):
        """Begin to read, for as long as the daemon lives."""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _pieces(self):
        """What can be read, as (source, bytes); b"" at an end of one of them."""
        sources = [self.place]
        while True:
            ready = select.select(sources, [], [], 0.05)[0]
            if not ready and self.over:
                return
            for source in ready:
                if self.target == "stream" and source is self.place:
                    sources.append(source.accept()[0])
                    continue
                data = os.read(source, 65536) if self.target == "stderr" else source.recv(65536)
                if not data:
                    sources.remove(source)
                yield source, data

    def _read(self):
        rest = collections.defaultdict(bytes)
        for source, data in self._pieces():
            if self.target in ("syslog", "journal"):
                line = next((part[8:] for part in data.split(b"\n") if part.startswith(b"MESSAGE=")), data.split(b"]: ", 1)[-1])
                self.seen.append(line.decode())
                continue
            *lines, rest[source] = (rest[source] + data).split(b"\0" if self.target == "stream" else b"\n")
            self.seen += [line.split(b"]: ", 1)[-1].decode() for line in lines]

    def lines(self, *events):
        begins = tuple("ev=%s " % event for event in events)
        return [parse(line) for line in list(self.seen) if line.startswith(begins)]

    def verdicts(self):
        """How many messages of each verdict were seen; their lines are long."""
        return collections.Counter(re.match("ev=verdict v=1 verdict=([a-z]+) ", line)[1] for line in list(self.seen)
                                   if line.startswith("ev=verdict "))


def letters():
    """Messages whose lines are long, for 8 MB of them are not many then."""
    sender = "\xe9" * 250 + "@example.com"
    accepted, refused = good(), good(lk=None)
    accepted.sender = refused.sender = sender
    long = {"{%s}" % name: "\xe8" * 256 for name in
            ("cert_subject", "cert_issuer", "cipher", "tls_version", "auth_authen", "client_name")}
    refused.macros = {**refused.macros, **long}
    return {"accept": accepted, "reject": refused}


def send_all(daemon):
    """As many messages as were answered as they should be, over a few connections at once."""
    right = collections.Counter()
    lock = threading.Lock()

    def client(numbers):
        every = letters()
        with Wire(daemon.path) as wire:
            wire.open()
            for number in numbers:
                kind = KINDS[number % len(KINDS)]
                outcome = wire.deliver(every[kind])
                with lock:
                    right[kind] += passes(outcome) == (kind == "accept")

    threads = [threading.Thread(target=client, args=(range(first, MESSAGES, 4),)) for first in (0, 1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return right


SENTENCE = {"orgs": org(reject_unless="tls and org and from and ip")}


def unread(tap, target):
    tap.prefix = target + ": "
    with Unread(target, **SENTENCE) as daemon:
        daemon.start()
        sent = collections.Counter(KINDS[number % len(KINDS)] for number in range(MESSAGES))
        tap.equal(send_all(daemon), sent, "L05 all messages go through")
        daemon.go_on()
        wait_for(lambda: [line for line in daemon.lines("warning") if "dropped" in line], "the warning that tells what was lost", 120)
        with Wire(daemon.path) as wire:
            wire.open().deliver(good(ident="the-last@example.com"))
        wait_for(lambda: any("the-last@" in line for line in daemon.seen), "the last line", 120)
        told = [line for line in daemon.lines("warning") if "dropped" in line]
        tap.equal(len(told), 1, "one line tells what was lost", told=told)
        lost = {key[len("dropped_"):]: int(value) for key, value in told[0].items() if key.startswith("dropped_")}
        tap.ok(lost.get("reject", 0) > 100 and set(lost) == {"reject"}, "refusals alone, for there are enough", lost=lost)
        tap.equal(int(told[0]["dropped"]), lost.get("reject"), "and their sum")
        seen = daemon.verdicts()
        tap.equal(seen["reject"] + lost["reject"], sent["reject"], "exactly those are missing")
        tap.equal(seen["accept"], sent["accept"] + 1, "and of the accepted ones none")
        tap.equal(len(daemon.lines("start")), 1, "events are there")
        tap.equal(daemon.stop(), 0, "it stops")
        wait_for(lambda: daemon.lines("stop"), "the last line")
        tap.ok(True, "and says so")


def stops(tap, target):
    """With nobody reading: a message in flight is finished, a filter that crashed is started again, SIGTERM works."""
    tap.prefix = target + ": "
    with Unread(target, **SENTENCE) as daemon:
        daemon.start()
        with Wire(daemon.path) as wire:
            wire.open()
            for _ in range(300):
                wire.deliver(letters()["reject"])
        first = daemon.filter_pid()
        for _ in range(8):
            os.kill(daemon.process.pid, signal.SIGHUP)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: daemon.filter_pid() != first and daemon.listens(), "another filter")
        with Wire(daemon.path) as wire:
            tap.equal(passes(wire.open().deliver(good())), True, "L05 a filter that crashed is started again")
            letter = good()
            wire.walk(letter.mail() + letter.rcpt())
            daemon.process.send_signal(signal.SIGTERM)
            wire.walk(letter.header())
            tap.equal([wire.walk(letter.eoh()), wire.walk(letter.end())], ["c", "c"], "L05 a message in flight is finished")
        tap.equal(daemon.process.wait(60), 0, "L05 SIGTERM works")
        daemon.process = None
        tap.ok(not os.path.exists(daemon.path), "and leaves no socket")
        if target in ("syslog", "journal"):
            tap.contains(read(daemon.output), "dropped=", "what is lost at the end is told on standard error")


def parent(tap):
    """What the parent could not say is said when the log goes on, not only with its next line."""
    tap.prefix = ""
    with Unread("syslog", **SENTENCE) as daemon:
        daemon.start()
        for _ in range(20):
            with Wire(daemon.path) as wire:
                wire.open().deliver(good())
        first = daemon.filter_pid()
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: daemon.filter_pid() != first and daemon.listens(), "another filter")
        daemon.go_on()
        wait_for(lambda: any("killed by signal 9" in line for line in daemon.seen), "the parent's line")
        tap.ok(True, "the parent's line is written when syslog is read again")


with Tap() as points:
    # t/unit_log has all of them, each with 8 MB.
    for place in ("stderr", "syslog"):
        points.case(unread, place)
    for place in ("stderr", "syslog", "stream", "journal"):
        points.case(stops, place)
    points.case(parent)
