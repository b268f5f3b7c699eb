# SPDX-License-Identifier: BSD-2-Clause
"""
Sending domains, right and wrong in their ways; a relay that adds a footer where it is told to; and a receiver behind it: for
relayctl_domain.t.
"""

import base64
import os
import re
import smtplib
import socket

import dkim
import dns.resolver
import spf

from .expect import config
from .laboratory import SALESFORCE
from .message import A, Org, message, message_id, verp
from .nameserver import text
from .postfix import Postfix
from .process import free_port, run
from .sink import Sink

RELAY = "127.0.0.21"
ELSEWHERE = "198.51.100.7"
INCLUDE = "include:_spf.salesforce.com"
SIGNED = [b"Date", b"From", b"To", b"Subject", b"MIME-Version", b"Content-Type"]
FOOTER = b"-- \r\nThis message was checked by a relay.\r\n"
HOLDER = "a1b2c3.custdkim.salesforce.com."


class Case:
    """
    A domain. zone: records, "@" for the domain, KEY for the public key's record; a name without a dot at its end is below the
    domain. mail_from: what the relay makes of the envelope's domain. signer, selector: of the signature; selector None: there
    is none. findings: (level, id), some of those that must be there. relay_selector: of the
    relay's own signature. dkimpy: why it takes a key that is not to be taken.
    """

    def __init__(self, name, zone, domain=None, mail_from=None, signer=None, selector="s1", code=1, findings=(), short=False,
                 dkimpy=None, relay_selector=None):
        self.name = name
        self.domain = domain or name.replace(" ", "-").replace("=", "-").lower() + ".test"
        self.zone = zone
        self.mail_from = mail_from
        self.signer = signer or self.domain
        self.selector = selector
        self.code = code
        self.findings = findings
        self.short = short
        self.dkimpy = dkimpy
        self.relay_selector = relay_selector
        # The milter leaves signatures of domains that are neither the organization's nor above one of them.
        self.strange = not ("." + self.domain).endswith("." + self.signer)


def dmarc(value, at="_dmarc"):
    return '%s TXT "v=DMARC1; %s"' % (at, value)


def policy(value):
    return '@ TXT "v=spf1 %s"' % value


MX = "@ MX 10 mx.test."
CNAMES = ["s1._domainkey CNAME s1." + HOLDER, "s2._domainkey CNAME s2." + HOLDER]
GOOD = "ip4:%s %s -all" % (RELAY, INCLUDE)

