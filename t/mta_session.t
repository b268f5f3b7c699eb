#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What a session shows of itself - TLS, client certificate, AUTH, address - through a real Postfix."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, Lab, Tap, message
from lab.expect import accepted, config, logged, refused
from lab.laboratory import ELSEWHERE, SALESFORCE
from lab.pki import HYPERFORCE, TRUSTED
from lab.postfix import HOSTNAME, OTHER_USER, PASSWORD, USER

HEAD = "tls and message and org and from and envelope and verp and "
USERS = ["%s@%s" % (USER, HOSTNAME)]
SENDER = A.address

CONFIGURATIONS = {
    "either": config({A: {"auth": {"users": USERS}, "ip": {"networks": ["13.108.0.0/14"], "spf": []}}}),
    "cert": config({A: {"reject_unless": HEAD + "cert"}}),
    "pinned": config({A: {"reject_unless": HEAD + "cert", "cert": {"issuers": ["Laboratory CA"]}}}),
    "matched": config({A: {"reject_unless": HEAD + "cert", "cert": {"match_client_name": True}}}),
    "auth": config({A: {"reject_unless": HEAD + "auth", "auth": {"users": USERS}}}),
    "plain": config({A: {"reject_unless": HEAD + "auth", "auth": {"users": USERS, "mechanisms": ["PLAIN"]}}}),
    "ip": config({A: {"reject_unless": HEAD + "ip",
                      "ip": {"networks": ["13.108.0.0/14", "2001:db8::/32"], "spf": []}}}),
    "optional": config({A: {"reject_unless": HEAD + "cert and ip", "cert": {"required": False},
                            "ip": {"networks": ["13.108.0.0/14"], "spf": []}}}),
    "optional-or": config({A: {"cert": {"required": False}, "auth": {"users": USERS}}}),
    "mail": config({A: {}}, early_reject="mail"),
    "tls13": config({A: {"tls": {"min_version": "1.3", "min_cipher_bits": 256}}}),
}


def tls(tap, relays):
    relay = relays["cert"]
    for version in ("1.2", "1.3"):
        accepted(tap, relay.send(SENDER, message(), tls=version), "TLS %s is enough" % version,
                 tls="TLSv" + version, r_tls="pass", r_cert="pass")
    refused(tap, relay.send(SENDER, message(), tls=None), "T01 no STARTTLS", "tls-absent", "530 5.7.0", "rcpt",
            r_tls="fail", tls=None)
    for version, name in (("1.0", "TLSv1"), ("1.1", "TLSv1.1")):
        refused(tap, relay.send(SENDER, message(), tls=version), "T02 TLS %s" % version, "tls-version", "530 5.7.0",
                "rcpt", tls=name)
    outcome = relay.send(SENDER, message(), tls=None)
    tap.contains(outcome.reply.text, "in Salesforce set TLS Setting of the Email Relay to Required",
                 "T06 the refusal says which setting to change")
    refused(tap, relays["tls13"].send(SENDER, message(), tls="1.2"), "a higher minimum is kept", "tls-version",
            "530 5.7.0", "rcpt")
    accepted(tap, relays["tls13"].send(SENDER, message(), tls="1.3"), "and met")
    accepted(tap, relay.send(SENDER, message(), second_ehlo=False), "STARTTLS without a second EHLO", r_tls="pass",
             cert=TRUSTED)


def tls_state(tap, relays):
    relay = relays["cert"]
    with relay.session(tls=None) as client:
        refused(tap, relay.submit(client, SENDER, message()), "T05 refused before STARTTLS", "tls-absent",
                "530 5.7.0", "rcpt")
        client.command("RSET")
        client.starttls(None, relay.lab.pki.path("trusted"))
        client.ehlo()
        accepted(tap, relay.submit(client, SENDER, message()), "T05 and taken after it", r_tls="pass")
    with relay.session(tls=None) as client:
        client.send("STARTTLS\r\nMAIL FROM:<%s>\r\n" % SENDER)
        reply = client.read()
        client.handshake(None, relay.lab.pki.path("trusted"))
        after = client.command("RCPT TO:<user@dest.test>")
        tap.ok(reply.code == 220 and after.code == 503, "T04 what is sent in clear behind STARTTLS is forgotten",
               starttls=reply, rcpt=after)


