# SPDX-License-Identifier: BSD-2-Clause
"""More than forty relays that are wrong on purpose, each at an address of its own, and the names under which they are found."""

from cryptography.hazmat.primitives import hashes

from cryptography.x509.oid import ExtendedKeyUsageOID

from .wrongpki import WrongPki
from .wrongserver import WrongServer

MEGABYTE = 1 << 20

# Those of the short run: one of each kind.
SHORT = ("good", "chained", "missing", "unknown-ca", "expired", "san-other", "cn-only", "wildcard.zone", "tls11", "no-starttls", "starttls-refused",
         "starttls-close", "handshake-drop", "leave", "client-demand13", "wants-tls", "helo-only", "banner-close", "http", "by-mx", "null-mx",
         "pf-encrypt", "pf-nokey")


def host(name):
    return name + ".test"


class Relays:
    """servers: {name: WrongServer or None}; records: lines of a zone; cafile: the authority that is trusted."""

    def __init__(self, folder, wanted=None):
        self.pki = WrongPki(folder)
        self.cafile = self.pki.cafile
        self.servers = {}
        self.records = []
        self.wanted = wanted
        self._names()
        self._chains()
        self._strength()
        self._dialogue()
        self._elsewhere()

    def _add(self, name, **options):
        if self.wanted is not None and name not in self.wanted:
            return
        number = len(self.servers) + 1
        address = "127.0.%d.%d" % (1 + number // 200, 1 + number % 200)
        self.records.append("%s. A %s" % (host(name), address))
        self.servers[name] = WrongServer(address, **options)

    def _certified(self, name, *above, made=None, server=None, **options):
        """A server with a certificate; above: the certificates that are sent with it; options are those of make()."""
        if self.wanted is not None and name not in self.wanted:
            return
        options.setdefault("san", [host(name)])
        issuer = options.pop("issuer", self.pki.root)
        certificate = made or self.pki.make(options.pop("cn", host(name)), issuer, **options)
        self._add(name, chain=self.pki.chain(name, certificate, *above), **(server or {}))

    def _names(self):
        one = self._certified
        one("good")
        one("wildcard.zone", san=["*.zone.test"])
        one("wild.deep.zone", san=["*.zone.test"])
        one("wildcard-top", san=["*.test"])
        one("wildcard-part.zone", san=["wildcard-*.zone.test"])
        one("x.inner.zone", san=["x.*.zone.test", "*"])
        one("san-other", san=["other.test"])
        one("san-second", san=["other.test", "san-second.test"])
        one("san-case", san=["SAN-CASE.Test"])
        one("san-nul", san=["san-nul.test\0.attack.example"])
        one("cn-only", san=[])
        one("cn-other", san=[], cn="other.test")
        one("cn-beside-san", san=["other.test"], cn="cn-beside-san.test")
        one("cn-beside-ip", san=[], ip=["192.0.2.1"], cn="cn-beside-ip.test")
        one("no-name", san=[], cn="")

    def _chains(self):
        one, pki = self._certified, self.pki
        expired = pki.authority("Expired intermediate", pki.root, days=(-100, -2))
        false = pki.make("No authority", pki.root)
        one("chained", pki.middle, issuer=pki.middle)
        one("with-root", pki.middle, pki.root, issuer=pki.middle)
        one("missing", issuer=pki.middle, fetch="http://ca.example/intermediate.der")
        one("disordered", pki.root, pki.stranger, pki.middle, issuer=pki.middle)
        one("self-signed", issuer=None)
        one("unknown-ca", pki.stranger, issuer=pki.stranger)
        one("unknown-ca-alone", issuer=pki.stranger)
        one("expired", days=(-100, -2))
        one("not-yet", days=(2, 100))
        one("expired-middle", expired, issuer=expired)
        one("false-authority", false, issuer=false)
        one("client-only", usage=ExtendedKeyUsageOID.CLIENT_AUTH)
        one("soon", days=(-80, 10))
        one("two-hundred", *[pki.stranger] * 200)
        above = [pki.root]
        for number in range(14 if self.wanted is None or "long-chain" in self.wanted else 0):
            above.insert(0, pki.authority("Level %d" % number, above[0]))
        one("long-chain", *above[:-1], issuer=above[0])

    def _strength(self):
        one, pki = self._certified, self.pki
        one("rsa1024", key=pki.rsa(1024))
        one("sha1", digest=hashes.SHA1())
        for name, versions in (("tls10", ("1.0", "1.0")), ("tls11", ("1.0", "1.1")), ("tls12", ("1.2", "1.2")), ("tls13", ("1.3", "1.3")),
                               ("tls-all", ("1.0", "1.3"))):
            one(name, server={"versions": versions})
        one("no-cipher", server={"versions": ("1.2", "1.2"), "ciphers": "eNULL"})
        self._add("anonymous", versions=("1.2", "1.2"), ciphers="AECDH-AES256-SHA")
        one("client-ask", server={"client": "ask", "cafile": self.cafile})
        one("client-demand12", server={"client": "demand", "cafile": self.cafile, "versions": ("1.2", "1.2")})
        one("client-demand13", server={"client": "demand", "cafile": self.cafile, "versions": ("1.3", "1.3")})

    def _dialogue(self):
        def one(name, **server):
            self._certified(name, server=server)
        one("no-starttls", offers=("SIZE 20480000", "AUTH PLAIN LOGIN"))
        one("starttls-refused", starttls=b"454 4.7.0 TLS not available due to local problem\r\n")
        one("starttls-unknown", starttls=b"502 5.5.1 what\r\n")
        one("starttls-silent", starttls="silent")
        one("starttls-close", starttls="close")
        one("starttls-more", starttls=b"220 go\r\n250 2.0.0 smuggled\r\n")
        one("handshake-drop", tls="drop")
        one("handshake-garbage", tls="garbage")
        one("leave", tls="leave")
        one("ehlo-tls-close", ehlo_tls="close")
        one("ehlo-tls-silent", ehlo_tls="silent")
        one("wants-tls", mail=b"530 5.7.0 Must issue a STARTTLS command first\r\n")
        one("wants-tls-late", mail=b"450 4.7.0 encryption required\r\n", tls="drop")
        one("helo-only", ehlo=b"502 5.5.1 what\r\n")
        one("ehlo-refused", ehlo=b"550 5.7.1 go away\r\n", helo=b"550 5.7.1 go away\r\n")
        one("ehlo-close", ehlo="close")
        one("ehlo-silent", ehlo="silent")
        one("banner-silent", banner="silent")
        one("banner-close", banner="close")
        one("banner-554", banner=b"554 5.7.1 no\r\n")
        one("banner-421", banner=b"421 4.7.0 too busy\r\n")
        one("banner-megabyte", banner=b"220 " + b"a" * MEGABYTE + b"\r\n")
        one("banner-lines", banner=b"220-x\r\n" * (MEGABYTE // 7) + b"220 x\r\n")
        one("http", banner=b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        one("implicit", implicit=True)
        one("escapes", banner=b"554 \x1b[31m\xff no\r\n")
        one("auth-clear", offers=("AUTH PLAIN LOGIN", "STARTTLS"), offers_tls=("AUTH PLAIN LOGIN",))
        one("auth-other", offers_tls=("AUTH CRAM-MD5 SCRAM-SHA-1", "SIZE 1000"))
        one("refuses", rcpt=b"554 5.7.1 Relay access denied\r\n")

    def _elsewhere(self):
        """Names that lead somewhere else, or nowhere."""
        good = next((line.split()[-1] for line in self.records if line.startswith("good.test.")), None)
        records = {
            "by-mx": ["by-mx.test. MX 20 nowhere.test.", "by-mx.test. MX 10 good.test.", "by-mx.test. A 127.0.0.99"],
            "by-wrong-mx": ["by-wrong-mx.test. MX 10 wrong-mx.test.", "wrong-mx.test. A %s" % good],
            "null-mx": ["null-mx.test. MX 0 .", "null-mx.test. A %s" % good],
            "dangling-mx": ["dangling-mx.test. MX 10 nowhere.test.", "dangling-mx.test. A %s" % good],
            "no-name": [],
            "no-address": ["no-address.test. TXT \"nothing\""],
            "refused": ["refused.test. A 127.0.0.98"],
            "alias": ["alias.test. CNAME good.test."],
        }
        for name, lines in records.items():
            name = "no-such" if name == "no-name" else name
            if self.wanted is None or name in self.wanted:
                self.servers[name] = None
                self.records += lines

    def close(self):
        for server in self.servers.values():
            if server:
                server.close()
