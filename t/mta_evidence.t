#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""DKIM, SPF and DMARC as they come through a real Postfix and a real Sendmail; the name server is our own."""

import base64
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import dkim
import nacl.encoding
import nacl.signing
from cryptography.hazmat.primitives import serialization
from dkimsigner import Key
from dkimsigner import message as compose
from dkimsigner import sign
from dnsserver import DnsServer

from lab import A, Lab, Tap, message, verp
from lab.expect import accepted, config, refused
from lab.laboratory import SALESFORCE, Relay
from lab.message import STRANGER
from lab.postfix import HOSTNAME
from lab.process import run
from lab.sendmail import LISTED, Sendmail

HEAD = "tls and message and org and from and envelope and verp and "
SIGNED = ["Date", "From", "To", "Subject", "MIME-Version", "Content-Type"]
NEWER = "35.85.98.200"
BROKEN, SILENT = "13.110.74.201", "13.110.74.202"
AR = "Authentication-Results"


class Signer:
    """Keys, and signatures in the manner of Salesforce: relaxed/simple over six fields."""

    def __init__(self, lab, server):
        path = lab.folder("dkim.pem")
        run(["openssl", "genrsa", "-traditional", "-out", path, "2048"])
        self.rsa = open(path, "rb").read()
        public = run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"])
        self.record = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
        self.edwards = nacl.signing.SigningKey.generate()
        seed = base64.b64encode(self.edwards.verify_key.encode()).decode()
        self.edwards_record = "v=DKIM1; k=ed25519; p=" + seed
        self.server = server
        self.publish("sf1._domainkey." + A.domain, self.record)
        self.publish("ed._domainkey." + A.domain, self.edwards_record)
        for domain in ("attack.example", "com"):
            self.publish("sf1._domainkey." + domain, self.record)

    def publish(self, name, record):
        parts = [record[at:at + 250] for at in range(0, len(record), 250)]
        self.server.add(name, "TXT", " ".join('"%s"' % part for part in parts))

    def sign(self, text, domain=A.domain, selector="sf1", canonicalize=("relaxed", "simple"), **options):
        raw = text.encode() if isinstance(text, str) else text
        key, algorithm = self.rsa, b"rsa-sha256"
        if selector == "ed":
            key = self.edwards.encode(nacl.encoding.Base64Encoder)
            algorithm = b"ed25519-sha256"
        names = [name.encode() for name in SIGNED]
        field = dkim.sign(raw, selector.encode(), domain.encode(), key, signature_algorithm=algorithm,
                          canonicalize=tuple(name.encode() for name in canonicalize), include_headers=names, **options)
        return field + raw


    def sign_raw(self, text, **tags):
        """By the bytes that are given, which other signers would not take; the message's fields must not be folded."""
        header, body = text.encode().split(b"\r\n\r\n", 1)
        fields = [tuple(line.split(b":", 1)) for line in header.split(b"\r\n")]
        key = Key(serialization.load_pem_private_key(self.rsa, None))
        return compose([sign(fields, body, key, **tags)] + fields, body)


def configurations(port):
    dns = {"nameservers": ["127.0.0.1@%d" % port]}
    networks = {"ip": {"networks": [], "spf": ["_spf.salesforce.com"]}}
    dmarc = {"reject_unless": HEAD + "cert", "quarantine_unless": "dmarc", "warn_unless": "spf"}
    several = {
        "dkim": config({A: {"reject_unless": HEAD + "dkim"}}),
        "ip": config({A: {"reject_unless": HEAD + "ip", **networks}}),
        "dmarc": config({A: dmarc}),
        "bare": config({A: {"domains": [A.domain, "*." + A.domain], "reject_unless": "org and dkim",
                             "dkim": {"required_headers": ["from"]}}}),
    }
    for verdict in ("reject", "quarantine", "accept"):
        several[verdict] = {**config({A: {"reject_unless": HEAD + "ip", **networks}}), "undecided": verdict}
    several["hurried"] = {**several["ip"], "message_timeout": 1}
    return {name: {**one, "dns": dns} for name, one in several.items()}


