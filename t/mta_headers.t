#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Header fields removed from and added to delivered messages, by a real Postfix; see RFC 8601 5."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from lab import A, Lab, Tap, message
from lab.expect import accepted, config, refused
from lab.laboratory import ELSEWHERE
from lab.postfix import HOSTNAME, USER
from lab.signer import FIELDS, Signer

AR = "Authentication-Results"
RESULT = "X-SFDC-Relay"
IDS = "gateway.example.com"
USERS = ["%s@%s" % (USER, HOSTNAME)]
USUAL = {A: {"auth": {"users": USERS}}}

CONFIGURATIONS = {
    "local": config(USUAL, headers={"own_ids": [IDS]}),
    "all": config(USUAL, headers={"add_to": "all"}),
    "none": config(USUAL, headers={"add_to": "none"}),
    "named": config(USUAL, authserv_id="id.example.org", headers={"result_header": "X-Verdict",
                                                                  "authentication_results": False}),
    "monitor": config(USUAL, mode="monitor"),
    "exempt": config(USUAL, exempt_clients=["%s/32" % ELSEWHERE]),
    "scope": config(USUAL, scope="salesforce"),
    "quarantine": config({A: {"quarantine_unless": "ip"}}),
}

# Every one of these claims to be ours; A-R in the forms of RFC 8601 2.2 and what mail programs make of them.
FORGED = [
    "%s: %s; dkim=pass header.d=example.com" % (AR, HOSTNAME),
    "authentication-results: %s; spf=pass" % HOSTNAME.upper(),
    "%s : %s; spf=pass" % (AR, HOSTNAME),
    "%s:%s; spf=pass" % (AR, HOSTNAME),
    "%s: \"%s\"; spf=pass" % (AR, HOSTNAME),
    "%s: (c) %s (c) 1; spf=pass" % (AR, HOSTNAME),
    "%s:\r\n\t%s;\r\n\tspf=pass" % (AR, HOSTNAME),
    "%s: %s 1; none" % (AR, HOSTNAME),
    "%s: %s; dkim=pass" % (AR, IDS),
]
RESULTS = ["%s: %s; verdict=accept; org=x" % (RESULT, HOSTNAME), "x-sfdc-relay: anything at all", "%s:" % RESULT]
# These are others', or unreadable, and stay; the second is how Salesforce writes it.
FOREIGN = [
    "%s: mx.example.org; spf=pass smtp.mailfrom=x@example.org" % AR,
    "%s:  mx2-ia6-sp4.mta.salesforce.com x-tls.subject=\"/C=US/CN=na247-app1-27-ia6.ops.sfdc.net\"; auth=pass "
    "(cipher=ECDHE-RSA-AES256-GCM-SHA384)" % AR,
    "%s: ;;;" % AR,
    "%s: not%s; spf=pass" % (AR, HOSTNAME),
]


def values(lines):
    """What of each line Delivered.all() shows."""
    return [" ".join(line.split(":", 1)[1].split()) for line in lines]


def ours(delivered, ident=HOSTNAME, name=AR):
    """The fields of that name that speak in our name."""
    return [value for value in delivered.all(name) if ident in value.lower() and "not" + ident not in value]


def added(tap, relays):
    relay = relays["local"]
    outcome = relay.send(A.address, message(), user=USERS[0])
    accepted(tap, outcome, "accepted")
    delivered = relay.lab.delivered(outcome)
    names = delivered.names()
    tap.equal([names.count(AR), names.count(RESULT)], [1, 1], "one %s and one %s are added" % (AR, RESULT), names=names)
    received = names.index("Received")
    tap.ok(max(names.index(AR), names.index(RESULT)) < received, "R08 above the server's Received:", names=names)
    for name in (AR, RESULT):
        start = ("%s: %s;" % (name, HOSTNAME)).encode()
        tap.ok(b"\n" + start in b"\n" + delivered.raw, "one space after the colon of %s" % name,
               raw=delivered.raw[:500])
    result = delivered.all(RESULT)[0]
    tap.ok(result.startswith(HOSTNAME + "; verdict=accept; org=%s; " % A.id), "%s begins as documented" % RESULT,
           value=result)
    for part in ("tls=pass", "cert=pass", "auth=pass", "org=pass", "ip=fail (ip-unlisted)", 'spf="not needed"'):
        tap.contains(result, part, "%s has %s" % (RESULT, part))
    tap.ok("pending" not in result, "nothing in a delivered message is pending", value=result)
    results = delivered.all(AR)[0]
    tap.ok(results.startswith(HOSTNAME + ";") and "auth=pass" in results, "%s has the method auth" % AR, value=results)
    tap.ok(USER not in results, "but no user name", value=results)
    longest = max(len(line) for line in delivered.raw.split(b"\r\n"))
    tap.ok(longest <= 998, "R07 no line is longer than 998", longest=longest)


