# SPDX-License-Identifier: BSD-2-Clause
"""A private certificate authority and the certificates a mail client can come with."""

import os

from .process import run, write

TRUSTED = "smtp07-ia4-sp3.mta.salesforce.com"
HYPERFORCE = "smtp-0a1b2c3d.core2.sfdc-lywfpd.mta.salesforce.com"

CLIENT = "extendedKeyUsage=clientAuth,serverAuth"
SERVER_ONLY = "extendedKeyUsage=serverAuth"

# name: (subject, extended key usage, signing authority)
CLIENTS = {
    "trusted": ("/C=US/ST=California/L=San Francisco/O=Salesforce, Inc./CN=" + TRUSTED, CLIENT, "ca"),
    "hyperforce": ("/C=US/O=Salesforce, Inc./CN=" + HYPERFORCE, CLIENT, "ca"),
    "upper-case": ("/O=Salesforce, Inc./CN=" + TRUSTED.upper(), CLIENT, "ca"),
    "wrong-name": ("/O=Attack/CN=mta.salesforce.com.attack.example", CLIENT, "ca"),
    "name-in-o": ("/O=x\\/CN=" + TRUSTED + "/CN=client.attack.example", CLIENT, "ca"),
    "no-cn": ("/C=US/O=Salesforce, Inc.", CLIENT, "ca"),
    "server-only": ("/O=Salesforce, Inc./CN=" + TRUSTED, SERVER_ONLY, "ca"),
    "untrusted": ("/O=Salesforce, Inc./CN=" + TRUSTED, CLIENT, "other-ca"),
    "other-issuer": ("/O=Salesforce, Inc./CN=" + TRUSTED, CLIENT, "second-ca"),
}

CA_CONFIG = """[ca]
default_ca=expired
[expired]
dir=.
database=index.txt
serial=serial
new_certs_dir=.
default_md=sha256
policy=policy
x509_extensions=extensions
[policy]
commonName=supplied
[extensions]
basicConstraints=CA:FALSE
extendedKeyUsage=clientAuth
"""


class Pki:
    """Makes everything at once. path(name): a PEM file with certificate and key."""

    def __init__(self, folder, hostname="relay.test"):
        self.folder = folder
        os.mkdir(folder, 0o755)
        for name, subject in (("ca", "/O=Laboratory/CN=Laboratory CA"), ("second-ca", "/O=Laboratory/CN=Second CA"),
                              ("other-ca", "/O=Elsewhere/CN=Elsewhere CA")):
            self._sign(name, subject, ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"])
        self._sign("server", "/CN=" + hostname, ["subjectAltName=DNS:%s,DNS:localhost,IP:127.0.0.1" % hostname,
                                                 "extendedKeyUsage=serverAuth"], "ca")
        for name, (subject, usage, authority) in CLIENTS.items():
            self._sign(name, subject, ["basicConstraints=CA:FALSE", usage], authority)
        self._sign("self-signed", "/CN=" + TRUSTED, [CLIENT])
        self._expired()
        self.trusted_authorities = os.path.join(folder, "authorities.pem")
        write(self.trusted_authorities, open(self.crt("ca")).read() + open(self.crt("second-ca")).read())

    def crt(self, name):
        return os.path.join(self.folder, name + ".crt")

    def key(self, name):
        return os.path.join(self.folder, name + ".key")

    def path(self, name):
        return os.path.join(self.folder, name + ".pem")

    def _bundle(self, name):
        write(self.path(name), open(self.crt(name)).read() + open(self.key(name)).read(), 0o600)

    def _sign(self, name, subject, extensions, authority=None):
        command = ["openssl", "req", "-x509", "-config", "/dev/null", "-newkey", "ec",
                   "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days", "3650", "-utf8",
                   "-subj", subject, "-keyout", self.key(name), "-out", self.crt(name)]
        for extension in extensions:
            command += ["-addext", extension]
        if authority:
            command += ["-CA", self.crt(authority), "-CAkey", self.key(authority)]
        run(command)
        self._bundle(name)

    def _expired(self):
        work = os.path.join(self.folder, "expired")
        os.mkdir(work)
        write(os.path.join(work, "ca.conf"), CA_CONFIG)
        write(os.path.join(work, "index.txt"), "")
        write(os.path.join(work, "serial"), "01\n")
        run(["openssl", "req", "-new", "-config", "/dev/null", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + TRUSTED, "-keyout", self.key("expired"),
             "-out", os.path.join(work, "request")])
        run(["openssl", "ca", "-batch", "-notext", "-config", "ca.conf", "-in", "request", "-cert", self.crt("ca"),
             "-keyfile", self.key("ca"), "-startdate", "20200101000000Z", "-enddate", "20210101000000Z",
             "-out", self.crt("expired")], cwd=work)
        self._bundle("expired")
