# SPDX-License-Identifier: BSD-2-Clause
"""DKIM signatures as Salesforce makes them: relaxed/simple, six header fields, the key behind a CNAME."""

import base64
import os
import re

import dkim

from .nameserver import text
from .process import run

SELECTOR = b"sfdemo"
HELD_BY = "sfdemo.a1b2c3.custdkim.salesforce.com."
FIELDS = [b"Date", b"From", b"To", b"Subject", b"MIME-Version", b"Content-Type"]


class Signer:
    """One key for all domains that sign here."""

    def __init__(self, folder, domains):
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, "dkim.key")
        run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path])
        with open(path, "rb") as file:
            self.key = file.read()
        public = run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"])
        self.records = ["%s TXT %s" % (HELD_BY, text("v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()))]
        self.records += ["%s._domainkey.%s. CNAME %s" % (SELECTOR.decode(), domain, HELD_BY) for domain in domains]

    def sign(self, message, domain, fields=FIELDS):
        """The message with a signature of that domain over these fields on top."""
        field = dkim.sign(message.encode(), SELECTOR, domain.encode(), self.key, canonicalize=(b"relaxed", b"simple"),
                          include_headers=fields)
        return field.decode() + message

    def verified(self, raw):
        """Whether the signature of a message is good, with the key that is held here."""
        record = next(line for line in self.records if line.startswith(HELD_BY))
        key = "".join(re.findall('"(.*?)"', record)).encode()
        return dkim.verify(raw, dnsfunc=lambda *_, **__: key)
