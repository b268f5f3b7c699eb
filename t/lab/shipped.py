# SPDX-License-Identifier: BSD-2-Clause
"""What conf/ ships, fitted to a laboratory."""

import os

from .process import read


def shipped(name):
    """A file of conf/."""
    from . import SRCDIR
    return read(os.path.join(SRCDIR, "conf", name))


def fitted(server, lab, number, milter, text):
    """A piece of master.cf with places and port of this laboratory, and nothing else changed."""
    for old, new in (("\n10025 ", "\n%d " % number), ("unix:/run/sfdc-milter/sfdc-milter.sock", milter.postfix),
                     ("/etc/postfix/sasl", server.etc + "/sasl"), ("/etc/postfix/sfdc_", server.etc + "/sfdc_"),
                     ("/etc/ssl/certs/ca-certificates.crt", lab.pki.trusted_authorities)):
        if old not in text:
            raise AssertionError("%r is not in postfix-master.cf" % old)
        text = text.replace(old, new)
    return text
