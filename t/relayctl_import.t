#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""sfdc-relayctl import-org: exports in every shape, t/corpus/org_metadata; what they prove, what contradicts them, and nothing more."""
import itertools
import json
import os
import random
import re
import sys

import yaml

sys.path.insert(0, os.path.join(os.environ.get("SRCDIR", "."), "t"))
from relayctl import ORG, OTHER, main  # noqa: E402

CORPUS = os.path.join(os.path.abspath(os.environ.get("SRCDIR", ".")), "t", "corpus", "org_metadata")
HEAD = "user: nobody\nsocket: inet:8891@127.0.0.1\ndns: {nameservers: [\"127.0.0.1@9\"]}\n"
BOTH = ["example.com", "*.example.com"]
SELECTORS = ["sf1", "sf2"]
ZONES = ["sf1.qfc1ni.custdkim.salesforce.com", "sf2.3jhvo5.custdkim.salesforce.com"]
KEYS = {"selectors": SELECTORS, "key_zones": ZONES}
NOTHING = {"selectors": [], "key_zones": []}
NONE, BOUNCE, UNKNOWN = "none", "salesforce", "unknown"

# Settings: what becomes of MAIL FROM; None: the file is refused.
SETTINGS = {
    **dict.fromkeys("admin-47 admin-off admin-prefix admin-no-namespace admin-no-declaration admin-other-element-namespace admin-comments "
                    "admin-cdata admin-bom admin-crlf admin-white-space admin-utf16le admin-utf16be admin-latin1 admin-instruction "
                    "admin-later admin-deeper admin-standalone hostile-include".split(), NONE),
    **dict.fromkeys("admin-66 admin-bounce admin-character-references admin-digits".split(), BOUNCE),
    **dict.fromkeys("admin-missing admin-empty admin-nil authorization-on authorization-off authorization-misplaced".split(), UNKNOWN),
    **dict.fromkeys("admin-other-namespace admin-child admin-twice admin-word admin-capitals admin-long package hostile-laughs "
                    "hostile-laughs-attribute hostile-external hostile-external-type hostile-parameter hostile-undefined hostile-deep "
                    "hostile-deep-inside hostile-truncated hostile-bad-utf8 hostile-control hostile-nul hostile-two-roots "
                    "hostile-encoding".split(), None),
    "hostile-attribute": UNKNOWN,
}

# Records: exit status, domains, lists of DKIM, and the findings that are to be fixed, but for what merely is not in the file.
RECORDS = {
    **dict.fromkeys("relay relay-rest relay-tree relay-record relay-array relay-68 relay-port-number relay-lower-case relay-bom".split(),
                    (2, [], NOTHING, set())),
    **dict.fromkeys("relay-bulk relay-43 relay-off relay-preferred relay-preferredverify relay-tls-later relay-two".split(), (1, [], NOTHING, {"tls"})),
    **dict.fromkeys("relay-tls-null relay-tls-object".split(), (2, [], NOTHING, set())),
    "relay-host-address": (1, [], NOTHING, {"host"}),
    **dict.fromkeys("relay-port-2525 relay-port-text".split(), (1, [], NOTHING, {"port"})),
    **dict.fromkeys("filter filter-to filter-unasked filter-child".split(), (2, BOTH, KEYS, set())),
    **dict.fromkeys("filter-inactive filter-star filter-empty filter-null filter-suffix filter-loose".split(), (1, BOTH, KEYS, {"filter"})),
    "filter-narrow": (2, ["news.example.com"], KEYS, set()),
    "filter-wider": (1, ["example.com"], KEYS, {"filter"}),
    "filter-elsewhere": (1, [], NOTHING, {"filter", "domains"}),
    "EmailDomainFilter-none": (1, [], NOTHING, {"filter"}),
    **dict.fromkeys("key key-1024 key-record-dot key-replaced key-same-twice address".split(), (2, BOTH, KEYS, set())),
    **dict.fromkeys("key-domain-only key-match-unasked key-pattern-wide key-pattern-and-match".split(), (2, ["example.com"], KEYS, set())),
    "key-subdomains-only": (2, ["*.example.com"], KEYS, set()),
    "key-pattern": (2, ["example.com", "*.mail.example.com"], KEYS, set()),
    "key-unicode": (2, ["xn--bcher-kva.example", "*.xn--bcher-kva.example"], KEYS, set()),
    **dict.fromkeys("key-delegated key-record-elsewhere".split(), (2, BOTH, {"selectors": SELECTORS, "key_zones": []}, set())),
    **dict.fromkeys("key-incomplete key-not-done".split(), (2, BOTH, NOTHING, set())),
    **dict.fromkeys("key-28 key-28-unasked key-match-later key-suffix key-salesforce key-star key-mapped key-deleted key-active-unasked "
                    "hostile-nul".split(), (1, [], NOTHING, {"domains"})),
    **dict.fromkeys("key-inactive key-publishing".split(), (1, [], NOTHING, {"dkim", "domains"})),
    **dict.fromkeys("key-dispute key-dispute-no-id".split(), (1, [], NOTHING, {"dispute", "domains"})),
    **dict.fromkeys("address-57 organization organization-15 organization-sandbox organization-unicode failed".split(), (2, [], NOTHING, set())),
    "hostile-quotes": (2, BOTH, KEYS, set()),
    "hostile-text": (1, [], NOTHING, {"tls", "port", "filter", "dkim", "domains"}),
    "hostile-types": (1, [], NOTHING, {"tls", "filter", "domains"}),
    "hostile-long": (1, [], NOTHING, {"domains"}),
    **dict.fromkeys("organization-wrong organization-several hostile-deep hostile-deep-object hostile-duplicate hostile-duplicate-case "
                    "hostile-truncated hostile-bad-utf8 hostile-number not-ours scratch-definition empty".split(), (65, None, None, None)),
}


