# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of sfdc-relayctl share: running it, configurations, messages."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from lab.tap import Tap  # noqa: E402

PROGRAM = os.path.join(os.environ.get("BUILDDIR", "."), "sfdc-relayctl")

ORG = "00D8d000003TRx3EAG"
OTHER = "00DA0000000Hu5aMAC"

# No name server answers: no test depends on the DNS. The user is there on every machine, the socket reached by everyone.
CONFIG = """\
user: nobody
socket: inet:8891@127.0.0.1
dns: {nameservers: ["127.0.0.1@9"]}
message_timeout: 1
mode: enforce
authserv_id: relay.example.com
headers: {add_to: all}
orgs:
  00D8d000003TRx3EAG:
    name: production
    domains: [example.com]
    reject_unless: %s
    auth: {users: [sfuser@relay.example.com]}
    ip: {networks: [13.110.0.0/16], spf: []}
"""

MESSAGE = """\
From: Info <info@example.com>
To: joe@customer.example
Subject: Hello
X-SFDC-LK: 00D8d000003TRx3

Hello.
"""


class Result:
    def __init__(self, process):
        self.code = process.returncode
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")

    def objects(self):
        """One JSON object from each line; keys keep their order."""
        return [json.loads(line) for line in self.out.splitlines()]


class Bench:
    """A folder of files, and the program run in it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="relayctl.")
        self.path = self.folder.name

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.folder.cleanup()

    def file(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(os.path.join(self.path, name), mode) as out:
            out.write(content)
        return name

    def run(self, *arguments, stdin=b"", environment=None):
        return Result(subprocess.run([PROGRAM, *arguments], input=stdin, cwd=self.path, capture_output=True, timeout=60,
                                     env={**os.environ, **(environment or {})}, check=False))


def main(*cases):
    with Tap(needs_root=False) as tap, Bench() as bench:
        for case in cases:
            tap.case(case, bench)
