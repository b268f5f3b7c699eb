# SPDX-License-Identifier: BSD-2-Clause
"""The next hop: takes every message and keeps it for the tests to look at."""

import email
import email.policy
import os
import re
import socketserver
import threading

from .process import TIMEOUT, Failure


class Delivered:
    """One message as it left the relay."""

    def __init__(self, sender, recipients, raw):
        self.sender = sender
        self.recipients = recipients
        self.raw = raw
        self.parsed = email.message_from_bytes(raw, policy=email.policy.compat32)

    def names(self):
        """Names of its header fields, in order."""
        return [name for name, _ in self.parsed.items()]

    def all(self, name):
        """Values of all fields of that name, unfolded."""
        return [re.sub(r"\s+", " ", str(value)).strip() for value in self.parsed.get_all(name, [])]


class _Handler(socketserver.StreamRequestHandler):
    def _say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def _content(self):
        lines = []
        for line in iter(self.rfile.readline, b""):
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
        return None

    def handle(self):
        sender, recipients = "", []
        self._say("220 sink ESMTP")
        for line in iter(self.rfile.readline, b""):
            command = line.decode("utf-8", "replace").strip()
            verb = command[:4].upper()
            if verb == "MAIL":
                sender, recipients = re.search("<(.*?)>", command).group(1), []
            elif verb == "RCPT":
                recipients.append(re.search("<(.*?)>", command).group(1))
            elif verb == "DATA":
                self._say("354 go ahead")
                raw = self._content()
                if raw is None:
                    return
                self.server.keep(Delivered(sender, recipients, raw))
            elif verb == "QUIT":
                self._say("221 bye")
                return
            if verb == "EHLO":
                self.wfile.write(b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            else:
                self._say("250 ok")


class Sink(socketserver.ThreadingTCPServer):
    """Listens on a port of its own from the start; port tells which."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, folder=None):
        """folder: where each message is kept as a file, too."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = self.server_address[1]
        self.folder = folder
        self.messages = []
        self.arrival = threading.Condition()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self.thread.start()

    def handle_error(self, request, client_address):
        """A server that is stopped drops its connections; that is no error here."""

    def keep(self, message):
        with self.arrival:
            self.messages.append(message)
            if self.folder:
                with open(os.path.join(self.folder, "%03d.eml" % len(self.messages)), "wb") as file:
                    file.write(message.raw)
            self.arrival.notify_all()

    def find(self, text):
        """The first message that holds text, or None."""
        text = text.encode()
        return next((message for message in list(self.messages) if text in message.raw), None)

    def wait(self, text, timeout=TIMEOUT):
        """Await the message that holds text, such as a queue ID or Message-ID."""
        with self.arrival:
            if not self.arrival.wait_for(lambda: self.find(text), timeout):
                raise Failure("no message with %r was delivered" % text)
            return self.find(text)

    def close(self):
        self.shutdown()
        self.server_close()
