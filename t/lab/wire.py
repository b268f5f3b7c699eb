# SPDX-License-Identifier: BSD-2-Clause
"""
The MTA's side of the milter protocol, packet by packet.

A Wire speaks as Postfix does: version 6, macros before each step, no wait where the filter said that it will not
answer. What Postfix would not do can be sent as well: packets() and raw() take anything, and converse() sends a whole
conversation at once and reads all answers, told apart by a model of libmilter's order of steps.
"""

import fcntl
import select
import socket
import struct
import termios
import time

VERSION = 6
ADDHDRS, CHGBODY, ADDRCPT, DELRCPT, CHGHDRS, QUARANTINE, CHGFROM, ADDRCPT_PAR, SETSYMLIST = (1 << bit for bit in range(9))
ACTIONS = 0x1ff
NEEDED = ADDHDRS | CHGHDRS | QUARANTINE
SKIP, LEADSPC = 0x400, 0x100000
STEPS = 0x1fffff
OLD_STEPS = 0x7f  # what version 2 knew
# Which bits of the protocol steps keep a step, or the answer to it, from being sent.
OMITTED = {"C": 0x01, "H": 0x02, "M": 0x04, "R": 0x08, "B": 0x10, "L": 0x20, "N": 0x40, "U": 0x100, "T": 0x200}
UNANSWERED = {"L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "N": 0x40000,
              "B": 0x80000}
DATA_MAX = 65535  # libmilter takes no more after the command's letter

CLIENT, CLIENT_NAME = "13.110.74.200", "smtp07-ia4-sp3.mta.salesforce.com"
SESSION = {"v": "Postfix 3.7.11", "j": "relay.test", "{client_addr}": CLIENT, "{client_name}": CLIENT_NAME,
           "{client_resolve}": "OK"}
TLS = {"{tls_version}": "TLSv1.3", "{cipher}": "TLS_AES_256_GCM_SHA384", "{cipher_bits}": "256"}
CERTIFICATE = {"{cert_subject}": CLIENT_NAME, "{cert_issuer}": "Test Root CA"}
AUTH = {"{auth_type}": "PLAIN", "{auth_authen}": "sfuser@relay.test"}


class Closed(Exception):
    """The filter has closed the connection."""


def text(data):
    return data if isinstance(data, bytes) else data.encode("latin-1")


def strings(*texts):
    """Each with a NUL at its end."""
    return b"".join(text(part) + b"\0" for part in texts)


def packet(command, data=b"", length=None):
    """One packet; length: what it says of itself, if not the truth."""
    return struct.pack("!I", len(data) + 1 if length is None else length) + text(command) + data


def packets(*pairs):
    """Several; each is (command, data) or a command alone."""
    return b"".join(packet(pair) if isinstance(pair, str) else packet(*pair) for pair in pairs)


def negotiation(version=VERSION, actions=ACTIONS, steps=STEPS):
    return ("O", struct.pack("!III", version, actions, steps))


def macros(command, values):
    return ("D", text(command) + strings(*(part for pair in values.items() for part in pair)))


def connect(name=CLIENT_NAME, address=CLIENT, port=40000, family=None):
    """family: the letter; "U" is a client of whom nothing is known."""
    family = family or ("6" if ":" in address else "4")
    return ("C", strings(name) + text(family) + (b"" if family == "U" else struct.pack("!H", port) + strings(address)))


def helo(name=CLIENT_NAME):
    return ("H", strings(name))


def mail(sender, *parameters):
    return ("M", strings("<%s>" % sender, *parameters))


def rcpt(recipient="user@dest.test", *parameters):
    return ("R", strings("<%s>" % recipient, *parameters))


def header(name, value, space=" "):
    return ("L", strings(name, text(space) + text(value)))


def edit(letter, data):
    """A change asked for, readable: (letter, index, name, value) of a field, (letter, reason) of a quarantine."""
    if letter in "im":
        index, = struct.unpack_from("!I", data)
        name, value = data[4:].split(b"\0")[:2]
        return letter, index, name.decode(), value.decode()
    if letter == "q":
        return letter, data.rstrip(b"\0").decode()
    return letter, data


def split(message):
    """A message text as ((name, value), ...) and body; folded lines stay as they are, with LF."""
    head, _, body = message.partition("\r\n\r\n")
    fields = []
    for line in head.split("\r\n"):
        if line[:1] in (" ", "\t") and fields:
            fields[-1][1] += "\n" + line
        elif line:
            name, _, value = line.partition(":")
            fields.append([name, value[1:] if value.startswith(" ") else value])
    return [tuple(field) for field in fields], body.encode("latin-1")


