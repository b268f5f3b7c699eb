# SPDX-License-Identifier: BSD-2-Clause
"""DKIM signatures in the manner of Salesforce, and the records of their key."""

import base64
import os

import dkim

from lab.process import run, write

DOMAIN = "example.com"
FIELDS = [b"Date", b"From", b"To", b"Subject", b"MIME-Version", b"Content-Type"]


class Signer:
    """A key of 2048 bits. folder: where it goes, and local data with its records, for a daemon without name server."""

    def __init__(self, folder):
        path = os.path.join(folder, "dkim.pem")
        run(["openssl", "genrsa", "-traditional", "-out", path, "2048"])
        with open(path, "rb") as file:
            self.key = file.read()
        public = base64.b64encode(run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"])).decode()
        self.record = "v=DKIM1; k=rsa; p=" + public
        self.text = " ".join('"%s"' % self.record[at:at + 250] for at in range(0, len(self.record), 250))
        self.names = ["sf1._domainkey." + DOMAIN, "sf1._domainkey.attack.example"]
        self.local_data = os.path.join(folder, "local-data")
        write(self.local_data, "".join("%s 300 IN TXT %s\n" % (name, self.text) for name in self.names))

    def sign(self, text, domain=DOMAIN, selector="sf1"):
        """The message with a signature on top."""
        raw = text.encode()
        field = dkim.sign(raw, selector.encode(), domain.encode(), self.key, signature_algorithm=b"rsa-sha256",
                          canonicalize=(b"relaxed", b"simple"), include_headers=FIELDS)
        return (field + raw).decode()
