# SPDX-License-Identifier: BSD-2-Clause
"""A private name server: nsd with one zone, the root, so that it answers for every name."""

import os
import socket

from .process import Failure, free_port, start, stop, wait_for, write

PROGRAM = "/usr/sbin/nsd"
HEAD = "$ORIGIN .\n$TTL 300\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ NS ns.test.\nns.test. A 127.0.0.1\n"


def text(value):
    """The value of a TXT record, in strings of at most 255 characters."""
    return " ".join('"%s"' % value[i:i + 255] for i in range(0, len(value), 255))


class Nameserver:
    """records: lines of a zone file, every name with its last dot. port: any that is free, if none is given."""

    def __init__(self, folder, records, port=None):
        os.mkdir(folder)
        self.port = port or free_port()
        self.folder = folder
        self.process = None
        write(os.path.join(folder, "zone"), HEAD + "\n".join(records) + "\n")
        write(os.path.join(folder, "nsd.conf"), """\
server:
  ip-address: 127.0.0.1@%d
  username: ""
  chroot: ""
  zonesdir: "%s"
  database: ""
  pidfile: ""
  xfrdfile: ""
  xfrdir: "%s"
  zonelistfile: "%s/zones.list"
  cookie-secret-file: ""
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: zone
""" % (self.port, folder, folder, folder))

    @property
    def address(self):
        """As in dns.nameservers."""
        return "127.0.0.1@%d" % self.port

    def start(self):
        log = os.path.join(self.folder, "log")
        self.process = start([PROGRAM, "-d", "-c", os.path.join(self.folder, "nsd.conf")], log)
        wait_for(self._answers, "nsd")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise Failure("nsd ended, see %s/log" % self.folder)
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None
