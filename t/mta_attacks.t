#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Attacks that only a real Postfix can show to be refused: each point begins with its number in the catalogue."""

import base64
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, Lab, Tap, message, verp
from lab.expect import accepted, config, logged, refused
from lab.laboratory import SALESFORCE
from lab.message import STRANGER
from lab.pki import CLIENT, TRUSTED
from lab.postfix import HOSTNAME, OTHER_USER, PASSWORD, USER
from lab.process import run

HEAD = "tls and message and org and from and envelope and verp and "
NETWORKS = {"networks": ["13.108.0.0/14", "2001:db8::/32"], "spf": []}
USERS = ["%s@%s" % (USER, HOSTNAME)]
AR, RESULT = "Authentication-Results", "X-SFDC-Relay"
SANDBOX = "00D8d000004SBXa"
UTF8, BMP, PRINTABLE = 0x0c, 0x1e, 0x13
SIGNATURE = bytes.fromhex("300a06082a8648ce3d040302")  # ecdsa-with-SHA256
RLO = "\u202e"

CONFIGURATIONS = {
    "usual": config({A: {}}),
    "cert": config({A: {"reject_unless": HEAD + "cert"}}),
    "ip": config({A: {"reject_unless": HEAD + "ip", "ip": NETWORKS}}),
    "auth": config({A: {"reject_unless": HEAD + "auth", "auth": {"users": USERS}}}),
    "verp": config({A: {"reject_unless": "tls and message and verp"}}),
}


def der(tag, content):
    """One element of DER."""
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 + len(octets)]) + octets + content


def certificate(pki, name, common_name, tag=UTF8):
    """A certificate of the trusted authority with these bytes as its common name, which no tool would write."""
    place = "P" * len(common_name)
    pki._sign(name, "/CN=" + place, ["basicConstraints=CA:FALSE", CLIENT], "ca")
    whole = subprocess.run(["openssl", "x509", "-in", pki.crt(name), "-outform", "DER"], capture_output=True,
                           check=True).stdout
    size = int.from_bytes(whole[6:8], "big") if whole[5] == 0x82 else whole[6]
    first = whole[4:(8 if whole[5] == 0x82 else 7) + size]
    first = first.replace(bytes([UTF8, len(place)]) + place.encode(), bytes([tag, len(place)]) + common_name)
    sign = subprocess.run(["openssl", "dgst", "-sha256", "-sign", pki.key("ca")], input=first, capture_output=True,
                          check=True).stdout
    text = base64.encodebytes(der(0x30, first + SIGNATURE + der(0x03, b"\0" + sign))).decode()
    with open(pki.crt(name), "w", encoding="ascii") as file:
        file.write("-----BEGIN CERTIFICATE-----\n%s-----END CERTIFICATE-----\n" % text)
    pki._bundle(name)


def certificates(tap, relays):
    relay = relays["cert"]
    certificate(relay.lab.pki, "made", TRUSTED.encode())
    accepted(tap, relay.send(A.address, message(), certificate="made"), "C04 a certificate made here is a good one",
             cert=TRUSTED)
    for number, (name, common_name, tag) in enumerate((
            ("C05 NUL after our name", b"x.mta.salesforce.com\0.attack.example", UTF8),
            ("C05 NUL before our name", b"attack.example\0.mta.salesforce.com", UTF8),
            ("C05 NUL, PrintableString", b"x.mta.salesforce.com\0.attack.example", PRINTABLE),
            ("C07 a trailing dot", b"x.mta.salesforce.com.", UTF8),
            ("C07 a leading space", b" x.mta.salesforce.com", UTF8),
            ("C07 a trailing space", b"x.mta.salesforce.com ", UTF8),
            ("C09 a star", b"*", UTF8), ("C09 *.com", b"*.com", UTF8),
            ("C09 a wildcard in part of a label", b"smtp*.mta.salesforce.com", UTF8),
            ("C09 the pattern itself", b"*.mta.salesforce.com", UTF8),
            ("C12 a look-alike as A-label", b"x.mta.xn--slesforce-5bh.com", UTF8),
            ("C12 a look-alike in UTF-8", "x.mta.s\u0430lesforce.com".encode(), UTF8),
            ("C12 BMPString look-alike", "x.mta.s\u0430lesforce.com".encode("utf-16-be"), BMP))):
        certificate(relay.lab.pki, "odd%d" % number, common_name, tag)
        outcome = relay.send(A.address, message(), certificate="odd%d" % number)
        refused(tap, outcome, name, "cert-name", stage="rcpt", r_cert="fail", r_tls="pass")
    # No MTA shows a milter the alternative names, so the common name decides alone.
    for name, common_name, others in (("good-san", "x.attack.example", TRUSTED), ("bad-san", TRUSTED, "x.attack.example")):
        relay.lab.pki._sign(name, "/CN=" + common_name, ["basicConstraints=CA:FALSE", CLIENT, "subjectAltName=DNS:" + others],
                            "ca")
    refused(tap, relay.send(A.address, message(), certificate="good-san"), "C11 our name as an alternative one alone",
            "cert-name", stage="rcpt", cert="x.attack.example")
    accepted(tap, relay.send(A.address, message(), certificate="bad-san"), "C11 our common name, another alternative one",
             cert=TRUSTED)
    certificate(relay.lab.pki, "bmp", "x.mta.salesforce.com".encode("utf-16-be"), BMP)
    accepted(tap, relay.send(A.address, message(), certificate="bmp"), "C12 BMPString of the very name is that name",
             cert="x.mta.salesforce.com")