CASES = [
    Case("aligned", [MX, policy(GOOD), dmarc("p=reject")] + CNAMES, code=2, short=True,
         findings=[("ok", "spf-relay"), ("ok", "spf-salesforce"), ("ok", "dkim-cname"), ("ok", "dmarc-policy")]),
    Case("SPF only", [MX, policy(GOOD), dmarc("p=quarantine")], selector=None, code=2, short=True,
         findings=[("advice", "dkim-none")]),
    Case("all fail without Salesforce", [MX, policy("ip4:%s -all" % ELSEWHERE), dmarc("p=reject")] + CNAMES, short=True,
         findings=[("advice", "spf-salesforce"), ("fix", "spf-relay"), ("advice", "spf-publish")]),
    Case("relay missing softly", [MX, policy("mx ip4:192.0.2.0/24 ip6:2001:db8::/32 %s ~all" % INCLUDE), dmarc("p=none")] + CNAMES, code=2,
         findings=[("advice", "spf-relay"), ("advice", "dmarc-policy")]),
    Case("neutral", [MX, policy("?all"), dmarc("p=reject")] + CNAMES, code=2, findings=[("advice", "spf-all")]),
    Case("open to all", [MX, policy("+all"), dmarc("p=reject")] + CNAMES, code=1, findings=[("fix", "spf-all")]),
    Case("no SPF", [MX, dmarc("p=reject")] + CNAMES, code=2, findings=[("advice", "spf-record")]),
    Case("no DMARC", [MX, policy(GOOD)] + CNAMES, code=2, findings=[("advice", "dmarc-record")], short=True),
    Case("nothing", [MX], selector=None, code=2),
    Case("sp", [MX, policy("-all"), dmarc("p=none; sp=quarantine", "_dmarc.sp.test.")] + CNAMES, domain="news.sp.test", short=True,
         findings=[("ok", "dmarc-policy")]),
    Case("np", [dmarc("p=none; np=reject", "_dmarc.np.test."), "s1._domainkey.np.test. CNAME s1." + HOLDER], domain="ghost.np.test",
         signer="np.test", short=True, findings=[("fix", "domain")]),
    Case("np unsigned", [dmarc("p=none; sp=none; np=reject", "_dmarc.npu.test.")], domain="ghost.npu.test", selector=None),
    Case("psd", [MX, policy("-all"), dmarc("p=reject; psd=y", "_dmarc.psd.test."), "s1._domainkey.psd.test. CNAME s1." + HOLDER],
         domain="a.psd.test", signer="psd.test"),
    Case("psd=n above", [MX, policy(GOOD), dmarc("p=reject; psd=n", "_dmarc.org.psdn.test."), dmarc("p=none", "_dmarc.psdn.test."),
                         "s1._domainkey.psdn.test. CNAME s1." + HOLDER], domain="a.org.psdn.test", signer="psdn.test", code=2),
    Case("deep", [MX, policy(GOOD), dmarc("p=quarantine", "_dmarc.deep.test.")] + CNAMES,
         domain="a.b.c.d.e.f.g.h.i.deep.test", code=2),
    Case("strict", [MX, policy("-all"), dmarc("p=reject; aspf=s; adkim=s"), 'bounces TXT "v=spf1 ip4:%s -all"' % RELAY,
                    "bounces MX 10 mx.test."] + CNAMES, mail_from="bounces.strict.test", code=2, short=True),
    Case("relaxed", [MX, policy("-all"), dmarc("p=reject"), 'bounces TXT "v=spf1 ip4:%s -all"' % RELAY,
                     "bounces MX 10 mx.test."] + CNAMES, mail_from="bounces.relaxed.test", code=2),
    Case("adkim strict", [MX, policy(GOOD), dmarc("p=reject; adkim=s"), "s1._domainkey.sub CNAME s1." + HOLDER],
         signer="sub.adkim-strict.test", findings=[("fix", "dmarc-alignment")]),
    Case("signer above", [MX, policy("-all"), dmarc("p=reject", "_dmarc.above.test."),
                          "s1._domainkey.above.test. CNAME s1." + HOLDER], domain="mail.above.test", signer="above.test"),
    Case("signed by a stranger", [MX, policy(GOOD), dmarc("p=reject"), "s1._domainkey.stranger.test. CNAME s1." + HOLDER],
         signer="stranger.test", code=2),
    Case("rewritten elsewhere", [MX, policy(GOOD), dmarc("p=reject"), 'srs.test. TXT "v=spf1 ip4:%s -all"' % RELAY,
                                 "srs.test. MX 10 mx.test."] + CNAMES, mail_from="srs.test", code=2),
    Case("revoked", [MX, policy(GOOD), dmarc("p=reject"), 's1._domainkey TXT "v=DKIM1; p="'], findings=[("fix", "dkim-revoked")]),
    Case("no key", [MX, policy("-all"), dmarc("p=quarantine")], findings=[("fix", "dkim-key"), ("fix", "behind")]),
    Case("dangling", [MX, policy(GOOD), dmarc("p=reject"), "s1._domainkey CNAME gone." + HOLDER], findings=[("fix", "dkim-key")]),
    Case("testing key", [MX, policy(GOOD), dmarc("p=reject"), "s1._domainkey TXT TESTING"], code=2,
         findings=[("advice", "dkim-testing"), ("advice", "dkim-cname")]),
    Case("hash of another kind", [MX, policy(GOOD), dmarc("p=reject"), "s1._domainkey TXT SHA1"], findings=[("fix", "dkim-type")],
         dkimpy="it does not look at h= of a key (RFC 6376 3.6.1)"),
    Case("key of a wildcard", [MX, policy(GOOD), dmarc("p=reject"), '* TXT "v=spf1 -all"'],
         findings=[("advice", "wildcard"), ("fix", "dkim-key")]),
    Case("t=y", [MX, policy("-all"), dmarc("p=reject; t=y")], selector=None),
    Case("two DMARC records", [MX, policy(GOOD), dmarc("p=reject"), dmarc("p=none")] + CNAMES, findings=[("fix", "dmarc-record")]),
    Case("tag twice", [MX, policy(GOOD), dmarc("p=reject; p=none")] + CNAMES, findings=[("fix", "dmarc-record")]),
    Case("no DMARC at all", [MX, policy(GOOD), '_dmarc TXT "v=dmarc1; p=reject"'] + CNAMES, findings=[("fix", "dmarc-record")]),
    Case("no policy", [MX, policy("-all"), dmarc("rua=mailto:d@no-policy.test")] + CNAMES, code=1),
    Case("two SPF records", [MX, policy("-all"), policy("+all"), dmarc("p=reject")] + CNAMES, findings=[("fix", "spf-record")]),
    Case("malformed SPF", [MX, policy("mx ip4:192.0.2 -all"), dmarc("p=reject")] + CNAMES, findings=[("fix", "spf-syntax")], short=True),
    Case("eleven terms", [MX, policy(" ".join("a:a%d.mx.test" % i for i in range(11)) + " -all"), dmarc("p=reject")] + CNAMES,
         findings=[("fix", "spf-terms")]),
    Case("void look-ups", [MX, policy("a:v1.test a:v2.test a:v3.test -all"), dmarc("p=reject")] + CNAMES,
         findings=[("fix", "spf-broken")]),
    Case("redirect", [MX, policy("redirect=aligned.test"), dmarc("p=reject")] + CNAMES, code=2),
    Case("include of the broken", [MX, policy("include:malformed-spf.test ip4:%s -all" % RELAY), dmarc("p=reject")] + CNAMES,
         findings=[("fix", "spf-broken")]),
    Case("relay signs", [MX, policy("-all"), dmarc("p=reject")] + CNAMES, relay_selector="s2", short=True),
    Case("relay signs alone", [MX, policy("-all"), dmarc("p=reject")] + CNAMES, selector=None, relay_selector="s2"),
    Case("relay signs without a key", [MX, policy("-all"), dmarc("p=reject")] + CNAMES[:1], relay_selector="s3",
         findings=[("fix", "dkim-key")]),
    Case("macros of the sender", [MX, policy("exists:%{l}.users.test -all"), dmarc("p=reject"), "postmaster.users.test. A 127.0.0.2",
                                  "info.users.test. A 127.0.0.2"] + CNAMES, findings=[("advice", "spf-macros")]),
    Case("null MX", ["@ MX 0 .", policy(GOOD), dmarc("p=reject")] + CNAMES, findings=[("fix", "mx")]),
]


