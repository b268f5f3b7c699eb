# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of looking back share: mail of many kinds, as sessions and messages, sent through the daemon for its log."""
import json
import os
import random
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "milter"))
from daemon import Daemon  # noqa: E402
from lab.process import read, wait_for  # noqa: E402
from lab.wire import Letter, Wire  # noqa: E402

ORG, OTHER, UNSERVED = "00D8d000003TRx3EAG", "00DA0000000Hu5aMAC", "00D4x000004z0H4EAI"
HOSTS = ["smtp07-ia4-sp3.mta.salesforce.com", "smtp-x.core2.sfdc-lywfpd.mta.salesforce.com", "evil.example"]
CLIENTS = ["13.110.74.200", "13.110.14.214", "161.71.6.232", "192.0.2.7", "2001:db8::7", "127.0.0.1"]
AUTHORS = ["info@example.com", "Info <info@example.com>", "sales@shop.example.com", "a@example.net", "evil@evil.example",
           "a@example.com, b@example.com", "nobody", "x@00D8d000003TRx3.sfcustomeremail.com", "\"q q\"@example.com"]
SENDERS = ["info@example.com", "", "info=example.com__9m4v@mmh2.8d-3trx3eag.na63.bnc.salesforce.com", "evil@evil.example",
           "other=example.net__9m4v@mmh2.a-hu5amac.na63.bnc.salesforce.com", "a@example.net", "not an address"]
LKS = [[ORG[:15]], [ORG[:15]], [ORG], [OTHER[:15]], [UNSERVED[:15]], [], [ORG[:15], ORG[:15]], ["00D"], [""]]
HOSTILE = ["<script>alert(1)</script>", "$(id)", "\x1b[31mred", "'\"><img src=x>", "a: b\n  mode: enforce", "x" * 400]


class Mail:
    """One message and the session that brings it."""

    def __init__(self, rng, number):
        self.number = number
        usual = rng.random() < 0.5
        pick = (lambda choices: choices[0]) if usual else rng.choice
        self.session = {"mta": "postfix", "client_ip": pick(CLIENTS), "client_name": pick(HOSTS), "helo": pick(HOSTS)}
        if usual or rng.random() < 0.8:
            self.session.update(tls_version=pick(["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv9"]), cipher="AES256-GCM-SHA384",
                                cipher_bits=pick(["256", "128", "112"]))
        if rng.random() < 0.6:
            self.session["cert_subject"] = rng.choice(HOSTS)
            if rng.random() < 0.7:
                self.session["cert_issuer"] = rng.choice(["Test Root CA", "Other CA"])
        if rng.random() < 0.4:
            self.session.update(auth_type="PLAIN", auth_authen=rng.choice(["sfuser@relay.test", "other@relay.test"]))
        self.sender = pick(SENDERS)
        self.session["mail_from"] = "<%s>" % self.sender
        self.session["rcpt"] = ["<user@dest.test>"] * rng.randint(1, 3)
        fields = [("From", pick(AUTHORS)), ("To", "user@dest.test"), ("Subject", "Hello")]
        if not usual and rng.random() < 0.2:
            fields.append(("From", rng.choice(AUTHORS)))
        if not usual and rng.random() < 0.1:
            fields.pop(0)
        if not usual and rng.random() < 0.1:
            fields.append(("Sender", rng.choice(AUTHORS)))
        fields += [("X-SFDC-LK", lk) for lk in pick(LKS)]
        if not usual and rng.random() < 0.3:
            fields.append(("X-SFDCOrgRelay", rng.choice([ORG[:15], UNSERVED[:15]])))
        fields += [("X-SFDC-User", "005B00000018jHa"), ("X-SFDC-EmailCategory", rng.choice(["apiSingleMail", "quickActionEmail"]))]
        if rng.random() < 0.05:
            fields.append(("X-SFDC-EntityId", rng.choice(HOSTILE).replace("\n", "\\n")))
        self.msgid = "<%d.%d@sfdc.net>" % (number, rng.randrange(10 ** 9))
        self.fields = fields + [("Message-ID", self.msgid)]
        self.body = "Hello.\r\n"

    def text(self):
        return "".join("%s: %s\r\n" % field for field in self.fields) + "\r\n" + self.body

    def macros(self):
        session = self.session
        values = {"v": "Postfix 3.7.11", "j": "relay.test", "{client_addr}": session["client_ip"],
                  "{client_name}": session["client_name"]}
        for key in ("tls_version", "cipher", "cipher_bits", "cert_subject", "cert_issuer", "auth_type", "auth_authen"):
            if key in session:
                values["{%s}" % key] = session[key]
        return values

    def deliver(self, path):
        with Wire(path) as wire:
            wire.negotiate()
            session = self.session
            address = session["client_ip"]
            from lab.wire import connect, helo  # noqa: E402
            wire.step(connect(session["client_name"], address))
            wire.step(helo(session["helo"]))
            return wire.deliver(Letter(self.text(), sender=self.sender, recipients=("user@dest.test",) * len(session["rcpt"]),
                                       macros=self.macros(), queue_id="4Q%06d" % self.number))


def mails(seed, count):
    rng = random.Random(seed)
    return [Mail(rng, number) for number in range(count)]


def make_log(config, letters, form="logfmt"):
    """The lines that the daemon writes of them, in their order, without what else it logs."""
    with Daemon(**{**config, "log": {"target": "stderr", "format": form}}) as daemon:
        daemon.start()
        for letter in letters:
            letter.deliver(daemon.path)
        pattern = '"ev":"verdict"' if form == "json" else "ev=verdict "
        wait_for(lambda: read(daemon.output).count(pattern) >= len(letters), "a line for each message")
        daemon.stop()
        return read(daemon.output).splitlines()


_PAIR = re.compile(r'([a-z0-9_]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')


def parse(line):
    """A line of logfmt, or JSON; values stay printable, as --json shows them."""
    if line.startswith("{"):
        return {key: value if isinstance(value, str) else str(value) for key, value in json.loads(line).items()}
    return {key: value[1:-1].replace('\\"', '"') if value.startswith('"') else value for key, value in _PAIR.findall(line)}
