# SPDX-License-Identifier: BSD-2-Clause
"""The daemon as a test sees it: its files in a folder of their own, its user the one who runs the test."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from dnsserver import DnsServer
from lab.milter import parse, yaml
from lab.process import read, start, stop, wait_for, write

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.join(os.environ.get("BUILDDIR", "."), "sfdc-milter")
MILTERTEST = os.environ.get("MILTERTEST") or "miltertest"
ORG = "00D8d000003TRx3EAG"
SENTENCE = "tls and message and org and from and envelope and (cert or auth or ip)"


def org(**options):
    """One enforced organization that needs no look-up."""
    whole = {"mode": "enforce", "name": "production", "domains": ["example.com"], "reject_unless": SENTENCE,
             "auth": {"users": ["sfuser@relay.test"]}, "ip": {"networks": ["13.110.0.0/16"], "spf": []}}
    whole.update(options)
    return {ORG: whole}


class Daemon:
    """As a context manager: removes its folder, and stops what start() started."""

    def __init__(self, **config):
        self.root = tempfile.mkdtemp(prefix="sfdc-milter.")
        self.path = os.path.join(self.root, "s")
        self.file = os.path.join(self.root, "sfdc-milter.yaml")
        self.output = os.path.join(self.root, "log")
        self.process = None
        self.nameserver = DnsServer().start()  # knows no name, and says so at once
        self.configure(**config)

    def configure(self, **config):
        """Write the configuration; takes effect at start or reload."""
        whole = {"socket": "unix:" + self.path, "socket_mode": "0600", "user": pwd.getpwuid(os.geteuid()).pw_name,
                 "log": {"target": "stderr", "format": "logfmt"}, "headers": {"add_to": "all"},
                 "dns": {"nameservers": [self.nameserver.address]}, "orgs": org()}
        whole.update(config)
        write(self.file, yaml(whole) + "\n")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if self.process:
            stop(self.process)
        self.nameserver.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def start(self, *options):
        """In the foreground, until it says that it has started, and listens."""
        before = len(self.lines("start"))
        self.process = start([PROGRAM, "-f", "-c", self.file, *options], self.output)
        wait_for(lambda: self.listens() and len(self.lines("start")) > before, "the daemon to start")
        return self

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError("the daemon ended: " + read(self.output))
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.path) == 0

    def run(self, *options, **keywords):
        """Run the program to its end: exit code and what it wrote."""
        done = subprocess.run([PROGRAM, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60, check=False, **keywords)
        return done.returncode, done.stdout.decode(errors="replace")

    def lines(self, *events):
        """The log lines so far, as dictionaries; of these events, if any are named."""
        entries = [entry for entry in map(parse, read(self.output).splitlines()) if entry]
        return [entry for entry in entries if not events or entry.get("ev") in events]

    def messages(self):
        return self.lines("verdict", "abort")

    def event(self, name, count=1):
        """Await the count-th event of that name."""
        def found():
            events = self.lines(name)
            return events[count - 1] if len(events) >= count else None
        return wait_for(found, "ev=%s" % name)

    def filter_pid(self):
        """The process that does the work: the only child of the one that was started."""
        def found():
            children = read("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).split()
            return int(children[0]) if len(children) == 1 else None
        return wait_for(found, "the filter process")

    def stop(self, kind=signal.SIGTERM):
        """Its exit status."""
        self.process.send_signal(kind)
        status = self.process.wait(60)
        self.process = None
        return status

    def lua(self, tap, script, **defines):
        """Run a script of miltertest against it; each of its "ok" lines becomes a point."""
        command = [MILTERTEST, "-D", "socket=unix:" + self.path, "-D", "here=" + HERE]
        for name, value in defines.items():
            command += ["-D", "%s=%s" % (name, value)]
        done = subprocess.run(command + ["-s", os.path.join(HERE, script)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        for line in done.stdout.decode(errors="replace").splitlines():
            if line.startswith("ok - ") or line.startswith("not ok - "):
                tap.ok(line.startswith("ok"), line.split(" - ", 1)[1])
            else:
                tap.note(line)
        tap.equal(done.returncode, 0, "%s runs to its end" % script)
