# SPDX-License-Identifier: BSD-2-Clause
"""Mail servers that are wrong on purpose: each step of the SMTP dialogue and of TLS can go astray."""

import socket
import ssl
import threading
import time

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Closed(Exception):
    """The client went away, or the server wants to."""


class WrongServer:
    """
    One server at address:port. What it says can be replaced: banner, ehlo, helo, starttls, ehlo_tls, mail, rcpt: bytes, or
    "silent", or "close"; None: the usual. offers: lines of EHLO; offers_tls: those after STARTTLS. tls: "drop" ends the
    connection in place of a handshake, "garbage" sends bytes that are no TLS, "leave" ends it after the handshake.
    chain: PEM file; versions: (lowest, highest); ciphers; client: None, "ask" or "demand" a certificate, of the CA in cafile.
    implicit: TLS from the start. got: (recipient, encrypted) of every message that was taken.
    """

    def __init__(self, address, port=25, chain=None, versions=("1.2", "1.3"), ciphers=None, client=None, cafile=None, tls=None,
                 implicit=False, offers=("PIPELINING", "SIZE 20480000", "STARTTLS", "8BITMIME"), offers_tls=None, lines=1, **words):
        self.chain, self.versions, self.ciphers, self.client, self.cafile = chain, versions, ciphers, client, cafile
        self.tls, self.implicit, self.words = tls, implicit, words
        self.offers = offers
        self.offers_tls = offers_tls if offers_tls is not None else [one for one in offers if one != "STARTTLS"]
        self.got = []
        self.verbs = []
        self.lines = lines
        self.over = False
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self.over = True
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()

    def _context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers((self.ciphers or "ALL") + ":@SECLEVEL=0")
        context.minimum_version, context.maximum_version = (VERSIONS[version] for version in self.versions)
        if self.chain:
            context.load_cert_chain(self.chain)
        if self.client:
            context.load_verify_locations(self.cafile)
            context.verify_mode = ssl.CERT_REQUIRED if self.client == "demand" else ssl.CERT_OPTIONAL
        return context

    def _serve(self):
        while not self.over:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        client.settimeout(60)
        try:
            _Talk(self, client).run()
        except (Closed, OSError, ValueError, IndexError):
            pass
        finally:
            client.close()


class _Talk:
    """One connection."""

    def __init__(self, server, client):
        self.server = server
        self.client = client
        self.encrypted = False
        self.buffer = b""
        self.recipients = []

    def run(self):
        if self.server.implicit:
            self._secure()
        self._say("banner", b"220 wrong.test ESMTP\r\n")
        while True:
            line = self._line()
            verb = line.split(b" ")[0].split(b":")[0].upper().decode("latin-1")
            self.server.verbs.append(verb)
            step = getattr(self, "_" + verb.lower(), None) if verb.isalpha() else None
            if step:
                step(line)
            else:
                self._send(b"500 5.5.2 what\r\n")

    def _send(self, data):
        self.client.sendall(data)

    def _say(self, step, usual):
        words = self.server.words.get(step)
        if words == "close":
            raise Closed()
        if words == "trickle":
            while not self.server.over:
                self._send(b"2")
                time.sleep(0.05)
            raise Closed()
        if words == "silent":
            self.client.settimeout(60)
            while self.client.recv(4096):
                pass
            raise Closed()
        self._send(usual if words is None else words)
        return words is None or words[:1] in b"23"

    def _line(self):
        while b"\n" not in self.buffer:
            more = self.client.recv(65536)
            if not more:
                raise Closed()
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def _secure(self):
        self.client = self.server._context().wrap_socket(self.client, server_side=True)
        self.encrypted = True
        self.buffer = b""

    def _ehlo(self, _):
        offers = self.server.offers_tls if self.encrypted else self.server.offers
        lines = ["wrong.test"] + list(offers)
        text = "".join("250%s%s\r\n" % ("-" if i < len(lines) - 1 else " ", line) for i, line in enumerate(lines))
        self._say("ehlo_tls" if self.encrypted else "ehlo", text.encode())

    def _helo(self, _):
        self._say("helo", b"250 wrong.test\r\n")

    def _starttls(self, _):
        if not self._say("starttls", b"220 2.0.0 go\r\n"):
            return
        if self.server.tls == "drop":
            raise Closed()
        if self.server.tls == "garbage":
            self._send(b"x" * 400 + b"\r\n")
            raise Closed()
        self._secure()
        if self.server.tls == "leave":
            raise Closed()

    def _mail(self, _):
        self._say("mail_tls" if self.encrypted else "mail", b"250 2.1.0 ok\r\n")
        self.recipients = []

    def _rcpt(self, line):
        if self._say("rcpt", b"250 2.1.5 ok\r\n"):
            self.recipients.append(line.split(b"<", 1)[1].split(b">", 1)[0].decode("latin-1"))

    def _data(self, _):
        if not self.recipients:
            self._send(b"554 5.5.1 no valid recipients\r\n")
            return
        self._send(b"354 go\r\n")
        while self._line() != b".":
            pass
        self.server.got += [(recipient, self.encrypted) for recipient in self.recipients]
        self._send(b"250 2.0.0 taken\r\n")

    def _rset(self, _):
        self.recipients = []
        self._send(b"250 2.0.0 ok\r\n")

    def _noop(self, _):
        self._send(b"250 2.0.0 ok\r\n")

    def _quit(self, _):
        self._send(b"221 2.0.0 bye\r\n")
        raise Closed()
