"""
The demonstration: sends sample messages as Salesforce, its other customers and an attacker would, and shows what
becomes of them. Run by contrib/demo.
"""

import argparse
import os
import shlex
import shutil
import signal
import sys

from . import A, B, Failure, Lab, Org, message, verp
from .expect import config
from .laboratory import ELSEWHERE, SALESFORCE, SALESFORCE_NAME, Relay
from .message import STRANGER
from .pki import HYPERFORCE
from .postfix import HOSTNAME, OTHER_USER, PASSWORD, USER

PARTNER = Org("00D30000001FFZn", "partner.example", "na45")
LOGIN = "%s@%s" % (USER, HOSTNAME)
NETWORKS = {"networks": ["13.108.0.0/14"], "spf": []}
PLAIN = {"certificate": None}
AWAY = {"address": ELSEWHERE, "name": "mail.attack.example"}
FORGED = ("Authentication-Results", "%s; dkim=pass header.d=%s" % (HOSTNAME, A.domain))

# (what is sent, envelope sender, message, session, expected verdict, expected reason)
SAMPLES = [
    ("from Salesforce, known by its certificate", A.address, message(), {}, "accept", None),
    ("the same from a newer host of Salesforce", A.address, message(),
     {"certificate": "hyperforce", "name": HYPERFORCE}, "accept", None),
    ("known by its login (SMTP AUTH)", A.address, message(), {**AWAY, **PLAIN, "user": LOGIN}, "accept", None),
    ("known by its address", A.address, message(), PLAIN, "accept", None),
    ("bounce-managed: the envelope sender encodes the org", verp(A), message(), {}, "accept", None),
    ("a forged Authentication-Results on top: removed", A.address, message(extra=[FORGED]), {}, "accept", None),
    ("the sandbox, only watched: would be refused", "x@attack.example", message(B), {}, "accept", "envelope-domain"),
    ("the partner, without its login: held for a look", PARTNER.address, message(PARTNER), {}, "quarantine",
     "auth-none"),
    ("another customer of Salesforce: same hosts, other org", STRANGER.address, message(STRANGER), {}, "reject",
     "org-unknown"),
    ("another customer with our From:", A.address, message(lk=STRANGER.short), {}, "reject", "org-unknown"),
    ("no X-SFDC-LK", A.address, message(lk=None), {}, "reject", "org-absent"),
    ("X-SFDC-LK twice, a good one and a bad one", A.address, message(lk=[A.short, STRANGER.short]), {}, "reject",
     "org-duplicate"),
    ("without TLS", A.address, message(), {"tls": None}, "reject", "tls-absent"),
    ("over TLS 1.1", A.address, message(), {"tls": "1.1"}, "reject", "tls-version"),
    ("a From: that is not ours", A.address, message(author="ceo@attack.example"), {}, "reject", "from-domain"),
    ("From: twice", A.address, message(extra=["From: ceo@attack.example"]), {}, "reject", "message-duplicate"),
    ("an envelope sender that is not ours", "x@attack.example", message(), {}, "reject", "envelope-domain"),
    ("a bounce address of another org", verp(STRANGER, A.address), message(), {}, "reject", "verp-org"),
    ("our From:, named as the sandbox that is only watched", A.address, message(lk=B.short), {}, "reject",
     "from-domain"),
    ("from elsewhere, with an untrusted certificate", A.address, message(), {**AWAY, "certificate": "untrusted"},
     "reject", "cert-absent"),
    ("from elsewhere, with somebody else's login", A.address, message(),
     {**AWAY, **PLAIN, "user": "%s@%s" % (OTHER_USER, HOSTNAME)}, "reject", "cert-absent"),
]


def settings():
    """Two orgs enforced, one only watched."""
    return config({
        A: {"name": "production", "auth": {"users": [LOGIN]}, "ip": NETWORKS},
        B: {"name": "sandbox", "mode": "monitor", "ip": NETWORKS},
        PARTNER: {"name": "partner", "quarantine_unless": "auth", "auth": {"users": ["partner@" + HOSTNAME]}},
    })


class Screen:
    """Colours and width, where there is a terminal for them."""

    COLOURS = {"accept": "32", "quarantine": "33", "tempfail": "33", "reject": "31", "dim": "2", "bold": "1"}

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.colours = self.tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = shutil.get_terminal_size((160, 24)).columns if self.tty else None

    def paint(self, text, colour):
        if not self.colours or colour not in self.COLOURS:
            return text
        return "\033[%sm%s\033[0m" % (self.COLOURS[colour], text)

    def cut(self, text, used=0):
        """What fits on the line."""
        room = self.width - used if self.width else len(text)
        return text if len(text) <= room or room < 10 else text[:room - 3] + "..."

    def progress(self, text):
        """A line that the next one overwrites."""
        if self.tty:
            print("\r\033[K" + self.cut(text), end="", flush=True)


