# SPDX-License-Identifier: BSD-2-Clause
"""Messages as Salesforce writes them, modelled on public samples."""

import itertools
import os
import re

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_serial = itertools.count(1)


class Org:
    """One Salesforce organization: a 15-character ID and its email domain."""

    def __init__(self, short, domain, pod):
        self.short = short
        self.domain = domain
        self.pod = pod

    @property
    def id(self):
        """The ID with its checksum, 18 characters."""
        suffix = ""
        for start in (0, 5, 10):
            bits = sum(1 << i for i, char in enumerate(self.short[start:start + 5]) if char.isupper())
            suffix += _ALPHABET[bits]
        return self.short + suffix

    @property
    def label(self):
        """The label that stands for it in a bounce address."""
        rest = self.id[3:].lower()
        zeros = max(re.findall("0+", rest), key=len)
        return rest.replace(zeros, "-", 1)

    @property
    def address(self):
        return "info@" + self.domain


A = Org("00D8d000003TRx3", "example.com", "um8")
B = Org("00D4x000004z0H4", "example.net", "na150")
STRANGER = Org("00DA0000000Hu5a", "stranger.example", "na63")


def verp(org, author=None, shape="short"):
    """A bounce address: short as bounce management makes it, long as security compliance does."""
    local, domain = (author or org.address).rsplit("@", 1)
    token, host, labels = {
        "short": ("9m4vlv27x6v0rxwe", "mmh2xurvokdh", ""),
        "long": ("0-1r12zvjmnf8rqu.l9azxrxo3x5g2pzm", "xqfk2ane5qjq38ec", "gpawymg."),
        "longer": ("0-4faoc4mc7i68gc", "5hnj2mufr87e4htv", "z8av9w6ga66ox18b.61bv18b."),
    }[shape]
    return "%s=%s__%s@%s.%s%s.%s.bnc.salesforce.com" % (local, domain, token, host, labels, org.label, org.pod)


def message_id():
    """A Message-ID that is used once."""
    return "%05d%022d%08d@sfdc.net" % (os.getpid() % 100000, 0, next(_serial))


def message(org=A, author=None, lk=True, relay=False, sender=None, extra=(), omit=(), body=None, to="user@dest.test",
            ident=None):
    """
    A message of that organization. lk: True for its own ID, a text for that value, a list for several fields, None for
    no X-SFDC-LK. relay: with the header fields of Email Relay. extra: (name, value) pairs put on top, or header lines.
    omit: names of fields to leave out.
    """
    values = [org.short] if lk is True else [lk] if isinstance(lk, str) else list(lk or [])
    fields = [
        ("Date", "Fri, 20 Nov 2026 09:00:00 +0000 (GMT)"),
        ("From", "Customer Service <%s>" % (author or org.address)),
        ("Sender", sender),
        ("To", to),
        ("Message-ID", "<%s>" % (ident or message_id())),
        ("Subject", "Your case 00012345"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=UTF-8"),
        ("Content-Transfer-Encoding", "7bit"),
        ("X-Priority", "3"),
    ] + [("X-SFDC-LK", value) for value in values] + [
        ("X-SFDC-User", "0058d000003xQ1a"),
        ("X-Sender", "postmaster@salesforce.com"),
        ("X-mail_abuse_inquiries", "http://www.salesforce.com/company/abuse.jsp"),
    ] + ([
        ("X-SFDCOrgRelay", org.short),
        ("X-SFDCRelayAddr", "relay.test"),
        ("X-SFDCRelayPort", "10025"),
        ("X-SFDCTLS", "RequiredVerify"),
    ] if relay else [("X-SFDC-TLS-NoRelay", "1")]) + [
        ("X-SFDC-Binding", "1WrIRBV94myi25uB"),
        ("X-SFDC-EmailCategory", "apiSingleMail"),
        ("X-SFDC-EntityId", "5008d00000AbCdE"),
        ("X-SFDC-Interface", "internal"),
    ]
    lines = [field if isinstance(field, str) else "%s: %s" % field for field in extra]
    lines += ["%s: %s" % (name, value) for name, value in fields if value is not None and name not in omit]
    return "\r\n".join(lines + ["", body if body is not None else "Thank you for your message.\r\n"])
