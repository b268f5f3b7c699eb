# SPDX-License-Identifier: BSD-2-Clause
"""A private Redis on loopback, and a client for it."""

import os
import shutil
import signal
import socket

from .process import Failure, free_port, start, stop, wait_for, write

PROGRAM = shutil.which("redis-server", path="/usr/bin:/usr/sbin:" + os.environ.get("PATH", ""))


def built():
    """Whether the programs under test can use a store."""
    with open(os.path.join(os.environ.get("BUILDDIR") or ".", "config.h"), encoding="utf-8") as file:
        return "#define HAVE_HIREDIS 1" in file.read()


class Client:
    """Speaks Redis' protocol: what is asked, and what comes of it; an error becomes a Failure."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def raw(self, command):
        self.socket.sendall(command)
        return self._reply()

    def ask(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        return self.raw(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))

    def _reply(self):
        line = self.file.readline()
        if not line:
            raise Failure("Redis has closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise Failure(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2].decode()
        return [self._reply() for _ in range(int(rest))]


class Redis:
    """folder: where its files go. tls: (certificate, key), or None. options: further lines of its configuration."""

    def __init__(self, folder, tls=None, options=()):
        os.mkdir(folder)
        self.folder = folder
        self.port = free_port()
        self.tls_port = free_port() if tls else None
        self.process = None
        lines = ["bind 127.0.0.1", "port %d" % self.port, "dir " + folder, 'save ""', "appendonly no", "daemonize no",
                 "unixsocket %s/s" % folder, "logfile %s/redis.log" % folder, *options]
        if tls:
            lines += ["tls-port %d" % self.tls_port, "tls-cert-file " + tls[0], "tls-key-file " + tls[1],
                      "tls-auth-clients no"]
        write(os.path.join(folder, "redis.conf"), "\n".join(lines) + "\n")

    @property
    def path(self):
        return os.path.join(self.folder, "s")

    def start(self):
        self.process = start([PROGRAM, os.path.join(self.folder, "redis.conf")], os.path.join(self.folder, "log"))
        wait_for(self._listens, "Redis")
        return self

    def _listens(self):
        if self.process.poll() is not None:
            raise Failure("Redis ended, see %s/redis.log" % self.folder)
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def client(self):
        return Client(self.port)

    def pause(self):
        """It holds its connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        if self.process:
            stop(self.process, signal.SIGKILL)
            self.process = None

    stop = kill