def author(tap, relays):
    relay = relays["usual"]
    bidi = "From: %selpmaxe.live <info@example.com>" % RLO
    accepted(tap, relay.send(A.address, message(omit=["From"], extra=[bidi])), "D09 bidi override in the display name",
             r_from="pass")
    quoted = 'From: "%sx@attack.example" <info@example.com>' % RLO
    accepted(tap, relay.send(A.address, message(omit=["From"], extra=[quoted])), "D09 the same, quoted", r_from="pass")
    below = message().replace("\r\n\r\n", "\r\nFrom: x@attack.example\r\n\r\n", 1)
    above = ["From: x@attack.example", "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=Date:From; bh=; b="]
    for name, text, reason, reply in (
            ("F02 the attacker's above a signed message", message(extra=above), "message-duplicate", "550 5.6.0"),
            ("F03 a second one below", below, "message-duplicate", "550 5.6.0"),
            ("F07 a folded field name", message(extra=["From\r\n : x@attack.example"]), "org-absent", "550 5.7.1"),
            ("F13 an 8-bit byte in the field name", message(extra=["From\u00e9: x@attack.example"]), "org-absent",
             "550 5.7.1")):
        outcome = relay.send(A.address, text)
        refused(tap, outcome, name, reason, reply)
    accepted(tap, relay.send(A.address, message(extra=["X-First: 1\r\n From: x@attack.example"])),
             "F06 a leading space continues the field above, the real one is judged", r_from="pass")
    refused(tap, relay.send(A.address, message(author="x@attack.example", extra=["X-First: 1\r\n From: " + A.address])),
            "F06 and no such line makes an author of ours", "from-domain")
    refused(tap, relay.send(A.address, message(extra=[" From: x@attack.example"])),
            "F06 at the very start of the message it begins the body", "org-absent")
    encoded = "=?utf-8?b?" + base64.b64encode(b"<info@example.com>").decode() + "?="
    for name, value, reason, reply in (
            ("D04 a trailing dot", "info@example.com.", "from-malformed", "550 5.6.0"),
            ("D04 an empty label", "info@example..com", "from-malformed", "550 5.6.0"),
            ("D04 a leading dot", "<info@.example.com>", "from-malformed", "550 5.6.0"),
            ("D05 a homograph as U-label", "info@ex\u0430mple.com", "from-domain", "550 5.7.1"),
            ("D05 a homograph as A-label", "info@xn--exmple-4nf.com", "from-domain", "550 5.7.1"),
            ("D09 bidi override in the domain", "info@example.com%s@attack.example" % RLO, "from-malformed",
             "550 5.6.0"),
            ("F10 an encoded word and a second address", encoded + ", <x@attack.example>", "from-malformed",
             "550 5.6.0"),
            ("F10 an encoded word as the name of another", encoded + " <x@attack.example>", "from-domain", "550 5.7.1"),
            ("F11 a source route", "<@a.example,@b.example:info@example.com>", "from-malformed", "550 5.6.0"),
            ("F12 backslash and comma", "<info@example.com>\\,<x@attack.example>", "from-malformed", "550 5.6.0"),
            ("F12 ours, comma, another", "info@example.com,<x@attack.example>", "from-several", "550 5.7.1"),
            ("F12 another, then ours", "<x@attack.example>info@example.com", "from-malformed", "550 5.6.0"),
            ("F12 ours, then another", "info@example.com <x@attack.example>", "from-malformed", "550 5.6.0"),
            ("F18 64 KB", "a" * 65536 + "@example.com", "from-malformed", "550 5.6.0"),
            ("F18 10,000 commas", "," * 10000 + A.address, "from-malformed", "550 5.6.0"),
            ("F18 10,000 nested comments", "(" * 10000 + A.address, "from-malformed", "550 5.6.0"),
            ("F18 10,000 mailboxes of ours", ", ".join([A.address] * 10000), "from-malformed", "550 5.6.0")):
        outcome = relay.send(A.address, message(omit=["From"], extra=["From: " + value]))
        refused(tap, outcome, name, reason, reply)