class Seen:
    """What was really said of one message."""

    def __init__(self, relay, behind, pyspf, dkimpy):
        self.relay = relay
        self.behind = behind
        self.pyspf = pyspf
        self.dkimpy = dkimpy

    def __repr__(self):
        return "at the relay %s, behind %s, pyspf %s, dkimpy %s" % (self.relay, self.behind, self.pyspf, self.dkimpy)


class Filter(Sink):
    """
    A content filter of the relay's: it puts a footer below each message, if it is to, signs it, if the relay does, and hands it
    back.
    """

    def __init__(self, port, key, footer):
        super().__init__()
        self.back = port
        self.key = key
        self.footer = footer

    def keep(self, message):
        raw = message.raw + (FOOTER if self.footer else b"")
        for case in CASES:
            if case.relay_selector and ("<info@%s>" % case.domain).encode() in raw:
                raw = sign(raw, case.relay_selector, case.domain, self.key) + raw
        with smtplib.SMTP("127.0.0.1", self.back) as client:
            client.sendmail(message.sender, message.recipients, raw)


def sign(raw, selector, domain, key):
    """A DKIM-Signature in the manner of Salesforce."""
    return dkim.sign(raw, selector.encode(), domain.encode(), key, canonicalize=(b"relaxed", b"simple"), include_headers=SIGNED)


def methods(found, name):
    """
    The methods in the Authentication-Results field of that server; "dkim" is a list, of the signatures from above, as pass, fail,
    none or temperror.
    """
    value = next((value for value in found.all("Authentication-Results") if value.startswith(name + ";")), "")
    results = {"dkim": []}
    for method, result in re.findall(r"\b(spf|dkim|dmarc)=(\w+)", value):
        if method == "dkim":
            results["dkim"].append(result if result in ("pass", "none", "temperror") else "fail")
        else:
            results[method] = result
    return results


