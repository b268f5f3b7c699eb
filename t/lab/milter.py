# SPDX-License-Identifier: BSD-2-Clause
"""The daemon under test, its configuration and its log."""

import json
import os
import pwd
import re
import shlex
import signal
import socket

from .process import Failure, read, start, stop, wait_for, write

_PAIR = re.compile(r'([A-Za-z0-9_]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')


def yaml(value, indent=0):
    """A configuration as YAML. Mappings become blocks, lists stay on their line, yes and no are True and False."""
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and item:
            lines.append("%s%s:" % (" " * indent, key))
            lines.append(yaml(item, indent + 4))
        else:
            lines.append("%s%s: %s" % (" " * indent, key, _scalar(item)))
    return "\n".join(lines)


def _scalar(item):
    if isinstance(item, bool):
        return "yes" if item else "no"
    if isinstance(item, (list, tuple)):
        return "[%s]" % ", ".join(_scalar(part) for part in item)
    if isinstance(item, dict):
        return "{}"
    return json.dumps(item) if isinstance(item, str) else str(item)


def parse(line):
    """A log line as a dictionary, or None for a line that is none."""
    line = line.strip()
    if line.startswith("{"):
        try:
            return json.loads(line)
        except ValueError:
            return None
    start_at = line.find("ev=")
    if start_at < 0:
        return None
    pairs = {}
    for key, value in _PAIR.findall(line[start_at:]):
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        pairs[key] = value
    return pairs


class Milter:
    """sfdc-milter in the foreground. config: a dictionary; socket, user and log are filled in."""

    def __init__(self, program, root, config, kind="unix", port=None, wrapper=()):
        self.program = program
        self.root = root
        self.wrapper = list(wrapper)
        self.user = os.environ.get("LAB_USER", "postfix")
        os.mkdir(root, 0o755)
        os.chown(root, pwd.getpwnam(self.user).pw_uid, -1)
        self.file = os.path.join(root, "sfdc-milter.yaml")
        self.output = os.path.join(root, "log")
        if kind == "unix":
            self.path = os.path.join(root, "s")
            self.socket = "unix:" + self.path
        else:
            self.path = None
            self.address = ("127.0.0.1", port)
            self.socket = "inet:%d@127.0.0.1" % port
        self.mark = 0
        self.process = None
        self.configure(config)

    @property
    def postfix(self):
        """The socket as Postfix writes it."""
        return self.socket if self.path else "inet:127.0.0.1:%d" % self.address[1]

    @property
    def sendmail(self):
        """The socket as Sendmail writes it."""
        return "local:" + self.path if self.path else self.socket

    def configure(self, config):
        """Write the configuration; takes effect at start or reload."""
        whole = {"socket": self.socket, "socket_mode": "0660", "socket_group": "postfix", "user": self.user,
                 "log": {"target": "stderr", "format": "logfmt"},
                 "dns": {"nameservers": ["127.0.0.1@9"]}}
        if "dns" not in config:
            # Nobody listens there: what asks all the same need not wait long.
            whole["message_timeout"] = 2
        whole.update(config)
        write(self.file, yaml(whole) + "\n")

    def start(self):
        self.process = start(self.wrapper + [self.program, "-f", "-c", self.file], self.output)
        wait_for(self.listens, "the milter (%s)" % self.output)
        return self

    def listens(self):
        """Whether it answers on its socket; Failure when it has ended."""
        if self.process.poll() is not None:
            raise Failure("the milter ended: " + read(self.output))
        try:
            if self.path:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(self.path)
            else:
                socket.create_connection(self.address, 1).close()
            return True
        except OSError:
            return False

    def lines(self):
        """Every log line so far, as dictionaries."""
        return [entry for entry in map(parse, read(self.output).splitlines()) if entry]

    def raw(self, entry):
        """The line as it stands in the log."""
        return next((line for line in read(self.output).splitlines() if parse(line) == entry), "")

    def messages(self):
        """Those that speak of a message."""
        return [entry for entry in self.lines() if entry.get("ev") in ("verdict", "abort")]

    def next(self, count=1):
        """Await the next message lines not asked for yet; one of them, or a list of count."""
        def enough():
            lines = self.messages()[self.mark:]
            return lines if len(lines) >= count else None
        lines = wait_for(enough, "%d more lines in %s" % (count, self.output))[:count]
        self.mark += count
        return lines[0] if count == 1 else lines

    def event(self, name, count=1):
        """Await the count-th event of that name."""
        def found():
            events = [entry for entry in self.lines() if entry.get("ev") == name]
            return events[count - 1] if len(events) >= count else None
        return wait_for(found, "ev=%s in %s" % (name, self.output))

    def reload(self, config=None):
        """Reload, with another configuration if there is one, and await that it has happened."""
        if config is not None:
            self.configure(config)
        before = sum(1 for entry in self.lines() if entry.get("ev") == "reload")
        self.process.send_signal(signal.SIGHUP)
        return self.event("reload", before + 1)

    def ask_to_end(self):
        """Begin a shutdown without waiting for it."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self):
        """End it; its exit status. It may take the five seconds that libmilter sleeps."""
        if not self.process:
            return 0
        status = stop(self.process)
        self.process = None
        return status

    def command_line(self):
        return shlex.join(self.wrapper + [self.program, "-f", "-c", self.file])