def is_printable(text):
    return all(c == "\n" or 32 <= ord(c) < 127 for c in text)


def sections(tap, bench, what, text, organization=None):
    """The one section of a YAML text, which check-config takes."""
    if not tap.ok(is_printable(text), what + ": printable ASCII", text=text):
        return {}
    bench.file("section.yaml", HEAD + text)
    checked = bench.run("check-config", "-c", "section.yaml")
    tap.ok(checked.code == 0, what + ": check-config takes the section", err=checked.err, text=text)
    loaded = yaml.safe_load(text)
    tap.equal((list(loaded), list(loaded["orgs"])), (["orgs"], [organization or ORG]), what + ": one organization, and nothing else")
    section = loaded["orgs"][organization or ORG]
    tap.ok(set(section) <= {"name", "domains", "envelope", "dkim"}, what + ": no other option", section=section)
    return section


def settings(tap, bench):
    for name, bounce in SETTINGS.items():
        result = bench.run("import-org", "--org", ORG, os.path.join(CORPUS, name + ".xml"))
        tap.ok(is_printable(result.out + result.err), name + ": printable", out=result.out, err=result.err)
        if bounce is None:
            tap.equal((result.code, result.out), (65, ""), name + ": refused", err=result.err)
            tap.contains(result.err, name + ".xml: ", name + ": and told of")
            continue
        section = sections(tap, bench, name, result.out)
        wanted = {NONE: {"bounce_domains": []}, BOUNCE: {"bounce_domains": ["*.bnc.salesforce.com"]}, UNKNOWN: None}[bounce]
        tap.equal((section.get("envelope"), section.get("domains")), (wanted, []), name + ": the envelope sender, and no domain", err=result.err)
        tap.equal("substitute addresses are on" in " ".join(result.err.split()), name == "authorization-on", name + ": substitute addresses")


