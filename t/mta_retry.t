#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
A real Postfix that sends as Salesforce does, its retry times scaled down from hours to seconds, in front of ours: what is
deferred by mistake arrives once the mistake is mended, and nothing bounces. RETRY_MESSAGES: how many; "make check-retry"
sends 200, and waits until the sender gives up what is never mended.
"""

import collections
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, Lab, Tap, message
from lab.expect import config
from lab.filter import Filter
from lab.forwarder import Forwarder
from lab.postfix import HOSTNAME, OTHER_USER, PASSWORD, USER
from lab.process import Failure, run

COUNT = int(os.environ.get("RETRY_MESSAGES") or 12)
WHOLE = COUNT >= 200
# So many seconds stand for an hour. With one, Postfix looks at messages again that are still being delivered, and then
# leaves them alone for minutes.
HOUR = max(2, COUNT // 20)
PATIENCE = 10  # hours that the sender may do nothing, before it is told to try all
TIMEOUT = 300 + 10 * HOUR
USERS = ["first@dest.test", "second@dest.test", "third@dest.test"]
REFUSED = "refused@dest.test"
HOSTS = ["127.0.0.21", "127.0.0.22"]  # from which the sender seems to connect
SENTENCE = "tls and message and org and from and envelope and verp and cert"

# Or mail that comes in is slowed down, since none of what a filter refuses is ever delivered.
FAST = "in_flow_delay = 0\n"

SENDER = """fast_flush_domains =
smtp_helo_name = smtp07-ia4-sp3.mta.salesforce.com
default_transport = smtp:[127.0.0.1]:{port}
relay_transport = smtp:[127.0.0.1]:{port}
transport_maps = inline:{{example.com=smtp:[127.0.0.1]:{sink}}}
minimal_backoff_time = {hour}s
maximal_backoff_time = {hour}s
queue_run_delay = {hour}s
maximal_queue_lifetime = {lifetime}
bounce_queue_lifetime = {lifetime}
smtp_tls_security_level = encrypt
smtp_tls_policy_maps = inline:{{[127.0.0.1]:{sink}=none}}
smtp_tls_cert_file = {certificate}
smtp_tls_key_file = {certificate}
smtp_tls_CAfile = {authorities}
smtp_sasl_auth_enable = {auth}
smtp_sasl_password_maps = inline:{{[127.0.0.1]:{port}={user}@{realm}:{password}}}
smtp_sasl_security_options = noanonymous
smtp_sasl_tls_security_options = noanonymous
"""


class Sender:
    """A Postfix that sends to one port, and takes mail for it on a port of its own."""

    def __init__(self, lab, port, auth=False, lifetime="1d"):
        self.lab = lab
        self.way = Forwarder(port, source=HOSTS[0])
        self.server = lab.postfix(main=FAST + SENDER.format(
            port=self.way.port, sink=lab.sink.port, lifetime=lifetime, auth="yes" if auth else "no", hour=HOUR,
            certificate=lab.pki.path("trusted"), authorities=lab.pki.trusted_authorities, user=OTHER_USER, realm=HOSTNAME,
            password=PASSWORD))
        self.port = self.server.port(smtpd_relay_restrictions="check_client_access static:OK,reject")

    def move(self, host):
        """From here on it connects from another address, as another of Salesforce's hosts would."""
        self.way.source = host

    def await_(self, predicate, what):
        """As wait_for(), for what takes seconds and is costly to ask."""
        begin = flushed = time.monotonic()
        while not predicate():
            now = time.monotonic()
            if now > begin + TIMEOUT:
                raise Failure("waited in vain for %s" % what)
            if now > flushed + PATIENCE * HOUR:
                flushed = now
                run(["postqueue", "-c", self.server.etc, "-f"])
            time.sleep(0.3)

    def stop(self):
        self.server.stop()
        self.way.stop()

    def submit(self, letters):
        """letters: {Message-ID: recipients}."""
        with self.lab.session(self.port, address=None, tls=None) as client:
            for ident, recipients in letters.items():
                stage, reply = client.submit(A.address, recipients, message(ident=ident))
                if stage != "end" or not reply.ok:
                    raise Failure("the sender does not take it: %s" % reply)

    def given_up(self):
        """The Message-IDs of what was returned because its time was over."""
        returned = re.findall(r": (\w+): from=<.*?>, status=expired, returned", self.server.log())
        idents = self._idents()
        return {idents[queue] for queue in returned}

    def _idents(self):
        return dict(re.findall(r"cleanup\[\d+\]: (\w+): message-id=<(.*?)>", self.server.log()))

    def fates(self):
        """{(Message-ID, recipient): [status, ...]} of its own log, deferred attempts left out."""
        log = self.server.log()
        idents = self._idents()
        found = collections.defaultdict(list)
        for queue, recipient, status in re.findall(r": (\w+): to=<(.*?)>, .*? status=(\w+)", log):
            if status != "deferred" and queue in idents and recipient.endswith("@dest.test"):
                found[idents[queue], recipient].append(status)
        return found


