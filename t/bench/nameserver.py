# SPDX-License-Identifier: BSD-2-Clause
"""
A resolver on loopback that knows a few records and nothing else: unbound, with a root zone of its own. Not every
contestant takes the answers of a name server that is no resolver.
"""

import os
import shutil
import socket

from lab.process import free_port, read, start, stop, wait_for, write

CONFIG = """server:
    interface: 127.0.0.1
    port: %(port)d
    do-daemonize: no
    chroot: ""
    directory: "%(root)s"
    username: ""
    pidfile: ""
    use-syslog: no
    logfile: ""
    verbosity: 0
    num-threads: 1
    module-config: "iterator"
auth-zone:
    name: "."
    zonefile: "%(root)s/zone"
    for-downstream: no
    for-upstream: yes
    fallback-enabled: no
remote-control:
    control-enable: no
"""
APEX = ". 3600 IN SOA ns.invalid. root.invalid. 1 3600 600 86400 3600\n. 3600 IN NS ns.invalid.\n"


def _quote(text):
    """A TXT record's strings, which hold 255 characters each."""
    return " ".join('"%s"' % text[at:at + 255] for at in range(0, len(text), 255))


class Nameserver:
    def __init__(self, root, records):
        self.root = os.path.join(root, "dns")
        os.mkdir(self.root, 0o700)
        self.port = free_port()
        self.output = os.path.join(self.root, "log")
        self.file = os.path.join(self.root, "unbound.conf")
        write(self.file, CONFIG % {"port": self.port, "root": self.root})
        write(os.path.join(self.root, "zone"), APEX + "".join(
            "%s. 3600 IN %s %s\n" % (name, kind, _quote(data) if kind == "TXT" else data) for name, kind, data in records))
        self.process = None

    def start(self):
        self.process = start([shutil.which("unbound", path="/usr/sbin:/usr/bin"), "-d", "-c", self.file], self.output)
        wait_for(self._answers, "the name server to answer, see " + self.output)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("unbound ended: " + read(self.output))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            asking.sendto(b"\0\1\1\0\0\1\0\0\0\0\0\0\7invalid\0\0\1\0\1", ("127.0.0.1", self.port))
            try:
                return asking.recv(512)
            except OSError:
                return False

    def stop(self):
        if self.process:
            stop(self.process)
            self.process = None
