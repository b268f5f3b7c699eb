# SPDX-License-Identifier: BSD-2-Clause
"""
The demonstration: sends sample messages as Salesforce, its other customers and an attacker would, and shows what
becomes of them. The policy is the one that is shipped; the mail is signed, and the keys, SPF and DMARC records come
from a name server of its own. Run by contrib/demo.
"""

import argparse
import os
import shlex
import shutil
import signal
import sys

from . import A, B, Failure, Lab, Org, message, verp
from .laboratory import ELSEWHERE, SALESFORCE, SALESFORCE_NAME, Relay
from .message import STRANGER
from .pki import HYPERFORCE
from .nameserver import text
from .postfix import HOSTNAME, OTHER_USER, PASSWORD, USER
from .signer import Signer

PARTNER = Org("00D30000001FFZn", "partner.example", "na45")
LOGIN = "%s@%s" % (USER, HOSTNAME)
NEWER = "35.85.98.200"
PLAIN = {"certificate": None}
AWAY = {"address": ELSEWHERE, "name": "mail.attack.example"}
TAMPERED = "tampered"
FORGED = ("Authentication-Results", "%s; dkim=pass header.d=%s" % (HOSTNAME, A.domain))

# (what is sent, envelope sender, message, who signs it, session, expected verdict, expected reason)
SAMPLES = [
    ("from Salesforce, known by its certificate", A.address, message(), A, {}, "accept", None),
    ("the same from a newer host of Salesforce", A.address, message(), A,
     {"certificate": "hyperforce", "name": HYPERFORCE, "address": NEWER}, "accept", None),
    ("known by its login (SMTP AUTH)", A.address, message(), A, {**AWAY, **PLAIN, "user": LOGIN}, "accept", None),
    ("known by its address, which is in its SPF", A.address, message(), A, PLAIN, "accept", None),
    ("bounce-managed: the envelope names the org", verp(A), message(), A, {}, "accept", None),
    ("a forged Authentication-Results: removed", A.address, message(extra=[FORGED]), A, {}, "accept", None),
    ("the sandbox, only watched: would be refused", "x@attack.example", message(B), B, {}, "accept", "envelope-domain"),
    ("the partner without its login: held", PARTNER.address, message(PARTNER), PARTNER, {}, "quarantine",
     "auth-none"),
    ("another customer of Salesforce, same hosts", STRANGER.address, message(STRANGER), STRANGER, {},
     "reject", "org-unknown"),
    ("another customer with our From:", A.address, message(lk=STRANGER.short), STRANGER, {}, "reject", "org-unknown"),
    ("the same with our X-SFDC-LK, too", A.address, message(), STRANGER, {}, "reject",
     "dkim-unaligned"),
    ("not signed", A.address, message(), None, {}, "reject", "dkim-none"),
    ("the body was changed on the way", A.address, message(), TAMPERED, {}, "reject", "dkim-bodyhash"),
    ("no X-SFDC-LK", A.address, message(lk=None), A, {}, "reject", "org-absent"),
    ("X-SFDC-LK twice, a good one and a bad one", A.address, message(lk=[A.short, STRANGER.short]), A, {}, "reject",
     "org-duplicate"),
    ("without TLS", A.address, message(), A, {"tls": None}, "reject", "tls-absent"),
    ("over TLS 1.1", A.address, message(), A, {"tls": "1.1"}, "reject", "tls-version"),
    ("a From: that is not ours", A.address, message(author="ceo@attack.example"), A, {}, "reject", "from-domain"),
    ("From: twice", A.address, message(extra=["From: ceo@attack.example"]), A, {}, "reject", "message-duplicate"),
    ("an envelope sender that is not ours", "x@attack.example", message(), A, {}, "reject", "envelope-domain"),
    ("a bounce address of another org", verp(STRANGER, A.address), message(), A, {}, "reject", "verp-org"),
    ("our From:, but the sandbox's X-SFDC-LK", A.address, message(lk=B.short), A, {}, "reject",
     "from-domain"),
    ("ours, sent again by an attacker", A.address, message(), A, {**AWAY, "certificate": "untrusted"},
     "reject", "cert-absent"),
    ("the same, with somebody else's login", A.address, message(), A,
     {**AWAY, **PLAIN, "user": "%s@%s" % (OTHER_USER, HOSTNAME)}, "reject", "cert-absent"),
]


