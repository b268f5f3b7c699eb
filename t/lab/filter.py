# SPDX-License-Identifier: BSD-2-Clause
"""Another filter beside ours: it refuses one recipient for good and takes all else."""

import struct

from .forwarder import Listener
from .wire import packet

# It wants to hear of recipients and the end of the message.
STEPS = 0x01 | 0x02 | 0x04 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200
UNANSWERED = "DAK"


class Filter(Listener):
    """Listens from the start; postfix: its socket as Postfix writes it."""

    def __init__(self, refused):
        self.refused = refused
        super().__init__()
        self.postfix = "inet:127.0.0.1:%d" % self.port

    def serve(self, link):
        with link, link.makefile("rwb") as stream:
            try:
                while self._answer(stream, self._packet(stream)):
                    pass
            except OSError:
                pass

    @staticmethod
    def _packet(stream):
        head = stream.read(4)
        return stream.read(struct.unpack("!I", head)[0]) if len(head) == 4 else b"Q"

    def _answer(self, stream, data):
        command = data[:1].decode("latin-1")
        if command in ("Q", ""):
            return False
        if command == "O":
            stream.write(packet("O", struct.pack("!III", 6, 0, STEPS)))
        elif command == "R" and data[1:].split(b"\0")[0].strip(b"<>").decode() == self.refused:
            stream.write(packet("y", b"550 5.7.1 refused by the other filter\0"))
        elif command not in UNANSWERED:
            stream.write(packet("c"))
        stream.flush()
        return True