def certificates(tap, relays):
    relay = relays["cert"]
    accepted(tap, relay.send(SENDER, message()), "a trusted certificate", cert=TRUSTED, cert_issuer="Laboratory CA")
    accepted(tap, relay.send(SENDER, message(), certificate="hyperforce", name=HYPERFORCE), "C10 a Hyperforce host",
             cert=HYPERFORCE)
    accepted(tap, relay.send(SENDER, message(), certificate="upper-case"), "C06 a name in upper case")
    for version in ("1.2", "1.3"):
        refused(tap, relay.send(SENDER, message(), certificate=None, tls=version), "C01 none, TLS " + version,
                "cert-absent", stage="rcpt", r_cert="none", cert=None)
    for name in ("untrusted", "self-signed", "expired"):
        refused(tap, relay.send(SENDER, message(), certificate=name), "C02 %s" % name, "cert-absent", stage="rcpt",
                r_tls="pass", cert=None)
    refused(tap, relay.send(SENDER, message(), certificate="server-only"), "C02 for servers only", "cert-absent",
            stage="rcpt")
    refused(tap, relay.send(SENDER, message(), certificate="no-cn"), "C03 trusted, but without a name", "cert-name",
            stage="rcpt", r_cert="fail")
    refused(tap, relay.send(SENDER, message(), certificate="wrong-name"), "C04 another name", "cert-name", stage="rcpt",
            cert="mta.salesforce.com.attack.example")
    refused(tap, relay.send(SENDER, message(), certificate="name-in-o"), "C08 the name in O=", "cert-name",
            stage="rcpt", cert="client.attack.example")


def certificate_options(tap, relays):
    accepted(tap, relays["pinned"].send(SENDER, message()), "C13 the pinned issuer")
    refused(tap, relays["pinned"].send(SENDER, message(), certificate="other-issuer"), "C13 another issuer",
            "cert-issuer", stage="rcpt")
    accepted(tap, relays["cert"].send(SENDER, message(), certificate="other-issuer"), "C13 any trusted issuer unpinned")
    accepted(tap, relays["matched"].send(SENDER, message(), name=TRUSTED), "the client's DNS name is the certificate's")
    refused(tap, relays["matched"].send(SENDER, message(), name="smtp08-ia4-sp3.mta.salesforce.com"),
            "another DNS name, and the refusal waits for signs of drift", "cert-client-name", stage="end")
    refused(tap, relays["matched"].send(SENDER, message(), name="[UNAVAILABLE]"), "no DNS name", "cert-client-name",
            stage="rcpt")


def certificate_not_required(tap, relays):
    relay = relays["optional"]
    accepted(tap, relay.send(SENDER, message(), certificate=None), "cert not required, none there: skipped",
             r_cert="skip", r_ip="pass")
    accepted(tap, relay.send(SENDER, message()), "cert not required, a good one there", r_cert="pass")
    refused(tap, relay.send(SENDER, message(), certificate="wrong-name"), "cert not required, a wrong one there",
            "cert-name", stage="end", r_cert="fail")
    refused(tap, relay.send(SENDER, message(), certificate=None, address=ELSEWHERE), "cert not required opens nothing",
            "ip-unlisted", stage="rcpt", r_cert="skip")
    refused(tap, relays["optional-or"].send(SENDER, message(), certificate=None, address=ELSEWHERE),
            "cert not required is no alternative in (cert or auth or ip)", "auth-none", "530 5.7.0", "rcpt",
            r_cert="skip", r_auth="none", r_ip="fail")


