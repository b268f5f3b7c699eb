# SPDX-License-Identifier: BSD-2-Clause
"""Conversations that were recorded from a real Postfix and a real Sendmail: make record-conversations."""

import os
import struct

from lab import A, SRCDIR
from lab.expect import config
from lab.postfix import HOSTNAME, USER

FOLDER = os.path.join(SRCDIR, "t", "conversations")
# Under this configuration they were recorded; its verdicts need no look-up.
CONFIGURATION = config({A: {"reject_unless": "tls and message and org and from and envelope and verp and (cert or auth)",
                            "auth": {"users": ["%s@%s" % (USER, HOSTNAME)]}}})


def split(data):
    """Bytes as packets, (letter, data)."""
    found = []
    while data:
        length, = struct.unpack_from("!I", data)
        found.append((chr(data[4]), data[5:4 + length]))
        data = data[4 + length:]
    return found


def recordings():
    """(name, packets) of each."""
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name), "rb") as file:
            yield name, split(file.read())
