# SPDX-License-Identifier: BSD-2-Clause
"""Certificates of mail servers, right and wrong in every way, of one private authority."""

import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .process import write

DAY = datetime.timedelta(days=1)


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


class Issuer:
    """A certificate with its key: an authority, or a server."""

    def __init__(self, name, certificate, key):
        self.name = name
        self.certificate = certificate
        self.key = key

    @property
    def pem(self):
        return _pem(self.certificate)

    @property
    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()).decode()


class WrongPki:
    """make() certificates, then chain() them into a file for a server."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(folder, 0o755)
        self.now = datetime.datetime.utcnow().replace(microsecond=0)
        self.key = ec.generate_private_key(ec.SECP256R1())  # for whom it does not matter
        self.root = self.authority("Root")
        self.middle = self.authority("Intermediate", self.root)
        self.stranger = self.authority("Stranger")
        self.cafile = os.path.join(folder, "root.pem")
        write(self.cafile, self.root.pem)

    def authority(self, name, issuer=None, **options):
        return self.make(name, issuer, ca=True, **options)

    def make(self, cn, issuer=None, san=(), ip=(), ca=False, days=(-10, 100), usage=ExtendedKeyUsageOID.SERVER_AUTH, key=None,
             digest=None, fetch=None):
        """One certificate; issuer None: signed by itself. days: from when until when, from now. san: DNS names."""
        key = key or (ec.generate_private_key(ec.SECP256R1()) if ca else self.key)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else [])
        builder = (x509.CertificateBuilder().subject_name(subject).public_key(key.public_key())
                   .issuer_name(issuer.certificate.subject if issuer else subject).serial_number(x509.random_serial_number())
                   .not_valid_before(self.now + DAY * days[0]).not_valid_after(self.now + DAY * days[1])
                   .add_extension(x509.BasicConstraints(ca, None), True))
        names = [x509.DNSName(name) for name in san] + [x509.IPAddress(ipaddress.ip_address(one)) for one in ip]
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        if fetch:
            access = x509.AccessDescription(x509.oid.AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(fetch))
            builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
        return Issuer(cn, builder.sign(issuer.key if issuer else key, digest or hashes.SHA256()), key)

    def rsa(self, bits):
        return rsa.generate_private_key(65537, bits)

    def chain(self, name, *members):
        """A file with the first one's key and all certificates; its path."""
        path = os.path.join(self.folder, name + ".pem")
        write(path, members[0].key_pem + "".join(member.pem for member in members))
        return path
