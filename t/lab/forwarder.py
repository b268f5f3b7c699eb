# SPDX-License-Identifier: BSD-2-Clause
"""A listener on loopback, and one that hands on what it takes, so that a server seems to be elsewhere, or a client."""

import socket
import threading


class Listener:
    """Takes connections, each in a thread of its own, until it is stopped. serve(link) has the connection."""

    def __init__(self, host="127.0.0.1"):
        self.socket = socket.socket()
        self.socket.bind((host, 0))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                link, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def stop(self):
        self.socket.close()


class Forwarder(Listener):
    """To a port of 127.0.0.1. source: the address that its server sees, for connections made from then on."""

    def __init__(self, to, host="127.0.0.1", source="127.0.0.1"):
        self.to = to
        self.source = source
        super().__init__(host)

    def serve(self, link):
        with link:
            try:
                other = socket.create_connection(("127.0.0.1", self.to), source_address=(self.source, 0))
            except OSError:
                return
            with other:
                back = threading.Thread(target=self.pump, args=(other, link), daemon=True)
                back.start()
                self.pump(link, other)
                back.join()

    @staticmethod
    def pump(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass
