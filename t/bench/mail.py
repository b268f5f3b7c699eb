# SPDX-License-Identifier: BSD-2-Clause
"""What the contestants judge: signed messages as Salesforce relays them, and the DNS records that prove them."""

import random
import subprocess

import dkim

from lab.message import A, message, verp

CLIENT, CLIENT_NAME = "13.110.74.200", "smtp07-ia4-sp3.mta.salesforce.com"
SENDER = verp(A)
SELECTOR = "sfdc1"
KEY_NAME = SELECTOR + ".abc123.custdkim.salesforce.com"
SIGNED = [b"date", b"from", b"to", b"subject", b"message-id", b"mime-version", b"content-type"]
MACROS = {
    "v": "Postfix 3.7.11", "j": "relay.test", "_": "%s [%s]" % (CLIENT_NAME, CLIENT), "{daemon_name}": "relay.test",
    "{daemon_addr}": "127.0.0.1", "{client_addr}": CLIENT, "{client_name}": CLIENT_NAME, "{client_resolve}": "OK",
    "{tls_version}": "TLSv1.3", "{cipher}": "TLS_AES_256_GCM_SHA384", "{cipher_bits}": "256",
    "{cert_subject}": CLIENT_NAME, "{cn_subject}": CLIENT_NAME, "{cert_issuer}": "Test Root CA", "{cn_issuer}": "Test Root CA",
    "{auth_type}": "PLAIN", "{auth_authen}": "sfuser@relay.test", "{mail_addr}": SENDER, "{mail_mailer}": "smtp",
    "{mail_host}": "[127.0.0.1]", "{rcpt_addr}": "user@dest.test", "{rcpt_mailer}": "smtp", "{rcpt_host}": "dest.test",
}
WORDS = ("the of case order customer service account your our please number thank team support contact reply request "
         "update status open closed date product warranty delivery invoice address question answer").split()


def options():
    """What tells the generator of the session."""
    told = ["-a", CLIENT, "-N", CLIENT_NAME, "-H", CLIENT_NAME, "-f", "<%s>" % SENDER, "-t", "<user@dest.test>"]
    for pair in MACROS.items():
        told += ["-D", "%s=%s" % pair]
    return told


def _line(chance, width=72):
    words = []
    while sum(len(word) + 1 for word in words) < width - 10:
        words.append(chance.choice(WORDS))
    return " ".join(words)


def _text(chance, size):
    lines, length = [], 0
    while length < size:
        lines.append(_line(chance))
        length += len(lines[-1]) + 2
    return "\r\n".join(lines) + "\r\n"


def _html(chance, size):
    rows, length = [], 0
    while length < size - 200:
        rows.append('  <tr>\r\n    <td style="font-family: Arial, sans-serif; padding: 4px 8px">%s</td>\r\n  </tr>' % _line(chance, 40))
        length += len(rows[-1]) + 2
    return "<html>\r\n<body>\r\n<table>\r\n%s\r\n</table>\r\n</body>\r\n</html>\r\n" % "\r\n".join(rows)


def _attachment(chance, size):
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    lines = ["".join(chance.choices(alphabet, k=76)) for _ in range((size - 600) // 78)]
    return "\r\n".join(
        ["--part", "Content-Type: text/plain; charset=UTF-8", "", _line(chance), "--part",
         'Content-Type: application/octet-stream; name="a.bin"', "Content-Transfer-Encoding: base64", "", *lines,
         "--part--", ""])


KINDS = {"text": (_text, "text/plain; charset=UTF-8"), "html": (_html, "text/html; charset=UTF-8"),
         "base64": (_attachment, 'multipart/mixed; boundary="part"')}


class Mail:
    """A key, the zone that publishes it, and messages signed with it."""

    def __init__(self, canonical="relaxed/relaxed"):
        self.canonical = tuple(part.encode() for part in canonical.split("/"))
        self.key = self._openssl(["genrsa", "2048"])
        der = self._openssl(["rsa", "-pubout", "-outform", "DER"], self.key)
        public = subprocess.run(["openssl", "base64", "-A"], input=der, stdout=subprocess.PIPE, check=True).stdout.decode()
        self.records = [
            ("%s._domainkey.%s" % (SELECTOR, A.domain), "CNAME", KEY_NAME + "."),
            (KEY_NAME, "TXT", "v=DKIM1; k=rsa; p=" + public),
            (SENDER.split("@")[1], "TXT", "v=spf1 ip4:96.43.144.0/20 ip4:13.108.0.0/14 -all"),
            ("_spf.salesforce.com", "TXT", "v=spf1 exists:%{i}._spf.mta.salesforce.com -all"),
            (CLIENT + "._spf.mta.salesforce.com", "A", "127.0.0.2"),
            ("_dmarc." + A.domain, "TXT", "v=DMARC1; p=reject; adkim=r; aspf=r"),
        ]

    @staticmethod
    def _openssl(arguments, data=b""):
        return subprocess.run(["openssl"] + arguments, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              check=True).stdout

    def message(self, kind, size, seed):
        """One signed message of about that many bytes."""
        make, content_type = KINDS[kind]
        text = message(A, omit=("Content-Type",), extra=[("Content-Type", content_type)],
                       body=make(random.Random(seed), size - 1320)).encode()
        head = dkim.sign(text, SELECTOR.encode(), A.domain.encode(), self.key, canonicalize=self.canonical,
                         include_headers=SIGNED)
        return head + text