class Letter:
    """
    One message as an MTA hands it over: the packets of each of its steps. space: what stands before a field's value;
    an MTA that did not agree on LEADSPC sends none. mailers: {rcpt_mailer} of recipients for whom it is not "relay".
    """

    def __init__(self, content, sender="info@example.com", recipients=("user@dest.test",), macros=None, queue_id="4QUEUE1",
                 space=" ", mailers=None):
        self.fields, self.body = split(content)
        self.sender = sender
        self.recipients = recipients
        self.macros = {**SESSION, **TLS} if macros is None else macros
        self.queue_id = queue_id
        self.space = space
        self.mailers = mailers or {}

    def mail(self):
        return [macros("M", self.macros), mail(self.sender)]

    def rcpt(self):
        return [part for recipient in self.recipients
                for part in (macros("R", {"{rcpt_mailer}": self.mailers.get(recipient, "relay")}), rcpt(recipient))]

    def header(self):
        return [header(name, value, self.space) for name, value in self.fields]

    def eoh(self):
        return [macros("N", {"i": self.queue_id}), ("N", b"")]

    def content(self):
        return [("B", self.body[at:at + 65535]) for at in range(0, len(self.body), 65535)]

    def end(self):
        return [macros("E", {"i": self.queue_id}), ("E", b"")]

    def steps(self):
        """All of it, as Postfix sends it."""
        return self.mail() + self.rcpt() + self.header() + self.eoh() + self.content() + self.end()


OPENING = [negotiation(), connect(), helo()]


class Answers:
    """Takes bytes and gives the packets that are whole."""

    def __init__(self):
        self.data = b""

    def feed(self, data):
        self.data += data
        at = 0
        found = []
        while len(self.data) - at >= 5:
            length, = struct.unpack_from("!I", self.data, at)
            if len(self.data) - at < 4 + length:
                break
            found.append((chr(self.data[at + 4]), self.data[at + 5:at + 4 + length]))
            at += 4 + length
        self.data = self.data[at:]
        return found


class Order:
    """
    Which steps libmilter passes on, and which it answers: what can follow on what, that a step out of order ends the
    message and is then tried as if after HELO, and that a refusal other than of a recipient ends the message, too.
    """

    NEXT = {"": "O", "O": "CU", "C": "HMU", "H": "HMU", "M": "RAU", "R": "NLTBERAU", "T": "NLA", "L": "NLA", "N": "BEA",
            "B": "BEA", "E": "QMUK", "Q": "", "A": "", "U": "HMRATBUQK", "K": "CU"}
    # The steps this filter wants to be spared; libmilter looks past their places in this order of states.
    STATES = ["", "O", "C", "H", "M", "R", "T", "L", "N", "B", "E", "Q", "A", "U", "K"]
    SPARED = "TU"

    def __init__(self, steps):
        self.state = ""
        self.steps = steps

    def _can(self, command, state):
        place = self.STATES.index(state)
        while command not in self.NEXT[self.STATES[place]]:
            place += 1
            if place == len(self.STATES) or self.STATES[place] not in self.SPARED:
                return False
        return True

    def take(self, command):
        """Whether the step is taken."""
        if command == "D":
            return True
        if not self._can(command, self.state):
            self.state = "H"
            if not self._can(command, self.state):
                return False
        self.state = command
        return True

    def answered(self, command):
        """Whether a step that was taken has an answer."""
        return command not in "DAQK" and not self.steps & UNANSWERED.get(command, 0)

    def refused(self, command):
        if command not in "RU":
            self.state = "H"


