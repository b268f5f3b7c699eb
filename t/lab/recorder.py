# SPDX-License-Identifier: BSD-2-Clause
"""Stands between an MTA and its milter, and keeps what the MTA says on each connection."""

import os
import pwd
import socket
import threading


class Said:
    def __init__(self):
        self.data = bytearray()
        self.ended = False


class Recorder:
    """A unix socket in that folder; the milter's socket is a path. Ends with the process."""

    def __init__(self, folder, milter, user="postfix"):
        self.milter = milter
        self.path = os.path.join(folder, "recorder")
        self.lock = threading.Lock()
        self.recorded = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chown(self.path, pwd.getpwnam(user).pw_uid, -1)
        self.listener.listen(20)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def postfix(self):
        return "unix:" + self.path

    @property
    def sendmail(self):
        return "local:" + self.path

    def take(self):
        """
        What was said since the last time, by connection, when all have ended: else None. Those without a message, such
        as end at XCLIENT, are left out.
        """
        with self.lock:
            if not all(said.ended for said in self.recorded):
                return None
            recorded, self.recorded = self.recorded, []
        return [bytes(said.data) for said in recorded if b"M<" in said.data]

    def _accept(self):
        while True:
            mta, _ = self.listener.accept()
            milter = socket.socket(socket.AF_UNIX)
            milter.connect(self.milter)
            said = Said()
            with self.lock:
                self.recorded.append(said)
            for source, target, record in ((mta, milter, said), (milter, mta, Said())):
                threading.Thread(target=self._pass, args=(source, target, record), daemon=True).start()

    @staticmethod
    def _pass(source, target, record):
        try:
            while True:
                data = source.recv(65536)
                record.data += data
                if not data:
                    break
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        record.ended = True