def envelope(tap, relays):
    """What Postfix itself refuses never becomes a message of the milter; the last points of this file see to that."""
    relay = relays["usual"]
    for name, path in (("E02 two paths", "<info@attack.example><info@example.com>"),
                       ("E05 NUL", "<info@example.com\0@attack.example>"),
                       ("E05 a bare CR", "<info@example.com\rx@attack.example>"),
                       ("E05 a local part of 5 KB", "<%s@example.com>" % ("a" * 5000))):
        with relay.session() as client:
            reply = client.command("MAIL FROM:" + path)
            tap.ok(reply.code == 501 and "(id " not in reply.text, name + ": Postfix refuses the syntax", reply=reply)
    for name, sender, reason, parameters in (
            ("E02 a comment alone", "(info@example.com", "envelope-malformed", ()),
            ("E02 a comment after the domain", "info@example.com(a.attack.example", "envelope-malformed", ()),
            ("E02 a quote in the domain", "info@example.com'@attack.example", "envelope-malformed", ()),
            ("E02 a route and a quote", "@example.com,@x.example:'info@attack.example", "envelope-malformed", ()),
            ("E02 a route before ours", "@attack.example:info@example.com", "envelope-malformed", ()),
            ("E02 ours quoted as a local part", '"info@example.com"@attack.example', "envelope-domain", ()),
            ("E05 UTF-8 without SMTPUTF8", "inf\u00f6@attack.example", "envelope-domain", ()),
            ("E05 UTF-8 with SMTPUTF8", "inf\u00f6@attack.example", "envelope-domain", ("SMTPUTF8",)),
            ("E05 a homograph with SMTPUTF8", "info@ex\u0430mple.com", "envelope-domain", ("SMTPUTF8",))):
        outcome = relay.send(sender, message(), parameters=parameters)
        refused(tap, outcome, name, reason, r_envelope="fail", r_from="pass")


def addresses(tap, relays):
    relay = relays["ip"]
    accepted(tap, relay.send(A.address, message(), address="::ffff:13.110.74.200"), "I02 IPv4-mapped is IPv4",
             client=SALESFORCE, r_ip="pass")
    refused(tap, relay.send(A.address, message(), address="::ffff:203.0.113.5"), "I02 IPv4-mapped, not listed",
            "ip-unlisted", client="203.0.113.5")
    accepted(tap, relay.send(A.address, message(), address="2001:db8::1"), "I02 the prefix IPV6:",
             client="2001:db8::1", r_ip="pass")
    refused(tap, relay.send(A.address, message(), address="2001:dba::1"), "I02 the prefix IPV6:, not listed",
            "ip-unlisted", client="2001:dba::1")
    for name, sender, text in (("with its own From:", STRANGER.address, message(STRANGER)),
                               ("with our From:", A.address, message(lk=STRANGER.short))):
        refused(tap, relay.send(sender, text), "I08 another tenant at a listed address, " + name, "org-unknown", r_ip="pass")
    with relay.session(source="127.0.0.2") as client:
        reply = client.xclient(SALESFORCE, TRUSTED)
        tap.ok(not reply.ok, "I07 Postfix refuses XCLIENT of a host it does not authorize", reply=reply)
        outcome = relay.submit(client, A.address, message())
        refused(tap, outcome, "I07 and it has no effect", "ip-unlisted", client="127.0.0.2")