class Wire:
    """One connection to the filter. address: the path of a unix socket, or (host, port)."""

    CONTINUES = ("c", "s", None)

    def __init__(self, address, timeout=60):
        unix = isinstance(address, str)
        self.socket = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        self.socket.settimeout(timeout)
        self.socket.connect(address)
        if not unix:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = Answers()
        self.waiting = []
        self.version = self.actions = self.steps = 0
        self.symbols = {}  # macros asked for, by stage
        self.reply = b""   # data of the last answer
        self.edits = []    # (letter, data) of what was asked for at the last end of message

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """End a TCP connection by a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def raw(self, data):
        """Bytes as they are; a filter that no longer reads them is no error here."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def send(self, *pairs):
        self.raw(packets(*pairs))

    def send_apart(self, data, at):
        """Bytes in two parts; the second follows when the filter has taken the first, or does not take it."""
        self.raw(data[:at])
        for _ in range(200):
            if struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0" * 4))[0] == 0:
                break
            time.sleep(0.0001)
        self.raw(data[at:])

    def exchange(self, data):
        """Send the bytes, taking answers meanwhile so that neither side waits for the other; all answers to the end."""
        found = []
        while data:
            readable, writable, _ = select.select([self.socket], [self.socket], [], self.socket.gettimeout())
            if readable:
                piece = self.socket.recv(1 << 20)
                if not piece:
                    raise Closed()
                found += self.answers.feed(piece)
            if writable:
                data = data[self.socket.send(data[:65536]):]
        return found + self.rest()

    def receive(self):
        """One answer, (letter, data)."""
        while not self.waiting:
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                raise Closed()
            self.waiting = self.answers.feed(data)
        return self.waiting.pop(0)

    def rest(self):
        """Say that nothing follows, and return all answers to the end."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        found = []
        try:
            while True:
                found.append(self.receive())
        except Closed:
            return found

    def ended(self):
        """Whether the filter closes the connection without another word."""
        try:
            self.receive()
        except Closed:
            return True
        return False

    def negotiate(self, **offer):
        self.send(negotiation(**offer))
        self.agreed(*self.receive())
        return self

    def agreed(self, letter, data):
        if letter != "O":
            raise ValueError("%s answers the negotiation" % letter)
        self.version, self.actions, self.steps = struct.unpack_from("!III", data)
        data = data[12:]
        while data:
            stage, = struct.unpack_from("!I", data)
            names, data = data[4:].split(b"\0", 1)
            self.symbols[stage] = names.decode().split()

    def open(self, name=CLIENT_NAME, address=CLIENT, **offer):
        """Up to and including HELO."""
        self.negotiate(**offer)
        self.step(connect(name, address))
        self.step(helo(name))
        return self

    def step(self, pair):
        """
        One packet; its answer's letter, or None where none was agreed on. Changes are asked for at the end of message
        alone; anywhere else their letter is an answer, and a wrong one.
        """
        command = pair[0]
        if self.steps & OMITTED.get(command, 0):
            return None
        self.send(pair)
        if command in "DAQK" or self.steps & UNANSWERED.get(command, 0):
            return None
        if command == "E":
            self.edits = []
        while True:
            letter, self.reply = self.receive()
            if command != "E" or letter not in "himq+-2bep":
                return letter
            self.edits.append((letter, self.reply))

    def walk(self, pairs):
        """Several steps, whatever is answered, for what is no whole message; the last answer as from step()."""
        answer = None
        for pair in pairs:
            answer = self.step(pair)
        return answer

    def deliver(self, letter):
        """
        A message as Postfix sends it. The result is (step, answer): the command that was answered with anything but
        "go on", or ("E", "c") for a message that passes.
        """
        skipping = False
        command = answer = None
        for pair in letter.steps():
            command = pair[0]
            if command == "B" and skipping:
                continue
            answer = self.step(pair)
            if command == "E" or answer not in self.CONTINUES:
                break
            skipping = answer == "s"
        if command != "E" and answer not in self.CONTINUES:
            self.step(("A", b""))
        return command, answer


def passes(outcome):
    """Whether an MTA would go on with the message of whose end that is the outcome."""
    return outcome in (("E", "c"), ("E", "a"))


def attribute(pairs, answers):
    """
    The answers of a filter that was sent these packets, each beside the step it answers: a list of (place, letter),
    place counting the packets. Raises ValueError when they are not as many as libmilter gives.
    """
    left = list(answers)
    found = []
    order = Order(0)
    for place, (command, *_) in enumerate(pairs):
        if not order.take(command) or not order.answered(command):
            continue
        while left and left[0][0] in "himq+-2bep":
            left.pop(0)
        if not left:
            raise ValueError("no answer to packet %d (%s)" % (place, command))
        letter, data = left.pop(0)
        if command == "O":
            order.steps = struct.unpack_from("!III", data)[2]
        found.append((place, letter))
        if letter in "yrtd4":
            order.refused(command)
    if left:
        raise ValueError("%d answers more than steps: %r" % (len(left), left[:3]))
    return found


def converse(address, pairs, timeout=60):
    """
    Send all packets without waiting, and return (place, letter) of each answer. The filter closes at the end; when it
    closes before, Closed is raised.
    """
    pairs = [(pair, b"") if isinstance(pair, str) else pair for pair in pairs]
    with Wire(address, timeout) as wire:
        answers = wire.exchange(packets(*pairs))
        return attribute(pairs, answers)