def zone():
    """What Salesforce and its customers publish."""
    spf = text("v=spf1 include:_spf.salesforce.com -all")
    records = ["_spf.salesforce.com. TXT %s" % text("v=spf1 exists:%{i}._spf.mta.salesforce.com -all")]
    records += ["%s._spf.mta.salesforce.com. A 127.0.0.2" % address for address in (SALESFORCE, NEWER)]
    for org in (A, B, PARTNER, STRANGER):
        records += ["%s. TXT %s" % (org.domain, spf), "_dmarc.%s. TXT %s" % (org.domain, text("v=DMARC1; p=reject"))]
    return records


def settings(nameserver):
    """Two orgs enforced by the sentence that is shipped, one only watched."""
    return {
        "dns": {"nameservers": [nameserver.address]},
        "orgs": {
            A.id: {"name": "production", "mode": "enforce", "domains": [A.domain], "quarantine_unless": "dmarc",
                   "auth": {"users": [LOGIN]}},
            B.id: {"name": "sandbox", "mode": "monitor", "domains": [B.domain]},
            PARTNER.id: {"name": "partner", "mode": "enforce", "domains": [PARTNER.domain], "quarantine_unless": "auth",
                         "auth": {"users": ["partner@" + HOSTNAME]}},
        },
    }


def signed(signer, body, by):
    """The message as it arrives."""
    if by is None:
        return body
    if by is TAMPERED:
        return signer.sign(body, A.domain).replace("Thank you", "Pay here, thank you")
    return signer.sign(body, by.domain)


class Screen:
    """Colors and width, where there is a terminal for them."""

    COLORS = {"accept": "32", "quarantine": "33", "tempfail": "33", "reject": "31", "dim": "2", "bold": "1"}

    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.colors = self.tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.width = shutil.get_terminal_size((80, 24)).columns

    def paint(self, text, color):
        if not self.colors or color not in self.COLORS:
            return text
        return "\033[%sm%s\033[0m" % (self.COLORS[color], text)

    def cut(self, text, used=0):
        """What fits on the line."""
        room = max(self.width - used, 10)
        return text if len(text) <= room else text[:room - 3] + "..."

    def progress(self, text):
        """A line that the next one overwrites."""
        if self.tty:
            print("\r\033[K" + self.cut(text), end="", flush=True)


REPLY_ROOM = 30  # columns below which the replies are left out


def table(screen, rows):
    """Number, what was sent, verdict and why; the reply where there is room for it."""
    heads = ("", "what was sent", "verdict", "why", "SMTP reply")
    cells = [(str(number), sample[0], outcome.log.get("verdict", "?"), outcome.log.get("reason", ""), str(outcome.reply))
             for number, (sample, outcome) in enumerate(rows, 1)]
    widths = [max(len(row[column]) for row in cells + [heads]) for column in range(4)]
    used = sum(widths) + 8
    columns = 5 if screen.width - used >= REPLY_ROOM else 4
    print(screen.paint("  ".join(head.ljust(width) for head, width in list(zip(heads, widths + [0]))[:columns]).rstrip(), "bold"))
    for (sample, outcome), row in zip(rows, cells):
        line = [row[0].rjust(widths[0]), row[1].ljust(widths[1]), screen.paint(row[2].ljust(widths[2]), row[2]),
                row[3].ljust(widths[3]), screen.cut(row[4], used)]
        print("  ".join(line[:columns]).rstrip())
        if not expected(sample, outcome):
            print("    ^ UNEXPECTED, it should be %s %s" % (sample[5], sample[6] or ""))


def show_log(screen, rows):
    print("\n" + screen.paint("The log, one line for each message:", "bold"))
    for number, (_, outcome) in enumerate(rows, 1):
        print("%2d  %s" % (number, screen.paint(outcome.line, "dim")))


def expected(sample, outcome):
    return outcome.log.get("verdict") == sample[5] and outcome.log.get("reason") == sample[6] \
        and outcome.reply.ok == (sample[5] != "reject")


