"""The MTA's side of the milter protocol, byte by byte, for what miltertest cannot or will not send."""

import socket
import struct

ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x01, 0x10, 0x20, 0x100
ACTIONS = 0x1ff
STEPS = 0x1fffff
NO_STEPS = 0x3f
LEADSPC, SKIP = 0x100000, 0x400

MACROS = {"v": "Postfix 3.7.11", "j": "relay.test", "{client_addr}": "13.110.74.200", "{client_name}": "a.mta.salesforce.com",
          "{client_resolve}": "OK", "{tls_version}": "TLSv1.3", "{cipher}": "TLS_AES_256_GCM_SHA384", "{cipher_bits}": "256"}


def strings(*texts):
    """NUL-terminated strings."""
    return b"".join(text.encode("latin-1") + b"\0" for text in texts)


class Closed(Exception):
    """The other side has closed the connection."""


class Wire:
    """One milter connection. Every step returns the answer's letter, or None where none was agreed on."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.actions = self.steps = 0
        self.symbols = {}
        self.reply = b""   # of the last answer
        self.edits = []    # what was asked for at the last end of message, in order

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def send(self, command, data=b""):
        self.raw(struct.pack("!I", len(data) + 1) + command.encode() + data)

    def _read(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.socket.recv(count - len(data))
            except ConnectionError:
                piece = b""
            if not piece:
                raise Closed()
            data += piece
        return data

    def receive(self):
        length = struct.unpack("!I", self._read(4))[0]
        data = self._read(length)
        return chr(data[0]), data[1:]

    def ended(self):
        """Whether the other side closes without a word."""
        try:
            self.receive()
        except Closed:
            return True
        return False

    def negotiate(self, version=6, actions=ACTIONS, steps=STEPS):
        self.send("O", struct.pack("!III", version, actions, steps))
        letter, data = self.receive()
        assert letter == "O", letter
        _, self.actions, self.steps = struct.unpack("!III", data[:12])
        data = data[12:]
        while data:
            stage = struct.unpack("!I", data[:4])[0]
            text, data = data[4:].split(b"\0", 1)
            self.symbols[stage] = text.decode()
        return self

    def macros(self, command, values):
        self.send("D", command.encode() + strings(*(part for pair in values.items() for part in pair)))

    def _step(self, command, data, silent):
        self.send(command, data)
        if silent and self.steps & silent:
            return None
        return self.answer()

    def answer(self):
        letter, self.reply = self.receive()
        return letter

    def connect(self, name="a.mta.salesforce.com", address="13.110.74.200", family=None):
        family = family or ("6" if ":" in address else "4")
        data = strings(name) + family.encode()
        if family != "U":
            data += struct.pack("!H", 40000) + strings(address)
        return self._step("C", data, 0x1000)

    def helo(self, name="a.mta.salesforce.com"):
        return self._step("H", strings(name), 0x2000)

    def mail(self, sender="<joe@example.com>", macros=None, **more):
        self.macros("M", {**(MACROS if macros is None else macros), **more})
        return self._step("M", strings(sender), 0x4000)

    def rcpt(self, recipient="<u@dest.test>", **macros):
        self.macros("R", {"{rcpt_mailer}": "relay", **macros})
        return self._step("R", strings(recipient), 0x8000)

    def header(self, name, value):
        space = " " if self.steps & LEADSPC else ""
        return self._step("L", strings(name, space + value), 0x80)

    def headers(self, fields=None):
        for name, value in fields if fields is not None else good_fields():
            self.header(name, value)

    def eoh(self, **macros):
        self.macros("N", {"i": "QUEUE1", **macros})
        return self._step("N", b"", 0x40000)

    def body(self, data=b"Hello\r\n"):
        return self._step("B", data, 0x80000)

    def eom(self):
        self.macros("E", {"i": "QUEUE1"})
        self.send("E")
        self.edits = []
        while True:
            letter = self.answer()
            if letter == "i":
                index = struct.unpack("!I", self.reply[:4])[0]
                self.edits.append(("insert", index, *self._pair(self.reply[4:])))
            elif letter == "m":
                index = struct.unpack("!I", self.reply[:4])[0]
                self.edits.append(("change", index, *self._pair(self.reply[4:])))
            elif letter == "q":
                self.edits.append(("quarantine", self.reply.rstrip(b"\0").decode()))
            else:
                return letter

    @staticmethod
    def _pair(data):
        name, value = data.split(b"\0")[:2]
        return name.decode(), value.decode()

    def abort(self):
        self.send("A")

    def quit(self):
        self.send("Q")

    def session(self, **options):
        """Up to and including HELO."""
        self.negotiate(**options)
        self.connect()
        self.helo()
        return self

    def message(self, fields=None, sender="<joe@example.com>", body=b"Hello\r\n", **macros):
        """A whole message; the answer that ended it."""
        for letter in (self.mail(sender, **macros), self.rcpt()):
            if letter not in (None, "c"):
                return letter
        self.headers(fields)
        letter = self.eoh()
        if letter != "c":
            return letter
        self.body(body)
        return self.eom()


def good_fields(*more, lk="00D8d000003TRx3EAG", author="joe@example.com"):
    fields = [("From", author), ("To", "u@dest.test"), ("Subject", "hello"), ("Date", "Thu, 1 Jan 2026 00:00:00 +0000"),
              ("Message-ID", "<1@example.com>")]
    if lk is not None:
        fields.append(("X-SFDC-LK", lk))
    return fields + list(more)