def organization(tap, relays):
    relay = relays["usual"]
    injected = "X-Custom: x\r\nX-SFDC-LK: " + A.short
    refused(tap, relay.send(verp(STRANGER, A.address), message(lk=STRANGER.short, extra=[injected])),
            "O14 X-SFDC-LK injected above Salesforce's own", "org-duplicate", r_org="fail", r_verp="fail")
    refused(tap, relays["verp"].send(verp(STRANGER, A.address), message(lk=None, extra=[injected])),
            "O14 the bounce address betrays it alone", "verp-org", r_verp="fail")
    refused(tap, relay.send(A.address, message(lk=SANDBOX)), "O16 a sandbox that is not listed", "org-unknown")
    text = message(lk=STRANGER.short)
    refused(tap, relay.send(A.address, text), "X12 another tenant with our From:", "org-unknown", r_from="pass")
    refused(tap, relays["verp"].send(verp(STRANGER, A.address), message()), "X12 with our X-SFDC-LK, verp refuses",
            "verp-org", r_verp="fail", r_org="pass")
    for user in ("info", "ceo", "anybody.at.all"):
        accepted(tap, relay.send(A.address, message(author=user + "@example.com")),
                 "X13 an insider of our own organization as %s: accepted, out of scope" % user, r_from="pass")


def times(tap, relays):
    relay = relays["usual"]
    for date in ("Thu, 01 Jan 1970 00:00:00 +0000", "Tue, 19 Jan 2038 03:14:08 +0000",
                 "Fri, 31 Dec 9999 23:59:59 +0000", "Mon, 99 Foo 99999999999 99:99:99 +9999"):
        accepted(tap, relay.send(A.address, message(omit=["Date"], extra=["Date: " + date])),
                 "X10 Date: %s decides nothing" % date)
    for tags in ("t=2147483648; x=4294967296", "t=99999999999999999999; x=-1"):
        field = "DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=From; bh=; b=; " + tags
        accepted(tap, relay.send(A.address, message(extra=[field])), "X10 a signature of %s, none asked for" % tags)
    excuse = "%s: %s; dkim=pass (test mode t=y); spf=softfail; dmarc=pass (p=none)" % (AR, HOSTNAME)
    refused(tap, relay.send(A.address, message(lk=STRANGER.short, extra=[excuse])),
            "X11 a claimed test mode excuses nothing", "org-unknown")


def authentication(tap, relays):
    relay = relays["auth"]
    server = relay.lab.mtas[0]
    database = os.path.join(server.etc, "sasl", "sasldb2")
    odd = ["sf\nuser", "sf\ruser", 'sf" verdict=accept', "sfuser+0A", "sf;user(", "sf\\x\x1b[1m", "sf\u00fcser",
           "SFUSER", "sfuser\u2028"]
    for user in odd:
        run(["saslpasswd2", "-p", "-c", "-f", database, "-u", HOSTNAME, user], input=PASSWORD.encode())
    for user in odd:
        with relay.session() as client:
            reply = client.auth("%s@%s" % (user, HOSTNAME), PASSWORD)
            outcome = relay.submit(client, A.address, message())
        tap.ok(reply.code == 235, "U03 SASL lets %s in" % ascii(user), reply=reply)
        refused(tap, outcome, "U03 and it is another user", "auth-user", stage="rcpt", r_auth="fail")
        raw = relay.milter.raw(outcome.log)
        tap.ok(raw.isascii() and raw.isprintable() and raw.count("verdict=reject") == 1
               and outcome.log["verdict"] == "reject", "U03 and its line in the log is one of plain ASCII", raw=raw)
    for author in (USERS[0], "x@attack.example"):
        with relay.session() as client:
            token = "%s\0%s@%s\0%s" % (author, OTHER_USER, HOSTNAME, PASSWORD)
            reply = client.command("AUTH PLAIN " + base64.b64encode(token.encode()).decode())
            outcome = relay.submit(client, A.address, message())
        tap.equal(reply.code, 535, "U04 SASL refuses another authorization identity (%s)" % author)
        refused(tap, outcome, "U04 and the session stays without AUTH", "auth-none", "530 5.7.0", "rcpt", auth=None)