def records(tap, bench):
    for name, (code, domains, dkim, fixes) in RECORDS.items():
        path = os.path.join(CORPUS, name + ".json")
        result = bench.run("import-org", "--org", ORG, path)
        tap.ok(is_printable(result.out + result.err), name + ": printable", out=result.out, err=result.err)
        tap.equal(result.code, code, name + ": exit status", err=result.err)
        if domains is None:
            tap.equal(result.out, "", name + ": no section")
            continue
        section = sections(tap, bench, name, result.out)
        tap.equal(section.get("domains"), domains, name + ": domains", out=result.out)
        tap.equal({**NOTHING, **section.get("dkim", {})}, dkim, name + ": selectors and key zones", out=result.out)
        tap.ok("envelope" not in section, name + ": nothing of the envelope")
        object_ = bench.run("import-org", "--org", ORG, "--json", path).objects()[0]
        tap.equal(object_["yaml"], result.out, name + ": --json has the same section")
        tap.equal((object_["org"]["domains"], {key: object_["org"][key] for key in NOTHING}), (domains, dkim), name + ": and the same values")
        tap.equal({f["id"] for f in object_["findings"] if f["level"] == "fix"}, fixes, name + ": what is to be fixed", findings=object_["findings"])
    tap.equal({name[:-5] for name in os.listdir(CORPUS) if name.endswith(".json")} - set(RECORDS), set(), "every file of JSON is looked at")
    tap.equal({name[:-4] for name in os.listdir(CORPUS) if name.endswith(".xml")} - set(SETTINGS), set(), "and of XML")
    tap.ok(len(os.listdir(CORPUS)) >= 40, "at least 40 files")


def hostile_text(tap, bench):
    """What others wrote is text wherever it goes."""
    result = bench.run("import-org", os.path.join(CORPUS, "hostile-quotes.json"))
    name = "\"}\\ - !!python/object $(id) </script> #{x}: [*a, &b] %s%n"
    tap.equal(sections(tap, bench, "a name in all signs", result.out).get("name"), name, "the name is what it was")
    result = bench.run("import-org", os.path.join(CORPUS, "hostile-text.json"))
    section = sections(tap, bench, "text in every field", result.out)
    tap.equal((section["domains"], section.get("name"), "mode" in section), ([], None, False), "a YAML line break makes no option")
    tap.ok("\x1b" not in result.out + result.err and "$(id) </script> \\x1b[31m" in result.out, "escaped in comments", out=result.out)
    os.mkdir(os.path.join(bench.path, "$(id)\n  x: \x1b[31m"))
    bench.file("$(id)\n  x: \x1b[31m/<script>.json", open(os.path.join(CORPUS, "key.json"), encoding="utf-8").read())
    result = bench.run("import-org", "--org", ORG, "$(id)\n  x: \x1b[31m")
    tap.equal(sections(tap, bench, "file names", result.out)["domains"], BOTH, "the name of a file is a comment")
    objects = bench.run("import-org", "--json", os.path.join(CORPUS, "hostile-text.json"))
    tap.ok(is_printable(objects.out) and objects.objects()[0]["org"]["left_out"], "printable in JSON", out=objects.out)


def record(object_, **fields):
    return {"attributes": {"type": object_}, **fields}


