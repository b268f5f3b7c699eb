# SPDX-License-Identifier: BSD-2-Clause
"""A mail client by hand: every step of SMTP can be taken, left out or taken wrongly."""

import base64
import socket
import ssl


class Reply:
    """One reply: code (0 when the connection ended instead), lines without the code, text of all lines."""

    def __init__(self, raw):
        self.raw = raw
        self.lines = [line[4:].decode("utf-8", "replace") for line in raw]
        self.code = int(raw[-1][:3]) if raw and raw[-1][:3].isdigit() else 0
        self.text = "\n".join(self.lines)

    def __str__(self):
        return ("%d %s" % (self.code, self.text)).strip() if self.code else "(connection closed)"

    __repr__ = __str__

    @property
    def ok(self):
        return 200 <= self.code < 400


class Client:
    """One connection. source: the local address to come from."""

    VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1, "1.2": ssl.TLSVersion.TLSv1_2,
                "1.3": ssl.TLSVersion.TLSv1_3}

    def __init__(self, port, host="127.0.0.1", source=None, timeout=60):
        self.socket = socket.create_connection((host, port), timeout, (source, 0) if source else None)
        self.stream = self.socket.makefile("rb")
        self.banner = self.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def read(self):
        """One reply, of however many lines."""
        raw = []
        while True:
            try:
                line = self.stream.readline()
            except (ConnectionError, ssl.SSLError):
                line = b""
            if not line:
                return Reply([])
            raw.append(line.rstrip(b"\r\n"))
            if line[3:4] != b"-":
                return Reply(raw)

    def send(self, data):
        """Bytes or text as they are."""
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def command(self, line):
        try:
            self.send(line + "\r\n")
        except (BrokenPipeError, ConnectionError, ssl.SSLError):
            return Reply([])
        return self.read()

    def ehlo(self, name="smtp07-ia4-sp3.mta.salesforce.com"):
        return self.command("EHLO " + name)

    def xclient(self, address, name="[UNAVAILABLE]", **attributes):
        """Pretend to be another client; needs an EHLO before and after it."""
        if ":" in address:
            address = "IPV6:" + address
        line = "XCLIENT ADDR=%s NAME=%s" % (address, name)
        return self.command(line + "".join(" %s=%s" % item for item in attributes.items()))

    def starttls(self, version=None, certificate=None):
        """STARTTLS and the handshake. version: exactly this one. certificate: PEM file with key."""
        reply = self.command("STARTTLS")
        if reply.code == 220:
            self.handshake(version, certificate)
        return reply

    def handshake(self, version=None, certificate=None, resume=None):
        """The handshake alone; ssl.SSLError when it fails. resume: what resumable() of another connection gave."""
        self.context, session = resume or (self._context(version, certificate), None)
        self.stream.close()
        self.socket = self.context.wrap_socket(self.socket, session=session)
        self.stream = self.socket.makefile("rb")

    def _context(self, version, certificate):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version:
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = self.VERSIONS[version]
        if certificate:
            context.load_cert_chain(certificate)
        return context

    def resumable(self):
        """The TLS session, for handshake() of another connection. With TLS 1.3 there is none before the first reply."""
        return self.context, self.socket.session

    def auth(self, user, password, mechanism="PLAIN"):
        if mechanism == "PLAIN":
            token = base64.b64encode(("\0%s\0%s" % (user, password)).encode()).decode()
            return self.command("AUTH PLAIN " + token)
        reply = self.command("AUTH LOGIN")
        for text in (user, password):
            if reply.code != 334:
                break
            reply = self.command(base64.b64encode(text.encode()).decode())
        return reply

    def mail(self, sender, *parameters):
        return self.command(" ".join(("MAIL FROM:<%s>" % sender,) + parameters))

    def rcpt(self, recipient):
        return self.command("RCPT TO:<%s>" % recipient)

    def data(self, message):
        """DATA and the message, which may be refused at either."""
        reply = self.command("DATA")
        return self.content(message) if reply.code == 354 else reply

    def content(self, message):
        """The message after 354: dots are stuffed, nothing else is touched."""
        if isinstance(message, str):
            message = message.encode("utf-8", "surrogateescape")
        if message.startswith(b"."):
            message = b"." + message
        message = message.replace(b"\r\n.", b"\r\n..")
        try:
            self.send(message + (b"" if message.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        except (BrokenPipeError, ConnectionError, ssl.SSLError):
            pass
        return self.read()

    def submit(self, sender, recipients, message, *parameters):
        """One message; returns (stage, reply) of the first refusal, else ("end", reply)."""
        reply = self.mail(sender, *parameters)
        if not reply.ok:
            return "mail", reply
        for recipient in [recipients] if isinstance(recipients, str) else recipients:
            reply = self.rcpt(recipient)
            if not reply.ok:
                return "rcpt", reply
        reply = self.command("DATA")
        if reply.code != 354:
            return "data", reply
        return "end", self.content(message)

    def quit(self):
        reply = self.command("QUIT")
        self.close()
        return reply

    def close(self):
        self.stream.close()
        self.socket.close()