def removed(tap, relays):
    relay = relays["local"]
    forged = FORGED + RESULTS
    mixed = [line for pair in zip(forged, FOREIGN * 4) for line in pair]
    for name, extra in (("alone", forged), ("interleaved with foreign ones", mixed), ("200 of them", forged[:1] * 200)):
        outcome = relay.send(A.address, message(extra=extra))
        accepted(tap, outcome, "R01 forged fields, %s: accepted" % name)
        delivered = relay.lab.delivered(outcome)
        tap.equal([len(ours(delivered)), len(delivered.all(RESULT)), ours(delivered, IDS)], [1, 1, []],
                  "R01 forged fields, %s: all gone, one of ours there" % name,
                  found=delivered.all(AR) + delivered.all(RESULT))
        tap.ok("dkim=pass" not in ours(delivered)[0], "R05 and it says what is true")
        kept = [value for value in delivered.all(AR) if value not in ours(delivered)]
        tap.equal(kept, values([line for line in extra if line in FOREIGN]), "R04 others' fields stay, in order")


def single_forgeries(tap, relays):
    relay = relays["local"]
    with relay.session() as client:
        for line in FORGED + RESULTS:
            outcome = relay.submit(client, A.address, message(extra=[line, FOREIGN[0]]))
            delivered = relay.lab.delivered(outcome)
            found = ours(delivered) + ours(delivered, IDS) + delivered.all(RESULT)
            tap.ok(len(found) == 2 and values([line])[0] not in found and values(FOREIGN[:1])[0] in delivered.all(AR),
                   "R02 removed: %r" % line, found=delivered.all(AR) + delivered.all(RESULT))


def where(tap, relays):
    for name, recipients, expected in (
            ("local", "user@dest.test", 1), ("local", "user@outside.test", 0),
            ("local", ["user@dest.test", "user@outside.test"], 0), ("all", "user@outside.test", 1),
            ("none", "user@dest.test", 0)):
        relay = relays[name]
        outcome = relay.send(A.address, message(extra=FORGED[:1] + RESULTS), recipients)
        delivered = relay.lab.delivered(outcome)
        tap.equal([len(delivered.all(AR)), len(delivered.all(RESULT))], [expected] * 2,
                  "add_to: %s, to %s" % (name, recipients), log=outcome.log)
    extra = FORGED[:1] + ["%s: id.example.org; spf=pass" % AR] + RESULTS
    outcome = relays["named"].send(A.address, message(extra=extra))
    delivered = relays["named"].lab.delivered(outcome)
    tap.equal(delivered.all(AR), values(FORGED[:1]), "authserv_id decides which are ours")
    found = delivered.all("X-Verdict")
    tap.ok(found and found[0].startswith("id.example.org; verdict=accept;"), "a result header of another name",
           found=found)
    tap.equal(len(delivered.all(RESULT)), len(RESULTS), "and then X-SFDC-Relay is anybody's")


def everywhere(tap, relays):
    """R09: whatever the verdict, mode or scope."""
    lab = relays["local"].lab
    outcome = relays["monitor"].send(A.address, message(lk=None, extra=FORGED + RESULTS))
    delivered = lab.delivered(outcome)
    tap.equal([len(ours(delivered)), len(delivered.all(RESULT))], [1, 1], "R09 monitor mode: forged ones gone")
    tap.contains(delivered.all(RESULT)[0], "would=reject", "monitor mode: the result header says what would be")
    outcome = relays["exempt"].send(A.address, message(lk=None, extra=FORGED + RESULTS + FOREIGN), address=ELSEWHERE,
                                    certificate=None)
    accepted(tap, outcome, "an exempt client", verdict="exempt", reason="exempt-client", r_org=None)
    delivered = lab.delivered(outcome)
    tap.equal([delivered.all(AR), delivered.all(RESULT)], [values(FORGED[-1:] + FOREIGN), []],
              "R09 exempt: forged ones gone, none added")
    outcome = relays["scope"].send("x@attack.example", message(lk=None, extra=FORGED + RESULTS + FOREIGN),
                                   address=ELSEWHERE, name="mail.attack.example", certificate=None)
    accepted(tap, outcome, "out of scope", verdict="skip", reason="no-salesforce-trait", r_org=None)
    delivered = lab.delivered(outcome)
    tap.equal([delivered.all(AR), delivered.all(RESULT)], [values(FORGED[-1:] + FOREIGN), []],
              "R09 out of scope: forged ones gone, none added")
    outcome = relays["quarantine"].send(A.address, message(extra=FORGED + RESULTS))
    accepted(tap, outcome, "quarantined", verdict="quarantine")
    lab.mtas[0].release(outcome.queue_id)
    delivered = lab.delivered(outcome)
    tap.equal([len(ours(delivered)), len(delivered.all(RESULT))], [1, 1], "R09 quarantined: forged ones gone")


