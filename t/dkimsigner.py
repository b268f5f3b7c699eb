# SPDX-License-Identifier: BSD-2-Clause
"""DKIM signatures made to measure, good ones and bad ones, by the letter of RFC 6376 and RFC 8463.

    key = Key.rsa(2048); field = sign(fields, body, key, d="example.com", s="sel", h="from:to")

`fields` is a list of (name, value), the value without the space after the colon; lines end in CRLF throughout.
"""
import base64
import hashlib
import re
import subprocess

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa


class Key:
    """A private key, and the record that publishes its public half."""

    def __init__(self, private):
        self.private = private
        self.is_rsa = isinstance(private, rsa.RSAPrivateKey)

    @classmethod
    def rsa(cls, bits):
        # The library makes no short ones since version 43, but takes them.
        made = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:%d" % bits], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
        return cls(serialization.load_pem_private_key(made, None))

    @classmethod
    def ed25519(cls):
        return cls(ed25519.Ed25519PrivateKey.generate())

    @property
    def public(self):
        """p= of the key record."""
        key = self.private.public_key()
        if self.is_rsa:
            data = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            data = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return base64.b64encode(data).decode()

    @property
    def record(self):
        return "v=DKIM1; k=%s; p=%s" % ("rsa" if self.is_rsa else "ed25519", self.public)

    def sign(self, data, algorithm):
        if algorithm == "rsa-sha1":
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA1())
        if self.is_rsa:
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self.private.sign(hashlib.sha256(data).digest())


def relaxed_field(name, value):
    value = re.sub(b"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.lower().strip() + b":" + value


def simple_field(name, value):
    return name + b":" + value


def canonical_body(body, relaxed):
    if relaxed:
        lines = [re.sub(b"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
        body = b"\r\n".join(lines)
    body = re.sub(rb"(\r\n)+\Z", b"", body)
    return body + b"\r\n" if body or not relaxed else b""


def select(fields, names):
    """The fields that a list of names covers, from the bottom up."""
    left = list(fields)
    for name in names:
        for index in range(len(left) - 1, -1, -1):
            if left[index][0].strip().lower() == name.strip().lower():
                yield left.pop(index)
                break


def sign(fields, body, key, fold=None, after=None, **tags):
    """A DKIM-Signature field as (name, value). Tags given replace the usual ones, None leaves one out; `after` is put
    behind b=, and `fold` between tags. The body hash is that of the body unless bh= is given."""
    algorithm = tags.get("a", "rsa-sha256" if key.is_rsa else "ed25519-sha256")
    header, _, rest = (tags.get("c") or "simple").partition("/")
    relaxed, body_relaxed = header == "relaxed", rest == "relaxed"
    digest = hashlib.sha1 if algorithm == "rsa-sha1" else hashlib.sha256
    data = canonical_body(body, body_relaxed)
    if tags.get("l") is not None:
        data = data[:int(tags["l"])]
    usual = {"v": "1", "a": algorithm, "c": None, "d": "example.com", "s": "sel", "h": "from:to:subject:date",
             "bh": base64.b64encode(digest(data).digest()).decode()}
    usual.update(tags)
    value = " " + (fold or "; ").join("%s=%s" % pair for pair in usual.items() if pair[1] is not None) + "; b="
    tail = after or ""
    canonical = relaxed_field if relaxed else simple_field
    text = b"".join(canonical(*field) + b"\r\n" for field in select(fields, (usual["h"] or "").encode().split(b":")))
    text += canonical(b"DKIM-Signature", (value + tail).encode())
    signature = base64.b64encode(key.sign(text, algorithm)).decode()
    return b"DKIM-Signature", (value + signature + tail).encode()


def message(fields, body):
    return b"".join(name + b":" + value + b"\r\n" for name, value in fields) + b"\r\n" + body