def send_all(screen, relay, signer):
    rows = []
    for number, sample in enumerate(SAMPLES, 1):
        screen.progress("sending %d of %d: %s" % (number, len(SAMPLES), sample[0]))
        outcome = relay.send(sample[1], signed(signer, sample[2], sample[3]), **sample[4])
        outcome.line = relay.milter.raw(outcome.log)
        rows.append((sample, outcome))
    screen.progress("")
    return rows


def save(lab, name, content):
    """A message in a file, for sending by hand."""
    path = lab.folder(name)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(content.replace("\r\n", "\n"))
    return "@" + path


def by_hand(relay, signer):
    """Command lines for this very instance."""
    lab, milter = relay.lab, relay.milter
    good = save(lab, "signed.eml", signer.sign(message(), A.domain))
    other = save(lab, "other-customer.eml", signer.sign(message(STRANGER), STRANGER.domain))
    base = ["swaks", "--server", "127.0.0.1:%d" % relay.port, "--to", "user@dest.test", "--from", A.address, "--data"]
    salesforce = ["--xclient", "ADDR=%s NAME=%s" % (SALESFORCE, SALESFORCE_NAME)]
    certificate = ["--tls", "--tls-cert", lab.pki.crt("trusted"), "--tls-key", lab.pki.key("trusted")]
    login = ["--tls", "--auth", "PLAIN", "--auth-user", LOGIN, "--auth-password", PASSWORD]
    server = lab.mtas[0]
    return [
        ("by certificate", base + [good] + certificate), ("by login", base + [good] + login),
        ("by address", base + [good, "--tls"] + salesforce), ("another customer's org", base + [other] + certificate),
        ("without TLS", base + [good] + salesforce),
        ("follow the log", ["tail", "-f", milter.output]),
        ("the configuration", ["cat", milter.file]),
        ("use it after a change", ["kill", "-HUP", str(milter.process.pid)]),
        ("what was delivered", ["ls", lab.folder("delivered")]),
        ("what is held", ["postqueue", "-c", server.etc, "-p"]),
    ]


def folded(command, width):
    """A command for the shell, its lines continued where they would be too long."""
    lines = [""]
    for word in map(shlex.quote, command):
        if lines[-1] and len(lines[-1]) + 1 + len(word) + 6 > width:
            lines[-1] += " \\"
            lines.append("  ")
        lines[-1] += (" " if lines[-1].strip() else "") + word
    return lines


def show_hand(screen, relay, signer):
    print("\n" + screen.paint("The relay runs until you press Ctrl-C. In another window, for example:", "bold"))
    for name, command in by_hand(relay, signer):
        print("%s\n    %s" % (name, "\n    ".join(folded(command, screen.width))))
    sys.stdout.flush()


def run(screen, once, log):
    screen.progress("starting the name server, Postfix and the milter")
    with Lab() as lab:
        signer = Signer(lab.folder("signer"), [org.domain for org in (A, B, PARTNER, STRANGER)])
        nameserver = lab.nameserver(zone() + signer.records)
        milter = lab.milter(settings(nameserver), name="milter")
        server = lab.postfix()
        relay = Relay(lab, server.port(milter.postfix), milter)
        server.start()
        rows = send_all(screen, relay, signer)
        table(screen, rows)
        if log:
            show_log(screen, rows)
        bad = sum(1 for sample, outcome in rows if not expected(sample, outcome))
        summary = "%d verdicts NOT as expected" % bad if bad else "every verdict as expected"
        print("\n%d messages, %s" % (len(rows), summary))
        if not once:
            show_hand(screen, relay, signer)
            try:
                signal.pause()
            except KeyboardInterrupt:
                print("\nending")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(prog="contrib/demo", description="Shows sfdc-milter behind a private Postfix.")
    parser.add_argument("--once", action="store_true",
                        help="end after the table; exit 0 only if every verdict was as expected")
    parser.add_argument("--log", action="store_true", help="show the log line of each message, too")
    arguments = parser.parse_args()
    try:
        sys.exit(run(Screen(), arguments.once, arguments.log))
    except Failure as failure:
        sys.exit("contrib/demo: %s" % failure)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