def project(tap, bench):
    """A whole sfdx project: regular files below it and nothing else."""
    def put(path, content):
        os.makedirs(os.path.dirname(os.path.join(bench.path, path)), exist_ok=True)
        bench.file(path, content)

    def copy(name, path):
        with open(os.path.join(CORPUS, name), "rb") as file:
            put(path, file.read())

    copy("admin-off.xml", "p/force-app/main/default/settings/EmailAdministration.settings-meta.xml")
    copy("authorization-on.xml", "p/unpackaged/settings/EmailAuthorization.settings")
    copy("organization.json", "p/data/Organization.json")
    copy("filter.json", "p/data/mail.json")
    put("p/sfdx-project.json", "{\"sourceApiVersion\": \"66.0\"}")
    put("p/tsconfig.json", "{ // no JSON\n}")
    copy("scratch-definition.json", "p/config/project-scratch-def.json")
    put("p/force-app/main/default/settings/Other.settings-meta.xml", "<no xml")
    copy("key-star.json", "p/.sfdx/keys.json")
    copy("key-star.json", "p/node_modules/x/keys.json")
    put("outside/key.json", json.dumps(record("EmailDomainKey", Domain="attacker.test", DomainMatch="DomainOnly", Selector="a", IsActive=True,
                                              AlternateSelector="b", TxtRecordName="a.x.salesforce.com", AlternateTxtRecordName="b.x.salesforce.com")))
    put("outside/EmailAdministration.settings-meta.xml", "<EmailAdministrationSettings><enableHandleBouncedEmails>true</enableHandleBouncedEmails></EmailAdministrationSettings>")
    os.symlink("../outside", os.path.join(bench.path, "p/link"))
    os.symlink("../../outside/key.json", os.path.join(bench.path, "p/data/link.json"))
    os.symlink(".", os.path.join(bench.path, "p/loop"))
    os.mkfifo(os.path.join(bench.path, "p/fifo.json"))
    result = bench.run("import-org", "p")
    section = sections(tap, bench, "a project", result.out)
    tap.equal(section, {"name": "Example Inc", "domains": BOTH, "envelope": {"bounce_domains": []}, "dkim": KEYS}, "a project gives the whole section")
    flat = " ".join(result.err.split())
    tap.contains(flat, "3 symbolic links were not followed", "links are counted")
    tap.contains(flat, "FIX substitute addresses are on", "settings of the old layout are read")
    tap.ok(result.code == 1 and "attacker.test" not in result.out + result.err, "and not followed")
    tap.ok(all(len(line) <= 80 for line in result.err.splitlines()), "findings fit 80 columns", err=result.err)
    for path, words in (("p/link", "symbolic link"), ("p/data/link.json", "symbolic link"), ("p/fifo.json", "neither a regular file nor a folder"),
                        ("p/nothing", "No such file"), ("p/config", "hold no record of")):
        refused = bench.run("import-org", path)
        tap.ok((refused.code, refused.out) == (65, "") and words in refused.err, "%s is refused" % path, err=refused.err)
    copy("hostile-laughs.xml", "p/force-app/main/default/settings/EmailAuthorization.settings-meta.xml")
    refused = bench.run("import-org", "p")
    tap.ok((refused.code, refused.out) == (65, "") and "document type" in refused.err, "a file of email settings that cannot be read stops it", err=refused.err)
    os.unlink(os.path.join(bench.path, "p/force-app/main/default/settings/EmailAuthorization.settings-meta.xml"))
    put("p/data/bad.json", "{\"records\": [{\"attributes\": {\"type\": \"EmailDomainKey\"},")
    tap.equal(bench.run("import-org", "p").code, 65, "so does JSON that names one of the objects")
    os.unlink(os.path.join(bench.path, "p/data/bad.json"))
    copy("admin-bounce.xml", "p/other/EmailAdministration.settings-meta.xml")
    result = bench.run("import-org", "p")
    tap.ok("envelope" not in sections(tap, bench, "two files that differ", result.out), "what two files say differently is not known", out=result.out)
    tap.contains(" ".join(result.err.split()), "enableHandleBouncedEmails is true in one file and false in another", "and told of")
    os.unlink(os.path.join(bench.path, "p/other/EmailAdministration.settings-meta.xml"))
    put("p/old/keys.json", json.dumps(record("EmailDomainKey", Id="0EK8d0000000001", Domain="example.com", Selector="sf1", IsActive=False)))
    result = bench.run("import-org", "p")
    tap.equal(sections(tap, bench, "a key in dispute", result.out)["domains"], [], "a key that another file calls inactive proves nothing")
    os.unlink(os.path.join(bench.path, "p/old/keys.json"))
    put("p/old/org.json", json.dumps(record("Organization", Id=OTHER)))
    tap.equal((bench.run("import-org", "p").code, bench.run("import-org", "p").out), (65, ""), "two organizations give no section")
    os.unlink(os.path.join(bench.path, "p/old/org.json"))
    tap.equal((bench.run("import-org", "--org", OTHER, "p").code, bench.run("import-org", "--org", OTHER, "p").out), (65, ""), "so does another ID than --org")
    put("deep/" + "d/" * 40 + "x.json", "{}")
    tap.contains(bench.run("import-org", "deep").err, "too deep", "folders that are too deep are told of")
    for name, rows in (("domains", [record("EmailDomainFilter", IsActive=True, FromDomain=",".join("d%d-%d.test" % (i, j) for j in range(250))) for i in range(20)]),
                       ("comparisons", [record("EmailDomainKey", Domain="k%d.test" % i, Selector="s", IsActive=True, TxtRecordName="s.x.salesforce.com") for i in range(2000)]
                        + [record("EmailDomainFilter", IsActive=True, FromDomain="a.b," * 1000) for i in range(100)]),
                       ("records", [record("OrgWideEmailAddress", Address="x%d@example.com" % i) for i in range(6000)])):
        put("many.json", json.dumps(rows))
        many = bench.run("import-org", "--org", ORG, "many.json")
        tap.ok((many.code, many.out) == (65, "") and "more" in many.err, "too many %s are told of" % name, err=many.err)
    with open(os.path.join(bench.path, "large.json"), "wb") as file:
        file.truncate(1 << 33)
    large = bench.run("import-org", "large.json")
    tap.ok(large.code == 65 and "larger than" in large.err, "a file of 8 GB is not read to its end", err=large.err)