def signatures(tap, relays, signer, **session):
    relay = relays["dkim"]
    for name, text, options in (
            ("as Salesforce signs", message(), {}), ("ed25519", message(), {"selector": "ed"}),
            ("simple/simple", message(extra=["X-Spaces:   three"]), {"canonicalize": ("simple", "simple")}),
            ("relaxed/relaxed", message(), {"canonicalize": ("relaxed", "relaxed")}),
            ("K25 no body", message(body=""), {}), ("K25 blank lines at the end", message(body="x\r\n\r\n\r\n"), {}),
            ("K25 lines of dots", message(body=".\r\n..\r\nx .\r\n.x\r\n"), {}),
            ("K25 300 KB", message(body=("x" * 75 + "\r\n") * 4000), {})):
        outcome = relay.send(A.address, signer.sign(text, **options), **session)
        accepted(tap, outcome, name, r_dkim="pass", dkim_d=A.domain, dkim_s=options.get("selector", "sf1"))
    found = relay.lab.delivered(outcome).all(AR)
    tap.ok(found and found[0].startswith(HOSTNAME + ";") and "dkim=pass" in found[0]
           and "header.d=" + A.domain in found[0], "Authentication-Results has the method dkim", found=found)


def bad_signatures(tap, relays, signer, **session):
    relay = relays["dkim"]
    text = message()
    good = signer.sign(text)
    for name, raw, reason, reply in (
            ("K01 none", text, "dkim-none", "550 5.7.20"),
            ("K02 the body was changed", good.replace(b"Thank you", b"Thank us!"), "dkim-bodyhash", "550 5.7.20"),
            ("K02 a signed field was changed", good.replace(b"Subject: Your", b"Subject: My"), "dkim-fail",
             "550 5.7.20"),
            ("K03 a part of the body", signer.sign(text, length=True) + b"more\r\n", "dkim-length", "550 5.7.21"),
            ("K06 of another domain", signer.sign(text, "attack.example"), "dkim-unaligned", "550 5.7.22"),
            ("D07 of a public suffix", signer.sign(text, "com"), "dkim-unaligned", "550 5.7.22"),
            ("K10 no key", signer.sign(text, selector="gone"), "dkim-key", "550 5.7.20")):
        refused(tap, relay.send(A.address, raw, **session), name, reason, reply)
    mixed = signer.sign(good, "attack.example")
    accepted(tap, relay.send(A.address, mixed, **session), "K08 one of another domain above a good one")


def field_names(tap, relays, signer, **session):
    """K28: white space before the colon does not take a field out of a signature that rules a second one out."""
    relay = relays["bare"]
    good = signer.sign_raw(message(), d=A.domain, s="sf1", c="relaxed/simple", h="from:subject:subject")
    accepted(tap, relay.send(A.address, good, **session), "K28 no second Subject:", r_dkim="pass")
    for name in (b"Subject", b"Subject ", b"Subject\t", b"Subject \t "):
        refused(tap, relay.send(A.address, name + b": Pay!\r\n" + good, **session), "K28 %r" % name, "dkim-fail", "550 5.7.20")


def internationalized(tap, relays, signer, **session):
    """RFC 8616: an author and a signature in U-labels, the key under the A-labels."""
    relay = relays["bare"]
    signer.publish("sf1._domainkey.xn--bcher-kva." + A.domain, signer.record)
    domain = "b\u00fccher." + A.domain
    good = signer.sign_raw(message(author="info@" + domain), d=domain, s="sf1", i="j\u00f6@" + domain, c="relaxed/relaxed",
                           h="from:subject:date")
    for parameters in ((), ("SMTPUTF8",)):
        outcome = relay.send(A.address, good, parameters=parameters, **session)
        accepted(tap, outcome, "RFC 8616 %s" % (parameters,), r_dkim="pass", dkim_d="xn--bcher-kva." + A.domain)
    refused(tap, relay.send(A.address, good.replace(b"Subject: Your", b"Subject: My"), **session), "RFC 8616, changed", "dkim-fail",
            "550 5.7.20")
    disguised = signer.sign_raw(message(author="info@exam\u200bple." + A.domain), d=A.domain, s="sf1")
    refused(tap, relays["dkim"].send(A.address, disguised, **session), "D10 U+200B in From:", "from-malformed", "550 5.6.0",
            r_from="fail")