def structure(tap, relays):
    relay = relays["usual"]
    fields = ["X-%d: y" % number for number in range(5000)]
    refused(tap, relay.send(A.address, message(extra=fields)), "X02 5000 header fields are too many", "org-malformed",
            r_message="fail", r_from="fail")
    refused(tap, relay.send(A.address, message(extra=["X-SFDC-LK: " + A.short] * 5000)), "X02 5000 times X-SFDC-LK",
            "org-duplicate", r_message="fail")
    refused(tap, relay.send(A.address, message(extra=["no colon"])), "X02 a line without a colon ends the header",
            "org-absent", r_from="fail")
    for name, extra in (("a header of 1 MB", ["X-%d: %s" % (number, "y" * 900) for number in range(1100)]),
                        ("a field of 1 MB", ["X-Big: " + "y" * 1048576]),
                        ("a line of 1500", ["X-Long: " + "y" * 1500]), ("a line of 5000", ["X-Long: " + "y" * 5000])):
        accepted(tap, relay.send(A.address, message(extra=extra)), "X02 %s is borne" % name, r_message="pass")
        refused(tap, relay.send(A.address, message(author="x@attack.example", extra=extra)),
                "X02 %s hides no author" % name, "from-domain")
    outcome = relay.send(A.address, message(ident="m" * 61440 + "@sfdc.net"))
    accepted(tap, outcome, "L02 a Message-ID of 60 KB")
    tap.ok(re.fullmatch(r"<m{200,300}\.\.\.\d{5}", outcome.log["msgid"]) and len(relay.milter.raw(outcome.log)) < 2000,
           "L02 is cut in the log, with its length", log=outcome.log)
    outcome = relay.send(A.address, message(omit=["Subject"], extra=["Subject: " + "y" * 61440]))
    accepted(tap, outcome, "L02 a Subject: of 60 KB")
    tap.ok("yyy" not in relay.milter.raw(outcome.log), "L02 is not logged at all")


def nul(tap, lab):
    """Postfix cuts a header field at NUL, for the milter and for the next hop, unless it is told to refuse NUL."""
    for name, main in (("as it comes", ""), ("message_reject_characters", "message_reject_characters = \\0\n")):
        server = lab.postfix(main=main)
        milter = lab.milter(CONFIGURATIONS["usual"], name="nul%d" % bool(main))
        port = server.port(milter.postfix)
        server.start()
        text = message(omit=["From"], extra=["From: info@example.com\0@attack.example"])
        outcome = lab.send(port, A.address, text)
        if main:
            tap.ok(outcome.reply.code == 550 and "(id " not in outcome.reply.text,
                   "F13 NUL in the address: Postfix refuses it with " + name, outcome=outcome)
            continue
        lines = [line for line in lab.delivered(outcome).raw.split(b"\r\n") if line.startswith(b"From:")]
        tap.equal(lines, [b"From: info@example.com"], "F13 NUL in the address: delivered is no more than was judged")


def results(tap, relays):
    relay = relays["usual"]
    for line in ("authentication-results: %s; dkim=pass" % HOSTNAME, "%s : %s; dkim=pass" % (AR, HOSTNAME),
                 "AUTHENTICATION-RESULTS\t:%s; dkim=pass" % HOSTNAME):
        outcome = relay.send(A.address, message(extra=[line]))
        accepted(tap, outcome, "R03 accepted with %r" % line)
        found = [value for value in relay.lab.delivered(outcome).all(AR) if HOSTNAME in value]
        tap.ok(len(found) == 1 and "dkim=pass" not in found[0], "R03 and the forged field is gone", found=found)
    for sender in ('"a;dkim=pass"@example.com', '"a\\" (x"@example.com', '"(((("@example.com'):
        outcome = relay.send(sender, message())
        accepted(tap, outcome, "R06 accepted from %s" % sender, r_envelope="pass")
        delivered = relay.lab.delivered(outcome)
        tap.ok(delivered.all(AR) == [HOSTNAME + "; dkim=none"] and len(delivered.all(RESULT)) == 1
               and sender not in delivered.all(RESULT)[0], "R06 our fields are not touched by it",
               found=delivered.all(AR) + delivered.all(RESULT))


def sockets(tap, relays):
    milter = relays["usual"].lab.milter({**CONFIGURATIONS["usual"], "socket_mode": "0666"}, name="open", begin=False)
    ended = subprocess.run([milter.program, "-f", "-c", milter.file], capture_output=True, text=True, timeout=20)
    tap.ok(ended.returncode == 78 and "socket_mode" in ended.stderr + ended.stdout and not os.path.exists(milter.path),
           "P06 a socket that everybody may write to: the daemon does not start", ended=ended)


def main():
    with Tap() as tap, Lab() as lab:
        lab.client_name = "mail.client.example"
        relays = lab.relays(CONFIGURATIONS)
        for function in (certificates, author, envelope, addresses, organization, times, authentication, structure,
                         results, sockets):
            tap.case(function, relays)
        tap.case(nul, lab)
        for name, relay in relays.items():
            left = relay.milter.messages()[relay.milter.mark:]
            tap.equal(left, [], "one log line for each message (%s)" % name)


main()