CONFIGURED = HEAD + """\
orgs:
  00D8d000003TRx3EAG:
    domains: [example.com, example.org]
    reject_unless: %s
    envelope: {bounce_domains: [%s]}
    dkim: {selectors: [%s], key_zones: [%s]}
    auth: {users: [x]}
"""


def against(tap, bench):
    """What contradicts the configuration there is."""
    def findings(*arguments, config=None, code=0):
        bench.file("c.yaml", config or CONFIGURED % ("tls and org and from and envelope and auth", "", "", ""))
        result = bench.run("import-org", "-c", "c.yaml", "--json", "--org", ORG, *(os.path.join(CORPUS, a) if a.endswith((".json", ".xml")) else a for a in arguments))
        tap.equal(result.code in (0, 1, 2), True, "%s: judged" % (arguments,), err=result.err)
        return {(f["level"], f["id"]): f["text"] for f in result.objects()[0]["findings"]}

    found = findings("filter.json", "admin-bounce.xml")
    tap.contains(found.get(("fix", "envelope"), ""), "envelope.bounce_domains of the configuration does not have", "bounce management against envelope")
    tap.contains(found.get(("advice", "dmarc"), ""), "DMARC rests on DKIM alone", "and DMARC")
    tap.ok(("ok", "port") in found, "10025 is ours")
    texts = " ".join(text for (level, id_), text in found.items() if id_ == "domains")
    tap.ok("example.org" in texts or "*.example.com" in texts, "domains of both sides are compared", got=texts)
    found = findings("key-inactive.json", "admin-bounce.xml")
    tap.contains(found.get(("fix", "dmarc"), ""), "DMARC fails", "without an active key DMARC fails")
    found = findings("relay-43.json")
    tap.contains(found.get(("fix", "port"), ""), "the port is 25, but the milter guards 10025", "another port than ours")
    found = findings("relay-43.json", "--port", "25")
    tap.ok(("ok", "port") in found, "unless --port says so")
    found = findings("relay-preferred.json")
    tap.contains(found.get(("fix", "auth"), ""), "cannot hold without auth", "no login where auth is asked for")
    found = findings("key.json", config=CONFIGURED % ("from and dkim", "\"*.bnc.salesforce.com\"", "sf1", "\"*.other.example\""))
    tap.contains(found.get(("fix", "selectors"), ""), "does not have sf2", "a selector that the configuration lacks")
    tap.ok(("fix", "key-zones") in found, "a key zone that does not cover the key")
    found = findings("key.json", "admin-off.xml", config=CONFIGURED % ("from and dkim", "\"*.bnc.salesforce.com\"", "sf1, sf2", "\"*.custdkim.salesforce.com\""))
    tap.ok(("fix", "selectors") not in found and ("fix", "key-zones") not in found, "what covers is right")
    tap.contains(found.get(("advice", "envelope"), ""), "can be []", "bounce domains that nobody needs")
    found = findings("relay-two.json", "--relay", "RELAY.example.com")
    tap.ok(("fix", "tls") not in found and ("ok", "tls") in found, "--relay names one of several")
    ports = bench.run("check-config", "-c", "c.yaml", "--mta", "postfix").out
    tap.contains(ports, "'10025/inet=10025 inet n", "the port that check-config makes is the one")


