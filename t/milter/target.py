# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under attack: it must live on in the same process, and what it and libmilter say is counted."""

import os
import re

from lab.message import message
from lab.process import free_port, read, start, stop, wait_for
from lab.wire import Closed, Letter, Wire, passes
from milter.daemon import PROGRAM, Daemon

SYSLOG_SHIM = os.path.join(os.path.dirname(PROGRAM), "t", "syslog_shim.so")
COMPLAINT = re.compile(r"^.*(?:Sanitizer|runtime error:).*$", re.M)


class Target(Daemon):
    """kind: unix or inet. wrapper: a command to run it under."""

    def __init__(self, kind="unix", wrapper=(), **config):
        self.kind = kind
        self.wrapper = list(wrapper)
        self.port = free_port() if kind == "inet" else None
        self.child = None
        self.strict = True  # what sanitizers find is not to be
        super().__init__(**config)

    @property
    def address(self):
        return self.path if self.kind == "unix" else ("127.0.0.1", self.port)

    def configure(self, **config):
        if self.kind == "inet":
            config.setdefault("socket", "inet:%d@127.0.0.1" % self.port)
        super().configure(**config)

    def start(self, *options, **environment):
        """In the foreground, until it listens; what goes to syslog(3) goes to its log as well."""
        environment.setdefault("LD_PRELOAD", SYSLOG_SHIM)
        self.process = start([*self.wrapper, PROGRAM, "-f", "-c", self.file, *options], self.output,
                             {**os.environ, **environment})
        wait_for(self.listens, "the daemon to listen")
        # An answer comes when all that is said at the start is in the log.
        with Wire(self.address) as wire:
            wire.negotiate()
        self.child = self.filter_pid()
        return self

    def __exit__(self, kind, error, trace):
        """What sanitizers find at the end, such as leaks, is an error, too."""
        if self.process:
            stop(self.process)
            self.process = None
        complaints = self.complaints()
        log = read(self.output)
        super().__exit__(kind, error, trace)
        if complaints and self.strict and kind is None:
            raise AssertionError("at its end: %s\n%s" % (complaints, log[-8000:]))

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError("the daemon ended: " + read(self.output))
        try:
            Wire(self.address).close()
        except OSError:
            return False
        return True

    def quiet(self):
        """The number of bytes logged so far, to be given to since()."""
        return len(read(self.output))

    def since(self, mark):
        """The lines logged since then."""
        return read(self.output)[mark:].splitlines()

    def await_messages(self, count):
        """Wait until that many messages have been logged."""
        wait_for(lambda: len(self.messages()) >= count, "%d messages in the log" % count)

    def descriptors(self):
        """How many files and sockets it has open."""
        return len(os.listdir("/proc/%d/fd" % self.child))

    def threads(self):
        """How many threads it has."""
        return len(os.listdir("/proc/%d/task" % self.child))

    def passes(self, letter=None):
        """Whether a message, a good one if none is given, passes on a connection of its own."""
        with Wire(self.address) as wire:
            return passes(wire.open().deliver(letter or good()))

    def revived(self):
        """Whether it takes messages, be it the same process or another one."""
        try:
            return self.passes()
        except (OSError, Closed):
            return False

    def complaints(self):
        """What sanitizers found so far."""
        return COMPLAINT.findall(read(self.output))

    def lives(self, tap, what="the daemon", letter=None):
        """Two points: it is still the same process, with nothing to complain of, and a good message passes."""
        tap.equal((self.filter_pid(), self.complaints()), (self.child, []), what + " is unharmed")
        tap.ok(self.passes(letter), what + " lets a good message pass", log="\n".join(self.since(0)[-5:]))


def good(**options):
    """A message to accept."""
    return Letter(message(**options))