def authentication(tap, relays):
    for mechanism in ("PLAIN", "LOGIN"):
        accepted(tap, relays["auth"].send(SENDER, message(), user=USERS[0], mechanism=mechanism, certificate=None),
                 "AUTH %s" % mechanism, auth=USERS[0], r_auth="pass")
    refused(tap, relays["auth"].send(SENDER, message()), "U05 no AUTH", "auth-none", "530 5.7.0", "rcpt", r_auth="none",
            auth=None)
    refused(tap, relays["auth"].send(SENDER, message(), user="%s@%s" % (OTHER_USER, HOSTNAME)), "U01 another login",
            "auth-user", stage="rcpt", r_auth="fail")
    refused(tap, relays["auth"].send(SENDER, message(), user=USER), "U02 the same login without its realm",
            "auth-user", stage="rcpt")
    accepted(tap, relays["plain"].send(SENDER, message(), user=USERS[0]), "the mechanism asked for")
    refused(tap, relays["plain"].send(SENDER, message(), user=USERS[0], mechanism="LOGIN"), "another mechanism",
            "auth-mechanism", stage="rcpt")
    with relays["auth"].session() as client:
        failed = client.auth(USERS[0], "wrong")
        outcome = relays["auth"].submit(client, SENDER, message())
        tap.equal(failed.code, 535, "a wrong password is Postfix's to refuse")
        refused(tap, outcome, "and leaves the session without AUTH", "auth-none", "530 5.7.0", "rcpt")
    tap.ok(PASSWORD not in open(relays["auth"].milter.output).read(), "L03 no password in the log")


def addresses(tap, relays):
    relay = relays["ip"]
    for address in ("13.108.0.0", "13.111.255.255", "2001:db8::5"):
        accepted(tap, relay.send(SENDER, message(), address=address), "I01 %s is listed" % address, client=address)
    for address in ("13.107.255.255", "13.112.0.0", "2001:db9::5"):
        refused(tap, relay.send(SENDER, message(), address=address), "I01 %s is not" % address, "ip-unlisted",
                stage="end", client=address)
    refused(tap, relay.send(SENDER, message(), address=None), "I06 loopback is not exempt", "ip-unlisted", stage="end",
            client="127.0.0.1")


def alternatives(tap, relays):
    relay = relays["either"]
    accepted(tap, relay.send(SENDER, message(), address=ELSEWHERE), "by certificate alone", r_cert="pass",
             r_auth="none", r_ip="fail")
    accepted(tap, relay.send(SENDER, message(), address=ELSEWHERE, certificate=None, user=USERS[0]), "by AUTH alone",
             r_cert="none", r_auth="pass", r_ip="fail")
    accepted(tap, relay.send(SENDER, message(), certificate=None), "by address alone", r_cert="none", r_auth="none",
             r_ip="pass", client=SALESFORCE)
    outcome = relay.send(SENDER, message(), address=ELSEWHERE, certificate=None)
    refused(tap, outcome, "by none of them", "cert-absent", stage="rcpt", why="cert,auth,ip")
    logged(tap, outcome, "the header was not waited for", r_org="pending", r_from="pending", size=None)


def early(tap, relays):
    refused(tap, relays["mail"].send(SENDER, message(), certificate=None, address=ELSEWHERE), "early_reject: mail",
            "cert-absent", stage="mail")
    refused(tap, relays["mail"].send(SENDER, message(), tls=None), "early_reject: mail, T01", "tls-absent", "530 5.7.0",
            "mail")
    with relays["mail"].session(tls=None) as client:
        refused(tap, relays["mail"].submit(client, SENDER, message()), "early_reject: mail, the session goes on",
                "tls-absent", "530 5.7.0", "mail")
        client.starttls(None, relays["mail"].lab.pki.path("trusted"))
        client.ehlo()
        accepted(tap, relays["mail"].submit(client, SENDER, message()), "early_reject: mail, and can do better")
    with relays["cert"].session(certificate=None) as client:
        client.mail(SENDER)
        replies = [client.rcpt("user%d@dest.test" % number).code for number in range(3)]
        client.command("RSET")
        line = relays["cert"].milter.next()
        tap.equal(replies, [550, 550, 550], "every RCPT of a hopeless session is refused")
        tap.ok(line["verdict"] == "reject" and line["ev"] == "verdict", "and it is one message in the log", line=line)


def main():
    with Tap() as tap, Lab() as lab:
        lab.client_name = "mail.client.example"
        relays = lab.relays(CONFIGURATIONS)
        for function in (tls, tls_state, certificates, certificate_options, certificate_not_required, authentication,
                         addresses, alternatives, early):
            tap.case(function, relays)
        for name, relay in relays.items():
            left = relay.milter.messages()[relay.milter.mark:]
            tap.equal(left, [], "one log line for each message (%s)" % name)


main()