def verdict(outcome):
    """The verdict for people: in monitor mode also what it would have been."""
    log = outcome.log
    if log.get("would") not in (None, log.get("verdict")):
        return "%s (%s)" % (log["verdict"], log["would"])
    return log.get("verdict", "?")


def table(screen, rows):
    """Number, what was sent, verdict, why, reply; then the log lines."""
    heads = ("", "what was sent", "verdict", "why", "SMTP reply")
    cells = [(str(number), sample[0], verdict(outcome), outcome.log.get("reason", ""), str(outcome.reply))
             for number, (sample, outcome) in enumerate(rows, 1)]
    widths = [max(len(row[column]) for row in cells + [heads]) for column in range(4)]
    used = sum(widths) + 8
    print(screen.paint("  ".join(head.ljust(width) for head, width in zip(heads, widths + [0])).rstrip(), "bold"))
    for (sample, outcome), row in zip(rows, cells):
        kind = outcome.log.get("verdict", "")
        line = "%s  %s  %s  %s  %s" % (row[0].rjust(widths[0]), row[1].ljust(widths[1]),
                                       screen.paint(row[2].ljust(widths[2]), kind), row[3].ljust(widths[3]),
                                       screen.cut(row[4], used))
        print(line + ("" if expected(sample, outcome) else "   <-- UNEXPECTED"))
    print("\n" + screen.paint("The log, one line for each message:", "bold"))
    for number, (_, outcome) in enumerate(rows, 1):
        print("%s  %s" % (str(number).rjust(widths[0]), screen.paint(outcome.line, "dim")))


def expected(sample, outcome):
    return outcome.log.get("verdict") == sample[4] and outcome.log.get("reason") == sample[5] \
        and outcome.reply.ok == (sample[4] != "reject")


def send_all(screen, relay):
    rows = []
    for number, sample in enumerate(SAMPLES, 1):
        screen.progress("sending %d of %d: %s" % (number, len(SAMPLES), sample[0]))
        outcome = relay.send(sample[1], sample[2], **sample[3])
        outcome.line = relay.milter.raw(outcome.log)
        rows.append((sample, outcome))
    screen.progress("")
    return rows


def by_hand(relay):
    """Command lines for this very instance."""
    lab, milter = relay.lab, relay.milter
    base = ["swaks", "--server", "127.0.0.1:%d" % relay.port, "--to", "user@dest.test", "--from", A.address,
            "--header", "X-SFDC-LK: " + A.short]
    salesforce = ["--xclient", "ADDR=%s NAME=%s" % (SALESFORCE, SALESFORCE_NAME)]
    certificate = ["--tls", "--tls-cert", lab.pki.crt("trusted"), "--tls-key", lab.pki.key("trusted")]
    login = ["--tls", "--auth", "PLAIN", "--auth-user", LOGIN, "--auth-password", PASSWORD]
    other = base[:-1] + ["X-SFDC-LK: " + STRANGER.short]
    server = lab.mtas[0]
    return [
        ("by certificate", base + certificate), ("by login", base + login),
        ("by address", base + ["--tls"] + salesforce), ("another customer's org", other + certificate),
        ("without TLS", base + salesforce),
        ("follow the log", ["tail", "-f", milter.output]),
        ("the configuration", ["cat", milter.file]),
        ("use it after a change", ["kill", "-HUP", str(milter.process.pid)]),
        ("what was delivered", ["ls", lab.folder("delivered")]),
        ("what is held", ["postqueue", "-c", server.etc, "-p"]),
    ]


def show_hand(screen, relay):
    print("\n" + screen.paint("The relay runs until you press Ctrl-C. In another window, for example:", "bold"))
    for name, command in by_hand(relay):
        print("%s\n    %s" % (name, shlex.join(command)))
    sys.stdout.flush()


def run(screen, once):
    screen.progress("starting Postfix and the milter")
    with Lab() as lab:
        milter = lab.milter(settings(), name="milter")
        server = lab.postfix()
        relay = Relay(lab, server.port(milter.postfix), milter)
        server.start()
        rows = send_all(screen, relay)
        table(screen, rows)
        bad = sum(1 for sample, outcome in rows if not expected(sample, outcome))
        summary = "%d verdicts NOT as expected" % bad if bad else "every verdict as expected"
        print("\n%d messages, %s" % (len(rows), summary))
        if not once:
            show_hand(screen, relay)
            try:
                signal.pause()
            except KeyboardInterrupt:
                print("\nending")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(prog="contrib/demo", description="Shows sfdc-milter behind a private Postfix.")
    parser.add_argument("--once", action="store_true",
                        help="end after the table; exit 0 only if every verdict was as expected")
    arguments = parser.parse_args()
    try:
        sys.exit(run(Screen(), arguments.once))
    except Failure as failure:
        sys.exit("contrib/demo: %s" % failure)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