def failing_dns(tap, relays, signer):
    server = signer.server
    server.rules["late._domainkey." + A.domain] = "servfail"
    refused(tap, relays["dkim"].send(A.address, signer.sign(message(), selector="late")), "K19 the key cannot be had",
            "dkim-temperror", "451 4.7.5", verdict="tempfail")
    both = signer.sign(signer.sign(message()), selector="late")
    accepted(tap, relays["dkim"].send(A.address, both), "K19 but another one passes")
    for address, rule in ((BROKEN, "servfail"), (SILENT, "drop")):
        server.rules["%s._spf.mta.salesforce.com" % address] = rule
    relay = relays["ip"]
    refused(tap, relay.send(A.address, message(), address=BROKEN), "S04 the SPF name cannot be asked", "dns-error",
            "451 4.4.3", verdict="tempfail", r_ip="temperror")
    outcome = relays["hurried"].send(A.address, message(), address=SILENT)
    reason = outcome.log.get("reason")
    refused(tap, outcome, "X06 no answer in time", reason, "451 4.4.3", verdict="tempfail", r_ip="temperror")
    tap.ok(reason in ("dns-timeout", "dns-error"), "X06 ours or the resolver's", reason=reason)
    accepted(tap, relay.send(A.address, message(), address=NEWER, name="[UNAVAILABLE]"), "other addresses are taken")
    refused(tap, relays["hurried"].send(A.address, message(lk=STRANGER.short), address=SILENT),
            "X05 what is refused anyway is not deferred", "org-unknown")
    outcome = relays["reject"].send(A.address, message(), address=BROKEN)
    refused(tap, outcome, "undecided: reject", "dns-error")
    outcome = relays["quarantine"].send(A.address, message(), address=BROKEN)
    accepted(tap, outcome, "undecided: quarantine", verdict="quarantine")
    outcome = relays["accept"].send(A.address, message(), address=BROKEN)
    accepted(tap, outcome, "undecided: accept, where it is written")


def addresses(tap, relays, signer):
    accepted(tap, relays["ip"].send(A.address, message()), "an address that SPF vouches for", r_ip="pass")
    refused(tap, relays["ip"].send(A.address, message(), address="203.0.113.5"), "one that it does not", "ip-unlisted")
    refused(tap, relays["ip"].send(A.address, message(), address=None), "I06 loopback", "ip-unlisted")


def policies(tap, relays, signer):
    relay = relays["dmarc"]
    signer.server.add("bounces." + A.domain, "TXT", '"v=spf1 ip4:%s -all"' % SALESFORCE)
    accepted(tap, relay.send("", message(), helo="bounces." + A.domain), "M05 a bounce, by SPF of the HELO name", r_dmarc="pass",
             r_spf="pass")
    outcome = relay.send("", message(), helo="bounces." + A.domain, address=NEWER)
    accepted(tap, outcome, "M05 of another client", verdict="quarantine", r_dmarc="fail")
    outcome = relay.send(verp(A), message(), helo="bounces." + A.domain)
    accepted(tap, outcome, "S03 the HELO name beside another sender", verdict="quarantine", r_dmarc="fail")
    accepted(tap, relay.send(A.address, signer.sign(message())), "DMARC by DKIM", r_dmarc="pass", warn="spf")
    accepted(tap, relay.send(verp(A), signer.sign(message())), "DMARC by DKIM, bounce management", r_dmarc="pass")
    outcome = relay.send(verp(A), message())
    accepted(tap, outcome, "no DMARC without either", verdict="quarantine", r_dmarc="fail")
    tap.ok(relay.lab.mtas[0].held(outcome.queue_id), "which is held")


def sendmail(tap, lab, config_, signer):
    """The same signatures through Sendmail, which hands the header over in its own way."""
    why = Sendmail.missing()
    if why:
        tap.note("no Sendmail: " + why)
        return
    server = lab.sendmail()
    milter = lab.milter(config_, name="sendmail")
    number = server.port()
    server.start("MAIL_FILTER(`sfdc', `S=%s, F=T, T=S:30s;R:30s')dnl\n"
                 "DAEMON_OPTIONS(`Port=%d, Addr=127.0.0.1, Name=SFDC, InputMailFilters=sfdc')dnl\n"
                 % (milter.sendmail, number))
    relays = {"dkim": Relay(lab, number, milter)}
    signatures(tap, relays, signer, source=LISTED)
    bad_signatures(tap, relays, signer, source=LISTED)


def zone(server):
    server.add("_spf.salesforce.com", "TXT", '"v=spf1 exists:%{i}._spf.mta.salesforce.com -all"')
    for address in (SALESFORCE, NEWER):
        server.add("%s._spf.mta.salesforce.com" % address, "A", "127.0.0.2")
    server.add("_dmarc." + A.domain, "TXT", '"v=DMARC1; p=reject"')


def main():
    server = DnsServer()
    with Tap() as tap, Lab() as lab:
        zone(server)
        signer = Signer(lab, server)
        server.start()
        try:
            relays = lab.relays(configurations(server.port))
            for function in (signatures, bad_signatures, field_names, internationalized, addresses, policies, failing_dns):
                tap.case(function, relays, signer)
            tap.case(sendmail, lab, configurations(server.port)["dkim"], signer)
        finally:
            server.stop()


main()