def letters_of(name, refused):
    """Messages to one, two and three recipients; every fourth to one, too, whom the other filter refuses."""
    return {"%s%d@sfdc.net" % (name, number): USERS[:1 + number % 3] + ([REFUSED] if refused and number % 4 == 0 else [])
            for number in range(COUNT)}


def pairs(letters, refused):
    return {(ident, recipient) for ident, recipients in letters.items() for recipient in recipients
            if (recipient == REFUSED) == refused}


def arrived(sink, letters):
    """How often each message came for each recipient."""
    found = collections.Counter()
    for delivered in list(sink.messages):
        ident = (delivered.all("Message-ID") or [""])[0].strip("<>")
        if ident in letters:
            found.update((ident, recipient) for recipient in delivered.recipients)
    return found


def attempts(milter, **expected):
    """How often each message came to the milter with these values in the log."""
    return collections.Counter(line["msgid"].strip("<>") for line in milter.messages()
                               if "msgid" in line and all(line.get(key) == value for key, value in expected.items()))


def mended(tap, lab, milter, sender, letters):
    """A wrong domain; deferred, tried from two addresses, mended, delivered."""
    for host in HOSTS:
        sender.await_(lambda: len(attempts(milter, client=host)) == COUNT, "all messages from " + host)
        if host != HOSTS[-1]:
            sender.move(HOSTS[-1])
    lines = [line for line in milter.messages() if line.get("msgid", "").strip("<>") in letters]
    tap.equal({(line["verdict"], line["would"], line["mode"], line["reason"]) for line in lines},
              {("tempfail", "reject", "defer", "from-domain")}, "defer: a wrong domain defers all of %d" % COUNT)
    tap.equal(arrived(lab.sink, letters), {}, "defer: and none arrives")
    sender.await_(lambda: len([line for line in milter.lines() if line.get("ev") == "deadline"]) >= COUNT, "warnings")
    milter.reload(configuration("defer"))
    wanted = pairs(letters, False)
    sender.await_(lambda: wanted <= set(arrived(lab.sink, letters)), "the delivery of all")
    sender.await_(lambda: not sender.server.queue(), "the end of the queue")
    found = arrived(lab.sink, letters)
    tap.equal(set(found), wanted, "defer: once it is mended all %d messages arrive, for each of %d recipients" % (COUNT, len(wanted)))
    tap.equal([pair for pair, times in found.items() if times != 1], [], "defer: none twice")
    fates = sender.fates()
    tap.equal({pair for pair, fate in fates.items() if "bounced" in fate}, pairs(letters, True),
              "defer: nothing bounces but what the other filter refuses")
    tap.equal({tuple(fates[pair]) for pair in wanted}, {("sent",)}, "defer: the sender knows of each that it was sent, once")
    # What came again after a warning was given is the same message from wherever it came.
    warned = collections.Counter(line["msgid"].strip("<>") for line in milter.lines() if line.get("ev") == "deadline")
    tap.equal([ident for ident, times in warned.items() if times > 1 or ident not in letters], [],
              "defer: it is known again from another address: one ev=deadline for a message at most")
    tap.equal(len(warned), COUNT, "defer: and one for each")