def usage(tap, bench):
    for arguments in ([], ["--org", "00D", "x"], ["--port", "0", "x"], ["--port", "x", "x"], ["--no-such", "x"]):
        result = bench.run("import-org", *arguments)
        tap.equal((result.code, result.out), (64, ""), "%r is wrong usage" % arguments, err=result.err)
    bench.file("bad.yaml", "mode: perhaps\n")
    tap.equal(bench.run("import-org", "-c", "bad.yaml", os.path.join(CORPUS, "key.json")).code, 78, "a configuration with an error: 78")
    with open(os.path.join(CORPUS, "filter.json"), "rb") as file:
        result = bench.run("import-org", "--org", ORG, "-", stdin=file.read())
    tap.equal(sections(tap, bench, "standard input", result.out)["domains"], BOTH, "- is standard input")
    missing = bench.run("import-org", os.path.join(CORPUS, "key.json"))
    tap.ok((missing.code, missing.out) == (65, "") and "give --org" in " ".join(missing.err.split()), "without an ID there is no section", err=missing.err)


def never_wider(tap, bench):
    """Made-up organizations against a simple reading of what proves a domain."""
    chance = random.Random(20261128)
    names = ["example.com", "a.example.com", "b.a.example.com", "example.net", "com", "co.uk", "x.co.uk", "notexample.com", "x.sfcustomeremail.com"]
    wild = names + ["*." + name for name in names] + ["*", "*example.com", "exa*le.com", "", "$(id)"]
    public = {"com", "co.uk", "x.sfcustomeremail.com"}
    wider, some = [], 0
    probes = names + ["q." + name for name in names] + ["gmail.com", "evilexample.com"]

    def covers(pattern, name):
        return pattern == name or pattern.startswith("*.") and name.endswith(pattern[1:])

    for number in range(100):
        rows = []
        for i in range(chance.randrange(1, 5)):
            rows.append(record("EmailDomainKey", Id="0EK8d00000000%02dAAA" % i, Domain=chance.choice(names), Selector="s%d" % i, AlternateSelector="t%d" % i,
                               DomainMatch=chance.choice(["DomainOnly", "SubdomainsOnly", "DomainAndSubdomains", "Else", None]),
                               DomainMatchPattern=chance.choice([None, None, ",".join(chance.sample(wild, 3))]),
                               TxtRecordName=chance.choice(["s.x.custdkim.salesforce.com", "s.x.custdkim.salesforce.com", None]),
                               AlternateTxtRecordName="t.x.custdkim.salesforce.com", IsActive=chance.choice([True, True, False, "true", None, "yes"]),
                               TxtRecordsPublishState=chance.choice(["Published", "Published", "Publishing failed"])))
        for i in range(chance.randrange(0, 3)):
            rows.append(record("EmailDomainFilter", Id="0RF8d00000000%02dAAA" % i, FromDomain=chance.choice([None, ", ".join(chance.sample(wild, 2))]),
                               IsActive=chance.choice([True, False])))
        for i, name in enumerate(chance.sample(names, 2)):
            rows.append(record("OrgWideEmailAddress", Address="x@" + name, IsVerified=True))
        bench.file("random.json", json.dumps(rows))
        result = bench.run("import-org", "--json", "--org", ORG, "random.json")
        domains = result.objects()[0]["org"]["domains"]
        some += bool(domains)
        proofs = [row for row in rows if row["attributes"]["type"] == "EmailDomainKey" and row["IsActive"] in (True, "true") and row["TxtRecordName"]
                  and row["TxtRecordsPublishState"] == "Published" and row["Domain"] not in public]
        for domain, name in itertools.product(domains, probes):
            if covers(domain, name) and not any(
                    (name == key["Domain"] and key["DomainMatch"] in ("DomainOnly", "DomainAndSubdomains", None))
                    or (name.endswith("." + key["Domain"]) and (key["DomainMatch"] in ("SubdomainsOnly", "DomainAndSubdomains") or key["DomainMatchPattern"]))
                    for key in proofs):
                wider.append((number, domain, name, rows))
    tap.ok(some > 25, "%d of 100 made-up organizations have domains" % some)
    tap.equal(wider[:1], [], "no domain that no active key proves")


main(settings, records, hostile_text, project, against, usage, never_wider)