class Course:
    """The name server, the relay with its two ports, and the receiver."""

    def __init__(self, lab):
        self.lab = lab
        self.key, public = self._key(2048)
        holder = "v=DKIM1; k=rsa; p=" + public
        self.values = {"TESTING": text("v=DKIM1; t=y; p=" + public), "SHA1": text("v=DKIM1; h=sha1; p=" + public)}
        records = ["%s.%s TXT %s" % (name, HOLDER, text(holder)) for name in ("s1", "s2")]
        records += ["mx.test. A %s" % ELSEWHERE, "_spf.salesforce.com. TXT \"v=spf1 exists:%{i}._spf.mta.salesforce.com -all\"",
                    "%s._spf.mta.salesforce.com. A 127.0.0.2" % SALESFORCE,
                    "*.bnc.salesforce.com. TXT \"v=spf1 exists:%{i}._spf.mta.salesforce.com -all\""]
        records += ["a%d.mx.test. A 192.0.2.%d" % (i, i + 10) for i in range(11)]
        for case in CASES:
            records += [self._record(case, line) for line in case.zone]
        self.nameserver = lab.nameserver(list(dict.fromkeys(records)))
        self.resolver = dns.resolver.Resolver(configure=False)
        self.resolver.nameservers = ["127.0.0.1"]
        self.resolver.port = self.nameserver.port
        dns.resolver.default_resolver = self.resolver
        self._mail()

    def _key(self, bits):
        path = self.lab.folder("dkim%d" % bits)
        run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)])
        with open(path, "rb") as file:
            public = run(["openssl", "rsa", "-in", path, "-pubout", "-outform", "DER"])
            return file.read(), base64.b64encode(public).decode()

    def _record(self, case, line):
        name, rest = line.split(" ", 1)
        kind, value = rest.split(" ", 1)
        name = name if name.endswith(".") else case.domain + "." if name == "@" else "%s.%s." % (name, case.domain)
        return "%s %s %s" % (name, kind, self.values.get(value, value))

    def _milter(self, name):
        every = {"domains": [case.domain for case in CASES], "reject_unless": "org", "warn_unless": "spf and dkim and dmarc"}
        return self.lab.milter({**config({A: every}), "mode": "monitor", "authserv_id": name + ".test",
                                "headers": {"add_to": "all"},
                                "dns": {"nameservers": [self.nameserver.address]}}, name=name)

    def _mail(self):
        lab = self.lab
        self.milters = {name: self._milter(name) for name in ("relay", "behind")}
        receiver = lab.postfix()
        self.behind = receiver.port(self.milters["behind"].postfix)
        receiver.start()
        rewritten = " ".join("{@%s = info@%s}" % (case.domain, case.mail_from) for case in CASES if case.mail_from)
        back = free_port()
        self.filters = {footer: Filter(back, self.key, footer) for footer in (False, True)}
        relay = Postfix(lab.folder("outgoing"), lab.pki, self.behind, main="""\
smtp_bind_address = %s
sender_canonical_classes = envelope_sender
sender_canonical_maps = inline:{%s}
""" % (RELAY, rewritten))
        lab.mtas.append(relay)
        self.plain = relay.port(self.milters["relay"].postfix)
        self.ports = {footer: relay.port(self.milters["relay"].postfix, content_filter="filter:[127.0.0.1]:%d" % each.port)
                      for footer, each in self.filters.items()}
        relay.service(back, "%d inet n - n - - smtpd -o smtpd_milters= -o content_filter=\n"
                            "filter unix - - n - - smtp -o smtp_bind_address=127.0.0.1\n" % back)
        relay.start()

    def cases(self, every):
        return [case for case in CASES if every or case.short]

    def bounce_domain(self, case):
        return verp(A, "info@" + case.domain).rsplit("@", 1)[1]

    def arguments(self, case):
        """Of check-domain."""
        words = ["--relay-ip", RELAY, "--bounce-domain", self.bounce_domain(case)]
        words += ["--selector", case.selector] if case.selector else ["--unsigned"]
        words += ["--relay-selector", case.relay_selector] if case.relay_selector else []
        words += ["--dkim-domain", case.signer] if case.signer != case.domain else []
        words += ["--mail-from", case.mail_from] if case.mail_from else []
        return words + [case.domain]

    def _sign(self, case, raw):
        if not case.selector:
            return raw
        return sign(raw, case.selector, case.signer, self.key) + raw

    def spf_of(self, record, domain, clients):
        """What pyspf says of each client once that line of a zone is published instead of what is there."""
        value = "".join(re.findall('"(.*?)"', record))
        asked = spf.DNSLookup

        def answer(name, kind, *rest):
            if (name.lower().rstrip("."), kind) == (domain, "TXT"):
                return [((name, kind), [value.encode()])]
            return asked(name, kind, *rest)
        spf.DNSLookup = answer
        try:
            return [spf.query(i=client, s="info@" + domain, h=domain).check()[0] for client in clients]
        finally:
            spf.DNSLookup = asked

    def _keys(self, name, **_):
        try:
            answer = self.resolver.resolve(name.decode().rstrip("."), "TXT")
        except dns.resolver.NoAnswer:
            return None
        except dns.resolver.NXDOMAIN:
            return None
        return b"".join(answer[0].strings)

    def _dkimpy(self, raw, number):
        try:
            return dkim.DKIM(raw).verify(idx=number, dnsfunc=self._keys)
        except dkim.DKIMException:
            return False

    def send(self, case, bounce_management, footer):
        """One message from Salesforce through the relay to the receiver."""
        author = "info@" + case.domain
        ident = message_id()
        sender = verp(A, author) if bounce_management else author
        raw = self._sign(case, message(author=author, ident=ident).encode())
        port = self.ports[footer] if footer or case.relay_selector else self.plain
        outcome = self.lab.send(port, sender, raw)
        found = self.lab.sink.wait(ident)
        if not outcome.queue_id or (FOOTER in found.raw) != footer:
            raise RuntimeError("the message did not go as it should: %s" % outcome)
        log = self.milters["behind"].next()
        if log.get("client") != RELAY:
            raise RuntimeError("the receiver saw another client: %s" % log)
        result = spf.query(i=RELAY, s=found.sender, h=case.domain).check()[0]
        return Seen(methods(found, "relay.test"), methods(found, "behind.test"), result,
                    [self._dkimpy(found.raw, i) for i in range(len(found.all("DKIM-Signature")))])