def too_many(tap, relays):
    """R11: Postfix's cleanup(8) dies of 10,000 removals, and takes seconds for a few thousand."""
    lab = relays["local"].lab
    other = {"address": ELSEWHERE, "name": "mail.attack.example", "certificate": None}
    for name, would, session in (("monitor", "reject", {}), ("scope", "skip", other), ("exempt", "exempt", other)):
        relay = relays[name]
        for what, line in (("result headers", RESULTS[1]), ("Authentication-Results", FORGED[0])):
            outcome = relay.send("x@attack.example", message(lk=None, extra=[line] * 20000), **session)
            refused(tap, outcome, "R11 20,000 %s, %s" % (what, name), "message-limit", "550 5.6.0", why="message",
                    would=would, r_message="fail")
        outcome = relay.send("x@attack.example", message(lk=None, extra=[RESULTS[1]] * 201), **session)
        refused(tap, outcome, "R11 201 in all, %s" % name, "message-limit", "550 5.6.0", would=would)
        outcome = relay.send("x@attack.example", message(lk=None, extra=(FORGED[:1] + RESULTS[1:2]) * 100), **session)
        accepted(tap, outcome, "R11 200 in all, %s" % name, verdict="accept" if would == "reject" else would)
        found = [value for value in lab.delivered(outcome).all(RESULT) if "would=" not in value]
        tap.equal(found, [], "R11 all of them are gone, %s" % name)
    relay = relays["local"]
    outcome = relay.send(A.address, message(extra=[RESULTS[1]] * 201))
    refused(tap, outcome, "R11 a message that is good in all else", "message-limit", "550 5.6.0", would="accept")
    log = lab.mtas[0].log()
    tap.equal([line for line in log.splitlines() if "panic" in line or "fatal" in line], [], "R11 and nothing of Postfix dies")


WITHHELD = ["X-SFDC-LK", "X-SFDC-User", "X-SFDC-EntityId", "X-SFDC-CORRELATION-ID"]


def left(delivered):
    """How many of each of the fields that do not leave are there."""
    return [len(delivered.all(name)) for name in WITHHELD]


def withheld(tap, relays, signer):
    """headers.remove_sfdc: after verification, never what a passing signature covers."""
    relay, lab = relays["withheld"], relays["withheld"].lab
    inside, outside = "user@dest.test", "user@outside.test"
    text = message(extra=["X-SFDC-CORRELATION-ID: 1c7f", "x-sfdc-user: above", FORGED[0], RESULTS[0]])
    for name, recipients, expected in (("inside", inside, [1, 2, 1, 1]), ("outside", outside, [0] * 4),
                                       ("both", [inside, outside], [0] * 4)):
        outcome = relay.send(A.address, signer.sign(text, A.domain), recipients)
        accepted(tap, outcome, "remove_sfdc: the header is judged whole, %s" % name, r_dkim="pass", r_org="pass")
        delivered = lab.delivered(outcome)
        tap.equal(left(delivered), expected, "remove_sfdc: %s" % name, names=delivered.names())
        tap.ok(signer.verified(delivered.raw), "remove_sfdc: the signature is still good, %s" % name)
        others = [value for value in delivered.all("X-SFDC-Binding") + delivered.all("X-SFDC-EmailCategory")]
        tap.equal(len(others), 2, "remove_sfdc: others stay, %s" % name)
        tap.equal([value for value in delivered.all(RESULT) if "org=x" in value] + [
            value for value in delivered.all(AR) if "dkim=pass header.d" in value and "policy" in value], [],
                  "remove_sfdc: and what is forged goes, %s" % name)
    signed = signer.sign(text, A.domain, FIELDS + [b"X-SFDC-LK", b"X-SFDC-User"])
    outcome = relay.send(A.address, signed, outside)
    accepted(tap, outcome, "remove_sfdc: a signature covers some", r_dkim="pass")
    delivered = lab.delivered(outcome)
    tap.equal(left(delivered), [1, 1, 0, 0], "remove_sfdc: they stay, those at the bottom", names=delivered.names())
    tap.ok(delivered.all("X-SFDC-User") != ["above"] and signer.verified(delivered.raw), "remove_sfdc: the right ones")
    broken = signed.replace("Your case", "My case")
    outcome = relays["withheld-any"].send(A.address, broken, outside)
    accepted(tap, outcome, "remove_sfdc: the signature is broken", r_dkim="fail", verdict="quarantine")
    lab.mtas[0].release(outcome.queue_id)
    tap.equal(left(lab.delivered(outcome)), [0] * 4, "remove_sfdc: and covers nothing")


def main():
    with Tap() as tap, Lab() as lab:
        signer = Signer(lab.folder("signer"), [A.domain])
        dns = {"nameservers": ["127.0.0.1@%d" % lab.nameserver(signer.records).port]}
        headers = {"remove_sfdc": True, "add_to": "none"}
        relays = lab.relays({
            **CONFIGURATIONS,
            "withheld": config({A: {"reject_unless": "from and dkim", "dkim": {"max_age": "0"}}}, dns=dns, headers=headers),
            "withheld-any": config({A: {"reject_unless": "from", "quarantine_unless": "dkim"}}, dns=dns, headers=headers)})
        tap.case(withheld, relays, signer)
        for function in (added, removed, single_forgeries, where, everywhere, too_many):
            tap.case(function, relays)


main()
