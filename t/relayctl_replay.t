#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
sfdc-relayctl replay: the log of real runs of the daemon under other policies. What it says of each message is what
check-message says of the same mail, or that it is undetermined. REPLAY=full (make check-replay) takes 500 messages and 22
policies, the short form some of both.
"""
import itertools
import json
import os
import sys

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from dnsserver import DnsServer  # noqa: E402
from lab.milter import yaml  # noqa: E402
from lookback import ORG, OTHER, UNSERVED, mails, make_log, parse  # noqa: E402
from relayctl import main  # noqa: E402

NAMESERVER = DnsServer()  # knows no name, and says so at once
FULL = os.environ.get("REPLAY") == "full"
MESSAGES = 500 if FULL else 24
WHOLE = "tls and message and org and from and envelope and verp and (cert or auth or ip)"


def policy(mode="enforce", sentence=WHOLE, orgs=(ORG, OTHER), top=None, **more):
    names = {ORG: ("production", ["example.com", "*.example.com"]), OTHER: ("second", ["example.net"]), UNSERVED: ("third", ["evil.example"])}
    section = {"mode": mode, "reject_unless": sentence, "auth": {"users": ["sfuser@relay.test"]}, "ip": {"networks": ["13.110.0.0/16"], "spf": []}}
    return {**(top or {}), "orgs": {one: {"name": names[one][0], "domains": names[one][1], **section, **more} for one in orgs}}


POLICIES = {
    "same": policy(),
    "monitor": policy("monitor"),
    "defer": policy("defer"),
    "auth": policy(sentence="tls and org and from and auth"),
    "cert": policy(sentence="tls and org and from and cert"),
    "nothing but org": policy(sentence="org"),
    "empty": policy(sentence=""),
    "dkim": policy(sentence="org and from and dkim"),
    "third org": policy(orgs=(ORG, OTHER, UNSERVED)),
    "one org": policy(orgs=(ORG,)),
    "weak tls": policy(tls={"min_version": "1.1", "min_cipher_bits": 112}),
    "strong tls": policy(tls={"min_version": "1.3", "min_cipher_bits": 256}),
    "issuers": policy(cert={"issuers": ["Test Root CA"]}),
    "all names": policy(cert={"names": ["*.mta.salesforce.com", "evil.example"]}),
    "client name": policy(cert={"match_client_name": True}),
    "no cert needed": policy(sentence="org and from and cert", cert={"required": False}),
    "auth optional": policy(sentence="org and from and auth", auth={"users": ["sfuser@relay.test", "other@relay.test"], "required": False}),
    "mechanisms": policy(sentence="org and from and auth", auth={"users": ["sfuser@relay.test"], "mechanisms": ["LOGIN"]}),
    "networks": policy(sentence="org and from and ip", ip={"networks": ["161.71.0.0/16", "192.0.2.0/24", "2001:db8::/32"], "spf": []}),
    "no null sender": policy(envelope={"null_sender": False, "bounce_domains": []}),
    "quarantine": policy(sentence="org and from", quarantine_unless="auth or ip", defer_unless="tls"),
    "scope": policy(top={"scope": "salesforce", "exempt_clients": ["192.0.2.7"]}),
    "floor": policy("monitor", top={"monitor_floor": "auth or cert"}),
    "quick": policy(top={"early_reject": "mail"}),
}
SHORT = ("monitor", "third org", "strong tls", "client name", "networks", "quarantine", "scope", "floor")


def written(bench, name, config):
    whole = {"user": "nobody", "socket": "inet:8891@127.0.0.1", "message_timeout": 1, "authserv_id": "relay.test",
             "dns": {"nameservers": [NAMESERVER.address]}, **config}
    bench.file(name, yaml(whole) + "\n")
    return name


def compare(tap, bench):
    """Each message under each policy: check-message is asked about the message itself."""
    told = {"equal": 0, "undetermined": 0}
    for seed, (form, mode) in enumerate((("logfmt", "enforce"), ("json", "monitor"))):
        letters = mails(100 + seed, MESSAGES // 2)
        old = written(bench, "old.yaml", policy(mode))
        lines = [line for line in make_log(policy(mode), letters, form) if (parse(line) or {}).get("ev") == "verdict"]
        bench.file("log", "\n".join(lines) + "\n")
        tap.equal(len(lines), len(letters), "%s: a line for each message" % mode)
        for letter in letters:
            bench.file("session%d.json" % letter.number, json.dumps(letter.session))
            bench.file("message%d.eml" % letter.number, letter.text().encode("latin-1"))
        for name in (POLICIES if FULL else SHORT):
            new = written(bench, "new.yaml", POLICIES[name])
            for options in ([], ["--old", old]):
                result = bench.run("replay", "-c", new, "--each", *options, "log")
                tap.ok(result.code == 0 and bool(options) != ("note: without --old" in result.err), "%s to %s: replayed" % (mode, name), err=result.err)
                different = []
                for letter, one in itertools.zip_longest(letters, result.objects()):
                    if one.get("undetermined"):
                        told["undetermined"] += 1
                        continue
                    if options:  # check-message was asked already
                        real = letter.real
                    else:
                        judged = bench.run("check-message", "-c", new, "--json", "--session", "session%d.json" % letter.number, "message%d.eml" % letter.number)
                        letter.real = real = judged.objects()[0]
                    same = (one["verdict"], one["would"]) == (real["verdict"], real["would"])
                    told["equal"] += same
                    if not same:
                        different.append((one, real["verdict"], real["would"], real["why"], letter.session, letter.fields))
                tap.equal(different, [], "%s to %s%s: never different" % (mode, name, " with --old" if options else ""))
            sums(tap, bench, new, result.objects(), lines, "%s to %s" % (mode, name))
            for letter in letters:
                letter.__dict__.pop("real", None)
    tap.ok(told["equal"] > 2 * told["undetermined"], "most are determined", **told)
    tap.note("%(equal)d equal, %(undetermined)d undetermined, none different" % told)


def sums(tap, bench, new, each, lines, what):
    """The sums are those of the single messages."""
    changed, unchanged, undetermined = {}, 0, 0
    for one, line in zip(each, lines):
        before = parse(line)
        if one.get("undetermined"):
            undetermined += 1
            continue
        pair = next(((before[key], one[key]) for key in ("verdict", "would") if before[key] != one[key]), None)
        unchanged += pair is None
        if pair:
            changed["%s>%s" % pair] = changed.get("%s>%s" % pair, 0) + 1
    result = bench.run("replay", "-c", new, "--old", "old.yaml", "--json", "--fail-on-new-rejects", "log")
    got = result.objects()[0]
    rejects = sum(count for name, count in changed.items() if name.endswith(">reject"))
    tap.equal((got["messages"], got["unchanged"], got["undetermined"], got["changed"], result.code), (len(lines), unchanged, undetermined, changed, int(rejects > 0)),
              what + ": the sums")
    tap.equal(sum(got["orgs"].values()), sum(changed.values()), what + ": by organization")
    text = bench.run("replay", "-c", new, "--old", "old.yaml", "log").out
    tap.ok("%10d  fare as before" % unchanged in text and all("%10d  %s instead of %s" % (count, *reversed(name.split(">"))) in text for name, count in changed.items())
           and all(len(line) <= 80 for line in text.splitlines() if not line.startswith("    ")), what + ": as text", text=text)


def itself(tap, bench):
    """The configuration that wrote the log changes nothing."""
    for mode in ("enforce", "monitor", "defer"):
        new = written(bench, "same.yaml", policy(mode))
        bench.file("log", "\n".join(make_log(policy(mode), mails(7, 60))) + "\n")
        got = bench.run("replay", "-c", new, "--old", new, "--json", "log").objects()[0]
        tap.equal((got["changed"], got["messages"]), ({}, 60), mode + ": nothing changes")
        tap.ok(got["undetermined"] <= 6, mode + ": hardly anything is undetermined", sums=got)


def differing(tap, bench):
    """A recorded result under other options is not known, if the options of then are told; a limit is left out."""
    line = ("ev=verdict v=1 verdict=accept would=accept mode=enforce mode_by=production sid=1 lk=%s org=%s org_name=production client=192.0.2.7 tls=TLSv1.3 cipher=x bits=256 "
            "from=info@example.com hfrom=info@example.com rcpts=1 msgid=a r_tls=pass r_cert=none r_message=pass r_org=pass r_from=pass r_envelope=pass r_verp=skip r_dkim=pass r_auth=none "
            "r_ip=fail r_spf=pending r_dmarc=pending r_limit=skip dns_q=1\n" % (ORG[:15], ORG))
    bench.file("log", line)
    limited = line.replace("verdict=accept would=accept", "verdict=tempfail would=tempfail").replace(" dns_q", " why=limit reason=limit-messages dns_q").replace("r_limit=skip", "r_limit=fail")
    bench.file("limited", limited)
    old = written(bench, "old.yaml", policy(sentence="org and from and dkim"))
    new = written(bench, "new.yaml", policy(sentence="org and from and dkim", dkim={"selectors": ["sfdc1", "sfdc2"]}))
    tap.equal(bench.run("replay", "-c", new, "--json", "log").objects()[0]["unchanged"], 1, "without --old the result stands")
    tap.equal(bench.run("replay", "-c", new, "--old", old, "--json", "log").objects()[0]["undetermined"], 1, "with it, it does not")
    tap.equal(bench.run("replay", "-c", old, "--old", old, "--json", "log").objects()[0]["unchanged"], 1, "unless the options are the same")
    tap.equal(bench.run("replay", "-c", old, "--old", old, "--json", "limited").objects()[0]["undetermined"], 1, "a message that a limit deferred")
    spf = written(bench, "spf.yaml", policy(sentence="org and from and spf"))
    tap.equal(bench.run("replay", "-c", spf, "--json", "log").objects()[0]["undetermined"], 1, "what was never gathered")
    tap.equal(bench.run("replay", "log").code, 64, "without a configuration")
    tap.equal(bench.run("replay", "-c", bench.file("bad.yaml", "mode: maybe\n"), "log").code, 78, "with a wrong one")


NAMESERVER.start()
try:
    main(itself, differing, compare)
finally:
    NAMESERVER.stop()
