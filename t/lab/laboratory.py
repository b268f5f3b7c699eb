# SPDX-License-Identifier: BSD-2-Clause
"""One laboratory: folder, certificates, sink, mail servers, milters; everything ends with it."""

import os
import re
import shutil
import signal
import sys
import tempfile

from .milter import Milter
from .nameserver import Nameserver
from .pki import TRUSTED, Pki
from .postfix import PASSWORD, Postfix
from .process import Failure, free_port
from .sendmail import Sendmail
from .sink import Sink
from .smtp import Client

SALESFORCE = "13.110.74.200"
SALESFORCE_NAME = TRUSTED
ELSEWHERE = "203.0.113.5"


def queue_id(reply):
    """The queue ID in the reply at end of message, of Postfix or Sendmail, or ""."""
    found = re.search(r"queued as (\w+)|^2\.0\.0 (\w+) Message accepted", reply.text)
    return found.group(1) or found.group(2) if found else ""


class Outcome:
    """What became of one message: stage and reply to the client, queue ID."""

    def __init__(self, stage, reply):
        self.stage = stage
        self.reply = reply
        self.queue_id = queue_id(reply)
        self.log = {}

    def __repr__(self):
        return "%s at %s; log: %s" % (self.reply, self.stage, self.log)


class Relay:
    """One port of a mail server with a milter of its own."""

    def __init__(self, lab, port, milter):
        self.lab = lab
        self.port = port
        self.milter = milter

    def session(self, **options):
        return self.lab.session(self.port, **options)

    def send(self, sender, message, recipients="user@dest.test", parameters=(), **session):
        """One message over a connection of its own; the outcome has the milter's log line, too."""
        outcome = self.lab.send(self.port, sender, message, recipients, parameters, **session)
        outcome.log = self.milter.next()
        return outcome

    def submit(self, client, sender, message, recipients="user@dest.test"):
        """One message over a session that is open."""
        outcome = Outcome(*client.submit(sender, recipients, message))
        outcome.log = self.milter.next()
        return outcome


class Lab:
    """Use as a context manager. The variable KEEP_LAB leaves its folder behind."""

    def __init__(self):
        self.milters = []
        self.mtas = []
        self.nameservers = []
        self.sink = None
        # What sessions call themselves that do not say; a test of what is refused early takes another, since what shows
        # that it comes from Salesforce may wait for the end of the message.
        self.client_name = SALESFORCE_NAME
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
        self.pki = None
        self.root = tempfile.mkdtemp(prefix="sfdc-lab.", dir="/tmp")

    def __enter__(self):
        try:
            os.chmod(self.root, 0o755)
            self.pki = Pki(self.folder("pki"))
            os.mkdir(self.folder("delivered"))
            self.sink = Sink(self.folder("delivered"))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def folder(self, name):
        return os.path.join(self.root, name)

    def milter(self, config, kind="unix", name=None, begin=True):
        """Start the daemon with that configuration."""
        from . import BUILDDIR
        program = os.environ.get("SFDC_MILTER") or os.path.join(BUILDDIR, "sfdc-milter")
        if not os.access(program, os.X_OK):
            raise Failure("there is no %s" % program)
        name = name or "milter%d" % len(self.milters)
        milter = Milter(program, self.folder(name), config, kind, free_port() if kind == "inet" else None)
        self.milters.append(milter)
        return milter.start() if begin else milter

    def nameserver(self, records, port=None):
        """Start a name server with these records."""
        server = Nameserver(self.folder("nsd%d" % len(self.nameservers)), records, port)
        self.nameservers.append(server)
        return server.start()

    def postfix(self, **options):
        """A Postfix that has no ports yet."""
        server = Postfix(self.folder("postfix%d" % len(self.mtas)), self.pki, self.sink.port, **options)
        self.mtas.append(server)
        return server

    def sendmail(self):
        """A Sendmail that is not started yet."""
        server = Sendmail(self.folder("sendmail%d" % len(self.mtas)), self.pki, self.sink.port)
        self.mtas.append(server)
        return server

    def relays(self, configurations, **port):
        """A Postfix with one port and one milter for each configuration; {name: Relay}."""
        server = self.postfix()
        milters = {name: self.milter(config, name=name) for name, config in configurations.items()}
        relays = {name: Relay(self, server.port(milter.postfix, **port), milter) for name, milter in milters.items()}
        server.start()
        return relays

    def session(self, port, address=SALESFORCE, name=None, helo=None, tls="1.3", certificate="trusted",
                user=None, password=PASSWORD, mechanism="PLAIN", second_ehlo=True, source=None):
        """
        A connection as Salesforce would make it, ready for MAIL. address: pretended by XCLIENT, None to be oneself.
        source: the loopback address to come from. tls: a version, True for any, None for none. certificate: its name,
        None for none. user: AUTH as it.
        """
        client = Client(port, source=source)
        name = name or self.client_name
        try:
            self._introduce(client, None if source else address, name, helo or name, tls, certificate, second_ehlo)
            if user:
                reply = client.auth(user, password, mechanism)
                if not reply.ok:
                    raise Failure("AUTH: %s" % reply)
        except BaseException:
            client.close()
            raise
        return client

    def _introduce(self, client, address, name, helo, tls, certificate, second_ehlo):
        client.ehlo(helo)
        if address:
            reply = client.xclient(address, name)
            if not reply.ok:
                raise Failure("XCLIENT: %s" % reply)
            client.ehlo(helo)
        if tls:
            reply = client.starttls(None if tls is True else tls, certificate and self.pki.path(certificate))
            if reply.code != 220:
                raise Failure("STARTTLS: %s" % reply)
            if second_ehlo:
                client.ehlo(helo)

    def send(self, port, sender, message, recipients="user@dest.test", parameters=(), **session):
        """One message over a connection of its own."""
        with self.session(port, **session) as client:
            outcome = Outcome(*client.submit(sender, recipients, message, *parameters))
            client.quit()
            return outcome

    def delivered(self, outcome):
        """The message as the next hop got it."""
        return self.sink.wait(outcome.queue_id)

    def close(self):
        """End everything, then remove the folder."""
        for server in self.mtas:
            server.stop()
        for milter in self.milters:
            milter.ask_to_end()
        for milter in self.milters:
            milter.stop()
        for server in self.nameservers:
            server.stop()
        if self.sink:
            self.sink.close()
        if os.environ.get("KEEP_LAB"):
            print("# kept: " + self.root, file=sys.stderr)
        else:
            shutil.rmtree(self.root, ignore_errors=True)