def enforced(tap, lab, milter, sender, letters):
    """The same mistake in enforce: what costs a contact in Salesforce."""
    wanted = pairs(letters, False)
    sender.await_(lambda: {pair for pair, fate in sender.fates().items() if "bounced" in fate} == wanted, "bounces")
    tap.equal(set(sender.fates()), wanted, "enforce: the same mistake bounces all of %d messages" % COUNT)
    tap.equal(arrived(lab.sink, letters), {}, "enforce: and none arrives")
    tap.equal({line["verdict"] for line in milter.messages()}, {"reject"}, "enforce: each is rejected")
    tap.equal(set(attempts(milter).values()), {1}, "enforce: once")


def lost(tap, lab, milter, sender, letters):
    """A wrong login for the whole run: deferred until the sender gives up, and the log has said so in time."""

    def warned():
        return collections.Counter(line["msgid"].strip("<>") for line in milter.lines() if line.get("ev") == "deadline")

    sender.await_(lambda: len(warned()) == COUNT and min(warned().values()) == 2, "two warnings of each message")
    tap.equal(warned(), {ident: 2 for ident in letters}, "AUTH: each of %d messages is warned of twice" % COUNT)
    events = [line for line in milter.lines() if line.get("ev") == "deadline"]
    tap.equal({(line["org"], line["reason"], line["from"]) for line in events}, {(A.id, "auth-user", A.address)},
              "AUTH: with what to mend", events=events[:2])
    tap.equal({line["after"] for line in events}, {seconds(1)[:-1], seconds(2)[:-1]}, "AUTH: at each of the durations")
    tap.ok(all(int(line["attempts"]) > 1 for line in events), "AUTH: after several attempts")
    if WHOLE:
        sender.await_(lambda: sender.given_up() == set(letters), "the sender to give up")
        tap.equal(warned(), {ident: 2 for ident in letters}, "AUTH: when the sender gives up nothing more is said")
    tap.equal(arrived(lab.sink, letters), {}, "AUTH: none arrives")


def seconds(hours):
    """A duration of Salesforce's day here."""
    return "%ds" % (hours * HOUR)


def configuration(mode, sentence=SENTENCE, **options):
    options.setdefault("deadline_warning", [seconds(1)])
    org = options.pop("org", {})
    return config({A: {"mode": mode, "reject_unless": sentence, **org}}, mode=mode, **options)


def main():
    wrong = {"org": {"domains": ["exmaple.com"]}}
    with Tap() as tap, Lab() as lab:
        other = Filter(REFUSED)
        milters = {
            mended: lab.milter(configuration("defer", **wrong), name="defer"),
            enforced: lab.milter(configuration("enforce", **wrong), name="enforce"),
            lost: lab.milter(configuration("defer", SENTENCE + " and auth", deadline_warning=[seconds(1), seconds(2)],
                                           org={"auth": {"users": ["%s@%s" % (USER, HOSTNAME)]}}), name="auth"),
        }
        relay = lab.postfix(main=FAST)
        senders = {}
        for function, milter in milters.items():
            port = relay.port("%s, %s" % (milter.postfix, other.postfix))
            lifetime = seconds(10) if function is lost and WHOLE else "1d"
            senders[function] = Sender(lab, port, auth=function is lost, lifetime=lifetime)
        relay.start()
        # All send at once: what takes time is to wait for them.
        letters = {function: letters_of(function.__name__, function is mended) for function in milters}
        for function, sender in senders.items():
            sender.server.start()
            sender.submit(letters[function])
        for function, milter in milters.items():
            tap.case(function, lab, milter, senders[function], letters[function])
            senders[function].stop()
        other.stop()


main()
